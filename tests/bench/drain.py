#!/usr/bin/python3
"""How fast a backlog goes out, beside what the server takes in when nothing stands before it.

    tests/bench/drain.py [victoriametrics] [postgresql] [--rows N] [--batch-rows N] [--concurrency N]

A store is filled with N readings that no sink has had. Then, for each server, on the same machine one after the other:

  ours      the gateway drains the store into an empty server, strictly in order of the journal
  limit     the same requests once more into another empty server of the kind, without a gateway: what it sent was recorded,
            and two connections post it as it stands. PostgreSQL: COPY of the readings in binary, as one transaction and by
            one connection, into an empty table with the same keys

Prints rows/s of both and their ratio; the goal is half of the limit. CPU seconds of gateway and server tell which was busy.
"""

import argparse
import contextlib
import http.client
import http.server
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from harness import CARBONGATE, Process, wait_until  # noqa: E402
from postgresql_servers import PostgreSQL  # noqa: E402
from tsdb_servers import VictoriaMetrics  # noqa: E402

POINTS = 200
STEP_S = 10
START_S = 1_767_225_600  # 2026-01-01T00:00:00Z
UNSAVED_ROWS = 10_000    # a cursor is written down each so many rows (gateway/store/journal.cc)
CONNECTIONS = 2
GOAL = 0.5
RUNS = 3  # of ours and of the limit; the best of each counts, for what disturbs a run only makes it slower
TICKS = os.sysconf("SC_CLK_TCK")


def write_site(folder, sinks):
    """Ten counters with an energy user each, and what else the meters tell."""
    points = [{"name": f"p{n}", "json": f"/p{n}",
               **({"unit": "kWh", "kind": "cumulative", "power_max": "1 MW"} if n < 10 else {"unit": "V", "kind": "instantaneous"})}
              for n in range(POINTS)]
    site = {"site": {"id": "bench", "timezone": "Asia/Shanghai", "grid_region": "CN-SC"},
            "brokers": {"none": {"url": "mqtt://127.0.0.1:1", "client_id": "bench"}},
            "devices": [{"id": "m", "driver": "mqtt", "broker": "none", "topic": "m", "timestamp": {"json": "/t", "format": "epoch-ms"},
                         "points": points}],
            "energy_users": [{"id": f"u{n}", "consumes": [{"carrier": "electricity", "from": f"m.p{n}"}]} for n in range(10)],
            "store": {"path": str(folder / "store")}, "sinks": sinks}
    file = folder / "site.yaml"
    file.write_text(json.dumps(site))  # JSON is YAML
    return file


def fill(folder, rows):
    config = write_site(folder, [])
    recording = folder / "readings.csv"
    with recording.open("w") as file:
        file.write("time,point,value\n")
        for k in range(rows // POINTS):
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START_S + k * STEP_S))
            file.writelines(f"{at},m.p{n},{k * 0.13:.2f}\n" if n < 10 else f"{at},m.p{n},{220 + (k * 7 + n) % 100 / 10}\n"
                            for n in range(POINTS))
    subprocess.run([CARBONGATE, "replay", config, "--input", recording], check=True, capture_output=True)
    recording.unlink()


class Store:
    """The filled one, as it lies on the disk."""

    def __init__(self, folder):
        self.file = folder / "store" / "carbongate.db"

    def ask(self, sql):
        with contextlib.closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)) as database:
            return database.execute(sql).fetchone()[0] or 0

    def settled(self):
        return self.ask("SELECT max(settled) FROM cursor")


def cpu_seconds(process):
    """Of a process and the children that it has now."""
    pids = [process.child.pid]
    pids += map(int, Path(f"/proc/{pids[0]}/task/{pids[0]}/children").read_text().split())
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def drain(filled, sink, server_process=None):
    """Rows a second until the sink has the journal; and CPU seconds of gateway and server per million rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(filled / "store", folder / "store")
        config = write_site(folder, [{**sink, "order": "journal"}])
        store = Store(folder)
        last = store.ask("SELECT max(seq) FROM journal")
        gateway = Process([CARBONGATE, "run", config], folder / "gateway.log")
        with gateway.start():
            wait_until(lambda: store.settled() > 0, 60, "the first rows being delivered")  # connected, schema made
            first, begun = store.settled(), time.monotonic()
            before = cpu_seconds(gateway), cpu_seconds(server_process) if server_process else 0
            wait_until(lambda: store.settled() >= last - UNSAVED_ROWS, 1_200, "the backlog being delivered")
            took, rows = time.monotonic() - begun, store.settled() - first
            after = cpu_seconds(gateway), cpu_seconds(server_process) if server_process else 0
            assert gateway.stop() == 0
            # What the end of the drain had to leave is a few batches.
            wait_until(lambda: store.settled() >= last, 10, "the last rows being delivered")
        return rows / took, [(b - a) / rows * 1e6 for a, b in zip(before, after)]


class Recorder:
    """Takes every request as a server would, and keeps its body."""

    def __enter__(self):
        bodies = self.bodies = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                bodies.append((self.path, self.headers["Content-Encoding"], self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/write"
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()


def post_all(port, bodies):
    """Seconds that the server needs for them on two connections."""
    def post(mine):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for path, encoding, body in mine:
            connection.request("POST", path, body, {"Content-Encoding": encoding} if encoding else {})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 204, answer.status
    threads = [threading.Thread(target=post, args=(bodies[n::CONNECTIONS],)) for n in range(CONNECTIONS)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - begun


def report(name, ours, limit, cpu):
    verdict = "" if ours / limit >= GOAL else f"   below the goal of {GOAL:.0%}"
    print(f"{name:<16} {ours:>9.0f} rows/s   limit {limit:>9.0f} rows/s   {ours / limit:>4.0%}{verdict}   "
          f"CPU s/million: gateway {cpu[0]:.1f}, server {cpu[1]:.1f}", flush=True)


def bench_victoriametrics(filled, options):
    sink = {"type": "line-protocol", "name": "bench", "concurrency": options.concurrency, **({"batch_rows": options.batch_rows} if options.batch_rows else {})}
    drained = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder, VictoriaMetrics(folder) as server:
            drained.append(drain(filled, {**sink, "url": server.write_url}, server.process))
    ours, cpu = max(drained)
    with Recorder() as recorder:
        drain(filled, {**sink, "url": recorder.url})
    rows = Store(filled).ask("SELECT max(seq) FROM journal")
    limits = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder, VictoriaMetrics(folder) as server:
            limits.append(rows / post_all(server.port, recorder.bodies))
            assert server.counter("vm_rows_invalid_total") == 0
    report("victoriametrics", ours, max(limits), cpu)


def bench_postgresql(filled, options):
    drained, limits = [], []
    for _ in range(RUNS):
        with PostgreSQL() as server:
            sink = {"type": "postgresql", "name": "bench", "url": server.url(), **({"batch_rows": options.batch_rows} if options.batch_rows else {})}
            drained.append(drain(filled, sink, server.process))
            with tempfile.NamedTemporaryFile() as file:
                server.psql(f"\\copy carbongate.readings TO '{file.name}' (FORMAT binary)")
                server.psql("CREATE TABLE bench_limit (LIKE carbongate.readings INCLUDING ALL);"
                            "ALTER TABLE bench_limit ADD FOREIGN KEY (point_id) REFERENCES carbongate.points; CHECKPOINT")
                begun = time.monotonic()
                server.psql(f"\\copy bench_limit FROM '{file.name}' (FORMAT binary)")
                took = time.monotonic() - begun
            limits.append(int(server.one("SELECT count(*) FROM bench_limit")) / took)
    ours, cpu = max(drained)
    report("postgresql", ours, max(limits), cpu)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    runs = {"victoriametrics": bench_victoriametrics, "postgresql": bench_postgresql}
    parser.add_argument("servers", nargs="*", default=list(runs), metavar="SERVER", help=" or ".join(runs))
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--batch-rows", type=int, help="instead of the sink's default")
    parser.add_argument("--concurrency", type=int, default=2, help="of VictoriaMetrics; as many connections as the limit has, by default")
    options = parser.parse_args()
    for name in options.servers:
        if name not in runs:
            parser.error(f"no such server: {name}")
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), options.rows)
        for name in options.servers:
            runs[name](Path(folder), options)


if __name__ == "__main__":
    main()
