"""Statements over the steel-plant year, calculated again from the exported entries: equal to the last digit."""

import csv
import io
import json
import subprocess
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal, getcontext

import pytest
from harness import CARBONGATE
from test_steel_year import steel_year

getcontext().prec = 60
MILLIGRAM = Decimal("0.000001")
PPM = Decimal(1_000_000)

# Half-widths of the meter chains in millionths: 2 * sqrt(sum of squared limits / 3), rounded.
METERS = {"plant": 6633, "mill": 11547, "boiler": 23094}

CONFIG = """
site: {id: edz-1, name: 广元经开区一号园区, timezone: Asia/Shanghai, grid_region: CN-SC, factors: {sets: [own-grid, own-fuels]}}
brokers: {plant: {url: "mqtt://127.0.0.1:1883"}}
devices:
  - {id: plant, driver: mqtt, broker: plant, topic: s/plant, timestamp: {json: /time, format: iso8601},
     points: [{name: energy, json: /energy, unit: kWh, kind: interval}]}
  - {id: mill, driver: mqtt, broker: plant, topic: s/mill, timestamp: {json: /time, format: iso8601},
     points: [{name: energy, json: /energy, unit: kWh, kind: interval}]}
  - {id: boiler, driver: mqtt, broker: plant, topic: s/boiler, timestamp: {json: /time, format: iso8601},
     points: [{name: gas, json: /gas, unit: Nm3, kind: interval}]}
energy_users:
  - id: steel
    consumes:
      - {carrier: electricity, from: plant.energy, metering: {class: 0.5S, ct: 0.2, pt: 0.2}}
      - {carrier: natural-gas, from: boiler.gas, metering: {class: gas}}
  - {id: mill, consumes: [{carrier: electricity, from: mill.energy, metering: {class: 1}}]}
store: {path: store}
"""


# Factors of the test's own: what ships may change, and may state uncertainties.
FACTORS = {
    "own_grid": """
set: own-grid
version: "1"
publisher: nobody
factors:
  - {carrier: electricity, region: CN-SC, method: average, year: 2020, value: 0.1564, unit: kgCO2/kWh, source: table, publication: 2020-01-01, confidence: memory}
  - {carrier: electricity, region: CN, method: residual, year: 2020, value: 0.6096, unit: kgCO2/kWh, source: table, publication: 2020-01-01, confidence: memory}
""",
    "own_fuels": """
set: own-fuels
version: "1"
publisher: nobody
factors:
  - {carrier: natural-gas, year: 2020, ncv: 389.31, ncv_unit: GJ/10^4Nm3, carbon_t_per_gj: 0.01532, oxidation_percent: 99, source: table, publication: 2020-01-01, confidence: memory}
""",
}


def run(*args, status=0):
    result = subprocess.run([CARBONGATE, *args], capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stderr
    return result.stdout


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def statement(config, period, of, *more):
    return run("statement", config, "--period", period, "--of", of, *more)


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("statement")
    config = folder / "site.yaml"
    config.write_text(CONFIG)
    (folder / "factors").mkdir()
    for name, text in FACTORS.items():
        (folder / f"factors/{name}.yaml").write_text(text)
    with open(folder / "year.csv", "w") as file:
        file.write("time,point,value\n")
        for number, (end, energy) in enumerate(steel_year()):
            time = f"{end.isoformat()}+08:00"
            file.write(f"{time},plant.energy,{energy}\n")
            if (end - timedelta(minutes=15)).month != 5:  # the mill's meter is silent for a month
                file.write(f"{time},mill.energy,{energy / 3:.3f}\n")
            if number % 2 == 0:
                file.write(f"{time},boiler.gas,{energy / 7:.4f}\n")
    run("replay", config, "--input", folder / "year.csv")
    entries = rows(run("export", config, "--what", "entries"))
    return config, entries


def share(co2e, ppm):
    """What the pipeline books for one quarter hour: a share of its CO2e, in whole milligrams, half away from zero."""
    return int((abs(co2e) / MILLIGRAM * ppm + PPM / 2) // PPM) * MILLIGRAM


def root(squares):
    """Of a sum of squares, rounded to a milligram: a tie cannot happen."""
    return squares.sqrt().quantize(MILLIGRAM, ROUND_HALF_EVEN)


class Expected:
    """Sums of exported entries, and how they err: a meter in common with itself alone."""

    def __init__(self, entries):
        self.amount = sum((Decimal(e["amount"]) for e in entries), Decimal())
        self.co2e = sum((Decimal(e["co2e_kg"]) for e in entries), Decimal())
        self.coal = sum((Decimal(e["coal_kgce"]) for e in entries), Decimal())
        self.market = sum((Decimal(e["market_co2e_kg"] or e["co2e_kg"]) for e in entries), Decimal())
        self.u95 = self.half_width(entries, "co2e_kg")
        self.market_u95 = self.half_width(entries, "market_co2e_kg")
        self.covered = sum((Decimal(e["covered_s"]) for e in entries), Decimal())

    @staticmethod
    def half_width(entries, column):
        squares = Decimal()
        for device, ppm in METERS.items():
            of_meter = [Decimal(e[column] or e["co2e_kg"]) for e in entries if e["device"] == device]
            squares += sum((share(co2e, ppm) for co2e in of_meter), Decimal()) ** 2
        return root(squares)


def hold(line, entries, points, seconds):
    expected = Expected(entries)
    assert Decimal(line["co2e_kg"]) == expected.co2e == Decimal(line["co2e_first_kg"])
    assert Decimal(line["coal_kgce"]) == expected.coal
    if line["carrier"]:
        assert Decimal(line["amount"]) == expected.amount == Decimal(line["amount_first"])
    if line["market_co2e_kg"]:
        assert Decimal(line["market_co2e_kg"]) == expected.market
        assert Decimal(line["market_u95_kg"] or 0) == expected.market_u95
    # To the milligram, which is finer than 1e-9 of anything above a tonne.
    assert Decimal(line["u95_kg"] or 0) == expected.u95
    assert abs(Decimal(line["u95_kg"] or 0) - expected.u95) <= expected.u95 * Decimal("1e-9")
    coverage = (expected.covered * 100 / (points * seconds)).quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")
    assert Decimal(line["coverage_percent"]) == coverage
    assert int(line["entries"]) == len(entries)
    assert line["corrections"] == "0"


@pytest.mark.parametrize("month,days", [("2023-01", 31), ("2023-02", 28), ("2023-05", 31), ("2023-12", 31)])
def test_a_month_equals_its_entries_calculated_again(replayed, month, days):
    config, all_entries = replayed
    entries = [e for e in all_entries if e["begin"].startswith(month)]
    lines = rows(statement(config, "month", month))
    seconds = days * 86_400
    points_of = {"steel": 2, "mill": 1, "": 3}
    seen = set()
    for line in lines:
        chosen = [e for e in entries if not line["user"] or e["user"] == line["user"]]
        points = points_of[line["user"]]
        if line["carrier"]:
            chosen = [e for e in chosen if e["carrier"] == line["carrier"]]
            points = 1
        if line["level"] == "scope":
            chosen = [e for e in chosen if e["scope"] == line["scope"]]
            points = 2 if not line["user"] and line["scope"] == "2" else 1
        hold(line, chosen, points, seconds)
        seen.add((line["level"], line["user"], line["carrier"], line["scope"], line["sum"]))
    assert len(seen) == len(lines) == 15
    if month == "2023-05":
        silent = next(line for line in lines if line["level"] == "user" and line["user"] == "mill")
        assert (silent["coverage_percent"], silent["quality"], silent["entries"]) == ("0", "missing", "0")


def test_the_months_add_up_to_the_year_and_the_days_to_a_month(replayed):
    config, all_entries = replayed
    year = [line for line in rows(statement(config, "year", "2023")) if line["level"] == "site"]
    months = [rows(statement(config, "month", f"2023-{month:02}")) for month in range(1, 13)]
    for number, line in enumerate(year):
        for column in ("co2e_kg", "market_co2e_kg", "coal_kgce", "co2_kg"):
            parts = [[m for m in month if m["level"] == "site"][number][column] for month in months]
            assert sum(map(Decimal, parts)) == Decimal(line[column]), column
    hold(year[0], all_entries, 3, 365 * 86_400)
    june = [line for line in months[5] if line["level"] == "account"]
    days = [rows(statement(config, "day", f"2023-06-{day:02}")) for day in range(1, 31)]
    for number, line in enumerate(june):
        of_days = [[d for d in day if d["level"] == "account"][number] for day in days]
        assert sum(Decimal(d["amount"]) for d in of_days) == Decimal(line["amount"])


def test_json_says_the_same_as_csv(replayed):
    config, _ = replayed
    lines = rows(statement(config, "month", "2023-03"))
    stated = json.loads(statement(config, "month", "2023-03", "--format", "json"), parse_float=Decimal, parse_int=Decimal)
    flat = []
    for user in stated["users"]:
        flat += user["accounts"] + user["carriers"] + user["scopes"] + [user["total"]]
    flat += stated["scopes"] + [stated["total"], stated["net"]]
    assert len(flat) == len(lines)
    for line, object_ in zip(lines, flat):
        for key, value in object_.items():
            if key not in ("gases_kg", "shares_percent"):
                assert line[key] == (str(value) if isinstance(value, str) else line[key])
                assert not isinstance(value, Decimal) or Decimal(line[key]) == value, key
        assert object_["gases_kg"]["CO2"] == Decimal(line["co2_kg"])
    assert stated["statement"]["timezone"] == "Asia/Shanghai"


def test_the_month_has_what_the_rules_on_data_quality_ask(replayed):
    config, _ = replayed
    accounts = [line for line in rows(statement(config, "month", "2023-03")) if line["level"] == "account"]
    gas = next(line for line in accounts if line["carrier"] == "natural-gas")
    assert (gas["source"], gas["fuel"], gas["unit"]) == ("combustion", "天然气", "Nm3")
    assert (gas["ncv"], gas["ncv_unit"], gas["ncv_source"]) == ("389.31", "GJ/10^4Nm3", "default")
    assert (gas["carbon_t_per_gj"].rstrip("0"), gas["oxidation_percent"]) == ("0.01532", "99")
    assert (gas["meter_accuracy"], gas["meter_u95_percent"]) == ("gas", "2.3094")
    assert (gas["acquisition"], gas["recorded_every"], gas["missing_data"]) == ("interval", "15min", "not-filled")
    power = next(line for line in accounts if line["user"] == "mill")
    assert (power["source"], power["factor_value"], power["factor_unit"]) == ("purchased-electricity", "0.1564", "kgCO2/kWh")
    assert power["factor_source"]


def test_statements_are_byte_equal_each_time_and_may_go_to_a_file(replayed):
    config, _ = replayed
    file = config.parent / "june.csv"
    first = statement(config, "month", "2023-06")
    assert statement(config, "month", "2023-06", "-o", file) == ""
    assert file.read_text() == first


def test_of_a_period_without_entries_every_account_is_stated_as_not_covered(replayed):
    config, _ = replayed
    lines = rows(statement(config, "day", "2024-02-01"))
    assert len([line for line in lines if line["level"] == "account"]) == 3
    assert {(line["coverage_percent"], line["quality"], line["u95_stated"]) for line in lines} == {("0", "missing", "none")}
