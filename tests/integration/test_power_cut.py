"""The power fails again and again, and the disk had not written what it was not told to: the real daemon, SQLite's own file
system and the file sink on power_cut.c. After each cut it starts without repair; in the end nothing acknowledged is missing.

CARBONGATE_POWER_CUTS=200, CARBONGATE_POWER_CUT_SEED=4711: more of them, others.
"""

import os
import random

import pytest
from endless_feed import BROKER_OPTIONS, Feed, assert_sound, rows, wait_for_all
from harness import BUILD, CARBONGATE, Process, wait_until
from mqtt_park import ENVIRONMENT
from mqtt_servers import Mosquitto
from test_file_sink import KINDS, at_rest, check_against_export, config_with, everything_is_there

CUTS = int(os.environ.get("CARBONGATE_POWER_CUTS", "15"))
SEED = int(os.environ.get("CARBONGATE_POWER_CUT_SEED") or random.randrange(1_000_000))
LAYER = BUILD / "tests" / "integration" / "libpower_cut.so"
CUT = 137  # the exit status that the layer ends the daemon with
REPAIR = ("damaged", "repair", "set aside", "corrupt", "malformed")


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker", options=BROKER_OPTIONS) as server:
        yield server


def operations(chance):
    """How many writes, truncations and syncs a life has; short ones end while the store is being made or recovered."""
    return chance.choice((chance.randint(1, 60), chance.randint(1, 600), chance.randint(600, 6_000)))


def test_after_each_power_cut_it_starts_without_repair_and_nothing_acknowledged_is_lost(tmp_path, broker):
    print(f"CARBONGATE_POWER_CUT_SEED={SEED}, {CUTS} cuts")
    chance = random.Random(SEED)
    machine = tmp_path / "machine"
    machine.mkdir()
    config = config_with(machine, broker, rotate_size="16KiB", batch_rows=100)
    feed = Feed(broker, config, SEED)
    try:
        for cut in range(CUTS):
            environment = {**ENVIRONMENT, "LD_PRELOAD": str(LAYER), "POWER_CUT_BELOW": str(machine),
                           "POWER_CUT_AFTER": str(operations(chance)), "POWER_CUT_SEED": str(chance.randrange(2**63))}
            life = Process([CARBONGATE, "run", config], tmp_path / "lives" / f"{cut}.log", env=environment)
            life.log.parent.mkdir(exist_ok=True)
            with life.start():
                def has_ended():
                    if not feed.is_running() and "new session" in life.output():  # from now on the broker keeps messages for it
                        feed.start()
                    return not life.running()
                wait_until(has_ended, 60, f"power cut {cut}")
            said = life.output()
            assert life.child.returncode == CUT, f"life {cut} ended by itself:\n{said[-2000:]}"
            assert not any(word in said for word in REPAIR), f"life {cut}:\n{said[-2000:]}"
            print(f"{cut:3}: {environment['POWER_CUT_AFTER']:>5} operations, {said.splitlines()[-1]}")

        gateway = Process([CARBONGATE, "run", config], tmp_path / "gateway.log", env=ENVIRONMENT)
        with gateway.start(ready=lambda: "connected, MQTT" in gateway.output(), timeout=90):
            assert feed.is_running(), "no life was long enough for a connection"
            feed.stop()
            wait_for_all(config, feed)
            wait_until(lambda: at_rest(lambda: everything_is_there(machine, machine / "files")), 60, "the files having all rows")
            assert gateway.stop() == 0
        assert not any(word in gateway.output() for word in REPAIR), gateway.output()[-2000:]
    finally:
        feed.stop()
    assert_sound(config, feed, tmp_path)
    assert everything_is_there(machine, machine / "files")
    check_against_export(config, machine / "files")
    print(f"{feed.count()} messages, {len(rows(config, 'readings')) - feed.count()} of them heard again, {len(KINDS)} kinds of rows")
