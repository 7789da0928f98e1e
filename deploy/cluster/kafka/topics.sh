#!/usr/bin/env bash
# Makes the topics of a gateway's Kafka sink: BOOTSTRAP=kafka-1:9092 topics.sh. What is there already stays as it is.
# A record's key is the row's point: the rows of a point lie in one partition, in order, so settle their number for good beforehand.
# Nothing is compacted: a compacted topic would keep the last row of a point and forget its books.
set -euo pipefail

for kind in readings intervals entries rollups totals alerts reports; do
  kafka-topics.sh --bootstrap-server "${BOOTSTRAP:?host:port of a server}" --create --if-not-exists \
    --topic "${PREFIX:-carbongate}.$kind" --partitions "${PARTITIONS:-12}" --replication-factor "${REPLICAS:-3}" \
    --config min.insync.replicas="${IN_SYNC:-2}" --config cleanup.policy=delete --config retention.ms=-1
done
