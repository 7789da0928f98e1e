"""Alerts by mail, to a real SMTP server that wants TLS and a password, refuses, and is away."""

import email
import email.policy
import re
import ssl
import subprocess
import threading

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from harness import free_port, wait_until
from works import Works


def content(mail):
    return mail.get_content().replace("\r\n", "\n")


class Mailbox:
    """What the server took. `answers(n)`: of the n-th message; None: it is taken."""

    def __init__(self, answers=lambda n: None):
        self.answers, self.mails, self.offered, self.lock = answers, [], 0, threading.Lock()
        self.refuses = lambda mail: False
        self.receives = lambda address: None

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        answer = self.receives(address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server, session, envelope):
        with self.lock:
            self.offered += 1
            answer = self.answers(self.offered)
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            if self.refuses(mail):
                answer = "550 5.7.1 not in this house"
            if answer is None:
                self.mails.append((envelope.mail_from, envelope.rcpt_tos, mail))
        return answer or f"250 2.0.0 Ok: queued as {self.offered:04X}"

    def text(self):
        return "".join(content(mail) for _, _, mail in self.mails)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mail-ca")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", folder / "key.pem", "-out",
                    folder / "cert.pem", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    return folder


def server(mailbox, port, certificate, **options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")

    def authenticate(server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == (b"gateway", b"open sesame"), handled=False)
    kind = {"starttls": {"tls_context": context, "require_starttls": True}, "tls": {"ssl_context": context}}
    security = options.pop("security", "tls")
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, authenticator=authenticate, auth_required=True,
                            auth_require_tls=security == "starttls", **kind[security])
    controller.start()
    return controller


def sink(folder, port, certificate, keys=""):
    (folder / "mail.password").write_text("open sesame\n")
    (folder / "mail.password").chmod(0o600)
    return (f'type: mail, name: duty, server: "127.0.0.1:{port}", ca_file: {certificate / "cert.pem"}, username: gateway, '
            f'password_file: mail.password, from: gateway@works.example, to: duty@park.example, timeout: 5s, {keys}')


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_each_change_is_in_a_mail(tmp_path, certificate, security):
    mailbox, port = Mailbox(), free_port()
    works = Works(tmp_path, [sink(tmp_path, port, certificate, f"security: {security}")], excursions=15)
    controller = server(mailbox, port, certificate, security=security)
    with works.gateway.start():
        wait_until(lambda: len(works.deliveries()) == 30, 30, what="the record")
    controller.stop()
    for sender, receivers, mail in mailbox.mails:
        assert (sender, receivers) == ("gateway@works.example", ["duty@park.example"])
        assert (mail["From"], mail["To"]) == ("gateway@works.example", "duty@park.example")
        assert mail["Message-ID"].endswith("@works.example>") and mail["Date"] and mail["Auto-Submitted"] == "auto-generated"
    form = re.compile(r"\[严重\] (触发|已解除): 变压器过载 incomer\.power: \d+ [<>] 800 kW 等 (\d+) 条(?:（触发 (\d+)，已解除 (\d+)）)?")
    subjects = [form.fullmatch(str(mail["Subject"])) for _, _, mail in mailbox.mails]
    sizes = [int(subject[2]) for subject in subjects]
    assert sum(sizes) == 30 and max(sizes) <= 20, "few mails, of what waited together"
    for subject in subjects:
        assert subject[3] and subject[1] == "触发" and int(subject[3]) + int(subject[4]) == int(subject[2]), "what has become of how many"
    text = mailbox.text()
    at = [text.index(f"编号: {a['id']}-{a['revision']}\n") for a in works.alerts()]
    assert at == sorted(at), "each, in order"
    assert "数值: 901 > 800 kW\n" in text and "起始: 2026-01-01T08:01:00+08:00\n" in text
    sent = works.deliveries()
    assert {d["state"] for d in sent} == {"received"}
    assert sent[0]["answer"] == "250 2.0.0 Ok: queued as 0001" and float(sent[0]["seconds"]) < 10


def test_no_change_is_lost_while_the_server_refuses_or_is_away(tmp_path, certificate):
    mailbox, port = Mailbox(lambda n: "451 4.3.0 try again" if n in (1, 3) else None), free_port()
    works = Works(tmp_path, [sink(tmp_path, port, certificate, "batch_rows: 4, lang: en")], excursions=10)
    works.gateway.start()
    wait_until(lambda: any("onnect" in d["answer"] for d in works.deliveries("--open")), what="an attempt without a server")
    controller = server(mailbox, port, certificate)
    wait_until(lambda: len(mailbox.mails) >= 2, 30, "two mails")
    works.gateway.kill()
    with works.gateway.start():
        told = [f"Id: {a['id']}-{a['revision']}\n" for a in works.alerts()]
        wait_until(lambda: all(line in mailbox.text() for line in told), 30, "all changes")
        wait_until(lambda: works.deliveries("--open") == [], what="all receipts")
    controller.stop()
    assert len(works.deliveries()) == 20
    assert max(int(d["attempts"]) for d in works.deliveries()) > 1


def test_one_change_that_the_server_refuses_leaves_the_others_alone(tmp_path, certificate):
    mailbox, port = Mailbox(), free_port()
    works = Works(tmp_path, [sink(tmp_path, port, certificate)], excursions=3)
    bad = "编号: %(id)s-%(revision)s\n" % works.alerts()[2]
    mailbox.refuses = lambda mail: bad in content(mail)
    controller = server(mailbox, port, certificate)
    with works.gateway.start():
        wait_until(lambda: len([d for d in works.deliveries() if d["state"] == "received"]) == 5, 30, "the others")
    controller.stop()
    [refused] = works.deliveries("--open")
    assert (refused["state"], refused["answer"]) == ("refused", "550 5.7.1 not in this house")
    assert bad not in mailbox.text() and mailbox.text().count("编号") == 5


def test_while_the_server_is_away_all_that_wait_are_in_the_record(tmp_path, certificate):
    works = Works(tmp_path, [sink(tmp_path, free_port(), certificate)], excursions=2)
    with works.gateway.start():
        wait_until(lambda: [d["state"] for d in works.deliveries()] == ["open"] * 4, what="four lines")


def test_a_mail_that_the_server_calls_wrong_is_a_dead_letter(tmp_path, certificate):
    mailbox, port = Mailbox(lambda n: "554 5.6.0 not for us" if n == 2 else None), free_port()
    works = Works(tmp_path, [sink(tmp_path, port, certificate, 'batch_rows: 1, headline: "{name} [{state}]", text: "{value}|{note}"')],
                  excursions=2)
    controller = server(mailbox, port, certificate)
    with works.gateway.start():
        wait_until(lambda: len(mailbox.mails) == 3, 30, "the others")
        wait_until(lambda: "554 5.6.0 not for us" in works.run("dead-letters", works.config), what="the dead letter")
    controller.stop()
    assert str(mailbox.mails[0][2]["Subject"]) == "变压器过载 [触发]"
    assert content(mailbox.mails[0][2]) == "901 > 800 kW|\n"


def test_a_receiver_that_the_server_does_not_know_is_a_refusal_and_escalates_at_once(tmp_path, certificate):
    mailbox, port = Mailbox(), free_port()
    answers = ["451 4.7.1 greylisted"]  # for now; then for good
    mailbox.receives = lambda address: (answers.pop() if answers else "550 5.1.1 no such user") if address.startswith("duty") else None
    boss = sink(tmp_path, port, certificate, "escalates: {of: duty, after: 1h}").replace("name: duty", "name: boss").replace("duty@", "boss@")
    works = Works(tmp_path, [sink(tmp_path, port, certificate), boss], excursions=1)
    controller = server(mailbox, port, certificate)
    with works.gateway.start():
        wait_until(lambda: sum(content(mail).count("编号") for _, _, mail in mailbox.mails) == 2, 30, "both changes at the other one")
        wait_until(lambda: "550 5.1.1 no such user" in works.run("dead-letters", works.config), what="the dead letters")
    controller.stop()
    assert {tuple(to) for _, to, _ in mailbox.mails} == {("boss@park.example",)}
    for _, _, mail in mailbox.mails:
        assert str(mail["Subject"]).startswith("[升级自 duty] ") and content(mail).startswith("升级自: duty\n")
    of_duty = [d for d in works.deliveries() if d["sink"] == "duty"]
    assert {(d["state"], d["answer"]) for d in of_duty} == {("refused", "550 5.1.1 no such user")}
    assert max(int(d["attempts"]) for d in of_duty) >= 2, "a 451 is tried again"


def test_a_server_that_is_not_known_gets_no_password(tmp_path, certificate):
    mailbox, port = Mailbox(), free_port()
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", other / "key.pem", "-out",
                    other / "cert.pem", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    works = Works(tmp_path, [sink(tmp_path, port, other)], excursions=1)
    controller = server(mailbox, port, certificate)
    with works.gateway.start():
        [first, *_] = wait_until(lambda: works.deliveries("--open"), what="an attempt")
    controller.stop()
    assert "certificate" in first["answer"] and mailbox.offered == 0
