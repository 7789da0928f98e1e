"""deploy/quickstart as a stranger runs it, except that the programs are already built."""

import os
import re
import signal
import socket
import urllib.request
from pathlib import Path

import pytest

from harness import BUILD, SOURCE, Process, accepts, free_port, wait_until

QUICKSTART = SOURCE / "deploy" / "quickstart"


class Quickstart:
    """One run with ports and a temporary folder of its own."""

    def __init__(self, tmp_path, *options):
        self.ports = {name: free_port() for name in ("dashboard", "modbus", "mqtt", "victoria-metrics")}
        self.temporary = tmp_path / "temporary"
        self.temporary.mkdir(exist_ok=True)
        args = [QUICKSTART, *options]
        for name, port in self.ports.items():
            args += [f"--{name}-port", port]
        # From a directory that is not the repository.
        self.process = Process(
            args,
            tmp_path / "quickstart.log",
            env={"CARBONGATE_BUILD": str(BUILD.resolve()), "TMPDIR": str(self.temporary)},
            cwd=tmp_path,
        )

    def start(self):
        self.process.start()
        return self

    def start_and_run(self):
        """Starts it and waits until the live table shows readings."""
        self.process.start(ready=self.runs, timeout=30)
        return self

    def wait(self, timeout=60):
        return self.process.child.wait(timeout)

    def output(self):
        return self.process.output()

    def runs(self):
        return re.search(r"readings [1-9]", self.output())

    def left_behind(self):
        """What should not be there any more: listeners, files, processes that name our temporary folder or ports."""
        listeners = [name for name, port in self.ports.items() if accepts(port)]
        files = [str(path) for path in self.temporary.iterdir()]
        return listeners + files + processes_that_mention(str(self.temporary))


def processes_that_mention(text):
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue  # it ended while we looked
        if text in command and int(process.name) != os.getpid():
            found.append(command)
    return found


@pytest.fixture
def quickstart(tmp_path):
    started = []

    def make(*options):
        run = Quickstart(tmp_path, *options)
        started.append(run)
        return run

    yield make
    for run in started:
        if run.process.running():
            run.process.stop(20)


def test_it_ends_by_itself_with_a_summary(quickstart):
    run = quickstart("--for", "12s").start()
    assert run.wait() == 0, run.output()
    output = run.output()
    last_table = output.split("Summary")[0]
    for user in ("rolling-shop 轧钢车间", "press-shop 冲压车间", "air-station 空压站", "dormitory 员工宿舍"):
        last = [line for line in last_table.splitlines() if line.startswith(user) and "electricity" in line][-1]
        power, energy, co2e = re.search(r"(-?[0-9.]+) kW +([0-9.]+) kWh +-?[0-9.]+ +([0-9.]+)(?: +[0-9.]+ %)?$", last.rstrip()).groups()
        if "dormitory" not in user:  # the sun may feed it
            assert float(power) > 0 and float(energy) > 0 and float(co2e) > 0, last
    assert f"127.0.0.1:{run.ports['modbus']}" in output and f"127.0.0.1:{run.ports['mqtt']}" in output
    assert re.search(r"devices 7/7 online", output), output
    assert re.search(r"Summary\n.*\n +gateway +[1-9][0-9]* readings collected", output), output
    assert run.left_behind() == []


def test_it_forwards_to_victoria_metrics_and_counts_the_series_there(quickstart):
    run = quickstart("--for", "10s", "--with-victoria-metrics").start()
    assert run.wait(90) == 0, run.output()
    series = re.search(r"VictoriaMetrics ([0-9]+) series found", run.output())
    assert series and int(series.group(1)) > 20, run.output()
    assert run.left_behind() == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_and_leaves_nothing_behind(quickstart, how):
    run = quickstart().start_and_run()
    assert accepts(run.ports["modbus"]) and accepts(run.ports["mqtt"])
    with urllib.request.urlopen(f"http://127.0.0.1:{run.ports['dashboard']}/", timeout=10) as page:
        assert page.status == 200 and "CarbonGate" in page.read().decode()
    run.process.child.send_signal(how)
    assert run.wait(20) == 0, run.output()
    assert "Summary" in run.output()
    assert run.left_behind() == []


def test_killed_outright_it_still_leaves_no_process(quickstart):
    run = quickstart().start_and_run()
    run.process.kill()
    listeners = lambda: [port for port in run.ports.values() if accepts(port)]  # noqa: E731
    wait_until(lambda: not listeners() and not processes_that_mention(str(run.temporary)), what="the end of all processes")


@pytest.mark.parametrize("name", ["dashboard", "modbus", "mqtt", "victoria-metrics"])
def test_a_port_that_is_taken_is_named_and_nothing_is_started(quickstart, name):
    run = quickstart("--for", "5s", "--with-victoria-metrics")
    with socket.create_server(("127.0.0.1", run.ports[name])):
        run.start()
        assert run.wait(20) == 1
    assert f"port {run.ports[name]} on 127.0.0.1 is taken" in run.output()
    assert f"--{name}-port PORT" in run.output()
    assert run.left_behind() == []


def test_a_process_that_ends_on_its_own_is_named_and_the_rest_is_ended(quickstart):
    run = quickstart().start_and_run()
    broker = [p for p in Path("/proc").glob("[0-9]*") if mosquitto_of(run, p)]
    assert len(broker) == 1
    os.kill(int(broker[0].name), signal.SIGKILL)
    assert run.wait(20) == 1
    assert "mosquitto ended unexpectedly" in run.output()
    assert run.left_behind() == []


def mosquitto_of(run, process):
    try:
        command = (process / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return False
    return command.startswith("mosquitto\0") and str(run.temporary) in command


@pytest.mark.parametrize("options", [["--for", "soon"], ["--modbus-port", "0"], ["--modbus-port", "70000"], ["--nonsense"]])
def test_a_mistake_on_the_command_line_is_said(tmp_path, options):
    process = Process([QUICKSTART, *options], tmp_path / "log").start()
    assert process.child.wait(10) == 64
    assert "Try deploy/quickstart --help" in process.output()


def test_the_help_has_examples(tmp_path):
    process = Process([QUICKSTART, "--help"], tmp_path / "log").start()
    assert process.child.wait(10) == 0
    assert "Examples:" in process.output()
