"""Every query of the dashboards in deploy/grafana, run against real stores that a real gateway filled.

Grafana itself is not there: this file puts in the variables and macros as Grafana does, and asks the stores itself.
"""

import json
import os
import random
import re
import subprocess
import time
import urllib.parse
from datetime import datetime, timezone
from decimal import Decimal

import pytest
import yaml
from harness import CARBONGATE, SOURCE, free_port, wait_until
from mqtt_park import ENVIRONMENT, export, gateway_process, write_config
from mqtt_servers import Mosquitto
from postgresql_servers import PostgreSQL
from tsdb_servers import VictoriaMetrics, http

GRAFANA = SOURCE / "deploy" / "grafana"
DASHBOARDS = {path.name: json.loads(path.read_text()) for path in sorted((GRAFANA / "dashboards").glob("*.json"))}
SOURCES = {"carbongate-victoria-metrics": "prometheus", "carbongate-postgresql": "postgres"}

START_MS = 1_767_196_800_000  # 2026-01-01 in Shanghai
STEP_MS = 5 * 60_000
DAYS = 3
READINGS = DAYS * 24 * 12
END_MS = START_MS + (READINGS - 1) * STEP_MS
FROM_MS = START_MS - 15 * 60_000  # what is looked at; a window of PromQL does not include its first instant
METERS = {"m0": "kWh", "m1": "kWh", "m2": "kWh", "gas": "Nm3"}

USERS = [
    {"id": "hall", "name": "主厂房", "consumes": [{"carrier": "electricity", "from": "m0.energy"}, {"carrier": "natural-gas", "from": "gas.energy"}]},
    {"id": "press", "name": "冲压车间", "part_of": "hall", "consumes": [{"carrier": "electricity", "from": "m1.energy"}]},
    {"id": "office", "name": "办公楼", "consumes": [{"carrier": "electricity", "from": "m2.energy"}]},
]
RULES = [
    {"id": "peak", "name": "Peak load", "name_zh": "尖峰负荷", "severity": "critical", "users": ["hall"], "carrier": "electricity", "of": "power", "above": 100},
    {"id": "draw", "users": ["office"], "carrier": "electricity", "of": "power", "above": 15, "severity": "warning"},
]


def messages(meter):
    """Day and night; m1 now and then has no number; m0 draws much at noon of the second day, and at the end."""
    chance = random.Random(meter)
    total = 1000.0
    for k in range(READINGS):
        hour = k // 12 % 24
        kw = chance.uniform(5, 10) + (30 if 8 <= hour < 18 else 0)
        if meter == "m0" and (k // 12 == 36 or k > READINGS - 12):
            kw += 200
        total += kw / 12
        yield json.dumps({"t": START_MS + k * STEP_MS, "e": None if meter == "m1" and k % 97 == 50 else round(total, 3)})


def publish(broker):
    for meter in METERS:
        lines = list(messages(meter))
        late = lines[300:304] if meter == "m2" else []
        broker.publish_lines(f"park/{meter}", [line for line in lines if line not in late])
        if late:
            broker.publish_lines(f"park/{meter}", late)


class Park:
    """Both stores, filled, with the answers to the dashboards' variables."""

    def __init__(self, config, victoria, postgresql):
        self.config, self.victoria, self.postgresql = config, victoria, postgresql
        self.values = {}
        self.scraped_ms = (0, 0)  # the time of the clock in which the gateway was asked for its metrics

    def ask_victoria(self, target, interval_ms, is_live=False):
        if is_live:  # what was scraped, in the time of the clock
            return self.ask_victoria_between(target, interval_ms, *self.scraped_ms)
        return self.ask_victoria_between(target, interval_ms, FROM_MS, END_MS)

    def ask_victoria_between(self, target, interval_ms, begin_ms, end_ms):
        query = self.fill(target["expr"], {"$__range_ms": int(end_ms - begin_ms), "$__range": f"{int(end_ms - begin_ms) // 1000}s",
                                           "$__rate_interval": f"{4 * interval_ms // 1000}s",
                                           "$__interval_ms": interval_ms, "$__interval": f"{interval_ms // 1000}s"})
        if target["instant"]:
            path, times = "query", {"time": end_ms / 1000}
        else:
            path, times = "query_range", {"start": begin_ms / 1000, "end": end_ms / 1000, "step": f"{interval_ms // 1000}s"}
        arguments = urllib.parse.urlencode({"query": query, "nocache": 1, **times})
        status, text = http(f"{self.victoria.url}/api/v1/{path}?{arguments}", timeout=30)
        assert status == 200, f"{query}\n{text}"
        return json.loads(text)["data"]["result"]

    def ask_postgresql(self, sql):
        return self.postgresql.rows(self.fill_sql(sql).rstrip(";"))

    def fill(self, query, builtin):
        for name, value in sorted(builtin.items(), key=lambda item: -len(item[0])):
            query = query.replace(name, str(value))
        for name, values in self.values.items():
            query = query.replace(f"${name}", "(" + "|".join(values) + ")" if isinstance(values, list) else values)
        assert "$" not in query, f"a variable that is not known: {query}"
        return query

    def fill_sql(self, sql):
        begin, end = (f"'{datetime.fromtimestamp(ms / 1000, timezone.utc):%Y-%m-%dT%H:%M:%SZ}'" for ms in (FROM_MS, END_MS))
        sql = re.sub(r"\$__timeFilter\(([^)]+)\)", rf"\1 BETWEEN {begin} AND {end}", sql)
        for name, values in self.values.items():
            sql = sql.replace(f"${name}", ", ".join(f"'{v}'" for v in values) if isinstance(values, list) else values)
        assert "$" not in sql, f"a variable that is not known: {sql}"
        return sql

    def choose(self, dashboard):
        """The variables' values as Grafana finds them, all of those that may be several."""
        self.values = {}
        for variable in dashboard["templating"]["list"]:
            found = self.answers_of(variable)
            assert found, f"no value of {variable['name']}"
            self.values[variable["name"]] = found if variable["multi"] else found[0]
        return self.values

    def answers_of(self, variable):
        if SOURCES[variable["datasource"]["uid"]] == "postgres":
            return [row.get("__value", row.get("site")) for row in self.ask_postgresql(variable["query"])]
        selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
        arguments = urllib.parse.urlencode({"match[]": self.fill(selector, {}), "start": FROM_MS / 1000, "end": time.time()})
        status, text = http(f"{self.victoria.url}/api/v1/label/{label}/values?{arguments}")
        assert status == 200, text
        return json.loads(text)["data"]


def carbongate(*args):
    return subprocess.run([CARBONGATE, *map(str, args)], check=True, capture_output=True, text=True,
                          env={**os.environ, **ENVIRONMENT}).stdout


def is_scraped(victoria):
    """Often enough for a rate of what has arrived."""
    query = urllib.parse.urlencode({"query": 'count_over_time(carbongate_sink_rows_total{state="accepted"}[1m])', "nocache": 1})
    found = json.loads(http(f"{victoria.url}/api/v1/query?{query}")[1])["data"]["result"]
    return len(found) >= 2 and all(int(one["value"][1]) >= 8 for one in found)


@pytest.fixture(scope="module")
def park(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grafana")
    port = free_port()
    scrape = folder / "scrape.yaml"
    scrape.write_text(json.dumps({"scrape_configs": [{"job_name": "carbongate", "scrape_interval": "1s", "static_configs": [
        {"targets": [f"127.0.0.1:{port}"]}], "authorization": {"credentials_file": str(folder / "token")}}]}))
    with (Mosquitto(folder / "broker") as broker, PostgreSQL() as postgresql,
          VictoriaMetrics(folder / "victoria", [f"-promscrape.config={scrape}"]) as victoria):
        devices = [{"id": meter, "driver": "mqtt", "broker": "plant", "topic": f"park/{meter}", "qos": 1, "interval": "5min",
                    "timestamp": {"json": "/t", "format": "epoch-ms"},
                    "points": [{"name": "energy", "json": "/e", "unit": unit, "kind": "cumulative"}]} for meter, unit in METERS.items()]
        config = write_config(folder / "park.yaml", broker,
                              [{"name": "tsdb", "url": victoria.write_url, "dialect": "victoriametrics"},
                               {"type": "postgresql", "name": "db", "url": postgresql.url()}],
                              devices=devices, energy_users=USERS, alerts={"rules": RULES}, corrections={"quiet": "1s"},
                              ops={"listen": f"127.0.0.1:{port}", "logins": True})
        (folder / "token").write_text(carbongate("tokens", config, "add", "scraper", "--role", "metrics"))
        begun_ms = time.time() * 1000
        gateway = gateway_process(folder, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            publish(broker)
            wait_until(lambda: postgresql.psql("SELECT to_regclass('carbongate.readings')") != "", 30, "the schema")
            wait_until(lambda: int(postgresql.psql("SELECT count(*) FROM carbongate.readings")) >= len(METERS) * READINGS, 90,
                       "all readings in PostgreSQL")
            wait_until(lambda: postgresql.psql("SELECT count(*) FROM carbongate.entries WHERE revision > 0") != "0", 60, "corrections")
            wait_until(lambda: is_scraped(victoria), 60, "what the gateway tells at /metrics")
            scraped_ms = begun_ms, time.time() * 1000
            assert gateway.stop() == 0  # which waits for what the sinks still have to tell
        selector = '{__name__=~"carbongate_(reading|correction)_.*"}'
        victoria.wait_for_samples(len(METERS) * READINGS, selector, 60)
        park = Park(config, victoria, postgresql)
        park.scraped_ms = scraped_ms
        yield park


def panels():
    for name, dashboard in DASHBOARDS.items():
        for panel in dashboard["panels"]:
            if panel["type"] != "row":
                yield pytest.param(dashboard, panel, id=f"{name}:{panel['id']}")


def interval_of(panel):
    """As Grafana chooses it for a panel of about a thousand dots, but no shorter than the panel allows."""
    unit = {"s": 1000, "m": 60_000, "h": 3_600_000}
    shortest = panel.get("interval", "15s")
    return max(int(shortest[:-1]) * unit[shortest[-1]], (END_MS - FROM_MS) // 1000 // 60_000 * 60_000)


@pytest.mark.parametrize("dashboard, panel", panels())
def test_every_query_has_an_answer(park, dashboard, panel):
    park.choose(dashboard)
    assert panel["targets"]
    for target in panel["targets"]:
        if SOURCES[target["datasource"]["uid"]] == "postgres":
            rows = park.ask_postgresql(target["rawSql"])
            assert rows, target["rawSql"]
            if target["format"] == "time_series":
                assert set(rows[0]) == {"time", "metric", "value"}
            assert any(value is not None for row in rows for value in row.values()), target["rawSql"]
        else:
            is_live = dashboard["uid"] == "carbongate-gateway"
            series = park.ask_victoria(target, 1000 if is_live else interval_of(panel), is_live)
            values = [value for one in series for value in one.get("values", [one.get("value")])]
            assert values, target["expr"]
            assert all(value[1] not in ("NaN", "+Inf", "-Inf") for value in values), target["expr"]
            if "legendFormat" in target:
                labels = re.findall(r"{{(\w+)}}", target["legendFormat"])
                assert not labels or all(set(one["metric"]) & set(labels) for one in series), "a series without a name"


def exported_sum(park, column, wanted):
    rows = [row for row in export(park.config, "entries") if row.get(column) is not None and wanted(row)]
    assert rows
    return sum(Decimal(str(row[column])) for row in rows)


def panel_of(name, title):
    return next(panel for panel in DASHBOARDS[name]["panels"] if panel["title"].startswith(title))


def test_sums_are_those_of_the_export_and_count_each_kilowatt_hour_once(park):
    def in_total(row):
        return row["user"] != "press"  # which is part of the hall

    co2e = exported_sum(park, "co2e_kg", in_total)
    coal = exported_sum(park, "coal_kgce", in_total)
    park.choose(DASHBOARDS["park.json"])
    for title, wanted in (("CO2e in the time shown", co2e), ("Standard coal", coal)):
        answer = park.ask_victoria(panel_of("park.json", title)["targets"][0], 60_000)
        assert float(answer[0]["value"][1]) == pytest.approx(float(wanted), rel=1e-9)
    park.choose(DASHBOARDS["accounts.json"])
    for title, wanted in (("CO2e 碳", co2e), ("Standard coal", coal)):
        answer = park.ask_postgresql(panel_of("accounts.json", title)["targets"][0]["rawSql"])
        assert float(answer[0]["value"]) == pytest.approx(float(wanted / 1000), rel=1e-12)


def test_alerts_are_those_that_fire(park):
    park.choose(DASHBOARDS["data.json"])
    active = park.ask_victoria(panel_of("data.json", "Alerts that are active")["targets"][0], 60_000)
    assert [(one["metric"]["rule"], one["metric"]["severity"]) for one in active] == [("peak", "critical")]
    park.choose(DASHBOARDS["accounts.json"])
    assert park.ask_postgresql(panel_of("accounts.json", "Active alerts")["targets"][0]["rawSql"])[0]["value"] == 1
    states = {row["state 状态"] for row in park.ask_postgresql(panel_of("accounts.json", "Alerts")["targets"][0]["rawSql"])}
    assert states == {"firing", "resolved"}


def overlap(one, other):
    a, b = one["gridPos"], other["gridPos"]
    return a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_what_grafana_takes(name):
    board = DASHBOARDS[name]
    assert re.fullmatch(r"[a-z-]{1,40}", board["uid"]) and "id" not in board, "Grafana gives the id"
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for number, panel in enumerate(board["panels"]):
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert not any(overlap(panel, other) for other in board["panels"][:number]), panel["title"]
        assert re.search("[a-z]", panel["title"], re.I) and re.search("[\u4e00-\u9fff]", panel["title"]), "in both languages"
        if panel["type"] != "row":
            uids = {panel["datasource"]["uid"], *(target["datasource"]["uid"] for target in panel["targets"])}
            assert len(uids) == 1 and uids <= set(SOURCES)
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_the_provisioned_sources_are_those_that_the_dashboards_name():
    sources = yaml.safe_load((GRAFANA / "provisioning/datasources/carbongate.yaml").read_text())["datasources"]
    assert {source["uid"]: source["type"] for source in sources} == SOURCES
    providers = yaml.safe_load((GRAFANA / "provisioning/dashboards/carbongate.yaml").read_text())["providers"]
    assert [provider["type"] for provider in providers] == ["file"]
    assert len({board["uid"] for board in DASHBOARDS.values()}) == len(DASHBOARDS) > 0
