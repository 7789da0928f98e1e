"""deploy/cluster/victoria-metrics/pair.yaml as it stands: two nodes, written by a gateway's two sinks or by vmagent, one of which is away while
rows flow. In the end each has what is exported, once. vmagent's addresses have the paths of a cluster's vminsert."""

import json
import subprocess
import threading

import pytest
import yaml
from harness import Process, free_port, wait_until
from mqtt_park import METERS, READINGS, gateway_process, publish_all, publish_part, write_config
from mqtt_servers import Mosquitto
from test_outage import accounts, assert_same, victoria_rows
from tsdb_servers import VictoriaMetrics, http
from victoria_cluster import MANIFESTS, services_of, sink_of, translated, under_load

SERVICES = services_of("pair.yaml")
INFLUX, PROMETHEUS = "/insert/0/influx", "/insert/0/prometheus"


class Node(VictoriaMetrics):
    """One of the two, with the flags of the manifest."""

    def __init__(self, directory, service):
        super().__init__(directory)
        self.flags = SERVICES[service]["command"]

    def _args(self):
        here = {"/storage": str(self.directory / "data"), "=:8428": f"=127.0.0.1:{self.port}"}
        return ["victoria-metrics", *translated(self.flags, here), "-search.latencyOffset=0s", "-loggerLevel=WARN"]


def vmagent(directory, port, nodes, prefix):
    words = {f"vm-{n + 1}:8428": f"127.0.0.1:{node.port}" for n, node in enumerate(nodes)}
    words |= {"/queue": str(directory / "queue"), "=:8480": f"=127.0.0.1:{port}", INFLUX: prefix}
    agent = Process(["vmagent", *translated(SERVICES["vmagent"]["command"], words)], directory / "vmagent.log")
    return agent.start(ready=lambda: http(f"http://127.0.0.1:{port}{prefix}/health", timeout=1)[0] == 200)


def repair(whole, lacking):
    """What the manifest says to do."""
    lines = [line.removeprefix("#") for line in (MANIFESTS / "pair.yaml").read_text().splitlines() if line.startswith("#   ")]
    command = "\n".join(lines).replace("http://vm-2:8428", whole.url).replace("http://vm-1:8428", lacking.url)
    subprocess.run(["bash", "-c", "set -o pipefail; " + command], check=True, timeout=60)


def test_a_gateway_writes_to_both_nodes_though_one_was_killed(tmp_path):
    left, right = (Node(tmp_path / service, service) for service in ("vm-1", "vm-2"))
    with Mosquitto(tmp_path / "plant") as plant, left, right:
        text = (MANIFESTS / "gateway-pair.yaml").read_text()
        text = text.replace("http://vm-1:8428", left.url).replace("http://vm-2:8428", right.url)
        config = write_config(tmp_path / "park.yaml", plant, yaml.safe_load(text)["sinks"])
        gateway = gateway_process(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            publish_part(plant, 0)
            wait_until(lambda: victoria_rows(left) > METERS * READINGS // 5, 60, "a part being there")
            under_load(plant, 1, left.kill)
            publish_part(plant, 2)
            wait_until(lambda: victoria_rows(right) == METERS * READINGS, 60, "the other one having all readings")
            assert_same(right, config)
            assert accounts(config)["node-1"]["waiting"] > 0
            left.start()
            wait_until(lambda: newest(left) == newest(right), 60, "the backlog being taken")
            assert gateway.stop() == 0
        assert [accounts(config)[sink]["waiting"] for sink in ("node-1", "node-2")] == [0, 0]
        repair(right, left)
        for node in (left, right):
            assert_same(node, config)


def newest(node):
    """The time of each point's last reading there."""
    return {series: max(times) for series, times in node.samples("carbongate_reading_quality").items()}


def test_what_a_killed_vmagent_had_comes_by_a_sink_with_another_name(tmp_path):
    left, right = (Node(tmp_path / service, service) for service in ("vm-1", "vm-2"))
    port = free_port()
    with Mosquitto(tmp_path / "plant") as plant, left, right:
        config = write_config(tmp_path / "park.yaml", plant, [sink_of("line-protocol", port)])
        gateway = gateway_process(tmp_path, config)
        with vmagent(tmp_path, port, (left, right), INFLUX) as agent, gateway.start(ready=lambda: "new session" in gateway.output()):
            publish_part(plant, 0)
            wait_until(lambda: accounts(config)["park-metrics"]["accepted"] > METERS * READINGS // 5, 60, "vmagent having taken a part")
            agent.kill()  # with what it has taken and not handed on
            assert gateway.stop() == 0
        plant.wait_for_farewell("park-test")
        site = json.loads(config.read_text())
        site["sinks"][0]["name"] += "-2"
        config.write_text(json.dumps(site))
        with vmagent(tmp_path, port, (left, right), INFLUX) as agent, gateway.start():
            for part in (1, 2):
                publish_part(plant, part)
            for node in (left, right):
                wait_until(lambda node=node: victoria_rows(node) == METERS * READINGS, 60, "all readings being there")
            assert gateway.stop() == 0
            for node in (left, right):
                assert_same(node, config)
            assert agent.stop() == 0


@pytest.mark.parametrize("kind,prefix,is_killed", [("line-protocol", INFLUX, False), ("prometheus-remote-write", PROMETHEUS, True)])
def test_both_nodes_have_every_row_though_one_was_away(tmp_path, kind, prefix, is_killed):
    left, right = (Node(tmp_path / service, service) for service in ("vm-1", "vm-2"))
    port = free_port()
    with Mosquitto(tmp_path / "plant") as plant, left, right, vmagent(tmp_path, port, (left, right), prefix) as agent:
        config = write_config(tmp_path / "park.yaml", plant, [sink_of(kind, port)])
        gateway = gateway_process(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            publishing = threading.Thread(target=publish_all, args=(plant,))
            publishing.start()
            wait_until(lambda: victoria_rows(left) > METERS * READINGS // 5, 60, "a part being there")
            (left.kill if is_killed else left.stop)()
            publishing.join()
            wait_until(lambda: victoria_rows(right) >= METERS * READINGS, 60, "the other one having all readings")
            assert gateway.stop() == 0
        assert "trying again" not in gateway.output(), "vmagent keeps what a node does not take"
        assert_same(right, config)
        left.start()
        if is_killed:  # lacks what it had in memory
            repair(right, left)
        assert_same(left, config)
        assert agent.stop() == 0
