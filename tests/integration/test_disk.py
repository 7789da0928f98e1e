"""Disks that fail: pages that cannot be read, a file cut short under a running gateway, no space left; and backups."""

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from harness import BUILD, CARBONGATE, Process, free_port, wait_until
from mqtt_servers import Mosquitto
from test_kill import config_file, counted_readings, export, journal_length

EX_DATAERR, EX_CANTCREAT = 65, 73
PAGE = 4096
BAD_BLOCK = str(BUILD / "tests" / "integration" / "libbad_block.so")
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def readings(begin, end):
    return [json.dumps({"t": START_MS + k * 10_000, "e": round(100 + k * 0.01, 3)}) for k in range(begin, end)]


def command(*args, env=None):
    return subprocess.run([CARBONGATE, *args], capture_output=True, text=True, check=False, env={**os.environ, **(env or {})})


def publish_in_steps(broker, config):
    """2,000 readings in twenty commits and more."""
    for k in range(0, 2_000, 100):
        broker.publish_lines("park/m0", readings(k, k + 100))
        wait_for_readings(config, k + 100)


def zero_pages(store, count):
    """Of the journal, from its middle on: elsewhere in the file some are free, and nobody misses them."""
    database = store / "carbongate.db"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as pages:
        (size,) = pages.execute("PRAGMA page_size").fetchone()
        leaves = [page for (page,) in pages.execute("SELECT pageno FROM dbstat WHERE name = 'journal' AND pagetype = 'leaf'")]
    with open(database, "r+b") as file:
        for page in sorted(leaves)[len(leaves) // 2:][:count]:
            file.seek((page - 1) * size)
            file.write(bytes(size))


def gateway_of(tmp_path, config):
    return Process([CARBONGATE, "run", config], tmp_path / "gateway.log")


def wait_for_readings(config, count):
    wait_until(lambda: journal_length(config) >= count and len(counted_readings(config)) >= count, 30, f"{count} readings")


def test_backup_while_readings_come(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker:
        config = config_file(tmp_path / "site", broker.port)
        gateway = gateway_of(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            broker.publish_lines("park/m0", readings(0, 500))
            wait_for_readings(config, 500)
            assert gateway.stop() == 0  # the ledger is sealed
        with gateway.start(ready=lambda: gateway.output().count("running: site") > 1):
            broker.publish_lines("park/m0", readings(500, 2_000))
            wait_for_readings(config, 1_000)
            copied = command("backup", config, tmp_path / "copy")
            assert copied.returncode == 0, copied.stderr
            wait_for_readings(config, 2_000)
            assert gateway.stop() == 0
    again = command("backup", config, tmp_path / "copy")
    assert again.returncode == 73 and "there already" in again.stderr

    # The copy is a beginning of the original: the same rows, a chain that verifies.
    original = export(config, "readings").splitlines()
    copy = subprocess.run([CARBONGATE, "export", config, "--store", tmp_path / "copy", "--what", "readings"], check=True,
                          capture_output=True, text=True).stdout.splitlines()
    assert 500 <= len(copy) - 1 <= len(original) - 1
    assert copy == original[:len(copy)]
    verified = command("verify", tmp_path / "copy", "--key", config.parent / "store" / "ledger.pub")
    assert verified.returncode == 0, verified.stdout
    assert not (tmp_path / "copy" / "ledger.key").exists()


def test_a_backup_that_finds_no_room_names_where(tmp_path):
    config = config_file(tmp_path / "site", free_port())
    assert command("run", config, "--for", "100ms").returncode == 0
    (tmp_path / "small").mkdir()
    mount = f"mount -t tmpfs -o size=16k tmpfs {tmp_path / 'small'} && exec {CARBONGATE} backup {config} {tmp_path / 'small' / 'copy'}"
    copied = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount], capture_output=True, text=True)
    assert copied.returncode == EX_CANTCREAT, copied.stderr
    assert f"store {tmp_path / 'small' / 'copy'}: the disk is full" in copied.stderr, copied.stderr
    assert f"store {config.parent}" not in copied.stderr


def test_damaged_pages_are_set_aside(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker:
        config = config_file(tmp_path / "site", broker.port)
        store = config.parent / "store"
        gateway = gateway_of(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            broker.publish_lines("park/m0", readings(0, 4_000))
            wait_for_readings(config, 4_000)
            assert gateway.stop() == 0
        assert command("repair", config, "--check").returncode == 0
        zero_pages(store, 16)
        found = command("repair", config, "--check")
        assert found.returncode == 1, found.stdout
        copied = command("backup", config, tmp_path / "copy")
        assert copied.returncode == EX_DATAERR and f"store {store}: the database is damaged" in copied.stderr, copied.stderr
        repaired = command("repair", config)
        assert repaired.returncode == 0, repaired.stderr
        assert "damaged-1" in repaired.stdout and "journal" in repaired.stdout
        assert command("repair", config, "--check").returncode == 0
        kept = len(counted_readings(config))
        is_named = "none of the numbers" in repaired.stdout or "could not be read" in repaired.stdout
        assert 1_000 < kept <= 4_000 and (kept < 4_000 or is_named), repaired.stdout

        with gateway.start(ready=lambda: gateway.output().count("session resumed") + gateway.output().count("new session") > 1):
            broker.publish_lines("park/m0", readings(4_000, 4_100))
            wait_until(lambda: len(counted_readings(config)) == kept + 100, 30, "new readings behind the old ones")
            assert gateway.stop() == 0
    assert (store / "damaged-1" / "carbongate.db").exists()


def test_a_file_cut_short_is_repaired_by_the_next_start(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker:
        config = config_file(tmp_path / "site", broker.port)
        store = config.parent / "store"
        gateway = gateway_of(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            broker.publish_lines("park/m0", readings(0, 4_000))
            wait_for_readings(config, 4_000)
            assert gateway.stop() == 0
        with open(store / "carbongate.db", "r+b") as file:
            file.truncate((store / "carbongate.db").stat().st_size - 10 * PAGE)
        with gateway.start(ready=lambda: "has been repaired" in gateway.output()):
            broker.publish_lines("park/m0", readings(4_000, 4_100))
            newest = "2026-01-01T19:23:10.000+08:00"
            wait_until(lambda: any(row["time"].startswith(newest[:19]) for row in counted_readings(config)), 30, "the last message")
            assert gateway.stop() == 0
        assert len(counted_readings(config)) > 3_000
        assert (store / "damaged-1" / "report.txt").read_text().count("\n") > 5
        assert "was damaged before" not in gateway.output()

        with open(store / "carbongate.db", "r+b") as file:
            file.truncate((store / "carbongate.db").stat().st_size - 10 * PAGE)
        with gateway.start(ready=lambda: gateway.output().count("has been repaired") == 2 and gateway.output().count("running: site") > 2):
            assert gateway.stop() == 0
        assert gateway.output().count("was damaged before: damaged-1/report.txt") == 1, "a start tells of every folder that is there"
        assert "was damaged before: damaged-2" not in gateway.output(), "of its own it has told"


@pytest.mark.parametrize("spoil", ["a byte", "the end"])
def test_damage_in_the_log_is_told_and_costs_little(tmp_path, spoil):
    """Of a gateway that was killed: SQLite alone would go on from the place before the damage, without a word."""

    def conservation():
        return json.loads(command("conservation", config, "--format", "json").stdout)

    with Mosquitto(tmp_path / "broker") as broker:
        config = config_file(tmp_path / "site", broker.port)
        with open(config, "a") as file:
            file.write(f"sinks:\n  - {{type: file, name: archive, path: {tmp_path / 'archive'}}}\n")
        store = config.parent / "store"
        gateway = gateway_of(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            publish_in_steps(broker, config)
            [account] = conservation()["sinks"]
            assert conservation()["damage"] is None and conservation()["set_aside"] == []
            received = account["received"]
            gateway.kill()
        log = store / "carbongate.db-wal"
        with open(log, "r+b") as file:
            at = log.stat().st_size // 3
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 0x40])) if spoil == "a byte" else file.truncate(at)
        with gateway.start(ready=lambda: "has been repaired" in gateway.output() and gateway.output().count("running: site") > 1):
            broker.publish_lines("park/m0", readings(2_000, 2_100))
            newest = "2026-01-01T13:49:50"
            wait_until(lambda: any(row["time"].startswith(newest) for row in counted_readings(config)), 30, "the last message")
            assert gateway.stop() == 0
        kept = len(counted_readings(config))
        assert kept >= (1_800 if spoil == "a byte" else 500), kept
        [account] = conservation()["sinks"]  # what is gone is counted, and stays told
        assert account["received"] >= received + 100 and account["balances"], (received, account)
        assert account["damaged"] > 0 or spoil == "a byte", account
        assert "damaged-1/report.txt says what is gone" in command("conservation", config).stdout
        assert conservation()["set_aside"] == ["damaged-1"]
        assert "carbongate.db-wal" in (store / "damaged-1" / "report.txt").read_text()
        assert command("repair", config, "--check").returncode == 0
        verified = command("verify", store, "--key", store / "ledger.pub", "--all-sealed")
        assert verified.returncode == 0, verified.stdout


def test_a_block_that_cannot_be_read_costs_what_lies_in_it(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker:
        config = config_file(tmp_path / "site", broker.port)
        store = config.parent / "store"
        gateway = gateway_of(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            publish_in_steps(broker, config)
            gateway.kill()
    killed, ended = tmp_path / "killed", tmp_path / "ended"
    shutil.copytree(store, killed)
    assert command("run", config, "--for", "100ms").returncode == 0
    shutil.copytree(store, ended)

    def given(what, name):
        shutil.rmtree(store)
        shutil.copytree(what, store)
        return store / name

    def leads_to_others(content):  # SQLite's "Database File Format", section 1.6
        return next(page for page in range(PAGE, len(content), 512) if content[page] == 0x05)

    log, database = "carbongate.db-wal", "carbongate.db"
    for name, place, has_index in [(log, lambda content: len(content) // 2, True), (log, lambda content: 0, True),
                                   (log, lambda content: len(content) // 2, False), (log, lambda content: len(content) - 1, False),
                                   (database, lambda content: len(content) // 2, True), (database, lambda content: 0, True),
                                   (database, leads_to_others, True)]:
        file = given(killed if name == log else ended, name)
        if not has_index:
            (store / "carbongate.db-shm").unlink()
        at = place(file.read_bytes()) // PAGE * PAGE
        block = {"LD_PRELOAD": BAD_BLOCK, "BAD_BLOCK_INODE": str(file.stat().st_ino), "BAD_BLOCK_AT": str(at), "BAD_BLOCK_BYTES": str(PAGE)}
        started = command("run", config, "--for", "300ms", env=block)
        if "has been repaired" not in started.stderr:  # not a part that a start reads
            assert name == database and started.returncode == 0, (name, at, started.stderr)
            assert command("repair", config, env=block).returncode == 0
            assert command("repair", config, "--check").returncode == 0
            started = command("run", config, "--for", "300ms")
        assert started.returncode == 0, (name, at, started.stderr)
        kept = len(counted_readings(config))
        assert 1_700 <= kept <= 2_000, (name, at, kept, started.stderr)
        assert (store / "damaged-1" / "report.txt").exists()
        told = command("conservation", config).stdout
        assert "damaged-1/report.txt says what is gone" in told, told


@pytest.mark.parametrize("lost", [512, PAGE], ids=["page", "sector"])
def test_the_first_page_costs_no_reading(tmp_path, lost):
    """The list of tables goes with a page of SQLite's; with a sector of the disk also names, and where the journal begins."""
    with Mosquitto(tmp_path / "broker") as broker:
        config = config_file(tmp_path / "site", broker.port)
        store = config.parent / "store"
        gateway = gateway_of(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            broker.publish_lines("park/m0", readings(0, 4_000))
            wait_for_readings(config, 4_000)
            assert gateway.stop() == 0
        before = export(config, "entries"), counted_readings(config)
        with closing(sqlite3.connect(store / "carbongate.db")) as database:  # or the log still has those pages
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with open(store / "carbongate.db", "r+b") as file:
            file.write(bytes(lost))
        assert command("repair", config, "--check").returncode == 1
        with gateway.start(ready=lambda: "has been repaired" in gateway.output() and gateway.output().count("running: site") > 1):
            assert gateway.stop() == 0
    assert (export(config, "entries"), counted_readings(config)) == before
    verified = command("verify", store, "--key", store / "ledger.pub", "--all-sealed")
    assert verified.returncode == 0, verified.stdout
    assert "its first page" in (store / "damaged-1" / "report.txt").read_text()
    of_the_repair = ("salvag", "reopened", "scratch", "damaged", "part")
    left = [file.name for file in store.glob("carbongate.*") if any(word in file.name for word in of_the_repair)]
    assert left == [] and (store / "carbongate.tables").exists()


def test_a_full_disk_costs_no_reading(tmp_path):
    """The store lies on a file system of 16 MiB that something else has filled; space comes back later."""
    count = 3_000
    with Mosquitto(tmp_path / "broker") as broker:
        config = config_file(tmp_path / "site", broker.port)
        store = config.parent / "store"
        store.mkdir()
        mount = f"mount -t tmpfs -o size=16m,mode=0755 tmpfs {store} && exec {CARBONGATE} run {config}"
        gateway = Process(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount], tmp_path / "gateway.log")
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            inside = Path(f"/proc/{gateway.child.pid}/root{store}")
            broker.publish_lines("park/m0", readings(0, 500))
            wait_until(lambda: readings_in(config, inside, tmp_path / "scratch") >= 500, 30, "the first readings")
            fill(inside / "filler")
            broker.publish_lines("park/m0", readings(500, count))
            wait_until(lambda: "the disk is full" in gateway.output(), 30, "the gateway saying so")
            (inside / "filler").unlink()
            wait_until(lambda: readings_in(config, inside, tmp_path / "copy") >= count, 30, "all readings")
            assert gateway.stop() == 0
        assert "writing again" in gateway.output()
    out = subprocess.run([CARBONGATE, "export", config, "--store", tmp_path / "copy", "--what", "readings"], check=True,
                         capture_output=True, text=True).stdout
    times = [line.split(",")[0] for line in out.splitlines()[1:]]
    assert len(set(times)) == count, "each reading, also those that came while the disk was full"


def fill(file):
    with open(file, "wb", buffering=0) as out:
        for size in (65_536, 4_096, 1):
            try:
                while True:
                    out.write(bytes(size))
            except OSError:
                continue


def readings_in(config, store, scratch):
    """Of a store that lies in another mount namespace, where SQLite does not follow: of a copy, if it can be read."""
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        for name in ("carbongate.db", "carbongate.db-wal"):
            shutil.copyfile(store / name, scratch / name)
    except FileNotFoundError:  # not there yet
        return 0
    exported = subprocess.run([CARBONGATE, "export", config, "--store", scratch, "--what", "readings"],
                              capture_output=True, text=True, check=False)
    return len({line.split(",")[0] for line in exported.stdout.splitlines()[1:]})  # none if copied while it was written
