"""Bad input: every wrong factor is a named error with its line and column and ends with 78, every unreadable row with 65, and the
ledger that is there stays as it is, byte for byte. Readings that cannot be are recorded with the rule that refused them."""

import csv
import io
import shutil
import subprocess
from datetime import datetime, timedelta

import pytest
from harness import CARBONGATE

EX_DATAERR, EX_CONFIG = 65, 78
START = datetime(2026, 1, 1)
QUARTER = timedelta(minutes=15)

SITE = """
site:
  id: plant
  timezone: Asia/Shanghai
  grid_region: CN-SC
  factors: {sets: [cn-grid, own]}
brokers: {plant: {url: "mqtt://127.0.0.1:1883"}}
devices:
  - id: meter
    driver: mqtt
    broker: plant
    topic: meter
    interval: 15min
    timestamp: {json: /time, format: iso8601}
    points:
      - {name: total, json: /total, unit: kWh, kind: cumulative, power_max: 1 MW}
      - {name: usage, json: /usage, unit: kWh, kind: interval}
      - {name: power, json: /power, unit: kW, kind: instantaneous, min: 0}
      - {name: heat, json: /heat, unit: GJ, kind: interval}
energy_users:
  - {id: total, consumes: [{carrier: electricity, from: meter.total}]}
  - {id: usage, consumes: [{carrier: electricity, from: meter.usage}]}
  - {id: power, consumes: [{carrier: electricity, from: meter.power}]}
  - {id: heat, consumes: [{carrier: heat, from: meter.heat, factor_set: own}]}
store: {path: store}
"""

SET = """
set: own
version: "1"
publisher: the site
factors:
"""
ORIGIN = "source: s, publication: 2023-01-01, confidence: memory"
RIGHT = SET + f"  - {{carrier: heat, year: 2023, value: 0.11, unit: tCO2/GJ, {ORIGIN}}}\n"


def factor(text):
    return f"  - {{carrier: heat, {text}, {ORIGIN}}}\n"


def one(text):
    return SET + factor(text)


# name: (factors/own.yaml with a mark where the error is, what the error says)
FACTORS = {
    "overlap": (SET + factor("value: 1, unit: kgCO2/GJ, valid_from: 2023-01-01, valid_until: ^2024-07-01") +
                factor("value: 2, unit: kgCO2/GJ, valid_from: 2024-01-01"),
                "factors[0].valid_until: own/heat/default/2023-01-01 overlaps own/heat/default/2024-01-01 (line 7)"),
    "gap": (SET + factor("value: 1, unit: kgCO2/GJ, valid_from: 2023-01-01, valid_until: ^2024-01-01") +
            factor("value: 2, unit: kgCO2/GJ, valid_from: 2024-02-01"),
            "factors[0].valid_until: a gap: nothing applies between the end of own/heat/default/2023-01-01 and"),
    "end_before_beginning": (one("value: 1, unit: kgCO2/GJ, valid_from: 2024-01-01, valid_until: ^2023-01-01"),
                             "factors[0].valid_until: is not after the beginning of the validity"),
    "no_such_day": (one("value: 1, unit: kgCO2/GJ, valid_from: ^2024-02-30"), "factors[0].valid_from: '2024-02-30' is not a date"),
    "twice": (SET + factor("value: 1, unit: kgCO2/GJ, year: 2023") + factor("value: 1, unit: kgCO2/GJ, year: 2023").replace(
        "carrier: ", "carrier: ^"), "factors[1].carrier: a second factor own/heat/default/2023; the first is in line 6"),
    "unit_of_another_dimension": (one("value: 1, unit: ^kgCO2/t, year: 2023"), "factors[0].unit: 'kgCO2/t': heat is accounted in GJ"),
    "unit_unknown": (one("value: 1, unit: ^kgCO2/GGJ, year: 2023"), "factors[0].unit: 'kgCO2/GGJ': 'GGJ' is not a known unit"),
    "unit_without_a_gas": (one("value: 1, unit: ^kg/GJ, year: 2023"), "factors[0].unit: 'kg/GJ' does not say of which gas"),
    "unit_of_standard_coal": (one("value: 1, unit: ^kgce/GJ, year: 2023"), "factors[0].unit: 'kgce/GJ' is a unit of standard coal"),
    "value_nan": (one("value: ^.nan, unit: kgCO2/GJ, year: 2023"), "factors[0].value: '.nan' is not a plain decimal number >= 0"),
    "value_nan_word": (one("value: ^NaN, unit: kgCO2/GJ, year: 2023"), "factors[0].value: 'NaN' is not a plain decimal number >= 0"),
    "value_infinite": (one("value: ^.inf, unit: kgCO2/GJ, year: 2023"), "factors[0].value: '.inf' is not a plain decimal number >= 0"),
    "value_negative": (one("value: ^-0.11, unit: tCO2/GJ, year: 2023"), "factors[0].value: '-0.11' is not a plain decimal number >= 0"),
    "value_with_exponent": (one("value: ^1.1e-1, unit: tCO2/GJ, year: 2023"), "factors[0].value: '1.1e-1' is not a plain decimal"),
    "value_with_comma": (one("value: ^'0,11', unit: tCO2/GJ, year: 2023"), "factors[0].value: '0,11' is not a plain decimal number"),
    "value_empty": (one("^value: , unit: tCO2/GJ, year: 2023"), "factors[0].value: missing"),
    "value_too_large": (one("value: 999999999999999999, unit: ^tCO2/J, year: 2023"), "factors[0].unit: "),
    "gas_negative": (one("gases: {CO2: ^-3}, unit: kg/GJ, year: 2023"), "factors[0].gases.CO2: '-3' is not a plain decimal number >= 0"),
    "gas_nan": (one("gases: {CO2: ^nan}, unit: kg/GJ, year: 2023"), "factors[0].gases.CO2: 'nan' is not a plain decimal number >= 0"),
    "uncertainty_nan": (one("value: 1, unit: kgCO2/GJ, year: 2023, uncertainty_percent: ^.nan"),
                        "factors[0].uncertainty_percent: '.nan' is not a plain decimal number >= 0"),
    "bounds_the_wrong_way_round": (one("value: 1, unit: kgCO2/GJ, year: 2023, lower95: ^2, upper95: 0.5"),
                                   "factors[0].lower95: the value 1 does not lie between lower95 and upper95"),
    "oxidation_above_100": (SET + f"  - {{carrier: diesel, ncv: 43, ncv_unit: GJ/t, carbon_t_per_gj: 0.0202, "
                                  f"oxidation_percent: ^100.1, year: 2023, {ORIGIN}}}\n", "factors[0].oxidation_percent: is above 100"),
    "heating_value_negative": (SET + f"  - {{carrier: diesel, ncv: ^-43, ncv_unit: GJ/t, carbon_t_per_gj: 0.0202, "
                                     f"oxidation_percent: 98, year: 2023, {ORIGIN}}}\n", "factors[0].ncv: '-43' is not a plain decimal"),
    "extends_itself": (RIGHT.replace("factors:", "extends: ^own\nfactors:"), "extends: sets extend each other in a circle: own -> own"),
    "extends_in_a_circle": (RIGHT.replace("factors:", "extends: ^second\nfactors:"), None),
    "extends_nothing_there": (RIGHT.replace("factors:", "extends: ^cn-heet\nfactors:"),
                              "extends: there is no factor set 'cn-heet'; did you mean 'cn-heat'?"),
    "extends_another_kind": (RIGHT.replace("factors:", "extends: ^cn-standard-coal\nfactors:"),
                             "extends: 'cn-standard-coal' is a set of another kind"),
}

# The circle is found in the last of its files.
SECOND = RIGHT.replace("set: own", "set: second").replace("factors:", "extends: third\nfactors:")
THIRD = RIGHT.replace("set: own", "set: third").replace("factors:", "extends: ^own\nfactors:")

# What a live feed is wrong with stands in the configuration itself.
LIVE = """  factors:
    sets: [cn-grid, own]
    live:
      - {set: grid-a, carrier: electricity, from: meter.a, unit: gCO2/kWh, source: s, fallback: {set: A, method: live}}
      - {set: grid-b, carrier: electricity, from: meter.b, unit: gCO2/kWh, source: s, fallback: {set: B, method: live}}
"""
FEEDS = '      - {name: a, json: /a, unit: "1"}\n      - {name: b, json: /b, unit: "1"}\n'


def run(*args):
    return subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, text=True, check=False, timeout=60)


def succeed(*args):
    result = run(*args)
    assert result.returncode == 0, result.stderr
    return result.stdout


def make_site(folder):
    (folder / "factors").mkdir(parents=True)
    (folder / "factors/own.yaml").write_text(RIGHT)
    config = folder / "site.yaml"
    config.write_text(SITE)
    return config


def a_day():
    """(time, point, value) of one good day."""
    for k in range(97):
        at = START + k * QUARTER
        yield from ((at, "total", 1000 + 2 * k), (at, "usage", 3), (at, "power", 10 + k % 7), (at, "heat", 0.5))


def replay(config, readings, *more):
    file = config.parent / "input.csv"
    file.write_text("time,point,value\n" + "".join(f"{at.isoformat()},meter.{point},{value}\n" for at, point, value in readings))
    return succeed("replay", config, "--input", file, *more)


def exported(config, what):
    return list(csv.DictReader(io.StringIO(succeed("export", config, "--what", what))))


def ledger(config):
    """All that there is to know of it: every link, every seal, and what a verification says."""
    store = config.parent / "store"
    return (succeed("export", config, "--what", "ledger"), succeed("export", config, "--what", "ledger", "--format", "jsonl"),
            succeed("verify", store, "--key", store / "ledger.pub", "--all-sealed"))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A site with one good day in its ledger."""
    config = make_site(tmp_path_factory.mktemp("bad-input") / "site")
    replay(config, a_day())
    return config, ledger(config)


@pytest.fixture
def site(original, tmp_path):
    """A copy, and its ledger."""
    config, known = original
    shutil.copytree(config.parent, tmp_path / "site")
    return tmp_path / "site" / config.name, known


def take_mark(text):
    """The text without its mark, and where that was."""
    before, after = text.split("^")
    return before + after, f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def refused_by_every_command(config, error):
    """Whatever would touch the ledger says the same and ends."""
    input_file = config.parent / "input.csv"
    for command in (["check", config], ["run", config], ["replay", config, "--input", input_file, "--store", config.parent / "new"],
                    ["restate", config, "--from", "2026-01-01", "--book", "--reason", "r"]):
        result = run(*command)
        assert result.returncode == EX_CONFIG, (command[0], result.stderr)
        assert any(line.startswith(error) for line in result.stderr.splitlines()), (command[0], error, result.stderr)
        assert result.stdout == "", command[0]
    assert not (config.parent / "new").exists()


@pytest.mark.parametrize("name", FACTORS)
def test_a_wrong_factor_is_named_with_its_place_and_touches_nothing(site, name):
    config, known = site
    text, message = FACTORS[name]
    content, place = take_mark(text)
    file = config.parent / "factors/own.yaml"
    file.write_text(content)
    if name == "extends_in_a_circle":
        (config.parent / "factors/second.yaml").write_text(SECOND)
        content, place = take_mark(THIRD)
        file = config.parent / "factors/third.yaml"
        file.write_text(content)
        message = "extends: sets extend each other in a circle: own -> second -> third -> own"
    refused_by_every_command(config, f"{file}:{place}: error: {message}")
    (config.parent / "factors/own.yaml").write_text(RIGHT)
    assert ledger(config) == known


def test_a_wrong_set_is_named_also_where_it_is_only_tried(site):
    config, known = site
    content, place = take_mark(FACTORS["overlap"][0].replace("set: own", "set: new"))
    file = config.parent / "factors/new.yaml"
    file.write_text(content)
    for command in (["restate", config, "--from", "2026-01-01", "--factor-set", "new=own", "--book", "--reason", "r"],
                    ["factors", "list", config, "--sets", "new"]):
        result = run(*command)
        assert result.returncode == EX_CONFIG, (command[0], result.stderr)
        assert f"{file}:{place}: error: factors[0].valid_until: new/heat/default/2023-01-01 overlaps" in result.stderr
    assert ledger(config) == known


# values of a set of global warming potentials with a mark, what is said
POTENTIALS = {
    "nan": ("gas: CH4, gwp100: ^.nan", "values[1].gwp100: '.nan' is not a plain decimal number >= 0"),
    "negative": ("gas: CH4, gwp100: ^-28", "values[1].gwp100: '-28' is not a plain decimal number >= 0"),
    "twice": ("gas: ^CO2, gwp100: 1", "values[1].gas: a second value for CO2"),
}


@pytest.mark.parametrize("name", POTENTIALS)
def test_a_wrong_potential_is_named_with_its_place_and_touches_nothing(site, name):
    config, known = site
    text, message = POTENTIALS[name]
    origin = "document: d, confidence: memory"
    content, place = take_mark("kind: gwp\nset: gwp-own\nassessment: OWN\nversion: '1'\npublisher: p\n"
                               "documents: {d: {title: t, published: '2020'}}\nvalues:\n"
                               f"  - {{gas: CO2, gwp100: 1, {origin}}}\n  - {{{text}, {origin}}}\n")
    file = config.parent / "factors/gwp-own.yaml"
    file.write_text(content)
    config.write_text(SITE.replace("  factors: {sets", "  gwp: OWN\n  factors: {sets"))
    refused_by_every_command(config, f"{file}:{place}: error: {message}")
    config.write_text(SITE)
    assert ledger(config) == known


@pytest.mark.parametrize("a,b", [("^grid-a", "cn-grid"), ("^grid-b", "grid-a"), ("cn-grid", "^grid-a")])
def test_a_live_factor_that_falls_back_to_a_live_one_is_refused(site, a, b):
    """By that rule there is no circle of them, nor one that has nothing to say when it is needed."""
    config, known = site
    text = SITE.replace("  factors: {sets: [cn-grid, own]}\n", LIVE.replace("set: A", f"set: {a}").replace("set: B", f"set: {b}"))
    text = text.replace("    points:\n", "    points:\n" + FEEDS)
    content, place = take_mark(text)
    config.write_text(content)
    number = 0 if "^" in a else 1
    name = (a if number == 0 else b).removeprefix("^")
    refused_by_every_command(config, f"{config}:{place}: error: site.factors.live[{number}].fallback.set: '{name}' is live as well")
    config.write_text(SITE)
    assert ledger(config) == known


# A row with a mark where the fault is, what is said.
ROWS = {
    "time": ("^2026-01-40T00:00:00,meter.total,1", "'2026-01-40T00:00:00' is not a time"),
    "point": ("2026-01-02T00:15:00,^meter.totla,1", "unknown point 'meter.totla'; did you mean 'meter.total'?"),
    "word": ("2026-01-02T00:15:00,meter.total,^many", "'many' is not a number"),
    "comma": ("2026-01-02T00:15:00,meter.total,^1.5 kWh", "'1.5 kWh' is not a number"),
    "empty": ("2026-01-02T00:15:00,meter.total,^", "'' is not a number"),
    "columns": ("^2026-01-02T00:15:00,meter.total,1,2", "expected three columns: time,point,value"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_that_is_no_reading_is_named_with_its_place_and_nothing_is_written(site, name):
    config, known = site
    text, message = ROWS[name]
    content, place = take_mark("time,point,value\n2026-01-02T00:00:00,meter.usage,1\n" + text)
    file = config.parent / "bad.csv"
    file.write_text(content + "\n")
    result = run("replay", config, "--input", file, "--store", config.parent / "new")
    assert result.returncode == EX_DATAERR
    assert result.stderr.startswith(f"{file}:{place}: error: {message}")
    assert result.stderr.endswith(f"{file}: 1 faulty rows; nothing was written\n")
    assert not (config.parent / "new").exists()
    assert ledger(config) == known


def test_a_year_of_nan_is_recorded_and_leaves_the_ledger_as_it_was(original, tmp_path):
    config = make_site(tmp_path / "site")
    # The same key, so that the seals are the same too.
    (config.parent / "store").mkdir()
    shutil.copy(original[0].parent / "store/ledger.key", config.parent / "store/ledger.key")
    year = ((START + timedelta(days=1) + k * QUARTER, point, "nan")
            for k in range(1, 365 * 96 + 1) for point in ("total", "usage", "power", "heat"))
    said = replay(config, [*a_day(), *year])
    assert f"{4 * 365 * 96} of them not counted: not-a-number" in said
    refused = [row for row in exported(config, "readings") if row["quality"] == "missing"]
    assert {row["rule"] for row in refused} == {"not-a-number"}
    assert len(refused) == 4 * 365 * 96
    assert exported(config, "rollups") == exported(original[0], "rollups")
    assert ledger(config) == original[1]


def test_negative_energy_is_refused_by_name_and_nothing_is_clipped(tmp_path):
    good = make_site(tmp_path / "good")
    replay(good, a_day())
    config = make_site(tmp_path / "bad")
    readings = []
    for at, point, value in a_day():
        readings.append((at, point, value))
        if at.hour == 9 and point != "total":  # and between two that are right, one that cannot be
            readings.append((at + QUARTER / 3, point, -value))
        if (at.hour, at.minute, point) == (9, 0, "total"):
            readings.append((at + QUARTER / 3, point, -value))
    said = replay(config, readings)
    refused = [row for row in exported(config, "readings") if row["rule"] == "range"]
    assert f"{len(refused)} of them not counted: range" in said
    assert sorted({row["point"] for row in refused}) == ["heat", "power", "usage"]
    assert {row["quality"] for row in refused} == {"missing"}
    assert all(float(row["value"]) < 0 for row in refused), "what was read stays as it was read"
    counter = [(row["value"], row["rule"]) for row in exported(config, "readings") if row["point"] == "total"]
    fell = counter.index(("-1072", "pending"))
    assert counter[fell + 1] == ("1074", "glitch"), "a counter that fell waits for the next reading, and came back"
    amounts = {name: [(row["begin"], row["user"], row["amount"], row["co2e_kg"]) for row in exported(where, "entries")]
               for name, where in (("good", good), ("bad", config))}
    assert amounts["bad"] == amounts["good"]
    assert all(not row["amount"].startswith("-") for row in exported(config, "entries"))
