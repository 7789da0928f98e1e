"""What integration tests share: ports, processes, and waiting for a condition instead of for the clock."""

import os
import random
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("CARBONGATE_BUILD", SOURCE / "build" / "release"))
CARBONGATE = BUILD / "carbongate"

_pause = threading.Event()


def wait_until(condition, timeout=15.0, what="the condition"):
    """Polls `condition` until it returns something true, and returns that. Fails the test after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout} s")
        _pause.wait(0.02)


def last_number(store):
    """Of the journal in that database: of a row, or of a reading in a block."""
    return store.execute("SELECT max(coalesce((SELECT max(seq) FROM journal), 0), "
                         "coalesce((SELECT max(last_seq) FROM reading_block), 0))").fetchone()[0]


def journal_numbers(store, kinds=(0, 1, 2, 3, 4, 5)):
    """Of rows and readings of these kinds. Readings lie in rows or blocks: they are what no row of another kind is."""
    last = last_number(store)  # first: the gateway may be appending
    others = {row[0]: row[1] for row in store.execute("SELECT seq, kind FROM journal WHERE kind != 0")}
    return [number for number in range(1, last + 1) if others.get(number, 0) in kinds]


_drawn = []  # a name for each port that was drawn; it is nobody else's until this process has ended


def free_port():
    """One that nobody listens on, that no other test is given, and no outgoing connection: those come from 32768 on."""
    while True:
        port = random.randrange(15_000, 32_000)
        name = socket.socket(socket.AF_UNIX)
        with socket.socket() as probe:
            try:
                name.bind(f"\0carbongate-test-port-{port}")
                probe.bind(("127.0.0.1", port))
            except OSError:
                name.close()
                continue
        _drawn.append(name)
        return port


def accepts(port):
    """Whether something listens on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A child process with its output in a file; killed, if it still runs, when the `with` block ends."""

    def __init__(self, args, log, env=None, cwd=None):
        self.args = [str(a) for a in args]
        self.log = Path(log)
        self.env = {**os.environ, **(env or {})}
        self.cwd = cwd
        self.child = None

    def start(self, ready=None, timeout=15.0):
        """Starts it and waits until `ready()` is true; fails early if it exits before."""
        with open(self.log, "ab") as out:
            self.child = subprocess.Popen(self.args, stdout=out, stderr=subprocess.STDOUT, env=self.env, cwd=self.cwd)
        if ready is not None:
            wait_until(lambda: self._still_running() and ready(), timeout, f"{self.args[0]} being ready")
        return self

    def _still_running(self):
        if self.child.poll() is not None:
            raise AssertionError(f"{self.args[0]} ended with status {self.child.returncode}:\n{self.output()[-2000:]}")
        return True

    def output(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def running(self):
        return self.child is not None and self.child.poll() is None

    def kill(self):
        """kill -9, as a power cut would."""
        self.child.kill()
        self.child.wait()

    def stop(self, timeout=10.0):
        """SIGTERM; returns the exit status."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.running():
            self.kill()
