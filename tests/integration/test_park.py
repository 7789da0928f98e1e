"""The simulated park of the quickstart, seen by clients that are not ours: pymodbus and Paho for Python."""

import csv
import gzip
import json
import struct

import paho.mqtt.client as mqtt
import pytest
from pymodbus.client import ModbusTcpClient
from pymodbus.pdu import ExceptionResponse

from harness import BUILD, SOURCE, Process, accepts, free_port, wait_until

HOUR_OF_A_WORKING_MORNING = 168 * 24 + 9  # Monday 18 June, 09:00
SLOWLY = 0.001  # recorded seconds per second: the load stands still


@pytest.fixture
def broker(tmp_path):
    port = free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"user root\nlistener {port} 127.0.0.1\nallow_anonymous true\n")
    with Process(["mosquitto", "-c", config], tmp_path / "mosquitto.log") as process:
        process.start(ready=lambda: accepts(port))
        process.port = port
        yield process


@pytest.fixture
def park(tmp_path, broker):
    port = free_port()
    args = [BUILD / "park", "--modbus-port", port, "--mqtt-port", broker.port, "--speed", SLOWLY]
    with Process([*args, "--begin-hour", HOUR_OF_A_WORKING_MORNING], tmp_path / "park.log") as process:
        process.start(ready=lambda: "park ready" in process.output())
        process.port = port
        yield process


@pytest.fixture
def modbus(park):
    client = ModbusTcpClient("127.0.0.1", port=park.port)
    assert client.connect()
    yield client
    client.close()


def float32(registers):
    return struct.unpack(">f", struct.pack(">HH", *registers))[0]


def steel_kw_at(hour):
    with gzip.open(SOURCE / "deploy/demo/data/steel_industry_2018_15min.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 35040
    return float(rows[hour * 4]["Usage_kWh"]) * 4


def test_the_meters_show_the_recorded_power(modbus):
    steel_kw = steel_kw_at(HOUR_OF_A_WORKING_MORNING)
    assert steel_kw > 50

    rolling_shop = modbus.read_holding_registers(8210, 2, slave=2)
    assert float32(rolling_shop.registers) / 10_000 == pytest.approx(0.55 * steel_kw, rel=1e-6)
    incomer = modbus.read_input_registers(52, 2, slave=1)
    dormitory_kw = float32(incomer.registers) / 1000 - steel_kw
    assert -200 < dormitory_kw < 200
    solar = modbus.read_input_registers(52, 2, slave=3)
    assert 0 < float32(solar.registers) / 1000 < 170


def test_the_counters_integrate_the_power(modbus):
    before = float32(modbus.read_holding_registers(4126, 2, slave=2).registers)
    power_kw = 0.55 * steel_kw_at(HOUR_OF_A_WORKING_MORNING)
    seconds = wait_until(lambda: seconds_counted(modbus, before, power_kw), what="two seconds' worth of energy")
    assert seconds < 5


def seconds_counted(modbus, before, power_kw):
    counted = float32(modbus.read_holding_registers(4126, 2, slave=2).registers) - before
    seconds = counted / power_kw * 3600
    return seconds if seconds >= 2 else None


def test_a_unit_that_is_not_there_and_too_large_a_read_are_refused(modbus):
    absent = modbus.read_input_registers(52, 2, slave=9)
    assert isinstance(absent, ExceptionResponse) and absent.exception_code == 11
    too_large = modbus.read_input_registers(0, 81, slave=1)
    assert isinstance(too_large, ExceptionResponse) and too_large.exception_code == 3
    outside = modbus.read_holding_registers(100, 2, slave=2)
    assert isinstance(outside, ExceptionResponse) and outside.exception_code == 2


def test_the_mqtt_meters_speak_and_survive_a_broker_that_restarts(broker, park):
    received = {}
    client = mqtt.Client()
    client.on_connect = lambda *_: client.subscribe("#", qos=1)
    client.on_message = lambda _client, _data, message: received.__setitem__(message.topic, message)
    client.reconnect_delay_set(1, 1)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        topics = {"tele/press-shop/SENSOR", "park/air-station/meter", "park/dormitory/meter", "park/furnace/gas"}
        wait_until(lambda: topics <= set(received), what="a message of every meter")
        assert all(received[topic].qos == 1 for topic in topics)
        steel_kw = steel_kw_at(HOUR_OF_A_WORKING_MORNING)
        tasmota = json.loads(received["tele/press-shop/SENSOR"].payload)
        assert tasmota["ENERGY"]["Power"] == pytest.approx(0.30 * steel_kw * 1000, abs=1)
        air = json.loads(received["park/air-station/meter"].payload)
        assert air["power_kw"] == pytest.approx(0.15 * steel_kw, abs=0.001)

        broker.stop()
        received.clear()
        broker.start(ready=lambda: accepts(broker.port))
        wait_until(lambda: topics <= set(received), what="messages after the broker's restart")
    finally:
        client.loop_stop()


def test_it_ends_by_itself_or_on_request_and_says_why_it_cannot_start(tmp_path, park):
    assert park.stop() == 0
    second = Process([BUILD / "park", "--modbus-port", park.port, "--for", "1s"], tmp_path / "second.log").start()
    assert second.child.wait(10) == 0

    with Process([BUILD / "park", "--modbus-port", park.port], tmp_path / "first.log") as first:
        first.start(ready=lambda: "park ready" in first.output())
        taken = Process([BUILD / "park", "--modbus-port", park.port], tmp_path / "taken.log").start()
        assert taken.child.wait(10) == 1
        assert str(park.port) in taken.output() and "in use" in taken.output()
