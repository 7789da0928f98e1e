"""Values that are asked for over HTTP, from Python's web server: live factors, faults of all kinds, TLS, and restarts."""

import json
import select
import subprocess
import time
from datetime import datetime, timezone
from decimal import Decimal

import pytest

from harness import CARBONGATE, wait_until
from http_servers import HttpGateway, WebServer, basic, http_device, write_site
from mqtt_servers import export, make_certificates

START = 1_767_225_600  # 2026-01-01T00:00:00Z
QUARTER = 900
INTENSITY = [{"name": "intensity", "json": "/intensity", "unit": "1"}]
STAMP = {"json": "/at", "format": "epoch-s"}


@pytest.fixture
def server():
    with WebServer() as running:
        yield running


def run(*args, env=None):
    return subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, text=True, check=False, timeout=60, env=env)


def one_device(tmp_path, server, path="/grid", **keys):
    return write_site(tmp_path / "site.yaml", [http_device(server, "grid", path, INTENSITY, **{"timestamp": STAMP, **keys})])


def ask_once(config, env=None):
    """(the value or None, what `carbongate read` says is wrong)"""
    result = run("read", config, "--json", env=env)
    assert result.stderr == "" or "warning" in result.stderr, result.stderr
    [device] = json.loads(result.stdout)["devices"]
    assert (result.returncode == 0) == device["answered"]
    values = [reading["value"] for reading in device["readings"]]
    return values[0] if values else None, device.get("error", "")


def values_of(config, device="grid"):
    return [float(row["value"]) for row in export(config, "readings") if row["device"] == device]


def hour(k, intensity):
    return {"at": START + 3600 * k, "intensity": intensity}


def test_check_says_what_is_asked_and_what_is_wrong(tmp_path, server):
    config = one_device(tmp_path, server, interval="5min", updates_every="1h")
    result = run("check", config)
    assert result.returncode == 0 and result.stderr == "", result.stderr
    assert f"grid  http http://127.0.0.1:{server.port}/grid (grid), 1 point" in result.stdout
    wrong = run("check", one_device(tmp_path, server, interval="10ms", bodymax=3, headers=[{"name": "Host", "value": "x"}]))
    assert wrong.returncode == 78
    for said in ("interval", "unknown key 'bodymax'; did you mean 'body_max'?", "Host is set by the gateway itself"):
        assert said in wrong.stderr
    assert server.requests == [], "check opens nothing"


def test_a_live_factor_comes_over_http(tmp_path, server):
    """An hourly intensity, asked for each second, makes the entries of its hours; it is one reading an hour all the same."""
    users = [{"id": "hall", "consumes": [{"carrier": "electricity", "from": "meter.energy", "factor_set": "grid-live", "method": "live"}]}]
    live = {"set": "grid-live", "carrier": "electricity", "region": "CN-SC", "from": "grid.intensity", "unit": "gCO2/kWh", "hold": "2h",
            "source": "grid operator"}
    energy = [{"name": "energy", "json": "/kwh", "unit": "kWh", "kind": "cumulative", "power_max": "1 MW"}]
    devices = [http_device(server, "grid", "/grid", INTENSITY, records="/data", timestamp=STAMP, updates_every="1h"),
               http_device(server, "meter", "/meter", energy, records="", timestamp=STAMP, updates_every="15min")]
    config = write_site(tmp_path / "site.yaml", devices, users, factors={"live": [live]})
    server.pages["/grid"] = {"data": [hour(1, 302.5), hour(0, 250)]}  # the newest first
    with HttpGateway(config, tmp_path / "log").start() as gateway:
        wait_until(lambda: values_of(config) == [250, 302.5], what="both hours")
        server.pages["/meter"] = [{"at": START + QUARTER * k, "kwh": 100 + 10 * k} for k in range(9)]
        entries = wait_until(lambda: len(found := export(config, "entries")) == 8 and found, what="the entries")
        asked = server.count("/grid")
        wait_until(lambda: server.count("/grid") >= asked + 3, what="further polls")
        assert gateway.stop() == 0
    assert [row["factor"] for row in entries] == \
        ["grid-live/CN-SC/live/2026-01-01T00:00Z"] * 4 + ["grid-live/CN-SC/live/2026-01-01T01:00Z"] * 4
    assert [Decimal(row["co2e_kg"]) for row in entries] == [Decimal("2.5")] * 4 + [Decimal("3.025")] * 4, entries[0]
    assert values_of(config) == [250, 302.5], "what an answer repeats is no reading"

    with HttpGateway(config, tmp_path / "log").start() as gateway:  # which hears all of it again
        asked = server.count("/meter")
        server.pages["/meter"].append({"at": START + QUARTER * 9, "kwh": 190})
        wait_until(lambda: len(export(config, "entries")) == 9, what="the entry of the next quarter hour")
        assert server.count("/meter") > asked and gateway.stop() == 0
    assert sum(Decimal(row["amount"]) for row in export(config, "entries")) == 90


def test_a_server_that_goes_and_comes_back(tmp_path, server):
    config = one_device(tmp_path, server)
    server.pages["/grid"] = hour(0, 250)
    with HttpGateway(config, tmp_path / "log").start() as gateway:
        wait_until(lambda: gateway.says("): online"), what="the first answer")
        server.kill()
        wait_until(lambda: gateway.says("offline: cannot connect to 127.0.0.1"), 30, "the loss")
        server.pages["/grid"] = hour(1, 251)
        server.start()
        wait_until(lambda: values_of(config) == [250, 251], 60, "the value after the return")
        assert gateway.output().count("): online") == 2
        assert gateway.stop() == 0


def test_trouble_under_way_is_said_and_passes(tmp_path, server):
    """Each fault in its turn; between two of them the gateway waits longer and longer, and asks for nothing meanwhile."""
    faults = [lambda h: h.answer(500, "out of order"), lambda h: h.answer(200, "<html>log in</html>"),
              lambda h: h.answer(503, "", {"Retry-After": "1"})]

    def page(handler):
        faults.pop(0)(handler) if faults else handler.answer(200, json.dumps(hour(2, 200)))

    server.pages["/grid"] = page
    config = one_device(tmp_path, server)
    with HttpGateway(config, tmp_path / "log").start() as gateway:
        began = time.monotonic()
        wait_until(lambda: values_of(config) == [200], 60, "the value after the faults")
        assert server.count("/grid") <= 5 + time.monotonic() - began, "no busy loop"
        for said in ("offline: HTTP 500: out of order", "offline: the payload is not JSON", "offline: HTTP 503", "): online"):
            assert gateway.says(said), gateway.output()
        assert gateway.stop() == 0


def chunked(handler):
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    text = json.dumps(hour(0, 250)).encode()
    for part in (text[:7], text[7:], b""):
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))


def without_length(handler):
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(json.dumps(hour(0, 250)).encode())
    handler.close_connection = True


@pytest.mark.parametrize("page", [hour(0, 250), chunked, without_length], ids=["plain", "chunked", "until the end"])
def test_answers_of_every_shape_are_read(tmp_path, server, page):
    server.pages["/grid"] = page
    assert ask_once(one_device(tmp_path, server)) == (250, "")


def dripping(handler):
    """A byte now and then: each comes in time, the answer does not."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b" ")
        if select.select([handler.connection], [], [], 0.1)[0]:  # the gateway has gone
            return


def cut_off(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"at":')
    handler.close_connection = True


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    while True:  # until the gateway closes
        handler.wfile.write(b" " * 65536)


def endless_headers(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:  # until the gateway closes
        handler.wfile.write(b"X-More: " + b"x" * 1000 + b"\r\n")


FAULTS = {
    "404": (None, "HTTP 404: no such page"),
    "500": (lambda h: h.answer(500, "<html>"), "HTTP 500"),
    "redirect": (lambda h: h.answer(302, "", {"Location": "https://elsewhere.example/x?key=s3cret"}),
                 "HTTP 302: redirects to https://elsewhere.example/x; redirects are not followed: write the right address as `url`"),
    "not json": (lambda h: h.answer(200, "<html>log in</html>"), "the payload is not JSON: syntax error"),
    "half of it": (lambda h: h.answer(200, '{"at": 1'), "the payload is not JSON: incomplete JSON"),
    "nothing": (lambda h: h.answer(200), "the payload is empty"),
    "no content": (lambda h: h.answer(204), "the payload is empty"),
    "bytes": (lambda h: h.answer(200, "\x00\x01\x02"), "the payload is not JSON: syntax error"),
    "deep": (lambda h: h.answer(200, "[" * 100_000), "the payload is not JSON: too deep"),
    "other keys": ({"at": START, "value": 1}, "the answer has none of the points; check the `json` pointers"),
    "no time": ({"intensity": 1}, "no time at /at"),
    "too long": (lambda h: h.answer(200, "[" + "1," * 200_000 + "1]"), "the answer is longer than body_max (300000 bytes)"),
    "endless": (endless, "the answer is longer than body_max (300000 bytes)"),
    "endless headers": (endless_headers, "header limit exceeded"),
    "dripping": (dripping, "no answer within 1000 ms"),
    "cut off": (cut_off, "partial message"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_no_answer_says_why(tmp_path, server, name):
    page, said = FAULTS[name]
    server.pages["/grid"] = page
    value, error = ask_once(one_device(tmp_path, server, body_max=300_000, timeout="1s"))
    assert value is None and said in error


def test_a_server_that_is_nowhere(tmp_path, server):
    server.kill()
    assert "cannot connect to 127.0.0.1" in ask_once(one_device(tmp_path, server))[1]
    server.start()
    config = one_device(tmp_path, server, url="http://no-such-host.invalid/grid")
    assert "cannot find no-such-host.invalid:80" in ask_once(config)[1]


def test_an_unchanged_answer_is_not_sent_again(tmp_path, server):
    def page(handler):
        if handler.headers.get("If-None-Match") == '"1"':
            handler.send_response(304)
            handler.end_headers()
        else:
            handler.answer(200, json.dumps(hour(0, 250)), {"ETag": '"1"'})

    server.pages["/grid"] = page
    config = one_device(tmp_path, server)
    with HttpGateway(config, tmp_path / "log").start() as gateway:
        wait_until(lambda: server.count("/grid") >= 4, what="four polls")
        assert gateway.stop() == 0
        assert not gateway.says("offline")
    assert values_of(config) == [250]
    assert [headers.get("If-None-Match") for _, headers in server.requests[:3]] == [None, '"1"', '"1"']


def locked(allowed):
    """A page for those who say `allowed`: (header, value)."""
    def page(handler):
        if handler.headers.get(allowed[0]) == allowed[1]:
            handler.answer(200, json.dumps(hour(0, 250)))
        else:
            handler.answer(401, "who are you?")
    return page


@pytest.mark.parametrize(("allowed", "keys"), [
    (("Authorization", basic("me", "s3cret")), {"username": "me", "password_env": "SECRET"}),
    (("Authorization", "Bearer s3cret"), {"token_env": "SECRET"}),
    (("auth-token", "s3cret"), {"headers": [{"name": "auth-token", "value_env": "SECRET"}]}),
    (("auth-token", "s3cret"), {"headers": [{"name": "auth-token", "value_file": "secret.txt"}]}),
    (("Accept", "application/vnd.grid+json"), {"headers": [{"name": "accept", "value": "application/vnd.grid+json"}]}),
], ids=["basic", "bearer", "header from the environment", "header from a file", "accept"])
def test_who_is_asking(tmp_path, server, allowed, keys):
    (tmp_path / "secret.txt").write_text("s3cret\n")
    (tmp_path / "secret.txt").chmod(0o600)
    server.pages["/grid"] = locked(allowed)
    assert ask_once(one_device(tmp_path, server, **keys), env={"SECRET": "s3cret"}) == (250, "")
    assert ask_once(one_device(tmp_path, server)) == (None, "HTTP 401: who are you?")


def test_tls_is_verified(tmp_path):
    make_certificates(tmp_path)
    with WebServer(certificates=tmp_path) as server:
        server.pages["/grid"] = hour(0, 250)
        for host in ("127.0.0.1", "localhost"):
            assert ask_once(one_device(tmp_path, server, url=server.url("/grid", host), ca_file="ca.crt")) == (250, "")
        assert "certificate verify failed" in ask_once(one_device(tmp_path, server))[1]
        plain = one_device(tmp_path, server, url=f"http://127.0.0.1:{server.port}/grid")
        assert ask_once(plain)[0] is None
        other = server.url("/grid", "127.0.0.2")  # the same server under a name that its certificate does not have
        assert ask_once(one_device(tmp_path, server, url=other, ca_file="ca.crt"))[0] is None
    with WebServer() as server:
        assert "no TLS with 127.0.0.1" in ask_once(one_device(tmp_path, server, url=f"https://127.0.0.1:{server.port}/grid"))[1]


def test_a_value_without_a_time_is_of_when_it_was_heard(tmp_path, server):
    server.pages["/grid"] = {"intensity": 7}
    config = write_site(tmp_path / "site.yaml", [http_device(server, "grid", "/grid", INTENSITY)])
    with HttpGateway(config, tmp_path / "log").start() as gateway:
        wait_until(lambda: len(values_of(config)) >= 3, what="three readings of the same value")
        assert gateway.stop() == 0
    now = datetime.now(timezone.utc).timestamp()
    for row in export(config, "readings"):
        assert abs(datetime.fromisoformat(row["time"].replace("Z", "+00:00")).timestamp() - now) < 60, row
