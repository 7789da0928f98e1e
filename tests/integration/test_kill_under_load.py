"""kill -9 at random moments under full load: a broker feeds at QoS 1 as fast as the gateway takes it, meters are polled ten times
a second, a time-series store is behind it. Then journal, books, ledger, conservation and the far end are held against what went in.

CARBONGATE_KILLS=200, CARBONGATE_KILL_SEED=4711: more of them, other moments.
"""

import json
import os
import random

import pytest
from endless_feed import BROKER_OPTIONS, Feed, accounts, assert_sound, rows, wait_for_all
from harness import BUILD, CARBONGATE, Process, free_port, wait_until
from mqtt_park import ENVIRONMENT, write_config
from mqtt_servers import Mosquitto
from test_gateway_to_tsdb import exported
from tsdb_servers import VictoriaMetrics

KILLS = int(os.environ.get("CARBONGATE_KILLS", "10"))
SEED = int(os.environ.get("CARBONGATE_KILL_SEED") or random.randrange(1_000_000))
POLLED = ["press", "oven"]
REGISTERS = 10  # of each: counters
SELECTOR = '{__name__=~"carbongate_(reading|interval|entry|rollup)_.*"}'


@pytest.fixture
def plant(tmp_path):
    port = free_port()
    meters = Process([BUILD / "tests" / "bench" / "modbus_load_server", port], tmp_path / "meters.log")
    with (Mosquitto(tmp_path / "broker", options=BROKER_OPTIONS) as broker, VictoriaMetrics(tmp_path / "victoria") as victoria,
          meters.start(ready=lambda: "ready" in meters.output())):
        yield broker, victoria, meters, write_site(tmp_path / "park.yaml", broker, victoria, port)


def write_site(file, broker, victoria, port):
    write_config(file, broker, [{"name": "tsdb", "url": victoria.write_url}])
    site = json.loads(file.read_text())
    registers = [{"name": f"p{i}", "function": 4, "address": 2 * i, "type": "float32", "unit": "kWh", "kind": "cumulative"}
                 for i in range(REGISTERS)]
    for unit, device in enumerate(POLLED, 1):
        site["devices"].append({"id": device, "driver": "modbus-tcp", "address": f"127.0.0.1:{port}", "unit": unit,
                                "interval": "100ms", "registers": registers})
        site["energy_users"].append({"id": device, "consumes": [{"carrier": "electricity", "from": f"{device}.p0"}]})
    file.write_text(json.dumps(site))
    return file


def live_until_some_moment(gateway, feed, chance):
    """A third of the lives end while they begin, somewhere in what the gateway then says; the others while it works."""
    said, held = len(gateway.output()), feed.journal.readings()
    gateway.start()
    if chance.random() < 1 / 3:
        more = chance.randint(0, 1_500)
        wait_until(lambda: len(gateway.output()) >= said + more or feed.journal.readings() > held, 60, "the beginning of a life")
    else:
        more = chance.randint(1, 3_000)
        wait_until(lambda: feed.journal.readings() >= held + more, 120, f"{more} readings more")
    assert gateway.running(), gateway.output()[-2000:]
    gateway.kill()


def assert_far_end_holds_the_export(victoria, config):
    """Each sample once, or several times the same, as a row may be sent again."""
    wanted = exported(config)
    count = sum(len(fields) for fields in wanted.values())
    stored = victoria.wait_for_samples(count, SELECTOR, 120)
    for (name, tags, at), fields in wanted.items():
        for field, value in fields.items():
            found = stored.get((f"{name}_{field}", tags), {}).get(at)
            assert found and len(set(found)) == 1, (name, field, tags, at, found)
            assert found[0] == pytest.approx(value, rel=2e-12, abs=0), (name, field, tags, at)  # VictoriaMetrics keeps 12 digits
    assert sum(len(times) for times in stored.values()) == count
    assert victoria.counter("vm_rows_invalid_total") == 0
    return count


def assert_polled_as_told(config):
    """The server counts up with each request: what was polled later is more, and nothing is there twice."""
    polled = sorted((row["device"], row["point"], row["time"], float(row["value"])) for row in rows(config, "readings")
                    if row["device"] in POLLED)
    for (*point, _, value), (*next_point, _, next_value) in zip(polled, polled[1:]):
        assert point != next_point or value < next_value
    assert {(device, point) for device, point, _, _ in polled} == {(d, f"p{i}") for d in POLLED for i in range(REGISTERS)}
    return len(polled)


def test_nothing_is_missing_and_nothing_is_double_whenever_it_was_killed(tmp_path, plant):
    broker, victoria, meters, config = plant
    print(f"CARBONGATE_KILL_SEED={SEED}, {KILLS} kills")
    chance = random.Random(SEED)
    feed = Feed(broker, config, SEED)
    gateway = Process([CARBONGATE, "run", config], tmp_path / "gateway.log", env=ENVIRONMENT)
    try:
        with gateway.start(ready=lambda: "new session" in gateway.output(), timeout=30):
            feed.start()
            gateway.kill()
            for _ in range(KILLS - 1):
                live_until_some_moment(gateway, feed, chance)
            assert feed.is_running()
            gateway.start()
            feed.stop()
            wait_for_all(config, feed)
            # A cursor is written with the next commit: while meters are polled there is one.
            wait_until(lambda: all(account["waiting"] < 200 for account in accounts(config)), 120, "the far end having the backlog")
            meters.stop()
            assert gateway.stop() == 0
    finally:
        feed.stop()
    assert_sound(config, feed, tmp_path)
    polled = assert_polled_as_told(config)
    samples = assert_far_end_holds_the_export(victoria, config)
    print(f"{feed.count()} messages, {polled} polled readings, {len(rows(config, 'entries'))} entries, {samples} samples at the far end")
