"""Alerts to rsyslog, over TLS and over TCP: written on disk there in order, also when it is killed on the way."""

import contextlib
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import threading

import pytest
from harness import Process, accepts, free_port, wait_until
from webhook_receiver import SECRET, Receiver
from works import Works

FORMAT = re.compile(r"(\d+) alert (\S+) (\[alert@32473 .*?\]|-) (.*) \[([0-9a-f]{16}-\d+)\]$")


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", folder / "key.pem", "-out",
                    folder / "cert.pem", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)


class Rsyslog:
    def __init__(self, folder, tls):
        self.folder, self.port, self.out = folder, free_port(), folder / "alerts.log"
        make_certificate(folder)
        driver = ('StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"' if tls else "")
        (folder / "rsyslog.conf").write_text(f"""
global(workDirectory="{folder}" DefaultNetstreamDriver="gtls" DefaultNetstreamDriverCAFile="{folder}/cert.pem"
       DefaultNetstreamDriverCertFile="{folder}/cert.pem" DefaultNetstreamDriverKeyFile="{folder}/key.pem"
       parser.escapeControlCharactersOnReceive="off")
module(load="imtcp" {driver})
template(name="told" type="string" string="%pri% %msgid% %hostname% %structured-data% %msg%\\n")
ruleset(name="take") {{ action(type="omfile" file="{self.out}" template="told" flushOnTXEnd="on") }}
input(type="imtcp" port="{self.port}" address="127.0.0.1" ruleset="take")
""")
        self.process = Process([shutil.which("rsyslogd") or "/usr/sbin/rsyslogd", "-n", "-f", folder / "rsyslog.conf", "-i",
                                folder / "rsyslog.pid"], folder / "rsyslogd.log")

    def start(self):
        (self.folder / "rsyslog.pid").unlink(missing_ok=True)
        self.process.start(lambda: accepts(self.port))

    def lines(self):
        return self.out.read_text().splitlines() if self.out.exists() else []


def once(lines):
    """Each by its key, in the order of their first arrival."""
    return list({FORMAT.match(line).group(5): line for line in lines}.values())


@pytest.mark.parametrize("security", ["tls", "none"])
def test_each_change_is_written_there(tmp_path, security):
    server = Rsyslog(tmp_path, security == "tls")
    ca = f"ca_file: {tmp_path}/cert.pem," if security == "tls" else ""
    works = Works(tmp_path, [f'type: syslog, name: soc, server: "127.0.0.1:{server.port}", security: {security}, {ca} enterprise: 32473, '
                             f'batch_rows: 10'], excursions=20)
    server.start()
    with works.gateway.start():
        wait_until(lambda: len(server.lines()) == 40, 30, "all changes")
        wait_until(lambda: len(works.deliveries()) == 40, what="all receipts")
    server.process.kill()
    told = works.alerts()
    for line, alert in zip(server.lines(), told, strict=True):
        priority, host, data, text, _ = FORMAT.match(line).groups()
        assert host == "works" and f'id="{alert["id"]}"' in data and f'state="{alert["state"]}"' in data
        assert int(priority) == 16 * 8 + (2 if alert["state"] == "firing" else 5)
        sign = ">" if alert["state"] == "firing" else "<"
        assert f"变压器过载 incomer.power: {float(alert['value']):g} {sign} 800 kW" in text
    sent = works.deliveries()
    assert [FORMAT.match(line).group(5) for line in server.lines()] == [d["id"] for d in sent]
    assert len(sent) == 40 and {d["state"] for d in sent} == {"received"} and sent[0]["answer"] == "read to its end"


def test_a_sum_says_how_much_of_it_was_watched(tmp_path):
    server = Rsyslog(tmp_path, tls=False)
    works = Works(tmp_path, [f'type: syslog, name: soc, server: "127.0.0.1:{server.port}", security: none, lang: en, enterprise: 32473'],
                  excursions=2, rules=["id: day, users: [hall], of: energy, period: day, above: 20"])
    server.start()
    with works.gateway.start():
        wait_until(lambda: len(server.lines()) == 5, 30, "all changes")
    server.process.kill()
    (day,) = [line for line in server.lines() if 'rule="day"' in line]
    (told,) = [alert for alert in works.alerts() if alert["rule"] == "day"]
    assert 'period_begin="2025-12-31T16:00:00Z" period_end="2026-01-01T16:00:00Z"' in day
    assert f'coverage_percent="{told["coverage_percent"]}"' in day and f"({told['coverage_percent']} % watched)" in day
    assert sum("period_begin" in line for line in server.lines()) == 1, "points have none"


def test_no_change_is_lost_when_the_server_is_killed(tmp_path):
    server = Rsyslog(tmp_path, tls=True)
    works = Works(tmp_path, [f'type: syslog, name: soc, server: "127.0.0.1:{server.port}", ca_file: {tmp_path}/cert.pem, batch_rows: 2, '
                             f'timeout: 2s'], excursions=40)
    works.gateway.start()
    wait_until(lambda: works.deliveries("--open"), what="an attempt without a server")
    for goal in (6, 20, 40):
        server.start()
        wait_until(lambda: len(once(server.lines())) >= goal, 30, f"{goal} changes")
        server.process.kill()
    works.gateway.kill()
    server.start()
    with works.gateway.start():
        wait_until(lambda: len(once(server.lines())) == 80, 60, "all changes")
        wait_until(lambda: works.deliveries("--open") == [], what="all receipts")
    server.process.kill()
    keys = [int(FORMAT.match(line).group(5).split("-")[1]) for line in once(server.lines())]
    assert keys == sorted(keys), "in order"


class Server:
    """Does so with the first connections, and reads the others to their end."""

    def __init__(self, folder, tls, refuse, refusals=3, answers=False):
        """`answers`: with a close_notify."""
        self.refuse, self.answers, self.got, self.refused = refuse, answers, [], 0
        self.context = None
        if tls:
            make_certificate(folder)
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        self.refusals, self.listener = refusals, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.listener.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            if self.refused < self.refusals:
                self.refuse(connection)
                self.refused += 1
            else:
                self._read(connection)
            connection.close()

    def _read(self, connection):
        read = b""
        while piece := connection.recv(65536):
            read += piece
        self.got += re.findall(r"\[([0-9a-f]{16}-\d+)\]", read.decode())
        if self.answers:
            connection.unwrap()


def closes(connection):
    """As a proxy that has nobody behind it."""


def ends_and_closes_later(connection):
    connection.shutdown(socket.SHUT_WR)
    select.select([connection], [], [], 10)


def shuts_down_tls(connection):
    with contextlib.suppress(ssl.SSLError):
        connection.unwrap()


@pytest.mark.parametrize("security, refuse, answers", [("none", closes, False), ("none", ends_and_closes_later, False), ("tls", closes, False),
                                                       ("tls", closes, True), ("tls", shuts_down_tls, False)])
def test_what_a_server_ends_without_reading_is_sent_until_it_is_read_and_then_once(tmp_path, security, refuse, answers):
    server = Server(tmp_path, security == "tls", refuse, answers=answers)
    ca = f"ca_file: {tmp_path}/cert.pem," if security == "tls" else ""
    works = Works(tmp_path, [f'type: syslog, name: soc, server: "127.0.0.1:{server.port}", security: {security}, {ca} batch_rows: 2'],
                  excursions=6)
    with works.gateway.start():
        wait_until(lambda: server.refused == 3, 30, "refusals")
        wait_until(lambda: len(works.deliveries()) == 12 and works.deliveries("--open") == [], 30, "all receipts")
    server.close()
    sent = works.deliveries()
    assert {d["state"] for d in sent} == {"received"} and {d["answer"] for d in sent} == {"read to its end"}
    assert server.got == [d["id"] for d in sent], "each once, in order"
    assert int(sent[0]["attempts"]) == 4


def test_what_nobody_has_read_escalates(tmp_path):
    """The server hangs: its machine takes connections and acknowledges every byte."""
    (tmp_path / "desk.secret").write_text(SECRET + "\n")
    (tmp_path / "desk.secret").chmod(0o600)
    server, manager = Rsyslog(tmp_path, tls=False), Receiver()
    works = Works(tmp_path, [f'type: syslog, name: soc, server: "127.0.0.1:{server.port}", security: none, timeout: 1s',
                             f'type: webhook, name: manager, url: "http://127.0.0.1:{manager.port}/", secret_file: desk.secret, '
                             f'escalates: {{of: soc, after: 3s}}, select: {{rows: [alerts]}}'], excursions=1)
    server.start()
    server.process.child.send_signal(signal.SIGSTOP)
    with works.gateway.start():
        wait_until(lambda: len(manager.events) == 2, 30, "the alert and its end")
        wait_until(lambda: len(works.deliveries("--sink", "manager")) == 2, what="the record")
    server.process.kill()
    assert server.lines() == []
    assert {d["state"] for d in works.deliveries("--sink", "soc")} == {"sent"}
    manager.close()


def test_what_is_told_in_place_of_another_sink_says_so(tmp_path):
    (tmp_path / "desk.secret").write_text(SECRET + "\n")
    (tmp_path / "desk.secret").chmod(0o600)
    server, desk = Rsyslog(tmp_path, tls=False), Receiver(lambda n: 422)
    works = Works(tmp_path, [f'type: webhook, name: desk, url: "http://127.0.0.1:{desk.port}/", secret_file: desk.secret',
                             f'type: syslog, name: soc, server: "127.0.0.1:{server.port}", security: none, enterprise: 32473, lang: en, '
                             f'escalates: {{of: desk, after: 1h}}'], excursions=1)
    server.start()
    with works.gateway.start():
        wait_until(lambda: len(server.lines()) == 2, 30, "the alert and its end")
    server.process.kill()
    for line in server.lines():
        _, _, data, text, _ = FORMAT.match(line).groups()
        assert 'escalated_from="desk"' in data and text.removeprefix("\ufeff").startswith("[escalated from desk] [critical] ")
    desk.close()


def test_a_server_that_wants_to_know_who_we_are_has_received_nothing(tmp_path):
    """It refuses us after our side of the handshake has ended well (TLS 1.3)."""
    server = Rsyslog(tmp_path, tls=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    context.load_verify_locations(tmp_path / "cert.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    refused = []

    def serve(listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(connection, server_side=True)
            except (ssl.SSLError, OSError) as error:
                refused.append(error)
                connection.close()
    with socket.create_server(("127.0.0.1", server.port)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        works = Works(tmp_path, [f'type: syslog, name: soc, server: "127.0.0.1:{server.port}", ca_file: {tmp_path}/cert.pem, timeout: 2s'],
                      excursions=1)
        with works.gateway.start():
            wait_until(lambda: len(refused) >= 3, 30, "refusals")
        assert {d["state"] for d in works.deliveries()} == {"open"}


def test_a_server_that_is_not_known_gets_nothing(tmp_path):
    server = Rsyslog(tmp_path, tls=True)
    works = Works(tmp_path, [f'type: syslog, name: soc, server: "127.0.0.1:{server.port}", lang: en'], excursions=1)
    server.start()
    with works.gateway.start():
        [first, *_] = wait_until(lambda: works.deliveries("--open"), what="an attempt")
    server.process.kill()
    assert "no TLS" in first["answer"] and server.lines() == []
