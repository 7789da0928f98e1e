"""The HTTP server of a running gateway: its present, its past, its downloads, its stream, and what it refuses."""

import csv
import gzip
import http.client
import io
import json
import re
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from datetime import timedelta

import pytest
from api_site import DAYS, Events, Site, escaped, request
from harness import BUILD, CARBONGATE, SOURCE, Process, accepts, free_port, wait_until


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("api")) as running:
        yield running.start()


def test_probes_and_metrics(site):
    assert site.get("/healthz").body == b"ok\n"
    assert site.get("/readyz").status == 200
    answer = site.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    names = set()
    for line in answer.body.decode().splitlines():
        if line.startswith("# "):
            names.add(line.split()[2])
            continue
        assert re.fullmatch(r'carbongate_[a-z0-9_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [-+0-9.e]+', line), line
        assert line.split("{")[0].split(" ")[0] in names, f"{line}: told before its type"
    assert {"carbongate_ready", "carbongate_sink_waiting_rows", "carbongate_conservation_breaches_total"} <= names
    for rule in ("no-factor", "no-coal-factor", "no-market-factor"):
        assert f'carbongate_entries_without_factor_total{{rule="{rule}"}} 0\n' in answer.body.decode()


def test_what_became_of_a_sinks_rows_adds_up_in_the_metrics(site):
    def states():
        found = re.findall(r'carbongate_sink_account_rows\{sink="([^"]+)",state="(\w+)"\} (\d+)', site.get("/metrics").body.decode())
        sinks = {}
        for sink, state, count in found:
            sinks.setdefault(sink, {})[state] = int(count)
        return sinks
    sinks = wait_until(states, what="an audit")
    for counts in sinks.values():
        assert set(counts) == {"received", "accepted", "skipped", "refused", "missed", "lost", "pending"}
        assert counts.pop("received") == sum(counts.values())


def test_prometheus_tools_find_nothing_to_say_about_the_metrics(site):
    checked = subprocess.run(["promtool", "check", "metrics"], input=site.get("/metrics").body, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_curl_gets_what_it_asks_for(site):
    url = f"http://127.0.0.1:{site.port}/api/v1/site"
    plain = subprocess.run(["curl", "-sS", "-i", url], capture_output=True, check=True).stdout.decode()
    assert plain.startswith("HTTP/1.1 200 OK\r\n")
    for header in ("X-Content-Type-Options: nosniff", "X-Frame-Options: DENY", "Content-Security-Policy: default-src 'none'"):
        assert header in plain
    packed = subprocess.run(["curl", "-sS", "--compressed", url], capture_output=True, check=True).stdout
    assert json.loads(packed)["name"] == "示范工厂"


def test_an_etag_saves_sending_it_again(site):
    first = site.get("/api/v1/site")
    again = site.get("/api/v1/site", {"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    packed = site.get("/api/v1/site", {"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.body) == first.body


def test_the_site_as_configured(site):
    told = site.json("/api/v1/site")
    assert [user["id"] for user in told["energy_users"]] == ["park", "press-shop", "boiler-house"]
    assert told["energy_users"][1]["part_of"] == "park"
    assert {source["id"]: source["renewable"] for source in told["sources"]} == {"grid": False, "own": True, "natural-gas": False}
    assert {quota["energy_user"]: quota["quota"] for quota in told["quotas"]} == {"press-shop": 5000}
    assert {device["id"]: device["driver"] for device in told["devices"]}["roof"] == "mqtt"


def test_what_a_meter_says_is_live_within_two_seconds(site):
    events = Events(site.port, "/api/v1/stream?points=incomer.power")
    try:
        events.wait_for("now")
        for step in range(3):
            before = time.monotonic()
            site.publish("incomer", p=210.5 + step)
            events.wait_for("readings", lambda data: data["readings"][-1]["value"] == 210.5 + step)
            assert time.monotonic() - before < 2
    finally:
        events.close()
    points = {p["point"]: p for p in site.json("/api/v1/devices/incomer")["points"]}
    assert points["incomer.power"]["value"] == 212.5 and points["incomer.power"]["quality"] == "measured"


def test_now_adds_up(site):
    for later_ms in (0, 10_000, 20_000):
        for device, amount in {"incomer": 0.4, "roof": 0.1, "press": 0.2, "boiler": 0.1}.items():
            site.publish(device, amount if later_ms else 0, later_ms, **({"p": 160} if device == "incomer" else {}))

    def counted():
        told = site.json("/api/v1/now")
        return told if told["power_kw"] == pytest.approx(180, rel=0.01) and len(told["flows"]["links"]) == 5 else None

    now = wait_until(counted, what="144 kW and 36 kW, and the gas")
    assert now["data_age_s"] < 30 and now["time_is_known"]
    sources = {source["id"]: source for source in now["sources"]}
    assert sources["grid"]["power_kw"] + sources["own"]["power_kw"] == pytest.approx(now["power_kw"])
    assert sources["own"]["co2e_kg_per_h"] == 0
    assert sources["natural-gas"]["rate_unit"] == "Nm3/h" and sources["natural-gas"]["power_kw"] > 9 * sources["natural-gas"]["rate"]
    assert now["grid"]["factor"].startswith("cn-grid/CN-SC/average/")
    links = {(link["source"], link["target"]): link["power_kw"] for link in now["flows"]["links"]}
    into = sum(kw for (_, target), kw in links.items() if target == "user:park")
    out_of = sum(kw for (source, _), kw in links.items() if source == "user:park")
    assert into == pytest.approx(out_of) and ("user:park", "user:press-shop") in links
    nodes = {node["id"] for node in now["flows"]["nodes"]}
    assert {end for link in links for end in link} == nodes
    quota = now["quotas"][0]
    assert 0 < quota["coverage_percent"] <= 100
    assert quota["used_percent"] == pytest.approx(quota["used"] / quota["quota"] * 100, abs=0.01)


def test_the_stream_goes_on_where_a_client_was(site):
    events = Events(site.port, "/api/v1/stream?points=incomer.power")
    site.publish("incomer", 0, p=301)
    seen, *_ = events.wait_for("readings", lambda data: data["readings"][-1]["value"] == 301)
    events.close()
    wait_until(lambda: b"carbongate_http_streams 0\n" in site.get("/metrics").body, what="nobody hearing the stream")
    site.publish("incomer", 0, p=302)
    wait_until(lambda: site.json("/api/v1/devices/incomer")["points"][1]["value"] == 302, what="the reading")
    again = Events(site.port, "/api/v1/stream?points=incomer.power", last_id=seen)
    try:
        _, _, data = again.wait_for("readings")
        assert [reading["value"] for reading in data["readings"]] == [302]
        assert "reset" not in [event for _, event, _ in again.all]
    finally:
        again.close()


@pytest.mark.parametrize("last_id", ["1-1", "nonsense", "-", "99999999999999999999-1"])
def test_a_client_of_another_run_begins_anew(site, last_id):
    events = Events(site.port, last_id=last_id)
    try:
        events.wait_for("reset")
        events.wait_for("now")
    finally:
        events.close()


def test_an_alert_comes_by_the_stream_and_is_acknowledged(site):
    events = Events(site.port)
    try:
        events.wait_for("now")
        site.publish("incomer", 0, p=950)
        _, _, alert = events.wait_for("alert", lambda data: data["state"] == "firing")
        assert (alert["rule"], alert["subject"], alert["value"], alert["limit"], alert["severity"]) == ("overload", "incomer.power", 950, 800, "critical")
        active = site.json("/api/v1/alerts")["alerts"]
        assert [one["id"] for one in active if one["state"] == "firing"] == [alert["id"]]
        for note, why in (("a\nb", "line break"), ("电" * 1001, "1001 characters, of at most 1000")):
            refused = site.get(f"/api/v1/alerts/{alert['id']}/acknowledgement", {"Content-Type": "application/json"}, "POST", json.dumps({"note": note}))
            assert refused.status == 400 and why in json.loads(refused.body)["detail"]
        said = site.get(f"/api/v1/alerts/{alert['id']}/acknowledgement", {"Content-Type": "application/json"}, "POST", json.dumps({"note": "电工已到 <b>"}))
        assert said.status == 202
        _, _, seen = events.wait_for("alert", lambda data: data["state"] == "acknowledged")
        assert seen["note"] == "电工已到 <b>" and seen["by"] == "dashboard"
        again = site.get(f"/api/v1/alerts/{alert['id']}/acknowledgement", {"Content-Type": "application/json"}, "POST", "{}")
        assert again.status == 409 and "by dashboard at 20" in json.loads(again.body)["detail"]
        site.publish("incomer", 0, p=160)
        events.wait_for("alert", lambda data: data["state"] == "resolved")
    finally:
        events.close()
    assert site.get(f"/api/v1/alerts/{alert['id']}/acknowledgement", method="POST").status == 404
    assert site.get("/api/v1/alerts/0123456789abcdef/acknowledgement", method="POST").status == 404


def test_alerts_by_pages(site):
    whole = site.json("/api/v1/alerts?state=all")["alerts"]
    assert len(whole) >= 1 and whole[-1]["rule"] == "overload"
    pages, cursor = [], ""
    while cursor is not None:
        page = site.json(f"/api/v1/alerts?state=all&limit=1{cursor and '&cursor=' + cursor}")
        pages += page["alerts"]
        cursor = page["next"]
    assert pages == whole


def columns(told, measure="values"):
    return {(one["carrier"], one["supply"]): one[measure] for one in told["series"]}


def test_series_are_what_the_books_say(site):
    begin = site.begin.strftime("%Y-%m-%d")
    quarters = site.json(f"/api/v1/energy-users/park/series?interval=quarter_hour&from={begin}&until={escaped(plus_days(site, 1))}")
    assert len(quarters["begin"]) == 96 and quarters["begin"][1] - quarters["begin"][0] == 900
    assert columns(quarters) == {("electricity", "grid"): [40.0] * 96, ("electricity", "own"): [10.0] * 96}
    assert columns(quarters, "coverage_percent")["electricity", "grid"] == [100.0] * 96
    days = site.json(f"/api/v1/energy-users/park/series?interval=day&from={begin}&until={escaped(plus_days(site, 3))}")
    assert columns(days)["electricity", "grid"] == [3840.0] * 3
    hours = site.json(f"/api/v1/energy-users/site/series?interval=hour&from={begin}&until={escaped(plus_days(site, 1))}")
    assert columns(hours)["electricity", "grid"] == [160.0] * 24 and columns(hours)["natural-gas", "natural-gas"] == [12.0] * 24
    coal = site.json(f"/api/v1/energy-users/boiler-house/series?measure=kgce&interval=day&from={begin}&until={escaped(plus_days(site, 1))}")
    carbon = site.json(f"/api/v1/energy-users/boiler-house/series?measure=co2e&scope=1&interval=day&from={begin}&until={escaped(plus_days(site, 1))}")
    rows = [row for row in rollups(site) if row["user"] == "boiler-house" and row["period"] == "day" and row["begin"].startswith(begin)]
    assert columns(coal)["natural-gas", "natural-gas"] == [pytest.approx(float(rows[0]["coal_kgce"]))]
    assert columns(carbon)["natural-gas", "natural-gas"] == [pytest.approx(float(rows[0]["co2e_kg"]))]
    assert site.json(f"/api/v1/energy-users/boiler-house/series?measure=co2e&scope=2&from={begin}&until={escaped(plus_days(site, 1))}")["series"] == []


def plus_days(site, days):
    return (site.begin + timedelta(days=days)).isoformat()


def rollups(site):
    return list(csv.DictReader(io.StringIO(site.run("export", site.config, "--what", "rollups").decode())))


def test_coverage_of_a_device(site):
    begin = site.begin.strftime("%Y-%m-%d")
    told = site.json(f"/api/v1/devices/press/coverage?from={begin}&until={escaped(plus_days(site, 2))}")
    assert told["days"]["percent"] == [100.0, 100.0] and told["hours"]["percent"] == [100.0] * 48


def test_readings_by_slots(site):
    begin = site.begin.strftime("%Y-%m-%d")
    target = f"/api/v1/points/incomer.power/readings?from={begin}&until={escaped(plus_days(site, 1))}"
    every_one = site.json(target)
    assert every_one["count"] == [1] * 96 and max(every_one["max"]) == 900 and every_one["unit"] == "kW"
    few = site.json(target + "&points=4")
    assert few["count"] == [24] * 4 and few["every_s"] == 21600 and few["max"] == [160, 900, 160, 160]
    assert few["mean"][1] == pytest.approx((23 * 160 + 900) / 24)


def test_entries_by_pages_are_those_of_the_export(site):
    begin = site.begin.strftime("%Y-%m-%d")
    target = f"/api/v1/ledger/entries?from={begin}&until={escaped(plus_days(site, 1))}"
    entries, cursor = [], ""
    while cursor is not None:
        page = site.json(f"{target}&limit=37{cursor and '&cursor=' + cursor}")
        entries += page["entries"]
        cursor = page["next"]
    exported = site.run("export", site.config, "--what", "entries", "--from", begin, "--to", plus_days(site, 1)).decode()
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert len(entries) == len(rows) == 4 * 96
    for entry, row in zip(entries, rows):
        assert (entry["energy_user"], entry["carrier"], entry["factor"] or "") == (row["user"], row["carrier"], row["factor"])
        assert entry["co2e_kg"] == float(row["co2e_kg"]) and entry["amount"] == float(row["amount"])
        assert (entry["part_of"] or "") == row["part_of"] and str(entry["scope"]) == row["scope"]
    some = site.json(f"{target}&energy_user=boiler-house&carrier=natural-gas&scope=1")["entries"]
    assert len(some) == 96 and {entry["gases_kg"].keys() >= {"CO2"} for entry in some} == {True}


def test_every_number_opens_its_explanation(site):
    entry = site.json("/api/v1/ledger/entries?limit=1")["entries"][0]
    told = site.get(f"/api/v1/ledger/entries/{escaped(entry['name'])}/explanation")
    assert told.status == 200, told.body
    assert told.body == site.run("explain", site.config, entry["name"], "--json")
    month = f"park@{site.begin.strftime('%Y-%m')}"
    assert site.get(f"/api/v1/ledger/entries/{escaped(month)}/explanation").body == site.run("explain", site.config, month, "--json")
    assert site.get(f"/api/v1/ledger/entries/{escaped('nobody@2020')}/explanation").status == 404
    assert site.get(f"/api/v1/ledger/entries/{escaped('@@')}/explanation").status == 400


def test_seals(site):
    told = site.json("/api/v1/ledger/seals?limit=1")
    assert told["entries"] >= DAYS * 4 * 96 - 8 and told["trouble"] is None
    assert len(told["seals"]) == 1 and re.fullmatch("[0-9a-f]{128}", told["seals"][0]["signature"])


@pytest.mark.parametrize("form", ["json", "csv", "table"])
@pytest.mark.parametrize("by", ["user", "gas"])
def test_a_statement_is_that_of_the_command(site, form, by):
    month = site.begin.strftime("%Y-%m")
    told = site.get(f"/api/v1/statements/{month}?by={by}&format={form}&download=1")
    assert told.body == site.run("statement", site.config, "--period", "month", "--of", month, "--by", by, "--format", form)
    assert f"works-statement-{month}." in told.headers["Content-Disposition"]


@pytest.mark.parametrize("kind", ["readings", "intervals", "entries", "rollups", "alerts", "reports", "corrections", "ledger"])
@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_download_is_the_export(site, kind, form):
    stretch = site.begin.strftime("%Y-%m-%d"), plus_days(site, 2)
    told = site.get(f"/api/v1/exports/{kind}?format={form}&from={stretch[0]}&until={escaped(stretch[1])}")
    expected = site.run("export", site.config, "--what", kind, "--format", "jsonl" if form == "json" else form, "--from", stretch[0], "--to", stretch[1])
    assert told.status == 200 and told.body == expected
    assert told.headers["Content-Disposition"] == f'attachment; filename="works-{kind}.{"jsonl" if form == "json" else form}"'
    packed = site.get(f"/api/v1/exports/{kind}?format={form}&from={stretch[0]}&until={escaped(stretch[1])}", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.body) == expected


def test_sinks_and_status(site):
    sink = site.json("/api/v1/sinks")["sinks"][0]
    assert sink["name"] == "tsdb" and not sink["healthy"] and sink["waiting"] > 0
    status = site.json("/api/v1/status")
    assert status["ready"] and status["trouble"] == [] and status["conservation"]["holds"]
    account = status["conservation"]["sinks"][0]["account"]
    assert account["balances"] and account["received"] == sum(account[key] for key in ("accepted", "skipped", "refused", "missed", "lost", "pending"))
    assert site.json("/api/v1/deliveries") == {"deliveries": [], "next": None}


def test_the_configuration_is_there(site):
    told = site.json("/api/v1/configuration")
    assert told["configuration"]["site"]["name"] == "示范工厂" and told["file"] == str(site.config)


def test_the_configuration_hides_what_lets_somebody_in(tmp_path):
    port = free_port()
    (tmp_path / "password").write_text("from-a-file\n")
    (tmp_path / "password").chmod(0o600)
    config = tmp_path / "site.yaml"
    config.write_text(SMALL.format(ops=f'listen: "127.0.0.1:{port}"') + """
sinks:
  - {type: line-protocol, url: "http://127.0.0.1:1/write?db=carbon&token=in-a-query", username: gateway, password_file: password}
  - {type: webhook, name: chat, url: "http://127.0.0.1:1/services/T000/B000/in-a-path"}
""" + "include: more.yaml\n")
    (tmp_path / "more.yaml").write_text("""
devices:
  - {id: h, driver: http, url: "http://127.0.0.1:1/v1?api_key=in-a-url&zone=CN", interval: 1min, headers: [{name: X-Key, value: in-a-header}, {name: X-Other, value_env: HOME}],
     points: [{name: p, json: /p, unit: kW}]}
""")
    with Process([CARBONGATE, "run", config], tmp_path / "gateway.log") as gateway:
        gateway.start(ready=lambda: accepts(port))
        text = request(port, "/api/v1/configuration").body.decode()
        shown = request(port, "/api/v1/sinks").body.decode()
    told = json.loads(text)["configuration"]
    assert [secret for secret in ("from-a-file", "in-a-query", "in-a-url", "in-a-header", "in-a-path") if secret in text or secret in shown] == []
    assert told["sinks"][0]["url"] == "http://127.0.0.1:1/write?db=carbon&token=***" and told["sinks"][0]["password_file"] == "password"
    assert told["devices"][1]["url"] == "http://127.0.0.1:1/v1?api_key=***&zone=CN"
    assert told["devices"][1]["headers"] == [{"name": "X-Key", "value": "***"}, {"name": "X-Other", "value_env": "HOME"}]
    assert told["sinks"][1]["url"] == "http://127.0.0.1:1/***"


def test_logins_are_off(site):
    assert site.json("/api/v1/session") == {"user": None, "role": "administrator", "logins": False}
    assert site.get("/api/v1/session", method="DELETE").status == 204


def problem(answer, status):
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = json.loads(answer.body)
    assert told["status"] == status and told["title"] and told["detail"]
    return told["detail"]


@pytest.mark.parametrize(("target", "status"), [
    ("/api/v1/nothing", 404), ("/api/v1/devices/nobody", 404), ("/api/v1/points/a.b/readings", 404),
    ("/api/v1/energy-users/nobody/series", 404), ("/api/v1/exports/nothing", 404), ("/api/v1/deliveries?sink=nobody", 404),
    ("/api/v1/now?x=1", 400), ("/api/v1/ledger/entries?limit=0", 400), ("/api/v1/ledger/entries?limit=1001", 400),
    ("/api/v1/ledger/entries?limit=-1", 400), ("/api/v1/ledger/entries?limit=1e2", 400), ("/api/v1/ledger/entries?cursor=x", 400),
    ("/api/v1/ledger/entries?limit=1&limit=2", 400), ("/api/v1/ledger/entries?from=yesterday", 400), ("/api/v1/ledger/entries?scope=3", 400),
    ("/api/v1/energy-users/park/series?interval=minute", 400), ("/api/v1/energy-users/park/series?from=2026-01-02&until=2026-01-01", 400),
    ("/api/v1/energy-users/park/series?interval=quarter_hour&from=2000-01-01&until=2026-01-01", 400),
    ("/api/v1/statements/2026-13", 400), ("/api/v1/statements/x", 400), ("/api/v1/exports/readings?every=1", 400),
    ("/api/v1/stream?points=nothing", 400),
    ("/api/v1/alerts?state=all&cursor=-9223372036854775808.x", 400), ("/api/v1/alerts?state=all&cursor=9223372036854775807.x", 400),
    ("/api/v1/alerts?state=all&cursor=-1.x", 400), ("/api/v1/deliveries?cursor=-9223372036854775808.1.x", 400),
    ("/api/v1/deliveries?cursor=253402300800000.1.x", 400),
    ("/../../etc/passwd", 400), ("/..%2f..%2fetc/passwd", 404), ("/%2e%2e/%2e%2e/etc/passwd", 400), ("/api/v1/devices/..%2f..", 404),
    ("/api/v1/devices/%00", 400), ("/api/v1/devices/%zz", 400), ("/api/v1/devices/%ff", 400), ("/api/v1//site", 400), ("/api/v1/site/", 404),
    ("/api/v1/devices/" + "a" * 5000, 404),
])
def test_what_is_refused_says_why(site, target, status):
    assert "--" not in problem(site.get(target), status), "options are a command's"


def test_methods(site):
    refused = site.get("/api/v1/site", method="DELETE")
    assert refused.headers["Allow"] == "GET, HEAD"
    problem(refused, 405)
    problem(site.get("/api/v1/alerts/0123456789abcdef/acknowledgement", method="GET"), 405)
    problem(site.get("/api/v1/nothing", method="BREW"), 404)
    head = site.get("/api/v1/site", method="HEAD")
    assert head.status == 200 and head.body == b"" and int(head.headers["Content-Length"]) > 100


def test_pages_of_elsewhere_get_and_change_nothing(site):
    """A page of elsewhere may have its name lead here (DNS rebinding), or send what a form can send."""
    problem(site.get("/api/v1/site", {"Host": "evil.example"}), 421)
    target = "/api/v1/alerts/0123456789abcdef/acknowledgement"
    problem(site.get(target, {"Origin": "http://evil.example"}, "POST"), 403)
    problem(site.get(target, {"Sec-Fetch-Site": "cross-site"}, "POST"), 403)
    problem(site.get(target, {"Origin": f"http://127.0.0.1:{site.port}"}, "POST"), 404)


@pytest.mark.parametrize(("body", "kind", "status"), [
    ("{", "application/json", 400), ("[]", "application/json", 400), ('{"note": 1}', "application/json", 400),
    ('{"note": "x", "by": "me"}', "application/json", 400), ("note=x", "application/x-www-form-urlencoded", 415),
    ('{"note": "' + "x" * 300_000 + '"}', "application/json", 413),
])
def test_bodies_that_are_none(site, body, kind, status):
    answer = site.get("/api/v1/alerts/0123456789abcdef/acknowledgement", {"Content-Type": kind}, "POST", body)
    assert answer.status == status


def test_no_more_readings_are_lost_by_all_this(site):
    status = site.json("/api/v1/status")
    assert status["conservation"]["breaches"] == 0 and status["ready"]
    assert site.get("/metrics").body.decode().count("carbongate_http_failures_total 0\n") == 1


CHECKS = {
    'listen: "0.0.0.0:8080"': "ops.listen: passwords would cross the network in the clear",
    'listen: "0.0.0.0:8080", logins: false, behind_proxy: true': "ops.logins: logins can be off on a loopback address alone",
    'listen: "localhost:8080"': "ops.listen: 'localhost' is no address",
    'listen: "8080"': "ops.listen: '8080' is no address with a port",
    "tls: {certificate_file: nothing.pem, key_file: nothing.key}": "nothing.pem': No such file",
    "listens: x": "ops: unknown key 'listens'",
}


SMALL = """
site: {{id: s, timezone: UTC, grid_region: CN}}
brokers: {{b: {{url: "mqtt://127.0.0.1:1"}}}}
devices: [{{id: d, driver: mqtt, broker: b, topic: t, points: [{{name: e, json: /e, unit: kWh, kind: cumulative, power_max: 1 MW}}]}}]
energy_users: [{{id: u, consumes: [{{carrier: electricity, from: d.e}}]}}]
store: {{path: store}}
ops: {{{ops}}}
"""


@pytest.mark.parametrize("ops", CHECKS)
def test_a_configuration_that_is_not_safe_is_refused(tmp_path, ops):
    config = tmp_path / "site.yaml"
    config.write_text(SMALL.format(ops=ops))
    checked = subprocess.run([CARBONGATE, "check", config], capture_output=True, text=True, check=False)
    assert checked.returncode == 78 and CHECKS[ops] in checked.stderr, checked.stderr


def test_a_port_that_is_taken_is_told_at_once(site, tmp_path):
    config = tmp_path / "site.yaml"
    config.write_text(site.config.read_text())
    told = subprocess.run([CARBONGATE, "run", config], capture_output=True, text=True, timeout=20, check=False)
    assert told.returncode == 69 and f"cannot listen on 127.0.0.1:{site.port}: Address already in use" in told.stderr


@pytest.mark.parametrize(("bytes_", "status", "title"), [
    (b"GET /api/v1/now HTTP/1.1\r\n\r\n", 400, "Bad request"),
    (b"GET /api/v1/now HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431, "Headers too large"),
    (b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n", 413, "Too large"),
    (b"GET /api/v1/now HTTP/3.0\r\nHost: localhost\r\n\r\n", 505, "HTTP version not supported"),
])
def test_what_is_no_request_is_told_as_a_problem(site, bytes_, status, title):
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as client:
        client.sendall(bytes_)
        response = http.client.HTTPResponse(client)
        response.begin()
        told = json.loads(response.read())
    assert response.status == told["status"] == status and told["title"] == title and told["detail"]
    assert response.headers["Content-Type"] == "application/problem+json" and response.headers["X-Content-Type-Options"] == "nosniff"


def make_certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "new.key", "-out", folder / "new.pem"], check=True, capture_output=True)
    (folder / "new.key").rename(folder / "site.key")
    (folder / "new.pem").rename(folder / "site.pem")


def test_a_renewed_certificate_is_taken_up(tmp_path):
    port = free_port()
    make_certificate(tmp_path, "first")
    config = tmp_path / "site.yaml"
    config.write_text(SMALL.format(ops=f'listen: "127.0.0.1:{port}", tls: {{certificate_file: site.pem, key_file: site.key}}'))

    def asked(target):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with urllib.request.urlopen(f"https://127.0.0.1:{port}{target}", context=context, timeout=10) as answer:
            return answer.read().decode()

    def told_of_trouble(times):
        wait_until(lambda: gateway.output().count("the certificate before is still served") >= times, 20, "the log of it")
        told = asked("/metrics")
        assert "carbongate_tls_certificate_current 0\n" in told
        failed = int(re.search(r'^carbongate_tls_reloads_total{outcome="failed"} (\d+)$', told, re.MULTILINE).group(1))
        assert failed >= times and json.loads(asked("/api/v1/status"))["server"]["tls"]["trouble"]

    def ask():
        context = ssl.create_default_context(cafile=tmp_path / "site.pem")
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        subject = dict(item[0] for item in connection.sock.getpeercert()["subject"]) if connection.sock else {}
        connection.close()
        return answer.status, subject.get("commonName"), answer.headers["Strict-Transport-Security"]

    with Process([CARBONGATE, "run", config], tmp_path / "gateway.log") as gateway:
        gateway.start(ready=lambda: accepts(port))
        assert ask() == (200, "first", "max-age=31536000")
        first = (tmp_path / "site.pem").read_bytes()
        (tmp_path / "new.pem").write_text("garbage")
        (tmp_path / "new.pem").rename(tmp_path / "site.pem")
        told_of_trouble(1)
        (tmp_path / "new.pem").write_bytes(first)
        subprocess.run(["openssl", "genrsa", "-out", tmp_path / "new.key", "2048"], check=True, capture_output=True)  # of another certificate
        (tmp_path / "new.key").rename(tmp_path / "site.key")
        (tmp_path / "new.pem").rename(tmp_path / "site.pem")
        told_of_trouble(2)
        make_certificate(tmp_path, "second")
        wait_until(lambda: "the certificate was renewed, it expires at " in gateway.output(), 20, "the log of it")
        assert ask()[:2] == (200, "second")
        told = asked("/metrics")
        assert "carbongate_tls_certificate_current 1\n" in told
        expires = float(re.search(r"^carbongate_tls_certificate_expiry_timestamp_seconds (\S+)$", told, re.MULTILINE).group(1))
        assert abs(expires - time.time() - 2 * 86400) < 3600
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert not plain.recv(1000).startswith(b"HTTP")


def test_meters_that_are_silent_are_named_and_told_no_more(tmp_path):
    with Site(tmp_path) as site:
        site.config.write_text(site.config.read_text().replace("interval: 5min", "interval: 1s"))
        site.start()
        pace = threading.Event()

        def speak(but=()):
            for device in {"incomer", "roof", "press", "boiler"} - set(but):
                site.publish(device, 0.02)

        def silent(count, but=()):
            speak(but)
            pace.wait(0.5)
            told = site.json("/api/v1/now")
            return told if told["stale_points"] == count else None

        now = wait_until(lambda: silent(0), what="all four being heard")
        assert (now["accounted_points"], now["stale"]) == (4, []) and now["power_kw"] is not None
        def offline():  # which may be known a moment after the last reading was too old
            told = silent(1, {"press"})
            return told if told and all(one["offline"] for one in told["stale"]) else None

        now = wait_until(offline, timeout=90, what="one being silent, and its device offline")
        assert [(one["point"], one["energy_users"], one["offline"]) for one in now["stale"]] == [("press.energy", ["press-shop"], True)]
        assert now["data_age_s"] < 10 and now["oldest_age_s"] > 15 and now["power_kw"] is not None
        users = {user["id"]: user for user in site.json("/api/v1/energy-users")["energy_users"]}
        assert users["press-shop"]["stale"] and users["press-shop"]["power_kw"] is None and users["press-shop"]["carriers"][0]["rate"] is None
        assert not users["park"]["stale"] and users["park"]["power_kw"] > 0
        assert b"carbongate_site_stale_points 1\n" in site.get("/metrics").body
        site.broker.kill()
        now = wait_until(lambda: (told := site.json("/api/v1/now"))["stale_points"] == 4 and told, timeout=60, what="all being silent")
        assert now["power_kw"] is None and now["co2e_kg_per_h"] is None and now["flows"]["links"] == []
        assert all(source["stale"] and source["rate"] is None for source in now["sources"])
        assert b"carbongate_site_power_watts" not in site.get("/metrics").body


def test_the_simulated_park(tmp_path):
    """The quickstart's park over Modbus TCP and MQTT."""
    broker_port, modbus_port, port = free_port(), free_port(), free_port()
    conf = tmp_path / "mosquitto.conf"
    conf.write_text(f"user root\nlistener {broker_port} 127.0.0.1\nallow_anonymous true\n")
    config = tmp_path / "park.yaml"
    text = (SOURCE / "deploy/demo/park.yaml.in").read_text()
    for name, value in {"DASHBOARD_PORT": port, "MQTT_PORT": broker_port, "MODBUS_PORT": modbus_port, "STORE": tmp_path / "store", "SINKS": ""}.items():
        text = text.replace(f"@{name}@", str(value))
    config.write_text(text)
    park = [BUILD / "park", "--modbus-port", modbus_port, "--mqtt-port", broker_port, "--speed", 1, "--begin-hour", 4041]
    with Process(["mosquitto", "-c", conf], tmp_path / "mosquitto.log") as broker, \
            Process(park, tmp_path / "park.log") as simulated, \
            Process([CARBONGATE, "run", config], tmp_path / "gateway.log") as gateway:
        broker.start(ready=lambda: accepts(broker_port))
        simulated.start(ready=lambda: "park ready" in simulated.output())
        gateway.start(ready=lambda: accepts(port))

        def everything_speaks():
            now = json.loads(request(port, "/api/v1/now").body)
            return now if now["devices"]["online"] == 7 and len(now["flows"]["links"]) >= 4 else None

        now = wait_until(everything_speaks, timeout=60, what="all seven devices being online and counted")
        assert now["power_kw"] > 10 and now["co2e_kg_per_h"] > 1
        devices = json.loads(request(port, "/api/v1/devices").body)["drivers"]
        assert {driver["name"].split(" ")[0] for driver in devices} == {"modbus-tcp", "mqtt"}
        began = time.monotonic()
        assert gateway.stop() == 0 and time.monotonic() - began < 5
