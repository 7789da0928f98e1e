"""Corrections: what was wrong is put right by further entries, and the accounts end where they would have been."""

import csv
import io
import json
import random
import sqlite3
import struct
import subprocess
from collections import defaultdict
from contextlib import closing
from decimal import Decimal
from unittest.mock import ANY

import pytest
from harness import CARBONGATE, Process, wait_until
from mqtt_servers import PASSWORD, Mosquitto

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
MINUTE = 60_000
EX_USAGE, EX_TEMPFAIL = 64, 75

CONFIG = """
site: {{id: park, timezone: UTC, grid_region: {region}, factors: {{sets: [{sets}]}}}}
brokers: {{plant: {{url: "mqtt://127.0.0.1:{port}", client_id: restate-test, username: gateway, password_file: {password}}}}}
devices:
  - id: press
    driver: mqtt
    broker: plant
    topic: plant/press
    qos: 1
    timestamp: {{json: /t, format: epoch-ms}}
    points:
      - {{name: energy, json: /e, unit: kWh, kind: cumulative}}
      - {{name: usage, json: /u, unit: kWh, kind: interval}}
      - {{name: power, json: /p, unit: kW, kind: instantaneous}}
energy_users:
  - {{id: by-counter, consumes: [{{carrier: electricity, from: press.energy}}]}}
  - {{id: by-amount, consumes: [{{carrier: electricity, from: press.usage}}]}}
  - {{id: by-power, consumes: [{{carrier: electricity, from: press.power}}]}}
store: {{path: store}}
corrections: {{quiet: 500ms}}
{more}
"""


def make_site(folder, port=1883, more="", sets="cn-grid", region="CN-SC"):
    folder.mkdir(exist_ok=True)
    password = folder / "mqtt.pass"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    config = folder / "site.yaml"
    config.write_text(CONFIG.format(port=port, password=password, more=more, sets=sets, region=region))
    return config


def run(*args, status=0):
    result = subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, text=True)
    assert result.returncode == status, result.stderr
    return result


def replay(config, readings):
    """readings: (milliseconds, point, value), in the order in which they are heard."""
    file = config.parent / "input.csv"
    file.write_text("time,point,value\n" + "".join(f"{at},{point},{value}\n" for at, point, value in readings))
    run("replay", config, "--input", file)


def export(config, what):
    return run("export", config, "--what", what).stdout


def rows(config, what):
    return list(csv.DictReader(io.StringIO(export(config, what))))


def known_now(config):
    """Amounts by user and quarter hour, over all revisions."""
    known = defaultdict(Decimal)
    for row in rows(config, "entries"):
        known[row["user"], row["begin"]] += Decimal(row["amount"])
    return {key: amount for key, amount in known.items() if amount}


def total_co2e(config):
    total = defaultdict(Decimal)
    for row in rows(config, "entries"):
        total[row["user"]] += Decimal(row["co2e_kg"])
    return dict(total)


def rollup_amounts(config):
    return {(r["period"], r["begin"], r["user"]): (Decimal(r["amount"]), r["covered_s"]) for r in rows(config, "rollups")}


def assert_equal_accounts(found, expected):
    assert known_now(found) == known_now(expected)
    assert rollup_amounts(found) == rollup_amounts(expected)
    a, b = total_co2e(found), total_co2e(expected)
    assert a.keys() == b.keys()
    for user, co2e in a.items():  # of the quarter hours that are closed: the carried remainder lies in either
        assert abs(co2e - b[user]) <= Decimal("0.000001")


def counter(days, seed=1, start=1000):
    chance = random.Random(seed)
    total = Decimal(start)
    for k in range(days * 288 + 4):
        yield START_MS + k * 5 * MINUTE, total
        total += Decimal(chance.randrange(1, 900)) / 1000


def restate(config, *args, status=0):
    return run("restate", config, "--from", "2026-01-01", *args, status=status)


def book_and_check(config, expected, cause):
    before = {what: export(config, what) for what in ("readings", "entries", "rollups")}
    shown = json.loads(restate(config, "--format", "json").stdout)
    assert shown["entries_differing"] > 0
    assert all(export(config, what) == text for what, text in before.items()), "looking changes nothing"
    restate(config, "--book", status=EX_USAGE)
    assert "corrections booked" in restate(config, "--book", "--reason", "as found on site").stderr
    again = restate(config, "--book", "--reason", "again")
    assert "nothing to correct" in again.stderr
    assert_equal_accounts(config, expected)
    days = {(r["user"], r["begin"][:10]): r["coverage_percent"] for r in rows(config, "rollups")
            if r["period"] == "day" and r["state"] == "closed"}
    shown_days = {(line["user"], line["day"]): line["coverage_percent"] for line in shown["lines"]}
    assert days.keys() & shown_days.keys()
    assert all(shown_days[day] == days[day] for day in days.keys() & shown_days.keys())
    corrections = rows(config, "corrections")
    assert {row["cause"] for row in corrections} == {cause}
    assert all(row["note"].startswith("as found on site") and int(row["revision"]) > 0 for row in corrections)
    first = {(r["user"], r["begin"]): r for r in rows(config, "entries") if r["revision"] == "0"}
    published = list(csv.DictReader(io.StringIO(before["entries"])))
    assert list(first.values()) == published, "what was published stays"
    return shown


def test_a_wrong_ct_ratio(tmp_path):
    readings = list(counter(6))
    repaired_at = START_MS + 4 * 24 * 60 * MINUTE
    more = ("repairs: [{point: press.energy, from: 2026-01-01, until: 2026-01-05, scale: 10, "
            "reason: CT ratio was entered as 40 and is 400}]")
    wrong = make_site(tmp_path / "wrong", more=more)
    replay(wrong, [(at, "press.energy", v / 10 if at < repaired_at else v) for at, v in readings])
    right = make_site(tmp_path / "right")
    replay(right, [(at, "press.energy", v) for at, v in readings])
    shown = book_and_check(wrong, right, "configuration")
    total = [line for line in shown["lines"] if line["day"] == "total" and line["user"] == "by-counter"][0]
    assert Decimal(total["amount_restated"]) == sum(known_now(right).values())
    day = [r for r in rows(wrong, "rollups") if r["period"] == "day"][0]
    assert int(day["revision"]) > 0 and Decimal(day["co2e_kg_first"]) < Decimal(day["co2e_kg"])


def test_a_wrong_byte_order(tmp_path):
    def as_cdab(value):  # what a gateway that takes the words the other way round makes of a float register
        a, b = struct.unpack(">HH", struct.pack(">f", value))
        return struct.unpack(">f", struct.pack(">HH", b, a))[0]

    readings = [(at, struct.unpack(">f", struct.pack(">f", float(v)))[0]) for at, v in counter(2)]
    more = ("repairs: [{point: press.energy, from: 2026-01-01, byte_order: {was: cdab, is: abcd, type: float32}, "
            "reason: word order}]")
    wrong = make_site(tmp_path / "wrong", more=more)
    replay(wrong, [(at, "press.energy", repr(as_cdab(v))) for at, v in readings])
    right = make_site(tmp_path / "right")
    replay(right, [(at, "press.energy", repr(v)) for at, v in readings])
    restate(wrong, "--book", "--reason", "word order")
    # What was read as garbage may never have closed the last quarter hours: all that is closed agrees.
    known, expected = known_now(wrong), known_now(right)
    assert len(known) > 180
    assert all(expected[key] == amount for key, amount in known.items())
    assert "nothing to correct" in restate(wrong).stderr


OWN_FACTORS = """
set: {name}
version: "{version}"
name: own
publisher: own
documents: {{d: {{title: t, published: "2026"}}}}
factors:
  - {{carrier: electricity, region: X, method: average, year: 2025, value: {value}, unit: kgCO2/kWh, document: d, confidence: one_source}}
"""


def own_factors(config, name, version, value):
    folder = config.parent / "factors"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(OWN_FACTORS.format(name=name, version=version, value=value))


def test_a_new_factor_version(tmp_path):
    readings = [(at, "press.energy", v) for at, v in counter(2)]
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    own_factors(tmp_path / "old/site.yaml", "own", "1", "0.5")
    own_factors(tmp_path / "old/site.yaml", "other", "7", "0.7")
    own_factors(tmp_path / "new/site.yaml", "own", "2", "0.6")
    old = make_site(tmp_path / "old", sets="own", region="X")
    replay(old, readings)
    new = make_site(tmp_path / "new", sets="own", region="X")
    replay(new, readings)

    shown = json.loads(restate(old, "--factor-set", "other=own", "--format", "json").stdout)
    total = shown["lines"][-1]
    assert abs(Decimal(total["co2e_kg_restated"]) / Decimal(total["co2e_kg_known"]) - Decimal("1.4")) < Decimal("1e-6")
    assert "nothing to correct" in restate(old).stderr
    assert "unknown factor set" in restate(old, "--factor-set", "othr", status=EX_USAGE).stderr

    own_factors(old, "own", "2", "0.6")
    book_and_check(old, new, "factor")
    assert {row["factor_version"] for row in rows(old, "corrections")} == {"2"}
    assert total_co2e(old) == total_co2e(new)


OWN_FUELS = """
set: lab
version: "1"
publisher: the works' laboratory
extends: cn-fuels
documents: {d: {title: report, published: "2026-01-03"}}
factors:
  - {carrier: natural-gas, valid_from: 2026-01-02, ncv: 360, ncv_unit: GJ/10^4Nm3, carbon_t_per_gj: 0.0153, oxidation_percent: 99,
     document: d, confidence: own_measurement}
"""
MEASURED, PUBLISHED = Decimal(36) / Decimal("29.3076"), Decimal("1.2143")  # kgce/Nm3


def test_a_heating_value_that_is_measured_from_the_second_day_on(tmp_path):
    def site(name, sets):
        config = make_site(tmp_path / name, sets=sets)
        config.write_text(config.read_text().replace("energy, json: /e, unit: kWh", "energy, json: /e, unit: Nm3")
                          .replace("carrier: electricity, from: press.energy", "carrier: natural-gas, from: press.energy"))
        (config.parent / "factors").mkdir()
        (config.parent / "factors/lab.yaml").write_text(OWN_FUELS)
        replay(config, [(at, "press.energy", v) for at, v in counter(3)])
        return config

    def standard_coal(config):
        mass = defaultdict(Decimal)
        for row in rows(config, "entries"):
            if row["user"] == "by-counter":
                mass[row["begin"]] += Decimal(row["coal_kgce"])
        return mass

    old = site("old", "cn-grid, cn-fuels")
    new = site("new", "cn-grid, lab")
    shown = json.loads(restate(old, "--factor-set", "lab=cn-fuels", "--format", "json").stdout)
    old.write_text(old.read_text().replace("cn-grid, cn-fuels", "cn-grid, lab"))
    total = shown["lines"][-1]
    gas_of_two_days = sum(v for key, v in known_now(old).items() if key[1] >= "2026-01-02")
    assert abs(Decimal(total["coal_kgce_difference"]) - gas_of_two_days * (MEASURED - PUBLISHED)) <= Decimal("0.000002")
    assert shown["lines"] == [
        {**line, "co2e_kg_restated": ANY, "co2e_kg_difference": ANY, "coal_kgce_restated": ANY, "coal_kgce_difference": ANY}
        for line in json.loads(restate(old, "--format", "json").stdout)["lines"]], "as if it were configured"
    book_and_check(old, new, "factor")
    counted, first = standard_coal(old), standard_coal(new)
    amounts = known_now(old)
    assert len(counted) == 3 * 96 + 1
    for begin, mass in counted.items():
        amount = amounts["by-counter", begin]
        by = MEASURED if begin >= "2026-01-02" else PUBLISHED
        assert abs(mass - amount * by) <= Decimal("0.000002"), begin
        assert abs(mass - first[begin]) <= Decimal("0.000002"), begin
    corrected = {row["coal_factor"] for row in rows(old, "corrections") if row["begin"] >= "2026-01-02"}
    assert corrected == {"lab/ncv/natural-gas/default/2026-01-02"}


def test_late_data_after_a_day(tmp_path):
    readings = list(counter(3))
    late = readings[288:330]  # three and a half hours of the second day
    in_time = [r for r in readings if r not in late]
    heard = in_time[:600] + late + in_time[600:]
    found = make_site(tmp_path / "found")
    replay(found, [(at, "press.energy", v) for at, v in heard])
    expected = make_site(tmp_path / "expected")
    replay(expected, [(at, "press.energy", v) for at, v in readings])
    assert known_now(found) != known_now(expected)
    book_and_check(found, expected, "late-data")


def test_kill_in_the_middle_of_booking(tmp_path):
    readings = list(counter(60))
    more = "repairs: [{point: press.energy, from: 2026-01-01, scale: 10, reason: CT}]"
    wrong = make_site(tmp_path / "wrong", more=more)
    replay(wrong, [(at, "press.energy", v / 10) for at, v in readings])
    right = make_site(tmp_path / "right")
    replay(right, [(at, "press.energy", v) for at, v in readings])
    booked = 0
    kills = 0
    for target in (1, 1500, 3000):
        child = Process([CARBONGATE, "restate", wrong, "--from", "2026-01-01", "--book", "--reason", "CT"], tmp_path / "log")
        with child.start():
            wait_until(lambda: not child.running() or len(rows(wrong, "corrections")) >= target, 30, "corrections")
            if child.running():
                child.kill()
                kills += 1
        now = rows(wrong, "corrections")
        assert len(now) >= booked, "what was booked stays"
        assert len({(r["user"], r["begin"]) for r in now}) == len(now), "nothing was corrected twice"
        booked = len(now)
    restate(wrong, "--book", "--reason", "CT")
    assert kills >= 1
    store = wrong.parent / "store"
    with closing(sqlite3.connect(store / "carbongate.db")) as database, database:  # as a kill before the seal leaves it
        database.execute("DELETE FROM seal WHERE number = (SELECT max(number) FROM seal)")
    unsealed = "no seal stands for them yet"
    assert unsealed in run("verify", store).stdout
    assert "nothing to correct" in restate(wrong, "--book", "--reason", "CT").stderr
    assert unsealed not in run("verify", store).stdout
    assert "nothing to correct" in restate(wrong).stderr
    assert_equal_accounts(wrong, right)


def messages(count, seed):
    chance = random.Random(seed)
    total = Decimal(5000)
    for k in range(count):
        used = Decimal(chance.randrange(1, 900)) / 1000
        total += used
        yield {"t": START_MS + k * 5 * MINUTE, "e": float(total), "u": float(used), "p": chance.randrange(1, 90)}


def collect(tmp_path, name, heard):
    with Mosquitto(tmp_path / f"{name}-broker") as broker:
        config = make_site(tmp_path / name, port=broker.port)
        gateway = Process([CARBONGATE, "run", config], tmp_path / f"{name}.log")
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            broker.publish_lines("plant/press", [json.dumps(message) for message in heard])
            wait_until(lambda: len(rows(config, "readings")) >= 3 * len(heard), 60, "the last message")
            yield config, gateway, broker
            assert gateway.stop() == 0


@pytest.mark.parametrize("seed", [1])
def test_a_gateway_restates_late_messages_by_itself(tmp_path, seed):
    in_order = list(messages(600, seed))
    chance = random.Random(seed + 1)
    keyed = [(m["t"] + (chance.randrange(36 * 60 * MINUTE) if chance.random() < 0.2 else 0), k, m)
             for k, m in enumerate(in_order[:-8])]
    shuffled = [m for _, _, m in sorted(keyed, key=lambda item: item[:2])]
    shuffled += [m for m in shuffled[-50:] if chance.random() < 0.3]  # a broker sends some twice
    for expected, _, _ in collect(tmp_path, "expected", in_order):
        pass
    for found, gateway, broker in collect(tmp_path, "found", shuffled):
        wait_until(lambda: "corrections of" in gateway.output(), 30, "corrections")
        assert "in use by process" in restate(found, "--book", "--reason", "x", status=EX_TEMPFAIL).stderr
        broker.publish_lines("plant/press", [json.dumps(message) for message in in_order[-8:]])
        wait_until(lambda: known_now(found) == known_now(expected), 30, "the accounts of the run in order")
    assert_equal_accounts(found, expected)
    assert {row["cause"] for row in rows(found, "corrections")} == {"late-data"}
    assert "nothing to correct" in restate(found).stderr


def test_a_gateway_books_what_comes_late_inside_a_repair_that_is_booked(tmp_path):
    """The repair stays in the configuration: a person said yes to it, and it asks for no further one."""
    in_order = list(messages(600, 3))
    late = in_order[100:150]
    as_read = [m | {"e": m["e"] / 10} for m in in_order]

    def readings(heard):
        return [(m["t"], f"press.{name}", m[name[0]]) for m in heard for name in ("energy", "usage", "power")]

    expected = make_site(tmp_path / "expected")
    replay(expected, readings(in_order))
    with Mosquitto(tmp_path / "broker") as broker:
        more = "repairs: [{point: press.energy, from: 2026-01-01, scale: 10, reason: CT}]"
        found = make_site(tmp_path / "found", port=broker.port, more=more)
        replay(found, readings(m for m in as_read if m["t"] not in {of_late["t"] for of_late in late}))
        restate(found, "--book", "--reason", "CT")
        booked = [r for r in rows(found, "corrections") if r["cause"] == "configuration"]
        gateway = Process([CARBONGATE, "run", found], tmp_path / "gateway.log")
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            broker.publish_lines("plant/press", [json.dumps(m) for m in as_read[100:150]])
            wait_until(lambda: known_now(found) == known_now(expected), 30, "the accounts of the run in order")
            assert gateway.stop() == 0
    assert [r for r in rows(found, "corrections") if r["cause"] == "configuration"] == booked
    assert {"by-counter", "by-amount", "by-power"} == {r["user"] for r in rows(found, "corrections") if r["cause"] == "late-data"}
    assert "nothing to correct" in restate(found).stderr
