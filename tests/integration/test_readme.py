"""The README's commands, run as written: its configuration against the simulated park, its outputs compared where they are
the same each time."""

import json
import os
import re
import subprocess
import time
from decimal import Decimal

import pytest
from harness import BUILD, CARBONGATE, SOURCE, Process, accepts, free_port, wait_until
from mqtt_servers import PASSWORD, Mosquitto
from tsdb_servers import VictoriaMetrics, http

README = (SOURCE / "README.md").read_text()
CHANGES_EACH_TIME = re.compile(r"carbongate (read|run|export meter\.yaml --what rollups)")


def blocks():
    """(language, text) of every fenced block of the page."""
    parts = re.split(r"^```(.*)\n", README, flags=re.MULTILINE)  # text, language, block, "", text, language, ...
    return list(zip(parts[1::4], parts[2::4]))


def block(containing):
    return next(text for _, text in blocks() if containing in text)


def console_commands():
    """(command, expected output) of every "$ " line, in the order of the page."""
    pairs = []
    for language, text in blocks():
        if language == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                pairs.append((command, output))
    return pairs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the page's files, beside a park that serves the meter of its configuration."""
    folder = tmp_path_factory.mktemp("readme")
    modbus = free_port()
    broker_port = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {broker_port} 127.0.0.1\nallow_anonymous true\n")
    broker = Process(["mosquitto", "-c", config], folder / "mosquitto.log")
    park = Process([BUILD / "park", "--modbus-port", modbus, "--mqtt-port", broker_port, "--data", SOURCE / "deploy/demo/data"],
                   folder / "park.log")
    with broker.start(ready=lambda: accepts(broker_port)), park.start(ready=lambda: "park ready" in park.output()):
        (folder / "meter.yaml").write_text(block("site: {id: workshop").replace("15020", str(modbus)))
        (folder / "day.csv").write_text(block("time,point,value\n2026-01-01"))
        yield folder, str(modbus)


def test_every_command_of_the_page_works_and_prints_what_the_page_says(folder):
    here, port = folder
    commands = console_commands()
    assert len(commands) >= 9
    environment = {**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}"}
    for command, expected in commands:
        result = subprocess.run(["bash", "-c", command], cwd=here, env=environment, capture_output=True, text=True,
                                timeout=60, check=False)
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
        printed = result.stdout.replace(port, "15020")
        if CHANGES_EACH_TIME.match(command):
            assert printed.split()[0] == expected.split()[0], command
        else:
            assert printed == expected, command


def test_the_problems_that_the_page_shows_are_the_ones_that_check_reports(folder):
    here, _ = folder
    wrong = here / "wrong"
    wrong.mkdir()
    (wrong / "meter.yaml").write_text((here / "meter.yaml").read_text().replace("address:", "adress:"))
    result = subprocess.run([BUILD / "carbongate", "check", "meter.yaml"], cwd=wrong, capture_output=True, text=True, check=False)
    assert result.returncode == 78
    for line in block("did you mean 'address'").strip().splitlines():
        assert line in result.stderr


def test_the_live_factor_that_the_page_shows_is_a_good_configuration(folder):
    here, _ = folder
    account = "from: incomer.active_energy_import"
    (here / "live-meter.yaml").write_text((here / "meter.yaml").read_text().replace(
        account, f"{account}\n        factor_set: grid-live\n        method: live"))
    (here / "live.yaml").write_text("include: live-meter.yaml\n" + block("driver: http"))
    result = subprocess.run([BUILD / "carbongate", "check", "live.yaml"], cwd=here, capture_output=True, text=True, check=False,
                            env={**os.environ, "GRID_TOKEN": "t0ken"})
    assert result.returncode == 0 and result.stderr == "", result.stderr
    assert "grid-live learns its values from grid.intensity while the gateway runs" in result.stdout, result.stdout


METERS = {  # of the query's test: user, carrier, unit
    "incomer-a": ("hall-1", "electricity", "kWh"),
    "incomer-b": ("hall-1", "electricity", "kWh"),
    "lathe": ("hall-2", "electricity", "kWh"),
    "boiler": ("boiler-house", "natural-gas", "Nm3"),
}
USERS = sorted({user for user, _, _ in METERS.values()})
ENVIRONMENT = {"MQTT_PASSWORD": PASSWORD}


def write_config(file, broker, sink_url):
    consumed = {user: [{"carrier": carrier, "from": f"{meter}.total"} for meter, (of, carrier, _) in METERS.items() if of == user]
                for user in USERS}
    file.write_text(json.dumps({  # JSON is YAML
        "site": {"id": "park", "timezone": "Asia/Shanghai", "grid_region": "CN-SC"},
        "brokers": {"plant": {"url": f"mqtt://127.0.0.1:{broker.port}", "username": "gateway",
                              "password_env": "MQTT_PASSWORD"}},
        "devices": [{"id": meter, "driver": "mqtt", "broker": "plant", "topic": f"park/{meter}",
                     "timestamp": {"json": "/t", "format": "epoch-s"},
                     "points": [{"name": "total", "json": "/total", "unit": unit, "kind": "cumulative"}]}
                    for meter, (_, _, unit) in METERS.items()],
        "energy_users": [{"id": user, "consumes": consumed[user]} for user in USERS],
        "store": {"path": str(file.parent / "store")},
        "sinks": [{"type": "line-protocol", "url": sink_url}],
    }))
    return file


def export(config, what):
    text = subprocess.run([CARBONGATE, "export", config, "--what", what, "--format", "jsonl"], check=True, capture_output=True,
                          text=True, env={**os.environ, **ENVIRONMENT}).stdout
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


def co2e_by_user(config):
    sums = dict.fromkeys(USERS, Decimal(0))
    for entry in export(config, "entries"):
        sums[entry["user"]] += Decimal(entry["co2e_kg"])
    return sums


def test_the_query_that_the_page_shows_returns_what_the_accounts_say(tmp_path):
    """Its host and port are replaced by those of the test's server, nothing else."""
    minutes = 180
    end_s = int(time.time()) // 60 * 60
    with Mosquitto(tmp_path / "broker") as broker, VictoriaMetrics(tmp_path / "victoria") as victoria:
        config = write_config(tmp_path / "site.yaml", broker, victoria.write_url)
        gateway = Process([CARBONGATE, "run", config], tmp_path / "gateway.log", env=ENVIRONMENT)
        with gateway.start(ready=lambda: "connected, MQTT" in gateway.output()):
            for k, meter in enumerate(METERS, 1):
                broker.publish_lines(f"park/{meter}", [json.dumps({"t": end_s - 60 * (minutes - n), "total": n * k * 0.137})
                                                       for n in range(minutes + 1)])
            wait_until(lambda: len(export(config, "readings")) == (minutes + 1) * len(METERS), what="all readings")
            expected = co2e_by_user(config)
            assert all(expected.values())

            command = block("api/v1/query")
            assert "http://127.0.0.1:8428/" in command
            command = command.replace("127.0.0.1:8428", f"127.0.0.1:{victoria.port}")

            def answer():
                http(victoria.url + "/internal/force_flush")  # new series would be visible some seconds later only
                text = subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True, timeout=20).stdout
                # Sums of binary fractions there, exact milligrams here.
                return {row["metric"]["user"]: round(Decimal(row["value"][1]), 6) for row in json.loads(text)["data"]["result"]}

            wait_until(lambda: answer() == expected, 30, f"the query returning {expected}")
            assert gateway.stop() == 0


def test_the_files_that_the_page_points_to_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (SOURCE / target).exists(), target
