"""deploy/cluster/victoria-metrics/pair.yaml as it stands: two nodes behind vmagent, one of which is away while rows flow. In the end
each has what is exported, once. The addresses have the paths of a cluster's vminsert."""

import subprocess
import threading

import pytest
from harness import Process, free_port, wait_until
from mqtt_park import METERS, READINGS, gateway_process, publish_all, write_config
from mqtt_servers import Mosquitto
from test_outage import assert_same, victoria_rows
from tsdb_servers import VictoriaMetrics, http
from victoria_cluster import MANIFESTS, services_of, sink_of, translated

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
            subprocess.run(["bash", "-c", "set -o pipefail; " + repair(right, left)], check=True, timeout=60)
        assert_same(left, config)
        assert agent.stop() == 0


def repair(whole, lacking):
    """What the manifest says to do."""
    lines = [line.removeprefix("#") for line in (MANIFESTS / "pair.yaml").read_text().splitlines() if line.startswith("#   ")]
    return "\n".join(lines).replace("http://vm-2:8428", whole.url).replace("http://vm-1:8428", lacking.url)
