"""Meters behind a real mosquitto and the whole gateway: no QoS 1 message is lost or counted twice, whatever is killed."""

import json
import os
import random
import subprocess

import pytest

from harness import CARBONGATE, Process, wait_until
from mqtt_servers import PASSWORD, Mosquitto

ENVIRONMENT = {"MQTT_PASSWORD": PASSWORD}
START = 1_767_225_600  # 2026-01-01T00:00:00Z


def payload(value):
    return json.dumps({"Time": START + value, "ENERGY": {"Total": value}})


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def config(tmp_path, broker):
    file = tmp_path / "site.yaml"
    file.write_text(json.dumps({  # JSON is YAML
        "site": {"id": "edz-1", "timezone": "Asia/Shanghai", "grid_region": "CN-SC"},
        "brokers": {"plant": {"url": f"mqtt://127.0.0.1:{broker.port}", "username": "gateway",
                              "password_env": "MQTT_PASSWORD"}},
        "devices": [{"id": "plugs", "driver": "mqtt", "broker": "plant", "topic": "tele/{device}/SENSOR",
                     "devices": ["press-shop", "paint-shop"], "timestamp": {"json": "/Time", "format": "epoch-s"},
                     "points": [{"name": "energy", "json": "/ENERGY/Total", "unit": "kWh", "kind": "cumulative"}]}],
        "energy_users": [{"id": "press-shop", "name": "冲压车间",
                          "consumes": [{"carrier": "electricity", "from": "press-shop.energy"}]}],
        "store": {"path": str(tmp_path / "store")},
    }))
    return file


class Gateway(Process):
    def __init__(self, config, log):
        super().__init__([CARBONGATE, "run", config], log, env=ENVIRONMENT)

    def start(self):
        connected = self.output().count("connected, MQTT")
        return super().start(ready=lambda: self.output().count("connected, MQTT") > connected, timeout=30)


def readings(config, device="press-shop"):
    """The values of the readings that were counted, in order of time."""
    text = subprocess.run([CARBONGATE, "export", config, "--what", "readings", "--format", "jsonl"], check=True,
                          capture_output=True, text=True, env={**os.environ, **ENVIRONMENT}).stdout
    rows = [json.loads(line) for line in text.splitlines()]
    return [float(row["value"]) for row in rows if row["device"] == device and row["rule"] != "duplicate"]


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
    count = 1500
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


def test_sigterm_in_the_midst_of_a_burst_is_obeyed_and_loses_nothing(tmp_path, broker, config):
    count = 1000
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
