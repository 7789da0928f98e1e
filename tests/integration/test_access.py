"""Logins, roles, tokens and attacks, against a running gateway. Clients are Python's http.client and bare sockets."""

import http.client
import json
import re
import socket
import ssl
import subprocess
import threading
import time
from datetime import datetime

import pytest
from harness import CARBONGATE, Process, free_port, wait_until

CONFIG = """
site: {{id: works, timezone: Asia/Shanghai, grid_region: CN-SC}}
devices: [{{id: stock, driver: manual, points: [{{name: diesel, unit: t}}]}}]
energy_users: [{{id: boiler, consumes: [{{carrier: diesel, from: stock.diesel}}]}}]
store: {{path: store}}
ops: {{{ops}}}
"""
PASSWORDS = {"vera": "viewing is enough", "otto": "operating it all day", "ada": "administrates it all"}
ROLES = {"vera": "viewer", "otto": "operator", "ada": "administrator"}
COOKIE = "carbongate_session"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()

    def json(self):
        return json.loads(self.text)

    def cookie(self):
        return self.headers.get("Set-Cookie", "").split(";")[0].removeprefix(COOKIE + "=")


class Gateway:
    def __init__(self, folder, ops="", port=None, tls=None):
        self.folder, self.port, self.tls = folder, port or free_port(), tls
        self.config = folder / "works.yaml"
        self.config.write_text(CONFIG.format(ops=f"listen: '127.0.0.1:{self.port}'{ops}"))
        self.process = Process([CARBONGATE, "run", self.config], folder / "gateway.log")

    def start(self):
        self.process.start(ready=lambda: self.answers())
        return self

    def answers(self):
        try:
            return self.ask("GET", "/healthz").status == 200
        except OSError:
            return False

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.process.__exit__(*exc)

    def connection(self):
        if self.tls:
            return http.client.HTTPSConnection("localhost", self.port, timeout=20, context=self.tls)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def ask(self, method, path, body=None, session=None, token=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if session:
            headers["Cookie"] = f"{COOKIE}={session.id}"
            if method not in ("GET", "HEAD"):
                headers.setdefault("X-CSRF-Token", session.csrf)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if isinstance(body, dict):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection = self.connection()
        try:
            connection.request(method, path, body=body, headers=headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def log_in(self, user, password=None, **headers):
        return self.ask("POST", "/api/v1/session", {"user": user, "password": password or PASSWORDS[user]}, **headers)

    def session(self, user):
        answer = self.log_in(user)
        assert answer.status == 200, answer.text
        return Session(answer)

    def command(self, *args, status=0):
        result = subprocess.run([CARBONGATE, args[0], self.config, *args[1:]], capture_output=True, text=True, timeout=30)
        assert result.returncode == status, result.stdout + result.stderr
        return result.stdout

    def add_user(self, user, role=None):
        (self.folder / "password").write_text(PASSWORDS[user])
        self.command("users", "add", user, "--role", role or ROLES[user], "--password-file", self.folder / "password")

    def token(self, role, expires="1h"):
        return self.command("tokens", "add", f"test-{role}", "--role", role, "--expires", expires).strip()

    def audit(self):
        text = self.command("audit", "--format", "jsonl", "--last", "1000")
        return [json.loads(line) for line in text.splitlines()][::-1]


class Session:
    def __init__(self, answer):
        self.id, self.csrf, self.told = answer.cookie(), answer.json()["csrf"], answer.json()


@pytest.fixture
def gateway(tmp_path):
    gateway = Gateway(tmp_path, ", logins: true")
    for user in PASSWORDS:
        gateway.add_user(user)
    with gateway:
        yield gateway


def test_a_login_gives_a_session_that_scripts_cannot_read(gateway):
    assert gateway.ask("GET", "/api/v1/session").json() == {"user": None, "role": None, "logins": True}
    answer = gateway.log_in("otto")
    assert answer.status == 200
    told = answer.json()
    assert (told["user"], told["role"], told["logins"]) == ("otto", "operator", True) and told["expires"].endswith("Z")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie and "Domain" not in cookie
    session = Session(answer)
    assert gateway.ask("GET", "/api/v1/session", session=session).json()["user"] == "otto"
    assert gateway.ask("GET", "/api/v1/status", session=session).status == 200
    out = gateway.ask("DELETE", "/api/v1/session", session=session)
    assert out.status == 204 and "Max-Age=0" in out.headers["Set-Cookie"]
    assert gateway.ask("GET", "/api/v1/status", session=session).status == 401, "what was copied before is worth nothing"
    assert [(entry["user"], entry["action"], entry["outcome"]) for entry in gateway.audit()][-2:] == [
        ("otto", "log in", "done"), ("otto", "DELETE /api/v1/session", "done")]


def described_routes(gateway):
    """(method, path with something in place of its parameters, role) of the description that the gateway serves."""
    import yaml
    paths = yaml.safe_load(gateway.ask("GET", "/api/v1/openapi.yaml").text)["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            if method in ("get", "post", "put", "patch", "delete"):
                for parameter, value in (("{kind}", "entries"), ("{period}", "2026-01"), ("{id}", "x"), ("{name}", "x")):
                    path = path.replace(parameter, value)
                yield method.upper(), "/api/v1" + path, operation["x-role"]


ORDER = ["public", "metrics", "viewer", "operator", "administrator"]


def test_no_route_answers_whom_it_is_not_for(gateway):
    sessions = {user: gateway.session(user) for user in PASSWORDS}
    tokens = {role: gateway.token(role) for role in ("metrics", "viewer", "operator")}
    wait_until(lambda: all(gateway.ask("GET", "/api/v1/session", token=token).json()["role"] == held for held, token in tokens.items()),
               what="the tokens being known")
    routes = [*described_routes(gateway), ("GET", "/metrics", "metrics")]
    assert len(routes) > 15
    for method, path, role in routes:
        if path == "/api/v1/session" or path == "/api/v1/stream":
            continue
        assert gateway.ask(method, path).status == (401 if role != "public" else 200), path
        for user, session in sessions.items():
            answer = gateway.ask(method, path, {} if method == "POST" else None, session=session)
            allowed = ORDER.index(ROLES[user]) >= ORDER.index(role)
            assert (answer.status in (401, 403)) != allowed, (user, method, path, answer.status, answer.text)
        for held, token in tokens.items():
            answer = gateway.ask(method, path, {} if method == "POST" else None, token=token)
            allowed = ORDER.index(held) >= ORDER.index(role)
            assert (answer.status in (401, 403)) != allowed, (held, method, path, answer.status, answer.text)
    refused = gateway.ask("GET", "/api/v1/status")
    assert refused.headers["Content-Type"].startswith("application/problem+json") and refused.headers["WWW-Authenticate"]


def test_a_page_of_another_site_changes_nothing(gateway):
    session = gateway.session("otto")
    path = "/api/v1/alerts/0000000000000000/acknowledgement"
    body = {"note": "seen"}
    ours = f"http://127.0.0.1:{gateway.port}"
    assert gateway.ask("POST", path, body, session=session).status not in (401, 403)
    assert gateway.ask("POST", path, body, session=session, Origin=ours, Sec_Fetch_Site="same-origin").status not in (401, 403)
    for headers in ({"X_CSRF_Token": ""}, {"X_CSRF_Token": "0" * 64}, {"X_CSRF_Token": gateway.session("vera").csrf},
                    {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": ours.replace("http:", "https:")},
                    {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}):
        assert gateway.ask("POST", path, body, session=session, **headers).status == 403, headers
    assert gateway.ask("DELETE", "/api/v1/session", session=session, X_CSRF_Token="").status == 403
    assert gateway.log_in("otto", Origin="http://evil.example").status == 403, "nor logs anybody in"
    form = gateway.ask("POST", "/api/v1/session", "user=otto&password=x", Content_Type="application/x-www-form-urlencoded")
    assert form.status == 415, "what a form can send without asking is no login"
    assert gateway.ask("GET", "/api/v1/session", session=session).json()["user"] == "otto"


def test_a_session_that_was_planted_is_never_taken_over(gateway):
    planted = "a" * 64
    answer = gateway.log_in("otto", Cookie=f"{COOKIE}={planted}")
    assert answer.status == 200 and answer.cookie() not in ("", planted)
    assert gateway.ask("GET", "/api/v1/status", Cookie=f"{COOKIE}={planted}").status == 401
    first = Session(answer)
    second = Session(gateway.log_in("otto", Cookie=f"{COOKIE}={first.id}"))
    assert second.id != first.id and second.csrf != first.csrf
    assert gateway.ask("GET", "/api/v1/status", session=first).status == 401, "the one before the login has ended"
    both = f"{COOKIE}={second.id}; {COOKIE}={second.id}"
    assert gateway.ask("GET", "/api/v1/status", Cookie=both).status == 401, "of two, one may be planted"


def test_a_user_who_is_changed_or_removed_is_out_at_once(gateway):
    vera, otto, ada = (gateway.session(user) for user in PASSWORDS)

    def is_out(session):
        return gateway.ask("GET", "/api/v1/status", session=session).status == 401
    gateway.command("users", "remove", "vera")
    wait_until(lambda: is_out(vera), 5, "the session of who was removed")
    gateway.command("users", "role", "otto", "--role", "viewer")
    wait_until(lambda: is_out(otto), 5, "the session of the role before")
    assert not is_out(ada)
    (gateway.folder / "password").write_text("some other password")
    gateway.command("users", "password", "ada", "--password-file", gateway.folder / "password")
    wait_until(lambda: is_out(ada), 5, "the session of the password before")
    assert gateway.log_in("ada").status == 401
    assert gateway.log_in("ada", "some other password").status == 200
    assert gateway.session("otto").told["role"] == "viewer"


def test_a_stream_ends_with_its_session(gateway):
    vera = gateway.session("vera")
    connection = gateway.connection()
    connection.request("GET", "/api/v1/stream", headers={"Cookie": f"{COOKIE}={vera.id}"})
    response = connection.getresponse()
    assert response.status == 200 and response.read1(1)
    gateway.command("users", "remove", "vera")
    ended = threading.Event()

    def read():
        while response.read1(65536):
            pass
        ended.set()
    threading.Thread(target=read, daemon=True).start()
    assert ended.wait(20), "the stream goes on although its user is gone"
    connection.close()


def test_tokens_end_when_they_are_revoked_or_expire(gateway):
    token = gateway.token("viewer")
    short = gateway.token("viewer", "9s")
    status = lambda of: gateway.ask("GET", "/api/v1/status", token=of).status  # noqa: E731
    wait_until(lambda: status(token) == 200 and status(short) == 200, 8, "the tokens being known")
    wait_until(lambda: status(short) == 401, 15, "the end of the short one")
    assert status(token) == 200
    gateway.command("tokens", "revoke", token.split("_")[1])
    wait_until(lambda: status(token) == 401, 5, "the token's end")
    for wrong in (token[:-1], token + "0", token.upper(), "cgt_", "x" * 5000):
        assert status(wrong) == 401
    assert gateway.ask("GET", "/api/v1/status", Authorization="Basic YWRhOmFkYQ==").status == 401


def test_guessing_is_slowed_down_and_told_in_the_audit_log(gateway):
    statuses = [gateway.log_in("ada", f"wrong password {n}").status for n in range(12)]
    assert statuses[:10] == [401] * 10 and statuses[-1] == 429
    refused = gateway.log_in("ada")
    assert refused.status == 429 and 0 < int(refused.headers["Retry-After"]) <= 10, "the right one has to wait as well"
    wait_until(lambda: "too_many_tries" in [entry["outcome"] for entry in gateway.audit()], what="the entry")
    entries = gateway.audit()
    assert [entry["outcome"] for entry in entries if entry["user"] == "ada" and entry["action"] == "log in"][:10] == ["wrong_password"] * 10
    assert "wrong password" not in json.dumps(entries)


def test_cheap_refusals_hide_no_guessing(gateway):
    token = gateway.token("metrics")
    wait_until(lambda: gateway.ask("GET", "/metrics", token=token).status == 200, what="the token being known")
    assert {gateway.ask("GET", "/api/v1/configuration", token=token).status for _ in range(60)} == {403}
    assert [gateway.log_in("ada", f"wrong {n}").status for n in range(11)] == [401] * 10 + [429]
    tried = {"wrong_password": 10, "too_many_tries": 1}
    wait_until(lambda: {outcome: len(of) for outcome, of in by_outcome(gateway).items() if outcome in tried} == tried, what="all tries being noted")
    assert len(by_outcome(gateway)["role"]) == 20
    metrics = gateway.ask("GET", "/metrics", token=token).text
    lost = int(re.search(r"^carbongate_audit_lost_total (\d+)$", metrics, re.MULTILINE)[1])
    assert lost >= 40, "those of other tests may be among them"
    told = lambda: re.match(r"(\d+) more from 127.0.0.1 since ", by_outcome(gateway)["role"][-1]["detail"])
    counted = wait_until(told, timeout=90, what="what was counted being told")
    assert int(counted[1]) >= 40


def by_outcome(gateway):
    found = {}
    for entry in gateway.audit():
        found.setdefault(entry["outcome"], []).append(entry)
    return found


def test_limits_and_origins_are_those_of_the_configuration(tmp_path):
    ops = (", logins: true, origins: ['https://park.example'], login_tries: {per_address: 3, another_after: 1h},"
           " sessions: {idle: 15min, life: 12h, per_user: 2}")
    gateway = Gateway(tmp_path, ops)
    gateway.add_user("ada")
    with gateway:
        began = time.time()
        sessions = [gateway.session("ada") for _ in range(3)]
        expires = datetime.fromisoformat(sessions[-1].told["expires"]).timestamp()
        assert abs(expires - began - 900) < 60
        statuses = [gateway.ask("GET", "/api/v1/status", session=session).status for session in sessions]
        assert statuses == [401, 200, 200], "of three sessions of one user the oldest ended"
        path, note = "/api/v1/alerts/0000000000000000/acknowledgement", {"note": "seen"}
        behind = {"Host": "127.0.0.1:8080", "Sec_Fetch_Site": "same-origin"}  # what a proxy hands on that rewrites Host
        assert gateway.ask("POST", path, note, session=sessions[-1], Origin="https://park.example", **behind).status not in (401, 403)
        assert gateway.ask("POST", path, note, session=sessions[-1], Origin="https://other.example", **behind).status == 403
        assert [gateway.log_in("ada", f"wrong password {n}").status for n in range(4)] == [401, 401, 401, 429]
        assert 3000 < int(gateway.log_in("ada").headers["Retry-After"]) <= 3600
    gateway.config.write_text(CONFIG.format(ops="logins: true, origins: [park.example], sessions: {idle: 3d, life: 2d}"))
    check = subprocess.run([CARBONGATE, "check", gateway.config], capture_output=True, text=True)
    told = check.stdout + check.stderr
    assert check.returncode == 78
    assert "ops.origins: 'park.example' is no origin" in told and "ops.sessions.idle: 3d is longer" in told, told


def test_an_unknown_user_is_told_no_sooner_than_a_wrong_password(gateway):
    def took(user):
        began = time.monotonic()
        assert gateway.log_in(user, "not the password").status == 401
        return time.monotonic() - began
    pairs = [(took("ada"), took("nobody")) for _ in range(4)]
    known, unknown = (min(times) for times in zip(*pairs))
    assert known > 0.02 and unknown > 0.02, ("scrypt takes longer than that, on any machine", known, unknown)


def test_the_audit_log_is_for_administrators_and_has_pages(gateway):
    vera, ada = gateway.session("vera"), gateway.session("ada")
    assert gateway.ask("GET", "/api/v1/audit", session=vera).status == 403
    wait_until(lambda: "role" in [entry["outcome"] for entry in gateway.audit()], what="the refusal's entry")
    page = gateway.ask("GET", "/api/v1/audit?limit=2", session=ada).json()
    seen = []
    while True:
        seen += page["events"]
        if page["next"] is None:
            break
        page = gateway.ask("GET", f"/api/v1/audit?limit=2&cursor={page['next']}", session=ada).json()
    numbers = [event["number"] for event in seen]
    assert numbers == list(range(len(numbers), 0, -1)) and len(numbers) >= 6
    assert {"add user", "log in", "GET /api/v1/audit"} <= {event["action"] for event in seen}


def raw(gateway, data, timeout=20.0):
    """What comes back for these bytes, and until the connection ends."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=timeout) as connection:
        connection.sendall(data)
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except OSError:
            pass
        return received


def test_bodies_that_are_too_large_are_refused_unread(gateway):
    head = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    assert raw(gateway, head + b"Content-Length: 999999999\r\n\r\n").startswith(b"HTTP/1.1 413")
    assert raw(gateway, head + b"X: " + b"a" * 100_000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431")
    assert gateway.ask("POST", "/api/v1/session", b"x" * 100_000, Content_Type="application/json").status == 400
    assert gateway.log_in("ada", "x" * 2000).status == 400
    for body in ('{"user": 1, "password": "x"}', '{"user": "ada"}', "[]", "{", '{"user": "ada", "password": "x", "role": "administrator"}',
                 "[" * 10_000):
        assert gateway.ask("POST", "/api/v1/session", body, Content_Type="application/json").status == 400, body


def test_slow_clients_keep_nobody_out(gateway):
    slow = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(100)]
    for connection in slow:
        connection.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\nX-")
    began = time.monotonic()
    assert gateway.log_in("ada").status == 200
    assert time.monotonic() - began < 5
    slow[0].settimeout(20)
    ended = slow[0].recv(4096)
    assert ended == b"" or ended.startswith(b"HTTP/1.1 408"), "it is let go"
    for connection in slow:
        connection.close()


def certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "tls.key.new",
                    "-out", folder / "tls.pem.new"], check=True, capture_output=True)
    for file in ("tls.key", "tls.pem"):
        (folder / f"{file}.new").rename(folder / file)


def served_certificate(port):
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=10)


def test_tls_serves_a_renewed_certificate_and_marks_the_cookie(tmp_path):
    certificate(tmp_path, "first")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    gateway = Gateway(tmp_path, ", logins: true, tls: {certificate_file: tls.pem, key_file: tls.key}", tls=context)
    gateway.add_user("ada")
    with gateway:
        answer = gateway.log_in("ada")
        assert answer.status == 200 and "; Secure" in answer.headers["Set-Cookie"]
        assert "max-age" in answer.headers["Strict-Transport-Security"]
        first = served_certificate(gateway.port)
        session = Session(answer)
        certificate(tmp_path, "second")
        wait_until(lambda: served_certificate(gateway.port) != first, 30, "the new certificate")
        assert gateway.ask("GET", "/api/v1/status", session=session).status == 200, "sessions go on"
        assert b"HTTP/1.1 200" not in raw(gateway, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        with pytest.raises(ssl.SSLError):
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1
            with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as plain:
                old.wrap_socket(plain)


def test_without_logins_only_this_machines_own_names_are_answered(tmp_path):
    with Gateway(tmp_path) as gateway:
        assert gateway.ask("GET", "/api/v1/session").json() == {"user": None, "role": "administrator", "logins": False}
        assert gateway.ask("GET", "/api/v1/status").status == 200
        for host in ("evil.example", f"evil.example:{gateway.port}", "127.0.0.1.evil.example", "127.evil.example", "localhost.evil.example"):
            assert gateway.ask("GET", "/api/v1/status", Host=host).status == 421, host
        path = "/api/v1/alerts/0000000000000000/acknowledgement"
        assert gateway.ask("POST", path, {"note": ""}, Origin="http://evil.example").status == 403
        assert gateway.ask("POST", path, {"note": ""}, Sec_Fetch_Site="cross-site").status == 403
        assert gateway.log_in("ada").status in (403, 409)


def test_an_address_of_the_network_wants_logins_and_tls(tmp_path):
    gateway = Gateway(tmp_path)
    for ops in ("listen: '0.0.0.0:8443'", "listen: '127.0.0.1:8080', logins: false, behind_proxy: true"):
        gateway.config.write_text(CONFIG.format(ops=ops))
        told = subprocess.run([CARBONGATE, "check", gateway.config], capture_output=True, text=True)
        assert told.returncode == 78 and "works.yaml:6" in told.stdout + told.stderr, told.stdout + told.stderr
