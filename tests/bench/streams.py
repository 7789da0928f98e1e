#!/usr/bin/python3
"""What clients of the stream of live values cost: GET /api/v1/stream, held open by many at once.

    tests/bench/streams.py [--clients N] [--points N] [--watched N ...] [--seconds N]

A site of --points points (1000) that all have a reading each second, by a real broker; first nobody looks, then --clients (200)
clients at once, each of which watches --watched points (10, a page of a device, and 200, the most there are). Prints CPU of the
gateway, its memory, what went over the wire, how late readings came, and whether each client has had all of its readings.
"""

import argparse
import calendar
import json
import re
import selectors
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import paho.mqtt.client as mqtt  # noqa: E402
from end_to_end import Gateway  # noqa: E402
from harness import accepts, free_port, wait_until  # noqa: E402
from mqtt_servers import PASSWORD, USER, Mosquitto  # noqa: E402

OF_DEVICE = 10
WARM_UP = 3.0  # seconds, before anything is measured


class Meters:
    """Each device publishes all of its points once a second, the devices one after the other."""

    def __init__(self, port, devices):
        self._client = mqtt.Client()
        self._client.username_pw_set(USER, PASSWORD)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._devices = devices
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        begin, sent = time.monotonic(), 0
        while not self._over.is_set():
            device, second = sent % self._devices, sent // self._devices
            self._over.wait(max(0.0, begin + second + device / self._devices - time.monotonic()))
            values = [round(100 + second % 60 + n * 0.25, 2) for n in range(OF_DEVICE)]
            self._client.publish(f"bench/{device}", json.dumps({"t": int(time.time() * 1000), "v": values}))
            sent += 1

    def end(self):
        self._over.set()
        self._thread.join()
        self._client.loop_stop()


class Clients:
    """All streams, read on a thread of their own. Of the first one events are understood, of the others counted."""

    AT = re.compile(rb'"at":"([^"]+)"')

    def __init__(self, port, count, points, watched):
        self.bytes = 0
        self.events = [0] * count    # of readings
        self.readings = [0] * count
        self.late = []               # seconds, of each reading of the first client
        self._selector = selectors.DefaultSelector()
        self._sockets = []
        self._over = False
        for n in range(count):
            names = ",".join(points[(n * watched + k) % len(points)] for k in range(watched))
            one = socket.create_connection(("127.0.0.1", port), timeout=20)
            one.sendall(f"GET /api/v1/stream?points={names} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            one.setblocking(False)
            self._selector.register(one, selectors.EVENT_READ, n)
            self._sockets.append(one)
        self._rest = b""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._over:
            for key, _ in self._selector.select(0.2):
                piece = key.fileobj.recv(1 << 20)
                if not piece:
                    self._selector.unregister(key.fileobj)
                    continue
                self.bytes += len(piece)
                self.events[key.data] += piece.count(b"event: readings")
                self.readings[key.data] += piece.count(b'"point":')
                if key.data == 0:
                    self._take(piece)

    def _take(self, piece):
        now = time.time()
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b'data: {"readings"'):
                for at in self.AT.findall(line):
                    self.late.append(now - instant(at.decode()))

    def forget(self):
        self.bytes, self.late = 0, []
        self.events, self.readings = [0] * len(self.events), [0] * len(self.readings)

    def end(self):
        self._over = True
        self._thread.join()
        for one in self._sockets:
            one.close()


def instant(text):
    whole, _, rest = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + (float(f"0.{rest}") if rest else 0.0)


def streams(port):
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return int(float(re.search(r"^carbongate_http_streams (\S+)$", answer.read().decode(), re.MULTILINE).group(1)))


def memory_mib(gateway):
    status = Path(f"/proc/{gateway.process.child.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def elapse(seconds):
    """The load goes on meanwhile."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end, seconds + 5, "the load")


def measure(gateway, seconds):
    cpu, begin = gateway.cpu_seconds(), time.monotonic()
    elapse(seconds)
    return (gateway.cpu_seconds() - cpu) / (time.monotonic() - begin) * 100


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--watched", type=int, nargs="+", default=[10, 200])
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    devices = options.points // OF_DEVICE
    points = ", ".join(f"{{name: p{n}, json: /v/{n}, unit: kW, kind: instantaneous}}" for n in range(OF_DEVICE))
    names = [f"m{d}.p{n}" for d in range(devices) for n in range(OF_DEVICE)]
    missed = 0
    with tempfile.TemporaryDirectory() as name, Mosquitto(Path(name) / "broker") as broker:
        folder, port = Path(name), free_port()
        config = "site: {id: bench, timezone: Asia/Shanghai, grid_region: CN-SC}\nstore: {path: store}\n"
        config += f'ops: {{listen: "127.0.0.1:{port}"}}\n'
        config += f'brokers: {{plant: {{url: "mqtt://127.0.0.1:{broker.port}", client_id: bench, username: {USER}, password_file: pass}}}}\ndevices:\n'
        config += "".join(f"  - {{id: m{d}, driver: mqtt, broker: plant, topic: bench/{d}, interval: 1s, "
                          f"timestamp: {{json: /t, format: epoch-ms}}, points: [{points}]}}\n" for d in range(devices))
        config += "energy_users:\n" + "".join(f"  - {{id: u{d}, consumes: [{{carrier: electricity, from: m{d}.p0}}]}}\n" for d in range(devices))
        (folder / "pass").write_text(PASSWORD)
        (folder / "pass").chmod(0o600)
        gateway = Gateway(folder, config).start()
        wait_until(lambda: accepts(port), what="the server")
        meters = Meters(broker.port, devices)
        try:
            elapse(WARM_UP)
            idle = measure(gateway, options.seconds)
            before = memory_mib(gateway)
            print(f"{options.points} points, a reading of each a second, nobody looks: {idle:.0f} % of a core, {before:.0f} MiB", flush=True)
            for watched in options.watched:
                clients = Clients(port, options.clients, names, watched)
                elapse(WARM_UP)
                clients.forget()
                cpu = measure(gateway, options.seconds)
                rate, counts, late = clients.bytes / options.seconds, list(clients.readings), sorted(clients.late)
                clients.end()
                wait_until(lambda: streams(port) == 0, 30, "the clients having left")
                expected = watched * options.seconds
                short = sum(count < 0.9 * expected for count in counts)
                missed += short
                print(f"{options.clients} clients of {watched} points each: {cpu:.0f} % of a core ({cpu - idle:.0f} for them), "
                      f"{memory_mib(gateway):.0f} MiB, {rate / 1e6:.1f} MB/s, readings {min(counts)} .. {max(counts)} a client "
                      f"({expected:.0f} were taken), late by {statistics.median(late):.2f} s, of 99 in 100 {late[int(len(late) * 0.99)]:.2f} s", flush=True)
        finally:
            meters.end()
            gateway.stop()
    if missed:
        print(f"{missed} clients had fewer than nine tenths of their readings")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
