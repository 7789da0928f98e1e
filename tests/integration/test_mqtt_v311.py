"""A real broker that refuses MQTT 5: the gateway goes on with 3.1.1 and loses nothing, though broker and gateway restart."""

import json

import pytest

from harness import wait_until
from mqtt_servers import Gateway, Nats, readings, write_site

START = 1_767_225_600  # 2026-01-01T00:00:00Z
TOPIC = "plant/press-shop"
REFUSED_VERSION = 132  # "unsupported protocol version", in the words of mosquitto_pub
DEVICE = {"id": "press-shop", "topic": TOPIC, "qos": 1, "timestamp": {"json": "/t", "format": "epoch-s"},
          "points": [{"name": "energy", "json": "/e", "unit": "kWh", "kind": "cumulative"}]}
USER = {"id": "press-shop", "consumes": [{"carrier": "electricity", "from": "press-shop.energy"}]}


def payloads(first, last):
    return [json.dumps({"t": START + value, "e": value}) for value in range(first, last + 1)]


@pytest.fixture
def broker(tmp_path):
    with Nats(tmp_path / "nats") as running:
        yield running


@pytest.fixture
def config(tmp_path, broker):
    return write_site(tmp_path / "site.yaml", broker, [DEVICE], [USER])


def wait_for_values(config, last):
    wait_until(lambda: len(readings(config)) >= last, 30, f"value {last}")
    assert readings(config) == [float(value) for value in range(1, last + 1)]


def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1_and_qos_1_holds_over_restarts(tmp_path, broker, config):
    assert broker.publish(TOPIC, payloads(0, 0), version="mqttv5", check=False) == REFUSED_VERSION
    gateway = Gateway(config, tmp_path / "gateway.log")
    with gateway.start():
        assert "does not speak MQTT 5; going on with 3.1.1" in gateway.output()
        broker.publish(TOPIC, payloads(1, 10))
        wait_for_values(config, 10)

        for restarts, end_broker in ((1, broker.stop), (2, broker.kill)):
            end_broker()
            wait_until(lambda: gateway.output().count("lost") >= restarts, what="the loss being noticed")
            broker.start()
            wait_until(lambda: gateway.connections("3.1.1") == restarts + 1, 30, "the connection after the restart")
            broker.publish(TOPIC, payloads(10 * restarts + 1, 10 * restarts + 10))
            wait_for_values(config, 10 * restarts + 10)
        assert gateway.output().count("going on with 3.1.1") == 1, "what the broker speaks is remembered"

        assert gateway.stop() == 0
        broker.publish(TOPIC, payloads(31, 40))
        gateway.start()
        assert "session resumed" in gateway.output()
        wait_for_values(config, 40)
        assert gateway.stop() == 0
