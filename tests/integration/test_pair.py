"""Two gateways on the same feed, each with a store of its own, both writing to the same far ends: each row is there once.

One of them is killed meanwhile; the broker keeps for it what it did not hear.
"""

import json
import os
import subprocess
import threading

import pytest
from harness import CARBONGATE, wait_until
from mqtt_park import ENVIRONMENT, METERS, READINGS, export, gateway_process, publish_all, publish_part, write_config
from mqtt_servers import Mosquitto
from postgresql_servers import PostgreSQL
from test_gateway_to_postgresql import is_equal
from test_outage import assert_same, victoria_rows
from tsdb_servers import VictoriaMetrics


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as server:
        yield server


class Half:
    """One gateway of the pair."""

    def __init__(self, directory, broker, sinks):
        directory.mkdir()
        self.config = write_config(directory / "park.yaml", broker, [])
        site = json.loads(self.config.read_text())
        site["brokers"]["plant"]["client_id"] = f"park-{directory.name}"  # a session of its own
        site["sinks"] = sinks
        self.config.write_text(json.dumps(site))
        self.process = gateway_process(directory, self.config)

    def start(self):
        before = self.process.output().count(" session")
        return self.process.start(ready=lambda: self.process.output().count(" session") > before)


def test_each_row_of_a_pair_is_there_once(tmp_path, broker):
    with VictoriaMetrics(tmp_path / "victoria", ["-dedup.minScrapeInterval=1ms"]) as victoria, PostgreSQL() as postgresql:
        sinks = [{"type": "line-protocol", "name": "tsdb", "url": victoria.write_url},
                 {"type": "postgresql", "name": "db", "url": postgresql.url()}]
        left = Half(tmp_path / "left", broker, sinks)
        right = Half(tmp_path / "right", broker, sinks)
        with left.start(), right.start():
            publishing = threading.Thread(target=publish_all, args=(broker,))
            publishing.start()
            wait_until(lambda: victoria_rows(victoria) > METERS * READINGS // 4, 60, "a part being delivered")
            left.process.kill()
            wait_until(lambda: victoria_rows(victoria) > METERS * READINGS // 2, 60, "the other one going on")
            left.start()
            publishing.join()
            for half in (left, right):
                wait_until(lambda half=half: len(heard(half)) == METERS * READINGS, 60, "all readings being heard")
            wait_until(lambda: is_equal(right.config, postgresql), 60, "all rows in PostgreSQL")
            assert left.process.stop() == 0 and right.process.stop() == 0

        assert heard(left) == heard(right)
        for what in ("intervals", "entries", "rollups"):
            assert closed(left, what) == closed(right, what) != []
        # The rows of one gateway, though two have written them.
        assert_same(victoria, right.config)
        assert victoria.counter("vm_rows_inserted_total") > 1.5 * sum(
            len(times) for times in victoria.samples('{__name__=~"carbongate_.*"}').values())
        assert is_equal(right.config, postgresql)


def test_the_second_begins_from_a_backup_of_the_first_and_lacks_nothing(tmp_path, broker):
    """In the order that the README gives."""
    def carbongate(*args):
        return subprocess.run([CARBONGATE, *args], check=True, capture_output=True, text=True, env={**os.environ, **ENVIRONMENT})

    sinks = [{"type": "file", "name": "files", "path": str(tmp_path / "files")}]
    left = Half(tmp_path / "left", broker, sinks)
    right = Half(tmp_path / "right", broker, [])
    store = tmp_path / "right/store"
    with left.start():
        publish_part(broker, 0, 5)
        with right.start():
            publish_part(broker, 1, 5)
            assert right.process.stop() == 0
        store.rename(tmp_path / "deleted")
        publish_part(broker, 2, 5)
        wait_until(lambda: len(heard(left)) == METERS * READINGS * 3 // 5, 60, "the first having no backlog")
        carbongate("backup", left.config, store, "--with-key")
        publish_part(broker, 3, 5)
        site = json.loads(right.config.read_text())
        site["sinks"] = [{**sinks[0], "path": str(tmp_path / "files-2")}]
        right.config.write_text(json.dumps(site))
        carbongate("key", right.config, "--rotate")
        with right.start():
            assert "session resumed" in right.process.output()
            publish_part(broker, 4, 5)
            for half in (left, right):
                wait_until(lambda half=half: len(set(heard(half))) == METERS * READINGS, 60, "all readings being heard")
            assert right.process.stop() == 0
        assert left.process.stop() == 0
    assert heard(left) == sorted(set(heard(right)))  # what has no value comes twice as what it is
    for what in ("intervals", "entries", "rollups"):
        assert closed(left, what) == closed(right, what) != []
    assert "unchanged up to entry" in carbongate("verify", store).stdout
    accepted = [json.loads(carbongate("conservation", half.config, "--format", "json").stdout)["sinks"][0]["accepted"] for half in (left, right)]
    delivered = sum(path.read_text().count("\n") for path in (tmp_path / "files-2").rglob("*") if path.is_file())
    assert delivered < accepted[1] > accepted[0], "with what the first had delivered, and what came twice"


def test_a_shared_subscription_gives_each_message_to_one_of_them(tmp_path, broker):
    with VictoriaMetrics(tmp_path / "victoria") as victoria:
        sinks = [{"type": "line-protocol", "name": "tsdb", "url": victoria.write_url}]
        halves = [Half(tmp_path / name, broker, sinks) for name in ("left", "right")]
        for half in halves:
            site = json.loads(half.config.read_text())
            site["energy_users"] = []
            site["devices"] = [{**device, "topic": "$share/pair/" + device["topic"],
                                "points": [{"name": "voltage", "json": "/e", "unit": "V", "kind": "instantaneous"}]}
                               for device in site["devices"]]
            half.config.write_text(json.dumps(site))
        with halves[0].start(), halves[1].start():
            publish_all(broker)
            wait_until(lambda: sum(len(heard(half)) for half in halves) >= METERS * READINGS, 60, "all being heard")
            wait_until(lambda: victoria_rows(victoria) >= METERS * READINGS, 60, "all being delivered")
            assert [half.process.stop() for half in halves] == [0, 0]
        left, right = map(heard, halves)
        assert left and right and not set(left) & set(right)
        assert len(left) + len(right) == victoria_rows(victoria) == METERS * READINGS


def heard(half):
    """Readings, without the copies that a broker delivers again."""
    return sorted((row["time"], row["device"], str(row["value"])) for row in export(half.config, "readings")
                  if row["rule"] not in ("duplicate", "out-of-order"))


def closed(half, what):
    rows = [row for row in export(half.config, what) if row.get("state") != "open"]
    return sorted((json.dumps({key: row[key] for key in row if key not in ("sequence", "key", "seq")}, sort_keys=True)
                   for row in rows))
