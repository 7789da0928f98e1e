"""A site with a past and a present behind the gateway's HTTP server: five days were replayed, and meters publish by MQTT."""

import http.client
import json
import socket
import subprocess
import threading
import time
from datetime import datetime, timedelta, timezone
from urllib.parse import quote, urlsplit

import paho.mqtt.client as mqtt
from harness import CARBONGATE, Process, accepts, free_port, wait_until

CONFIG = """
site: {{id: works, name: 示范工厂, timezone: Asia/Shanghai, grid_region: CN-SC}}
brokers: {{plant: {{url: "mqtt://127.0.0.1:{broker}", client_id: api-test}}}}
devices:
  - {{id: incomer, driver: mqtt, broker: plant, topic: plant/incomer, interval: 5min, timestamp: {{json: /t, format: epoch-ms}},
     points: [{{name: energy, json: /e, unit: kWh, kind: cumulative, power_max: 2 MW}}, {{name: power, json: /p, unit: kW, kind: instantaneous}}]}}
  - {{id: roof, driver: mqtt, broker: plant, topic: plant/roof, interval: 5min, timestamp: {{json: /t, format: epoch-ms}},
     points: [{{name: energy, json: /e, unit: kWh, kind: cumulative, power_max: 2 MW}}]}}
  - {{id: press, driver: mqtt, broker: plant, topic: plant/press, interval: 5min, timestamp: {{json: /t, format: epoch-ms}},
     points: [{{name: energy, json: /e, unit: kWh, kind: cumulative, power_max: 2 MW}}]}}
  - {{id: boiler, driver: mqtt, broker: plant, topic: plant/boiler, interval: 5min, timestamp: {{json: /t, format: epoch-ms}},
     points: [{{name: gas, json: /e, unit: Nm3, kind: cumulative}}]}}
energy_users:
  - {{id: park, name: 全厂, consumes: [{{carrier: electricity, from: incomer.energy}}, {{carrier: electricity, from: roof.energy, supply: own-renewable}}]}}
  - {{id: press-shop, name: 冲压车间, part_of: park, consumes: [{{carrier: electricity, from: press.energy}}]}}
  - {{id: boiler-house, name: 锅炉房, consumes: [{{carrier: natural-gas, from: boiler.gas}}]}}
alerts:
  rules:
    - {{id: overload, name: Transformer overload, name_zh: 变压器过载, severity: critical, points: [incomer.power], above: 800}}
    - {{id: quota, users: [press-shop], carrier: electricity, of: energy, period: day, quota: 5000, above: 100}}
store: {{path: store}}
sinks:
  - {{type: line-protocol, name: tsdb, url: "http://127.0.0.1:{nowhere}/write"}}
{ops}
"""

METERS = {"incomer": ("energy", 40.0), "roof": ("energy", 10.0), "press": ("energy", 15.0), "boiler": ("gas", 3.0)}  # per quarter hour
DAYS = 5


class Site:
    """`begin`: of what was replayed, midnight in the site's zone."""

    def __init__(self, folder, ops=""):
        self.folder = folder
        self.broker_port = free_port()
        self.port = free_port()
        self.config = folder / "works.yaml"
        self.config.write_text(CONFIG.format(broker=self.broker_port, nowhere=free_port(), ops=ops or f'ops: {{listen: "127.0.0.1:{self.port}"}}'))
        shanghai = timezone(timedelta(hours=8))
        today = datetime.now(shanghai).replace(hour=0, minute=0, second=0, microsecond=0)
        self.begin = today - timedelta(days=DAYS)
        self.totals = {}
        self.stamps = {}
        self._replay()
        conf = folder / "mosquitto.conf"
        conf.write_text(f"user root\nlistener {self.broker_port} 127.0.0.1\nallow_anonymous true\n")
        self.broker = Process(["mosquitto", "-c", conf], folder / "mosquitto.log")
        self.gateway = Process([CARBONGATE, "run", self.config], folder / "gateway.log")
        self.client = mqtt.Client()

    def _replay(self):
        lines = ["time,point,value"]
        begin_ms = int(self.begin.timestamp() * 1000)
        for quarter in range(DAYS * 96):
            at = begin_ms + quarter * 900_000
            for device, (point, step) in METERS.items():
                self.totals[device] = 1000 + step * quarter
                lines.append(f"{at},{device}.{point},{self.totals[device]}")
            lines.append(f"{at},incomer.power,{900 if quarter == 40 else 160}")
        (self.folder / "past.csv").write_text("\n".join(lines) + "\n")
        self.run("replay", self.config, "--input", self.folder / "past.csv")

    def start(self):
        self.broker.start(ready=lambda: accepts(self.broker_port))
        self.gateway.start(ready=lambda: self.get("/readyz").status == 200 if accepts(self.port) else False)
        self.client.connect("127.0.0.1", self.broker_port)
        self.client.loop_start()
        wait_until(lambda: all(d["connected"] for d in self.json("/api/v1/devices")["drivers"]), what="the broker being reached")
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.client.loop_stop()
        for process in (self.gateway, self.broker):
            process.__exit__(*exc)

    def run(self, *args):
        result = subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, check=False)
        assert result.returncode == 0, result.stdout.decode() + result.stderr.decode()
        return result.stdout

    def publish(self, device, amount=0.0, later_ms=0, **more):
        """The meter counts on by `amount`, now or so much later, but never before what it said last."""
        self.totals[device] += amount
        self.stamps[device] = max(int(time.time() * 1000) + later_ms, self.stamps.get(device, 0) + 1)
        payload = {"t": self.stamps[device], "e": self.totals[device], **more}
        self.client.publish(f"plant/{device}", json.dumps(payload), qos=1).wait_for_publish(10)

    def get(self, target, headers=None, method="GET", body=None):
        return request(self.port, target, headers, method, body)

    def json(self, target, status=200):
        answer = self.get(target)
        assert answer.status == status, f"{target}: {answer.status} {answer.body[:500]}"
        return json.loads(answer.body)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


def request(port, target, headers=None, method="GET", body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, target, body=body, headers=headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def escaped(name):
    return quote(name, safe="")


class Events:
    """A client of the stream, on a thread of its own. `all`: (id, event, data) as they came."""

    def __init__(self, port, target="/api/v1/stream", last_id=None):
        self.all = []
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        resume = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{resume}\r\n".encode())
        self.response = http.client.HTTPResponse(self.socket)
        self.response.begin()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        fields = {}
        try:
            while line := self.response.readline():
                text = line.decode().rstrip("\n")
                if text == "" and "event" in fields:
                    self.all.append((fields.get("id"), fields["event"], json.loads(fields["data"])))
                    fields = {}
                elif ": " in text and not text.startswith(":"):
                    key, value = text.split(": ", 1)
                    fields[key] = value
        except (OSError, ValueError, http.client.HTTPException):
            pass

    def wait_for(self, event, predicate=lambda data: True, timeout=15.0):
        found = lambda: next((e for e in list(self.all) if e[1] == event and predicate(e[2])), None)
        return wait_until(found, timeout, f"the event {event}")

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(5)


def path_of(target):
    return urlsplit(target).path
