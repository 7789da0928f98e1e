"""The MQTT driver against a real mosquitto: what is acknowledged is committed, and what is not comes again."""

import json
import signal
import socket
import subprocess

import pytest

from harness import BUILD, Process, free_port, wait_until
from mqtt_servers import PASSWORD, Mosquitto

PROBE = BUILD / "tests/integration/mqtt/mqtt_probe"
TOPIC = "tele/press-shop/SENSOR"


def payload(value, at=1_700_000_000):
    return json.dumps({"Time": at + value, "ENERGY": {"Total": value}})


class Probe(Process):
    """The driver alone; `readings()` are those it has handed over so far."""

    def __init__(self, config, log, mode="commit"):
        super().__init__([PROBE, mode, config], log, env={"MQTT_PASSWORD": PASSWORD})

    def start(self, connected=True):
        lines_before = self.output().count("connected, MQTT")
        return super().start(ready=(lambda: self.output().count("connected, MQTT") > lines_before) if connected else None)

    def lines(self):
        found = []
        for line in self.output().splitlines():
            if line.startswith("{"):
                found.append(json.loads(line))
        return found

    def readings(self):
        return [line for line in self.lines() if "point" in line]

    def values(self):
        return [reading["value"] for reading in self.readings()]

    def wait_for_values(self, values, timeout=20):
        wait_until(lambda: set(values) <= set(self.values()), timeout, f"the values {values} of {self.values()}")

    def wait_for_log(self, text, timeout=20):
        wait_until(lambda: text in self.output(), timeout, f"the log line '{text}'")


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as running:
        yield running


def write_config(path, url, broker="", device="", qos=1):
    path.write_text(f"""
site: {{id: edz-1}}
brokers:
  plant:
    url: "{url}"
    username: gateway
    password_env: MQTT_PASSWORD
{broker}
devices:
  - id: plugs
    driver: mqtt
    broker: plant
    topic: tele/{{device}}/SENSOR
    devices: [press-shop, paint-shop]
    qos: {qos}
    timestamp: {{json: /Time, format: epoch-s}}
    points: [{{name: energy, json: /ENERGY/Total, unit: kWh, kind: cumulative}}]
{device}
""")
    return path


@pytest.fixture
def config(tmp_path, broker):
    return write_config(tmp_path / "site.yaml", f"mqtt://127.0.0.1:{broker.port}")


@pytest.mark.parametrize("version", ["5", "3.1.1"])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_reads_over_both_versions_with_every_qos(tmp_path, broker, version, qos):
    site = write_config(tmp_path / "site.yaml", f"mqtt://127.0.0.1:{broker.port}", broker=f"    version: {version}", qos=qos)
    with Probe(site, tmp_path / "probe.log").start() as probe:
        assert f"MQTT {version}," in probe.output()
        for value in range(1, 6):
            broker.publish(TOPIC, payload(value), qos=qos)
        broker.publish("tele/paint-shop/SENSOR", payload(9), qos=qos)
        probe.wait_for_values([1, 2, 3, 4, 5, 9])
        assert [r["value"] for r in probe.readings() if r["point"] == "press-shop.energy"] == [1, 2, 3, 4, 5]
        assert probe.readings()[0]["at"] == 1_700_000_001_000
        assert probe.stop() == 0
        assert probe.lines()[-1]["stopped"] < 3000


def test_reads_over_tls_and_verifies_the_broker(tmp_path):
    with Mosquitto(tmp_path / "broker", tls=True) as broker:
        url = f"mqtts://localhost:{broker.tls_port}"
        site = write_config(tmp_path / "site.yaml", url, broker=f"    ca_file: {broker.directory}/ca.crt")
        with Probe(site, tmp_path / "good.log").start() as probe:
            broker.publish(TOPIC, payload(7))
            probe.wait_for_values([7])
            probe.stop()
        stranger = write_config(tmp_path / "stranger.yaml", url)
        with Probe(stranger, tmp_path / "bad.log").start(connected=False) as probe:
            probe.wait_for_log("TLS: ")
            assert "certificate" in probe.output()


def test_says_why_it_cannot_connect(tmp_path, broker):
    nobody = write_config(tmp_path / "nobody.yaml", f"mqtt://127.0.0.1:{free_port()}")
    with Probe(nobody, tmp_path / "nobody.log").start(connected=False) as probe:
        probe.wait_for_log("Connection refused")
    for version, reason in [("5", "Not authorized (135)"), ("3.1.1", "not authorised (5)")]:
        site = write_config(tmp_path / "wrong.yaml", f"mqtt://127.0.0.1:{broker.port}", broker=f"    version: {version}")
        with Probe(site, tmp_path / f"wrong-{version}.log") as probe:
            probe.env["MQTT_PASSWORD"] = "wrong"
            probe.start(connected=False)
            probe.wait_for_log(reason)
            assert "wrong" not in probe.output().replace("wrong-", "")


def test_messages_of_an_absence_arrive_after_the_return(tmp_path, broker, config):
    with Probe(config, tmp_path / "first.log").start() as probe:
        broker.publish(TOPIC, payload(1))
        probe.wait_for_values([1])
        probe.stop()
    for value in (2, 3, 4):
        broker.publish(TOPIC, payload(value))
    with Probe(config, tmp_path / "second.log").start() as probe:
        probe.wait_for_values([2, 3, 4])
        assert "session resumed" in probe.output()
        assert 1 not in probe.values()


@pytest.mark.parametrize("qos", [1, 2])
def test_a_message_not_committed_before_kill_9_comes_again(tmp_path, broker, qos):
    config = write_config(tmp_path / "site.yaml", f"mqtt://127.0.0.1:{broker.port}", qos=qos)
    with Probe(config, tmp_path / "first.log", mode="hold").start() as probe:
        for value in (1, 2, 3):
            broker.publish(TOPIC, payload(value), qos=qos)
        probe.wait_for_values([1])
        assert probe.values() == [1], "the second message must wait for the commit of the first"
        probe.kill()
    with Probe(config, tmp_path / "second.log").start() as probe:
        probe.wait_for_values([1, 2, 3])


@pytest.mark.parametrize("qos", [1, 2])
def test_a_message_not_committed_at_shutdown_comes_again(tmp_path, broker, qos):
    config = write_config(tmp_path / "site.yaml", f"mqtt://127.0.0.1:{broker.port}", qos=qos)
    with Probe(config, tmp_path / "first.log", mode="hold").start() as probe:
        broker.publish(TOPIC, payload(1), qos=qos)
        probe.wait_for_values([1])
        assert probe.stop() == 0
        assert probe.lines()[-1]["stopped"] < 4500
    with Probe(config, tmp_path / "second.log").start() as probe:
        probe.wait_for_values([1])


@pytest.mark.parametrize("qos", [1, 2])
def test_a_store_that_takes_too_long_costs_the_connection_and_no_message(tmp_path, broker, qos):
    site = write_config(tmp_path / "site.yaml", f"mqtt://127.0.0.1:{broker.port}", broker="    keep_alive: 5s", qos=qos)
    with Probe(site, tmp_path / "probe.log", mode="hold").start() as probe:
        broker.publish(TOPIC, payload(1), qos=qos)
        broker.publish(TOPIC, payload(2), qos=qos)
        probe.wait_for_values([1])
        probe.wait_for_log("the broker will send it again")
        assert probe.values() == [1], "not asked for again before it has reached the store"
        probe.child.send_signal(signal.SIGUSR1)
        probe.wait_for_values([1, 2])
        assert probe.values() == [1, 1, 2], "delivered again: the broker saw no acknowledgement"


def test_the_broker_is_killed_and_comes_back(tmp_path, broker, config):
    with Probe(config, tmp_path / "probe.log").start() as probe:
        broker.publish(TOPIC, payload(1))
        probe.wait_for_values([1])
        broker.kill()
        probe.wait_for_log("lost")
        broker.start()
        wait_until(lambda: probe.output().count("connected, MQTT") == 2, 30, "the reconnect")
        broker.publish(TOPIC, payload(2))
        probe.wait_for_values([2])
        probe.stop()
        assert probe.lines()[-1]["reconnects"] == 1


def test_says_so_when_another_gateway_has_the_same_id(tmp_path, broker, config):
    with Probe(config, tmp_path / "first.log").start() as first:
        with Probe(config, tmp_path / "second.log").start():
            first.wait_for_log("session was taken over", timeout=40)
            assert "'carbongate-edz-1-plant'" in first.output()


def test_a_poison_message_does_not_stop_those_behind_it(tmp_path, broker, config):
    with Probe(config, tmp_path / "probe.log").start() as probe:
        broker.publish(TOPIC, "{not json")
        broker.publish(TOPIC, json.dumps({"ENERGY": {"Total": 5}}))
        broker.publish("tele/boiler-house/SENSOR", payload(6))
        broker.publish(TOPIC, payload(7))
        probe.wait_for_values([7])
        assert probe.values() == [7]
        assert f"{TOPIC}: the payload is not JSON" in probe.output()
        assert "boiler-house" in probe.output()
        probe.stop()
        assert probe.lines()[-1]["unclaimed"] == 1


def test_many_qos1_messages_arrive_once_and_in_order(tmp_path, broker, config):
    count = 2000
    with Probe(config, tmp_path / "probe.log").start() as probe:
        broker.publish_lines(TOPIC, [payload(value) for value in range(count)])
        wait_until(lambda: len(probe.values()) >= count, 60, "all messages")
        assert probe.values() == list(range(count))


def test_reads_once_beside_a_running_gateway(tmp_path, broker, config):
    broker.publish(TOPIC, payload(3), retain=True)
    with Probe(config, tmp_path / "probe.log").start() as running:
        output = subprocess.run([PROBE, "read", config, "press-shop"], env={"MQTT_PASSWORD": PASSWORD}, check=True,
                                capture_output=True, text=True, timeout=30).stdout
        assert json.loads(output)["value"] == 3
        assert "taken over" not in running.output()


def answer_as_an_old_broker(listener):
    """Refuses MQTT 5 with the CONNACK of 3.1.1 (return code 1), as brokers that only know 3.1.1 do."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(1024)
        connection.sendall(bytes([0x20, 0x02, 0x00, 0x01]))


def test_falls_back_to_3_1_1_where_5_is_refused(tmp_path, broker):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(20)
        port = listener.getsockname()[1]
        site = write_config(tmp_path / "site.yaml", f"mqtt://127.0.0.1:{port}")
        with Probe(site, tmp_path / "probe.log").start(connected=False) as probe:
            answer_as_an_old_broker(listener)
            probe.wait_for_log("does not speak MQTT 5; going on with 3.1.1")
            connection, _ = listener.accept()
            with connection:
                connect = connection.recv(1024)
                assert connect[2:8] == b"\x00\x04MQTT" and connect[8] == 4, "a CONNECT of 3.1.1"


class ScriptedBroker:
    """Says what a test wants, by MQTT 3.1.1."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.listener.settimeout(20)
        self.port = self.listener.getsockname()[1]
        self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.hang_up()
        self.listener.close()

    def hang_up(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def accept(self, session_present):
        self.connection, _ = self.listener.accept()
        self.connection.settimeout(20)
        assert self.receive()[0] == 0x10
        self.connection.sendall(bytes([0x20, 2, session_present, 0]))

    def receive(self):
        """The next packet: its first byte, and what is behind the length, which is below 128 here."""
        kind, length = self._exactly(2)
        return kind, self._exactly(length)

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.connection.recv(count - len(data))
            assert more, "the driver has hung up"
            data += more
        return data

    def publish(self, topic, text, packet_id):
        body = len(topic).to_bytes(2, "big") + topic.encode() + packet_id.to_bytes(2, "big") + text.encode()
        self.connection.sendall(bytes([0x32, len(body)]) + body)


def test_is_connected_while_a_backlog_stands_before_the_answer_to_its_subscription(tmp_path):
    with ScriptedBroker() as broker:
        url = f"mqtt://127.0.0.1:{broker.port}"
        site = write_config(tmp_path / "site.yaml", url, broker="    version: 3.1.1\n    keep_alive: 600s")
        with Probe(site, tmp_path / "probe.log").start(connected=False) as probe:
            broker.accept(session_present=True)
            kind, subscribe = broker.receive()
            assert kind == 0x82
            assert "connected, MQTT" not in probe.output(), "nothing shows yet that it is served"
            broker.publish(TOPIC, payload(1), packet_id=7)
            probe.wait_for_log("connected, MQTT 3.1.1, session resumed")
            probe.wait_for_values([1])
            assert broker.receive() == (0x40, bytes([0, 7]))
            broker.connection.sendall(bytes([0x90, 3]) + subscribe[:2] + b"\x80")
            probe.wait_for_log("the broker refuses the subscription to tele/+/SENSOR")
            broker.publish(TOPIC, payload(2), packet_id=8)
            probe.wait_for_values([1, 2])
            assert probe.output().count("connected, MQTT") == 1

            broker.hang_up()
            probe.wait_for_log(" lost")
            broker.accept(session_present=True)
            broker.publish(TOPIC, payload(3), packet_id=9)
            wait_until(lambda: probe.output().count("connected, MQTT") == 2, 20, "the second connection")
            broker.hang_up()
            wait_until(lambda: probe.output().count(" lost") == 2, 20, "the loss, though no subscription was answered")


def test_two_brokers_do_not_disturb_each_other(tmp_path, broker):
    """All Paho clients of a process share their threads: one broker that comes and goes must not cost the other anything."""
    with Mosquitto(tmp_path / "other") as other:
        site = tmp_path / "site.yaml"
        device = """
  - {{id: {id}, driver: mqtt, broker: {id}, topic: "{id}/energy", points: [{{name: energy, json: "", unit: kWh}}]}}"""
        site.write_text(f"""
brokers:
  steady: {{url: "mqtt://127.0.0.1:{broker.port}", username: gateway, password_env: MQTT_PASSWORD}}
  shaky: {{url: "mqtt://127.0.0.1:{other.port}", username: gateway, password_env: MQTT_PASSWORD}}
devices:{device.format(id="steady")}{device.format(id="shaky")}
""")
        with Probe(site, tmp_path / "probe.log").start() as probe:
            wait_until(lambda: probe.output().count("connected, MQTT") == 2, 20, "both connections")
            for round_ in range(3):
                broker.publish("steady/energy", str(10 + round_))
                other.publish("shaky/energy", str(20 + round_))
                probe.wait_for_values([10 + round_, 20 + round_])
                other.kill()
                broker.publish("steady/energy", str(30 + round_))
                probe.wait_for_values([30 + round_])
                connections = probe.output().count("mqtt shaky: connected, MQTT")
                other.start()
                wait_until(lambda: probe.output().count("mqtt shaky: connected, MQTT") > connections, 30, "the reconnect")
            assert probe.output().count("mqtt steady: connected, MQTT") == 1
            assert probe.stop() == 0
