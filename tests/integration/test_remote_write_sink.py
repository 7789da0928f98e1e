"""The remote-write sink against real servers: VictoriaMetrics, and Prometheus with its receiver.

The rows come from sink_feed.cc.
"""

import json
import time
import urllib.parse

import pytest
from harness import Process, free_port, wait_until
from made_up_rows import START_MS, Feed, expected
from tsdb_servers import VictoriaMetrics, VmAuth, http


def stored(samples):
    """The shape of expected(), of {(metric, labels): {time: [values]}}; fails if there are two values of one instant."""
    points = {}
    for (series, tags), times in samples.items():
        _, measurement, field = series.split("_", 2)
        for at, values in times.items():
            assert len(set(values)) == 1, f"two values at one time: {series} {at} {values}"
            points.setdefault((f"carbongate_{measurement}", tags, at), {})[field] = values[0]
    return points


def assert_equal(server, wanted):
    found = stored(server.wait_for_samples(sum(len(fields) for fields in wanted.values())))
    assert found.keys() == wanted.keys()
    for point, fields in wanted.items():
        # VictoriaMetrics keeps decimal mantissas: the last bit of a double may differ.
        assert found[point] == pytest.approx(fields, rel=1e-15, abs=0), point


def feed(tmp_path, server, count, first=0, **keys):
    return Feed(tmp_path, server.url + "/api/v1/write", count, first, sink="prometheus-remote-write", **keys)


@pytest.fixture
def victoria(tmp_path):
    with VictoriaMetrics(tmp_path / "victoria") as server:
        yield server


def test_every_row_arrives_and_none_is_invalid(tmp_path, victoria):
    with feed(tmp_path, victoria, 5_000).start() as running:
        assert running.finish() == {"accepted": 5_000, "requests": 10, "failures": 0, "rejected": [], "skipped": 0}
    assert_equal(victoria, expected(5_000))
    assert victoria.counter("vm_rows_invalid_total") == 0
    assert victoria.counter("vm_rows_ignored_total") == 0


def test_the_series_are_those_of_line_protocol(tmp_path, victoria):
    samples = sum(len(fields) for fields in expected(500).values())
    with feed(tmp_path, victoria, 500).start() as running:
        running.finish()
    with VictoriaMetrics(tmp_path / "lines") as other:
        with Feed(tmp_path, other.write_url, 500, name="lines").start() as running:
            running.finish()
        assert other.wait_for_samples(samples) == victoria.wait_for_samples(samples)


def test_a_server_taken_away_and_brought_back_misses_nothing(tmp_path, victoria):
    rows = 30_000
    with feed(tmp_path, victoria, rows, batch_rows=200).start() as running:
        for part in (1, 2):
            wait_until(lambda: running.settled() > rows * part // 4, 60, "a part being settled")
            victoria.stop()
            wait_until(lambda: running.output().count("trying again") >= part, 30, "the feed noticing")
            victoria.start()
        assert running.finish()["accepted"] == rows
    assert_equal(victoria, expected(rows))


def test_after_kill_9_the_rows_sent_again_make_it_whole(tmp_path, victoria):
    # VictoriaMetrics acknowledges what it has in memory only: a kill may cost it the last seconds.
    rows = 10_000
    with feed(tmp_path, victoria, rows, batch_rows=100).start() as running:
        wait_until(lambda: running.settled() > rows // 2, 60, "a part being settled")
        victoria.kill()
        wait_until(lambda: "trying again" in running.output(), 30, "the feed noticing")
        victoria.start()
        assert running.finish()["accepted"] == rows
    with feed(tmp_path, victoria, rows, name="again").start() as running:
        assert running.finish()["rejected"] == []
    assert_equal(victoria, expected(rows))


def test_a_path_that_the_server_does_not_know_costs_nothing(tmp_path, victoria):
    for path, words in (("/api/v1/wrote", "check the path of the url"), ("/health/nothing", "check the path of the url")):
        with Feed(tmp_path, victoria.url + path, 100, sink="prometheus-remote-write", name=path.replace("/", "-")).start() as running:
            wait_until(lambda: words in running.output(), what="the reason in the log")
            assert running.settled() == 0


def test_what_a_proxy_says_of_its_set_up_costs_nothing(tmp_path, victoria):
    with VmAuth(tmp_path / "vmauth", victoria, "/insert/1/prometheus/api/v1/write") as proxy:
        def through(path, name, **keys):
            return Feed(tmp_path, proxy.url + path, 500, sink="prometheus-remote-write", name=name, username="gw", **keys)

        with through("/api/v1/write", "path", password_env="FEED_SECRET").start() as running:
            wait_until(lambda: 'HTTP 400: ' in running.output() and "missing route for" in running.output(),
                       what="the reason in the log")
            assert running.settled() == 0
    with VmAuth(tmp_path / "right", victoria, "/api/v1/write") as proxy:
        with through("/api/v1/write", "right", password_env="FEED_SECRET").start() as running:
            assert running.finish()["rejected"] == []
    assert_equal(victoria, expected(500))


class Prometheus:
    """With the receiver for remote write; its own clock decides what is too old, so rows are made up around now."""

    def __init__(self, directory, window="0s"):
        directory.mkdir()
        config = directory / "prometheus.yml"
        config.write_text(f"storage: {{tsdb: {{out_of_order_time_window: {window}}}}}\n")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = Process(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory / 'data'}",
                                f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver",
                                "--storage.tsdb.retention.time=50y"], directory / "server.log")

    def __enter__(self):
        self.process.start(lambda: http(self.url + "/-/ready", timeout=1.0)[0] == 200, 30)
        return self

    def __exit__(self, *exc):
        self.process.__exit__(*exc)

    def samples(self, at_s, range_s):
        query = urllib.parse.urlencode({"query": f'{{__name__=~"carbongate.*"}}[{range_s}s]', "time": at_s})
        status, text = http(f"{self.url}/api/v1/query?{query}")
        assert status == 200, text
        found = {}
        for series in json.loads(text)["data"]["result"]:
            labels = dict(series["metric"])
            found[labels.pop("__name__"), frozenset(labels.items())] = {
                round(at * 1000): [float(value)] for at, value in series["values"]}
        return found


# Prometheus takes nothing that is too far from its own clock's day.
def row_of_half_an_hour_ago():
    now = int(time.time())
    return now, now - START_MS // 1000 - 2_000


def test_prometheus_refuses_what_is_older_than_it_has_and_keeps_what_it_took(tmp_path):
    now, first = row_of_half_an_hour_ago()
    with Prometheus(tmp_path / "prometheus") as server:
        with feed(tmp_path, server, 1_000, first + 1_000).start() as running:
            assert running.finish()["rejected"] == []
        wanted = expected(1_000, first + 1_000)
        assert stored(server.samples(now + 10, 4_000)) == wanted
        with feed(tmp_path, server, 40, first, name="older").start() as running:
            result = running.finish()
            assert "out of order sample" in running.output()
        assert result["rejected"] and set(result["rejected"]) <= set(range(first, first + 40))
        assert wanted.items() <= stored(server.samples(now + 10, 4_000)).items()


def test_what_prometheus_has_already_takes_nothing_new_with_it(tmp_path):
    now, first = row_of_half_an_hour_ago()
    with Prometheus(tmp_path / "prometheus") as server:
        with feed(tmp_path, server, 100, first).start() as running:
            assert running.finish()["rejected"] == []
        with feed(tmp_path, server, 150, first, name="again").start() as running:
            result = running.finish()
        assert result["rejected"] and set(result["rejected"]) <= set(range(first, first + 100))
        assert stored(server.samples(now + 10, 4_000)) == expected(150, first)


def test_prometheus_with_a_window_takes_older_rows_and_all_of_them_again(tmp_path):
    now, first = row_of_half_an_hour_ago()
    with Prometheus(tmp_path / "prometheus", window="1d") as server:
        for name, count, begin in (("newer", 500, first + 500), ("older", 500, first), ("again", 1_000, first)):
            with feed(tmp_path, server, count, begin, name=name).start() as running:
                assert running.finish()["rejected"] == []
        assert stored(server.samples(now + 10, 4_000)) == expected(1_000, first)
