"""Real time-series stores for tests: VictoriaMetrics and InfluxDB 1.x, each on a free loopback port with its own data.

    @pytest.fixture
    def influx(tmp_path):
        with InfluxDB(tmp_path / "influx") as server:
            server.query("CREATE DATABASE carbon")
            yield server

Both keep port and data over stop(), kill() and start(), so a test can take the server away in mid-flight.
"""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from harness import Process, free_port, wait_until


def http(url, data=None, timeout=10.0, headers=None, tls=None):
    """One request; returns (status, body text). Status 0: no answer. `tls`: an ssl.SSLContext, for https."""
    request = urllib.request.Request(url, data=data, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=timeout, context=tls) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode(errors="replace")
    except OSError as broken:
        return 0, str(broken)


class _Server:
    def __init__(self, directory, ready_path, ready_status):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.tls = None
        self._ready = lambda: http(self.url + ready_path, timeout=1.0, tls=self.tls)[0] == ready_status
        self.process = None

    def _args(self):
        raise NotImplementedError

    def use_https(self, tls):
        """For a server that is started with a certificate; `tls` is the ssl.SSLContext that trusts it."""
        self.url = f"https://127.0.0.1:{self.port}"
        self.tls = tls

    def start(self):
        self.process = Process(self._args(), self.directory / "server.log").start(self._ready, timeout=30.0)
        return self

    def stop(self):
        self.process.stop(timeout=30.0)

    def kill(self):
        self.process.kill()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        if self.process is not None and self.process.running():
            self.process.kill()


class VictoriaMetrics(_Server):
    """Single node. -retentionPeriod is long because tests replay old data, and older rows are dropped in silence."""

    def __init__(self, directory, extra_args=()):
        super().__init__(directory, "/health", 200)
        self.extra_args = list(extra_args)

    def _args(self):
        return ["victoria-metrics", f"-httpListenAddr=127.0.0.1:{self.port}",
                f"-storageDataPath={self.directory / 'data'}", "-retentionPeriod=50y", "-search.latencyOffset=0s",
                "-loggerLevel=WARN", *self.extra_args]

    @property
    def write_url(self):
        return self.url + "/write"

    def samples(self, selector='{__name__=~"carbongate.*"}'):
        """All samples: {(name, frozenset of other labels): {time in ms: [value, ...]}}.

        Rows become visible seconds after they were written: wait_until() the expected number is there.
        """
        http(self.url + "/internal/force_flush", tls=self.tls)
        query = urllib.parse.urlencode({"match[]": selector, "start": "0", "end": "4102444800"})
        status, text = http(f"{self.url}/api/v1/export?{query}", timeout=60.0, tls=self.tls)
        assert status == 200, text
        found = {}
        for line in text.splitlines():
            series = json.loads(line)
            labels = dict(series["metric"])
            name = labels.pop("__name__")
            times = found.setdefault((name, frozenset(labels.items())), {})
            for at, value in zip(series["timestamps"], series["values"]):
                times.setdefault(at, []).append(value)
        return found

    def series_count(self, selector='{__name__=~"carbongate.*"}'):
        return len(self.samples(selector))

    def counter(self, name):
        """The sum of a counter of the server itself, such as vm_rows_invalid_total."""
        _, text = http(self.url + "/metrics", tls=self.tls)
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.split("{")[0].split(" ")[0] == name)

    def wait_for_samples(self, count, selector='{__name__=~"carbongate.*"}', timeout=30.0):
        def enough():
            found = self.samples(selector)
            return found if sum(len(times) for times in found.values()) >= count else None
        return wait_until(enough, timeout, f"{count} samples in VictoriaMetrics")


class VmAuth(_Server):
    """The proxy of VictoriaMetrics: passes one path on to `server`, for user gw with password s3cret."""

    def __init__(self, directory, server, path):
        super().__init__(directory, "/health", 200)
        (self.directory / "auth.yml").write_text(f"""
users:
- username: gw
  password: s3cret
  url_map:
  - src_paths: ["{path}"]
    url_prefix: "{server.url}"
""")

    def _args(self):
        return ["vmauth", f"-httpListenAddr=127.0.0.1:{self.port}", f"-auth.config={self.directory / 'auth.yml'}"]


class InfluxDB(_Server):
    """InfluxDB 1.x. Answers 400 "partial write" when it refused some lines of a body and wrote the others."""

    def __init__(self, directory, auth=None, extra_http="", data='index-version = "tsi1"'):
        super().__init__(directory, "/ping", 204)
        self.data = data  # keys of that section
        self.rpc_port = free_port()
        self.auth = auth  # (user, password): authentication on, this user is its admin
        self.extra_http = extra_http

    def _args(self):
        config = self.directory / "influxdb.conf"
        config.write_text(f"""
reporting-disabled = true
bind-address = "127.0.0.1:{self.rpc_port}"
[meta]
  dir = "{self.directory / 'meta'}"
[data]
  dir = "{self.directory / 'data'}"
  wal-dir = "{self.directory / 'wal'}"
  {self.data}
[http]
  bind-address = "127.0.0.1:{self.port}"
  log-enabled = false
  auth-enabled = {"true" if self.auth else "false"}
{self.extra_http}
[monitor]
  store-enabled = false
""")
        return ["influxd", "run", "-config", config]

    def start(self):
        super().start()
        if self.auth:
            self.query(f"CREATE USER \"{self.auth[0]}\" WITH PASSWORD '{self.auth[1]}' WITH ALL PRIVILEGES")
        return self

    def _headers(self):
        if not self.auth:
            return {}
        return {"Authorization": "Basic " + base64.b64encode(":".join(self.auth).encode()).decode()}

    def kill(self):
        """kill -9. Do not take it away a second time after that: InfluxDB 1.6.7 cuts a half-written entry off its log
        at the next start, goes on writing beyond the old end, and at the start after that loses what lies behind the gap,
        though it had acknowledged it."""
        super().kill()

    def write_url(self, database):
        return f"{self.url}/write?db={database}"

    def write(self, database, lines):
        """Writes line protocol as another program would; returns (status, text)."""
        return http(self.write_url(database) + "&precision=ms", lines.encode(), headers=self._headers())

    def query(self, text, database=None):
        """Runs InfluxQL and returns the series of its (only) result."""
        form = {"q": text, "epoch": "ms"}
        if database:
            form["db"] = database
        status, body = http(self.url + "/query", urllib.parse.urlencode(form).encode(), timeout=60.0,
                            headers=self._headers())
        assert status == 200, f"{status}: {body}"
        result = json.loads(body)["results"][0]
        assert "error" not in result, result
        return result.get("series", [])

    def rows(self, database, measurement):
        """Every row of a measurement as a dict of columns; "time" is in ms."""
        series = self.query(f'SELECT * FROM "{measurement}"', database)
        return [dict(zip(s["columns"], values)) for s in series for values in s["values"]]

    def count(self, database, measurement):
        return len(self.rows(database, measurement))
