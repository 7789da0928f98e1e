"""kill -9 at twenty random moments: the ledger after that equals the one of a run that nothing disturbed."""

import csv
import io
import json
import random
import sqlite3
import subprocess
import threading

import pytest
from endless_feed import READINGS as COUNT_READINGS
from harness import CARBONGATE, Process, wait_until
from mqtt_servers import PASSWORD, Mosquitto

KILLS = 20
METERS = 4
SEED = 1
READINGS = 2_500  # per meter, 10 s apart: seven hours

CONFIG = """
site: {{id: park, timezone: Asia/Shanghai, grid_region: CN-SC}}
brokers: {{plant: {{url: "mqtt://127.0.0.1:{port}", client_id: kill-test, username: gateway, password_file: {password}}}}}
devices:
{devices}
energy_users:
{users}
store: {{path: {store}}}
"""

DEVICE = """  - id: m{n}
    driver: mqtt
    broker: plant
    topic: park/m{n}
    qos: 1
    timestamp: {{json: /t, format: epoch-ms}}
    points: [{{name: energy, json: /e, unit: kWh, kind: cumulative}}]
"""

ENERGY_USER = "  - {{id: u{n}, consumes: [{{carrier: electricity, from: m{n}.energy}}]}}\n"


def messages(seed):
    """(topic, payload) of all meters in time order: counters that grow, one of which is exchanged."""
    chance = random.Random(seed)
    totals = [chance.uniform(0, 1e5) for _ in range(METERS)]
    start_ms = 1_767_225_600_000  # 2026-01-01T00:00:00Z
    for k in range(READINGS):
        for n in range(METERS):
            totals[n] += chance.uniform(0, 0.5)
            if n == 3 and k == READINGS // 2:
                totals[n] = 0.0
            yield f"park/m{n}", json.dumps({"t": start_ms + k * 10_000, "e": round(totals[n], 3)})


def config_file(folder, port):
    folder.mkdir()
    password = folder / "mqtt.pass"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    file = folder / "site.yaml"
    file.write_text(CONFIG.format(port=port, password=password, store=folder / "store", devices="".join(DEVICE.format(n=n) for n in range(METERS)),
                                  users="".join(ENERGY_USER.format(n=n) for n in range(METERS))))
    return file


def publish(broker, all_messages):
    for n in range(METERS):
        broker.publish_lines(f"park/m{n}", [payload for topic, payload in all_messages if topic == f"park/m{n}"])


def journal_length(config):
    """Readings in it: a repair leaves numbers out."""
    file = config.parent / "store" / "carbongate.db"
    if not file.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as store:
            return store.execute(COUNT_READINGS).fetchone()[0]
    except sqlite3.OperationalError:  # not created yet
        return 0


def export(config, what):
    return subprocess.run([CARBONGATE, "export", config, "--what", what], check=True, capture_output=True, text=True).stdout


def counted_readings(config):
    """Readings without those that the broker sent again after a crash: each of them says so itself."""
    rows = csv.DictReader(io.StringIO(export(config, "readings")))
    return [row for row in rows if row["rule"] not in ("duplicate", "out-of-order")]


def verified(config):
    """What `verify` says of the store; after a clean stop, every entry is sealed."""
    store = config.parent / "store"
    return subprocess.run([CARBONGATE, "verify", store, "--key", store / "ledger.pub", "--all-sealed"], capture_output=True, text=True,
                          check=False)


def damage_states(config):
    """Overwrites the newest record of states, as a broken page would."""
    with sqlite3.connect(config.parent / "store" / "carbongate.db") as store:
        store.execute("UPDATE state_log SET body = x'01ff' WHERE number = (SELECT max(number) FROM state_log)")


def collect(tmp_path, name, all_messages, kills, seed, after_kill=lambda config: None):
    """Runs a broker and a gateway over the messages, killing the gateway `kills` times; returns its configuration."""
    chance = random.Random(seed)
    with Mosquitto(tmp_path / f"{name}-broker") as broker:
        config = config_file(tmp_path / name, broker.port)
        gateway = Process([CARBONGATE, "run", config], tmp_path / f"{name}.log")
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            publisher = threading.Thread(target=publish, args=(broker, all_messages))
            publisher.start()
            for k in range(kills):
                target = int(len(all_messages) * (k + chance.random()) / (kills + 1))
                wait_until(lambda: journal_length(config) >= target, 60, f"row {target}")
                gateway.kill()
                assert journal_length(config) < len(all_messages), "killed when all was done already: that shows nothing"
                after_kill(config)
                starts = gateway.output().count("running: site")
                # One that is killed before it has repaired leaves two damages to one repair.
                is_up = None if after_kill is not damage_states else lambda n=starts: gateway.output().count("running: site") > n
                gateway.start(is_up)
            publisher.join()
            last = len(all_messages)
            wait_until(lambda: journal_length(config) >= last and len(counted_readings(config)) >= last, 90,
                       "the last message being committed")
            assert gateway.stop() == 0
    return config


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return collect(tmp_path_factory.mktemp("undisturbed"), "undisturbed", list(messages(SEED)), 0, SEED)


@pytest.mark.parametrize("kills, after_kill", [(KILLS, lambda config: None), (5, damage_states)], ids=["killed", "and-states-damaged"])
def test_the_ledger_after_kills_equals_the_undisturbed_one(tmp_path, undisturbed, kills, after_kill):
    killed = collect(tmp_path, "killed", list(messages(SEED)), kills, SEED, after_kill)
    if after_kill is damage_states:
        assert (tmp_path / "killed.log").read_text().count("what lies behind is counted again") == kills
    assert counted_readings(killed) == counted_readings(undisturbed)
    for what in ("intervals", "entries", "rollups"):
        assert export(killed, what) == export(undisturbed, what), what
    entries = export(killed, "entries").count("\n") - 1
    assert entries >= 4 * METERS
    for config in (killed, undisturbed):
        result = verified(config)
        assert result.returncode == 0, result.stdout
        assert f"unchanged up to entry {entries}\n" in result.stdout
