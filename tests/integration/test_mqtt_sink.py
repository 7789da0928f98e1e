"""The MQTT sink of the whole gateway against a real broker: nothing is missing, and what comes twice has the same key."""

import json
import signal
import sqlite3
import threading

import pytest
from harness import Process, journal_numbers, wait_until
from mqtt_park import METERS, READINGS, export, gateway_process, messages, publish_all, write_config
from mqtt_servers import PASSWORD, USER, Mosquitto

# Sent to a subscriber before it is acknowledged: what is acknowledged is not lost with a broker that is killed.
OPTIONS = ["max_inflight_messages 0"]


class Listener(Process):
    """A subscriber with a session that the broker keeps."""

    def __init__(self, broker, log, topic="carbongate/#", name="listener"):
        self.broker, self.name = broker, name
        super().__init__(["mosquitto_sub", "-h", "127.0.0.1", "-p", broker.port, "-u", USER, "-P", PASSWORD, "-V", "5", "-c", "-i", name,
                          "-q", "1", "-t", topic, "-F", "%r %t %p"], log)

    def start(self):
        return super().start(ready=lambda: f"Sending SUBACK to {self.name}" in self.broker.log.read_text(errors="replace"))

    def heard(self):
        """[(retained, topic, payload)], whole lines only."""
        lines = self.output()
        return [(retained == "1", topic, json.loads(payload)) for retained, topic, payload
                in (line.split(" ", 2) for line in lines[:lines.rfind("\n") + 1].splitlines() if line[:2] in ("0 ", "1 "))]


@pytest.fixture
def plant(tmp_path):
    with Mosquitto(tmp_path / "plant") as server:
        yield server


def config_with(tmp_path, plant, out, **keys):
    login = {"username": "gateway", "password_env": "MQTT_PASSWORD"}
    brokers = {"plant": {"url": f"mqtt://127.0.0.1:{plant.port}", "client_id": "park-test", **login},
               "out": {"url": f"mqtt://127.0.0.1:{out.port}", **login}}
    sink = {"type": "mqtt", "broker": "out", "name": "out", **keys}
    return write_config(tmp_path / "park.yaml", plant, [sink], brokers=brokers)


def keys_in_store(tmp_path, kinds=(0, 1, 2, 3, 4)):
    with sqlite3.connect(f"file:{tmp_path}/store/carbongate.db?mode=ro", uri=True) as store:
        store_id = store.execute("SELECT value FROM meta WHERE name = 'id'").fetchone()[0]
        return {f"{store_id:016x}-{number}" for number in journal_numbers(store, kinds)}


def by_key(heard):
    """{key: (topic, payload)}; fails if two messages of one key differ."""
    found = {}
    for _, topic, payload in heard:
        assert found.setdefault(payload["key"], (topic, payload)) == (topic, payload)
    return found


def test_a_broker_that_ends_in_the_middle_has_told_everything(tmp_path, plant):
    with Mosquitto(tmp_path / "out", options=OPTIONS) as out, Listener(out, tmp_path / "listener.log").start() as listener:
        config = config_with(tmp_path, plant, out, in_flight=20, batch_rows=60)
        gateway = gateway_process(tmp_path, config)
        first = list(messages(0))[:1]
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            publishing = threading.Thread(target=publish_all, args=(plant,))
            publishing.start()
            # Ended by SIGTERM: mosquitto acknowledges before it has written, and forgets such messages when it is killed.
            for part in (1, 2, 3):
                wait_until(lambda: len(listener.heard()) > METERS * READINGS * part // 5, 60, "a part being heard")
                out.process.stop()

                def noticed():
                    plant.publish_lines("park/m0", first)  # again: there is always something to send
                    return gateway.output().count("trying again") >= part
                wait_until(noticed, 30, "the sink noticing")
                if part == 2:
                    gateway.kill()
                    gateway.start()
                out.start()
            publishing.join()

            def everything_heard():
                readings = keys_in_store(tmp_path, (0,))
                return len(readings) >= METERS * READINGS and readings <= set(by_key(listener.heard()))
            wait_until(everything_heard, 90, "everything being heard")
            assert gateway.stop() == 0
        wait_until(lambda: keys_in_store(tmp_path) <= set(by_key(listener.heard())), 30, "what the gateway sent at last")
        heard = by_key(listener.heard())
    assert set(heard) == keys_in_store(tmp_path)
    entries = [{column: value for column, value in payload.items() if column not in ("kind", "site", "key")}
               for _, payload in heard.values() if payload["kind"] == "entries"]
    order = lambda row: json.dumps(row, sort_keys=True)  # noqa: E731
    assert sorted(entries, key=order) == sorted(export(config, "entries"), key=order)
    topics = {topic for topic, payload in heard.values() if payload["kind"] == "entries"}
    assert topics == {f"carbongate/park/entries/m{n}/energy" for n in range(METERS)}


def test_what_the_broker_keeps_is_the_newest_of_each_topic(tmp_path, plant):
    with Mosquitto(tmp_path / "out", options=OPTIONS) as out, Listener(out, tmp_path / "live.log", "t/#").start() as live:
        config = config_with(tmp_path, plant, out, retain=True, topic="t/{point}/{device}", select={"rows": ["readings"]})
        gateway = gateway_process(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            lines = list(messages(0))
            plant.publish_lines("park/m0", lines[:20] + lines[25:30] + lines[20:24])  # four come late
            plant.publish_lines("park/m2", list(messages(2))[:10])
            wait_until(lambda: len(by_key(live.heard())) == 39, 30, "the readings being heard")
            assert gateway.stop() == 0
        with gateway.start(ready=lambda: gateway.output().count("connected, MQTT 5") > 1):
            plant.publish_lines("park/m0", lines[24:25])  # later still
            wait_until(lambda: len(by_key(live.heard())) == 40, 30, "that reading being heard")
            assert gateway.stop() == 0
        with Listener(out, tmp_path / "late.log", "t/#", "late").start() as listener:
            wait_until(lambda: len(listener.heard()) == 2, 15, "a message of each topic")
            kept = {topic: payload["time"] for retained, topic, payload in listener.heard() if retained}
    assert kept == {"t/energy/m0": "2026-01-01T08:29:00+08:00", "t/energy/m2": "2026-01-01T08:09:00+08:00"}


def test_a_broker_that_refuses_is_named_and_has_everything_once_it_does_not(tmp_path, plant):
    rights = tmp_path / "rights"
    rights.write_text(f"user {USER}\ntopic read #\ntopic write carbongate/park/readings/m0/#\n")
    with Mosquitto(tmp_path / "out", options=[*OPTIONS, f"acl_file {rights}"]) as out, \
            Listener(out, tmp_path / "listener.log").start() as listener:
        config = config_with(tmp_path, plant, out, select={"rows": ["readings"]})
        gateway = gateway_process(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            plant.publish_lines("park/m0", list(messages(0))[:30])
            wait_until(lambda: len(by_key(listener.heard())) == 30, 30, "what may be published")
            plant.publish_lines("park/m2", list(messages(2))[:30])
            wait_until(lambda: "refuses what is published to carbongate/park/readings/m2/energy: Not authorized (135)"
                       in gateway.output(), 30, "the reason in the log")
            rights.write_text(f"user {USER}\ntopic readwrite #\n")
            out.process.stop()
            out.start()
            wait_until(lambda: len(by_key(listener.heard())) == 60, 60, "the rest")
            assert gateway.stop() == 0
    assert set(by_key(listener.heard())) == keys_in_store(tmp_path, (0,))


@pytest.mark.parametrize("is_connected", [False, True])
def test_a_broker_that_hangs_does_not_hold_the_gateway_when_it_stops(tmp_path, plant, is_connected):
    with Mosquitto(tmp_path / "out", options=OPTIONS) as out, Listener(out, tmp_path / "listener.log").start() as listener:
        config = config_with(tmp_path, plant, out, select={"rows": ["readings"]})
        gateway = gateway_process(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            if is_connected:
                plant.publish_lines("park/m0", list(messages(0))[:10])
                wait_until(lambda: len(by_key(listener.heard())) == 10, 30, "the first readings")
            out.process.child.send_signal(signal.SIGSTOP)
            plant.publish_lines("park/m2", list(messages(2))[:10])
            wait_until(lambda: len(keys_in_store(tmp_path, (0,))) >= 10 + 10 * is_connected, 30, "the readings in the journal")
            assert gateway.stop(timeout=7) == 0
        assert "rows wait in the journal for the next start" in gateway.output()
        out.process.child.send_signal(signal.SIGCONT)
        with gateway.start():
            wait_until(lambda: keys_in_store(tmp_path, (0,)) <= set(by_key(listener.heard())), 30, "what waited")
            assert gateway.stop() == 0
