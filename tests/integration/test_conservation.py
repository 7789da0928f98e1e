"""What came in is somewhere, always: rows that vanish from the store under the gateway are an alert, which goes the way of alerts."""

import json
import sqlite3
import subprocess

import pytest
from harness import CARBONGATE, Process, free_port, wait_until
from webhook_receiver import SECRET, Receiver

SITE = """
site: {{id: works, name: 示范工厂, timezone: Asia/Shanghai, grid_region: CN-SC}}
brokers: {{plant: {{url: "mqtt://127.0.0.1:{broker}"}}}}
devices:
  - {{id: press, driver: mqtt, broker: plant, topic: plant/press, timestamp: {{json: /t, format: iso8601}},
      points: [{{name: energy, json: /e, unit: kWh, kind: cumulative}}]}}
energy_users: [{{id: hall, consumes: [{{carrier: electricity, from: press.energy}}]}}]
store: {{path: store}}
sinks:
  - {{type: line-protocol, name: far, url: "http://127.0.0.1:{nobody}/write?db=carbon"}}
  - {{type: webhook, name: desk, url: "http://127.0.0.1:{desk}/carbon", secret_file: desk.secret, timeout: 2s, select: {{rows: [alerts]}}}}
"""


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


def carbongate(*args):
    return subprocess.run([CARBONGATE, *args], capture_output=True, text=True, check=False, timeout=60)


def alerts(config):
    return json.loads(carbongate("alerts", config, "--format", "json", "--recent", "1d").stdout)


def sql(folder, *statements):
    database = sqlite3.connect(folder / "store" / "carbongate.db", isolation_level=None)
    changed = [database.execute(statement).rowcount for statement in statements]
    database.close()
    return changed


def test_rows_that_vanish_are_an_alert_until_they_are_there_again(tmp_path, receiver):
    (tmp_path / "desk.secret").write_text(SECRET + "\n")
    (tmp_path / "desk.secret").chmod(0o600)
    config = tmp_path / "site.yaml"
    config.write_text(SITE.format(broker=free_port(), nobody=free_port(), desk=receiver.port))
    recording = tmp_path / "day.csv"
    lines = [f"2026-01-01T{n // 4:02}:{n % 4 * 15:02}:00+08:00,press.energy,{100 + n}" for n in range(40)]
    recording.write_text("time,point,value\n" + "\n".join(lines) + "\n")
    told = carbongate("replay", config, "--input", recording)
    assert told.returncode == 0 and "alerts" not in told.stdout, "a replay knows nothing of the gateway itself"

    gateway = Process([CARBONGATE, "run", config], tmp_path / "gateway.log")
    running = lambda: gateway.output().count("running: site")  # noqa: E731
    with gateway.start(ready=running):
        wait_until(lambda: "far" in carbongate("conservation", config).stdout, what="a place of the sink")
        assert gateway.stop() == 0
    assert "conservation is broken" not in gateway.output() and receiver.events == []
    assert carbongate("conservation", config).returncode == 0

    # What waits for the sink, and no damage that SQLite could see: as a defect would take it.
    with sqlite3.connect(tmp_path / "taken.db") as taken:
        taken.execute("ATTACH ? AS store", (str(tmp_path / "store" / "carbongate.db"),))
        taken.execute("CREATE TABLE journal AS SELECT * FROM store.journal WHERE kind = 3 ORDER BY seq LIMIT 3")
    assert sql(tmp_path, "DELETE FROM journal WHERE seq IN (SELECT seq FROM journal WHERE kind = 3 ORDER BY seq LIMIT 3)") == [3]
    assert carbongate("conservation", config).returncode != 0

    with gateway.start(ready=lambda: running() > 1):
        wait_until(lambda: receiver.events, what="the alert")
        assert gateway.stop() == 0
    (firing,) = receiver.events
    assert (firing["type"], firing["subject"]) == ("cn.carbongate.alert.firing", "carbongate")
    data = firing["data"]
    assert (data["rule"], data["severity"], data["value"], data["limit"]) == ("conservation", "critical", 3, 0)
    assert data["name_zh"] == "数据守恒被破坏：网关缺陷" and data["name"] == "Data unaccounted for: a defect of the gateway"
    assert "sink far: " in data["note"]
    (shown,) = alerts(config)
    assert (shown["state"], shown["rule"], shown["subject"], shown["id"]) == ("firing", "conservation", "carbongate", data["id"])

    audits = gateway.output().count("conservation is broken")
    with gateway.start(ready=lambda: running() > 2):  # it goes on over a restart, and nobody is told twice
        wait_until(lambda: gateway.output().count("conservation is broken") > audits, what="the audit")
        assert gateway.stop() == 0
    assert len(receiver.events) == 1

    with sqlite3.connect(tmp_path / "taken.db") as taken:
        taken.execute("ATTACH ? AS store", (str(tmp_path / "store" / "carbongate.db"),))
        taken.execute("INSERT INTO store.journal SELECT * FROM journal")
    with gateway.start(ready=lambda: running() > 3):
        wait_until(lambda: len(receiver.events) == 2, what="its end")
        assert gateway.stop() == 0
    over = receiver.events[1]
    assert (over["type"], over["data"]["id"]) == ("cn.carbongate.alert.resolved", data["id"])
    assert receiver.faults == []
    assert carbongate("conservation", config).returncode == 0


def test_its_rule_is_nobody_elses(tmp_path):
    config = tmp_path / "site.yaml"
    config.write_text(SITE.format(broker=1883, nobody=8086, desk=8080) + """alerts:
  rules: [{id: conservation, points: [press.energy], above: 1}]
""")
    (tmp_path / "desk.secret").write_text(SECRET + "\n")
    (tmp_path / "desk.secret").chmod(0o600)
    told = carbongate("check", config)
    assert told.returncode == 78, told.stderr
    assert "alerts.rules[0].id: 'conservation' is a rule of the gateway's own, which is always there; name this one otherwise" in told.stderr
    chosen = config.read_text().split("alerts:\n")[0].replace("rows: [alerts]", "rows: [alerts], rules: [conservation]")
    config.write_text(chosen)
    assert carbongate("check", config).returncode == 0, "a sink may choose it"
