"""The file sink of the whole gateway: every row of the journal is in the files once, whatever happens meanwhile."""

import csv
import json
import random
import shutil
import sqlite3
import subprocess
import threading

import pytest
from harness import journal_numbers, last_number, wait_until
from mqtt_park import METERS, READINGS, export, gateway_process, messages, publish_all, write_config
from mqtt_servers import Mosquitto

KINDS = {"readings": 0, "intervals": 2, "entries": 3, "rollups": 4, "totals": 1}  # as in the journal
KILLS = 10


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as server:
        yield server


def config_with(tmp_path, broker, **keys):
    sink = {"type": "file", "name": "files", "path": str(tmp_path / "files"), **keys}
    return write_config(tmp_path / "park.yaml", broker, [sink], corrections={"quiet": "1s"})


def files_of(folder, kind, incomplete=True):
    return sorted(file for file in folder.glob(f"{kind}-*") if incomplete or file.suffix != ".part")


def rows_of(folder, kind):
    """All rows of a kind as they lie in its files, the oldest file first."""
    rows = []
    for file in files_of(folder, kind):
        with file.open(newline="") as text:
            if ".jsonl" in file.name:
                rows += [json.loads(line) for line in text]
            else:
                rows += csv.DictReader(text)
    return rows


def sequences(folder, kind):
    return [int(row["sequence"]) for row in rows_of(folder, kind)]


def at_rest(condition):
    """Whether it holds of files that may be written and renamed while they are read."""
    try:
        return condition()
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False


def in_journal(tmp_path, kind):
    with sqlite3.connect(f"file:{tmp_path}/store/carbongate.db?mode=ro", uri=True) as store:
        return journal_numbers(store, (KINDS[kind],))


def everything_is_there(tmp_path, folder):
    return all(sequences(folder, kind) == in_journal(tmp_path, kind) for kind in KINDS)


def as_exported(row):
    return {key: "" if value is None else str(value) for key, value in row.items() if key not in ("sequence", "co2e_kg_first")}


def check_against_export(config, folder):
    """Once the gateway has stopped: what export says of the store, the files say too."""
    for kind in ("readings", "intervals", "entries", "rollups"):
        exported = [as_exported(row) for row in export(config, kind) if row.get("state") != "open"]
        written = [as_exported(row) for row in rows_of(folder, kind)]
        if kind == "rollups":  # export shows the newest revision only
            newest = {tuple(row[key] for key in ("period", "begin", "user", "device", "point", "carrier")): row for row in written}
            written = list(newest.values())
        order = lambda row: json.dumps(row, sort_keys=True)  # noqa: E731
        assert sorted(written, key=order) == sorted(exported, key=order), kind
        assert written, kind


def journal_length(tmp_path):
    try:
        with sqlite3.connect(f"file:{tmp_path}/store/carbongate.db?mode=ro", uri=True) as store:
            return last_number(store)
    except sqlite3.OperationalError:  # not created yet
        return 0


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_every_row_is_in_the_files_once_after_ten_kills(tmp_path, broker, form):
    chance = random.Random(form)
    folder = tmp_path / "files"
    config = config_with(tmp_path, broker, format=form, rotate_size="8KiB", batch_rows=15)
    gateway = gateway_process(tmp_path, config)
    with gateway.start(ready=lambda: "new session" in gateway.output()):
        publishing = threading.Thread(target=publish_all, args=(broker,))
        publishing.start()
        written = 0
        for _ in range(KILLS):
            written += chance.randrange(20, 120)
            wait_until(lambda: sum(len(sequences_so_far(folder, kind)) for kind in KINDS) >= written, 60, f"row {written} in a file")
            gateway.kill()
            parts = [file for kind in KINDS for file in files_of(folder, kind) if file.suffix == ".part"]
            torn = chance.choice(parts)
            with torn.open("ab") as file:  # as a power cut in the middle of a write leaves it
                lines = torn.read_bytes().splitlines() or [b'{"time":"2026']
                file.write(lines[-1][:chance.randrange(1, len(lines[-1]))])
            written = sum(len(sequences_so_far(folder, kind)) for kind in KINDS)
            gateway.start()
        publishing.join()
        wait_until(lambda: len(in_journal(tmp_path, "readings")) >= METERS * READINGS, 90, "all readings in the journal")
        wait_until(lambda: at_rest(lambda: len(set(sequences(folder, "readings"))) >= METERS * READINGS), 90, "all readings in files")
        assert gateway.stop() == 0
    assert everything_is_there(tmp_path, folder)
    check_against_export(config, folder)
    complete = files_of(folder, "readings", incomplete=False)
    assert len(complete) > 10 and all(file.stat().st_size < 16 * 1024 for file in complete)
    assert gateway.output().count("of a row that was not written to its end") == KILLS


def sequences_so_far(folder, kind):
    """Of files that are being written and renamed: whole rows only."""
    found = []
    for file in files_of(folder, kind):
        try:
            text = file.read_text()
        except FileNotFoundError:  # it was renamed
            continue
        found += text[:text.rfind("\n") + 1].splitlines()[0 if ".jsonl" in file.name else 1:]
    return found


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", folder], check=True, capture_output=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_waited_for_and_takes_every_row_once_when_it_has_room(tmp_path, broker, small_disk):
    folder = small_disk / "files"
    config = config_with(tmp_path, broker, path=str(folder), batch_rows=50)
    gateway = gateway_process(tmp_path, config)
    with gateway.start(ready=lambda: "new session" in gateway.output()):
        publish_all(broker)
        wait_until(lambda: "No space left on device" in gateway.output(), 60, "the disk being full")
        wait_until(lambda: len(in_journal(tmp_path, "readings")) >= METERS * READINGS, 60, "the journal taking what the disk does not")
        assert len(sequences(folder, "readings")) < METERS * READINGS
        gateway.kill()
        gateway.start(ready=lambda: gateway.output().count("No space left on device") > 1)
        subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
        wait_until(lambda: at_rest(lambda: len(sequences(folder, "readings")) >= METERS * READINGS), 90, "all readings in files")
        assert "delivering again after" in gateway.output()
        assert gateway.stop() == 0
    assert everything_is_there(tmp_path, folder)
    check_against_export(config, folder)


def test_a_full_directory_is_named_and_goes_on_when_files_are_taken_away(tmp_path, broker):
    folder, taken = tmp_path / "files", tmp_path / "taken"
    taken.mkdir()
    config = config_with(tmp_path, broker, rotate_size="16KiB", files_max=1, batch_rows=50, select={"rows": ["readings"]})
    gateway = gateway_process(tmp_path, config)
    with gateway.start(ready=lambda: "new session" in gateway.output()):
        publish_all(broker)
        wait_until(lambda: "is full: 1 complete files, as many as `files_max` allows" in gateway.output(), 60, "the sink being full")

        def all_taken():
            for file in files_of(folder, "readings", incomplete=False):
                shutil.move(file, taken / file.name)
            return len(sequences(taken, "readings")) + len(sequences(folder, "readings")) >= METERS * READINGS
        wait_until(lambda: at_rest(all_taken), 90, "all readings in files")
        assert gateway.stop() == 0
    assert sequences(taken, "readings") + sequences(folder, "readings") == in_journal(tmp_path, "readings")
    assert not files_of(folder, "entries")


def test_another_stores_rows_are_not_taken_for_these(tmp_path, broker):
    folder = tmp_path / "files"
    config = config_with(tmp_path, broker)
    gateway = gateway_process(tmp_path, config)
    with gateway.start(ready=lambda: "new session" in gateway.output()):
        broker.publish_lines("park/m0", list(messages(0))[:50])
        wait_until(lambda: len(sequences_so_far(folder, "readings")) >= 50, 30, "the readings in a file")
        assert gateway.stop() == 0
    shutil.rmtree(tmp_path / "store")
    with gateway.start():
        broker.publish_lines("park/m0", list(messages(0))[50:60])
        wait_until(lambda: "holds rows of another store" in gateway.output(), 30, "the reason in the log")
        assert gateway.stop() == 0
    assert len(sequences(folder, "readings")) == 50
