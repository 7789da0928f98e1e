"""SIGTERM ends the gateway within 5 s and with status 0, whatever state its broker, meter and sink are in; the next start goes on
where it stopped."""

import json
import os
import signal
import socket
import subprocess
import time
from decimal import Decimal

import pytest
from harness import CARBONGATE, Process, wait_until
from modbus_servers import libmodbus_tcp
from mqtt_servers import PASSWORD, Mosquitto
from tsdb_servers import VictoriaMetrics

LIMIT_S = 5.0
ENVIRONMENT = {"MQTT_PASSWORD": PASSWORD}
START = int(time.time()) // 900 * 900 - 12 * 3600  # the beginning of a quarter hour; the meter's readings are of now


def write_config(file, broker_url, meter_port, sink_url):
    file.write_text(json.dumps({  # JSON is YAML
        "site": {"id": "park", "timezone": "Asia/Shanghai", "grid_region": "CN-SC"},
        "brokers": {"plant": {"url": broker_url, "username": "gateway", "password_env": "MQTT_PASSWORD",
                              **({"verify": False} if broker_url.startswith("mqtts") else {})}},
        "devices": [
            {"id": "plug", "driver": "mqtt", "broker": "plant", "topic": "park/plug", "qos": 1,
             "timestamp": {"json": "/t", "format": "epoch-s"},
             "points": [{"name": "energy", "json": "/e", "unit": "kWh", "kind": "cumulative"}]},
            {"id": "meter", "driver": "modbus-tcp", "address": f"127.0.0.1:{meter_port}", "unit": 1, "interval": "200ms",
             "registers": [{"name": "x", "address": 5, "type": "uint16"}]}],
        "energy_users": [{"id": "hall", "consumes": [{"carrier": "electricity", "from": "plug.energy"}]}],
        "store": {"path": str(file.parent / "store")},
        "sinks": [{"type": "line-protocol", "name": "tsdb", "url": sink_url}],
    }))
    return file


def payloads(first, last):
    """A kWh each minute."""
    return [json.dumps({"t": START + 60 * value, "e": value}) for value in range(first, last + 1)]


def gateway_process(tmp_path, config):
    return Process([CARBONGATE, "run", config], tmp_path / "gateway.log", env=ENVIRONMENT)


def stop_in_time(gateway):
    begin = time.monotonic()
    status = gateway.stop(timeout=30)
    seconds = time.monotonic() - begin
    assert status == 0, gateway.output()[-2000:]
    assert seconds < LIMIT_S, f"stopped after {seconds:.2f} s\n{gateway.output()[-2000:]}"


def export(config, what):
    text = subprocess.run([CARBONGATE, "export", config, "--what", what, "--format", "jsonl"], check=True, capture_output=True,
                          text=True, env={**os.environ, **ENVIRONMENT}).stdout
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


def plug_readings(config):
    """What moved the account: a broker may deliver a message again that it did not see acknowledged, and that is marked."""
    return [int(Decimal(row["value"])) for row in export(config, "readings")
            if row["device"] == "plug" and row["rule"] not in ("duplicate", "out-of-order")]


def delivered_readings(victoria):
    samples = victoria.samples('{__name__="carbongate_reading_value",device="plug"}')
    return sorted(int(value) for times in samples.values() for values in times.values() for value in set(values))


def nothing_is_lost(config, victoria, last):
    """Values 0 to `last`, on the gateway's disk and in the sink; `last` ends a quarter hour."""
    wanted = list(range(last + 1))
    wait_until(lambda: plug_readings(config) == wanted, 20, "all readings on disk")
    wait_until(lambda: delivered_readings(victoria) == wanted, 20, "all readings in the sink")
    for what in ("intervals", "entries"):
        assert sum(Decimal(row["amount"]) for row in export(config, what) if row["device"] == "plug") == last, what


class Plant:
    """A real broker, meter and time-series store, and the configuration for them."""

    def __init__(self, tmp_path):
        self.tmp_path = tmp_path
        self.broker = Mosquitto(tmp_path / "broker")
        self.meter = libmodbus_tcp(tmp_path / "meter.log")
        self.victoria = VictoriaMetrics(tmp_path / "victoria")

    def __enter__(self):
        self.broker.start()
        self.meter.start(self.meter.ready)
        self.victoria.start()
        self.config = write_config(self.tmp_path / "site.yaml", f"mqtt://127.0.0.1:{self.broker.port}", self.meter.port,
                                   self.victoria.write_url)
        return self

    def __exit__(self, *exc):
        for server in (self.broker, self.meter, self.victoria):
            server.__exit__(*exc)

    def processes(self):
        return [self.broker.process.child, self.meter.child, self.victoria.process.child]

    def start_gateway(self):
        """Started, connected to the broker, and the meter is read."""
        gateway = gateway_process(self.tmp_path, self.config)
        seen = len(gateway.output())
        return gateway.start(lambda: "connected, MQTT" in gateway.output()[seen:]
                             and "meter (unit 1 of modbus-tcp" in gateway.output()[seen:], timeout=30)


@pytest.fixture
def plant(tmp_path):
    with Plant(tmp_path) as running:
        yield running


def test_when_all_is_well_and_busy(plant):
    with plant.start_gateway() as gateway:
        plant.broker.publish_lines("park/plug", payloads(0, 300))
        gateway.child.send_signal(signal.SIGHUP)  # who asks for a reload is answered, and nothing else happens
        wait_until(lambda: "SIGHUP: the configuration is read at the start alone" in gateway.output(), what="the answer")
        wait_until(lambda: plug_readings(plant.config)[10:], what="the first readings")
        stop_in_time(gateway)
    plant.broker.publish_lines("park/plug", payloads(301, 600))
    with plant.start_gateway() as gateway:
        nothing_is_lost(plant.config, plant.victoria, 600)
        stop_in_time(gateway)


def test_when_broker_meter_and_sink_freeze(plant):
    """SIGSTOP: connections stay, and nobody answers on them any more."""
    with plant.start_gateway() as gateway:
        plant.broker.publish_lines("park/plug", payloads(0, 30))
        wait_until(lambda: len(plug_readings(plant.config)) == 31, what="the readings before")
        plant.victoria.process.child.send_signal(signal.SIGSTOP)
        plant.broker.publish_lines("park/plug", payloads(31, 60))
        wait_until(lambda: len(plug_readings(plant.config)) == 61, what="rows that the sink does not take")
        for process in plant.processes():
            process.send_signal(signal.SIGSTOP)
        wait_until(lambda: "offline" in gateway.output(), what="the meter being missed")
        stop_in_time(gateway)
        for process in plant.processes():
            process.send_signal(signal.SIGCONT)
    plant.broker.publish_lines("park/plug", payloads(61, 90))
    with plant.start_gateway() as gateway:
        nothing_is_lost(plant.config, plant.victoria, 90)
        stop_in_time(gateway)


class Nobody:
    """A port of the loopback interface behind which nobody answers.

    refuses   nobody listens
    silent    connections are made, and nothing ever comes back
    swallows  not even that: connection requests get no answer, as on the way to a machine that is switched off
    """

    def __init__(self, manner):
        self.manner = manner
        self.sockets = [socket.socket()]
        self.sockets[0].bind(("127.0.0.1", 0))
        self.port = self.sockets[0].getsockname()[1]
        if manner == "silent":
            self.sockets[0].listen(64)
        if manner == "swallows":  # the queue of a listener that accepts nobody is filled up; Linux drops what comes then
            self.sockets[0].listen(0)
            for _ in range(4):
                self.sockets.append(socket.socket())
                self.sockets[-1].setblocking(False)
                self.sockets[-1].connect_ex(("127.0.0.1", self.port))
            self.own = self._connecting()

    def _connecting(self):
        """Connections to this port by state, as the kernel lists them: 01 established, 02 requested."""
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [line.split() for line in table][1:]
        return [row[3] for row in rows if int(row[2].split(":")[1], 16) == self.port]

    def is_tried(self):
        """Whether the gateway is waiting for an answer right now."""
        if self.manner == "refuses":
            return True
        states = self._connecting()
        return "01" in states if self.manner == "silent" else states.count("02") > self.own.count("02")

    def close(self):
        for each in self.sockets:
            each.close()


@pytest.mark.parametrize("manner,scheme", [("refuses", ""), ("silent", ""), ("silent", "s"), ("swallows", "")])
def test_when_nobody_answers(plant, manner, scheme):
    """`scheme`: s for TLS, of which the handshake never ends."""
    (plant.tmp_path / "before.csv").write_text("time,point,value\n" + "".join(
        f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(START + 60 * value))},plug.energy,{value}\n" for value in range(31)))
    # Its rows are those that the sink has to deliver.
    subprocess.run([CARBONGATE, "replay", plant.config, "--input", plant.tmp_path / "before.csv"], check=True,
                   capture_output=True, env={**os.environ, **ENVIRONMENT})

    broker, meter, sink = (Nobody(manner) for _ in range(3))
    cut_off = write_config(plant.tmp_path / "cut-off.yaml", f"mqtt{scheme}://127.0.0.1:{broker.port}", meter.port,
                           f"http{scheme}://127.0.0.1:{sink.port}/write")
    gateway = gateway_process(plant.tmp_path, cut_off)
    with gateway.start(lambda: "running: site park" in gateway.output()):
        wait_until(lambda: broker.is_tried() and meter.is_tried() and sink.is_tried(), what="all three being tried")
        if manner == "refuses":
            wait_until(lambda: "mqtt plant: " in gateway.output() and "tsdb" in gateway.output()
                       and "meter (unit 1" in gateway.output(), what="all three being missed")
        stop_in_time(gateway)
        assert "rows wait in the journal for the next start" in gateway.output()
    for nobody in (broker, meter, sink):
        nobody.close()

    with plant.start_gateway() as gateway:
        plant.broker.publish_lines("park/plug", payloads(31, 60))
        nothing_is_lost(plant.config, plant.victoria, 60)
        stop_in_time(gateway)
