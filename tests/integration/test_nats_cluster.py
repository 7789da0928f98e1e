"""A NATS cluster as deploy/cluster/nats has it, of which a server is killed while rows flow: every row that the gateway has is in
the stream, and what comes twice has the same key. And a feed that the gateway hears from such a cluster."""

import json
import threading

import pytest
import yaml
from harness import wait_until
from mqtt_park import METERS, READINGS, export, gateway_process, messages, write_config
from mqtt_servers import PASSWORD, Mosquitto
from nats_servers import MANIFESTS, NatsCluster
from test_mqtt_sink import by_key, keys_in_store
from test_outage import accounts


@pytest.fixture
def cluster(tmp_path):
    with NatsCluster(tmp_path / "nats") as running:
        yield running


def fragment(cluster):
    """The sections of deploy/cluster/nats/gateway.yaml, with the addresses of this cluster."""
    sections = yaml.safe_load((MANIFESTS / "gateway.yaml").read_text())
    broker = sections["brokers"]["park"]
    broker["version"] = str(broker["version"])
    broker["url"], *broker["failover"] = cluster.urls
    return sections


def gateway_of(tmp_path, config):
    process = gateway_process(tmp_path, config)
    process.env["NATS_GATEWAY_PASSWORD"] = PASSWORD
    return process


def publish(plant, meter):
    plant.publish_lines(f"park/m{meter}", list(messages(meter)))


def test_every_row_is_in_the_stream_though_a_server_was_killed(tmp_path, monkeypatch, cluster):
    monkeypatch.setenv("NATS_GATEWAY_PASSWORD", PASSWORD)  # of `export`
    with Mosquitto(tmp_path / "plant") as plant:
        sections = fragment(cluster)
        config = write_config(tmp_path / "park.yaml", plant, sections["sinks"])
        site = json.loads(config.read_text())
        site["brokers"] |= sections["brokers"]
        config.write_text(json.dumps(site))
        gateway = gateway_of(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            *others, last = range(METERS)
            publishing = threading.Thread(target=lambda: [publish(plant, meter) for meter in others])
            publishing.start()
            wait_until(lambda: (cluster.stored() or 0) > METERS * READINGS // 5, 60, "a part being stored")
            cluster.nodes[0].kill()  # to which the gateway speaks
            publishing.join()
            publish(plant, last)  # however fast the others went: these have no way but through another server
            wait_until(lambda: len(keys_in_store(tmp_path, (0,))) >= METERS * READINGS, 60, "all readings in the journal")
            rows = []
            heard = lambda: by_key((False, "", row) for row in cluster.fetch(rows))  # noqa: E731
            wait_until(lambda: keys_in_store(tmp_path) <= set(heard()), 180, "all being heard")
            assert gateway.stop() == 0
        assert accounts(config)["park-nats"]["waiting"] == 0
        wait_until(lambda: keys_in_store(tmp_path) <= set(heard()), 30, "what the gateway sent at last")
        found = heard()
    assert set(found) == keys_in_store(tmp_path)
    for what in ("readings", "intervals", "entries", "rollups"):
        rows = [{column: value for column, value in row.items() if column not in ("kind", "site", "key")}
                for _, row in found.values() if row["kind"] == what]
        exported = [row for row in export(config, what) if row.get("state") != "open"]
        order = lambda row: json.dumps(row, sort_keys=True)  # noqa: E731
        assert sorted(rows, key=order) == sorted(exported, key=order), what


def test_a_feed_goes_on_when_the_server_that_was_heard_is_killed(tmp_path, monkeypatch, cluster):
    monkeypatch.setenv("NATS_GATEWAY_PASSWORD", PASSWORD)
    broker = {**fragment(cluster)["brokers"]["park"], "client_id": "park-test"}
    config = write_config(tmp_path / "park.yaml", type("", (), {"port": 1}), [], brokers={"plant": broker})
    gateway = gateway_of(tmp_path, config)
    lines = list(messages(0))
    wanted = []

    def publish(count):
        """Through the last server; a message is published again until it is acknowledged."""
        for line in lines[len(wanted):len(wanted) + count]:
            wait_until(lambda line=line: cluster.publish(cluster.nodes[2], "park/m0", [line]), 30, "a message being taken")
            wanted.append(json.loads(line)["e"])

    def heard():
        return [row["value"] for row in export(config, "readings") if row["rule"] not in ("duplicate", "out-of-order")]

    with gateway.start(ready=lambda: "connected, MQTT 3.1.1" in gateway.output()):
        publish(5)
        wait_until(lambda: heard() == wanted, 30, "the first readings")
        cluster.nodes[0].kill()
        publish(5)  # they wait in the session, which all servers know
        wait_until(lambda: gateway.output().count("connected, MQTT 3.1.1") == 2, 30, "another server")
        assert "session resumed" in gateway.output()
        publish(5)
        wait_until(lambda: heard() == wanted, 30, "all readings")
        assert gateway.stop() == 0
