"""The year of a household with a solar roof (Open Power System Data, CC BY 4.0) through `replay`: on every counter the
intervals add up to the last state minus the first, to the last digit, over the gaps of the recording as well."""

import csv
import gzip
import io
import subprocess
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from harness import CARBONGATE, SOURCE

RECORDING = SOURCE / "deploy/demo/data/opsd_household_residential4_2016_60min.csv.gz"
COUNTERS = {"import": "DE_KN_residential4_grid_import", "export": "DE_KN_residential4_grid_export", "pv": "DE_KN_residential4_pv"}

CONFIG = """
site: {id: household, timezone: Europe/Berlin, grid_region: CN-SC}
brokers: {home: {url: "mqtt://127.0.0.1:1883"}}
devices:
  - id: meter
    driver: mqtt
    broker: home
    topic: home/meter
    timestamp: {json: /time, format: iso8601}
    points:
      - {name: import, json: /import, unit: kWh, kind: cumulative}
      - {name: export, json: /export, unit: kWh, kind: cumulative}
      - {name: pv, json: /pv, unit: kWh, kind: cumulative}
energy_users:
  - {id: import, consumes: [{carrier: electricity, from: meter.import}]}
  - {id: export, consumes: [{carrier: electricity, from: meter.export}]}
  - {id: pv, consumes: [{carrier: electricity, from: meter.pv}]}
store: {path: store}
"""


def run(*args):
    return subprocess.run([CARBONGATE, *args], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def states():
    """{counter: [(time, kWh), ...]} of the recording, without its empty cells."""
    found = {counter: [] for counter in COUNTERS}
    with gzip.open(RECORDING, "rt") as file:
        for row in csv.DictReader(file):
            for counter, column in COUNTERS.items():
                if row[column]:
                    found[counter].append((datetime.fromisoformat(row["utc_timestamp"]), Decimal(row[column])))
    return found


@pytest.fixture(scope="module")
def config(tmp_path_factory, states):
    folder = tmp_path_factory.mktemp("household")
    file = folder / "site.yaml"
    file.write_text(CONFIG)
    rows = sorted((at, counter, state) for counter, all_states in states.items() for at, state in all_states)
    with open(folder / "year.csv", "w") as year:
        year.write("time,point,value\n")
        for at, counter, state in rows:
            year.write(f"{at.isoformat()},meter.{counter},{state}\n")
    run("replay", file, "--input", folder / "year.csv")
    return file


def exported(config, what):
    return list(csv.DictReader(io.StringIO(run("export", config, "--what", what))))


def test_the_recording_is_a_year_with_gaps(states):
    for all_states in states.values():
        assert 8_700 < len(all_states) < 8_785
        assert all_states[-1][0] - all_states[0][0] == timedelta(days=366)


def test_the_intervals_of_every_counter_add_up_to_what_it_moved(config, states):
    intervals = exported(config, "intervals")
    for counter, all_states in states.items():
        own = [row for row in intervals if row["point"] == counter]
        assert sum(Decimal(row["amount"]) for row in own) == all_states[-1][1] - all_states[0][1], counter
        assert all(datetime.fromisoformat(before["end"]) <= datetime.fromisoformat(after["begin"])
                   for before, after in zip(own, own[1:])), f"{counter}: no time is counted twice"


def test_between_any_two_states_the_intervals_add_up_too(config, states):
    amounts = {(row["point"], datetime.fromisoformat(row["begin"])): Decimal(row["amount"])
               for row in exported(config, "intervals")}
    for counter, all_states in states.items():
        for (begin, before), (end, after) in zip(all_states, all_states[1:]):
            quarter_hours = [begin + timedelta(seconds=s) for s in range(0, int((end - begin).total_seconds()), 900)]
            # A quarter hour in which nothing moved and nobody watched has no interval.
            total = sum(amounts.pop((counter, quarter_hour), Decimal(0)) for quarter_hour in quarter_hours)
            assert total == after - before, (counter, begin)
    assert amounts == {}, "no interval lies elsewhere"


@pytest.mark.parametrize("what,period", [("entries", None), ("rollups", "15min"), ("rollups", "hour"), ("rollups", "day"),
                                         ("rollups", "month"), ("rollups", "year")])
def test_entries_and_sums_of_every_period_add_up_as_well(config, states, what, period):
    rows = [row for row in exported(config, what) if row.get("period") == period]
    for counter, all_states in states.items():
        total = sum(Decimal(row["amount"]) for row in rows if row["user"] == counter)
        assert total == all_states[-1][1] - all_states[0][1], (counter, period)
