"""Alerts while gateway, network and receivers are taken away at random moments: a webhook and a supervisory platform. Every change
of an alert has one receipt at each, none is missing, and those of a rule come in their order.

CARBONGATE_ALERT_KILLS=100, CARBONGATE_ALERTS=1000, CARBONGATE_KILL_SEED=4711: more of them, other moments.
"""

import json
import os
import random
import re
import subprocess

import paho.mqtt.client as paho
from harness import CARBONGATE, Process, free_port, wait_until
from hj212_platform import stand_in
from mqtt_servers import PASSWORD, USER, Mosquitto
from network import Network
from webhook_receiver import SECRET, Receiver

KILLS = int(os.environ.get("CARBONGATE_ALERT_KILLS", "9"))
ALERTS = int(os.environ.get("CARBONGATE_ALERTS", "150"))  # changes: each excursion is two
SEED = int(os.environ.get("CARBONGATE_KILL_SEED") or random.randrange(1_000_000))
RULES = 5
BEGIN = 1_785_542_400  # 2026-08-01T00:00:00Z


class Plant:
    """Devices whose powers break their limits again and again, as fast as it is told; QoS 1, to a broker that stays."""

    def __init__(self, broker):
        self.published = 0
        self.client = paho.Client(client_id="plant")
        self.client.username_pw_set(USER, PASSWORD)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()

    def publish(self, count):
        for _ in range(count):
            k, device = divmod(self.published, RULES)
            power = 900 + k if k % 2 else 500
            self.client.publish(f"plant/d{device}", json.dumps({"t": (BEGIN + 60 * k) * 1000, "p": power}), qos=1).wait_for_publish(30)
            self.published += 1


class Everybody:
    """Gateway, webhook receiver and platform, and the network between them."""

    def __init__(self, folder, broker):
        self.hook_port, self.platform_port = free_port(), free_port()
        self.options = stand_in.read_options(["--port", str(self.platform_port), "--mn", "010000A8900016F000169DC0", "--pw", "123456"])
        self.events, self.told, self.faults = [], [], []
        self.receiver = self.platform = None
        self.start_receivers()
        self.networks = [Network(free_port(), port) for port in (self.hook_port, self.platform_port)]
        self.config = folder / "works.yaml"
        for name, secret in (("pass", PASSWORD), ("pw", "123456"), ("desk.secret", SECRET)):
            (folder / name).write_text(secret + "\n")
            (folder / name).chmod(0o600)
        devices = [{"id": f"d{d}", "driver": "mqtt", "broker": "plant", "topic": f"plant/d{d}", "interval": "1min", "qos": 1,
                    "timestamp": {"json": "/t", "format": "epoch-ms"},
                    "points": [{"name": "power", "json": "/p", "unit": "kW", "kind": "instantaneous"}]} for d in range(RULES)]
        self.config.write_text(json.dumps({
            "site": {"id": "works", "timezone": "Asia/Shanghai", "grid_region": "CN-SC"},
            "brokers": {"plant": {"url": f"mqtt://127.0.0.1:{broker.port}", "username": USER, "password_file": "pass"}},
            "devices": devices, "energy_users": [],
            "alerts": {"rules": [{"id": f"overload-{d}", "points": [f"d{d}.power"], "above": 800} for d in range(RULES)]},
            "stations": [{"id": "works", "factors": [{"code": "i33201", "point": "d0.power", "unit": "kW"}]}],
            "store": {"path": "store"},
            "sinks": [{"type": "webhook", "name": "desk", "url": f"http://127.0.0.1:{self.networks[0].port}/", "secret_file": "desk.secret",
                       "timeout": "2s", "select": {"rows": ["alerts"]}},
                      {"type": "hj212", "name": "platform", "address": f"127.0.0.1:{self.networks[1].port}", "station": "works",
                       "mn": "010000A8900016F000169DC0", "password_file": "pw", "alerts": True, "timeout": "1s", "select": {"rows": ["alerts"]}}]}))
        self.gateway = Process([CARBONGATE, "run", self.config], folder / "gateway.log")

    def start_receivers(self):
        self.receiver = Receiver(port=self.hook_port)
        self.platform = stand_in.Platform(self.options)

    def stop_receivers(self):
        """What they have is taken over; who still speaks on an old connection gives no receipt any more."""
        self.receiver.behave = lambda n: None
        self.receiver.close()
        self.platform.close()
        with self.receiver.lock:
            self.events += self.receiver.events
        self.faults += self.receiver.faults + self.platform.problems
        self.told += [key[4] for key in self.platform.keys("3020")]

    def run(self, *args):
        result = subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def alerts(self):
        return [json.loads(line) for line in self.run("export", self.config, "--what", "alerts", "--format", "jsonl").splitlines()]

    def open_deliveries(self):
        return self.run("deliveries", self.config, "--open", "--format", "csv").count("\n") - 1


def until_some_more(plant, chance):
    plant.publish(chance.randint(1, max(2, 2 * ALERTS // KILLS)))


def test_every_alert_is_receipted_once_at_each(tmp_path):
    print(f"CARBONGATE_KILL_SEED={SEED}, {KILLS} kills")
    chance = random.Random(SEED)
    with Mosquitto(tmp_path / "broker", options=("max_queued_messages 1000000",)) as broker:
        everybody, plant = Everybody(tmp_path, broker), Plant(broker)
        everybody.gateway.start(ready=lambda: "mqtt plant: connected" in everybody.gateway.output(), timeout=30)
        for _ in range(KILLS):
            until_some_more(plant, chance)
            victim = chance.choice(["gateway", "network", "receivers"])
            if victim == "gateway":
                everybody.gateway.kill()
                until_some_more(plant, chance)
                everybody.gateway.start()
            elif victim == "network":
                cut = chance.choice(everybody.networks)
                cut.cut()
                until_some_more(plant, chance)
                cut.mend()
            else:
                everybody.stop_receivers()
                until_some_more(plant, chance)
                everybody.start_receivers()
        plant.publish(max(0, RULES * (ALERTS // RULES + 3) - plant.published))
        plant.publish(-plant.published % (2 * RULES) + RULES)  # the last reading of each is below the limit
        expected = sum(1 for k in range(RULES, plant.published))  # each but the first of a device is a change
        wait_until(lambda: len(everybody.alerts()) == expected, 120, f"{expected} changes in the journal")
        wait_until(lambda: everybody.run("deliveries", everybody.config, "--format", "csv").count(",received,") == 2 * expected, 120,
                   "a receipt of each at both")
        everybody.gateway.stop()
        everybody.stop_receivers()
    assert everybody.open_deliveries() == 0 and everybody.faults == []
    wanted = everybody.alerts()
    changes = [f"{a['id']}-{a['revision']}" for a in wanted]
    assert len(set(changes)) == expected >= ALERTS

    by_id = {}
    for event in everybody.events:
        by_id.setdefault(event["id"], event["data"])
    at_desk = [f"{data['id']}-{data['revision']}" for data in by_id.values()]
    assert sorted(at_desk) == sorted(changes), "each once by its id, none missing"
    at_platform = list(dict.fromkeys(re.search(r"编号 (\w+-\d+)", text)[1] for text in everybody.told))
    assert sorted(at_platform) == sorted(changes)
    for got in (at_desk, at_platform):
        for rule in range(RULES):
            mine = [f"{a['id']}-{a['revision']}" for a in wanted if a["rule"] == f"overload-{rule}"]
            assert [change for change in got if change in set(mine)] == mine, "in their order"
    print(f"{expected} changes, {len(everybody.events)} webhook requests, {len(everybody.told)} packets")
