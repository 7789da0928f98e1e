"""From a broker through the whole gateway into real time-series stores: what lies there is what `carbongate export` says.

Meanwhile the servers are killed and started again, and so is the gateway.
"""

import threading
from datetime import datetime

import pytest
from harness import wait_until
from mqtt_park import METERS, READINGS, START_MS, export, gateway_process, publish_all, write_config
from mqtt_servers import Mosquitto
from tsdb_servers import InfluxDB, VictoriaMetrics

QUALITY = ["measured", "late", "estimated", "substituted", "manual", "missing"]
RULES = ["", "not-a-number", "not-available", "range", "future", "stale", "out-of-order", "duplicate", "pending", "glitch",
        "reset", "rollover", "gap", "no-factor", "replaced", "ratio-change", "backwards", "stalled"]
RULE = {name: number for number, name in enumerate(RULES)} | {"rejected": 40}


def exported(config):
    """All of the export but the running totals, as {(measurement, frozenset of tags, time in ms): {field: value}}."""
    points = {}
    for what, measurement in (("readings", "reading"), ("intervals", "interval"), ("entries", "entry"), ("rollups", "rollup")):
        for row in export(config, what):
            if row.get("state") == "open" or row["rule"] == "duplicate":
                continue
            tags = {key: row[key] for key in ("device", "point", "unit", "user", "carrier", "factor", "factor_version",
                                              "gwp_set", "period", "scope") if row.get(key)}
            fields = {key: float(row[key]) for key in ("amount", "co2e_kg", "u95_kg", "market_co2e_kg", "coal_kgce",
                                                       "covered_s", "coverage_percent", "value") if row.get(key) is not None}
            if "u95_kg" in fields:
                fields["u95_stated"] = ["none", "part", "all"].index(row["u95_stated"])
            for gas, kilograms in (part.split(":") for part in row.get("gases_kg", "").split(";") if part):
                fields[gas.lower().replace("-", "_") + "_kg"] = float(kilograms)
            if row["rule"] != "out-of-order":
                fields |= {"quality": QUALITY.index(row["quality"]), "rule": RULE[row["rule"]]}
            at = datetime.fromisoformat(row.get("begin") or row["time"])
            if "begin" in row:
                fields["duration_s"] = (datetime.fromisoformat(row["end"]) - at).total_seconds()
            point = f"carbongate_{measurement}", frozenset({**tags, "site": "park"}.items()), round(at.timestamp() * 1000)
            points.setdefault(point, {}).update(fields)
    return points


def stored_in_influx(server, database):
    points = {}
    for measurement in ("reading", "interval", "entry", "rollup"):
        name = "carbongate_" + measurement
        tags = {value[0] for series in server.query(f'SHOW TAG KEYS FROM "{name}"', database) for value in series["values"]}
        for row in server.rows(database, name):
            point = name, frozenset((k, v) for k, v in row.items() if k in tags and v), row["time"]
            assert point not in points, f"stored twice: {point}"
            points[point] = {k: v for k, v in row.items() if k not in tags and k != "time" and v is not None}
    return points


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as server:
        yield server


def readings_in(server, database="carbon"):
    series = server.query('SELECT count(quality) FROM "carbongate_reading"', database)
    return series[0]["values"][0][1] if series else 0


def test_what_is_exported_lies_in_both_stores_though_everything_was_killed_meanwhile(tmp_path, broker):
    with InfluxDB(tmp_path / "influx") as influx, VictoriaMetrics(tmp_path / "victoria") as victoria:
        influx.query("CREATE DATABASE carbon")
        config = write_config(tmp_path / "park.yaml", broker,
                              [{"url": influx.write_url("carbon"), "batch_rows": 50},
                               {"name": "victoria", "url": victoria.write_url, "batch_rows": 70}])
        gateway = gateway_process(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            publishing = threading.Thread(target=publish_all, args=(broker,))
            publishing.start()
            for part, end_influx in ((1, influx.stop), (2, influx.stop), (3, influx.kill)):  # see InfluxDB.kill()
                wait_until(lambda: readings_in(influx) > METERS * READINGS * part // 5, 60, "a part being delivered")
                troubles = gateway.output().count("trying again")
                end_influx()
                gateway.kill()
                victoria.stop()
                gateway.start()
                wait_until(lambda: gateway.output().count("trying again") >= troubles + 2, 30, "the sinks being out of reach")
                influx.start()
                victoria.start()
            wait_until(lambda: readings_in(influx) >= METERS * READINGS, 90, "all readings in InfluxDB")

            wait_until(lambda: stored_in_influx(influx, "carbon") == exported(config), 60, "all other rows")
            assert gateway.stop() == 0
        wanted = exported(config)
        assert stored_in_influx(influx, "carbon") == wanted
        assert {name for name, _, _ in wanted} == {f"carbongate_{m}" for m in ("reading", "interval", "entry", "rollup")}

        samples = sum(len(fields) for fields in wanted.values())
        selector = '{__name__=~"carbongate_(reading|interval|entry|rollup)_.*"}'
        stored = victoria.wait_for_samples(samples, selector, 60)
        for (name, tags, at), fields in wanted.items():
            for field, value in fields.items():
                found = stored.get((f"{name}_{field}", tags), {}).get(at)
                assert found and len(set(found)) == 1, (name, field, tags, at, found)
                assert found[0] == pytest.approx(value, rel=1e-15, abs=0), (name, field, tags, at)
        assert sum(len(times) for times in stored.values()) == samples
        assert victoria.counter("vm_rows_invalid_total") == 0


def test_a_second_destination_gets_the_whole_journal_from_its_beginning(tmp_path, broker):
    with InfluxDB(tmp_path / "influx") as influx:
        influx.query("CREATE DATABASE carbon")
        influx.query("CREATE DATABASE second")
        config = write_config(tmp_path / "park.yaml", broker, [{"url": influx.write_url("carbon")}])
        gateway = gateway_process(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            publish_all(broker)
            wait_until(lambda: readings_in(influx) >= METERS * READINGS, 60, "all readings in the first database")
            assert gateway.stop() == 0
            write_config(config, broker, [{"url": influx.write_url("carbon")},
                                          {"name": "second", "url": influx.write_url("second")}])
            gateway.start()
            wait_until(lambda: readings_in(influx, "second") >= METERS * READINGS, 60, "all readings in the second one")
            assert gateway.stop() == 0
        wanted = exported(config)
        assert stored_in_influx(influx, "carbon") == wanted
        assert stored_in_influx(influx, "second") == wanted


def test_rows_that_influxdb_refuses_are_set_aside_and_hold_nothing_up(tmp_path, broker):
    with InfluxDB(tmp_path / "influx") as influx:
        influx.query("CREATE DATABASE carbon")
        # Shards are a week long and know their own types: this one conflicts with every entry of the test.
        assert influx.write("carbon", f'carbongate_entry,site=other co2e_kg="a text" {START_MS}')[0] == 204
        config = write_config(tmp_path / "park.yaml", broker, [{"url": influx.write_url("carbon")}])
        gateway = gateway_process(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            publish_all(broker)
            wait_until(lambda: readings_in(influx) >= METERS * READINGS, 60, "all readings in InfluxDB")
            assert gateway.stop() == 0
        assert "rejected for good and kept in the dead-letter list" in gateway.output()
        assert "field type conflict" in gateway.output()
        stored = stored_in_influx(influx, "carbon")
        del stored["carbongate_entry", frozenset({("site", "other")}), START_MS]
        wanted = exported(config)
        assert any(name == "carbongate_entry" for name, _, _ in wanted)
        assert stored == {point: fields for point, fields in wanted.items() if point[0] != "carbongate_entry"}
