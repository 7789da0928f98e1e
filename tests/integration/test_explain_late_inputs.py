"""`carbongate explain` of a gas meter whose thermometer is always minutes behind: every quarter hour is corrected by the gateway,
and each result of it is explained by the temperature of its own time."""

import json
import os
import subprocess
import time
from datetime import datetime
from decimal import Decimal

from harness import CARBONGATE, wait_until
from mqtt_servers import ENVIRONMENT, Gateway, Mosquitto, export

MINUTES, BEHIND = 150, 7
FIRST = int(time.time()) // 900 * 900 - 4 * 3600
ACCOUNT = "boiler/natural-gas/normal.volume"

CONFIG = """
site: {{id: works, timezone: Asia/Shanghai, grid_region: CN-SC}}
brokers: {{plant: {{url: "mqtt://127.0.0.1:{port}", username: gateway, password_env: MQTT_PASSWORD}}}}
devices:
  - {{id: meter, driver: mqtt, broker: plant, topic: works/volume, interval: 1min, timestamp: {{json: /t, format: epoch-s}},
     points: [{{name: volume, json: /v, unit: m3, kind: cumulative, flow_max: 2000 m3/h}}]}}
  - {{id: air, driver: mqtt, broker: plant, topic: works/celsius, interval: 1min, timestamp: {{json: /t, format: epoch-s}},
     points: [{{name: celsius, json: /c, unit: °C, kind: instantaneous}}]}}
derived:
  - {{id: normal, type: gas-at-reference, volume: meter.volume, temperature: air.celsius, pressure: 200 kPa, wait: 1s}}
energy_users: [{{id: boiler, consumes: [{{carrier: natural-gas, from: normal.volume}}]}}]
corrections: {{quiet: 200ms}}
store: {{path: store}}
"""


def celsius(minute):
    return Decimal(-10 + minute * 37 % 45)


def volume(minute):
    return 5_000 + sum(1 + k * 13 % 7 for k in range(minute))


def at(minute):
    return FIRST + 60 * minute


def normal(minute):
    """Nm3 of the minute that ends there."""
    factor = Decimal("273.15") / (Decimal("273.15") + celsius(minute)) * 200_000 / 101_325
    return (volume(minute) - volume(minute - 1)) * factor


def run(*args):
    done = subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, text=True, check=False,
                          env={**os.environ, **ENVIRONMENT})
    assert done.returncode == 0, done.stderr
    return done.stdout


def explain(config, *args):
    return json.loads(run("explain", config, *args, "--json", "--readings", 100))


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def seconds(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def is_all_booked(config):
    return json.loads(run("restate", config, "--from", utc(FIRST), "--format", "json"))["entries_differing"] == 0


def check(config, name):
    """One corrected quarter hour: its sum, and each result in it, from what was sent."""
    e = explain(config, name)
    begin = (seconds(e["begin"]) - FIRST) // 60
    within = range(begin + 1, begin + 16)
    point = e["point"]
    assert point["worked_out_again"] and point["counted_again"] == e["known"]["amount"]
    assert abs(sum(map(normal, within)) - Decimal(e["known"]["amount"])) <= Decimal("0.0000011"), name
    assert "late readings of air.celsius, of which normal.volume is made" in e["revisions"][-1]["note"]
    readings = [r for r in point["readings"] if r["place"] == "within"]
    assert [seconds(r["at"]) for r in readings] == [at(k) for k in within]
    assert {r["quality"]["origin"] for r in readings} == {"measured"}
    for minute in within:
        derived = explain(config, name, "--result", utc(at(minute)))["point"]["derived"]
        assert [Decimal(i["value"]) for i in derived["inputs"]] == [volume(minute), celsius(minute), 200_000]
        assert abs(Decimal(derived["computed"]) - normal(minute)) < Decimal("0.0000001")
        assert abs(Decimal(derived["computed"]) - Decimal(derived["moved"])) <= Decimal("0.0000011")


def send(broker):
    for first in range(0, MINUTES + 2 * BEHIND, BEHIND):
        volumes = [json.dumps({"t": at(k), "v": volume(k)}) for k in range(first, min(first + BEHIND, MINUTES + 1))]
        temperatures = [json.dumps({"t": at(k), "c": int(celsius(k))}) for k in range(max(first - BEHIND, 0), min(first, MINUTES + 1))]
        for topic, lines in (("works/volume", volumes), ("works/celsius", temperatures)):
            if lines:
                broker.publish_lines(topic, lines)


def test_each_result_of_a_corrected_quarter_hour_is_of_the_temperature_of_its_time(tmp_path):
    config = tmp_path / "works.yaml"
    with Mosquitto(tmp_path / "broker") as broker:
        config.write_text(CONFIG.format(port=broker.port))
        with Gateway(config, tmp_path / "gateway.log") as gateway:
            gateway.start()
            send(broker)
            wait_until(lambda: is_all_booked(config), timeout=60, what="all of it being booked")
    begins = {correction["begin"] for correction in export(config, "corrections")}
    assert len(begins) >= MINUTES // 15, begins
    for begin in begins:
        check(config, f"{ACCOUNT}@{begin}")
