"""The upload to platforms of key energy users: from readings through the whole gateway to a stand-in that was written from the
interface and checks every field (deploy/demo/energy-platform). What arrived is held against `carbongate export`."""

import csv
import datetime
import importlib.machinery
import importlib.util
import io
import json
import subprocess
import time

import pytest
from harness import CARBONGATE, SOURCE, Process, free_port, wait_until

SCRIPT = SOURCE / "deploy" / "demo" / "energy-platform"
loader = importlib.machinery.SourceFileLoader("energy_platform", str(SCRIPT))
stand_in = importlib.util.module_from_spec(importlib.util.spec_from_loader("energy_platform", loader))
loader.exec_module(stand_in)

ENTERPRISE = "91510800MA62000000"
ELECTRICITY, GAS = "0000000002330011", "0000000001150011"
STAT_TYPES = {"15min": 0, "day": 1, "month": 2, "year": 3}
DAY = 86400
MIDNIGHT = (int(time.time()) + 8 * 3600) // DAY * DAY - 8 * 3600  # the last one in Shanghai


def local(seconds):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds + 8 * 3600))


class Works:
    """A works with two meters, whose readings of some days until now are in the store when the gateway starts."""

    def __init__(self, folder, days=2, sinks=({},), **items):
        self.folder = folder
        self.config = folder / "works.yaml"
        self.ports = [free_port() for _ in sinks]
        self.platforms = []
        self.items = [
            {"user": "hall", "from": "incomer.energy", "code": "00-00-0000-023300-11", "name": "全厂电力", "max": 100000,
             "periods": list(STAT_TYPES), "meter": {"maker": "Acrel", "number": "17", "level": 1, "calibrated_until": "2027-03-01"}},
            {"user": "hall", "from": "gas.total", "code": GAS, "name": "天然气", "max": 100000, **items}]
        self.sinks = [{"type": "energy-platform", "name": f"center-{n}", "url": f"http://127.0.0.1:{port}/register",
                       "enterprise_code": ENTERPRISE, "region": "510800", "enterprise": {"name": "示范工厂", "industryCode": "3110"},
                       "items": self.items, "timeout": "2s", **sink} for n, (port, sink) in enumerate(zip(self.ports, sinks))]
        self.write()
        self.begin = MIDNIGHT - days * DAY
        self.gateway = Process([CARBONGATE, "run", self.config], folder / "gateway.log", env={"CENTER_SK": "s3cret"})
        if days:
            self.replay(self.begin, int(time.time()) // 900 * 900)

    def write(self):
        self.config.write_text(json.dumps({
            "site": {"id": "works", "timezone": "Asia/Shanghai", "grid_region": "CN-SC"},
            "brokers": {"plant": {"url": f"mqtt://127.0.0.1:{free_port()}"}},
            "devices": [{"id": device, "driver": "mqtt", "broker": "plant", "topic": f"plant/{device}", "interval": "5min",
                         "points": [{"name": name, "json": "/v", "unit": unit, "kind": "cumulative", **limit}]}
                        for device, name, unit, limit in (("incomer", "energy", "kWh", {"power_max": "2 MW"}),
                                                          ("gas", "total", "Nm3", {"flow_max": "5000 Nm3/h"}))],
            "energy_users": [{"id": "hall", "consumes": [
                {"carrier": "electricity", "from": "incomer.energy", "metering": {"class": "0.5S", "device": "ADL400"}},
                {"carrier": "natural-gas", "from": "gas.total"}]}],
            "sinks": self.sinks, "store": {"path": str(self.folder / "store")}}, ensure_ascii=False))

    def replay(self, begin, end):
        lines = ["time,point,value"]
        for n, at in enumerate(range(begin, end + 1, 300)):
            lines.append(f"{at * 1000},incomer.energy,{1000 + n * 3.37:.2f}")
            lines.append(f"{at * 1000},gas.total,{50 + n * 0.125:.3f}")
        (self.folder / "readings.csv").write_text("\n".join(lines) + "\n")
        self.run("replay", self.config, "--input", self.folder / "readings.csv")

    def run(self, *args, status=0):
        result = subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, text=True, env={"CENTER_SK": "s3cret"}, check=False)
        assert result.returncode == status, result.stdout + result.stderr
        return result.stdout

    def platform(self, *options, center=0):
        arguments = ["--port", str(self.ports[center]), "--enterprise", ENTERPRISE, "--upload-time", "00:00:00", *options]
        self.platforms.append(stand_in.Platform(stand_in.read_options(arguments)))
        return self.platforms[-1]

    def due(self, month_day=2):
        """By key, what `carbongate export` has of what may be there by now."""
        values = {}
        today = datetime.datetime.utcfromtimestamp(time.time() + 8 * 3600)
        for row in csv.DictReader(io.StringIO(self.run("export", self.config, "--what", "rollups"))):
            code = {"incomer": ELECTRICITY, "gas": GAS}[row["device"]]
            if row["period"] not in STAT_TYPES or (row["period"] == "year" and code == GAS) or row["state"] == "open":
                continue
            end = datetime.datetime.fromisoformat(row["end"]).replace(tzinfo=None)
            if row["period"] in ("month", "year"):
                end += datetime.timedelta(days=month_day - 1)
            if end <= today:
                values[(code, STAT_TYPES[row["period"]], row["begin"][:19].replace("T", " "))] = float(row["amount"])
        return values

    def close(self):
        if self.gateway.running():
            self.gateway.kill()
        for platform in self.platforms:
            platform.close()


def arrived(platform):
    with platform.lock:
        return {key: records[-1]["dataValue"] for key, records in platform.records.items()}


@pytest.fixture
def made(tmp_path):
    works = []

    def make(**kwargs):
        works.append(Works(tmp_path, **kwargs))
        return works[-1]
    yield make
    for each in works:
        each.close()


def test_it_registers_tells_what_it_is_and_sends_what_is_due(made):
    works = made()
    platform = works.platform()
    due = works.due()
    assert sum(key[1] == 0 for key in due) >= 2 * 2 * 96 and sum(key[1] == 1 for key in due) == 4
    with works.gateway.start():
        wait_until(lambda: len(arrived(platform)) >= len(due), 30, "all that is due")
        works.gateway.stop()
    assert platform.problems == []
    assert arrived(platform) == due
    assert {len(records) for records in platform.records.values()} == {1}, "each once"
    assert platform.counts["register"] == 1
    [configuration] = platform.configurations
    assert configuration["enterprise"] == {"code": ENTERPRISE, "regionCode": "510800", "name": "示范工厂", "industryCode": "3110"}
    [meters] = platform.meters
    assert meters["meters"][0]["manufacturer"] == "Acrel" and meters["meters"][0]["accuracyClass"] == "0.5S"
    # What the platform gave is kept: the next start does not register again.
    with works.gateway.start():
        wait_until(lambda: platform.counts["version"] >= 2, what="the version check")
        works.gateway.stop()
    assert platform.counts["register"] == 1 and len(platform.configurations) == 1
