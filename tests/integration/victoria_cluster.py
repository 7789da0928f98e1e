"""A VictoriaMetrics of several storage nodes as the far end of two gateways that hear the same: what any such cluster is held against."""

import threading

import yaml
from harness import SOURCE, wait_until
from mqtt_park import METERS, READINGS, publish_part
from mqtt_servers import Mosquitto
from test_outage import assert_same, victoria_rows
from test_pair import Half, heard

MANIFESTS = SOURCE / "deploy/cluster/victoria-metrics"
KINDS = ("line-protocol", "prometheus-remote-write")


def services_of(manifest):
    return yaml.safe_load((MANIFESTS / manifest).read_text())["services"]


def translated(flags, words):
    """The manifest's flags with the addresses and folders of here."""
    translation = []
    for flag in flags:
        for word, here in words.items():
            flag = flag.replace(word, here)
        translation.append(flag)
    return translation


def sink_of(kind, port):
    """That of gateway.yaml, or the one that stands there as a comment, with another address."""
    text = (MANIFESTS / "gateway.yaml").read_text().replace("# - {", "- {").replace("vminsert:8480", f"127.0.0.1:{port}")
    return next(sink for sink in yaml.safe_load(text)["sinks"] if sink["type"] == kind)


def assert_nothing_is_lost_or_double(tmp_path, cluster, kind):
    """Two gateways write the same while a node is killed and comes back. `cluster` has port, nodes, samples() and rows_taken()."""
    with Mosquitto(tmp_path / "plant") as plant, cluster:
        left, right = (Half(tmp_path / name, plant, [sink_of(kind, cluster.port)]) for name in ("left", "right"))
        with left.start(), right.start():
            publish_part(plant, 0)
            wait_until(lambda: victoria_rows(cluster) > METERS * READINGS // 5, 60, "a part being there")
            under_load(plant, 1, cluster.nodes[1].kill)
            wait_until(lambda: victoria_rows(cluster) > METERS * READINGS // 2, 60, "going on without the node that was killed")
            under_load(plant, 2, cluster.nodes[1].start)
            for half in (left, right):
                wait_until(lambda half=half: len(heard(half)) == METERS * READINGS, 60, "all readings being heard")
            wait_until(lambda: victoria_rows(cluster) == METERS * READINGS, 60, "all readings being there")
            assert [half.process.stop() for half in (left, right)] == [0, 0]
        for half in (left, right):
            assert_same(cluster, half.config)
        count = sum(len(times) for times in cluster.samples().values())
        assert cluster.rows_taken() > 1.9 * count, "both have written all of it"


def under_load(plant, part, do):
    publishing = threading.Thread(target=publish_part, args=(plant, part))
    publishing.start()
    do()
    publishing.join()
