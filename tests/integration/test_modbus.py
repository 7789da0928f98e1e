"""The Modbus driver against servers on libmodbus and pymodbus: over TCP, over a serial line, and through both at once."""

import json
import socket
import subprocess
import time

import pytest

from harness import CARBONGATE, Process, free_port, wait_until
from modbus_servers import libmodbus_rtu, libmodbus_tcp, pymodbus, serial_line

PYMODBUS_POINTS = (
    "[{name: power, address: 0, type: float32, unit: W},"
    " {name: energy, address: 2, type: uint32, order: CDAB, scale: 0.01, unit: kWh},"
    " {name: temperature, address: 4, type: int16, scale: 0.1, unit: °C},"
    " {name: input, address: 7, function: 4, type: uint16}]"
)


def site(tmp_path, devices, more=""):
    config = tmp_path / "park.yaml"
    config.write_text(
        "site: {id: park, timezone: Asia/Shanghai, grid_region: CN-SC}\n"
        + more
        + "devices:\n"
        + "".join(f"  - {device}\n" for device in devices)
        + f"store: {{path: {tmp_path / 'store'}}}\n"
    )
    return config


def read(config, *devices):
    """The answer of `carbongate read`: exit status, and per device its values, error and round trip."""
    begin = time.monotonic()
    result = subprocess.run([CARBONGATE, "read", config, *devices, "--json"], capture_output=True, text=True, timeout=60)
    elapsed = time.monotonic() - begin
    assert result.stdout, result.stderr
    found = {}
    for device in json.loads(result.stdout)["devices"]:
        found[device["device"]] = {
            "values": {reading["point"]: reading["value"] for reading in device["readings"]},
            "error": device.get("error", ""),
        }
    return result.returncode, found, elapsed


def expected_of_pymodbus(unit):
    return {"power": 100 * unit + 0.5, "energy": 1234.56, "temperature": -2.5, "input": 7}


def test_reads_libmodbus_over_tcp(tmp_path):
    with libmodbus_tcp(tmp_path / "server.log") as server:
        server.start(server.ready)
        config = site(
            tmp_path,
            [
                f'{{id: meter, driver: modbus-tcp, address: "127.0.0.1:{server.port}", unit: 255, registers: ['
                "{name: holding, address: 199, type: uint16}, {name: input, address: 100, function: 4, type: uint16},"
                "{name: coil_on, address: 63, function: 1}, {name: coil_off, address: 1, function: 1},"
                "{name: discrete_on, address: 3, function: 2}, {name: sum, address: 10, type: uint32, order: CDAB}]}"
            ],
        )
        status, devices, _ = read(config)
    assert status == 0
    assert devices["meter"]["values"] == {
        "holding": 199,
        "input": 1100,
        "coil_on": 1,
        "coil_off": 0,
        "discrete_on": 1,
        "sum": (11 << 16) + 10,
    }


def test_reads_several_units_of_one_connection(tmp_path):
    with pymodbus(tmp_path / "server.log", "tcp", free_port(), [1, 2, 3]) as server:
        server.start(server.ready)
        devices = [
            f'{{id: meter-{u}, driver: modbus-tcp, address: "127.0.0.1:{server.port}", unit: {u}, registers: {PYMODBUS_POINTS}}}'
            for u in (1, 2, 3)
        ]
        status, found, _ = read(site(tmp_path, devices))
    assert status == 0
    for unit in (1, 2, 3):
        assert found[f"meter-{unit}"]["values"] == expected_of_pymodbus(unit)


def test_a_silent_unit_costs_its_neighbours_its_own_deadline_and_no_more(tmp_path):
    with pymodbus(tmp_path / "server.log", "tcp", free_port(), [1, 3]) as server:
        server.start(server.ready)
        devices = [
            f'{{id: meter-{u}, driver: modbus-tcp, address: "127.0.0.1:{server.port}", unit: {u}, timeout: 700ms,'
            f" registers: {PYMODBUS_POINTS}}}"
            for u in (1, 2, 3)
        ]
        status, found, elapsed = read(site(tmp_path, devices))
    assert status == 69
    assert found["meter-2"]["values"] == {}
    assert found["meter-2"]["error"] == "no answer within 700 ms"
    assert found["meter-1"]["values"] == expected_of_pymodbus(1)
    assert found["meter-3"]["values"] == expected_of_pymodbus(3)
    assert 0.7 <= elapsed < 2.0


def test_a_host_that_never_answers_delays_no_other(tmp_path):
    with socket.socket() as deaf, libmodbus_tcp(tmp_path / "server.log") as server:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()  # accepts connections and says nothing
        server.start(server.ready)
        points = "registers: [{name: x, address: 5, type: uint16}], interval: 100ms"
        config = site(
            tmp_path,
            [
                f'{{id: deaf, driver: modbus-tcp, address: "127.0.0.1:{deaf.getsockname()[1]}", {points}}}',
                f'{{id: gone, driver: modbus-tcp, address: "127.0.0.1:{free_port()}", {points}}}',
                f'{{id: meter, driver: modbus-tcp, address: "127.0.0.1:{server.port}", {points}}}',
            ],
        )
        status, found, _ = read(config)
        assert status == 69
        assert found["meter"]["values"] == {"x": 5}
        assert found["deaf"]["error"] == "no answer within 1000 ms"
        assert found["gone"]["error"] == "cannot connect: Connection refused"

        subprocess.run([CARBONGATE, "run", config, "--for", "3s"], capture_output=True, timeout=30, check=True)
        readings = stored(config)
    assert len(readings) >= 25  # of 30


def stored(config):
    """Readings in the store: (device.point, value)."""
    result = subprocess.run(
        [CARBONGATE, "export", config, "--what", "readings", "--format", "jsonl"],
        capture_output=True, text=True, timeout=30, check=True,
    )
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_an_exception_of_one_block_leaves_the_others(tmp_path):
    with libmodbus_tcp(tmp_path / "server.log") as server:
        server.start(server.ready)
        # 198 and 199 are the last registers: the block that reaches beyond them is divided, and what is there is read.
        registers = ", ".join(f"{{name: r{a}, address: {a}, type: uint16}}" for a in (3, 198, 199, 200, 201, 5000))
        config = site(
            tmp_path,
            [f'{{id: meter, driver: modbus-tcp, address: "127.0.0.1:{server.port}", registers: [{registers}]}}'],
        )
        status, found, _ = read(config)
    assert status == 69, "a point that the device refuses was not read"
    assert found["meter"]["values"] == {"r3": 3, "r198": 198, "r199": 199}
    assert "exception 2 (illegal data address)" in found["meter"]["error"]


def test_many_blocks_of_a_server_that_delays_small_packets(tmp_path):
    with libmodbus_tcp(tmp_path / "server.log") as server:
        server.start(server.ready)
        registers = ", ".join(f"{{name: r{a}, address: {a}, type: uint16}}" for a in range(0, 200, 2))
        config = site(
            tmp_path,
            [
                f'{{id: meter-{u}, driver: modbus-tcp, address: "127.0.0.1:{server.port}", unit: {u}, max_gap: 0,'
                f" registers: [{registers}]}}"
                for u in (1, 2, 3, 4)
            ],
        )
        status, found, elapsed = read(config)
    assert status == 0
    for unit in (1, 2, 3, 4):
        assert found[f"meter-{unit}"]["values"] == {f"r{a}": a for a in range(0, 200, 2)}
    assert elapsed < 25  # 400 requests, were each one stalled by 40 ms and more


def rtu_devices(units, line="line: bus", driver="modbus-rtu"):
    return [
        f"{{id: meter-{u}, driver: {driver}, {line}, unit: {u}, timeout: 800ms, registers: {PYMODBUS_POINTS}}}" for u in units
    ]


def test_reads_several_units_of_a_serial_line(tmp_path):
    with serial_line(tmp_path / "socat.log", tmp_path) as line:
        line.start(line.ready)
        with pymodbus(tmp_path / "server.log", "rtu", line.theirs, [1, 2, 7]) as server:
            server.start()
            bus = f"lines: {{bus: {{port: {line.ours}, baud_rate: 19200, parity: none}}}}\n"
            config = site(tmp_path, rtu_devices([1, 2, 7]), bus)
            # Nothing but an answer tells that the server has opened its end.
            found = wait_until(lambda: (answer := read(config))[0] == 0 and answer[1], what="an answer on the line")
            for unit in (1, 2, 7):
                assert found[f"meter-{unit}"]["values"] == expected_of_pymodbus(unit)

            silent = site(tmp_path, rtu_devices([1, 5, 7]), bus)
            status, found, _ = read(silent)
    assert status == 69
    assert found["meter-5"]["error"] == "no answer within 800 ms"
    assert found["meter-1"]["values"] == expected_of_pymodbus(1)
    assert found["meter-7"]["values"] == expected_of_pymodbus(7)


def test_reads_libmodbus_on_a_serial_line(tmp_path):
    with serial_line(tmp_path / "socat.log", tmp_path) as line:
        line.start(line.ready)
        with libmodbus_rtu(tmp_path / "server.log", line.theirs, 17) as server:
            server.start(server.ready)
            config = site(
                tmp_path,
                [
                    "{id: meter, driver: modbus-rtu, line: bus, unit: 17, registers: ["
                    "{name: holding, address: 10, type: uint16}, {name: coil, address: 3, function: 1},"
                    "{name: beyond, address: 300, type: uint16}]}"
                ],
                f"lines: {{bus: {{port: {line.ours}, baud_rate: 19200, parity: none}}}}\n",
            )
            status, found, _ = read(config)
    assert status == 69, "a point that the device refuses was not read"
    assert found["meter"]["values"] == {"holding": 10, "coil": 1}
    assert found["meter"]["error"] == "exception 2 (illegal data address) at holding registers 300..300"


def test_a_serial_port_that_is_not_there_is_named(tmp_path):
    config = site(tmp_path, rtu_devices([1]), f"lines: {{bus: {{port: {tmp_path / 'ttyX'}}}}}\n")
    status, found, _ = read(config)
    assert status == 69
    assert found["meter-1"]["error"] == f"cannot connect: cannot open {tmp_path / 'ttyX'}: No such file or directory"


def test_reads_rtu_through_a_tcp_connection(tmp_path):
    with pymodbus(tmp_path / "server.log", "rtu-tcp", free_port(), [1, 2]) as server:
        server.start(server.ready)
        devices = rtu_devices([1, 2], f'address: "127.0.0.1:{server.port}"', "modbus-rtu-tcp")
        status, found, _ = read(site(tmp_path, devices))
    assert status == 0
    assert found["meter-1"]["values"] == expected_of_pymodbus(1)
    assert found["meter-2"]["values"] == expected_of_pymodbus(2)


@pytest.mark.parametrize("way", ["libmodbus", "pymodbus"])
def test_comes_back_when_the_server_does(tmp_path, way):
    port = free_port()

    def make():
        log = tmp_path / "server.log"
        return libmodbus_tcp(log, port) if way == "libmodbus" else pymodbus(log, "tcp", port, [1])

    config = site(
        tmp_path,
        [f'{{id: meter, driver: modbus-tcp, address: "127.0.0.1:{port}", interval: 100ms, registers: [{{name: x, address: 5, type: uint16}}]}}'],
    )
    gateway = Process([CARBONGATE, "run", config], tmp_path / "gateway.log")
    with make() as server:
        server.start(server.ready)
        gateway.start(lambda: "online" in gateway.output())
        server.kill()
        wait_until(lambda: "meter (unit 1 of modbus-tcp" in gateway.output() and "offline" in gateway.output())
    with gateway, make() as server:
        server.start(server.ready)
        wait_until(lambda: gateway.output().count("meter (unit 1") >= 3, timeout=40, what="the meter being online again")
        assert gateway.output().rstrip().endswith("online") or ": online" in gateway.output().split("offline")[-1]
        assert gateway.stop() == 0
    lines = [line for line in gateway.output().splitlines() if "modbus-tcp" in line]
    assert len(lines) < 12, lines  # what flaps does not fill the log
