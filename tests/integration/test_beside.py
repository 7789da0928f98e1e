"""What stands beside computed entries: certificates, substitutes and amounts entered by hand, worked out here with decimals."""

import csv
import io
import json
import random
import re
import shutil
import subprocess
from collections import defaultdict
from decimal import Decimal

from harness import CARBONGATE, Process, wait_until
from mqtt_servers import PASSWORD, Mosquitto

START_MS = 1_772_294_400_000  # 2026-03-01T00:00:00+08:00
MINUTE = 60_000
DAYS = 45
EX_DATAERR = 65

CONFIG = """
site: {id: park, timezone: Asia/Shanghai, grid_region: CN-SC, factors: {sets: [cn-grid, cn-heat, own-generation]}}
brokers: {plant: {url: "mqtt://127.0.0.1:1883", client_id: certificates-test}}
devices:
  - id: press
    driver: mqtt
    broker: plant
    topic: plant/press
    timestamp: {json: /t, format: epoch-ms}
    points:
      - {name: energy, json: /e, unit: kWh, kind: cumulative, power_max: 2 MW}
      - {name: roof, json: /r, unit: kWh, kind: cumulative, power_max: 2 MW}
      - {name: kept, json: /k, unit: kWh, kind: cumulative, power_max: 2 MW}
      - {name: heat, json: /h, unit: GJ, kind: cumulative, power_max: 2 MW}
energy_users:
  - id: press
    consumes:
      - {carrier: electricity, from: press.energy}
      - {carrier: electricity, from: press.kept, supply: own-renewable}
      - {carrier: heat, from: press.heat}
  - {id: roof, consumes: [{carrier: electricity, from: press.roof, supply: own-renewable, certificates_sold: true}]}
store: {path: store}
"""


def certificate(serial, volume, generated, carrier="electricity"):
    return (f"{{serial: {serial}, user: press, carrier: {carrier}, volume: {volume}, generated: {generated}, "
            "retired: 2026-05-10, plant: 广元风电场, technology: wind}")


def write_config(folder, *certificates):
    config = folder / "site.yaml"
    config.write_text(CONFIG + (f"certificates: [{', '.join(certificates)}]\n" if certificates else ""))
    return config


def run(*args, status=0):
    result = subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, text=True)
    assert result.returncode == status, result.stdout + result.stderr
    return result


def rows(config, what):
    return list(csv.DictReader(io.StringIO(run("export", config, "--what", what).stdout)))


def statement(config, of):
    lines = csv.DictReader(io.StringIO(run("statement", config, "--period", "month", "--of", of).stdout))
    return [line for line in lines if line["level"] == "account"]


def replay(config):
    """Forty-five days of a press that works by day, its roof, and heat; some readings come a day late."""
    chance = random.Random(7)
    counters = {"energy": Decimal(1000), "roof": Decimal(50), "kept": Decimal(7), "heat": Decimal(3)}
    heard = []
    for k in range(DAYS * 96 + 2):
        at = START_MS + k * 15 * MINUTE
        hour = (k // 4) % 24
        working = 7 <= hour < 19 and (k // 96) % 7 < 5
        late = chance.random() < 0.02 and k < (DAYS - 2) * 96
        for name, value in counters.items():
            heard.append((at + (24 * 60 * MINUTE if late else 0), at, f"press.{name}", value))
        counters["energy"] += Decimal(chance.randrange(60_000, 120_000) if working else chance.randrange(4_000)) / 1000
        sun = max(0, 6 - abs(12 - hour))
        counters["roof"] += Decimal(chance.randrange(1 + 3000 * sun)) / 1000
        counters["kept"] += Decimal(chance.randrange(1 + 300 * sun)) / 1000
        counters["heat"] += Decimal(chance.randrange(500)) / 1000
    file = config.parent / "input.csv"
    file.write_text("time,point,value\n" + "".join(f"{at},{point},{value}\n" for _, at, point, value in sorted(heard, key=lambda h: h[0])))
    run("replay", config, "--input", file)


def entries(config):
    """By user, carrier, point and begin: all revisions."""
    found = defaultdict(list)
    for row in rows(config, "entries"):
        found[row["user"], row["carrier"], row["point"], row["begin"]].append(row)
    return found


SHARE = re.compile(r"(GEC-[\w-]+): ([\d.]+) (?:kWh|GJ)")


def matched(row):
    return {serial: Decimal(amount) for serial, amount in SHARE.findall(row["note"])}


def milligrams(kilograms):
    return int(Decimal(kilograms or 0) * 1_000_000)


def check_books(config, volumes):
    """Every entry against its own note, and their sums, rounded once; volumes: by serial, what must be matched over all."""
    used, off = defaultdict(Decimal), defaultdict(Decimal)
    for (user, _, point, _), revisions in entries(config).items():
        by_certificate = [r for r in revisions if r["cause"] == "certificate"]
        others = [r for r in revisions if r["cause"] != "certificate"]
        amount = sum(Decimal(r["amount"]) for r in others)
        market = sum(milligrams(r["market_co2e_kg"]) for r in others)
        shares = matched(by_certificate[-1]) if by_certificate else {}
        if by_certificate:
            assert user == "press" and point != "kept"
        assert all(Decimal(r["amount"]) == 0 and Decimal(r["co2e_kg"]) == 0 for r in by_certificate)
        certified = sum(shares.values())
        assert certified <= max(amount, 0)
        left = Decimal(market) * (amount - certified) / amount if certified else market
        now = market + sum(milligrams(r["market_co2e_kg"]) for r in by_certificate)
        assert abs(now - left) <= 1 and (now == left or 0 < certified < amount)
        off[user, point] += now - left
        for serial, share in shares.items():
            used[serial] += share
    assert used == volumes
    # A carrier's certificates join its time, or each has its own.
    assert all(abs(milligrams_) <= Decimal("0.51") * max(len(volumes), 1) for milligrams_ in off.values()), off


def test_certificates_reduce_the_market_based_result_alone_and_are_booked_once(tmp_path):
    config = write_config(tmp_path)
    replay(config)
    wanted = [certificate("GEC-03", "20 MWh", "2026-03"), certificate("GEC-03-09", "500 kWh", "2026-03-09"),
              certificate("GEC-2026", "3 MWh", "2026"), certificate("GEC-H", "100 GJ", "2026-03", carrier="heat")]
    write_config(tmp_path, *wanted)
    published = entries(config)
    shown = json.loads(run("restate", config, "--from", "2026-03-20", "--to", "2026-03-21", "--format", "json").stdout)
    assert shown["certificates_unused"] == []
    assert entries(config) == published, "looking changes nothing"
    booked = run("restate", config, "--from", "2026-03-01", "--book", "--reason", "绿证 2026")
    assert "corrections booked" in booked.stderr and "found no consumption" not in booked.stderr
    assert {row["cause"] for row in rows(config, "corrections")} == {"late-data", "certificate"}
    assert all(row["note"].startswith("绿证 2026 (") for row in rows(config, "corrections"))
    volumes = {"GEC-03": Decimal(20_000), "GEC-03-09": Decimal(500), "GEC-2026": Decimal(3_000), "GEC-H": Decimal(100)}
    check_books(config, volumes)
    for again in ([], ["--book", "--reason", "again"]):
        assert "nothing to correct" in run("restate", config, "--from", "2026-03-01", *again).stderr
        assert "nothing to correct" in run("restate", config, "--from", "2026-04-02", *again).stderr

    now = entries(config)
    for line in statement(config, "2026-03"):
        revisions = [r for key, all_of in now.items() if key[:3] == (line["user"], line["carrier"], line["point"])
                     and key[3].startswith("2026-03") for r in all_of]
        first = [r for r in revisions if r["revision"] == "0"]
        assert Decimal(line["amount"]) == sum(Decimal(r["amount"]) for r in revisions)
        assert Decimal(line["co2e_kg"]) == sum(Decimal(r["co2e_kg"]) for r in revisions)
        assert Decimal(line["co2e_first_kg"]) == sum(Decimal(r["co2e_kg"]) for r in first)
        assert Decimal(line["market_co2e_kg"]) == sum(Decimal(r["market_co2e_kg"]) for r in revisions)
        assert Decimal(line["market_co2e_first_kg"]) == sum(Decimal(r["market_co2e_kg"]) for r in first)
        late = [r for r in revisions if r["cause"] == "late-data"]
        assert Decimal(line["co2e_kg"]) == Decimal(line["co2e_first_kg"]) + sum(Decimal(r["co2e_kg"]) for r in late)
        if line["point"] in ("energy", "heat"):
            assert Decimal(line["market_co2e_kg"]) < Decimal(line["market_co2e_first_kg"])
        elif line["point"] == "roof":  # sold: no claim, and the residual mix in the market-based result
            assert Decimal(line["co2e_kg"]) == 0 and line["market_factors"].startswith("cn-grid/CN/residual/")
            assert Decimal(line["market_co2e_kg"]) > 0
        else:
            assert Decimal(line["market_co2e_kg"]) == 0
    month = {(r["user"], r["point"], r["begin"]): r for r in rows(config, "rollups") if r["period"] == "month"}
    for (user, point, begin), rollup in month.items():
        of_month = [r for key, all_of in now.items() if (key[0], key[2], key[3][:7]) == (user, point, begin[:7])
                    for r in all_of]
        assert milligrams(rollup["market_co2e_kg"]) == sum(milligrams(r["market_co2e_kg"]) for r in of_month)
        assert Decimal(rollup["amount"]) == sum(Decimal(r["amount"]) for r in of_month)
    assert "unchanged up to entry" in run("verify", tmp_path / "store").stdout


def test_certificates_are_taken_back_with_their_configuration_and_a_serial_counts_once(tmp_path):
    config = write_config(tmp_path, certificate("GEC-1", "2 MWh", "2026-03"), certificate("GEC-2", "90 GWh", "2026-04"))
    replay(config)
    booked = run("restate", config, "--from", "2026-03-01", "--book", "--reason", "first")
    april = sum(Decimal(r["amount"]) for key, all_of in entries(config).items() for r in all_of
                if key[1:3] == ("electricity", "energy") and key[3].startswith("2026-04"))
    unused = Decimal(90_000_000) - april
    assert f"certificate GEC-2 of press: {unused.normalize():f} kWh of 90000000 kWh found no consumption" in booked.stderr
    check_books(config, {"GEC-1": Decimal(2_000), "GEC-2": april})

    # The serial in another month: refused while the first one stands, for it would count twice.
    write_config(tmp_path, certificate("GEC-1", "2 MWh", "2026-04"))
    refused = run("restate", config, "--from", "2026-04-01", "--book", "--reason", "moved", status=EX_DATAERR)
    assert "certificate GEC-1: the books match it already" in refused.stderr
    assert "press/electricity/press.energy@2026-02-28T" in refused.stderr
    check_books(config, {"GEC-1": Decimal(2_000), "GEC-2": april})
    run("restate", config, "--from", "2026-03-01", "--book", "--reason", "moved")
    check_books(config, {"GEC-1": Decimal(2_000)})
    assert "nothing to correct" in run("restate", config, "--from", "2026-03-01").stderr

    write_config(tmp_path)
    run("restate", config, "--from", "2026-03-01", "--book", "--reason", "none was retired")
    check_books(config, {})
    for line in statement(config, "2026-03"):
        late = [r for key, all_of in entries(config).items() for r in all_of
                if key[2] == line["point"] and key[3].startswith("2026-03") and r["cause"] == "late-data"]
        assert Decimal(line["market_co2e_kg"]) == Decimal(line["market_co2e_first_kg"]) + sum(Decimal(r["market_co2e_kg"]) for r in late)
    assert "unchanged up to entry" in run("verify", tmp_path / "store").stdout


CONTRACTS = """
contracts:
  - id: PPA-7
    supplier: 川西绿电
    users: [press, paint]
    factor: 0.0437 kgCO2e/kWh
    source: supply disclosure 2025
    deliveries: [{{period: 2026-03, volume: {march}}}, {{from: 2026-04-01, until: 2026-04-08, volume: 90 GWh}}]
"""
ALLOCATED = re.compile(r"(?:^|[(; ])((?:GEC|PPA)-[^:;() ]+): ([\d.]+) kWh(?: at ([\d.]+) kgCO2e/kWh)?")


def check_contracts(config):
    """What is allocated by serial; each entry's market-based result is allocated x factor + rest x residual."""
    used, emitted, off = defaultdict(Decimal), defaultdict(Decimal), defaultdict(Decimal)
    for (user, _, point, _), revisions in entries(config).items():
        booked = [r for r in revisions if r["cause"] == "certificate"]
        others = [r for r in revisions if r["cause"] != "certificate"]
        if point == "kept" or not booked:
            assert not booked
            continue
        amount = sum(Decimal(r["amount"]) for r in others)
        residual = sum(milligrams(r["market_co2e_kg"]) for r in others)
        now = sum(milligrams(r["market_co2e_kg"]) for r in revisions)
        shares = ALLOCATED.findall(booked[-1]["note"])
        allocated = sum(Decimal(share) for _, share, _ in shares)
        assert allocated <= amount
        rest = Decimal(residual) * (amount - allocated) / amount if allocated else Decimal(residual)
        by_contract = sum((Decimal(share) * Decimal(factor) * 1_000_000 for _, share, factor in shares if factor), Decimal())
        assert abs(now - rest - by_contract) <= 1
        off[user, point] += now - rest - by_contract
        assert sum(Decimal(r["co2e_kg"]) for r in booked) == 0, "location-based stays"
        for serial, share, factor in shares:
            used[serial] += Decimal(share)
            emitted[serial] += now - rest if len(shares) == 1 and factor else 0
    assert all(abs(milligrams_) <= Decimal("1.1") for milligrams_ in off.values()), off  # March and a week of April, each rounded once
    return used, emitted


def test_a_contract_is_allocated_by_period_to_its_users_beside_certificates(tmp_path):
    config = tmp_path / "site.yaml"
    site = CONFIG.replace("  - {id: roof,", "  - {id: paint, consumes: [{carrier: electricity, from: press.kept2}]}\n  - {id: roof,").replace(
        "      - {name: heat,", "      - {name: kept2, json: /k2, unit: kWh, kind: cumulative, power_max: 2 MW}\n      - {name: heat,")
    config.write_text(site)
    replay(config)
    # The paint shop beside it: a steady 10 kWh every quarter hour.
    file = tmp_path / "input.csv"
    file.write_text(file.read_text() + "".join(f"{START_MS + k * 15 * MINUTE},press.kept2,{10 * k}\n" for k in range(DAYS * 96 + 2)))
    shutil.rmtree(tmp_path / "store")
    run("replay", config, "--input", file)
    published = entries(config)
    consumed = defaultdict(Decimal)
    for (user, carrier, point, begin), revisions in published.items():
        if carrier == "electricity" and point in ("energy", "kept2"):
            consumed[user, begin[:10]] += sum(Decimal(r["amount"]) for r in revisions)
    of_week = sum(amount for (_, day), amount in consumed.items() if "2026-04-01" <= day < "2026-04-08")

    config.write_text(site + CONTRACTS.format(march="20 MWh") + f"certificates: [{certificate('GEC-03', '30 MWh', '2026-03')}]\n")
    shown = json.loads(run("restate", config, "--from", "2026-03-01", "--format", "json").stdout)
    booked = run("restate", config, "--from", "2026-03-01", "--book", "--reason", "PPA", "--format", "json")
    assert json.loads(booked.stdout)["lines"] == shown["lines"]
    left = Decimal(90_000_000) - of_week
    assert [(c["serial"], c["user"], c["supplier"]) for c in shown["contracts_unused"]] == [("PPA-7/2026-04-01..2026-04-08", "press, paint", "川西绿电")]
    assert Decimal(shown["contracts_unused"][0]["unused"].removesuffix(" kWh")) == left
    assert f"contract PPA-7/2026-04-01..2026-04-08 of press, paint: {left.normalize():f} kWh of 90000000 kWh found no consumption" in booked.stderr
    used, emitted = check_contracts(config)
    assert used == {"GEC-03": Decimal(30_000), "PPA-7/2026-03": Decimal(20_000), "PPA-7/2026-04-01..2026-04-08": of_week}
    whole = of_week * Decimal("0.0437") * 1_000_000
    assert abs(emitted["PPA-7/2026-04-01..2026-04-08"] - whole) <= 1, "of either user rounded once"
    for again in ([], ["--book", "--reason", "again"], ["--user", "paint"]):
        assert "nothing to correct" in run("restate", config, "--from", "2026-03-20", *again).stderr
    by_user = {user: sum(Decimal(share) for key, all_of in entries(config).items() if key[0] == user
                         for serial, share, _ in ALLOCATED.findall(all_of[-1]["note"]) if serial == "PPA-7/2026-03")
               for user in ("press", "paint", "roof")}
    assert by_user["press"] > 0 and by_user["paint"] > 0 and by_user["roof"] == 0

    key = next(key for key, all_of in entries(config).items() if key[0] == "paint" and key[3].startswith("2026-04-02T10:00"))
    text = " ".join(run("explain", config, f"paint/electricity/press.kept2@{key[3]}").stdout.split())
    assert "PPA-7/2026-04-01..2026-04-08: 90000000 kWh at 0.0437 kgCO2e/kWh, by 川西绿电, delivered 2026-04-01 .. 2026-04-08 to press, paint" in text
    explained = json.loads(run("explain", config, f"paint/electricity/press.kept2@{key[3]}", "--json").stdout)
    assert explained["certificates"] == [] and explained["contracts"][0]["id"] == "PPA-7"
    assert explained["contracts"][0]["factor"] == "0.0437 kgCO2e/kWh"

    # Less was delivered than first said, and the certificate was withdrawn: the books follow, to the last entry.
    config.write_text(site + CONTRACTS.format(march="12.5 MWh"))
    run("restate", config, "--from", "2026-03-01", "--book", "--reason", "invoice")
    used, _ = check_contracts(config)
    assert {serial: amount for serial, amount in used.items() if amount} == {"PPA-7/2026-03": Decimal(12_500), "PPA-7/2026-04-01..2026-04-08": of_week}
    config.write_text(site)
    run("restate", config, "--from", "2026-03-01", "--book", "--reason", "none")
    assert check_contracts(config)[0] == {}
    assert "unchanged up to entry" in run("verify", tmp_path / "store").stdout


def test_what_a_certificate_leaves_is_exact_to_the_milligram(tmp_path):
    """44613.034 kWh in a month and a certificate of 7 MWh: (44613.034 - 7000) x 0.6096 = 22928.9055264 kg."""
    config = write_config(tmp_path, certificate("GEC-1", "7 MWh", "2026-03"))
    quarters = 31 * 96
    value = [Decimal(44_613_034 * k // quarters + k % 5 * (0 < k < quarters)) / 1000 for k in range(quarters + 1)]
    file = tmp_path / "input.csv"
    file.write_text("time,point,value\n" + "".join(f"{START_MS + k * 15 * MINUTE},press.energy,{v}\n" for k, v in enumerate(value)))
    run("replay", config, "--input", file)
    run("restate", config, "--from", "2026-03-01", "--book", "--reason", "retired")
    line = next(line for line in statement(config, "2026-03") if line["point"] == "energy")
    assert Decimal(line["amount"]) == Decimal("44613.034")
    assert abs(Decimal(line["market_co2e_kg"]) - (Decimal("44613.034") - 7000) * Decimal("0.6096")) < Decimal("0.000001")
    assert "nothing to correct" in run("restate", config, "--from", "2026-03-17").stderr


def preview_is_what_is_booked(config, *options):
    """The table before booking, the table of the booking, and what the books then hold: the same to the milligram."""
    before = entries(config)
    shown = json.loads(run("restate", config, *options, "--format", "json").stdout)
    assert entries(config) == before, "looking changes nothing"
    booked = json.loads(run("restate", config, *options, "--book", "--reason", "as shown", "--format", "json").stdout)
    assert booked["lines"] == shown["lines"] and shown["entries_differing"] > 0
    found = defaultdict(lambda: [Decimal()] * 3)
    for key, revisions in entries(config).items():
        for row in revisions[len(before.get(key, [])):]:
            found[key[0], key[1], "press." + key[2]] = [
                a + Decimal(row[column] or 0) for a, column in zip(found[key[0], key[1], "press." + key[2]], ("amount", "co2e_kg", "market_co2e_kg"))]
    for line in shown["lines"]:
        if line["day"] == "total" and line["user"] != "total":
            assert [Decimal(line[f"{what}_difference"] or 0) for what in ("amount", "co2e_kg", "market_co2e_kg")] == \
                found[line["user"], line["carrier"], line["point"]]
    total = shown["lines"][-1]
    assert Decimal(total["co2e_kg_difference"]) == sum(figures[1] for figures in found.values())
    return shown


def test_what_restate_shows_is_what_it_books(tmp_path):
    """Late data, a bill and substitutes, at factors that leave a remainder in every quarter hour."""
    config = tmp_path / "site.yaml"
    config.write_text(CONFIG.replace("kind: cumulative, power_max: 2 MW", "kind: interval")
                      .replace("topic: plant/press\n", "topic: plant/press\n    interval: 15min\n")
                      .replace("from: press.energy}", "from: press.energy, substitution: same-weekday}")
                      .replace("sets: [cn-grid", "sets: [odd"))
    (tmp_path / "factors").mkdir()
    (tmp_path / "factors/odd.yaml").write_text(
        "set: odd\nversion: '1'\npublisher: own\nfactors:\n"
        "  - {carrier: electricity, year: 2020, value: 0.123456789, unit: kgCO2/kWh, source: own, publication: '2020', confidence: own_measurement}\n")
    chance = random.Random(3)
    heard, late = [], []
    for k in range(1, 16 * 96):
        if 14 * 96 + 40 <= k < 14 * 96 + 60:
            continue
        line = f"{START_MS + k * 15 * MINUTE},press.energy,{chance.randrange(1, 10**6) / 10**4}\n"
        (late if 3 * 96 < k < 3 * 96 + 30 else heard).append(line)
    file = tmp_path / "input.csv"
    file.write_text("time,point,value\n" + "".join(heard + late))
    run("replay", config, "--input", file)

    shown = preview_is_what_is_booked(config, "--from", "2026-03-01")
    assert {line["cause"] for line in shown["lines"]} >= {"late-data", "substitution"}
    bill = tmp_path / "bills.csv"
    bill.write_text("user,carrier,point,begin,end,amount,unit,note\n"
                    "press,electricity,press.energy,2026-03-10,2026-03-12,12.3456789,MWh,bill\n"
                    "press,electricity,press.energy,2026-03-15,2026-03-16,7777.777777,kWh,bill\n")
    preview_is_what_is_booked(config, "--manual", bill)
    assert "nothing to correct" in run("restate", config, "--from", "2026-03-01").stderr
    assert "unchanged up to entry" in run("verify", tmp_path / "store").stdout


def test_gaps_are_substituted_and_bills_entered_once_each_and_the_ledger_still_verifies(tmp_path):
    config = tmp_path / "site.yaml"
    config.write_text(CONFIG.replace("kind: cumulative, power_max: 2 MW", "kind: interval")
                      .replace("topic: plant/press\n", "topic: plant/press\n    interval: 15min\n")
                      .replace("from: press.energy}", "from: press.energy, substitution: same-weekday}"))
    quarter_of_gap = range(14 * 96 + 40, 14 * 96 + 60)  # ten to three o'clock, on a day two weeks after the first
    file = tmp_path / "input.csv"
    file.write_text("time,point,value\n" + "".join(
        f"{START_MS + k * 15 * MINUTE},press.energy,{100 + k % 96}\n" for k in range(1, 16 * 96) if k not in quarter_of_gap))
    run("replay", config, "--input", file)
    first = entries(config)
    booked = run("restate", config, "--from", "2026-03-01", "--book", "--reason", "gap")
    assert "corrections booked" in booked.stderr
    assert "nothing to correct" in run("restate", config, "--from", "2026-03-01").stderr
    by_hour = defaultdict(Decimal)
    for key, revisions in entries(config).items():
        by_hour[key[3][:13]] += sum(Decimal(r["amount"]) for r in revisions)
        for row in revisions:
            if row["revision"] != "0":
                assert (row["cause"], row["quality"], row["rule"]) == ("substitution", "substituted", "same-weekday")
        assert first.get(key, [{"revision": "1"}])[0] in (revisions[0], {"revision": "1"}), "the original stays"
    for hour in range(11, 14):
        assert by_hour[f"2026-03-15T{hour}"] == (by_hour[f"2026-03-08T{hour}"] + by_hour[f"2026-03-01T{hour}"]) / 2

    bill = tmp_path / "bills.csv"
    bill.write_text("user,carrier,point,begin,end,amount,unit,note\n"
                    "press,electricity,press.energy,2026-03-15,2026-03-16,-1,kWh,x\n"
                    "press,electricity,press.enrgy,2026-03-15,2026-03-16,1,kWh,x\n")
    wrong = run("restate", config, "--manual", bill, "--book", "--reason", "bills", status=EX_DATAERR)
    assert f"{bill}:2:54: error: -1 is below zero" in wrong.stderr
    assert f"{bill}:3:19: error: unknown point of this user and carrier 'press.enrgy'; did you mean 'press.energy'?" in wrong.stderr
    bill.write_text("user,carrier,point,begin,end,amount,unit,note\n"
                    "press,electricity,press.energy,2026-03-15,2026-03-16,12.3456789,MWh,\"bill 7, March\"\n")
    shown = run("restate", config, "--manual", bill, "--format", "json")
    assert json.loads(shown.stdout)["entries_differing"] == 96, "each quarter hour of it is known by then"
    assert "corrections booked" in run("restate", config, "--manual", bill, "--book", "--reason", "bills").stderr
    amounts = {key: [Decimal(r["amount"]) for r in of_key] for key, of_key in entries(config).items() if key[3].startswith("2026-03-15")}
    unwatched = [sum(of_key) for key, of_key in amounts.items() if "09:45" <= key[3][11:16] < "14:45"]
    assert len(unwatched) == 20 and max(unwatched) - min(unwatched) <= Decimal("0.000001"), "what is beyond the readings, evenly"
    assert all(of_key[1:] == [0] for key, of_key in amounts.items() if not "09:45" <= key[3][11:16] < "14:45")
    assert "nothing to correct" in run("restate", config, "--manual", bill, "--book", "--reason", "bills").stderr
    assert "nothing to correct" in run("restate", config, "--from", "2026-03-01").stderr
    day = sum(Decimal(r["amount"]) for key, all_of in entries(config).items() for r in all_of if key[3].startswith("2026-03-15"))
    assert day == Decimal("12345.6789")
    assert "unchanged up to entry" in run("verify", tmp_path / "store").stdout


STACK = """
site: {{id: park, timezone: Asia/Shanghai, grid_region: CN-SC}}
brokers: {{plant: {{url: "mqtt://127.0.0.1:{port}", client_id: stack-test, username: gateway, password_file: {password}}}}}
devices:
  - id: stack
    driver: mqtt
    broker: plant
    topic: plant/stack
    points: [{{name: co2, json: /co2, unit: kg/h, kind: instantaneous, gap_max: 5min}}]
energy_users: [{{id: boiler, emits: [{{carrier: co2, from: stack.co2}}]}}]
store: {{path: store}}
corrections: {{quiet: 500ms}}
"""


def test_the_running_gateway_fills_hours_without_data_by_itself(tmp_path):
    """Eight days of a stack that emits 100 kg/h, one hour of them 130; three hours of the seventh day are missing."""
    with Mosquitto(tmp_path / "broker") as broker:
        password = tmp_path / "mqtt.pass"
        password.write_text(PASSWORD)
        password.chmod(0o600)
        config = tmp_path / "site.yaml"
        config.write_text(STACK.format(port=broker.port, password=password))
        lines = []
        for minute in range(8 * 1440 + 1):
            day, of_day = divmod(minute, 1440)
            if day == 6 and 600 < of_day < 780:
                continue
            lines.append(f"{START_MS + minute * MINUTE},stack.co2,{130 if day == 5 and 60 <= of_day <= 120 else 100}\n")
        recording = tmp_path / "stack.csv"
        recording.write_text("time,point,value\n" + "".join(lines))
        run("replay", config, "--input", recording)
        assert rows(config, "corrections") == []
        gateway = Process([CARBONGATE, "run", config], tmp_path / "gateway.log")
        with gateway.start(ready=lambda: "running" in (tmp_path / "gateway.log").read_text()):
            wait_until(lambda: len(rows(config, "corrections")) >= 12, 30, "substitutes")
        substitutes = rows(config, "corrections")
        assert len(substitutes) == 12, "each quarter hour once"
        assert {row["cause"] for row in substitutes} == {"substitution"}
        assert {(row["quality"], row["rule"]) for row in substitutes} == {("substituted", "max-180h")}
        assert {row["note"] for row in substitutes} == {
            f"max-180h: the hour from 2026-03-05T17:00:00Z; a gap of 3 h, {share} % of the 2160 hours until then valid"
            for share in (98, 99)
        }
        of_gap = run("explain", config, f"boiler/co2/stack.co2@{substitutes[5]['begin']}").stdout
        assert "beside it equal to what is booked" in " ".join(of_gap.split())
        assert re.search(r"substitution, \S+ \S+: max-180h: the hour from", " ".join(of_gap.split()))
        of_hour = defaultdict(Decimal)
        for row in rows(config, "entries"):
            of_hour[row["begin"][:13]] += Decimal(row["amount"])
        filled = [of_hour[f"2026-03-07T{hour}"] for hour in (10, 11, 12)]
        assert filled == [Decimal(130)] * 3, filled
        assert "nothing to correct" in run("restate", config, "--from", "2026-03-01").stderr
