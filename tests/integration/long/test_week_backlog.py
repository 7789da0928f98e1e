"""A week without a network on a box whose store is too small for it: 12 million readings, of which the oldest go, and nothing
else. Then the store that was away is back, and has what is left, each sample once: `tests/run --label long`.
"""

import json
import random
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness import CARBONGATE, Process, wait_until  # noqa: E402
from tsdb_servers import VictoriaMetrics, http  # noqa: E402

POINTS = 40
STEP_MS = 2_000
STEPS = 7 * 86_400_000 // STEP_MS
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
ACCOUNTS = '{__name__=~"carbongate_(interval|entry|rollup)_.*"}'


def write_recording(path):
    """A counter, and what says something new in every bit."""
    chance = random.Random(1)
    with path.open("w") as file:
        file.write("time,point,value\n")
        for k in range(STEPS):
            at = START_MS + k * STEP_MS
            file.write(f"{at},m0.p0,{round(k * 0.013, 3)}\n")
            file.write("".join(f"{at},m0.p{n},{chance.random()}\n" for n in range(1, POINTS)))


def write_site(path, sink_url):
    path.write_text(json.dumps({  # JSON is YAML
        "site": {"id": "park", "timezone": "Asia/Shanghai", "grid_region": "CN-SC"},
        "brokers": {"plant": {"url": "mqtt://127.0.0.1:9", "client_id": "week"}},  # discard: nobody answers there
        "devices": [{"id": "m0", "driver": "mqtt", "broker": "plant", "topic": "park/m0",
                     "timestamp": {"json": "/t", "format": "epoch-ms"},
                     "points": [{"name": "p0", "json": "/p0", "unit": "kWh", "kind": "cumulative", "power_max": "1 MW"},
                                *({"name": f"p{n}", "json": f"/p{n}", "unit": "V", "kind": "instantaneous"}
                                  for n in range(1, POINTS))]}],
        "energy_users": [{"id": "u0", "consumes": [{"carrier": "electricity", "from": "m0.p0"}]}],
        "store": {"path": str(path.parent / "store"), "size_max": "64MiB"},
        "sinks": [{"type": "line-protocol", "name": "tsdb", "url": sink_url, "live_after": 2_000, "backfill_rate": 200_000}],
    }))
    return path


def command(*args):
    return subprocess.run([CARBONGATE, *map(str, args)], check=True, capture_output=True, text=True).stdout


def account(config):
    (only,) = json.loads(command("conservation", config, "--format", "json"))["sinks"]
    assert only["balances"]
    return only


def exported_readings(config, point):
    """{time in ms: value} of one point."""
    found = {}
    with subprocess.Popen([CARBONGATE, "export", config, "--what", "readings", "--point", f"m0/{point}", "--format", "jsonl"],
                          stdout=subprocess.PIPE, text=True) as export:
        for line in export.stdout:
            row = json.loads(line)
            found[row["time"]] = row["value"]
    assert export.returncode == 0
    return found


def stored_values(victoria, selector):
    """[(labels, [(time in ms, value)])] of every series; equal samples are there as often as they were stored."""
    query = urllib.parse.urlencode({"match[]": selector, "start": "0", "end": "4102444800"})
    status, text = http(f"{victoria.url}/api/v1/export?{query}", timeout=120.0)
    assert status == 200, text
    series = [json.loads(line) for line in text.splitlines()]
    return [(one["metric"], list(zip(one["timestamps"], one["values"]))) for one in series]


@pytest.fixture
def victoria(tmp_path):
    return VictoriaMetrics(tmp_path / "victoria")


def test_of_a_week_too_large_for_the_box_the_oldest_readings_go_and_nothing_else(tmp_path, victoria):
    config = write_site(tmp_path / "park.yaml", victoria.write_url)
    with Process([CARBONGATE, "run", config, "--for", "1s"], tmp_path / "first.log") as first:
        first.start(ready=lambda: "running" in first.output())
        wait_until(lambda: not first.running(), what="the sink being owed from now on")
    recording = tmp_path / "week.csv"
    write_recording(recording)
    command("replay", config, "--input", recording)
    recording.unlink()
    size = sum(file.stat().st_size for file in (tmp_path / "store").iterdir())
    assert size < 70 * 2**20
    owed = account(config)
    assert owed["dropped"] > 1_000_000, "the test is of a store that was too small"
    print(f"{owed['received']} rows received, {owed['dropped']} dropped for size_max, {owed['waiting']} waiting in {size} bytes")

    gateway = Process([CARBONGATE, "run", config], tmp_path / "gateway.log")
    with victoria, gateway.start(ready=lambda: "running" in gateway.output()):
        wait_until(lambda: "the backlog is sent" in gateway.output() and account(config)["waiting"] == 0, 600,
                   "the backlog at the far end")
        assert gateway.stop() == 0
        assert "conservation is broken" not in gateway.output()
        now = account(config)
        assert now["dropped"] == owed["dropped"] and now["refused"] == 0
        assert now["accepted"] == now["received"] - now["dropped"] - now["left_out"]

        http(victoria.url + "/internal/force_flush")
        kept = 0
        for n in range(POINTS):
            wanted = exported_readings(config, f"p{n}")
            ((_, samples),) = stored_values(victoria, f'carbongate_reading_value{{point="p{n}"}}')
            assert len(samples) == len(wanted), f"p{n}: {len(samples)} of {len(wanted)}"
            for (_, found), value in zip(samples, wanted.values()):
                assert abs(found - value) <= 1e-11 * max(1.0, value), f"p{n}"  # VictoriaMetrics keeps about 12 digits of these
            assert samples[-1][0] == START_MS + (STEPS - 1) * STEP_MS
            kept += len(samples)
        assert POINTS * STEPS - kept < owed["dropped"], "running totals were dropped too"
        assert POINTS * STEPS - kept > 1_000_000

        # What is accounted is whole: a week of quarter hours, and the counter's whole movement in them.
        rows = [json.loads(line) for line in command("export", config, "--what", "entries", "--format", "jsonl").splitlines()]
        assert len(rows) == 7 * 96 - 1, "the last quarter hour is open"
        ((_, samples),) = stored_values(victoria, "carbongate_entry_amount")
        assert [value for _, value in samples] == [pytest.approx(float(row["amount"]), rel=1e-15) for row in rows]
        print(f"{kept} readings at the far end, {len(samples)} entries")
