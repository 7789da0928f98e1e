#!/usr/bin/python3
"""What one box carries: Modbus in -> store -> sink, and MQTT in -> store -> sink, with real servers on loopback.

    tests/bench/end_to_end.py [modbus] [mqtt-qos0] [mqtt-qos1] [--seconds N] [--json FILE]

Prints for each run: readings/s from first to last, CPU seconds of the gateway per million readings, its peak memory, and
that everything that went in has come out at the far end. Machines are noisy: compare CPU seconds, and runs of one
machine at one time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from harness import BUILD, CARBONGATE, Process, free_port, wait_until  # noqa: E402
from mqtt_servers import PASSWORD, USER, Mosquitto  # noqa: E402
from tsdb_servers import VictoriaMetrics  # noqa: E402

HEAD = """
site: {id: bench, timezone: Asia/Shanghai, grid_region: CN-SC}
store: {path: store}
"""
SINK = 'sinks: [{{type: line-protocol, url: "{url}", batch_rows: 5000, order: journal, rows: [readings, intervals, entries, rollups, totals]}}]\n'
TICKS = os.sysconf("SC_CLK_TCK")


class Gateway:
    """The gateway under load, and what it costs."""

    def __init__(self, folder, config):
        (folder / "site.yaml").write_text(config)
        self.process = Process([CARBONGATE, "run", folder / "site.yaml"], folder / "gateway.log")

    def start(self):
        self.process.start(ready=lambda: "running: site" in self.process.output())
        return self

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak_memory_mib(self):
        status = Path(f"/proc/{self.process.child.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024

    def stop(self):
        return self.process.stop()


def report(name, readings, seconds, cpu, memory, delivered, results):
    row = {"run": name, "readings": readings, "readings_per_s": round(readings / seconds),
           "cpu_s_per_million": round(cpu / readings * 1e6, 2), "peak_memory_mib": round(memory, 1), "delivered": delivered}
    results.append(row)
    print("{run:<12} {readings:>9} readings  {readings_per_s:>8}/s  {cpu_s_per_million:>6} CPU s/million  "
          "{peak_memory_mib:>6} MiB peak  {delivered} readings at the far end".format(**row), flush=True)


def readings_stored(folder):
    """The number of readings in the journal, asked of the store itself."""
    out = subprocess.run([CARBONGATE, "export", folder / "site.yaml", "--what", "readings"], capture_output=True, check=True)
    return out.stdout.count(b"\n") - 1


def delivered(store, expected):
    """How many readings the far end holds, once it holds as many as expected, or after a minute."""
    def count():
        return sum(len(times) for times in store.samples('{__name__="carbongate_reading_quality"}').values())
    try:
        wait_until(lambda: count() >= expected, 60, "all readings at the far end")
    except AssertionError:
        pass
    return count()


def bench_modbus(folder, seconds, results, units=40, connections=10):
    ports = [free_port() for _ in range(connections)]
    registers = ", ".join(f"{{name: p{i}, function: 4, address: {2 * i}, type: float32, unit: kWh, kind: cumulative}}" for i in range(62))
    devices = "".join(f"  - {{id: m{u}, driver: modbus-tcp, address: \"127.0.0.1:{ports[u % connections]}\", unit: {u + 1}, "
                      f"interval: 100ms, registers: [{registers}]}}\n" for u in range(units))
    users = "".join(f"  - {{id: u{u}, consumes: [{{carrier: electricity, from: m{u}.p0}}]}}\n" for u in range(units))
    servers = [Process([BUILD / "tests/bench/modbus_load_server", port], folder / f"server-{port}.log") for port in ports]
    try:
        for server in servers:
            server.start(ready=lambda server=server: "ready" in server.output())
        with VictoriaMetrics(folder / "vm") as store:
            gateway = Gateway(folder, HEAD + "devices:\n" + devices + "energy_users:\n" + users + SINK.format(url=store.write_url)).start()
            begin = time.monotonic()
            wait_until(lambda: time.monotonic() - begin > seconds, seconds + 5, "the load")
            cpu, memory, took = gateway.cpu_seconds(), gateway.peak_memory_mib(), time.monotonic() - begin
            gateway.stop()
            gateway.start()  # what waited in the journal goes out after a restart too
            readings = readings_stored(folder)
            report("modbus", readings, took, cpu, memory, delivered(store, readings), results)
            gateway.stop()
    finally:
        for server in servers:
            server.__exit__()


def bench_mqtt(folder, seconds, results, qos):
    """Messages of ten points, as many as the publisher can send in half the time; at QoS 1 the store sets the pace."""
    messages = int(seconds * (1_000 if qos else 10_000))
    points = ", ".join(f"{{name: p{i}, json: /v/{i}, unit: kWh, kind: cumulative}}" for i in range(10))
    config = HEAD
    with Mosquitto(folder / "broker") as broker, VictoriaMetrics(folder / "vm") as store:
        config += f'brokers: {{plant: {{url: "mqtt://127.0.0.1:{broker.port}", client_id: bench, username: {USER}, password_file: pass}}}}\n'
        config += (f"devices:\n  - {{id: m, driver: mqtt, broker: plant, topic: bench/m, qos: {qos}, "
                   f"timestamp: {{json: /t, format: epoch-ms}}, points: [{points}]}}\n")
        config += "energy_users:\n  - {id: u, consumes: [{carrier: electricity, from: m.p0}]}\n" + SINK.format(url=store.write_url)
        (folder / "pass").write_text(PASSWORD)
        (folder / "pass").chmod(0o600)
        gateway = Gateway(folder, config).start()
        wait_until(lambda: "connected" in gateway.process.output(), what="the gateway being subscribed")
        now = int(time.time() * 1000) - messages
        lines = "\n".join(json.dumps({"t": now + k, "v": [round(1000 + k * 0.001 + i, 3) for i in range(10)]}) for k in range(messages))
        begin, cpu_before = time.monotonic(), gateway.cpu_seconds()
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-u", USER, "-P", PASSWORD, "-q", str(qos), "-t", "bench/m", "-l"],
                       input=lines, text=True, check=True)
        wait_until(lambda: settled(gateway), 120, "the gateway being idle")
        took = gateway.idle_since - begin
        cpu, memory = gateway.cpu_seconds() - cpu_before, gateway.peak_memory_mib()
        readings = readings_stored(folder)
        report(f"mqtt-qos{qos}", readings, took, cpu, memory, delivered(store, readings), results)
        if readings != messages * 10:
            print(f"  {messages * 10 - readings} readings of {messages * 10} sent were dropped (QoS 0 has no backpressure)")
        gateway.stop()


def settled(gateway):
    """Whether the gateway has used no CPU for a second."""
    cpu, now = gateway.cpu_seconds(), time.monotonic()
    if cpu - getattr(gateway, "idle_cpu", -1.0) > 0.02:
        gateway.idle_cpu, gateway.idle_since = cpu, now
    return now - gateway.idle_since > 1.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", default=["modbus", "mqtt-qos0", "mqtt-qos1"])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--json", help="write the figures to this file too")
    options = parser.parse_args()
    results = []
    for run in options.runs:
        with tempfile.TemporaryDirectory() as folder:
            if run == "modbus":
                bench_modbus(Path(folder), options.seconds, results)
            elif run in ("mqtt-qos0", "mqtt-qos1"):
                bench_mqtt(Path(folder), options.seconds, results, int(run[-1]))
            else:
                parser.error(f"no such run: {run}")
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
