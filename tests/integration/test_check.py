"""`carbongate check` as a person runs it: every problem at once, exit status 78, nothing opened or written."""

import os
import socket
import subprocess

import pytest

from harness import CARBONGATE, SOURCE

EXAMPLES = sorted((SOURCE / "config" / "examples").glob("*.yaml"))


def check(file, **environment):
    return subprocess.run(
        [CARBONGATE, "check", file], capture_output=True, text=True, timeout=30, env={**os.environ, **environment}
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_is_right(example):
    result = check(example, CARBONGATE_MQTT_PASSWORD="s3cret-of-the-test")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("site: ")
    assert "s3cret-of-the-test" not in result.stdout + result.stderr


def test_the_demos_park_is_right_without_a_warning(tmp_path):
    text = (SOURCE / "deploy" / "demo" / "park.yaml.in").read_text()
    for name, value in {"@DASHBOARD_PORT@": "8080", "@MQTT_PORT@": "1883", "@MODBUS_PORT@": "502", "@STORE@": "data", "# @SINKS@": ""}.items():
        assert name in text
        text = text.replace(name, value)
    config = tmp_path / "park.yaml"
    config.write_text(text)
    result = check(config)
    assert (result.returncode, result.stderr) == (0, "")


def test_there_are_examples():
    assert len(EXAMPLES) >= 3


def test_all_problems_are_reported_at_once(tmp_path):
    config = tmp_path / "park.yaml"
    config.write_text(
        "site: {id: Park 1, timezone: Asia/Shangai, grid_region: CN-SC}\n"
        "devices:\n"
        '  - {id: meter, driver: modbus-tpc, address: "127.0.0.1:502", unit: 1, profile: eastron-sdm630}\n'
        "energy_users:\n"
        "  - {id: hall, consumes: [{carrier: electricty, from: gone.energy}]}\n"
        "stoer: {path: data}\n"
    )
    result = check(config)
    assert result.returncode == 78
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    for expected in [
        ":1:12: error: site.id: 'Park 1' is not an id",
        ":1:30: error: site.timezone: unknown time zone 'Asia/Shangai'; did you mean 'Asia/Shanghai'?",
        ":3:25: error: devices[0].driver: unknown driver 'modbus-tpc'; did you mean 'modbus-tcp'?",
        ":5:37: error: energy_users[0].consumes[0].carrier: unknown carrier 'electricty'; did you mean 'electricity'?",
        ":5:55: error: energy_users[0].consumes[0].from: unknown point 'gone.energy'",
        ":6:1: error: unknown key 'stoer'; did you mean 'store'?",
    ]:
        assert any(line.startswith(f"{config}{expected}") for line in lines), (expected, result.stderr)
    assert lines[-1].startswith(f"{config}: ") and "errors" in lines[-1]


def test_a_syntax_error_stands_alone(tmp_path):
    config = tmp_path / "park.yaml"
    config.write_text("site: {id: a\ndevices: [\n")
    result = check(config)
    assert result.returncode == 78
    assert result.stderr.count(" error: ") == 1
    assert result.stderr.startswith(f"{config}:")


def test_a_missing_file_is_named(tmp_path):
    result = check(tmp_path / "gone.yaml")
    assert result.returncode == 78
    assert "gone.yaml: error: cannot read" in result.stderr


def test_nothing_is_opened_or_written(tmp_path):
    """The meter's port is listened on: a check that connected would be seen."""
    with socket.socket() as meter:
        meter.bind(("127.0.0.1", 0))
        meter.listen()
        meter.setblocking(False)
        port = meter.getsockname()[1]
        config = tmp_path / "park.yaml"
        config.write_text(
            "site: {id: park, timezone: Asia/Shanghai, grid_region: CN-SC}\n"
            "devices:\n"
            f'  - {{id: meter, driver: modbus-tcp, address: "127.0.0.1:{port}", unit: 1, profile: eastron-sdm630}}\n'
            "store: {path: data}\n"
            f'sinks: [{{type: line-protocol, url: "http://127.0.0.1:{port}/write"}}]\n'
        )
        result = check(config)
        assert result.returncode == 0, result.stderr
        assert [file.name for file in tmp_path.iterdir()] == ["park.yaml"]
        with pytest.raises(BlockingIOError):
            meter.accept()
