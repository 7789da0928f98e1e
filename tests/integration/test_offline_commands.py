"""Who looks at a store, or plays one, has no passwords of brokers and destinations at hand, nor their keys and certificates."""

import json
import os
import random
import sqlite3
import subprocess
from contextlib import closing

from harness import CARBONGATE

EX_IOERR, EX_CONFIG = 74, 78
START_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z
QUARTER_HOUR_MS = 900_000

ABSENT = "CARBONGATE_TEST_ABSENT"

SITE = {
    "site": {"id": "park", "timezone": "Asia/Shanghai", "grid_region": "CN-SC"},
    "brokers": {"plant": {"url": "mqtts://broker.example:8883", "username": "gateway", "password_env": ABSENT, "ca_file": "no-such-ca.pem",
                          "cert_file": "no-such.pem", "key_file": "no-such.key"}},
    "devices": [{"id": "press", "driver": "mqtt", "broker": "plant", "topic": "plant/press",
                 "points": [{"name": "energy", "json": "/e", "unit": "kWh", "kind": "cumulative", "power_max": "1 MW"}]}],
    "energy_users": [{"id": "shop", "consumes": [{"carrier": "electricity", "from": "press.energy"}]}],
    "store": {"path": "store"},
    "sinks": [
        {"type": "line-protocol", "name": "tsdb", "url": "https://tsdb.example/write", "username": "gw", "password_file": "no-such-file"},
        {"type": "prometheus-remote-write", "name": "metrics", "url": "https://metrics.example/api/v1/write", "token_env": ABSENT},
        {"type": "kafka", "name": "stream", "bootstrap": ["kafka.example:9092"], "topic": "rows", "tls": True, "username": "gw", "password_env": ABSENT},
        {"type": "webhook", "name": "duty", "url": "https://hooks.example/duty", "secret_env": ABSENT},
    ],
}

OFFLINE = ["conservation CONFIG", "dead-letters CONFIG", "dead-letters CONFIG --retry", "deliveries CONFIG", "alerts CONFIG",
           "export CONFIG --what readings", "statement CONFIG --period day --of 2025-01-01", "restate CONFIG --from 2025-01-01", "platforms CONFIG",
           "key CONFIG", "repair CONFIG --check", "audit CONFIG", "factors list CONFIG", "users CONFIG list", "tokens CONFIG list"]


def run(*args):
    environment = {name: value for name, value in os.environ.items() if name != ABSENT}
    return subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, text=True, env=environment)


def succeed(*args):
    result = run(*args)
    assert result.returncode == 0, f"{args[0]}: {result.stderr}"
    return result.stdout


def make_site(folder, readings, **changes):
    config = folder / "park.yaml"
    config.write_text(json.dumps({**SITE, **changes}))
    recording = folder / "readings.csv"
    chance = random.Random(readings)
    total = 200_000.0
    lines = ["time,point,value"]
    for number in range(readings):
        lines.append(f"{START_MS + number * QUARTER_HOUR_MS},press.energy,{total:.3f}")
        total += chance.uniform(0, 200)
    recording.write_text("\n".join(lines) + "\n")
    return config, recording


def test_commands_that_connect_nowhere_need_no_secret(tmp_path):
    config, recording = make_site(tmp_path, 200)
    succeed("replay", config, "--input", recording)
    for command in OFFLINE:
        result = run(*(config if word == "CONFIG" else word for word in command.split()))
        assert result.returncode == 0 and "no-such" not in result.stderr, f"{command}: {result.returncode} {result.stderr}"
    assert ",press,energy,200000,kWh," in succeed("export", config, "--what", "readings")
    for command in ("check", "run", "read"):
        refused = run(command, config)
        assert refused.returncode == EX_CONFIG, command
        for missing in ("brokers.plant.password_env", "brokers.plant.ca_file", "sinks[0].password_file", "sinks[1].token_env",
                        "sinks[2].password_env", "sinks[3].secret_env"):
            assert f"error: {missing}: " in refused.stderr, (command, missing, refused.stderr)


def test_a_store_of_a_newer_version_is_the_same_to_all(tmp_path):
    config, recording = make_site(tmp_path, 200)
    succeed("replay", config, "--input", recording)
    with closing(sqlite3.connect(tmp_path / "store" / "carbongate.db")) as database:
        database.execute("PRAGMA user_version = 99")
    changing = ["restate CONFIG --from 2025-01-01 --book --reason x", "key CONFIG --rotate", f"backup CONFIG {tmp_path / 'copy'}",
                f"replay CONFIG --input {recording}", f"verify {tmp_path / 'store'}", "explain CONFIG shop@2025-01", "repair CONFIG",
                "export CONFIG --what ledger", "dead-letters CONFIG --drop"]
    elsewhere = ("key", "audit", "factors", "users", "tokens", "platforms")  # nothing that they show here is in the database
    for command in changing + [command for command in OFFLINE if command.split()[0] not in elsewhere]:
        result = run(*(config if word == "CONFIG" else word for word in command.split()))
        assert result.returncode == EX_IOERR and "newer carbongate" in result.stderr, f"{command}: {result.returncode} {result.stderr}"


def test_a_replay_says_what_its_store_has_no_room_for(tmp_path):
    readings = 105_000  # with their books, which stay
    config, recording = make_site(tmp_path, readings, store={"path": "store", "size_max": "64MiB"})
    said = succeed("replay", config, "--input", recording)
    kept = succeed("export", config, "--what", "readings").count("\n") - 1
    assert kept < readings
    assert f"  {readings - kept} of them, the oldest, are not in the store any longer: it is as large as 'store.size_max' allows\n" in said
    small, recording = make_site(tmp_path, 100, store={"path": "small"})
    assert "any longer" not in succeed("replay", small, "--input", recording)
