"""A time-series store that is away for long: the newest values are there within seconds of its return, while the backlog still
drains at its rate; in the end nothing is missing and nothing is there twice. And what one sink is owed is untouched when others
are taken out of the configuration or put into it.

CARBONGATE_OUTAGE_READINGS=500000: the outage of a week at a small site instead of that of a morning.
"""

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import time

import pytest
from endless_feed import READINGS as COUNT_READINGS
from harness import CARBONGATE, wait_until
from mqtt_park import ENVIRONMENT, METERS, START_MS, gateway_process, messages, write_config
from mqtt_servers import Mosquitto
from test_gateway_to_tsdb import exported
from tsdb_servers import VictoriaMetrics

POINTS = 40  # in one message
STEP_MS = 10_000
READINGS = int(os.environ.get("CARBONGATE_OUTAGE_READINGS", "40000"))
RATE = max(3_000, READINGS // 40)  # rows of the backlog in a second
SELECTOR = '{__name__=~"carbongate_(reading|interval|entry|rollup)_.*"}'


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as server:
        yield server


def message(k):
    """A counter and what else the meter tells."""
    values = {f"p{n}": k % 100 + n for n in range(1, POINTS)}
    return json.dumps({"t": START_MS + k * STEP_MS, "p0": round(k * 0.013, 3), **values})


def write_site(path, broker, url):
    points = [{"name": "p0", "json": "/p0", "unit": "kWh", "kind": "cumulative"},
              *({"name": f"p{n}", "json": f"/p{n}", "unit": "V", "kind": "instantaneous"} for n in range(1, POINTS))]
    return write_config(
        path, broker, [{"name": "tsdb", "url": url, "live_after": 2_000, "backfill_rate": RATE, "batch_rows": 1_000}],
        devices=[{"id": "m0", "driver": "mqtt", "broker": "plant", "topic": "park/m0", "qos": 1,
                  "timestamp": {"json": "/t", "format": "epoch-ms"}, "points": points}],
        energy_users=[{"id": "u0", "consumes": [{"carrier": "electricity", "from": "m0.p0"}]}])


def accounts(config):
    """By sink: where its rows are."""
    text = subprocess.run([CARBONGATE, "conservation", config, "--format", "json"], check=True, capture_output=True, text=True,
                          env={**os.environ, **ENVIRONMENT}).stdout
    return {account["sink"]: account for account in json.loads(text)["sinks"]}


def readings_in_journal(config):
    with contextlib.closing(sqlite3.connect(f"file:{config.parent}/store/carbongate.db?mode=ro", uri=True)) as store:
        return store.execute(COUNT_READINGS).fetchone()[0]


def assert_same(victoria, config, timeout=60):
    """What lies there is what is exported, each sample once."""
    wanted = exported(config)
    count = sum(len(fields) for fields in wanted.values())
    stored = victoria.wait_for_samples(count, SELECTOR, timeout)
    for (name, tags, at), fields in wanted.items():
        for field, value in fields.items():
            found = stored.get((f"{name}_{field}", tags), {}).get(at)
            assert found == [pytest.approx(value, rel=1e-15, abs=0)], (name, field, tags, at, found)
    assert sum(len(values) for times in stored.values() for values in times.values()) == count


def test_the_newest_values_come_first_and_the_backlog_beside_them_at_its_rate(tmp_path, broker):
    victoria = VictoriaMetrics(tmp_path / "victoria")
    config = write_site(tmp_path / "park.yaml", broker, victoria.write_url)
    gateway = gateway_process(tmp_path, config)
    backlog = READINGS // POINTS
    with gateway.start(ready=lambda: "new session" in gateway.output()):
        broker.publish_lines("park/m0", [message(k) for k in range(backlog)])
        wait_until(lambda: readings_in_journal(config) >= READINGS, 300, "the backlog being in the journal")
        assert "sink tsdb: " in gateway.output() and "trying again" in gateway.output()

        with victoria:
            wait_until(lambda: "the newest rows go first" in gateway.output(), 60, "the lanes parting")
            begun = time.monotonic()
            broker.publish("park/m0", message(backlog))
            newest = START_MS + backlog * STEP_MS

            def is_there():
                found = victoria.samples('carbongate_reading_value{point="p0"}')
                return any(newest in times for times in found.values())

            wait_until(is_there, 10, "the newest value")
            took = time.monotonic() - begun
            account = accounts(config)["tsdb"]
            assert account["backlog"] > READINGS / 3, "the backlog was sent before the newest value"
            assert took < 5, f"the newest value took {took:.1f} s"
            assert account["live_row"] > account["backlog_row"] + account["backlog"] and account["balances"]

            words = subprocess.run([CARBONGATE, "conservation", config], check=True, capture_output=True, text=True,
                                   env={**os.environ, **ENVIRONMENT}).stdout
            assert re.search(rf"tsdb: the newest rows go first, row \d+ is sent; the backlog is at row \d+, \d+ rows to go, "
                             rf"at most {RATE} a second", words), words
            assert "tsdb: of what waits the oldest is of 2026-01-01T" in words, words

            wait_until(lambda: "the backlog is sent" in gateway.output(), 120, "the lanes joining")
            assert time.monotonic() - begun > account["backlog"] / RATE * 0.7, "faster than its rate"
            broker.publish("park/m0", message(backlog + 1))
            wait_until(lambda: readings_in_journal(config) >= (backlog + 2) * POINTS, 30, "the last message")
            assert_same(victoria, config)
            assert gateway.stop() == 0
            assert "conservation is broken" not in gateway.output()


def test_what_a_sink_is_owed_stays_when_others_come_and_go(tmp_path, broker):
    away, second, third = (VictoriaMetrics(tmp_path / name) for name in ("away", "second", "third"))
    sinks = {name: {"name": name, "url": server.write_url, "live_after": 500, "backfill_rate": 2_000, "batch_rows": 100}
             for name, server in (("away", away), ("second", second), ("third", third))}
    config = tmp_path / "park.yaml"
    payloads = [list(messages(meter)) for meter in range(METERS)]
    parts = iter(range(0, 800, 200))

    def publish():
        part = next(parts)
        for meter in range(METERS):
            broker.publish_lines(f"park/m{meter}", payloads[meter][part:part + 200])

    def settled(*names):
        known = accounts(config)
        return all(known[name]["waiting"] == 0 and known[name]["received"] > 0 for name in names)

    with second, third:
        # The second has all there is, the first is away.
        write_config(config, broker, [sinks["away"], sinks["second"]])
        gateway = gateway_process(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            publish()
            wait_until(lambda: victoria_rows(second) >= METERS * 200, 30, "the second having its rows")
            assert gateway.stop() == 0
            broker.wait_for_farewell("park-test")
            owed = accounts(config)["away"]
            assert owed["waiting"] == owed["received"] > METERS * 200

            # The second goes, a third comes and gets the journal from its beginning.
            write_config(config, broker, [sinks["away"], sinks["third"]])
            gateway.start()
            publish()
            wait_until(lambda: victoria_rows(third) >= METERS * 400, 30, "the third having its rows")
            assert gateway.stop() == 0
            broker.wait_for_farewell("park-test")
            now = accounts(config)
            assert now["away"]["waiting"] == now["away"]["received"] > owed["received"], "nothing was taken from it"
            assert now["third"]["waiting"] == 0 and now["second"]["waiting"] > 0

            # The first is back, and so is the second.
            with away:
                write_config(config, broker, [sinks["away"], sinks["second"], sinks["third"]])
                gateway.start()
                publish()
                wait_until(lambda: all(victoria_rows(server) >= METERS * 600 for server in (away, second, third)), 60,
                           "all having all")
                assert gateway.stop() == 0
                for server in (away, second, third):
                    assert_same(server, config)
                assert settled("away", "second", "third")
                assert all(account["balances"] and account["dropped"] == 0 for account in accounts(config).values())


def victoria_rows(server):
    return sum(len(times) for times in server.samples("carbongate_reading_quality").values())
