"""The kernel limits the memory of the gateway: to what `memory.max` says it does with, and then to what it has, so that it is denied
the next page, whoever asks for it. A broker feeds at QoS 1, meters are polled ten times a second, and the sink is out of reach.
From the start on it may have too little even for its threads, or for the files that it needs open.
"""

import json
import os
import random
import resource
import subprocess
import time
import types

from endless_feed import BROKER_OPTIONS, Feed, accounts, assert_sound, wait_for_all
from harness import BUILD, CARBONGATE, Process, free_port, wait_until
from mqtt_park import ENVIRONMENT, gateway_process, write_config
from mqtt_servers import Mosquitto
from test_kill_under_load import assert_far_end_holds_the_export, assert_polled_as_told, write_site
from tsdb_servers import VictoriaMetrics

MEMORY_MAX = 64 << 20  # the least that can be configured
SHORTAGES = int(os.environ.get("CARBONGATE_SHORTAGES", "3"))
SEED = int(os.environ.get("CARBONGATE_SHORTAGE_SEED") or random.randrange(1_000_000))
BACKLOG = 2_000  # readings
DENIED = "the system denies further memory"
START_LIMITS = [*range(20, 100, 4), *range(100, 201, 20)]  # MiB
FILE_LIMITS = range(4, 41)


def kilobytes(process, name):
    """Of /proc/PID/status: VmHWM is the most that was in memory, VmData what the process has for itself, stacks included."""
    with open(f"/proc/{process.child.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name + ":"))


def allow(process, kilobytes_):
    resource.prlimit(process.child.pid, resource.RLIMIT_DATA, (kilobytes_ << 10, kilobytes_ << 10))


def test_the_limit_is_held_and_a_shortage_loses_nothing(tmp_path):
    print(f"CARBONGATE_SHORTAGE_SEED={SEED}")
    chance = random.Random(SEED)
    port = free_port()
    meters = Process([BUILD / "tests" / "bench" / "modbus_load_server", port], tmp_path / "meters.log")
    victoria = VictoriaMetrics(tmp_path / "victoria")
    with Mosquitto(tmp_path / "broker", options=BROKER_OPTIONS) as broker, meters.start(ready=lambda: "ready" in meters.output()):
        config = write_site(tmp_path / "park.yaml", broker, victoria, port)
        config.write_text(json.dumps({**json.loads(config.read_text()), "memory": {"max": "64MiB"}}))
        feed = Feed(broker, config, SEED, ahead=300)
        gateway = gateway_process(tmp_path, config)
        try:
            with gateway.start(ready=lambda: "new session" in gateway.output()):
                allow(gateway, MEMORY_MAX >> 10)
                feed.start()
                wait_until(lambda: feed.journal.readings() > BACKLOG, 60, "a backlog")
                most, data = kilobytes(gateway, "VmHWM"), kilobytes(gateway, "VmData")
                print(f"{BACKLOG} readings wait; at most {most >> 10} MiB in memory, {data >> 10} MiB of its own")
                assert gateway.running() and most < MEMORY_MAX >> 10
                assert "drivers wait until there is less" not in gateway.output()

                for number in range(1, SHORTAGES + 1):
                    allow(gateway, kilobytes(gateway, "VmData") + chance.choice([0, 4, 64]))
                    begun = time.monotonic()
                    wait_until(lambda: not gateway.running(), 60, "being denied memory")
                    print(f"denied memory after {time.monotonic() - begun:.1f} s")
                    assert gateway.child.returncode == os.EX_OSERR and gateway.output().count(DENIED) == number, gateway.output()[-2000:]
                    gateway.start(ready=lambda number=number: gateway.output().count("connected, MQTT") > number, timeout=30)

                feed.stop()
                wait_for_all(config, feed)
                with victoria:
                    wait_until(lambda: all(account["waiting"] < 200 for account in accounts(config)), 120, "the far end having the backlog")
                    meters.stop()
                    assert gateway.stop() == 0
                    assert_far_end_holds_the_export(victoria, config)
        finally:
            feed.stop()
        assert_sound(config, feed, tmp_path)
        print(f"{feed.count()} messages, {assert_polled_as_told(config)} polled readings")


def start_within(tmp_path, kind, limits, unit=1):
    """Starts with each of the limits; {limit: what was said of a denial, None of a start that had enough}."""
    nobody = types.SimpleNamespace(port=free_port())
    sinks = [{"url": f"http://localhost:{free_port()}/write"}, {"type": "file", "name": "archive", "path": str(tmp_path / "archive")}]
    config = write_config(tmp_path / "park.yaml", nobody, sinks, ops={"listen": f"127.0.0.1:{free_port()}"})
    said = {}
    for limit in limits:
        most = limit * unit
        run = subprocess.run([CARBONGATE, "run", config, "--for", "300ms"], capture_output=True, text=True, timeout=60,
                             env={**os.environ, **ENVIRONMENT},
                             preexec_fn=lambda: resource.setrlimit(kind, (most, most)))  # noqa: B023
        assert run.returncode in (0, os.EX_OSERR), (limit, run.returncode, run.stderr[-500:])
        said[limit] = None
        if run.returncode == os.EX_OSERR:  # another thread may log a line behind it
            lines = [line for line in run.stderr.splitlines() if "the system denies" in line]
            assert len(lines) == 1, (limit, run.stderr[-1000:])
            said[limit] = lines[0]
    print({limit: line and line[:60] for limit, line in said.items()})
    assert said[limits[0]] is not None and said[limits[-1]] is None
    return said


def test_whatever_a_start_is_denied_it_says_what_to_do(tmp_path):
    for line in filter(None, start_within(tmp_path, resource.RLIMIT_DATA, START_LIMITS, 1 << 20).values()):
        assert line.startswith("carbongate: the system denies further memory") or "denies a further thread" in line, line
        assert "Allow it more" in line


def test_a_start_that_is_denied_files_says_so(tmp_path):
    for line in filter(None, start_within(tmp_path, resource.RLIMIT_NOFILE, FILE_LIMITS).values()):
        assert "the system denies further open files" in line and "(ulimit -n, LimitNOFILE=)" in line, line
