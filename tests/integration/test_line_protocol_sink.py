"""The line-protocol sink against real servers: everything arrives exactly, whatever happens to the server meanwhile.

The rows come from sink_feed.cc.
"""

import ssl
import subprocess

import pytest
from harness import accepts, wait_until
from made_up_rows import MEASUREMENTS, START_MS, Feed, expected
from tsdb_servers import InfluxDB, VictoriaMetrics

def stored_in_influx(server, database="carbon"):
    """The same shape as expected(). Fails if a point is there twice, which InfluxDB would show as two rows."""
    points = {}
    for measurement in MEASUREMENTS:
        name = "carbongate_" + measurement
        keys = server.query(f'SHOW TAG KEYS FROM "{name}"', database)
        tags = {value[0] for series in keys for value in series["values"]}
        for row in server.rows(database, name):
            point = name, frozenset((k, v) for k, v in row.items() if k in tags and v), row["time"]
            assert point not in points, f"stored twice: {point}"
            points[point] = {k: v for k, v in row.items() if k not in tags and k != "time" and v is not None}
    return points


def stored_in_victoria(server, samples):
    """The same shape as expected(); the server is asked until it shows this many samples."""
    points = {}
    for (series, tags), times in server.wait_for_samples(samples).items():
        _, measurement, field = series.split("_", 2)
        for at, values in times.items():
            assert len(set(values)) == 1, f"two values at one time: {series} {at} {values}"
            points.setdefault((f"carbongate_{measurement}", tags, at), {})[field] = values[0]
    return points


def sample_count(points):
    return sum(len(fields) for fields in points.values())


@pytest.fixture
def influx(tmp_path):
    with InfluxDB(tmp_path / "influx") as server:
        server.query("CREATE DATABASE carbon")
        yield server


@pytest.fixture
def victoria(tmp_path):
    with VictoriaMetrics(tmp_path / "victoria") as server:
        yield server


@pytest.mark.parametrize("gzip", [True, False])
def test_every_row_arrives_in_influxdb_to_the_last_digit(tmp_path, influx, gzip):
    with Feed(tmp_path, influx.write_url("carbon"), 5_000, gzip=gzip).start() as feed:
        status = feed.finish()
    assert status == {"accepted": 5_000, "requests": 1, "failures": 0, "skipped": 0, "rejected": []}
    assert stored_in_influx(influx) == expected(5_000)


def test_every_row_arrives_in_victoriametrics_and_none_is_invalid(tmp_path, victoria):
    with Feed(tmp_path, victoria.write_url, 5_000).start() as feed:
        assert feed.finish()["accepted"] == 5_000
    wanted = expected(5_000)
    stored = stored_in_victoria(victoria, sample_count(wanted))
    assert stored.keys() == wanted.keys()
    for point, fields in wanted.items():
        # VictoriaMetrics keeps decimal mantissas: the last bit of a double may differ.
        assert stored[point] == pytest.approx(fields, rel=1e-15, abs=0), point
    assert victoria.counter("vm_rows_invalid_total") == 0
    assert victoria.counter("vm_rows_ignored_total") == 0


def test_the_endpoint_of_version_2_takes_the_same_rows(tmp_path, victoria):
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    token.chmod(0o600)
    url = victoria.url + "/api/v2/write?org=park&bucket=carbon"
    with Feed(tmp_path, url, 500, token_file=str(token)).start() as feed:
        assert feed.finish()["rejected"] == []
    wanted = expected(500)
    stored = stored_in_victoria(victoria, sample_count(wanted))
    assert stored.keys() == wanted.keys()


def test_writing_everything_again_changes_nothing(tmp_path, influx):
    for run in range(3):
        with Feed(tmp_path, influx.write_url("carbon"), 2_000, name=f"feed{run}", batch_rows=700 + run).start() as feed:
            feed.finish()
    assert stored_in_influx(influx) == expected(2_000)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_server_that_goes_away_twice_in_mid_flight_gets_everything_once(tmp_path, influx, concurrency):
    rows = 60_000
    with Feed(tmp_path, influx.write_url("carbon"), rows, batch_rows=300 // concurrency, concurrency=concurrency).start() as feed:
        for part, end in ((1, influx.stop), (2, influx.kill)):  # in this order: see InfluxDB.kill()
            wait_until(lambda: feed.settled() > rows * part // 4, 60, "a part being settled")
            end()
            wait_until(lambda: feed.output().count("trying again") >= part, 30, "the feed noticing")
            influx.start()
        status = feed.finish()
        assert feed.output().count("delivering again") == 2
    assert status["accepted"] == rows
    assert status["failures"] >= 2
    assert stored_in_influx(influx) == expected(rows)


def test_victoriametrics_taken_away_and_brought_back_misses_nothing(tmp_path, victoria):
    rows = 30_000
    with Feed(tmp_path, victoria.write_url, rows, batch_rows=300).start() as feed:
        wait_until(lambda: feed.settled() > rows // 4, 60, "a part being settled")
        victoria.stop()  # kill -9 would lose what it acknowledged but kept in memory
        wait_until(lambda: "trying again" in feed.output(), 30, "the feed noticing")
        victoria.start()
        assert feed.finish()["accepted"] == rows
    wanted = expected(rows)
    assert stored_in_victoria(victoria, sample_count(wanted)).keys() == wanted.keys()


def test_a_server_that_comes_later_than_the_gateway_gets_everything(tmp_path):
    server = InfluxDB(tmp_path / "influx")
    with Feed(tmp_path, server.write_url("carbon"), 1_000).start() as feed:
        wait_until(lambda: "Connection refused" in feed.output(), what="the feed noticing that nobody is there")
        assert not accepts(server.port)
        with server:
            server.query("CREATE DATABASE carbon")
            feed.finish()
            assert stored_in_influx(server) == expected(1_000)


def test_a_missing_database_is_named_and_nothing_is_lost_until_it_is_there(tmp_path, influx):
    with Feed(tmp_path, influx.write_url("later"), 1_000).start() as feed:
        wait_until(lambda: 'HTTP 404: database not found: "later"' in feed.output(), what="the reason in the log")
        assert "check the path of the url, and that the database exists" in feed.output()
        influx.query('CREATE DATABASE "later"')
        assert feed.finish()["rejected"] == []
    assert stored_in_influx(influx, "later") == expected(1_000)


def test_a_url_without_a_database_rejects_no_row(tmp_path, influx):
    with Feed(tmp_path, influx.url + "/write", 1_000).start() as feed:
        wait_until(lambda: "HTTP 400: database is required" in feed.output(), what="the reason in the log")
        assert feed.settled() == 0


def test_rows_of_a_conflicting_type_are_set_aside_and_the_others_delivered(tmp_path, influx):
    status, _ = influx.write("carbon", f'carbongate_rollup,site=other amount="a text" {START_MS}')
    assert status == 204
    rows = 3_000
    with Feed(tmp_path, influx.write_url("carbon"), rows).start() as feed:
        result = feed.finish()
        assert "partial write: field type conflict" in feed.output()
    assert result["rejected"] == [n for n in range(rows) if MEASUREMENTS[n % 5] == "rollup"]
    assert result["accepted"] == rows - len(result["rejected"])
    assert result["requests"] < 100, "the conflicting rows stand together, and are found in few requests"
    others = [m for m in MEASUREMENTS if m != "rollup"]
    stored = stored_in_influx(influx)
    del stored["carbongate_rollup", frozenset({("site", "other")}), START_MS]
    assert stored == expected(rows, measurements=others)


def test_rows_beyond_the_retention_are_set_aside_one_by_one(tmp_path, influx):
    influx.query('CREATE DATABASE "short" WITH DURATION 1h')
    with Feed(tmp_path, influx.write_url("short"), 50).start() as feed:
        result = feed.finish()
        assert "partial write: points beyond retention policy" in feed.output()
    assert result["rejected"] == list(range(50))


@pytest.mark.parametrize("limit", ["max-series-per-database", "max-values-per-tag"])
def test_a_database_without_room_for_another_series_costs_no_row(tmp_path, limit):
    small = f'index-version = "inmem"\n  {limit} = 1'
    with InfluxDB(tmp_path / "influx", data=small) as server:
        server.query("CREATE DATABASE carbon")
        assert server.write("carbon", f"carbongate_reading,site=other value=1 {START_MS}")[0] == 204
        with Feed(tmp_path, server.write_url("carbon"), 1_000).start() as feed:
            wait_until(lambda: f"partial write: {limit} limit exceeded" in feed.output(), what="the reason in the log")
            assert feed.settled() == 0
            server.stop()
            server.data = 'index-version = "inmem"'
            server.start()
            assert feed.finish()["rejected"] == []
        stored = stored_in_influx(server)
        del stored["carbongate_reading", frozenset({("site", "other")}), START_MS]
        assert stored == expected(1_000)


def test_a_body_that_is_too_large_is_sent_in_parts(tmp_path):
    with InfluxDB(tmp_path / "influx", extra_http="  max-body-size = 20000") as server:
        server.query("CREATE DATABASE carbon")
        with Feed(tmp_path, server.write_url("carbon"), 2_000, gzip=False).start() as feed:
            result = feed.finish()
        assert result["requests"] > 10
        assert result["rejected"] == []
        assert stored_in_influx(server) == expected(2_000)


def test_credentials_are_sent_and_their_refusal_is_no_loss(tmp_path):
    with InfluxDB(tmp_path / "influx", auth=("gw", "s3cret")) as server:
        server.query("CREATE DATABASE carbon")
        with Feed(tmp_path, server.write_url("carbon"), 100, name="nobody").start() as feed:
            wait_until(lambda: "HTTP 401" in feed.output(), what="the reason in the log")
            assert "check username and password" in feed.output()
        with Feed(tmp_path, server.write_url("carbon"), 100, username="gw", password_env="FEED_SECRET").start() as feed:
            feed.finish()
        assert "s3cret" not in feed.output()
        assert stored_in_influx(server) == expected(100)


def test_only_the_selected_kinds_are_sent(tmp_path, influx):
    with Feed(tmp_path, influx.write_url("carbon"), 500, rows=["entries", "rollups"]).start() as feed:
        feed.finish()
    assert stored_in_influx(influx) == expected(500, measurements=["entry", "rollup"])


@pytest.fixture
def certificate(tmp_path):
    """A key and a self-signed certificate for localhost and 127.0.0.1."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert,
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                   check=True, capture_output=True)
    return key, cert


def test_tls_trusts_the_named_authority_and_nobody_else(tmp_path, certificate):
    key, cert = certificate
    server = VictoriaMetrics(tmp_path / "victoria", ["-tls", f"-tlsCertFile={cert}", f"-tlsKeyFile={key}"])
    server.use_https(ssl.create_default_context(cafile=str(cert)))
    with server:
        for host in ("localhost", "127.0.0.1"):
            url = server.write_url.replace("127.0.0.1", host)
            with Feed(tmp_path, url, 100, name=f"trusted-{host}", ca_file=str(cert)).start() as feed:
                assert feed.finish()["failures"] == 0
        wanted = expected(100)
        assert stored_in_victoria(server, sample_count(wanted)).keys() == wanted.keys()
        with Feed(tmp_path, server.write_url, 100, name="untrusted").start() as feed:
            wait_until(lambda: "certificate verify failed" in feed.output(), what="the reason in the log")
            assert feed.settled() == 0


def thinned(points, slot_ms):
    """Of the readings of each device the first usable one of each slot; the rows of expected() come in order of time."""
    slots = set()
    kept = {}
    for (name, tags, at), fields in points.items():
        if name == "carbongate_reading":
            slot = dict(tags)["device"], at // slot_ms
            if "value" not in fields or slot in slots:
                continue
            slots.add(slot)
        kept[name, tags, at] = fields
    return kept


def test_only_what_is_selected_is_sent_and_readings_are_thinned_alike_after_a_restart(tmp_path, influx):
    select = {"rows": ["readings", "intervals", "entries"], "points": ["press*", "冲压??.*"], "users": ["*s"], "every": "1min"}
    skipped = 0
    for first in (0, 1_234, 3_000):  # wherever it falls: rows are a second apart
        count = {0: 1_234, 1_234: 1_766, 3_000: 2_000}[first]
        with Feed(tmp_path, influx.write_url("carbon"), count, first, name=f"part{first}", select=select).start() as feed:
            status = feed.finish()
            assert status["accepted"] + status["skipped"] == count
            skipped += status["skipped"]
    wanted = {
        key: fields
        for key, fields in thinned(expected(5_000, measurements=["reading", "interval", "entry"]), 60_000).items()
        if dict(key[1])["device"] in ("press shop", "冲压车间") and dict(key[1]).get("user", "press") == "press"
    }
    assert stored_in_influx(influx) == wanted
    assert len(wanted) == 5_000 - skipped
    assert 150 < sum(name == "carbongate_reading" for name, _, _ in wanted) < 190, "two devices, 5,000 s, a slot of 60 s"
