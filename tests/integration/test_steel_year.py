"""The steel-plant year (UCI, CC BY 4.0) through `replay`: what comes out equals an independent calculation, digit for digit."""

import csv
import io
import subprocess
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from harness import CARBONGATE
from recordings import steel_year

FACTOR = Decimal("0.1564")  # kgCO2/kWh, Sichuan 2023: MEE and NBS announcement 2025 No. 47

CONFIG = """
site: {id: edz-1, name: 广元经开区一号园区, timezone: Asia/Shanghai, grid_region: CN-SC}
brokers: {plant: {url: "mqtt://127.0.0.1:1883"}}
devices:
  - id: steel
    driver: mqtt
    broker: plant
    topic: plant/steel
    timestamp: {json: /time, format: iso8601}
    points: [{name: energy, json: /energy, unit: kWh, kind: interval}]
energy_users:
  - {id: steel, name: 钢厂, consumes: [{carrier: electricity, from: steel.energy}]}
store: {path: store}
"""


def run(*args):
    return subprocess.run([CARBONGATE, *args], check=True, capture_output=True, text=True).stdout


def export(config, what):
    return run("export", config, "--what", what)


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("steel")
    config = folder / "site.yaml"
    config.write_text(CONFIG)
    rows = steel_year()
    with open(folder / "year.csv", "w") as file:
        file.write("time,point,value\n")
        for end, energy in rows:
            file.write(f"{end.isoformat()}+08:00,steel.energy,{energy}\n")
    run("replay", config, "--input", folder / "year.csv")
    return config, rows


def rollups(config, period):
    return [row for row in csv.DictReader(io.StringIO(export(config, "rollups"))) if row["period"] == period]


def test_the_year_is_complete(replayed):
    _, rows = replayed
    assert len(rows) == 35_040
    assert rows[0][0] == datetime(2023, 1, 1, 0, 15)
    assert rows[-1][0] == datetime(2024, 1, 1)


@pytest.mark.parametrize("period,key", [("month", lambda begin: (begin.month,)), ("day", lambda begin: (begin.month, begin.day)),
                                        ("year", lambda begin: (begin.year,))])
def test_totals_equal_an_independent_calculation_to_the_last_digit(replayed, period, key):
    config, rows = replayed
    expected = defaultdict(Decimal)
    for end, energy in rows:
        expected[key(end - timedelta(minutes=15))] += energy
    exported = {key(datetime.fromisoformat(row["begin"])): row for row in rollups(config, period)}
    assert exported.keys() == expected.keys()
    for which, energy in expected.items():
        assert Decimal(exported[which]["amount"]) == energy, (period, which)
        assert Decimal(exported[which]["co2e_kg"]) == energy * FACTOR, (period, which)
        assert exported[which]["unit"] == "kWh"


def test_every_entry_names_its_factor_and_version(replayed):
    config, _ = replayed
    entries = list(csv.DictReader(io.StringIO(export(config, "entries"))))
    assert len(entries) == 35_040
    assert {entry["factor"] for entry in entries} == {"cn-grid/CN-SC/average/2023"}
    assert all(entry["factor_version"] for entry in entries)
    assert sum(Decimal(entry["co2e_kg"]) for entry in entries) == sum(e for _, e in replayed[1]) * FACTOR


def test_the_same_input_gives_byte_equal_exports(replayed):
    config, _ = replayed
    again = config.parent / "again"
    run("replay", config, "--input", config.parent / "year.csv", "--store", again)
    for what in ("readings", "intervals", "entries", "rollups"):
        assert export(config, what) == run("export", config, "--what", what, "--store", again), what


def test_a_replay_is_not_mixed_into_accounts_that_exist(replayed):
    config, _ = replayed
    result = subprocess.run([CARBONGATE, "replay", config, "--input", config.parent / "year.csv"], capture_output=True,
                            text=True, check=False)
    assert result.returncode == 73
    assert "holds readings already" in result.stderr


def test_a_faulty_input_is_refused_whole_with_its_places(replayed):
    config, _ = replayed
    faulty = config.parent / "faulty.csv"
    faulty.write_text("time,point,value\n2023-01-01T00:15:00+08:00,steel.enrgy,1\nyesterday,steel.energy,1\n"
                      "2023-01-01T00:30:00+08:00,steel.energy,many\n")
    result = subprocess.run([CARBONGATE, "replay", config, "--input", faulty, "--store", config.parent / "none"],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 65
    assert "faulty.csv:2:27: error: unknown point 'steel.enrgy'; did you mean 'steel.energy'?" in result.stderr
    assert "faulty.csv:3:1: error: 'yesterday' is not a time" in result.stderr
    assert "faulty.csv:4:40: error: 'many' is not a number" in result.stderr
    assert not (config.parent / "none").exists(), "nothing is written before the input is known to be good"
