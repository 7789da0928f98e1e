"""What a gateway shows of the talk with its devices, and "read now": Modbus peers are pymodbus and libmodbus, behind a wire that keeps what passes."""

import json

import pytest
from pymodbus.client import ModbusTcpClient

from harness import CARBONGATE, Process, free_port, wait_until
from modbus_servers import libmodbus_tcp, pymodbus
from test_access import Gateway as AccessGateway
from test_api_description import DESCRIPTION, validator
from wire_tap import Wire

CONFIG = """
site: {{id: works, timezone: Asia/Shanghai, grid_region: CN-SC}}
devices:
  - {{id: meter, driver: modbus-tcp, address: "127.0.0.1:{meter}", unit: 1, interval: 60s, timeout: 2s, registers: [{{name: count, address: 50, type: uint16, function: 3}}]}}
  - {{id: fast, driver: modbus-tcp, address: "127.0.0.1:{fast}", unit: 1, interval: 500ms, timeout: 2s, registers: [{{name: count, address: 50, type: uint16}}, {{name: none, address: 150, type: uint16}}]}}
  - {{id: slow-unit, driver: modbus-tcp, address: "127.0.0.1:{fast}", unit: 9, interval: 500ms, timeout: 2s, registers: [{{name: other, address: 51, type: uint16}}]}}
  - {{id: stock, driver: manual, points: [{{name: diesel, unit: t}}]}}
energy_users: [{{id: boiler, consumes: [{{carrier: diesel, from: stock.diesel}}]}}]
store: {{path: store}}
ops: {{listen: "127.0.0.1:{port}", logins: true}}
"""


class Gateway(AccessGateway):
    """With a meter on pymodbus that is polled once a minute, and two units on libmodbus that are polled twice a second."""

    def __init__(self, folder, meter, fast):
        self.folder, self.port, self.tls = folder, free_port(), None
        self.config = folder / "works.yaml"
        self.config.write_text(CONFIG.format(port=self.port, meter=meter.port, fast=fast.port))
        self.process = Process([CARBONGATE, "run", self.config], folder / "gateway.log")

    def told(self, path, session):
        answer = self.ask("GET", "/api/v1" + path, session=session)
        assert answer.status == 200, answer.text
        return answer.json()

    def as_described(self, schema, told):
        validator(DESCRIPTION["components"]["schemas"][schema]).validate(told)
        return told

    def read(self, device, session, **headers):
        return self.ask("POST", f"/api/v1/devices/{device}/read", session=session, **headers)


@pytest.fixture
def park(tmp_path):
    """(gateway, the meter's server, its wire, the wire of the other two)"""
    with pymodbus(tmp_path / "pymodbus.log", "tcp", free_port(), [1]) as meter, libmodbus_tcp(tmp_path / "libmodbus.log") as fast:
        meter.start(meter.ready)
        fast.start(fast.ready)
        wires = Wire(meter.port), Wire(fast.port)
        gateway = Gateway(tmp_path, *wires)
        for user in ("vera", "otto"):
            gateway.add_user(user)
        with gateway:
            yield gateway, meter, *wires
        for wire in wires:
            wire.close()


def set_register(port, address, value):
    client = ModbusTcpClient("127.0.0.1", port=port)
    assert client.connect() and not client.write_register(address, value, slave=1).isError()
    client.close()


def frames(gateway, session, device):
    return gateway.told(f"/devices/{device}/frames", session)["frames"]


def test_frames_are_the_bytes_that_the_device_saw(park):
    gateway, _, meter_wire, fast_wire = park
    otto = gateway.session("otto")
    wait_until(lambda: len(frames(gateway, otto, "meter")) == 2, what="the first poll")
    assert [(frame["direction"] == "sent", bytes.fromhex(frame["hex"])) for frame in frames(gateway, otto, "meter")] == meter_wire.heard
    told = gateway.as_described("Frames", gateway.told("/devices/meter/frames", otto))
    assert (told["added"], told["dropped"], told["cut"]) == (2, 0, 0)
    sent, received = told["frames"]
    assert sent["unit"] == received["unit"] == 1 and received["took_ms"] >= 0 and received["trouble"] == ""
    assert sent["at"] <= received["at"] and received["bytes"] == len(meter_wire.heard[1][1])

    def full():
        told = gateway.told("/devices/fast/frames", otto)
        return told if told["dropped"] > 0 else None

    told = wait_until(full, timeout=30, what="the ring being full")
    assert len(told["frames"]) == told["frames_max"] == 32 and told["added"] - told["dropped"] == 32
    for device in ("fast", "slow-unit"):  # polled on meanwhile: what is shown may be on its way still
        shown = {(frame["direction"] == "sent", bytes.fromhex(frame["hex"])) for frame in frames(gateway, otto, device)}
        assert shown
        wait_until(lambda wanted=shown: wanted <= {(is_client, piece) for is_client, piece in fast_wire.heard},
                   what=f"all that is shown of {device} on the wire")
    assert {frame["unit"] for frame in frames(gateway, otto, "slow-unit")} == {9}


def test_read_now_gives_the_new_value_long_before_the_next_poll(park):
    gateway, meter, _, _ = park
    otto = gateway.session("otto")
    wait_until(lambda: len(frames(gateway, otto, "meter")) == 2, what="the first poll")
    polls = gateway.told("/devices/meter", otto)["device"]["polls"]
    set_register(meter.port, 50, 4711)
    answer = gateway.read("meter", otto)
    assert answer.status == 200, answer.text
    told = gateway.as_described("ReadNow", answer.json())
    assert [(one["point"], one["value"]) for one in told["readings"]] == [("meter.count", 4711)]
    assert told["trouble"] == "" and told["took_ms"] < 2000
    device = wait_until(lambda: (d := gateway.told("/devices/meter", otto))["points"][0]["value"] == 4711 and d, what="the reading being recorded")
    assert device["device"]["polls"] == polls + 1 and device["can_be_read"]
    assert [(e["user"], e["action"], e["outcome"], e["detail"]) for e in gateway.audit()][-1] == (
        "otto", "POST /api/v1/devices/{id}/read", "done", "/api/v1/devices/meter/read")


def test_who_may_ask_and_see(park):
    gateway, _, meter_wire, _ = park
    vera, otto = gateway.session("vera"), gateway.session("otto")
    wait_until(lambda: len(frames(gateway, otto, "meter")) == 2, what="the first poll")
    assert gateway.read("meter", vera).status == 403
    assert gateway.ask("GET", "/api/v1/devices/meter/frames", session=vera).status == 403
    assert gateway.ask("POST", "/api/v1/devices/meter/read").status == 401
    assert gateway.read("meter", otto, X_CSRF_Token="another").status == 403
    assert gateway.read("meter", otto, Origin="http://evil.example").status == 403
    assert gateway.ask("GET", "/api/v1/devices/meter/read", session=otto).status == 405
    assert len(meter_wire.heard) == 2, "nobody but the gateway itself has asked the device"
    assert gateway.told("/devices/meter", vera)["device"]["state"] == "online"


def test_what_cannot_be_read_says_why(park):
    gateway, meter, _, _ = park
    otto = gateway.session("otto")
    assert gateway.read("nobody", otto).status == 404
    refused = gateway.read("stock", otto)
    assert refused.status == 409 and refused.headers["Content-Type"] == "application/problem+json"
    assert not gateway.told("/devices/stock", otto)["can_be_read"]
    assert gateway.told("/devices/stock/frames", otto)["frames_max"] == 0
    wait_until(lambda: len(frames(gateway, otto, "meter")) == 2, what="the first poll")
    meter.__exit__(None, None, None)
    refused = gateway.read("meter", otto)
    assert refused.status == 502 and json.loads(refused.text)["detail"], refused.text
    statuses = [gateway.read("meter", otto).status for _ in range(8)]
    assert 429 in statuses, statuses


def test_a_slow_device_occupies_its_line(park):
    gateway, _, _, fast_wire = park
    otto = gateway.session("otto")

    def occupancy():
        drivers = gateway.told("/devices", otto)["drivers"]
        return next(driver["occupancy_percent"] for driver in drivers if any(device["id"] == "fast" for device in driver["devices"]))

    idle = wait_until(occupancy, what="the line being in use")
    fast_wire.delay = 0.2  # four requests a second

    def is_busy():
        share = occupancy()
        return share if share > idle + 25 else None

    busy = wait_until(is_busy, timeout=60, what="the line being busy")
    assert busy <= 100
    assert gateway.told("/devices/slow-unit", otto)["occupancy_percent"] == pytest.approx(occupancy(), abs=5)
    drivers = {driver["name"].split(" ")[0]: driver["occupancy_percent"] for driver in gateway.told("/devices", otto)["drivers"]}
    assert drivers["manual"] is None
    token = gateway.token("metrics")
    ratio = wait_until(lambda: [line for line in gateway.ask("GET", "/metrics", token=token).text.splitlines() if line.startswith("carbongate_driver_busy_ratio{")],
                       what="the token being known")
    assert any(float(line.rsplit(" ", 1)[1]) > 0.2 for line in ratio) and len(ratio) == 2
