"""The upload to platforms of key energy users: from readings through the whole gateway to a stand-in that was written from the
interface and checks every field (deploy/demo/energy-platform). What arrived is held against `carbongate export`."""

import csv
import datetime
import importlib.machinery
import importlib.util
import io
import json
import re
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


def has_all(platform, works, timeout=60):
    due = works.due()
    wait_until(lambda: arrived(platform).keys() >= due.keys(), timeout, "all that is due")
    assert arrived(platform) == due
    assert platform.problems == []


def test_values_are_encrypted_and_the_key_is_nowhere(made):
    works = made(sinks=[{"dialect": "sm4"}])
    platform = works.platform("--encrypt")
    with works.gateway.start():
        has_all(platform, works)
        works.gateway.stop()
    key = platform.options.key.encode()
    for file in (works.folder / "store").rglob("*"):
        if file.is_file():
            assert key not in (data := file.read_bytes()) and key.lower() not in data, file
    assert platform.options.key not in works.gateway.output()
    # It is asked for again, and nothing is sent without it.
    with works.gateway.start():
        wait_until(lambda: platform.counts["register"] == 2, what="the second registration")
        works.gateway.stop()


def test_a_token_is_got_again_when_it_expires(made):
    works = made(sinks=[{"dialect": "token", "token_env": "CENTER_SK", "batch_records": 40}])
    platform = works.platform("--token", "s3cret", "--success", "200", "--token-life-told", "3600")
    platform.tokens = Forgetful()
    with works.gateway.start():
        has_all(platform, works)
    assert platform.counts["bad token"] >= 2 and platform.counts["token"] >= 3


class Forgetful(dict):
    """Tokens that are good for eight requests, whatever was told."""

    asked = 0

    def get(self, token, default=None):
        self.asked += 1
        if self.asked % 8 == 0:
            self.clear()
        return super().get(token, default)


def test_two_centers_do_not_wait_for_each_other(made):
    works = made(sinks=[{}, {"dialect": "sm4"}])
    first = works.platform(center=0)
    with works.gateway.start():
        has_all(first, works)
        second = works.platform("--encrypt", "--no-dashes", center=1)
        has_all(second, works)
    assert first.records.keys() == second.records.keys()


def test_quarter_hours_do_not_wait_for_the_slot_of_the_days(made):
    if time.time() + 30 > MIDNIGHT + DAY:  # the slot of today would be tomorrow
        wait_until(lambda: time.time() > MIDNIGHT + DAY, 40, "midnight in Shanghai")
    midnight = MIDNIGHT + DAY if time.time() > MIDNIGHT + DAY else MIDNIGHT
    works = made()
    seconds = int(time.time()) + 20 - midnight
    platform = works.platform("--upload-time", f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}")
    due = works.due()
    yesterday = {key for key in due if key[1] == 1 and key[2] == local(midnight - DAY)}
    assert len(yesterday) == 2
    with works.gateway.start():
        wait_until(lambda: arrived(platform).keys() == due.keys() - yesterday, 15, "all but yesterday's days")
        begun = time.monotonic()
        works.gateway.stop()
        assert time.monotonic() - begun < 3, "nothing that has to wait is waited for"
    with works.gateway.start():
        wait_until(lambda: arrived(platform).keys() == due.keys(), 40, "yesterday's days")
    assert time.time() >= midnight + seconds
    assert platform.problems == [] and arrived(platform) == due


ODD = {"late": ["--late", "0.05"], "silent": ["--silent-every", "9"], "cut": ["--cut-every", "4", "--drop-every", "7"],
       "errors": ["--error-every", "3"], "failures": ["--fail-every", "3"], "nonsense": ["--garbage-every", "3"],
       "moves": ["--move-every", "5"],
       "all": ["--cut-every", "11", "--drop-every", "13", "--error-every", "5", "--fail-every", "7", "--garbage-every", "17",
               "--move-every", "19"]}


@pytest.mark.parametrize("odd", ODD)
def test_whatever_the_platform_does_each_record_arrives(made, odd):
    works = made(sinks=[{"batch_records": 120, "timeout": "500ms"}])
    platform = works.platform(*ODD[odd])
    with works.gateway.start():
        has_all(platform, works, timeout=180)
        works.gateway.stop()
    assert works.run("dead-letters", works.config) == ""


def test_kills_and_outages_lose_nothing_and_double_nothing(made):
    works = made(days=3, sinks=[{"batch_records": 25}])
    platform = works.platform("--late", "0.02", "--cut-every", "6")
    due = works.due()
    for share in (0.1, 0.3, 0.5, 0.7):
        works.gateway.start()
        wait_until(lambda: len(arrived(platform)) >= share * len(due), 60, f"{share} of the records")
        works.gateway.kill()
        if share == 0.5:  # the platform is away, and comes back
            platform.close()
            works.gateway.start()
            wait_until(lambda: "cannot connect to 127.0.0.1:" + str(platform.port) in works.gateway.output(), what="the outage")
            platform.listen()
            wait_until(lambda: len(arrived(platform)) >= 0.6 * len(due), 60, "the back-fill")
            works.gateway.kill()
    with works.gateway.start():
        has_all(platform, works)
    for records in platform.records.values():
        assert len({record["dataValue"] for record in records}) == 1, "again is the same"


def test_newer_versions_are_fetched_and_told(made):
    works = made(days=1, sinks=[{"check_every": "1s"}])
    platform = works.platform()
    with works.gateway.start():
        has_all(platform, works)
        platform.options.dic_version = 7
        wait_until(lambda: platform.counts["base"] == 2, what="the newer dictionary")
        platform.options.reg_version = 3
        wait_until(lambda: len(platform.configurations) == 2, what="the configuration once more")
        count = platform.counts["version"]
        wait_until(lambda: platform.counts["version"] >= count + 2, what="two more version checks")
    assert platform.counts["base"] == 2 and len(platform.configurations) == 2 and platform.problems == []


def test_an_item_that_the_platform_refuses_holds_up_no_other(made):
    works = made(days=1, sinks=[{"batch_records": 60}])
    platform = works.platform("--refuse", GAS)
    due = {key: value for key, value in works.due().items() if key[0] == ELECTRICITY}
    with works.gateway.start():
        wait_until(lambda: arrived(platform).keys() == due.keys(), 60, "what is not refused")
        wait_until(lambda: "不存在" in works.run("dead-letters", works.config), 60, "the dead letters")
        works.gateway.stop()
    assert arrived(platform) == due
    assert all(f"数据编码 {GAS} 不存在" in line for line in works.run("dead-letters", works.config, "--format", "csv").splitlines()[1:])


def test_a_correction_is_sent_again(made):
    works = made(days=1)
    platform = works.platform()
    with works.gateway.start():
        has_all(platform, works)
        works.gateway.stop()
    before = arrived(platform)
    (works.folder / "bills.csv").write_text(
        "user,carrier,point,begin,end,amount,unit,note\n"
        f"hall,electricity,incomer.energy,{local(MIDNIGHT - DAY)[:10]},{local(MIDNIGHT)[:10]},5000,kWh,bill 4711\n")
    works.run("restate", works.config, "--manual", works.folder / "bills.csv", "--book", "--reason", "the meter was wrong")
    key = (ELECTRICITY, 1, local(MIDNIGHT - DAY))
    with works.gateway.start():
        wait_until(lambda: arrived(platform)[key] != before[key], what="the corrected day")
        wait_until(lambda: arrived(platform) == works.due(), what="its quarter hours")
    assert arrived(platform)[key] == 5000
    assert platform.records[key][-1]["inputType"] == 5, "typed in"
    assert platform.problems == []


def test_what_nothing_measures_is_entered_by_hand_and_told_as_such(made):
    works = made(days=1)
    site = json.loads(works.config.read_text())
    site["devices"].append({"id": "stock", "driver": "manual", "points": [{"name": "diesel", "unit": "t"}]})
    site["energy_users"].append({"id": "boiler", "consumes": [{"carrier": "diesel", "from": "stock.diesel"}]})
    site["sinks"][0]["items"].append({"user": "boiler", "from": "stock.diesel", "code": "0000000002170020", "name": "柴油", "unit": "t",
                                      "max": 10000, "periods": ["day", "month", "year"], "input_type": 5})
    works.config.write_text(json.dumps(site, ensure_ascii=False))
    bills = works.folder / "diesel.csv"
    days = f"{local(MIDNIGHT - DAY)[:10]},{local(MIDNIGHT)[:10]}"
    bills.write_text(f"user,carrier,point,begin,end,amount,unit,note\nboiler,diesel,stock.diesel,{days},31.25,t,stock-taking\n")
    enter = ("restate", works.config, "--manual", bills, "--book", "--reason", "November")
    works.run(*enter, status=65)  # without who says so
    bills.write_text("user,carrier,point,begin,end,amount,unit,note,by,evidence\n"
                     f"boiler,diesel,stock.diesel,{days},31.25,t,stock-taking,Li Wei,weighbridge slips 17-52\n")
    works.run(*enter)
    entries = works.run("export", works.config, "--what", "entries", "--format", "jsonl").splitlines()
    notes = {e["note"] for e in map(json.loads, entries) if e["user"] == "boiler"}
    assert notes == {"November (31250 kg in all: stock-taking; by Li Wei; evidence: weighbridge slips 17-52)"}
    works.run("verify", works.folder / "store")
    platform = works.platform()
    with works.gateway.start():
        wait_until(lambda: ("0000000002170020", 1, local(MIDNIGHT - DAY)) in arrived(platform), what="the day of the diesel")
        works.gateway.stop()
    assert platform.problems == []
    [[record]] = [records for key, records in platform.records.items() if key[0] == "0000000002170020" and key[1] == 1]
    assert (record["dataValue"], record["inputType"], record["valid"]) == (31.25, 5, True)
    # Another amount takes its place.
    bills.write_text(bills.read_text().replace("31.25", "30"))
    works.run(*enter)
    with works.gateway.start():
        wait_until(lambda: arrived(platform)[("0000000002170020", 1, local(MIDNIGHT - DAY))] == 30, what="the corrected amount")


def test_the_state_of_a_platform_and_its_dictionary_are_shown(made):
    works = made(days=2)
    assert "not registered yet" in works.run("platforms", works.config)
    works.run("platforms", works.config, "--dictionary", "center-0", status=65)
    platform = works.platform()
    with works.gateway.start():
        has_all(platform, works)
        page = works.run("platforms", works.config, "--days", 2)
        said = re.match(r"\s*As of (\S+), when the store was last written to, (\d+) s ago", page)
        written = datetime.datetime.fromisoformat(said[1]).timestamp()
        assert abs(time.time() - int(said[2]) - written) < 5 and "within a minute" in page
        works.gateway.stop()
    device = platform.enterprises[ENTERPRISE]
    assert "not in the dictionary" not in page
    works.items[1]["code"] = "0000000001990011"
    works.write()
    assert "9900 of 00-00-0000-019900-11" in works.run("platforms", works.config)
    works.items[1]["code"] = GAS
    works.write()
    assert device in page and f":{platform.port}/v0/data" in page
    rows = list(csv.DictReader(io.StringIO(works.run("platforms", works.config, "--days", 3, "--format", "csv"))))
    yesterday = [row for row in rows if row["day"] == local(MIDNIGHT - DAY)[:10]]
    assert [(r["due"], r["counted"], r["delivered"], r["delivered_percent"], r["remark"]) for r in yesterday] == [
        ("96", "96", "96", "100.0", "")] * 2
    assert datetime.datetime.fromisoformat(rows[0]["as_of"]).timestamp() >= int(written), "the end of the gateway writes"
    dictionary = json.loads(works.run("platforms", works.config, "--dictionary", "center-0"))
    assert dictionary["data"]["energyType"][0] == {"code": "3300", "name": "电力", "unit": "万千瓦时", "coefficient": "1.229"}


def test_what_another_platform_gave_is_not_used(made):
    works = made(days=1)
    first = works.platform()
    with works.gateway.start():
        has_all(first, works)
        works.gateway.stop()
    works.ports.append(free_port())
    works.sinks[0]["url"] = f"http://127.0.0.1:{works.ports[1]}/register"
    works.write()
    second = works.platform(center=1)
    count = first.requests
    with works.gateway.start():
        wait_until(lambda: len(second.configurations) == 1, what="the registration there")
        works.gateway.stop()
    assert first.requests == count and second.problems == []


def test_check_says_what_is_wrong_with_an_item(made):
    works = made(days=0)
    works.items[0]["user"] = "hal"
    works.items[1]["code"] = "00-00-0000-0233-11"
    works.write()
    result = subprocess.run([CARBONGATE, "check", works.config], capture_output=True, text=True, check=False)
    assert result.returncode == 78
    assert "works.yaml:1:" in result.stderr and "unknown energy user 'hal'; did you mean 'hall'?" in result.stderr, result.stderr
    assert "'00-00-0000-0233-11' is no data code" in result.stderr


def test_it_speaks_tls_and_to_nobody_without_it(made, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "ca.pem",
                    "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    works = made(days=1, sinks=[{"url": "https://127.0.0.1:1/register", "ca_file": "ca.pem"}])
    works.sinks[0]["url"] = f"https://127.0.0.1:{works.ports[0]}/register"
    works.write()
    platform = works.platform("--cert", str(tmp_path / "ca.pem"), "--cert-key", str(tmp_path / "key.pem"))
    with works.gateway.start():
        has_all(platform, works)
        works.gateway.stop()
    platform.scheme = "http"  # its addresses, from now on
    platform.move()
    with works.gateway.start():
        wait_until(lambda: "is not encrypted, while the registration is" in works.gateway.output(), what="its refusal")


def test_the_stand_in_prints_every_record_that_arrives(made, tmp_path):
    works = made(days=1)
    platform = Process([SCRIPT, "--port", works.ports[0], "--enterprise", ENTERPRISE, "--upload-time", "00:00:00", "--jsonl", "--cut-every", "2"],
                       tmp_path / "platform.log")

    def again():
        """Of a whole line: what has arrived before."""
        lines = [line for line in platform.output().splitlines(keepends=True) if line.startswith("{") and line.endswith("\n")]
        keys = [(r["dataCode"], r["statType"], r["statDate"]) for r in map(json.loads, lines)]
        return len(keys) > len(set(keys))
    with platform.start(ready=lambda: "listening" in platform.output()), works.gateway.start():
        wait_until(again, 30, "a record that was sent again, since its answer was cut")
