"""Stack analysers that speak HJ 212 to the whole gateway: values with their marks, answers once they are on disk, and peers that
send anything."""

import json
import os
import socket
import subprocess
import time

import pytest
from api_site import request
from harness import CARBONGATE, Process, accepts, free_port, wait_until
from hj212_logger import Logger, packet

NOW = int(time.time()) // 3600 * 3600 - 7200  # two hours ago


def stamp(seconds):
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(NOW + seconds + 8 * 3600))  # loggers tell Beijing time


def write_config(path, port, **device):
    points = [{"name": "co2", "factor": "a05001", "unit": "mg/m3"},
              {"name": "electricity", "factor": "i33201", "unit": "kWh", "kind": "cumulative", "power_max": "2 MW"},
              {"name": "mass", "factor": "a05001", "field": "Cou", "period": "hour", "unit": "kg", "stale_after": "7d"}]
    path.write_text(json.dumps({  # JSON is YAML
        "site": {"id": "works", "timezone": "Asia/Shanghai", "grid_region": "CN-SC"},
        "devices": [{"id": "stack", "driver": "hj212", "listen": f"127.0.0.1:{port}", "mn": "010000A8900016F000169DC0",
                     "password_env": "STACK_PW", "interval": "5min", "points": points, **device}],
        "energy_users": [{"id": "boiler", "consumes": [{"carrier": "electricity", "from": "stack.electricity"}]}],
        "store": {"path": str(path.parent / "store")}}))
    return path


ENVIRONMENT = {"STACK_PW": "123456"}


def export(config, what):
    done = subprocess.run([CARBONGATE, "export", config, "--what", what, "--format", "jsonl"], check=True, capture_output=True,
                          text=True, env={**os.environ, **ENVIRONMENT})
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def gateway(tmp_path):
    port = free_port()
    config = write_config(tmp_path / "works.yaml", port)
    process = Process([CARBONGATE, "run", config], tmp_path / "gateway.log", env=ENVIRONMENT)
    with process.start(ready=lambda: "listening" in process.output()):
        process.port, process.config = port, config
        yield process


def test_values_are_answered_when_they_are_on_disk_and_accounted_by_their_marks(gateway):
    with Logger(gateway.port) as logger:
        for k in range(13):  # an hour, every five minutes
            flag = "M" if k == 5 else "N"
            logger.send(packet(f"DataTime={stamp(300 * k)};a05001-Rtd={235000 + k}.5,a05001-Flag={flag};"
                               f"i33201-Rtd={1000 + 10 * k},i33201-Flag={flag}", qn=f"202608011200{k:02}001"))
            answer = logger.answer()
            assert (answer["CN"], answer["ST"], answer["QN"], answer["Flag"], answer["CP"]) == (
                "9014", "91", f"202608011200{k:02}001", "4", "&&&&")
            assert len(export(gateway.config, "readings")) >= 2 * (k + 1), "answered, and not on disk"
        logger.send(packet(f"DataTime={stamp(0)};a05001-Cou=83923.2,a05001-Avg=1,a05001-Flag=N", command="2061"))
        assert logger.answer()["CN"] == "9014"
        logger.send(packet("", command="1013"))
        assert logger.answer()["CN"] == "9013", "it asks for the time, and is told that it was heard"
        logger.send(packet(f"DataTime={stamp(4000)};i33201-Rtd=2000", flag=4))  # wants no answer
        wait_until(lambda: len(export(gateway.config, "readings")) == 28, what="the last one")
    gateway.kill()  # what was answered is there
    rows = export(gateway.config, "readings")
    co2 = [row for row in rows if row["point"] == "co2"]
    assert [row["value"] for row in co2] == [235000.5 + k for k in range(13)]
    assert [row["hj212_flag"] for row in co2] == ["N"] * 5 + ["M"] + ["N"] * 7
    (mass,) = [row for row in rows if row["point"] == "mass"]
    assert mass["value"] == 83923.2 and mass["unit"] == "kg"
    assert mass["time"] == time.strftime("%Y-%m-%dT%H:%M:%S+08:00", time.gmtime(NOW + 3600 + 8 * 3600)), "at its period's end"
    amounts = [row["amount"] for row in export(gateway.config, "intervals") if row["point"] == "electricity"]
    assert sum(map(float, amounts)) == 120, "in the four quarter hours that are over"


@pytest.mark.parametrize("what,data", [
    ("noise", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("a wrong CRC", packet("DataTime=20260801120000;a05001-Rtd=1")[:-6] + b"0000\r\n"),
    ("an endless length", b"##9999" + b"x" * 5000),
    ("a length that is none", b"##-001" + b"\x00" * 100),
    ("no CR LF", b"##0010" + b"QN=1;CN=20" + b"1C80" + b"xx"),
    ("an unknown MN", packet("DataTime=20260801120000;a05001-Rtd=1", mn="OTHER")),
    ("a wrong password", packet("DataTime=20260801120000;a05001-Rtd=1", pw="654321")),
    ("a command to us", packet("SystemTime=20260801120000", command="1012")),
    ("no number", packet(f"DataTime={stamp(0)};a05001-Rtd=abc", flag=4)),
    ("no time", packet("a05001-Rtd=1", flag=4)),
    ("half a packet", packet("DataTime=20260801120000;a05001-Rtd=1")[:40]),
])
def test_whatever_a_peer_sends_others_are_heard(gateway, what, data):
    with Logger(gateway.port) as odd:
        odd.send(data)
        with Logger(gateway.port) as logger:
            logger.send(packet(f"DataTime={stamp(0)};a05001-Rtd=235000.5"))
            assert logger.answer()["CN"] == "9014", what
        if what in ("a command to us", "no number", "no time"):
            assert odd.is_closed(), "a logger has one connection, the newest"
            wait_until(lambda: "two devices have that MN" in gateway.output(), what="a warning")
        elif what not in ("an endless length", "half a packet"):
            odd.send(packet(f"DataTime={stamp(300)};a05001-Rtd=235001.5", qn="20260801120500001"))
            assert odd.answer()["QN"] == "20260801120500001", f"{what}: the same connection is still good"
    assert gateway.running()
    of_what_was_said = {None} if what == "no number" else set()
    assert {row["value"] for row in export(gateway.config, "readings")} <= {235000.5, 235001.5} | of_what_was_said
    assert gateway.stop() == 0
    if what not in ("half a packet", "a command to us"):
        assert " warning hj212 127.0.0.1:" in gateway.output()


def test_a_logger_that_closes_its_side_is_answered_all_the_same(gateway):
    with Logger(gateway.port) as logger:
        logger.send(packet(f"DataTime={stamp(0)};a05001-Rtd=235000.5"))
        logger.socket.shutdown(socket.SHUT_WR)
        assert logger.answer()["CN"] == "9014"
        assert logger.is_closed()


def test_an_answer_that_would_be_no_packet_is_not_given(gateway):
    with Logger(gateway.port) as logger:
        logger.send(packet(f"DataTime={stamp(0)};a05001-Rtd=1", qn="2" * 800))
        logger.send(packet(f"DataTime={stamp(300)};a05001-Rtd=2", qn="20260801120000002"))
        assert logger.answer()["QN"] == "20260801120000002"
    assert len(export(gateway.config, "readings")) == 2, "it was read all the same"


def test_a_flood_of_garbage_or_of_connections_is_cut_off(gateway):
    with Logger(gateway.port) as garbage:
        with pytest.raises(OSError):
            while True:
                garbage.send(b"##xxxx" * 1000)
    many = [Logger(gateway.port) for _ in range(80)]
    try:
        assert wait_until(lambda: many[79].is_closed(), what="the last one being refused")
        many[0].send(packet(f"DataTime={stamp(0)};a05001-Rtd=235000.5"))
        assert many[0].answer()["CN"] == "9014"
    finally:
        for logger in many:
            logger.socket.close()

    def is_heard():
        with Logger(gateway.port) as logger:
            logger.send(packet(f"DataTime={stamp(300)};a05001-Rtd=235001.5"))
            try:
                return logger.answer()["CN"] == "9014"
            except (AssertionError, ConnectionError):
                return False
    wait_until(is_heard, what="there being room again")
    assert gateway.stop() == 0


def test_one_address_cannot_hold_all_connections(gateway):
    many = [Logger(gateway.port) for _ in range(70)]
    try:
        assert all(logger.is_closed() for logger in many[16:]), "beyond its share"
        for source, second in (("127.0.0.2", 0), ("127.0.0.1", 300)):  # another address, and one that was there before
            logger = Logger(gateway.port, source=source) if second == 0 else many[15]
            logger.send(packet(f"DataTime={stamp(second)};a05001-Rtd=235000.5", qn=f"20260801120000{second:03}"))
            assert logger.answer()["CN"] == "9014", source
            logger.socket.close()
    finally:
        for logger in many:
            logger.socket.close()
    assert gateway.stop() == 0
    [line] = [line for line in gateway.output().splitlines() if "refused: of 127.0.0.1 16 connections are open" in line]
    assert " warning hj212 127.0.0.1:" in line and "1 refused so far" in line


def test_read_waits_for_the_next_packet_and_leaves_it_unanswered(tmp_path):
    port = free_port()
    config = write_config(tmp_path / "works.yaml", port)
    reading = subprocess.Popen([CARBONGATE, "read", config, "--json"], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, **ENVIRONMENT})

    def connect():
        try:
            return Logger(port, timeout=1)
        except OSError:
            return None
    with wait_until(connect, what="the port") as logger:
        logger.send(packet(f"DataTime={stamp(0)};a05001-Rtd=235000.5,a05001-Flag=C"))
        out, _ = reading.communicate(timeout=20)
    assert json.loads(out)["devices"] and "235000.5" in out


def test_a_device_is_connected_while_a_logger_that_speaks_for_it_is(tmp_path):
    """Of two at one port each for itself."""
    port, other_mn = free_port(), "010000A8900016F000169DC1"
    config = write_config(tmp_path / "works.yaml", port)
    made = json.loads(config.read_text())
    made["devices"].append({**made["devices"][0], "id": "other", "mn": other_mn})
    made["alerts"] = {"grace": "1s", "rules": [{"id": "cut-off", "devices": ["stack", "other"], "of": "connected", "for": "1s"}]}
    config.write_text(json.dumps(made))
    process = Process([CARBONGATE, "run", config], tmp_path / "gateway.log", env=ENVIRONMENT)

    def states():
        return [(alert["device"], alert["state"]) for alert in export(config, "alerts")]

    def speak(logger, mn=other_mn, qn="20260801120000001"):
        at = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 8 * 3600))
        logger.send(packet(f"DataTime={at};a05001-Rtd=1.5,a05001-Flag=N", qn=qn, mn=mn))
        logger.answer()
    with process.start(ready=lambda: "listening" in process.output()), Logger(port) as other:
        speak(other)
        with Logger(port) as logger:
            speak(logger, "010000A8900016F000169DC0")
        wait_until(lambda: states() == [("stack", "firing")], what="the alert, once its logger has gone")
        with Logger(port) as logger:
            speak(logger, "010000A8900016F000169DC0", "20260801120000002")
            wait_until(lambda: states() == [("stack", "firing"), ("stack", "resolved")], what="its end, once one is back")


def test_the_last_packets_are_shown_without_the_password(tmp_path):
    port, ops = free_port(), free_port()
    config = write_config(tmp_path / "works.yaml", port)
    config.write_text(json.dumps({**json.loads(config.read_text()), "ops": {"listen": f"127.0.0.1:{ops}"}}))
    process = Process([CARBONGATE, "run", config], tmp_path / "gateway.log", env=ENVIRONMENT)
    with process.start(ready=lambda: "listening" in process.output() and accepts(ops)), Logger(port) as logger:
        logger.send(packet("DataTime=20260801120000;a05001-Rtd=1", pw="654321"))
        logger.send(packet(f"DataTime={stamp(0)};a05001-Rtd=235000.5,a05001-Flag=N"))
        assert logger.answer()["CN"] == "9014"
        told = lambda method, path: request(ops, f"/api/v1/devices/stack/{path}", method=method)
        frames = wait_until(lambda: (all := json.loads(told("GET", "frames").body)["frames"]) and len(all) == 3 and all, what="two packets and an answer")
        assert [(frame["direction"], frame["trouble"]) for frame in frames] == [
            ("received", "its PW is another one"), ("received", ""), ("sent", "")]
        assert "PW=******;MN=010000A8900016F000169DC0" in frames[1]["text"] and "a05001-Rtd=235000.5" in frames[1]["text"]
        assert "CN=9014" in frames[2]["text"]
        assert all(frame["text"].endswith("&&****\r\n") for frame in frames), "nor the CRC, by which it could be found"
        assert b"123456" not in told("GET", "frames").body and b"654321" not in told("GET", "frames").body
        assert told("POST", "read").status == 409, "a logger sends by itself"
