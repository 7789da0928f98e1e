"""`carbongate explain` recomputed: from the bytes of registers to kilograms of CO2e, in decimals, with nothing but its JSON."""

import json
import random
import re
import struct
import subprocess
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, getcontext

import pytest
from harness import CARBONGATE, Process, free_port, wait_until
from modbus_servers import pymodbus

getcontext().prec = 60
EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_IOERR = 64, 65, 66, 74
START_MS = 1_767_196_800_000  # 2026-01-01T00:00:00+08:00
MINUTE = 60_000
MILLIGRAM = Decimal("0.000001")
ENERGY = "press/electricity/meter.energy"
GAS = "press/natural-gas/meter.gas"

# The registers of pymodbus_server.py, of which a counter and a float are read; its unit 3 serves 300.5 and 1234.56.
CONFIG = """
site: {{id: park, timezone: Asia/Shanghai, grid_region: CN-SC, factors: {{sets: [cn-grid, cn-fuels]}}}}
devices:
  - id: meter
    driver: modbus-tcp
    address: "127.0.0.1:{port}"
    unit: 3
    interval: 1s
    registers:
      - {{name: gas, address: 0, type: float32, unit: Nm3, kind: cumulative}}
      - {{name: energy, address: 2, type: uint32, order: CDAB, scale: 0.01, unit: kWh, kind: cumulative, power_max: 100 MW}}
energy_users:
  - id: press
    name: 冲压车间
    consumes:
      - {{carrier: electricity, from: meter.energy, metering: {{class: 0.5S, ct: 0.2}}}}
      - {{carrier: natural-gas, from: meter.gas, metering: {{class: gas}}}}
store: {{path: store, keep_readings: 3650d}}
{more}
"""


def run(*args, status=0):
    result = subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stderr
    return result


def make_site(folder, port=502, more=""):
    folder.mkdir(exist_ok=True)
    config = folder / "site.yaml"
    config.write_text(CONFIG.format(port=port, more=more))
    return config


def readings(hours=3, seed=7):
    """Counters read every few minutes, at times that never meet a quarter hour except by chance."""
    chance = random.Random(seed)
    steps = []
    at = START_MS + 13_250
    while at < START_MS + hours * 60 * MINUTE:
        steps.append((at, chance.randrange(1, 5_000), chance.randrange(1, 400)))
        at += chance.randrange(60_000, 9 * MINUTE)
    energy = 123_456 - sum(step for _, step, _ in steps[1:])  # hundredths: the last one is what the peer serves
    gas = 2_404 - sum(step for _, _, step in steps[1:])  # eighths, which a float32 holds exactly
    rows = []
    for k, (at, more_energy, more_gas) in enumerate(steps):
        if k:
            energy += more_energy
            gas += more_gas
        rows.append((at, "meter.energy", Decimal(energy) / 100))
        rows.append((at, "meter.gas", Decimal(gas) / 8))
    return rows


def replay(config, rows):
    file = config.parent / "input.csv"
    file.write_text("time,point,value\n" + "".join(f"{at},{point},{value}\n" for at, point, value in rows))
    run("replay", config, "--input", file)


def explain(config, name):
    return json.loads(run("explain", config, name, "--json", "--readings", 1000).stdout)


def entries_of(config, name):
    """The entries of a sum, in the order of time, each explained."""
    day = json.loads(run("explain", config, name, "--json", "--entries", 0).stdout)
    return day, [explain(config, line["name"]) for line in sorted(day["entries"], key=lambda line: line["begin"])]


def milliseconds(text):
    day, clock = text.removesuffix("Z").split("T")
    days = int(day[8:]) - (32 if day.startswith("2025-12") else 1)
    hours, minutes, seconds = clock.split(":")
    whole, _, part = seconds.partition(".")
    of_day = (int(hours) * 60 + int(minutes)) * MINUTE + int(whole) * 1000 + int((part or "0").ljust(3, "0"))
    return 1_767_225_600_000 + days * 24 * 60 * MINUTE + of_day


def decode(octets, decoding):
    """A register's bytes as they were sent, by the words that explain has for them."""
    kind, *rest = [part.strip() for part in decoding.split(",")]
    octets = bytes.fromhex(octets)
    scale = Decimal(1)
    for part in rest:
        if part.startswith("bytes "):
            order = part.removeprefix("bytes ")
            octets = bytes(octets[order.index(letter)] for letter in sorted(order))
        else:
            scale = Decimal(re.fullmatch(r"\* (\S+)", part)[1])
    (value,) = struct.unpack({"float32": ">f", "uint32": ">I"}[kind], octets)
    return Decimal(value) * scale


def floor(value):
    return value.quantize(Decimal(1), rounding=ROUND_FLOOR)


def check_readings(e):
    """bytes -> value; difference of values -> moved; the part of it that lies in the interval -> amount."""
    point, quanta = e["point"], Decimal(e["quanta_per_unit"])
    begin, end = milliseconds(e["begin"]), milliseconds(e["end"])
    total, before = Decimal(0), None
    for reading in point["readings"]:
        value = Decimal(reading["value"])
        assert decode(reading["bytes"], point["origin"]["decoding"]) == value
        at = milliseconds(reading["at"])
        if before is not None:
            moved = value - before[1]
            assert Decimal(reading["moved"]) == moved
            assert milliseconds(reading["moved_since"]) == before[0]
            until = [floor(moved * quanta * (min(max(t, before[0]), at) - before[0]) / (at - before[0])) for t in (begin, end)]
            assert Decimal(reading["counted"]) * quanta == until[1] - until[0]
            total += Decimal(reading["counted"])
        before = at, value
    assert total == Decimal(e["known"]["amount"]) == Decimal(point["counted_again"])


def check_products(entries):
    """amount x factor, with what is below a milligram carried from each entry to the next: exactly what is booked."""
    carried = {}
    for e in entries:
        for formula in e["formulas"]:
            for product in formula["products"]:
                exact = Decimal(formula["amount"]) * Decimal(product["factor_kg_per_unit"])
                assert exact == Decimal(product["exact_kg"])
                assert Decimal(product["booked_kg"]) - exact == Decimal(product["carried_kg"])
                key = formula["result"], product["of"]
                open_sum = carried.get(key, Decimal(0)) + exact
                booked = open_sum.quantize(MILLIGRAM, rounding=ROUND_FLOOR)
                assert booked == Decimal(product["booked_kg"]) and product["fits"]
                carried[key] = open_sum - booked
    assert carried


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    config = make_site(tmp_path_factory.mktemp("explain") / "site")
    replay(config, readings())
    return config


@pytest.mark.parametrize("account", [ENERGY, GAS])
def test_from_the_bytes_to_the_kilograms(site, account):
    day, entries = entries_of(site, f"{account}@2026-01-01")
    assert len(entries) >= 11
    for e in entries:
        check_readings(e)
    check_products(entries)
    # And back up: the entries are the sum.
    assert sum(Decimal(e["known"]["location_based"]["co2e_kg"]) for e in entries) == Decimal(day["total"]["co2e_kg"])
    assert sum(Decimal(e["known"]["amount"]) for e in entries) == Decimal(day["accounts"][0]["amount"])


def test_the_factor_of_a_fuel_from_its_published_figures(site):
    _, entries = entries_of(site, f"{GAS}@2026-01-01")
    formula = entries[0]["formulas"][0]
    factor = formula["factor"]
    assert factor["ncv_unit"] == "GJ/10^4Nm3"
    per_nm3 = (Decimal(factor["ncv"]) / 10_000 * Decimal(factor["carbon_t_per_gj"]) * Decimal(factor["oxidation_percent"]) / 100
               * 44 / 12 * 1000)
    assert per_nm3.quantize(Decimal("1e-12"), rounding=ROUND_HALF_EVEN) == Decimal(formula["products"][0]["factor_kg_per_unit"])


def test_a_month_is_what_its_accounts_and_days_are(site):
    month = json.loads(run("explain", site, "press@2026-01", "--json").stdout)
    total = Decimal(month["total"]["co2e_kg"])
    for part in ("accounts", "parts"):
        assert sum(Decimal(line["co2e_kg"]) for line in month[part]) == total
        for line in month[part]:  # each is a name that goes on
            assert json.loads(run("explain", site, line["name"], "--json").stdout)["total"]["co2e_kg"] == line["co2e_kg"]
    sizes = [Decimal(line["co2e_kg"]) for line in month["entries"]]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) == 20


def test_the_uncertainty_is_the_root_of_squares(site):
    _, entries = entries_of(site, f"{ENERGY}@2026-01-01")
    for e in entries:
        for basis in ("location_based", "market_based"):
            figures = e["known"][basis]
            co2e = Decimal(figures["co2e_kg"])
            activity = co2e * Decimal(e["activity_u95_percent"]) / 100
            assert abs(activity - Decimal(figures["u95_activity_kg"])) <= MILLIGRAM / 2
            combined = (Decimal(figures["u95_activity_kg"]) ** 2 + Decimal(figures["u95_factor_kg"]) ** 2).sqrt()
            assert abs(combined - Decimal(figures["u95_kg"])) <= MILLIGRAM / 2


def test_the_bytes_are_those_that_a_meter_sends_and_it_works_beside_a_running_gateway(tmp_path):
    with pymodbus(tmp_path / "server.log", "tcp", free_port(), [3]) as server:
        server.start(server.ready)
        config = make_site(tmp_path / "site", server.port)
        replay(config, readings())
        answer = json.loads(run("read", config, "--json").stdout)["devices"][0]["readings"]
        served = {reading["point"]: Decimal(str(reading["value"])) for reading in answer}
        gateway = Process([CARBONGATE, "run", config], tmp_path / "gateway.log")
        with gateway.start(ready=lambda: "online" in gateway.output()):
            def after_the_last(account):
                day, _ = entries_of(config, f"{account}@2026-01-01")
                last = max(day["entries"], key=lambda line: line["begin"])
                point = explain(config, last["name"])["point"]
                heard = [r for r in point["readings"] if Decimal(r["value"]) == served[point["point"]]]
                return heard and (point, heard[0])

            # The last reading of the recording is what the peer serves: its bytes are words 0 and 1, or 2 and 3, of the peer.
            point, reading = wait_until(lambda: after_the_last(GAS), what="the reading")
            assert bytes.fromhex(reading["bytes"]) == struct.pack(">f", 300.5)
            assert "holding registers 0-1" in point["origin"]["where"]
            point, reading = wait_until(lambda: after_the_last(ENERGY), what="the reading")
            assert bytes.fromhex(reading["bytes"]) == struct.pack(">HH", 123456 & 0xFFFF, 123456 >> 16)
            assert "unit 3 of 127.0.0.1" in point["origin"]["where"]
            assert gateway.stop() == 0


def test_a_correction_is_explained_with_what_was_first_published(tmp_path):
    wrong = make_site(tmp_path / "wrong")
    replay(wrong, [(at, point, value / 10 if point == "meter.gas" else value) for at, point, value in readings()])
    repair = 'repairs: [{point: meter.gas, from: 2026-01-01, scale: 10, reason: "a digit was lost"}]'
    wrong.write_text(CONFIG.format(port=502, more=repair))
    run("restate", wrong, "--from", "2026-01-01", "--book", "--reason", "as found on site")
    right = make_site(tmp_path / "right")
    replay(right, readings())
    _, corrected = entries_of(wrong, f"{GAS}@2026-01-01")
    _, expected = entries_of(right, f"{GAS}@2026-01-01")
    assert [e["known"]["amount"] for e in corrected] == [e["known"]["amount"] for e in expected]
    for e in corrected:
        assert [revision["cause"] for revision in e["revisions"]] == [None, "configuration"]
        assert e["revisions"][1]["note"].startswith("as found on site")
        assert Decimal(e["published"]["amount"]) < Decimal(e["known"]["amount"]) == Decimal(e["point"]["counted_again"])
        assert all(product["fits"] for formula in e["formulas"] for product in formula["products"])
        assert "a digit was lost" in e["point"]["notes"][0]
        for reading in e["point"]["readings"]:  # the bytes are those that the device sends, by the decoding of now
            sent = decode(reading["bytes"], e["point"]["origin"]["decoding"])
            assert abs(sent - Decimal(reading["repaired"])) < MILLIGRAM > abs(sent - 10 * Decimal(reading["value"]))
        first = explain(wrong, e["entry"].split("#")[0] + "#0")
        assert first["known"]["amount"] == e["published"]["amount"] == first["point"]["counted_again"]


@pytest.mark.parametrize("minute", [20, 31, 43])
def test_a_step_in_doubt_is_counted_again_with_what_decided_it(tmp_path, minute):
    """A meter that was exchanged unannounced is believed after twelve readings, in another quarter hour; so is one that is back."""
    config = make_site(tmp_path / "site")
    rows = []
    for k in range(120):
        after = k >= minute
        value = Decimal(7000 + 50 * (k - minute) if after else 120_000 + 50 * k) / 100
        excursion = 70 <= k < 76  # to another course, and back: a glitch
        rows.append((START_MS + 13_250 + k * MINUTE, "meter.energy", value + 300_000 if excursion else value))
        rows.append((START_MS + 13_250 + k * MINUTE, "meter.gas", Decimal(2_000 + k) / 8))
    replay(config, rows)
    _, entries = entries_of(config, f"{ENERGY}@2026-01-01")
    assert len(entries) >= 7
    for e in entries:
        assert Decimal(e["point"]["counted_again"]) == Decimal(e["known"]["amount"]), e["begin"]


def test_readings_that_came_late_are_counted_again_in_their_place(tmp_path):
    """Each sixth is heard behind forty others: the nearest one after a quarter hour is not the next one in the journal."""
    config = make_site(tmp_path / "site")
    heard = sorted(enumerate(readings()), key=lambda row: row[0] + (80.5 if row[0] // 2 % 6 == 5 else 0))
    replay(config, [row for _, row in heard])
    run("restate", config, "--from", "2026-01-01", "--book", "--reason", "came late")
    right = make_site(tmp_path / "right")
    replay(right, readings())
    for account in (ENERGY, GAS):
        _, entries = entries_of(config, f"{account}@2026-01-01")
        _, expected = entries_of(right, f"{account}@2026-01-01")
        assert [e["known"]["amount"] for e in entries] == [e["known"]["amount"] for e in expected]
        assert any(len(e["revisions"]) > 1 for e in entries)
        for e in entries:
            assert e["point"]["counted_again"] == e["known"]["amount"], e["begin"]
            for revision in e["revisions"][:-1]:  # by what had been heard then
                then = explain(config, e["entry"].split("#")[0] + f"#{revision['revision']}")
                assert then["point"]["counted_again"] == then["known"]["amount"], then["entry"]


REJECTING = """
site: {id: park, timezone: Asia/Shanghai, grid_region: CN-SC, factors: {sets: [cn-grid]}}
devices:
  - id: meter
    driver: modbus-tcp
    address: "127.0.0.1:502"
    interval: 1min
    registers:
      - {name: incomer, address: 0, type: float32, unit: kWh, kind: cumulative, power_max: 100 MW}
      - {name: press, address: 2, type: float32, unit: kWh, kind: cumulative, power_max: 100 MW}
      - {name: power, address: 4, type: float32, unit: kW}
derived:
  - {id: rest, type: sum, terms: [{from: meter.incomer}, {from: meter.press, weight: -1}]}
energy_users:
  - {id: incomer, consumes: [{carrier: electricity, from: meter.incomer}]}
  - {id: press, consumes: [{carrier: electricity, from: meter.press}]}
  - {id: power, consumes: [{carrier: electricity, from: meter.power}]}
  - {id: rest, consumes: [{carrier: electricity, from: rest.value}]}
store: {path: store, keep_readings: 3650d}
"""


@pytest.mark.parametrize("late", [False, True])
def test_what_was_not_watched_is_told_with_the_readings_that_were_rejected(tmp_path, late):
    """Of 60 minutes 12 are valid: 20 % of the hour, by the time of each quarter hour, and by the rules that rejected the rest."""
    config = tmp_path / "site.yaml"
    config.write_text(REJECTING)
    rows, behind = [], []
    for minute in range(76):
        at = START_MS + minute * MINUTE
        flag = "" if minute % 5 == 0 or minute > 60 else "DC"[minute % 2]
        to = behind if late and flag else rows
        to.append(f"{at},meter.incomer,{1000 + minute},{flag}")
        rows.append(f"{at},meter.press,{500 + minute / 2},")
        to.append(f"{at},meter.power,60,{flag}")
    (tmp_path / "input.csv").write_text("\n".join(["time,point,value,flag", *rows, *behind, ""]))
    run("replay", config, "--input", tmp_path / "input.csv")
    if late:
        run("restate", config, "--from", "2026-01-01", "--book", "--reason", "came late")
    for point, kwh in (("incomer/electricity/meter.incomer", 15), ("power/electricity/meter.power", 15), ("rest/electricity/rest.value", "7.5")):
        for quarter in range(4):
            begin = f"2025-12-31T16:{15 * quarter:02}:00Z"
            e = explain(config, f"{point}@{begin}")
            assert Decimal(e["known"]["amount"]) == Decimal(e["point"]["counted_again"]) == Decimal(kwh)
            assert e["known"]["covered_ms"] == 3 * MINUTE
            assert (e["known"]["quality"]["origin"], e["known"]["quality"]["rule"]) == ("estimated", "rejected")
            unwatched = e["point"]["unwatched"]
            since = [5, 10] if quarter == 0 and point.startswith("rest") else [0, 5, 10]  # the sum begins with its first result
            assert [milliseconds(u["from"]) - milliseconds(begin) for u in unwatched] == [(m + 1) * MINUTE for m in since]
            assert all(milliseconds(u["until"]) - milliseconds(u["from"]) == 4 * MINUTE for u in unwatched)
            assert all(u["rejected"] == {"fault": 2, "calibration": 2} for u in unwatched)
    assert explain(config, "press/electricity/meter.press@2025-12-31T16:00:00Z")["point"]["unwatched"] == []
    text = " ".join(run("explain", config, "rest/electricity/rest.value@2025-12-31T16:00:00Z").stdout.split())
    assert "Not watched 未监测" in text and "4 readings rejected (2 calibration, 2 fault)" in text
    rollups = run("export", config, "--what", "rollups", "--format", "jsonl").stdout
    hours = [json.loads(line) for line in rollups.splitlines() if '"hour"' in line and '"user":"incomer"' in line]
    assert (float(hours[0]["coverage_percent"]), hours[0]["validity"]) == (20, "invalid")


def test_the_ledgers_hashes_are_those_of_its_export(site):
    lines = run("export", site, "--what", "ledger", "--format", "jsonl").stdout
    _, entries = entries_of(site, f"{ENERGY}@2026-01-01")
    for e in entries:
        place = e["revisions"][0]["ledger"]
        assert place["hash_fits"] and place["seal"]["genuine"] and place["hash"] in lines
        assert place["seal"]["first"] <= place["number"] <= place["seal"]["last"]
    key = run("key", site).stderr.splitlines()[-1]
    assert entries[0]["revisions"][0]["ledger"]["seal"]["key_fingerprint"] == key


def test_the_text_is_for_terminals_of_100_columns_and_in_two_languages(site):
    wide = re.compile(r"[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]")
    _, entries = entries_of(site, f"{ENERGY}@2026-01-01")
    for name in [e["entry"] for e in entries] + ["press@2026-01", "press@2026"]:
        text = run("explain", site, name).stdout
        assert all(len(line) + len(wide.findall(line)) <= 100 for line in text.splitlines())
        assert "活动数据" in text
    assert "Activity 活动数据" in run("explain", site, entries[0]["entry"]).stdout


def test_what_it_says_when_there_is_nothing_to_explain(site, tmp_path):
    unknown = run("explain", site, "pres/electricity/meter.energy@2025-12-31T16:15:00Z", status=EX_NOINPUT)
    assert f"did you mean '{ENERGY}'?" in unknown.stderr and not unknown.stdout
    before = run("explain", site, f"{ENERGY}@2020-01-01T00:00:00Z", status=EX_NOINPUT)
    assert "the next one at 2025-12-31T16:00:00Z" in before.stderr
    for damaged in ("press", "press@", f"{ENERGY}@2025-12-31T16:15:00Z#x", f"{ENERGY}@2025-12-31T16:15", "press@2026-13"):
        assert "an entry is named USER/CARRIER" in run("explain", site, damaged, status=EX_USAGE).stderr
    run("explain", site, f"{ENERGY}@2025-12-31T16:15:00Z", "--store", tmp_path, status=EX_IOERR)
    (tmp_path / "carbongate.db").write_bytes(b"no database" * 1000)
    run("explain", site, f"{ENERGY}@2025-12-31T16:15:00Z", "--store", tmp_path, status=EX_DATAERR)
