"""The sink of deploy/cluster/victoria-metrics/gateway.yaml, but for the address, before three storage nodes that each have a third of
the series twice. Debian has no vminsert and no vmselect. Here vmagent takes what is written, by vminsert's paths and for its tenants, and
places each series on two nodes, as -replicationFactor=2 does; and the copies of the nodes are put together as vmselect does it. The
cluster's own programs: real/test_victoria_metrics.py.
"""

import json

import pytest
from harness import Process, free_port
from tsdb_servers import VictoriaMetrics, http
from victoria_cluster import KINDS, assert_nothing_is_lost_or_double, services_of

NODES = 3
LABELS = ["__name__", "carrier", "device", "factor", "factor_version", "gwp_set", "part_of", "period", "point", "scope", "site",
          "unit", "user"]


class Node(VictoriaMetrics):
    """With the flags of a vmstorage of cluster.yaml, where vmagent writes for tenant 0."""

    def __init__(self, directory, service):
        super().__init__(directory, services_of("cluster.yaml")[service]["command"][1:])
        self.prefix = "/insert/0:0/prometheus"  # vmagent writes the tenant in full
        self.base = self.url
        self.url += self.prefix

    def _args(self):
        return [*super()._args(), f"-http.pathPrefix={self.prefix}"]


class Nodes:
    """The three behind a vmagent."""

    def __init__(self, directory):
        self.nodes = [Node(directory / f"vmstorage-{n + 1}", f"vmstorage-{n + 1}") for n in range(NODES)]
        self.port = free_port()
        flags = [f"-httpListenAddr=127.0.0.1:{self.port}", f"-remoteWrite.tmpDataPath={directory / 'queue'}"]
        for n, node in enumerate(self.nodes):
            rules = directory / f"shard-{n}.json"
            places = "|".join(str((n + further) % NODES) for further in range(2))
            rules.write_text(json.dumps([  # JSON is YAML
                {"action": "hashmod", "source_labels": LABELS, "modulus": NODES, "target_label": "__tmp_place"},
                {"action": "keep", "source_labels": ["__tmp_place"], "regex": places},
                {"action": "labeldrop", "regex": "__tmp_place"}]))
            flags += [f"-remoteWrite.multitenantURL={node.base}", f"-remoteWrite.urlRelabelConfig={rules}"]
        self.agent = Process(["vmagent", *flags], directory / "vmagent.log")
        self.url = f"http://127.0.0.1:{self.port}"
        self.places = {}  # on which nodes a series was, when samples() looked last

    def __enter__(self):
        for node in self.nodes:
            node.start()
        self.agent.start(ready=lambda: http(self.url + "/health", timeout=1)[0] == 200)
        return self

    def __exit__(self, *exc):
        self.agent.__exit__(*exc)
        for node in self.nodes:
            node.__exit__(*exc)

    def samples(self, selector='{__name__=~"carbongate.*"}'):
        """Copies of a sample are one; of those that differ each is there."""
        found = {}
        places = {}
        for n, node in enumerate(self.nodes):
            if not node.process.running():
                continue
            for series, times in node.samples(selector).items():
                places.setdefault(series, set()).add(n)
                for at, values in times.items():
                    known = found.setdefault(series, {}).setdefault(at, [])
                    known += [value for value in values if value not in known]
                    assert len(values) == 1, (series, at, values)
        self.places = places
        return found

    def wait_for_samples(self, count, selector, timeout):
        return VictoriaMetrics.wait_for_samples(self, count, selector, timeout)

    def rows_taken(self):
        _, text = http(self.url + "/metrics")
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("vmagent_rows_inserted_total"))


@pytest.mark.parametrize("kind", KINDS)
def test_two_gateways_write_all_of_it_once_though_a_node_was_killed(tmp_path, kind):
    cluster = Nodes(tmp_path)
    assert_nothing_is_lost_or_double(tmp_path, cluster, kind)
    assert max(map(len, cluster.places.values())) == 2 and set().union(*cluster.places.values()) == set(range(NODES))
