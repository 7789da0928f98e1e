"""A small park behind a broker: its meters' messages, a gateway that hears them, and what that exports."""

import json
import os
import random
import subprocess

from harness import CARBONGATE, Process
from mqtt_servers import PASSWORD

METERS = 3
READINGS = 600  # of each meter, a minute apart: ten hours
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z

ENVIRONMENT = {"MQTT_PASSWORD": PASSWORD}


def messages(meter):
    """One meter's payloads in order of time. Meter 1 now and then has no number."""
    chance = random.Random(meter)
    total = chance.uniform(0, 1e5)
    for k in range(READINGS):
        total += chance.uniform(0, 0.5)
        value = None if meter == 1 and k % 37 == 5 else round(total, 3)
        yield json.dumps({"t": START_MS + k * 60_000, "e": value})


def write_config(path, broker, sinks, **sections):
    devices = [{"id": f"m{n}", "driver": "mqtt", "broker": "plant", "topic": f"park/m{n}", "qos": 1,
                "timestamp": {"json": "/t", "format": "epoch-ms"},
                "points": [{"name": "energy", "json": "/e", "unit": "kWh", "kind": "cumulative"}]} for n in range(METERS)]
    users = [{"id": f"u{n}", "name": f"车间{n}", "consumes": [{"carrier": "electricity", "from": f"m{n}.energy"}]}
             for n in range(METERS)]
    path.write_text(json.dumps({  # JSON is YAML
        "site": {"id": "park", "timezone": "Asia/Shanghai", "grid_region": "CN-SC"},
        "brokers": {"plant": {"url": f"mqtt://127.0.0.1:{broker.port}", "username": "gateway",
                              "password_env": "MQTT_PASSWORD", "client_id": "park-test"}},
        "devices": devices,
        "energy_users": users,
        "store": {"path": str(path.parent / "store")},
        "sinks": [{"type": "line-protocol", **sink} for sink in sinks],
        **sections,
    }))
    return path


def gateway_process(tmp_path, config):
    return Process([CARBONGATE, "run", config], tmp_path / "gateway.log", env=ENVIRONMENT)


def export(config, what):
    text = subprocess.run([CARBONGATE, "export", config, "--what", what, "--format", "jsonl"], check=True,
                          capture_output=True, text=True, env={**os.environ, **ENVIRONMENT}).stdout
    return [json.loads(line) for line in text.splitlines()]


def publish_all(broker):
    for meter in range(METERS):
        broker.publish_lines(f"park/m{meter}", list(messages(meter)))


def publish_part(broker, part, parts=3):
    """A part of what each meter tells."""
    for meter in range(METERS):
        size = READINGS // parts
        broker.publish_lines(f"park/m{meter}", list(messages(meter))[part * size:(part + 1) * size])
