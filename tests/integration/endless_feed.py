"""Counters behind a broker that go on as long as it takes: the load under a gateway that is taken away again and again. And
what must be true of its store in the end, whatever happened: nothing that the broker was rid of is missing, nothing counts
twice."""

import atexit
import contextlib
import csv
import io
import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
from datetime import datetime
from decimal import Decimal

from harness import CARBONGATE, wait_until
from mqtt_park import ENVIRONMENT, METERS, START_MS

STEP_MS = 10_000
QUARTER = 900_000 // STEP_MS  # messages of one meter in a quarter hour
CHUNK = 200      # messages of one meter in one connection
BROKER_OPTIONS = ("persistence false", "max_queued_messages 1000000")  # it is not the broker that is taken away
READINGS = """SELECT (SELECT count(*) FROM journal WHERE kind = 0) + (SELECT coalesce(sum(readings), 0) FROM reading_block)"""
NEWEST = """SELECT max(j.at) FROM journal j JOIN series s ON s.id = j.series JOIN subject t ON t.id = s.subject
    WHERE j.kind = 2 AND t.device IN (%s) GROUP BY t.device""" % ", ".join(f"'m{n}'" for n in range(METERS))
AHEAD = 6_000    # messages that the broker may hold for the gateway: it is never without work, and the broker not full


# Asks a store from a process of its own: a power cut shortens a file that SQLite has mapped, which ends the reader.
ASKER = """
import contextlib, json, sqlite3, sys
for query in sys.stdin:
    try:
        with contextlib.closing(sqlite3.connect(sys.argv[1], uri=True)) as store:
            print(json.dumps(store.execute(query).fetchall()), flush=True)
    except sqlite3.DatabaseError:
        print("null", flush=True)
"""


class Asker:
    """One query. None: the store is being made, or was just cut short."""

    def __init__(self, config, query):
        self._command = [sys.executable, "-c", ASKER, f"file:{config.parent / 'store' / 'carbongate.db'}?mode=ro"]
        self._query = " ".join(query.split()) + "\n"
        self._process = None
        self._lock = threading.Lock()
        atexit.register(self.close)

    def rows(self):
        with self._lock:
            if not self._process or self._process.poll() is not None:
                self.close()
                self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            try:
                self._process.stdin.write(self._query)
                self._process.stdin.flush()
                return json.loads(self._process.stdout.readline() or "null")
            except BrokenPipeError:
                return None

    def close(self):
        if self._process:
            self._process.kill()
            self._process.communicate()


class Journal:
    """How many readings a store has, as rows and in blocks; those that were heard again are in there again. As many as before
    while it cannot be read."""

    def __init__(self, config):
        self._asker = Asker(config, READINGS)
        self._readings = 0

    def readings(self):
        rows = self._asker.rows()
        if rows:
            self._readings = rows[0][0]
        return self._readings


class Heard:
    """How many of a feed's messages a store has accounted, each once: as many as its newest intervals tell."""

    def __init__(self, config):
        self._asker = Asker(config, NEWEST)
        self._messages = 0

    def messages(self):
        newest = self._asker.rows()
        if newest is not None:
            self._messages = sum((at - START_MS) // STEP_MS + QUARTER for (at,) in newest)
        return self._messages


class Feed:
    """Publishes at QoS 1, as fast as the broker takes it, until it is stopped; `told` is what the meters told."""

    def __init__(self, broker, config, seed, ahead=AHEAD):
        self.broker = broker
        self._ahead = ahead
        self.journal = Journal(config)
        self.heard = Heard(config)
        self.told = [[] for _ in range(METERS)]
        self._chance = random.Random(seed)
        self._totals = [Decimal(self._chance.randrange(100_000_000)) / 1000 for _ in range(METERS)]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def count(self):
        return sum(map(len, self.told))

    def _chunk(self, meter):
        for _ in range(CHUNK):
            self._totals[meter] += Decimal(self._chance.randrange(500)) / 1000
            self.told[meter].append((START_MS + len(self.told[meter]) * STEP_MS, self._totals[meter]))
        return [json.dumps({"t": at, "e": float(value)}) for at, value in self.told[meter][-CHUNK:]]

    def _run(self):
        while not self._stopping.is_set():
            for meter in range(METERS):
                self.broker.publish_lines(f"park/m{meter}", self._chunk(meter))
            while self.count() - self.heard.messages() > self._ahead and not self._stopping.wait(0.1):
                pass

    def start(self):
        self._thread.start()

    def is_running(self):
        return self._thread.is_alive()

    def stop(self):
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()


def command(*args):
    return subprocess.run([CARBONGATE, *args], capture_output=True, text=True, check=False, env={**os.environ, **ENVIRONMENT})


def rows(config, what):
    result = command("export", config, "--what", what)
    assert result.returncode == 0, result.stderr
    return list(csv.DictReader(io.StringIO(result.stdout)))


def accounts(config):
    """What became of the rows on their way to each sink."""
    return json.loads(command("conservation", config, "--format", "json").stdout)["sinks"]


def milliseconds(text):
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def counted(config, device):
    """The readings of a device without those that were heard again: each of them says so itself."""
    return [(milliseconds(row["time"]), Decimal(row["value"])) for row in rows(config, "readings")
            if row["device"] == device and row["rule"] not in ("duplicate", "out-of-order")]


def wait_for_all(config, feed, timeout=120):
    wait_until(lambda: feed.heard.messages() >= feed.count() - 2 * QUARTER * METERS and all(counted(config, f"m{n}") == feed.told[n] for n in range(METERS)),
               timeout, "every message that was told being in the journal, and counted once")


def booked(config, what):
    """Without how late it was heard, which a recording does not know."""
    return [{key: value for key, value in row.items() if key not in ("quality", "rule")} for row in rows(config, what)]


def assert_sound(config, feed, tmp_path):
    """Of a gateway that was stopped: journal, books, ledger and conservation."""
    for n in range(METERS):
        assert counted(config, f"m{n}") == feed.told[n]
        intervals = [row for row in rows(config, "intervals") if row["device"] == f"m{n}"]
        end = max(milliseconds(row["end"]) for row in intervals)
        truth = dict(feed.told[n])[end] - feed.told[n][0][1]
        for what in ("intervals", "entries"):
            assert sum(Decimal(row["amount"]) for row in rows(config, what) if row["device"] == f"m{n}") == truth, (what, n)

    store = config.parent / "store"
    verified = command("verify", store, "--key", store / "ledger.pub", "--all-sealed")
    assert verified.returncode == 0, verified.stdout
    for account in accounts(config):
        assert account["balances"] and account["waiting"] == 0 and account["dropped"] == 0, account
    with contextlib.closing(sqlite3.connect(f"file:{store}/carbongate.db?mode=ro", uri=True)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not list(store.glob("*damaged*"))
    assert_as_undisturbed(config, tmp_path)


def assert_as_undisturbed(config, tmp_path):
    """Intervals, entries and rollups are those of the same readings in a store that nothing happened to."""
    readings = [row for row in rows(config, "readings") if row["rule"] not in ("duplicate", "out-of-order")]
    recording = tmp_path / "recording.csv"
    with recording.open("w") as file:
        file.write("time,point,value\n")
        file.writelines(f"{row['time']},{row['device']}.{row['point']},{row['value']}\n"
                        for row in sorted(readings, key=lambda row: milliseconds(row["time"])))
    other = tmp_path / "undisturbed"
    other.mkdir()
    undisturbed = other / config.name
    undisturbed.write_text(config.read_text().replace(str(config.parent / "store"), str(other / "store")))
    played = command("replay", undisturbed, "--input", recording)
    assert played.returncode == 0, played.stderr
    for what in ("intervals", "entries", "rollups"):
        assert booked(config, what) == booked(undisturbed, what), what
