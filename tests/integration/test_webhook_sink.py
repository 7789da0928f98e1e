"""Alerts to whoever has an address for them: CloudEvents to a receiver that checks each of them and misbehaves, and to a real
Alertmanager."""

import datetime
import json
import random
import shutil
import time
import urllib.request

import pytest
from harness import Process, accepts, free_port, wait_until
from webhook_receiver import SECRET, Receiver
from works import Works


def webhook(keys):
    return f"type: webhook, name: desk, timeout: 2s, {keys}"


@pytest.fixture(autouse=True)
def secret(tmp_path):
    (tmp_path / "desk.secret").write_text(SECRET + "\n")
    (tmp_path / "desk.secret").chmod(0o600)


def test_each_change_arrives_signed_and_in_order(tmp_path):
    receiver = Receiver()
    works = Works(tmp_path, [webhook(f'url: "http://127.0.0.1:{receiver.port}/carbon", secret_file: desk.secret')], excursions=20)
    with works.gateway.start():
        wait_until(lambda: len(receiver.events) == 40, what="all changes")
    assert receiver.faults == []
    told = works.alerts()
    assert [e["type"] for e in receiver.events] == [f"cn.carbongate.alert.{a['state']}" for a in told]
    assert [e["data"]["id"] for e in receiver.events] == [a["id"] for a in told]
    first = receiver.events[0]
    assert (first["source"], first["subject"]) == ("urn:carbongate:works", "incomer.power")
    assert first["time"] == "2026-01-01T00:01:00Z"
    assert (first["data"]["name_zh"], first["data"]["value"], first["data"]["limit"]) == ("变压器过载", 901, 800)
    assert first["data"]["key"] == first["id"]
    receiver.close()


def test_no_change_is_lost_whatever_the_receiver_and_the_power_do(tmp_path):
    random.seed(7)
    answers = [204] * 6 + [500, 503, 404, 401, None, 409]
    receiver = Receiver(lambda n: random.choice(answers))
    works = Works(tmp_path, [webhook(f'url: "http://127.0.0.1:{receiver.port}/carbon", secret_file: desk.secret, batch_rows: 7')],
                  excursions=30)
    kept = {}
    original = receiver.take

    def take(headers, body):  # what answers 409 has it
        status = original(headers, body)
        if status == 409:
            kept[json.loads(body)["id"]] = json.loads(body)
        return status
    receiver.take = take
    arrived = lambda: len({e["id"] for e in receiver.events} | set(kept))  # noqa: E731
    for goal in (5, 12, 22, 35, 47):
        works.gateway.start()
        wait_until(lambda: arrived() >= goal, 90, f"{goal} changes")
        works.gateway.kill()
    receiver.behave = lambda n: 204
    with works.gateway.start():
        wait_until(lambda: arrived() == 60, 60, "all changes")
    assert receiver.faults == []
    told = [a["id"] + a["state"] for a in works.alerts()]
    got = {e["id"]: e["data"]["id"] + e["data"]["state"] for e in list(kept.values()) + receiver.events}
    assert sorted(got.values()) == sorted(told), "each once, by its id"
    sent = works.deliveries()
    assert {d["id"]: d["state"] for d in sent} == {i: "received" for i in got}, "the record of deliveries has the same"
    assert all(d["answered"] and d["answer"].startswith(("HTTP 204", "HTTP 409")) for d in sent)
    assert max(int(d["attempts"]) for d in sent) > 1
    assert works.deliveries("--open") == []
    receiver.close()


def test_what_the_receiver_calls_wrong_is_a_dead_letter(tmp_path):
    receiver = Receiver(lambda n: 422 if n == 2 else 204)
    works = Works(tmp_path, [webhook(f'url: "http://127.0.0.1:{receiver.port}/carbon", secret_file: desk.secret')], excursions=3)
    with works.gateway.start():
        wait_until(lambda: receiver.requests == 6, what="all changes")
        wait_until(lambda: "HTTP 422: not of our park" in works.run("dead-letters", works.config), what="the dead letter")
    assert len(receiver.events) == 5
    [refused] = works.deliveries("--open")
    assert (refused["state"], refused["attempts"], refused["answer"]) == ("refused", "1", "HTTP 422: not of our park")
    assert refused["what"] == "overload incomer.power resolved"
    table = works.run("deliveries", works.config, "--lang", "zh")
    assert "被拒收" in table and table.count("已回执") == 5
    receiver.close()


def test_what_has_no_receipt_in_time_is_told_to_somebody_else(tmp_path):
    """The desk takes the first two changes, calls the third wrong, and is away for the rest; the manager hears what it did not."""
    desk = Receiver(lambda n: {1: 204, 2: 204, 3: 422}.get(n, 503))
    manager = Receiver()
    works = Works(tmp_path, [webhook(f'url: "http://127.0.0.1:{desk.port}/", secret_file: desk.secret'),
                             f'type: webhook, name: manager, url: "http://127.0.0.1:{manager.port}/", secret_file: desk.secret, '
                             f'escalates: {{of: desk, after: 3s}}, select: {{rules: [overload], severity: critical}}'], excursions=3)
    with works.gateway.start():
        wait_until(lambda: manager.events, 20, "what was refused")
        wait_until(lambda: len(manager.events) == 4, 30, "the rest")
        sent = wait_until(lambda: [d for d in works.deliveries("--sink", "manager") if d["state"] == "received"] and
                          works.deliveries(), what="the record")
    told = [a["id"] + a["state"] for a in works.alerts()]
    assert len(told) == 6
    assert [e["data"]["id"] + e["data"]["state"] for e in manager.events] == told[2:]
    assert {e["data"]["escalated_from"] for e in manager.events} == {"desk"}
    assert not any("escalated_from" in e["data"] for e in desk.events)
    first = next(d for d in sent if d["sink"] == "desk" and d["state"] == "open")
    then = [d for d in works.deliveries("--sink", "manager")][2:]
    at = lambda text: datetime.datetime.fromisoformat(text)  # noqa: E731
    waits = [(at(d["first_sent"]) - at(first["first_sent"])).total_seconds() for d in then]
    assert len(waits) == 2 and all(2.9 <= wait <= 8 for wait in waits), f"waiting times do not add up: {waits}"
    desk.close()
    manager.close()


class Alertmanager:
    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        (folder / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        self.process = Process(["prometheus-alertmanager", f"--config.file={folder / 'alertmanager.yml'}",
                                f"--storage.path={folder / 'am'}", f"--web.listen-address=127.0.0.1:{self.port}",
                                "--cluster.listen-address="], folder / "alertmanager.log")

    def start(self):
        return self.process.start(lambda: accepts(self.port), 30)

    def active(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v2/alerts") as answer:
            return json.load(answer)

    def ids(self):
        return [a["labels"]["id"] for a in self.active()]


@pytest.fixture
def alertmanager(tmp_path):
    server = Alertmanager(tmp_path)
    with server.start():
        yield server


def test_alertmanager_that_has_lost_its_alerts_hears_again_what_fires(tmp_path, alertmanager):
    """It keeps alerts in memory; also over a restart of the gateway."""
    begin = int(time.time()) // 60 * 60 - 3600
    works = Works(tmp_path, [webhook(f'url: "http://127.0.0.1:{alertmanager.port}", format: alertmanager, repeat_every: 2s')],
                  excursions=3, begin=begin, last=950)
    last = works.alerts()[-1]["id"]
    with works.gateway.start():
        wait_until(lambda: alertmanager.ids() == [last], what="the alert that fires")
        sent = wait_until(lambda: len(works.deliveries()) == 5 and works.deliveries(), what="the record")
        for _ in range(2):
            alertmanager.process.kill()
            shutil.rmtree(tmp_path / "am")
            alertmanager.start()
            wait_until(lambda: alertmanager.ids() == [last], 20, "the alert that fires, told again")
            works.gateway.kill()
            works.gateway.start()
        assert works.deliveries() == sent, "a repeat is no delivery"
    wait_until(lambda: alertmanager.ids() == [], 20, "its end, when nobody tells it again")


def test_alertmanager_is_told_no_more_of_what_nothing_can_end(tmp_path, alertmanager):
    """A rule that gets another name leaves its alert as it stood: no end of it comes, and it must not fire there for ever."""
    begin = int(time.time()) // 60 * 60 - 3600
    works = Works(tmp_path, [webhook(f'url: "http://127.0.0.1:{alertmanager.port}", format: alertmanager, repeat_every: 2s')],
                  excursions=3, begin=begin, last=950)
    last = works.alerts()[-1]["id"]
    with works.gateway.start():
        wait_until(lambda: alertmanager.ids() == [last], what="the alert that fires")
    works.config.write_text(works.config.read_text().replace("id: overload", "id: overload-2"))
    with works.gateway.start():
        wait_until(lambda: alertmanager.ids() == [], 30, "its end, as nobody tells it again")
        wait_until(lambda: "1 alerts that fired are told no more" in (tmp_path / "gateway.log").read_text(), what="a line of the log")


def test_alertmanager_shows_what_fires_and_forgets_what_is_resolved(tmp_path, alertmanager):
    begin = int(time.time()) // 60 * 60 - 3600
    works = Works(tmp_path, [webhook(f'url: "http://127.0.0.1:{alertmanager.port}", format: alertmanager')], excursions=3, begin=begin, last=950)

    last = works.alerts()[-1]["id"]
    with works.gateway.start():
        wait_until(lambda: alertmanager.ids() == [last], what="the alert that fires, and it alone")
    [alert] = alertmanager.active()
    assert alert["labels"] == {"alertname": "overload", "severity": "critical", "site": "works", "device": "incomer", "point": "power",
                               "id": last}
    assert alert["annotations"]["summary_zh"] == "变压器过载"
    assert alert["annotations"]["value"] == "905 kW"
    assert alert["startsAt"] == time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(begin + 300))
