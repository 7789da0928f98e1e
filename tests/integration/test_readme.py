"""The README's commands, run as written: its configuration against the simulated park, its outputs compared where they are
the same each time."""

import os
import re
import subprocess

import pytest
from harness import BUILD, SOURCE, Process, accepts, free_port

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


def test_the_files_that_the_page_points_to_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (SOURCE / target).exists(), target
