"""CO2e is by a named set of global warming potentials: every figure in the books says by which, also after the site chose another one."""

import csv
import hashlib
import io
import json
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from harness import CARBONGATE

SOURCE = Path(__file__).resolve().parents[2]
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
QUARTER = 15 * 60_000
NOON = "2026-01-01T12:00"

SITE = """
site: {{id: park, timezone: UTC, gwp: {gwp}, grid_region: CN, factors: {{sets: [cn-grid, ipcc-2006]}}}}
brokers: {{plant: {{url: "mqtt://127.0.0.1:1883", client_id: gwp-test}}}}
devices:
  - id: tank
    driver: mqtt
    broker: plant
    topic: plant/tank
    timestamp: {{json: /t, format: epoch-ms}}
    points:
      - {{name: diesel, json: /d, unit: kg, kind: cumulative}}
      - {{name: energy, json: /e, unit: kWh, kind: cumulative}}
energy_users: [{{id: yard, consumes: [{{carrier: diesel, from: tank.diesel}}, {{carrier: electricity, from: tank.energy}}]}}]
store: {{path: store}}
"""


def run(*args, status=0):
    result = subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stdout + result.stderr
    return result.stdout


def table(*args):
    return list(csv.DictReader(io.StringIO(run(*args))))


def one(values):
    values = set(values)
    assert len(values) == 1, values
    return values.pop()


@pytest.fixture
def mixed(tmp_path):
    """A day of a tank by AR6; its second half was restated after the site had changed to AR5."""
    config = tmp_path / "site.yaml"
    config.write_text(SITE.format(gwp="AR6"))
    readings = tmp_path / "input.csv"
    readings.write_text("time,point,value\n" + "".join(
        f"{START_MS + k * QUARTER},tank.{point},{k * step}\n" for k in range(97) for point, step in (("diesel", 10), ("energy", 7))))
    run("replay", config, "--input", readings)
    config.write_text(SITE.format(gwp="AR5"))
    run("restate", config, "--from", NOON, "--book", "--reason", "AR5 from 2026 on")
    return config


def test_entries_and_corrections_name_the_set_and_the_note_says_why(mixed):
    entries = [row for row in table("export", mixed, "--what", "entries") if row["carrier"] == "diesel"]
    first = [row for row in entries if row["revision"] == "0"]
    again = [row for row in entries if row["revision"] != "0"]
    assert len(first) == 96 and {row["gwp_set"] for row in first} == {"AR6"}
    assert len(again) == 48 and {row["gwp_set"] for row in again} == {"AR5"}
    note = one(row["note"] for row in again)
    factor = one(row["factor"] + " " + row["factor_version"] for row in entries)
    assert note == f"AR5 from 2026 on ({factor} by AR6 -> {factor} by AR5)"
    electricity = [row for row in table("export", mixed, "--what", "entries") if row["carrier"] == "electricity"]
    assert {row["gwp_set"] + row["market_gwp_set"] for row in electricity} == {""}, "CO2 alone"
    assert {row["revision"] for row in electricity} == {"0"}
    assert "nothing to correct" in subprocess.run([CARBONGATE, "restate", mixed, "--from", NOON], capture_output=True, text=True, check=True).stderr


def test_explain_labels_each_figure_by_the_set_it_was_booked_with(mixed):
    before = "yard/diesel/tank.diesel@2026-01-01T00:00:00Z#0"
    after = "yard/diesel/tank.diesel@2026-01-01T12:00:00Z"
    by_ar6 = json.loads(run("explain", mixed, before, "--json"))
    by_ar5 = json.loads(run("explain", mixed, after, "--json"))
    as_published = json.loads(run("explain", mixed, after + "#0", "--json"))
    assert [x["gwp_set"] for x in (by_ar6, by_ar5, as_published)] == ["AR6", "AR5", "AR6"]
    assert [r["figures"]["location_based"]["gwp_set"] for r in by_ar5["revisions"]] == ["AR6", "AR5"]
    for x in (by_ar6, by_ar5, as_published):
        assert all(product["fits"] for product in x["formulas"][0]["products"])
        assert x["formulas"][0]["factor"]["gwp_set"] == x["gwp_set"]
        products = {p["of"]: p for p in x["formulas"][0]["products"]}
        total = sum(Decimal(products[gas]["factor_kg_per_unit"]) * Decimal(products[gas]["gwp"]) for gas in ("CO2", "CH4", "N2O"))
        assert abs(total - Decimal(products["CO2e"]["factor_kg_per_unit"])) < Decimal("1e-11")
    assert by_ar6["known"]["location_based"]["co2e_kg"] == as_published["known"]["location_based"]["co2e_kg"]
    assert by_ar6["known"]["location_based"]["co2e_kg"] != by_ar5["known"]["location_based"]["co2e_kg"]
    text = run("explain", mixed, after + "#0")
    assert "NOT equal" not in text and "kg (AR6)" in text and "by AR5" in text and "AR6: CO2" in text
    assert "kg (AR5)" in run("explain", mixed, after)


def test_a_statement_names_the_sets_of_each_line(mixed):
    lines = table("statement", mixed, "--period", "day", "--of", "2026-01-01")
    sets = {(line["level"], line["sum"], line["carrier"]): line["gwp_set"] for line in lines}
    assert sets["account", "consumed", "diesel"] == "AR5; AR6"
    assert sets["account", "consumed", "electricity"] == ""
    assert sets["site", "total", ""] == "AR5; AR6"
    assert "by more than one GWP set: yard  tank.diesel: AR5; AR6" in run("statement", mixed, "--period", "day", "--of", "2026-01-01", "--format", "table")
    stated = json.loads(run("statement", mixed, "--period", "day", "--of", "2026-01-01", "--format", "json"))
    assert stated["total"]["gwp_set"] == "AR5; AR6"


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_the_ledger_covers_the_set_and_an_export_of_both_formats_verifies(mixed, tmp_path, form):
    key = tmp_path / "ledger.pub"
    key.write_text(run("key", mixed))
    file = tmp_path / f"ledger.{form}"
    file.write_text(run("export", mixed, "--what", "ledger", "--format", form))
    run("verify", file, "--key", key, "--all-sealed")
    run("verify", tmp_path / "store", "--key", key, "--all-sealed")
    changed = file.read_text().replace("AR6", "AR5", 1)
    assert changed != file.read_text()
    file.write_text(changed)
    assert "was changed" in run("verify", file, "--key", key, status=1)


def test_another_program_comes_to_the_same_hashes(mixed):
    rows = table("export", mixed, "--what", "ledger")
    fields = list(rows[0])[2:40]
    assert fields[0] == "format" and fields[34] == "booked_at" and fields[35:] == ["gwp_set", "market_gwp_set", "part_of"]
    before = bytes.fromhex(rows[0]["hash"])
    sets = set()
    for row in rows[1:]:
        if row["row"] != "entry":
            continue
        sets.add((row["format"], row["carrier"], row["gwp_set"]))
        before = hashlib.sha256(before + "\t".join(row[field] for field in fields).encode()).digest()
        assert row["hash"] == before.hex()
    assert sets == {("carbongate-entry-3", "electricity", ""), ("carbongate-entry-3", "diesel", "AR6"), ("carbongate-entry-3", "diesel", "AR5")}


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("name", ["whole", "format2"])
def test_exports_of_earlier_formats_still_verify(name, form):
    """From before the set was noted, and from before an entry named what contains it; hashed here as they were."""
    file = SOURCE / f"tests/fuzz/corpus/fuzz_ledger_export/{name}.{form}"
    run("verify", file)
    if form == "jsonl":
        return
    rows = list(csv.DictReader(file.open(newline="")))
    fields = list(rows[0])[2:list(rows[0]).index("hash")]
    before = bytes.fromhex(rows[0]["hash"])
    for row in rows[1:]:
        if row["row"] == "entry":
            count = {"carbongate-entry-1": 35, "carbongate-entry-2": 37}[row["format"]]
            before = hashlib.sha256(before + "\t".join(row[field] for field in fields[:count]).encode()).digest()
            assert row["hash"] == before.hex()
