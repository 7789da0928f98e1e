"""A Kafka cluster that is there already, such as that of deploy/cluster/kafka: `CARBONGATE_KAFKA=host:port tests/run --label kafka`.

Its topics carbongate-test.* must exist: PREFIX=carbongate-test deploy/cluster/kafka/topics.sh makes them. Several servers: host:port,host:port.
What other runs left there does not matter: the keys of this store are its own.
"""

import json
import os
import threading

from harness import wait_until
from mqtt_park import METERS, READINGS, export, gateway_process, publish_all, write_config
from mqtt_servers import Mosquitto
from test_kafka_sink import Cluster, by_key, keys_in_store

SERVERS = os.environ.get("CARBONGATE_KAFKA", "")
PREFIX = os.environ.get("CARBONGATE_KAFKA_PREFIX", "carbongate-test")


def test_every_row_is_in_a_real_cluster_though_the_gateway_was_killed(tmp_path):
    assert SERVERS, "CARBONGATE_KAFKA=host:port says where the cluster is"
    with Mosquitto(tmp_path / "plant") as plant, Cluster(tmp_path / "cluster.log", [SERVERS, PREFIX]) as cluster:
        sink = {"type": "kafka", "name": "out", "bootstrap": SERVERS.split(","), "topic": f"{PREFIX}.{{kind}}", "batch_rows": 60}
        config = write_config(tmp_path / "park.yaml", plant, [sink])
        gateway = gateway_process(tmp_path, config)

        def heard():
            """Of this store."""
            mine = next(iter(keys_in_store(tmp_path)), "-").split("-")[0]
            return [record for record in cluster.heard() if record[2]["key"].startswith(mine + "-")]

        with gateway.start(ready=lambda: "new session" in gateway.output()):
            publishing = threading.Thread(target=publish_all, args=(plant,))
            publishing.start()
            for part in (1, 2):
                wait_until(lambda: len(heard()) > METERS * READINGS * part // 4, 120, "a part being heard")
                gateway.kill()
                gateway.start()
            publishing.join()
            wait_until(lambda: len(keys_in_store(tmp_path, (0,))) >= METERS * READINGS, 60, "all readings in the journal")
            wait_until(lambda: keys_in_store(tmp_path) <= set(by_key(heard())), 120, "everything being heard")
            assert gateway.stop() == 0
        wait_until(lambda: keys_in_store(tmp_path) <= set(by_key(heard())), 30, "what the gateway sent at last")
        found = by_key(heard())
        partitions = cluster.partitions()
    assert set(found) == keys_in_store(tmp_path)
    entries = [{column: value for column, value in payload.items() if column not in ("kind", "site", "key")}
               for topic, _, payload in found.values() if topic == f"{PREFIX}.entries"]
    order = lambda row: json.dumps(row, sort_keys=True)  # noqa: E731
    assert sorted(entries, key=order) == sorted(export(config, "entries"), key=order)
    assert len(partitions) == len({(topic, key) for topic, key, _ in partitions}), "the rows of a point lie in one partition"
