"""Closure: what three users consume and what nobody was billed for add up to the incomer, to the last milliwatt-hour, in every
quarter hour and every month: while counters turn over, one loses its count, some readings are late, repeated or no number.

The incomer is the real January and February of a steel plant (UCI, CC BY 4.0), each quarter hour cut into three readings. The
users are shares of it. Unallocated is a derived point, incomer - users; or, in a second site, what statements say of an incomer
whose users are part of it.
"""

import csv
import io
import json
import re
import shutil
import subprocess
from collections import defaultdict
from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from harness import CARBONGATE
from recordings import steel_year

START = datetime(2023, 1, 1)
STEP = timedelta(minutes=5)
STEPS = 59 * 288
MWH_PER_WH = 1000
SHARES = {"press": 40, "mill": 31, "office": 22}  # percent
ROLLOVER = {"incomer": 10_000_000, "press": 1_000_000}  # Wh
LOST = datetime(2023, 1, 17, 10, 5)  # when the office's meter had lost its count
NAN = datetime(2023, 1, 21, 3, 10)
LATE = [datetime(2023, 1, 9, 14, 5), datetime(2023, 1, 9, 14, 20), datetime(2023, 2, 11, 8, 40)]  # within quarter hours
# Another course is believed after twelve readings; what is derived from them is known for that hour as a whole.
DOUBT = [LOST - STEP + timedelta(minutes=15) * k for k in range(4)]
LATE_AT_END = datetime(2023, 2, 20, 16, 30)  # of two quarter hours, which then share a step

CONFIG = """
site: {id: plant, timezone: Asia/Shanghai, grid_region: CN-SC}
brokers: {plant: {url: "mqtt://127.0.0.1:1883"}}
devices:
  - id: meters
    driver: mqtt
    broker: plant
    topic: meters
    interval: 5min
    timestamp: {json: /time, format: iso8601}
    points:
      - {name: incomer, json: /incomer, unit: kWh, kind: cumulative, rollover_at: 10000, power_max: 3 MW}
      - {name: press, json: /press, unit: kWh, kind: cumulative, rollover_at: 1000, power_max: 2 MW}
      - {name: mill, json: /mill, unit: kWh, kind: cumulative, power_max: 2 MW}
      - {name: office, json: /office, unit: kWh, kind: cumulative, power_max: 2 MW}
derived:
  - id: unallocated
    type: sum
    terms:
      - {from: meters.incomer}
      - {from: meters.press, weight: -1}
      - {from: meters.mill, weight: -1}
      - {from: meters.office, weight: -1}
energy_users:
  - {id: incomer, consumes: [{carrier: electricity, from: meters.incomer}]}
  - {id: press, consumes: [{carrier: electricity, from: meters.press}]}
  - {id: mill, consumes: [{carrier: electricity, from: meters.mill}]}
  - {id: office, consumes: [{carrier: electricity, from: meters.office}]}
  - {id: unallocated, consumes: [{carrier: electricity, from: unallocated.value}]}
store: {path: store}
"""

PARTS = ["press", "mill", "office", "unallocated"]

# The same without the derived point: the mill stands in the press shop's hall, whose meter the input does not have.
NESTED = re.sub(r"derived:.*?energy_users:", "energy_users:", CONFIG, flags=re.DOTALL)
NESTED = re.sub(r".*unallocated.*\n", "", NESTED)
NESTED = NESTED.replace("{id: press,", "{id: press, part_of: incomer,").replace("{id: office,", "{id: office, part_of: incomer,")
NESTED = NESTED.replace("{id: mill,", "{id: mill, part_of: press,")


def consumption():
    """Wh of the incomer in every five minutes."""
    for _, energy in steel_year()[: STEPS // 3]:
        watt_hours = int(energy * 1000)
        yield from (watt_hours // 3, watt_hours // 3, watt_hours - watt_hours // 3 * 2)


def moved():
    """{meter: [Wh in every five minutes]}."""
    incomer = list(consumption())
    return {"incomer": incomer, **{user: [wh * share // 100 for wh in incomer] for user, share in SHARES.items()}}


def heard(steps):
    """(time, point, kWh) of every reading, in the order in which they are heard."""
    registers = {"incomer": 9_876_543, "press": 123_456, "mill": 53_700_000, "office": 4_711_000}
    late = []
    for k in range(STEPS + 1):
        at = START + k * STEP
        for meter, register in registers.items():
            if k:
                register += steps[meter][k - 1]
                register %= ROLLOVER.get(meter, 10**12)
                if (meter, at) == ("office", LOST):
                    register = 37
                registers[meter] = register
            row = (at, f"meters.{meter}", f"{register // 1000}.{register % 1000:03}")
            if meter == "press" and at == NAN:
                row = (at, "meters.press", "nan")
            if meter == "mill" and at in (*LATE, LATE_AT_END):
                late.append((at + timedelta(hours=20), row))
                continue
            yield row
            if (k * 7 + len(meter)) % 97 == 0:
                yield row  # a broker that delivers twice
        yield from (row for when, row in late if when == at)


def run(*args):
    result = subprocess.run([CARBONGATE, *args], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def steps():
    return moved()


@pytest.fixture(scope="module")
def config(steps, tmp_path_factory):
    folder = tmp_path_factory.mktemp("closure")
    file = folder / "site.yaml"
    file.write_text(CONFIG)
    with open(folder / "input.csv", "w") as out:
        out.write("time,point,value\n")
        out.writelines(f"{at.isoformat()}+08:00,{point},{value}\n" for at, point, value in heard(steps))
    run("replay", file, "--input", folder / "input.csv")
    return file


def exported(config, what):
    return list(csv.DictReader(io.StringIO(run("export", config, "--what", what))))


def by_begin(rows):
    """{begin: {user: mWh}}, over all revisions."""
    found = defaultdict(lambda: defaultdict(int))
    for row in rows:
        amount = Fraction(row["amount"]) * 1_000_000
        assert amount.denominator == 1
        found[datetime.fromisoformat(row["begin"]).replace(tzinfo=None)][row["user"]] += int(amount)
    return found


def test_every_quarter_hour_closes(config):
    quarters = by_begin(exported(config, "entries"))
    assert len(quarters) == STEPS // 3
    # A step over the end of a quarter hour is divided in proportion to time; the incomer knows better. Together they close.
    shared = [LATE_AT_END - 3 * STEP, LATE_AT_END]
    for begin, amounts in quarters.items():
        if begin not in shared + DOUBT:
            assert sum(amounts[user] for user in PARTS) == amounts["incomer"], begin
    assert (sum(quarters[begin][user] for begin in shared for user in PARTS)
            == sum(quarters[begin]["incomer"] for begin in shared))
    assert (sum(quarters[begin][user] for begin in DOUBT for user in PARTS)
            == sum(quarters[begin]["incomer"] for begin in DOUBT))


@pytest.mark.parametrize("period", ["day", "month", "year"])
def test_every_longer_period_closes(config, period):
    periods = by_begin([row for row in exported(config, "rollups") if row["period"] == period])
    assert len(periods) == {"day": 59, "month": 2, "year": 1}[period]
    for begin, amounts in periods.items():
        assert sum(amounts[user] for user in PARTS) == amounts["incomer"], begin


def test_the_rest_is_as_well_known_as_its_meters(config):
    rest = [row for row in exported(config, "entries") if row["user"] == "unallocated"]
    in_doubt = [row for row in rest if datetime.fromisoformat(row["begin"]).replace(tzinfo=None) in DOUBT]
    rejected = [row for row in rest if datetime.fromisoformat(row["begin"]).replace(tzinfo=None) == NAN - 2 * STEP]
    assert [(row["covered_s"], row["quality"], row["rule"]) for row in rejected] == [("600", "estimated", "rejected")]
    assert {row["covered_s"] for row in rest if row not in in_doubt + rejected} == {"900"}
    assert [row for row in rest if row["quality"] != "measured"] == in_doubt + rejected


def test_what_closes_is_what_the_meters_counted(config, steps):
    year = by_begin([row for row in exported(config, "rollups") if row["period"] == "year"])[START]
    # From the last reading before the count was lost to the first after it nobody knows what the office used.
    unknown = steps["office"][int((LOST - START) / STEP) - 1]
    for meter, counted in steps.items():
        assert year[meter] == (sum(counted) - (unknown if meter == "office" else 0)) * MWH_PER_WH, meter


def test_the_lost_count_waits_in_sight_and_leaves_its_mark(config):
    readings = {datetime.fromisoformat(row["time"]).replace(tzinfo=None): row
                for row in exported(config, "readings") if row["point"] == "office"}
    assert (readings[LOST]["quality"], readings[LOST]["rule"]) == ("estimated", "pending")
    assert readings[LOST + 10 * STEP]["rule"] == "pending"
    assert readings[LOST + 11 * STEP]["rule"] == "reset"
    marked = {(row["user"], row["rule"]) for row in exported(config, "entries")
              if datetime.fromisoformat(row["begin"]).replace(tzinfo=None) == LOST - STEP and row["quality"] != "measured"}
    assert marked == {("office", "reset"), ("unallocated", "reset")}


def test_late_and_repeated_readings_are_told_apart(config):
    rules = defaultdict(set)
    for row in exported(config, "readings"):
        rules[row["rule"]].add((row["point"], datetime.fromisoformat(row["time"]).replace(tzinfo=None)))
    assert rules["out-of-order"] == {("mill", at) for at in (*LATE, LATE_AT_END)}
    assert rules["not-a-number"] == {("press", NAN)}
    assert len(rules["duplicate"]) > 500


def test_every_quarter_hour_closes_once_late_readings_are_restated(config, tmp_path):
    before = by_begin(exported(config, "entries"))
    shutil.copytree(config.parent, tmp_path / "site")
    restated = tmp_path / "site" / config.name
    run("restate", restated, "--from", "2023-01-01", "--book", "--reason", "late readings")
    quarters = by_begin(exported(restated, "entries"))
    assert quarters.keys() == before.keys()
    for begin, amounts in quarters.items():
        if begin not in DOUBT:
            assert sum(amounts[user] for user in PARTS) == amounts["incomer"], begin
    assert {begin for begin in before if before[begin] != quarters[begin]} == {LATE_AT_END - 3 * STEP, LATE_AT_END}
    assert {row["cause"] for row in exported(restated, "corrections")} == {"late-data"}
    test_every_longer_period_closes(restated, "month")


# ---- users that are part of the incomer: by statements, from the same readings

WITHIN = {"incomer": ["press", "office"], "press": ["mill"]}
KILOGRAM = 1_000_000


@pytest.fixture(scope="module")
def parts(config, tmp_path_factory):
    file = tmp_path_factory.mktemp("parts") / "site.yaml"
    file.write_text(NESTED)
    run("replay", file, "--input", config.parent / "input.csv")
    return file


def statement(config, period, of):
    return list(csv.DictReader(io.StringIO(run("statement", config, "--period", period, "--of", of))))


def one(lines, level, sum, user=""):
    found = [line for line in lines if (line["level"], line["sum"], line["user"]) == (level, sum, user)]
    assert len(found) == 1, (level, sum, user)
    return found[0]


def quanta(line, column):
    value = Fraction(line[column]) * KILOGRAM
    assert value.denominator == 1
    return int(value)


def counted(steps, meter, begin, end):
    """mWh that the meter moved in [begin, end), but for what was lost with the office's count."""
    first, last = (int((max(at, START) - START) / STEP) for at in (begin, end))
    lost = int((LOST - START) / STEP) - 1
    moved = sum(steps[meter][first:last])
    return (moved - (steps[meter][lost] if meter == "office" and first <= lost < last else 0)) * MWH_PER_WH


PERIODS = [("day", "2023-01-09", datetime(2023, 1, 9), datetime(2023, 1, 10)),
           ("day", "2023-01-17", datetime(2023, 1, 17), datetime(2023, 1, 18)),
           ("month", "2023-01", datetime(2023, 1, 1), datetime(2023, 2, 1)),
           ("month", "2023-02", datetime(2023, 2, 1), datetime(2023, 3, 1)),
           ("year", "2023", datetime(2023, 1, 1), datetime(2023, 3, 1))]


@pytest.mark.parametrize("period, of, begin, end", PERIODS)
def test_parts_and_unallocated_are_the_incomer_and_the_incomer_the_site(parts, steps, period, of, begin, end):
    lines = statement(parts, period, of)
    moved = {meter: counted(steps, meter, begin, end) for meter in steps}
    for whole, within in WITHIN.items():
        rest = one(lines, "carrier", "unallocated", whole)
        assert quanta(rest, "amount") == moved[whole] - sum(moved[user] for user in within)
        for column in ("amount", "amount_first", "coal_kgce", "co2e_kg", "co2e_first_kg", "market_co2e_kg", "market_co2e_first_kg"):
            accounts = [one(lines, "account", "consumed", user) for user in within]
            assert {line["part_of"] for line in accounts} == {whole}
            assert (quanta(rest, column) + sum(quanta(line, column) for line in accounts)
                    == quanta(one(lines, "account", "consumed", whole), column)), column
        # By one factor, what is left emits as it is much; each account rounds down once.
        factor = Fraction(one(lines, "account", "consumed", whole)["factor_value"])
        assert abs(quanta(rest, "amount") * factor - quanta(rest, "co2e_kg")) < 3
        assert Fraction(rest["unallocated_percent"]) == round(Fraction(100 * quanta(rest, "amount"), moved[whole]), 2)
        meters = [one(lines, "account", "consumed", user) for user in (whole, *within)]
        assert rest["coverage_percent"] == min((line["coverage_percent"] for line in meters), key=float)
        assert rest["remark"] == ("parts-exceed-whole" if quanta(rest, "amount") < 0 else "")
    incomer = one(lines, "account", "consumed", "incomer")
    for level, sum_ in [("site", "total"), ("site", "net"), ("scope", "total")]:
        assert one(lines, level, sum_)["co2e_kg"] == incomer["co2e_kg"]
        assert one(lines, level, sum_)["market_co2e_kg"] == incomer["market_co2e_kg"]


def test_a_restatement_totals_what_a_statement_does(parts):
    site = one(statement(parts, "year", "2023"), "site", "total")
    restated = csv.DictReader(io.StringIO(run("restate", parts, "--from", "2023-01-01", "--to", "2023-03-01", "--format", "csv")))
    total = next(row for row in restated if row["user"] == "total")
    assert (total["co2e_kg_published"], total["co2e_kg_known"]) == (site["co2e_first_kg"], site["co2e_kg"])


def test_an_explained_incomer_names_its_parts_and_what_is_left(parts):
    lines = statement(parts, "month", "2023-01")
    explained = json.loads(run("explain", parts, "incomer@2023-01", "--json"))
    assert explained["part_of"] == []
    [allocation] = explained["allocations"]
    assert [part["user"] for part in allocation["parts"]] == ["office", "press"]
    for one_, line in [(allocation["whole"], one(lines, "carrier", "consumed", "incomer")),
                       (allocation["unallocated"], one(lines, "carrier", "unallocated", "incomer")),
                       (allocation["parts"][1], one(lines, "carrier", "consumed", "press"))]:
        for column in ("amount", "co2e_kg", "market_co2e_kg", "coal_kgce"):
            assert one_[column] == line[column], column
    text = run("explain", parts, "press/electricity@2023-01")
    assert re.search(r"Part of 属于 +incomer \(electricity\)", text), text
    assert "Parts of electricity" in text and "mill/electricity@2023-01" in text
    assert json.loads(run("explain", parts, "press@2023-01", "--json"))["part_of"][0]["user"] == "incomer"


def test_they_close_once_late_readings_are_restated(parts, steps, tmp_path):
    shutil.copytree(parts.parent, tmp_path / "site")
    restated = tmp_path / "site" / parts.name
    run("restate", restated, "--from", "2023-01-01", "--book", "--reason", "late readings")
    assert one(statement(restated, "day", "2023-02-20"), "account", "consumed", "mill")["corrections"] == "2"
    for period in PERIODS:
        test_parts_and_unallocated_are_the_incomer_and_the_incomer_the_site(restated, steps, *period)


DAILY = """
site: {id: roof, timezone: Asia/Shanghai, grid_region: CN-SC}
brokers: {plant: {url: "mqtt://127.0.0.1:1883"}}
devices:
  - id: inverter
    driver: mqtt
    broker: plant
    topic: inverter
    interval: 15min
    points:
      - {name: today, json: /today, unit: kWh, kind: cumulative, power_max: 500 kW}
      - {name: unknown, json: /unknown, unit: kWh, kind: cumulative}
energy_users:
  - {id: today, consumes: [{carrier: electricity, from: inverter.today}]}
  - {id: unknown, consumes: [{carrier: electricity, from: inverter.unknown}]}
store: {path: store}
"""


def test_a_yield_of_today_that_is_0_each_midnight_is_booked_whole(tmp_path):
    """Five days of 32 steps of 50 kWh, each day after eight hours of 0: 8000 kWh."""
    file = tmp_path / "site.yaml"
    file.write_text(DAILY)
    with open(tmp_path / "input.csv", "w") as out:
        out.write("time,point,value\n")
        for quarter in range(5 * 96):
            at = datetime(2026, 1, 1) + timedelta(minutes=15) * quarter
            value = 50 * min(max(quarter % 96 - 32, 0), 32)
            out.writelines(f"{at.isoformat()}+08:00,inverter.{point},{value}\n" for point in ("today", "unknown"))
    run("replay", file, "--input", tmp_path / "input.csv")
    for user in ("today", "unknown"):
        line = one(statement(file, "month", "2026-01"), "account", "consumed", user)
        assert quanta(line, "amount") == 8000 * KILOGRAM, user
        # Not watched: the hour after midnight in which a 0 may be a register that is not readable.
        assert float(line["coverage_percent"]) > 100 * 5 / 31 * 22.5 / 24, user
    quarters = exported(file, "entries")
    assert {row["quality"] for row in quarters if row["user"] == "today" and row["amount"] == "50"} == {"measured"}
    again = csv.DictReader(io.StringIO(run("restate", file, "--from", "2026-01-03T03:00:00+08:00", "--format", "csv")))
    assert [row["user"] for row in again] == ["total"]  # a night is long: how it was counted follows from the day before
