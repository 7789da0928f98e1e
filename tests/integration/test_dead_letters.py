"""Rows that a store refuses for good: shown with its words, offered again, given up; never lost in between."""

import csv
import io
import json
import sqlite3
import subprocess

from harness import CARBONGATE, Process, free_port, last_number, wait_until
from refusing_tsdb import RefusingTsdb

EX_USAGE, EX_DATAERR, EX_CANTCREAT = 64, 65, 73
START_S = 1_767_225_600  # 2026-01-01T00:00:00Z
READINGS = 200

CONFIG = """
site: {{id: park, timezone: Asia/Shanghai, grid_region: CN-SC}}
brokers: {{plant: {{url: "mqtt://127.0.0.1:{port}"}}}}
devices:
  - id: press
    driver: mqtt
    broker: plant
    topic: plant/press
    timestamp: {{json: /t, format: epoch-ms}}
    points: [{{name: energy, json: /e, unit: kWh, kind: cumulative, power_max: 100 kW}}]
energy_users: [{{id: shop, consumes: [{{carrier: electricity, from: press.energy}}]}}]
store: {{path: store}}
sinks: [{{type: line-protocol, name: tsdb, url: "{url}", gzip: false, batch_rows: 50}}]
"""


def carbongate(*args, status=0):
    result = subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, text=True)
    assert result.returncode == status, result.stderr
    return result


def make_site(folder, url):
    config = folder / "site.yaml"
    config.write_text(CONFIG.format(port=free_port(), url=url))
    recording = folder / "day.csv"
    lines = [f"{(START_S + n * 60) * 1000},press.energy,{100 + n / 10}" for n in range(READINGS)]
    recording.write_text("time,point,value\n" + "\n".join(lines) + "\n")
    carbongate("replay", config, "--input", recording)
    return config


def letters(config, *args):
    return list(csv.DictReader(io.StringIO(carbongate("dead-letters", config, "--format", "csv", *args).stdout)))


def accounted(config):
    (account,) = json.loads(carbongate("conservation", config, "--format", "json").stdout)["sinks"]
    assert account["balances"]
    return account["refused"], account["accepted"]


def settled(config):
    with sqlite3.connect(f"file:{config.parent / 'store' / 'carbongate.db'}?mode=ro", uri=True) as store:
        return store.execute("SELECT coalesce(max(settled), 0) >= ? FROM cursor", (last_number(store),)).fetchone()[0]


def run_until(config, condition, what):
    """Runs the gateway until the condition holds, then stops it in peace; returns its log."""
    gateway = Process([CARBONGATE, "run", config], config.parent / "gateway.log")
    gateway.log.unlink(missing_ok=True)
    with gateway.start(ready=lambda: "running" in gateway.output()):
        wait_until(lambda: condition(gateway), 20, what)
        assert gateway.stop() == 0
    return gateway.output()


def deliver_all(config):
    return run_until(config, lambda gateway: "kept in the dead-letter list" in gateway.output() and settled(config), "all rows being settled")


def is_reading(line):
    return line.startswith("carbongate_reading")


def test_refused_rows_are_shown_offered_again_and_arrive(tmp_path):
    with RefusingTsdb() as tsdb:
        config = make_site(tmp_path, tsdb.url)
        assert letters(config) == []
        tsdb.refuses = is_reading
        deliver_all(config)
        refused = letters(config, "--sink", "tsdb")
        assert len(refused) == READINGS
        count, accepted = accounted(config)
        assert count == READINGS
        first = refused[0]
        assert (first["sink"], first["kind"], first["device"], first["point"]) == ("tsdb", "reading", "press", "energy")
        assert (first["time"], first["value"], first["unit"]) == ("2026-01-01T08:00:00+08:00", "100", "kWh")
        assert first["reason"].startswith("partial write: field type conflict") and first["state"] == "refused"
        assert json.loads(carbongate("dead-letters", config, "--format", "json").stdout)[0]["sequence"] == first["sequence"]
        table = carbongate("dead-letters", config).stdout
        assert f"tsdb #{first['sequence']} 2026-01-01T08:00:00+08:00  reading press.energy (electricity) 100 kWh" in table

        told = carbongate("dead-letters", config, "--retry").stderr
        assert f"{READINGS} dead letters are offered again when the gateway runs" in told
        assert {row["state"] for row in letters(config)} == {"waits"}

        tsdb.refuses = lambda line: is_reading(line) and "value=100.1," in line  # repaired, but for one
        tsdb.words = "still a conflict"
        before = len(tsdb.lines)
        run_until(config, lambda gateway: not any(row["state"] == "waits" for row in letters(config)), "no row being on its way")
        arrived = [line for line in tsdb.lines[before:] if is_reading(line)]
        assert len(set(arrived)) == READINGS - 1
        (left,) = letters(config)
        assert (left["value"], left["state"]) == ("100.1", "refused")
        assert left["reason"] == "partial write: still a conflict dropped=1"
        assert accounted(config)[0] == 1 and accounted(config)[1] >= accepted + READINGS - 1

        carbongate("dead-letters", config, "--drop", "--sink", "tsdb")
        assert letters(config) == []


def test_a_crash_while_they_are_on_their_way_loses_none(tmp_path):
    with RefusingTsdb() as tsdb:
        config = make_site(tmp_path, tsdb.url)
        tsdb.refuses = is_reading
        deliver_all(config)
        carbongate("dead-letters", config, "--retry")
        tsdb.refuses = lambda line: False
        for _ in range(3):
            tsdb.held.set()
            tsdb.asked_while_held.clear()
            gateway = Process([CARBONGATE, "run", config], tmp_path / "killed.log")
            with gateway.start():
                wait_until(tsdb.asked_while_held.is_set, 20, "rows being offered again")
                gateway.kill()
            assert {row["state"] for row in letters(config)} == {"waits"}
            assert len(letters(config)) == READINGS
        tsdb.held.clear()
        run_until(config, lambda gateway: letters(config) == [], "the list being empty")
        arrived = [line for line in tsdb.lines if is_reading(line)]
        assert len(arrived) == len(set(arrived)) == READINGS


def test_the_list_is_changed_only_without_a_gateway_and_names_are_checked(tmp_path):
    with RefusingTsdb() as tsdb:
        config = make_site(tmp_path, tsdb.url)
        tsdb.refuses = is_reading
        gateway = Process([CARBONGATE, "run", config], tmp_path / "gateway.log")
        with gateway.start(ready=lambda: "running" in gateway.output()):
            for action in ("--retry", "--drop"):
                told = carbongate("dead-letters", config, action, status=EX_CANTCREAT).stderr
                assert "in use by process" in told and "one gateway per store" in told
            wait_until(lambda: len(letters(config)) == READINGS, what="the list being read beside the gateway")
            gateway.stop()
        assert "did you mean 'tsdb'" in carbongate("dead-letters", config, "--sink", "tsdn", status=EX_DATAERR).stderr
        assert "exclude each other" in carbongate("dead-letters", config, "--retry", "--drop", status=EX_USAGE).stderr
        assert "did you mean 'csv'" in carbongate("dead-letters", config, "--format", "cvs", status=EX_DATAERR).stderr
