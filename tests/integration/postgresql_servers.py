"""A real PostgreSQL of Debian for tests: a cluster of its own, on a free loopback port.

PostgreSQL refuses to run as root: then the user `postgres`, which the package brings, runs it. Its directory is not
below pytest's, whose parents that user may not pass.
"""

import json
import os
import shutil
import subprocess
import tempfile
from decimal import Decimal
from pathlib import Path

from harness import Process, free_port, wait_until

BINARIES = Path("/usr/lib/postgresql/15/bin")
AS_OWNER = [] if os.geteuid() else ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]


class PostgreSQL:
    """Keeps port and data over stop(), kill() and start(). The superuser is `postgres`, without a password."""

    def __init__(self, settings=(), hba=None):
        self.directory = Path(tempfile.mkdtemp(prefix="carbongate-postgresql-"))
        self.port = free_port()
        self.settings = list(settings)
        self.process = None
        self._own(self.directory)
        self._run("initdb", "-D", self.data, "-A", "trust", "--no-locale", "-E", "UTF8", "-U", "postgres", "--no-sync")
        if hba:
            self.write_data("pg_hba.conf", hba)

    @property
    def data(self):
        return self.directory / "data"

    def write_data(self, name, text):
        """A file that the server may read, and nobody else."""
        path = self.data / name
        path.write_text(text)
        path.chmod(0o600)
        self._own(path)
        return path

    def _own(self, path):
        if AS_OWNER:
            shutil.chown(path, "postgres", "postgres")

    def _run(self, program, *args):
        subprocess.run([*AS_OWNER, BINARIES / program, *args], check=True, capture_output=True, cwd=self.directory)

    def url(self, database="carbon", user="postgres", host="127.0.0.1", options=""):
        return f"postgresql://{user}@{host}:{self.port}/{database}{options}"

    def start(self):
        args = [*AS_OWNER, BINARIES / "postgres", "-D", self.data, "-p", self.port, "-c", "listen_addresses=localhost",
                "-c", f"unix_socket_directories={self.directory}", *(f"--{setting}" for setting in self.settings)]

        def started():  # after kill() the old server's children may need a moment to notice
            if self.process is None or not self.process.running():
                self.process = Process(args, self.directory / "server.log", cwd=self.directory).start()
            return self._is_ready()
        wait_until(started, 60, "PostgreSQL taking connections")
        return self

    def _is_ready(self):
        answer = subprocess.run(["pg_isready", "-q", "-h", self.directory, "-p", str(self.port)], check=False)
        return self.process.running() and answer.returncode == 0

    def stop(self):
        """SIGINT, the fast shutdown: running transactions are rolled back, clients thrown out."""
        self.process.child.send_signal(2)
        self.process.child.wait(30)

    def kill(self):
        """kill -9 of the server; its children end when they notice."""
        self.process.kill()

    def psql(self, sql, database="carbon", user="postgres"):
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.directory, "-p", str(self.port),
                               "-U", user, "-d", database], input=sql, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def rows(self, sql, database="carbon"):
        """Every row as a dict; numbers with a point are Decimal."""
        text = self.psql(f"SELECT row_to_json(found) FROM ({sql}) AS found", database)
        return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]

    def one(self, sql, database="carbon"):
        return self.psql(sql, database)

    def __enter__(self):
        self.start()
        self.psql("CREATE DATABASE carbon", "postgres")
        return self

    def __exit__(self, *exc):
        if self.process is not None and self.process.running():
            self.process.kill()
        # A killed server's children hold files open until they notice, and remove none any more.
        shutil.rmtree(self.directory, ignore_errors=True)
