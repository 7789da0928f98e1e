"""A store that an older program left: the gateway brings it up to date and says so once, and nothing before that does."""

import contextlib
import json
import re
import sqlite3
import subprocess

from harness import CARBONGATE, SOURCE, Process

OLD = SOURCE / "tests/unit/gateway/store/store_version_5.sql"


def version(store):
    with contextlib.closing(sqlite3.connect(f"file:{store}/carbongate.db?mode=ro", uri=True)) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


def test_the_log_says_once_that_the_store_was_brought_up_to_date(tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    with contextlib.closing(sqlite3.connect(store / "carbongate.db")) as database:
        database.executescript(OLD.read_text())
    config = tmp_path / "park.yaml"
    config.write_text(json.dumps({"site": {"id": "park", "timezone": "Asia/Shanghai", "grid_region": "CN-SC"}, "store": {"path": str(store)},
                                  "devices": [{"id": "m", "driver": "manual",
                                               "points": [{"name": "coal", "unit": "t"}]}]}))
    backup = subprocess.run([CARBONGATE, "backup", config, tmp_path / "backup"], capture_output=True, text=True, check=False)
    assert backup.returncode != 0 and "schema version 5" in backup.stderr, "a backup is made by the program that is installed"
    assert version(store) == 5

    told = re.compile(r"info the store was brought from version 5 of its schema to (\d+);")
    gateway = Process([CARBONGATE, "run", config], tmp_path / "gateway.log")
    for start in (1, 2):
        with gateway.start(ready=lambda start=start: gateway.output().count("running: site") == start):
            assert gateway.stop() == 0
        assert told.findall(gateway.output()) == [str(version(store))]
