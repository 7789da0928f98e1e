"""Meters behind a real mosquitto and the whole gateway: no QoS 1 message is lost or counted twice, whatever is killed."""

import json
import os
import random
import subprocess
import time
from datetime import datetime
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from harness import CARBONGATE, wait_until
from mqtt_servers import PASSWORD, Gateway, Mosquitto, export, readings, write_site

START = 1_767_225_600  # 2026-01-01T00:00:00Z


def payload(value):
    return json.dumps({"Time": START + value, "ENERGY": {"Total": value}})


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def config(tmp_path, broker):
    plugs = {"id": "plugs", "topic": "tele/{device}/SENSOR", "devices": ["press-shop", "paint-shop"],
             "timestamp": {"json": "/Time", "format": "epoch-s"},
             "points": [{"name": "energy", "json": "/ENERGY/Total", "unit": "kWh", "kind": "cumulative"}]}
    user = {"id": "press-shop", "name": "冲压车间", "consumes": [{"carrier": "electricity", "from": "press-shop.energy"}]}
    return write_site(tmp_path / "site.yaml", broker, [plugs], [user])


def write_zone_config(file, broker, site_zone, device_zone=None):
    """A plug that tells its time as text; in which zone, says `device_zone` or else the site."""
    timestamp = {"json": "/Time", "format": "iso8601"} | ({"time_zone": device_zone} if device_zone else {})
    plug = {"id": "press-shop", "topic": "tele/press-shop/SENSOR", "timestamp": timestamp,
            "points": [{"name": "energy", "json": "/Total", "unit": "kWh", "kind": "cumulative"}]}
    return write_site(file, broker, [plug], timezone=site_zone)


def counted_energy(config):
    """kWh of press-shop in the complete quarter hours: by the meter's intervals, and by the account's entries.

    Shows that what readings() leaves out as delivered twice was not counted either.
    """
    return [sum(Decimal(row["amount"]) for row in export(config, what) if row["device"] == "press-shop")
            for what in ("intervals", "entries")]


def test_what_was_published_meanwhile_arrives_after_the_restart(tmp_path, broker, config):
    with Gateway(config, tmp_path / "gateway.log").start() as gateway:
        broker.publish("tele/press-shop/SENSOR", payload(1))
        broker.publish("tele/paint-shop/SENSOR", payload(100))
        wait_until(lambda: readings(config) == [1] and readings(config, "paint-shop") == [100], what="the first values")
        assert gateway.stop() == 0
    broker.publish_lines("tele/press-shop/SENSOR", [payload(value) for value in range(2, 52)])
    with Gateway(config, tmp_path / "gateway.log").start() as gateway:
        wait_until(lambda: len(readings(config)) >= 51, what="the values of the absence")
        assert gateway.stop() == 0
    assert readings(config) == [float(value) for value in range(1, 52)]


def test_kill_9_of_the_gateway_loses_and_doubles_nothing(tmp_path, broker, config):
    count = 1801  # a kWh each second; the last one completes the second quarter hour
    chance = random.Random(9)
    gateway = Gateway(config, tmp_path / "gateway.log")
    with gateway:
        gateway.start()
        broker.publish_lines("tele/press-shop/SENSOR", [payload(value) for value in range(count)])
        for _ in range(5):
            seen = len(readings(config))
            target = min(count - 1, seen + chance.randint(10, 200))
            wait_until(lambda: len(readings(config)) >= target, 60, "some progress")
            gateway.kill()
            gateway.start()
        wait_until(lambda: len(readings(config)) >= count, 60, "all values")
        assert gateway.stop() == 0
    assert readings(config) == [float(value) for value in range(count)]
    assert counted_energy(config) == [count - 1, count - 1]


def test_sigterm_in_the_midst_of_a_burst_is_obeyed_and_loses_nothing(tmp_path, broker, config):
    count = 901  # the last one completes the first quarter hour
    gateway = Gateway(config, tmp_path / "gateway.log")
    with gateway:
        gateway.start()
        broker.publish_lines("tele/press-shop/SENSOR", [payload(value) for value in range(count)])
        wait_until(lambda: len(readings(config)) >= 10, what="the first values")
        assert gateway.stop(timeout=5) == 0
        gateway.start()
        wait_until(lambda: len(readings(config)) >= count, 60, "all values")
        assert gateway.stop() == 0
    assert readings(config) == [float(value) for value in range(count)]
    assert counted_energy(config) == [count - 1, count - 1]


def test_values_come_and_go_with_their_hj212_flags(tmp_path, broker):
    stack = {"id": "stack", "topic": "cems/stack", "timestamp": {"json": "/Time", "format": "epoch-s"}, "flag": "/Flag",
             "points": [{"name": "gas", "json": "/gas/Cou", "unit": "kWh", "kind": "cumulative", "power_max": "1 MW", "stale_after": "3h"},
                        {"name": "o2", "json": "/o2/Rtd", "stale_after": "3h", "flag": "/o2/Flag", "unit": "%"}]}
    config = write_site(tmp_path / "site.yaml", broker, [stack],
                        [{"id": "boiler", "consumes": [{"carrier": "electricity", "from": "stack.gas"}]}])
    flags = ["N", "F", "S", "M", "D", "C", "T", "B", "X", "N"]
    begin = int(time.time()) // 900 * 900 - 3600
    shown = {"N": 1000, "F": 1000, "S": 1000}  # marked values are far off: none of them is counted
    with Gateway(config, tmp_path / "gateway.log").start() as gateway:
        for k, flag in enumerate(flags):
            broker.publish("cems/stack", json.dumps({"Time": begin + 300 * k, "Flag": flag,
                                                     "gas": {"Cou": shown.get(flag, 5) + k}, "o2": {"Rtd": 6, "Flag": "C"}}))
        wait_until(lambda: len(export(config, "readings")) == 2 * len(flags), what="all readings")
        assert gateway.stop() == 0
    rows = export(config, "readings")
    gas = [row for row in rows if row["point"] == "gas"]
    assert [(row["quality"], row["rule"], row["hj212_flag"]) for row in gas] == [
        ("measured", "", "N"), ("measured", "stopped", "F"), ("manual", "", "S"), ("missing", "maintenance", "M"),
        ("missing", "fault", "D"), ("missing", "calibration", "C"), ("missing", "over-range", "T"), ("missing", "gap", "B"),
        ("missing", "unknown-flag", "D"), ("measured", "", "N")]
    assert {(row["rule"], row["hj212_flag"], row["value"]) for row in rows if row["point"] == "o2"} == {("calibration", "C", 6)}
    intervals = export(config, "intervals")
    assert sum(Decimal(row["amount"]) for row in intervals) == 9
    assert intervals[0]["hj212_flag"] == "S" and intervals[0]["quality"] == "manual"


def test_a_recording_may_have_a_column_of_flags(tmp_path, broker, config):
    recording = tmp_path / "input.csv"
    flags = ["", "N", "M", "B", "S", "ZZ", "n", "F"]
    recording.write_text("time,point,value,flag\n" + "".join(
        f"{1000 * (START + 300 * k)},press-shop.energy,{k if flag in ('', 'N', 'S', 'F') else 900 + k},{flag}\n"
        for k, flag in enumerate(flags)))
    command = partial(subprocess.run, capture_output=True, text=True, env={**os.environ, "MQTT_PASSWORD": PASSWORD})
    played = command([CARBONGATE, "replay", config, "--input", recording])
    assert played.returncode == 0, played.stderr
    for line in ("1 of them not counted: maintenance", "1 of them not counted: gap", "2 of them not counted: unknown-flag"):
        assert line in played.stdout
    assert [row["hj212_flag"] for row in export(config, "readings")] == ["N", "N", "M", "B", "S", "D", "D", "F"]
    again = command([CARBONGATE, "restate", config, "--from", "2026-01-01"])
    assert "nothing to correct" in again.stderr
    recording.write_text("time,point,value,flag\n2026-01-01,press-shop.energy,1\n")
    refused = command([CARBONGATE, "replay", config, "--input", recording, "--store", tmp_path / "other"])
    assert refused.returncode == 65 and "input.csv:2:1: error: expected four columns: time,point,value,flag" in refused.stderr


@pytest.mark.parametrize("site_zone,device_zone,text,instant", [
    ("Asia/Shanghai", None, "2026-01-01T07:30:00", "2025-12-31T23:30:00Z"),
    ("America/New_York", None, "2026-07-01T12:00:00.250", "2026-07-01T16:00:00.250Z"),  # daylight saving time
    ("America/New_York", None, "2026-01-01T12:00:00", "2026-01-01T17:00:00Z"),
    ("Asia/Shanghai", None, "2026-01-01T07:30:00+01:00", "2026-01-01T06:30:00Z"),  # an offset in the text comes first
    ("Asia/Shanghai", None, "2026-01-01T07:30:00Z", "2026-01-01T07:30:00Z"),
    ("Asia/Shanghai", "Europe/Berlin", "2026-01-01T07:30:00", "2026-01-01T06:30:00Z"),
])
def test_a_time_without_an_offset_is_one_of_the_sites_zone(tmp_path, broker, site_zone, device_zone, text, instant):
    config = write_zone_config(tmp_path / "zone.yaml", broker, site_zone, device_zone)
    with Gateway(config, tmp_path / "gateway.log").start() as gateway:
        broker.publish("tele/press-shop/SENSOR", json.dumps({"Time": text, "Total": 1}))
        rows = wait_until(lambda: export(config, "readings"), what="the reading")
        assert gateway.stop() == 0
    assert len(rows) == 1
    exported = datetime.fromisoformat(rows[0]["time"])
    assert exported == datetime.fromisoformat(instant)
    assert exported.utcoffset() == exported.astimezone(ZoneInfo(site_zone)).utcoffset(), "shown in the site's zone"
