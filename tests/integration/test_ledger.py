"""The ledger as others see it: tampering with a real store and its exports is found and named, and a second program, written
from the documented formats alone, comes to the same hashes and signatures."""

import csv
import hashlib
import io
import json
import random
import shutil
import sqlite3
import subprocess
from datetime import datetime, timedelta, timezone

import pytest
from harness import CARBONGATE

SITE = """
site: {id: edz-1, name: 一号园区, timezone: Asia/Shanghai, grid_region: CN-SC}
brokers: {plant: {url: "mqtt://127.0.0.1:1883"}}
devices:
  - {id: press, driver: mqtt, broker: plant, topic: plant/press, timestamp: {json: /t, format: iso8601}, points: [{name: energy, json: /e, unit: kWh, kind: cumulative}]}
  - {id: paint, driver: mqtt, broker: plant, topic: plant/paint, timestamp: {json: /t, format: iso8601}, points: [{name: energy, json: /e, unit: kWh, kind: cumulative}]}
energy_users:
  - {id: press-shop, name: "冲压车间, \\"A\\"", consumes: [{carrier: electricity, from: press.energy}]}
  - {id: paint-shop, name: 涂装车间, part_of: press-shop, consumes: [{carrier: electricity, from: paint.energy}]}
store: {path: store}
"""

QUARTER_HOURS = 24 * 4
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def run(*args):
    return subprocess.run([CARBONGATE, *args], capture_output=True, text=True, check=False, timeout=60)


def verify(what, *options):
    return run("verify", what, *options)


def name_of(number):
    """Both meters are read together, so their entries take turns; the press is written first."""
    begin = START + (number - 1) // 2 * timedelta(minutes=15)
    user, device = (("press-shop", "press"), ("paint-shop", "paint"))[(number - 1) % 2]
    return f"{user}/electricity/{device}.energy@{begin:%Y-%m-%dT%H:%M:%SZ}#0"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A folder with a configuration and a replayed store."""
    folder = tmp_path_factory.mktemp("ledger")
    (folder / "site.yaml").write_text(SITE)
    chance = random.Random(1)
    totals = {"press": 0.0, "paint": 0.0}
    with open(folder / "readings.csv", "w") as file:
        file.write("time,point,value\n")
        for k in range(QUARTER_HOURS * 3 + 1):  # every five minutes
            for device in totals:
                file.write(f"{(START + k * timedelta(minutes=5)).isoformat()},{device}.energy,{totals[device]:.3f}\n")
                totals[device] += chance.uniform(0, 10)
    result = run("replay", folder / "site.yaml", "--input", folder / "readings.csv")
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def store(original, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(original / "store", tmp_path / "copy")


@pytest.fixture
def key(original):
    return original / "store" / "ledger.pub"


def export(original, form, *options):
    result = run("export", original / "site.yaml", "--what", "ledger", "--format", form, *options)
    assert result.returncode == 0, result.stderr
    return result.stdout


def sql(store, statement, *values):
    with sqlite3.connect(store / "carbongate.db") as database:
        changed = database.execute(statement, values).rowcount
    database.close()
    return changed


def sequence(store, number):
    with sqlite3.connect(store / "carbongate.db") as database:
        return database.execute("SELECT seq FROM ledger WHERE number = ?", (number,)).fetchone()[0]


def test_a_replayed_store_is_whole_and_sealed(original, key):
    result = verify(original / "store", "--key", key, "--all-sealed")
    assert result.returncode == 0, result.stdout
    lines = result.stdout.splitlines()
    assert lines[0] == f"{2 * QUARTER_HOURS} entries, number 1 to {2 * QUARTER_HOURS}"
    assert lines[-1] == f"unchanged up to entry {2 * QUARTER_HOURS}"
    assert "2026-01-02T00:00:00Z" in lines[2], "a replay seals in the data's own time"


def test_without_a_key_it_says_how_little_that_proves(original):
    result = verify(original / "store")
    assert result.returncode == 0
    assert "proves only that the two fit each other" in result.stderr


def test_another_key_is_refused(original, tmp_path):
    other = tmp_path / "other.pem"
    private = tmp_path / "private.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", other], check=True)
    result = verify(original / "store", "--key", other)
    assert result.returncode == 1
    assert "no seal is signed by the given key" in result.stdout


def change_body(store, number):
    body = bytearray(sqlite3.connect(store / "carbongate.db").execute(
        "SELECT body FROM journal WHERE seq = ?", (sequence(store, number),)).fetchone()[0])
    place = body.index(b"cn-grid")
    body[place] = ord("x")
    return sql(store, "UPDATE journal SET body = ? WHERE seq = ?", bytes(body), sequence(store, number))


def swap(store, a, b):
    first, second = sequence(store, a), sequence(store, b)
    return sql(store, "UPDATE ledger SET seq = CASE number WHEN ? THEN ? ELSE ? END WHERE number IN (?, ?)", a, second, first, a, b)


def free_number(store):
    """Of a reading that makes room between two entries."""
    after, before = sequence(store, 90), sequence(store, 100)
    with sqlite3.connect(store / "carbongate.db") as database:
        taken = {row[0] for row in database.execute("SELECT seq FROM journal WHERE seq BETWEEN ? AND ?", (after, before))}
    return next(number for number in range(after + 1, before) if number not in taken)


TAMPERINGS = {
    "a changed record": (lambda s: change_body(s, 37), "changed: entry 37 ({37}) was changed"),
    "a better quality": (lambda s: sql(s, "UPDATE journal SET quality = 1 WHERE seq = ?", sequence(s, 40)), "changed: entry 40 ({40}) was changed"),
    "an earlier time": (lambda s: sql(s, "UPDATE journal SET at = at - 900000 WHERE seq = ?", sequence(s, 41)), "changed: entry 41 ({39}) was changed"),
    "another account": (lambda s: sql(s, "UPDATE journal SET series = (SELECT series FROM journal WHERE seq = ?) WHERE seq = ?",
                                      sequence(s, 2), sequence(s, 51)), "changed: entry 51 ("),
    "another container": (lambda s: sql(s, "UPDATE series SET part_of = 'foundry' WHERE part_of = 'press-shop'"), "changed: entry 2 ({2}) was changed"),
    "a container taken out": (lambda s: sql(s, "UPDATE series SET part_of = '' WHERE part_of = 'press-shop'"), "changed: entry 44 ({44}) was changed"),
    "a container put in": (lambda s: sql(s, "UPDATE series SET part_of = 'paint-shop' WHERE part_of = ''"), "changed: entry 1 ({1}) was changed"),
    "a deleted entry": (lambda s: sql(s, "DELETE FROM journal WHERE seq = ?", sequence(s, 60)), "of the journal is missing, after entry 59 ({59})"),
    "an entry deleted from both": (lambda s: sql(s, "DELETE FROM journal WHERE seq = ?", sequence(s, 61))
                                   and sql(s, "DELETE FROM ledger WHERE number = 61"),
                                   "missing: entry 61 is missing, after entry 60 ({60}), before entry 62 ({62})"),
    "an inserted entry": (lambda s: sql(s, "INSERT INTO journal SELECT 999999, kind, series, at + 1, value, quality, body FROM journal "
                                        "WHERE kind = 3 LIMIT 1"), "(row 999999 of the journal) is in the books but not in the "
                                        "ledger: it was put in, or its link was lost"),
    "an entry inserted between others": (lambda s: sql(s, "INSERT INTO journal SELECT ?, kind, series, at + 1, value, quality, body FROM journal "
                                                       "WHERE kind = 3 LIMIT 1", free_number(s)), "is in the books but not in the ledger: inserted"),
    "links that were lost": (lambda s: sql(s, "DELETE FROM ledger WHERE number BETWEEN 50 AND 60"),
                             "link: the links to entries 50..60 in the ledger are gone; the entries are in the books as they were: they lead to "
                             "entry 61 ({61})"),
    "links that were lost at the end": (lambda s: sql(s, "DELETE FROM ledger WHERE number >= 50"),
                                        f"link: the links to entries 50..{2 * QUARTER_HOURS} in the ledger are gone; the entries are in the books "
                                        "as they were: they lead to seal 1 ("),
    "exchanged entries": (lambda s: swap(s, 10, 20), "moved: entry 10 is not in its place: it stands as entry 20 ({10})"),
    "a changed hash": (lambda s: sql(s, "UPDATE ledger SET hash = zeroblob(32) WHERE number = 70"),
                       "hash: the recorded hash of entry 70 ({70}) was changed; its content is as it was"),
    "a cut tail": (lambda s: sql(s, "DELETE FROM ledger WHERE number > 180") and sql(s, "DELETE FROM journal WHERE kind = 3 AND seq > ?",
                                                                                     sequence(s, 180)),
                   f"missing: entries 181..{2 * QUARTER_HOURS} are missing: the ledger ends with entry 180 ({{180}})"),
    "a changed seal": (lambda s: sql(s, "UPDATE seal SET line = replace(line, '2026-01-02', '2026-01-03')"), "was changed: its signature does not fit it"),
    "no seals": (lambda s: sql(s, "DELETE FROM seal"), "there is no seal"),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_tampering_with_a_store_is_found_and_named(store, key, tampering):
    tamper, expected = TAMPERINGS[tampering]
    assert tamper(store) > 0
    for number in range(1, 2 * QUARTER_HOURS + 1):
        expected = expected.replace("{%d}" % number, name_of(number))
    result = verify(store, "--key", key)
    assert result.returncode == 1, result.stdout
    assert expected in result.stdout, result.stdout


def test_hashes_computed_anew_do_not_help_without_the_key(original, store, key):
    """Whoever knows the format can mend the chain; the seal still knows."""
    change_body(store, 37)
    rows = list(csv.DictReader(io.StringIO(run("export", original / "site.yaml", "--store", store, "--what", "ledger").stdout)))
    with sqlite3.connect(store / "carbongate.db") as database:
        before = bytes.fromhex(rows[0]["hash"])
        for row in rows[1:]:
            if row["row"] == "entry":
                before = hashlib.sha256(before + canonical(row)).digest()
                database.execute("UPDATE ledger SET hash = ? WHERE number = ?", (before, int(row["number"])))
    result = verify(store, "--key", key)
    assert result.returncode == 1
    assert f"was made over other content than entries 1..{2 * QUARTER_HOURS} have now" in result.stdout


def test_what_was_cut_off_with_its_seals_is_found_by_the_head_noted_before(store, key):
    head = next(line.split()[1] for line in verify(store, "--key", key).stdout.splitlines() if line.startswith("head "))
    assert verify(store, "--key", key, "--expect-head", head).returncode == 0
    sql(store, "DELETE FROM journal WHERE kind = 3")
    sql(store, "DELETE FROM ledger")
    sql(store, "DELETE FROM seal")
    result = verify(store, "--key", key)
    assert result.returncode == 2, "an empty ledger proves nothing"
    assert "the ledger is empty: it has no entry" in result.stdout and "nothing to verify, and nothing proven" in result.stdout
    result = verify(store, "--key", key, "--all-sealed")
    assert result.returncode == 1
    assert "seal: there is no seal, and no entry: nothing is sealed" in result.stdout
    result = verify(store, "--key", key, "--expect-head", head)
    assert result.returncode == 1
    assert f"entries 1..{2 * QUARTER_HOURS} are missing" in result.stdout


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_proves_itself_anywhere(original, key, tmp_path, form):
    file = tmp_path / f"ledger.{form}"
    file.write_text(export(original, form))
    assert verify(file, "--key", key, "--all-sealed").returncode == 0
    lines = file.read_text().splitlines(keepends=True)
    entry = lines.index(next(line for line in lines if line.startswith(("entry,9,", '{"entry":{"number":"9",'))))

    file.write_text("".join(lines[:entry] + [lines[entry].replace("cn-grid", "xx-grid", 1)] + lines[entry + 1:]))
    assert f"changed: entry 9 ({name_of(9)}) was changed" in verify(file, "--key", key).stdout
    contained = lines[entry + 1].rsplit("press-shop", 1)
    file.write_text("".join(lines[:entry + 1] + ["foundry".join(contained)] + lines[entry + 2:]))
    assert f"changed: entry 10 ({name_of(10)}) was changed" in verify(file, "--key", key).stdout
    file.write_text("".join(lines[:entry] + lines[entry + 1:]))
    assert f"entry 9 is missing, after entry 8 ({name_of(8)})" in verify(file, "--key", key).stdout
    file.write_text("".join(lines[:entry] + [lines[entry + 1], lines[entry]] + lines[entry + 2:]))
    assert f"entry 9 ({name_of(9)}) stands after entry 10: out of order" in verify(file, "--key", key).stdout
    file.write_text("".join(lines[:entry] + [lines[entry]] + lines[entry:]))
    assert f"entry 9 ({name_of(9)}) is there a second time" in verify(file, "--key", key).stdout


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_file_with_nothing_but_its_header_proves_nothing(original, key, tmp_path, form):
    file = tmp_path / f"ledger.{form}"
    whole = export(original, form)
    file.write_text(whole.splitlines(keepends=True)[0] if form == "csv" else "")
    result = verify(file, "--key", key)
    assert (result.returncode, result.stdout.splitlines()[0]) == (2, "the ledger is empty: it has no entry")
    assert "不能视为完整" in result.stdout
    assert verify(file, "--key", key, "--all-sealed").returncode == 1
    head = whole.splitlines()[0]
    assert verify(file, "--expect-head", "3:" + "0" * 64).returncode == 1, head


def test_a_stretch_of_time_proves_itself(original, key, tmp_path):
    file = tmp_path / "noon.csv"
    file.write_text(export(original, "csv", "--from", "2026-01-01T12:00:00Z", "--to", "2026-01-01T13:00:00Z"))
    result = verify(file, "--key", key)
    assert result.returncode == 0, result.stdout
    assert f"number 97 to {2 * QUARTER_HOURS}" in result.stdout, "on to the end of the seal that covers it"


def test_files_that_are_no_ledger_are_told_apart_from_tampered_ones(original, tmp_path):
    file = tmp_path / "entries.csv"
    file.write_text(run("export", original / "site.yaml", "--what", "entries").stdout)
    assert verify(file).returncode == 65
    assert verify(tmp_path / "none").returncode == 66
    empty = tmp_path / "empty"
    empty.mkdir()
    assert verify(empty).returncode == 65
    assert verify(file, "--key", file).returncode == 65
    assert verify(original / "store", "--expect-head", "12").returncode == 65


def test_the_same_readings_and_key_give_the_same_ledger(original, tmp_path):
    config = tmp_path / "site.yaml"
    config.write_text(SITE.replace("store: {path: store}", "store: {path: store, ledger_key_file: shared.key}"))
    exports = []
    for store in ("one", "two"):
        assert run("replay", config, "--input", original / "readings.csv", "--store", tmp_path / store).returncode == 0
        exports.append(run("export", config, "--store", tmp_path / store, "--what", "ledger").stdout)
    assert exports[0] == exports[1]
    assert exports[0].count("\nentry,") == 2 * QUARTER_HOURS


def test_a_new_key_is_announced_by_the_old_one(original, tmp_path):
    shutil.copytree(original, tmp_path / "site")
    config = tmp_path / "site" / "site.yaml"
    old = tmp_path / "old.pub"
    old.write_text(run("key", config).stdout)
    new = tmp_path / "new.pub"
    rotated = run("key", config, "--rotate")
    assert rotated.returncode == 0, rotated.stderr
    new.write_text(rotated.stdout)
    assert old.read_text() != new.read_text()
    assert run("key", config).stdout == new.read_text()
    for key in (old, new):
        assert verify(tmp_path / "site" / "store", "--key", key, "--all-sealed").returncode == 0
    der = subprocess.run(["openssl", "pkey", "-pubin", "-in", new, "-outform", "DER"], check=True, capture_output=True).stdout
    assert rotated.stderr.splitlines()[-1] == "SHA256:" + hashlib.sha256(der).hexdigest()


def test_a_key_that_everyone_can_read_is_warned_of(original, tmp_path):
    shutil.copytree(original, tmp_path / "site")
    (tmp_path / "site" / "store" / "ledger.key").chmod(0o644)
    result = run("check", tmp_path / "site" / "site.yaml")
    assert result.returncode == 0
    assert "warning: store.path: " in result.stderr and "ledger.key' can be read by everyone" in result.stderr


# ---- the second program: gateway/ledger/{canonical,chain,seal,export_text}.h, and nothing else

FIELDS = ("format site user user_name carrier device point unit region scope flow begin end amount covered_ms coal_mg coal_factor co2e_mg "
          "gases_mg u95_activity_mg u95_factor_mg factor factor_version market_co2e_mg market_gases_mg market_u95_activity_mg "
          "market_u95_factor_mg market_factor market_factor_version quality rule revision cause note booked_at gwp_set market_gwp_set part_of").split()


def canonical(row):
    return "\t".join(row[field] for field in FIELDS).encode()


def openssl_verifies(folder, public_key, message, signature):
    (folder / "message").write_bytes(message)
    (folder / "signature").write_bytes(signature)
    return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public_key, "-rawin", "-in", folder / "message",
                           "-sigfile", folder / "signature"], capture_output=True, check=False).returncode == 0


def seal_line(seal, head):
    return "\t".join(["carbongate-seal-1", seal["site"], seal["number"], seal["first"], seal["last"], seal[head], seal["sealed_at"],
                      seal["key"], seal["next_key"]]).encode()


def test_another_program_comes_to_the_same_hashes_and_signature_from_the_csv(original, key, tmp_path):
    rows = list(csv.DictReader(io.StringIO(export(original, "csv"))))
    assert rows[0]["row"] == "anchor" and rows[0]["number"] == "0"
    before = hashlib.sha256(b"carbongate-ledger-1\t" + rows[1]["site"].encode()).digest()
    assert rows[0]["hash"] == before.hex()
    number = 0
    seals = 0
    for row in rows[1:]:
        if row["row"] == "entry":
            number += 1
            before = hashlib.sha256(before + canonical(row)).digest()
            assert (row["number"], row["hash"]) == (str(number), before.hex())
        else:
            seals += 1
            assert (row["last"], row["hash"]) == (str(number), before.hex())
            signature = bytes.fromhex(row["signature"])
            assert openssl_verifies(tmp_path, key, seal_line(row, "hash"), signature)
            assert not openssl_verifies(tmp_path, key, seal_line(row, "hash") + b" ", signature)
    assert number == 2 * QUARTER_HOURS and seals == 1


def test_another_program_comes_to_the_same_hashes_and_signature_from_json_lines(original, key, tmp_path):
    before = None
    for line in export(original, "jsonl").splitlines():
        (kind, row), = json.loads(line).items()
        if kind == "anchor":
            before = bytes.fromhex(row["hash"])
        elif kind == "entry":
            assert list(row) == ["number", *FIELDS, "hash"]
            before = hashlib.sha256(before + canonical(row)).digest()
            assert row["hash"] == before.hex()
        else:
            assert row["head"] == before.hex()
            assert openssl_verifies(tmp_path, key, seal_line(row, "head"), bytes.fromhex(row["signature"]))


def test_the_ledger_says_what_the_entries_say(original):
    """The amounts of both exports are the same, in quanta here and in display units there."""
    ledger = [row for row in csv.DictReader(io.StringIO(export(original, "csv"))) if row["row"] == "entry"]
    entries = list(csv.DictReader(io.StringIO(run("export", original / "site.yaml", "--what", "entries").stdout)))
    key = lambda row: (row["user"], datetime.fromisoformat(row["begin"].replace("Z", "+00:00")).timestamp())  # noqa: E731
    in_ledger = {key(row): (int(row["amount"]), int(row["co2e_mg"]), row["factor"], row["quality"]) for row in ledger}
    for row in entries:
        amount, co2e, factor, quality = in_ledger.pop(key(row))
        assert (amount / 1e6, co2e / 1e6) == (float(row["amount"]), float(row["co2e_kg"]))
        assert (factor, quality) == (row["factor"], row["quality"])
    assert not in_ledger
