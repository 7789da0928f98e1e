"""Alerts from readings to people: shown, acknowledged beside a running gateway, exported, the same when they are replayed."""

import csv
import io
import json
import subprocess
import time

from harness import CARBONGATE, Process, free_port, wait_until
from modbus_servers import libmodbus_tcp
from mqtt_servers import PASSWORD, USER, Mosquitto
from postgresql_servers import PostgreSQL

EX_USAGE, EX_DATAERR = 64, 65

CONFIG = """
site: {{id: works, name: 示范工厂, timezone: Asia/Shanghai, grid_region: CN-SC}}
brokers: {{plant: {{url: "mqtt://127.0.0.1:{port}"}}}}
devices:
  - id: incomer
    driver: mqtt
    broker: plant
    topic: plant/incomer
    interval: 1min
    timestamp: {{json: /t, format: epoch-ms}}
    points: [{{name: power, json: /p, unit: kW, kind: instantaneous}}]
energy_users: [{{id: hall, consumes: [{{carrier: electricity, from: incomer.power}}]}}]
store: {{path: store}}
alerts:
  rules:
    - {{id: overload, name: Transformer overload, name_zh: 变压器过载, severity: critical, points: [incomer.power], above: 800, for: 2min}}
    - {{id: peak, users: [hall], of: power, above: 700}}
    - {{id: waits, points: [incomer.power], above: 800, for: 1h, severity: info}}
"""
READINGS = [500, 800, 800, 500, 500, 900, 900, 900, 900, 900]
SINCE = "2026-01-01T08:05:00+08:00"


def carbongate(*args, status=0):
    result = subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, text=True)
    assert result.returncode == status, result.stdout + result.stderr
    return result


def make_site(folder, store="store"):
    config = folder / "site.yaml"
    config.write_text(CONFIG.format(port=free_port()))
    recording = folder / "morning.csv"
    lines = [f"2026-01-01T08:{n:02}:00+08:00,incomer.power,{kw}" for n, kw in enumerate(READINGS)]
    recording.write_text("time,point,value\n" + "\n".join(lines) + "\n")
    told = carbongate("replay", config, "--input", recording, "--store", folder / store).stdout
    return config, told


def alerts(config, *args):
    return json.loads(carbongate("alerts", config, "--format", "json", *args).stdout)


def exported(config, *args):
    return list(csv.DictReader(io.StringIO(carbongate("export", config, "--what", "alerts", *args).stdout)))


def test_what_fires_is_shown_and_acknowledged_while_the_gateway_runs(tmp_path):
    config, told = make_site(tmp_path)
    assert "4 changes of alerts 告警\n" in told
    assert "  2026-01-01T08:07:00+08:00  firing 触发  critical 严重  overload  incomer.power  900 > 800 kW  " in told
    shown = alerts(config)
    assert [(row["state"], row["rule"], row["subject"]) for row in shown] == [
        ("firing", "overload", "incomer.power"), ("firing", "peak", "hall/electricity"), ("pending", "waits", "incomer.power"),
        ("resolved", "peak", "hall/electricity")]
    overload = shown[0]
    assert (overload["since"], overload["value"], overload["limit"], overload["unit"]) == (SINCE, "900", "800", "kW")
    table = carbongate("alerts", config, "--lang", "zh").stdout
    assert "触发" in table and "变压器过载" in table and "待触发" in table and "严重" in table
    assert "Transformer overload" in carbongate("alerts", config).stdout

    identity = overload["id"]
    gateway = Process([CARBONGATE, "run", config], tmp_path / "gateway.log")
    with gateway.start(ready=lambda: "running" in gateway.output()):
        said = carbongate("alerts", config, "--acknowledge", identity, "--by", "李伟", "--note", "电工已到场").stderr
        assert "within a second" in said
        wait_until(lambda: alerts(config)[0]["state"] == "acknowledged", 20, "the acknowledgement being taken up")
        said = carbongate("alerts", config, "--acknowledge", identity, "--by", "王芳", status=EX_DATAERR).stderr
        assert f"alert {identity} was acknowledged by 李伟 at 20" in said
        assert gateway.stop() == 0
    (noted,) = [json.loads(line) for line in (tmp_path / "store/audit.jsonl").read_text().splitlines()]
    assert (noted["by"], noted["action"], noted["outcome"]) == ("command line", "acknowledge alert", "done")
    assert noted["user"] and noted["detail"] == f"{identity} by 李伟: 电工已到场", "what was refused is not in it"
    (first, *_) = alerts(config)
    assert (first["id"], first["by"], first["note"]) == (identity, "李伟", "电工已到场")
    changes = [(row["state"], row["revision"], row["by"]) for row in exported(config) if row["id"] == identity]
    assert changes == [("firing", "0", ""), ("acknowledged", "1", "李伟")]
    assert not list((tmp_path / "store/requests").iterdir())


def test_a_replay_gives_the_same_alerts(tmp_path):
    config, first = make_site(tmp_path, "one")
    config, second = make_site(tmp_path, "two")
    assert first.replace("/one", "") == second.replace("/two", "")
    assert exported(config, "--store", tmp_path / "one") == exported(config, "--store", tmp_path / "two")


def test_what_cannot_be_acknowledged_says_why(tmp_path):
    config, _ = make_site(tmp_path)
    resolved = next(row for row in alerts(config) if row["state"] == "resolved")
    for unknown in ("0000000000000000", resolved["id"]):
        said = carbongate("alerts", config, "--acknowledge", unknown, "--by", "Li", status=EX_DATAERR).stderr
        assert f"no alert '{unknown}' fires" in said
    firing = alerts(config)[0]["id"]
    carbongate("alerts", config, "--acknowledge", firing, status=EX_USAGE)
    carbongate("alerts", config, "--note", "why", status=EX_USAGE)
    carbongate("alerts", config, "--acknowledge", firing, "--by", "Li\nWang", status=EX_DATAERR)
    assert "is not one of table, csv, json" in carbongate("alerts", config, "--format", "jsn", status=EX_DATAERR).stderr
    assert alerts(config, "--recent", "0s")[-1]["state"] == "pending", "what ended before the newest change is left out"


def test_they_reach_a_database_once(tmp_path):
    config, _ = make_site(tmp_path)
    with PostgreSQL() as server:
        config.write_text(config.read_text() + f"sinks: [{{type: postgresql, name: db, url: '{server.url()}', rows: [alerts]}}]\n")
        query = """SELECT r.rule, r.point, r.energy_user, r.name_zh, a.alert, a.revision, a.state, a.severity, a.value, a.threshold, a.unit
                   FROM carbongate.alerts a JOIN carbongate.rules r ON r.id = a.rule_id ORDER BY a.time, r.rule"""
        gateway = Process([CARBONGATE, "run", config], tmp_path / "gateway.log")
        with gateway.start(ready=lambda: "running" in gateway.output()):
            wait_until(lambda: server.psql("SELECT to_regclass('carbongate.alerts')") and len(server.rows(query)) == 4, 20, "four changes")
            assert gateway.stop() == 0
        stored = [(row["rule"], row["alert"], str(row["revision"]), row["state"], row["severity"], row["unit"]) for row in server.rows(query)]
        said = [(row["rule"], row["id"], row["revision"], row["state"], row["severity"], row["unit"]) for row in exported(config)]
        assert sorted(stored) == sorted(said)
        overload = next(row for row in server.rows(query) if row["rule"] == "overload")
        assert (overload["point"], overload["energy_user"], overload["name_zh"]) == ("power", "", "变压器过载")
        assert (float(overload["value"]), float(overload["threshold"])) == (900, 800)


def test_a_sum_says_how_much_of_it_was_watched(tmp_path):
    """Of the day, until the value was that: nobody watched before 08:00."""
    config, _ = make_site(tmp_path, "unused")
    config.write_text(config.read_text() + "    - {id: day, users: [hall], of: energy, period: day, above: 50}\n")
    told = carbongate("replay", config, "--input", tmp_path / "morning.csv", "--store", tmp_path / "store").stdout
    rows = {row["rule"]: row for row in exported(config)}
    day = rows["day"]
    assert (day["period_begin"], day["period_end"]) == ("2026-01-01T00:00:00+08:00", "2026-01-02T00:00:00+08:00")
    minutes = int(day["time"][11:13]) * 60 + int(day["time"][14:16])
    assert day["coverage_percent"] == f"{(minutes - 480) / minutes * 100:.2f}".rstrip("0")
    assert [rows["overload"][name] for name in ("period_begin", "period_end", "coverage_percent")] == ["", "", ""]
    shown = next(row for row in alerts(config) if row["rule"] == "day")
    assert [shown[name] for name in ("period_begin", "period_end", "coverage_percent")] == \
        [day[name] for name in ("period_begin", "period_end", "coverage_percent")]
    assert f" > 50 kWh ({day['coverage_percent']} % watched)" in told
    text = carbongate("alerts", config, "--lang", "zh").stdout
    assert f" > 50 kWh (覆盖率 {day['coverage_percent']}%)" in text and "2026-01-01T00:00:00+08:00 至 2026-01-02T00:00:00+08:00" in text
    with PostgreSQL() as server:
        config.write_text(config.read_text() + f"sinks: [{{type: postgresql, name: db, url: '{server.url()}', rows: [alerts]}}]\n")
        query = "SELECT a.* FROM carbongate.alerts a JOIN carbongate.rules r ON r.id = a.rule_id WHERE r.rule = 'day'"
        gateway = Process([CARBONGATE, "run", config], tmp_path / "gateway.log")
        with gateway.start(ready=lambda: "running" in gateway.output()):
            wait_until(lambda: server.psql("SELECT to_regclass('carbongate.alerts')") and server.rows(query), 20, "the alert")
            (stored,) = server.rows(query)
            assert float(stored["coverage_percent"]) == float(day["coverage_percent"])
            whole = server.psql("SELECT count(*) FROM carbongate.alerts WHERE extract(epoch FROM period_end - period_begin) = 86400")
            assert whole == "1", "of the others there is none"
            assert gateway.stop() == 0


def test_what_came_late_is_told_for_the_time_it_held(tmp_path, monkeypatch):
    monkeypatch.setenv("MQTT_PASSWORD", PASSWORD)
    config, _ = make_site(tmp_path, "unused")
    with Mosquitto(tmp_path / "broker") as broker:
        text = config.read_text()
        place = text.index("mqtt://")
        url = text[place:text.index('"', place)]
        config.write_text(text.replace(f'"{url}"', f'"mqtt://127.0.0.1:{broker.port}", username: {USER}, password_env: MQTT_PASSWORD')
                          + "corrections: {quiet: 500ms}\n")
        now = int(time.time()) // 60 * 60
        gateway = Process([CARBONGATE, "run", config], tmp_path / "gateway.log")

        def publish(minutes, power):
            broker.publish_lines("plant/incomer", [json.dumps({"t": (now + 60 * m) * 1000, "p": power}) for m in minutes])

        def told():
            return [(row["state"], row["rule"], row["cause"]) for row in exported(config) if row["rule"] == "overload"]

        with gateway.start(ready=lambda: "running" in gateway.output()):
            wait_until(lambda: "plant/incomer" in broker.output(), 20, "the subscription")
            publish((-60, -50, -40, -30, -20, -10), 500)
            publish((-45, -44, -43), 900)  # an alert from -45 to -40
            wait_until(lambda: len(told()) == 2, 20, "what came late")
            assert told() == [("firing", "overload", "late-data"), ("resolved", "overload", "late-data")]
            publish((-42, -43.5), 500)  # it held for a minute and a half, at most
            wait_until(lambda: len(told()) == 3, 20, "what came later still")
            gateway.kill()
        with gateway.start(ready=lambda: "running" in gateway.output()):
            publish((-25, -24, -23, -22), 900)
            wait_until(lambda: len(told()) == 5, 20, "what came after the restart")
            assert gateway.stop() == 0
        assert told()[2:] == [("withdrawn", "overload", "late-data"), ("firing", "overload", "late-data"), ("resolved", "overload", "late-data")]
        changes = [(row["since"], row["time"]) for row in exported(config) if row["rule"] == "overload"]
        assert changes[0][0] == changes[2][0] != changes[3][0]


DEVICES = """
site: {{id: works, timezone: Asia/Shanghai, grid_region: CN-SC}}
devices:
{meters}
energy_users: []
store: {{path: store}}
alerts:
  rules:
    - {{id: lost, name_zh: 设备无应答, devices: ["m*"], of: answering}}
    - {{id: line, name_zh: 线路中断, severity: critical, group: [lost], above: 2, for: 1s}}
"""


def test_meters_that_stop_answering_are_told_and_those_of_a_line_once_together(tmp_path):
    server = libmodbus_tcp(tmp_path / "server.log")
    meters = "\n".join(f'  - {{id: m{unit}, driver: modbus-tcp, address: "127.0.0.1:{server.port}", unit: {unit}, interval: 200ms, timeout: 300ms, '
                       "registers: [{name: energy, function: 3, address: 0, type: uint32, unit: kWh, kind: cumulative}]}" for unit in range(1, 5))
    config = tmp_path / "site.yaml"
    config.write_text(DEVICES.format(meters=meters))
    gateway = Process([CARBONGATE, "run", config], tmp_path / "gateway.log")

    def states():
        return sorted((row["rule"], row["subject"], row["state"]) for row in alerts(config))
    with server.start(ready=server.ready), gateway.start(lambda: "running: site" in gateway.output()):
        wait_until(lambda: {row["device"] for row in readings(config)} == {"m1", "m2", "m3", "m4"}, what="readings of all")
        assert states() == []
        server.kill()
        told = [("line", "firing")] + [("lost", "firing")] * 4
        wait_until(lambda: [(rule, state) for rule, _, state in states()] == told, 30, "the alerts of four meters and of all of them")
        notice = next(row for row in alerts(config) if row["rule"] == "line")
        named = [unit for unit in range(1, 5) if f"m{unit}" in notice["note"]]
        assert len(named) >= 3 and int(notice["value"]) == len(named), notice
        with server.start(ready=server.ready):
            wait_until(lambda: {state for _, _, state in states()} == {"resolved"}, 60, "the end of all of them")
    points = {row["point"] for row in readings(config)}
    assert points == {"energy", "health_answering"}, "what drivers say is kept, for replays"


def readings(config):
    return list(csv.DictReader(io.StringIO(carbongate("export", config, "--what", "readings").stdout)))
