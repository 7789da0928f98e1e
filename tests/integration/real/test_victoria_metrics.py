"""The programs of a VictoriaMetrics cluster: `CARBONGATE_VICTORIA_CLUSTER=DIRECTORY tests/run --label victoria-cluster`, where vminsert,
vmstorage and vmselect of the version that cluster.yaml names are. They run with the flags of cluster.yaml.
"""

import os
from pathlib import Path

import pytest
from harness import Process, free_port
from tsdb_servers import VictoriaMetrics, http
from victoria_cluster import KINDS, assert_nothing_is_lost_or_double, services_of, translated

PROGRAMS = os.environ.get("CARBONGATE_VICTORIA_CLUSTER", "")
STORAGES = ("vmstorage-1", "vmstorage-2", "vmstorage-3")
INSERT, SELECT = 8400, 8401  # where vminsert and vmselect find a storage node


class Service:
    """One of the manifest, on ports of here."""

    def __init__(self, directory, name, words, listen):
        self.directory = directory / name
        self.directory.mkdir()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.args = [Path(PROGRAMS) / name.split("-")[0], *translated(services_of("cluster.yaml")[name]["command"],
                                                                      {"/storage": str(self.directory / "data"), **words}),
                     f"-httpListenAddr=127.0.0.1:{self.port}", "-loggerLevel=WARN", *listen]
        self.process = None

    def start(self):
        self.process = Process(self.args, self.directory / "log").start(lambda: http(self.url + "/health", timeout=1)[0] == 200, 30)

    def kill(self):
        self.process.kill()


class Cluster(VictoriaMetrics):
    """As vmselect shows it."""

    def __init__(self, directory):
        words = {}
        self.nodes = []
        for name in STORAGES:
            words |= {f"{name}:{port}": f"127.0.0.1:{free_port()}" for port in (INSERT, SELECT)}
            listen = [f"-vminsertAddr={words[f'{name}:{INSERT}']}", f"-vmselectAddr={words[f'{name}:{SELECT}']}"]
            self.nodes.append(Service(directory, name, {}, listen))
        self.insert = Service(directory, "vminsert", words, [])
        self.select = Service(directory, "vmselect", words, [])
        self.port = self.insert.port
        self.url = self.select.url + "/select/0/prometheus"
        self.tls = None

    def __enter__(self):
        for service in (*self.nodes, self.insert, self.select):
            service.start()
        return self

    def __exit__(self, *exc):
        for service in (self.insert, self.select, *self.nodes):
            if service.process:
                service.process.__exit__(*exc)

    def samples(self, selector='{__name__=~"carbongate.*"}'):
        for node in self.nodes:
            http(node.url + "/internal/force_flush")
        return super().samples(selector)

    def rows_taken(self):
        _, text = http(self.insert.url + "/metrics")
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("vm_rows_inserted_total"))


@pytest.mark.parametrize("kind", KINDS)
def test_two_gateways_write_all_of_it_once_though_a_storage_node_was_killed(tmp_path, kind):
    assert PROGRAMS, "CARBONGATE_VICTORIA_CLUSTER=DIRECTORY says where vminsert, vmstorage and vmselect are"
    assert_nothing_is_lost_or_double(tmp_path, Cluster(tmp_path), kind)
