"""The Kafka sink of the whole gateway against librdkafka's mock cluster: nothing is missing, and what comes twice has the same key."""

import json
import sqlite3
import subprocess
import threading

import pytest
from harness import BUILD, journal_numbers, wait_until
from mqtt_park import METERS, READINGS, export, gateway_process, messages, publish_all, write_config
from mqtt_servers import Mosquitto


class Cluster:
    """kafka_host.cc as a process: servers that can be down, and what a consumer hears. Or a consumer alone: `there` is its command line."""

    def __init__(self, log, there=()):
        self.log, self.there = log, there

    def __enter__(self):
        with open(self.log, "wb") as out:
            self.child = subprocess.Popen([BUILD / "tests" / "integration" / "kafka_host", *self.there], stdin=subprocess.PIPE, stdout=out, text=True)
        self.bootstrap = wait_until(lambda: [line["bootstrap"] for line in self._lines() if "bootstrap" in line], what="the cluster")[0]
        return self

    def __exit__(self, *exc):
        self.child.kill()
        self.child.wait()

    def say(self, command):
        self.child.stdin.write(command + "\n")
        self.child.stdin.flush()

    def _lines(self):
        text = self.log.read_text()
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def heard(self):
        """[(topic, key of the record, payload)]"""
        return [(line["topic"], line["key"], json.loads(line["value"])) for line in self._lines() if "topic" in line]

    def partitions(self):
        """{(topic, key of the record, partition)}"""
        return {(line["topic"], line["key"], line["partition"]) for line in self._lines() if "topic" in line}


@pytest.fixture
def plant(tmp_path):
    with Mosquitto(tmp_path / "plant") as server:
        yield server


def keys_in_store(tmp_path, kinds=(0, 1, 2, 3, 4)):
    with sqlite3.connect(f"file:{tmp_path}/store/carbongate.db?mode=ro", uri=True) as store:
        store_id = store.execute("SELECT value FROM meta WHERE name = 'id'").fetchone()[0]
        return {f"{store_id:016x}-{number}" for number in journal_numbers(store, kinds)}


def by_key(heard):
    """{key: what was heard}; fails if two records of one key differ."""
    found = {}
    for record in heard:
        assert found.setdefault(record[2]["key"], record) == record
    return found


def test_everything_arrives_though_servers_were_down_and_the_gateway_was_killed(tmp_path, plant):
    with Cluster(tmp_path / "cluster.log") as cluster:
        sink = {"type": "kafka", "name": "out", "bootstrap": cluster.bootstrap.split(","), "batch_rows": 60, "timeout": "2s"}
        config = write_config(tmp_path / "park.yaml", plant, [sink])
        gateway = gateway_process(tmp_path, config)
        first = list(messages(0))[:1]
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            publishing = threading.Thread(target=publish_all, args=(plant,))
            publishing.start()
            for part in (1, 2):
                wait_until(lambda: len(cluster.heard()) > METERS * READINGS * part // 4, 60, "a part being heard")
                cluster.say("down")

                def noticed():
                    plant.publish_lines("park/m0", first)  # again: there is always something to send
                    return gateway.output().count("trying again") >= part
                wait_until(noticed, 30, "the sink noticing")
                gateway.kill()
                gateway.start()
                cluster.say("up")
            publishing.join()

            def everything_heard():
                readings = keys_in_store(tmp_path, (0,))
                return len(readings) >= METERS * READINGS and readings <= set(by_key(cluster.heard()))
            wait_until(everything_heard, 90, "everything being heard")
            assert gateway.stop() == 0
        wait_until(lambda: keys_in_store(tmp_path) <= set(by_key(cluster.heard())), 30, "what the gateway sent at last")
        heard = by_key(cluster.heard())
    assert set(heard) == keys_in_store(tmp_path)
    entries = [{column: value for column, value in payload.items() if column not in ("kind", "site", "key")}
               for topic, _, payload in heard.values() if topic == "carbongate.entries"]
    order = lambda row: json.dumps(row, sort_keys=True)  # noqa: E731
    assert sorted(entries, key=order) == sorted(export(config, "entries"), key=order)
    assert {key for _, key, _ in heard.values()} == {f"m{n}.energy" for n in range(METERS)}
