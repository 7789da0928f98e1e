"""The upload to supervisory platforms: from a stack analyser through the whole gateway to a stand-in that was written from the
standard and checks every field (deploy/demo/hj212-platform)."""

import json
import os
import socket
import subprocess
import time

import pytest
from harness import CARBONGATE, SOURCE, Process, free_port, wait_until
from hj212_logger import Logger, packet
from hj212_platform import stand_in

PLATFORM = SOURCE / "deploy" / "demo" / "hj212-platform"
MN = "010000A8900016F000169DC0"
BEGIN = int(time.time()) // 86400 * 86400 - 86400 - 8 * 3600  # midnight in Shanghai, a day or two ago
ENVIRONMENT = {"STACK_PW": "123456", "PLATFORM_PW": "abc123"}


def stamp(seconds):
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(BEGIN + seconds + 8 * 3600))


class Site:
    """A gateway between a logger and platforms."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.platform_port = free_port()
        self.config = folder / "works.yaml"
        self.process = Process([CARBONGATE, "run", self.config], folder / "gateway.log", env=ENVIRONMENT)
        self.platforms = []
        self.sent = 0

    def write(self, sinks=None, **station):
        points = [{"name": "co2", "factor": "a05001", "unit": "mg/m3", "stale_after": "7d"},
                  {"name": "o2", "factor": "a19001", "unit": "%", "stale_after": "7d"},
                  {"name": "electricity", "factor": "i33201", "unit": "kWh", "kind": "cumulative", "power_max": "2 MW",
                   "stale_after": "7d"}]
        self.config.write_text(json.dumps({
            "site": {"id": "works", "timezone": "Asia/Shanghai", "grid_region": "CN-SC"},
            "devices": [{"id": "stack", "driver": "hj212", "listen": f"127.0.0.1:{self.port}", "mn": MN,
                         "password_env": "STACK_PW", "interval": "30s", "points": points}],
            "stations": [{"id": "stack", "minute": "1min", "minute_instants": 1, "factors": [
                {"code": "a05001", "point": "stack.co2", "decimals": 1},
                {"code": "a19001", "point": "stack.o2", "unit": "%"},
                {"code": "i33201", "point": "stack.electricity",
                 "amount": {"point": "stack.electricity", "unit": "kWh", "decimals": 1}}], **station}],
            "energy_users": [],
            "sinks": [{"type": "hj212", "address": f"127.0.0.1:{self.platform_port}", "station": "stack", "mn": MN,
                       "password_env": "PLATFORM_PW", "timeout": "1s", **sink} for sink in sinks or [{}]],
            "store": {"path": str(self.folder / "store")}}))
        return self

    def start(self):
        self.process.start(ready=lambda: self.process.output().count("listening") > self.process.output().count("restart"))
        wait_until(lambda: self.connect() is not None, what="the port of the loggers")
        return self

    def connect(self):
        try:
            logger = Logger(self.port)
        except OSError:
            return None
        logger.socket.close()
        return logger

    def platform(self, *options, port=None):
        arguments = ["--port", str(port or self.platform_port), "--mn", MN, "--pw", "abc123", *options]
        self.platforms.append(stand_in.Platform(stand_in.read_options(arguments)))
        return self.platforms[-1]

    def feed(self, count, step=30):
        """So many instants more, and what closes the last of them; waits until each is on disk."""
        with Logger(self.port) as logger:
            for _ in range(count):
                k = self.sent
                at = k * step
                logger.send(packet(f"DataTime={stamp(at)};a05001-Rtd={235000 + k}.5,a05001-Flag=N;a19001-Rtd=6.25,a19001-Flag=N;"
                                   f"i33201-Rtd={1000 + k},i33201-Flag=N", qn=f"20260801{k:09}"))
                assert logger.answer()["QN"] == f"20260801{k:09}"
                self.sent += 1

    def instants(self):
        return [stamp(30 * k) for k in range(self.sent)]

    def minutes(self):
        return [stamp(60 * k) for k in range((self.sent - 1) // 2)]

    def log(self):
        return self.process.output()

    def close(self):
        if self.process.running():
            self.process.kill()
        for platform in self.platforms:
            platform.close()


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    yield made
    made.close()


def times(platform, command):
    return [key[2] for key in platform.keys(command)]


def has_all(platform, site):
    return sorted(times(platform, "2011")) == site.instants() and sorted(times(platform, "2051")) == site.minutes()


def test_a_strict_platform_gets_every_instant_and_minute_once(site):
    platform = site.platform()
    site.write().start()
    site.feed(125)
    wait_until(lambda: has_all(platform, site), what="all that was fed")
    assert platform.problems == []
    assert all(len(areas) == 1 for areas in platform.data.values()), "each of them once"
    assert len(platform.numbers) == len(platform.packets), "no QN twice"
    area = platform.data[(MN, "2011", stamp(30), "1")][0]
    assert area == (f"DataTime={stamp(30)};a05001-Rtd=235001.5,a05001-Flag=N;a19001-Rtd=6.25,a19001-Flag=N;"
                    "i33201-Rtd=1001.00,i33201-Flag=N")
    area = platform.data[(MN, "2051", stamp(60), "1")][0]
    assert area == (f"DataTime={stamp(60)};a05001-Min=235002.5,a05001-Avg=235003.0,a05001-Max=235003.5,a05001-Flag=N;"
                    "a19001-Min=6.25,a19001-Avg=6.25,a19001-Max=6.25,a19001-Flag=N;"
                    "i33201-Cou=2.0,i33201-Min=1002.00,i33201-Avg=1002.50,i33201-Max=1003.00,i33201-Flag=N")
    (hour,) = platform.keys("2061")
    assert hour[2] == stamp(0)
    area = platform.data[hour][0]
    assert "i33201-Cou=120.0," in area and "a05001-Min=235000.5,a05001-Avg=235060.0,a05001-Max=235119.5,a05001-Flag=N" in area
    assert site.process.stop() == 0
    exported = subprocess.run([CARBONGATE, "export", site.config, "--what", "reports", "--format", "jsonl"], check=True,
                              capture_output=True, text=True, env={**os.environ, **ENVIRONMENT}).stdout.splitlines()
    assert [json.loads(line)["period"] for line in exported].count("hour") == 1
    sent = json.loads(subprocess.run([CARBONGATE, "deliveries", site.config, "--format", "json"], check=True, capture_output=True,
                                     text=True, env={**os.environ, **ENVIRONMENT}).stdout)
    assert {d["id"] for d in sent} == {f"2051 {at}" for at in site.minutes()} | {f"2061 {stamp(0)}"}, "but for the instants"
    assert {(d["state"], d["answer"], d["attempts"]) for d in sent} == {("received", "9014", 1)}
    assert "abc123" not in site.log()


@pytest.mark.parametrize("options", [
    ("--late", "0.2"), ("--silent-every", "7"), ("--wrong-every", "5"), ("--bad-crc-every", "5"), ("--cut-every", "9"),
    ("--other-pw-every", "5"), ("--other-mn-every", "5")])
def test_whatever_the_platform_does_nothing_is_lost_and_what_is_repeated_is_the_same(site, options):
    platform = site.platform(*options)
    site.write().start()
    site.feed(21)
    wait_until(lambda: has_all(platform, site), timeout=60, what="all that was fed")
    assert [p for p in platform.problems if "again, with other data" in p] == []
    assert platform.problems == []
    if options[0] in ("--other-pw-every", "--other-mn-every"):
        wait_until(lambda: any(len(areas) > 1 for areas in platform.data.values()), what="what was answered so being sent again")
        assert f"with another {options[0][8:10].upper()}: no receipt; 1 so far" in site.log()


def test_what_was_made_during_an_outage_follows_when_the_platform_is_back(site):
    site.write().start()
    site.feed(11)
    platform = site.platform()
    wait_until(lambda: has_all(platform, site), timeout=60, what="all of the outage")
    platform.close()
    site.feed(10)
    again = site.platform()
    wait_until(lambda: sorted({*times(platform, "2011"), *times(again, "2011")}) == site.instants(), timeout=60,
               what="all of the second outage")
    assert set(times(platform, "2011")).isdisjoint(times(again, "2011")), "what was answered is not sent again"


def test_a_killed_gateway_sends_the_rest_and_nothing_else_is_said_of_an_instant(site):
    platform = site.platform("--silent-every", "3")
    site.write().start()
    for _ in range(4):
        site.feed(8)
        site.process.kill()
        site.start()
    wait_until(lambda: has_all(platform, site), timeout=60, what="all that was fed")
    assert [p for p in platform.problems if "again, with other data" in p] == []


def test_late_values_have_their_minute_and_their_hour_sent_again(site):
    """A logger that lost its line for three minutes goes on, and later sends what it has kept."""
    platform = site.platform("--corrections")
    site.write()
    config = json.loads(site.config.read_text()) | {"corrections": {"quiet": "500ms"}}
    site.config.write_text(json.dumps(config))
    site.start()
    site.feed(100)
    site.sent = 106
    site.feed(20)  # into the next hour
    (hour,) = wait_until(lambda: platform.keys("2061"), what="the hour")
    lost = [(MN, "2051", stamp(60 * minute), "1") for minute in (50, 51, 52)]
    wait_until(lambda: all(key in platform.data for key in lost), what="its silent minutes")
    assert all("a05001-Flag=B" in platform.data[key][0] and "a05001-Avg" not in platform.data[key][0] for key in lost)
    site.process.kill()
    site.start()
    site.sent = 100
    site.feed(6)

    def newest(key):
        return platform.data[key][-1]
    wait_until(lambda: all("a05001-Flag=N" in newest(key) for key in lost), timeout=30, what="the minutes with their values")
    assert f"a05001-Min={235000 + 100}.5,a05001-Avg={235000 + 101}.0,a05001-Max={235000 + 101}.5,a05001-Flag=N" in newest(lost[0])
    wait_until(lambda: "a05001-Avg=235060.0" in newest(hour), timeout=30, what="the hour with them")
    assert "i33201-Cou=120.0," in newest(hour), "as if they had come in time"
    assert platform.problems == []
    assert site.process.stop() == 0
    exported = subprocess.run([CARBONGATE, "export", site.config, "--what", "reports", "--format", "jsonl"], check=True,
                              capture_output=True, text=True, env={**os.environ, **ENVIRONMENT}).stdout.splitlines()
    hours = [row for row in map(json.loads, exported) if row["period"] == "hour"]
    assert [int(row["revision"]) for row in hours] == list(range(len(hours))) and len(hours) >= 2


def test_two_platforms_get_the_same_each_at_its_pace(site):
    other = free_port()
    fast, slow = site.platform(), site.platform("--late", "0.1", port=other)
    site.write(sinks=[{"name": "city"}, {"name": "province", "address": f"127.0.0.1:{other}", "window": 1}]).start()
    site.feed(9)
    wait_until(lambda: has_all(fast, site) and has_all(slow, site), timeout=60, what="both")
    assert fast.data == slow.data and fast.problems + slow.problems == []


def answered(platform, qn, count, timeout=15):
    wait_until(lambda: len(platform.answers_to(qn)) >= count, timeout, what=f"{count} answers")
    return platform.answers_to(qn)


def test_the_platform_asks_and_sets_what_it_is_allowed_to(site):
    platform = site.platform()
    site.write(sinks=[{"allow": ["1000", "1062", "1072"]}]).start()
    site.feed(3)
    wait_until(lambda: has_all(platform, site), what="the first instants")
    assert answered(platform, platform.ask("1061"), 3) == [("9011", "QnRtn=1"), ("1061", "RtdInterval=30"), ("9012", "ExeRtn=1")]
    assert answered(platform, platform.ask("1063"), 3)[1] == ("1063", "MinInterval=1")
    assert answered(platform, platform.ask("1011"), 3)[1][1].startswith("SystemTime=20")
    for command, area in (("1012", "SystemTime=20200101000000"), ("1064", "MinInterval=5"), ("2012", ""), ("3021", ""), ("3012", "")):
        assert answered(platform, platform.ask(command, area), 1) == [("9011", "QnRtn=2")], command
    assert answered(platform, platform.ask("4711"), 1) == [("9011", "QnRtn=8")]
    assert answered(platform, platform.ask("1061", pw="000000"), 1) == [("9011", "QnRtn=3")]
    assert answered(platform, platform.ask("1061", mn="OTHER0000000000000000000"), 1) == [("9011", "QnRtn=4")]
    assert answered(platform, platform.ask("1061", st="22"), 1) == [("9011", "QnRtn=5")]
    assert answered(platform, platform.ask("1062", "RtdInterval=5"), 2) == [("9011", "QnRtn=1"), ("9012", "ExeRtn=3")]
    assert answered(platform, platform.ask("1062", "RtdInterval=60"), 2) == [("9011", "QnRtn=1"), ("9012", "ExeRtn=1")]
    site.feed(4)
    wait_until(lambda: stamp(180) in times(platform, "2011"), what="the instant after")
    assert stamp(150) not in times(platform, "2011"), "one a minute from then on"
    assert answered(platform, platform.ask("1072", "NewPW=x&&z"), 2)[1] == ("9012", "ExeRtn=3")
    assert answered(platform, platform.ask("1072", "NewPW=xyz789"), 2)[1] == ("9012", "ExeRtn=1")
    platform.options.pw = "xyz789"
    site.feed(2)
    wait_until(lambda: stamp(240) in times(platform, "2011"), what="data with the new password")
    site.process.kill()  # what was set is kept
    site.start()
    site.feed(4)
    wait_until(lambda: stamp(360) in times(platform, "2011"), what="data with the new password and interval")
    assert stamp(330) not in times(platform, "2011")
    assert " warning sink hj212 " in site.log() and "requests refused so far" in site.log() and "127.0.0.1:" in site.log()
    for command in ("1012", "1064", "2012", "3021", "3012", "4711", "1061"):
        assert f"CN {command}: refused" in site.log(), "each command has its own line"
    assert "CN 1062: set: RtdInterval 60 s" in site.log() and "CN 1072: set: a new password" in site.log()
    assert "xyz789" not in site.log()
    assert platform.problems == []


def test_history_is_sent_record_by_record(site):
    platform = site.platform()
    site.write().start()
    site.feed(62)
    wait_until(lambda: has_all(platform, site), what="all that was fed")
    before = {key: list(areas) for key, areas in platform.data.items()}
    qn = platform.ask("2051", f"BeginTime={stamp(300)};EndTime={stamp(900)}")
    assert answered(platform, qn, 2) == [("9011", "QnRtn=1"), ("9012", "ExeRtn=1")]
    for key, areas in platform.data.items():
        is_asked_for = key[1] == "2051" and stamp(300) <= key[2] <= stamp(900)
        assert areas == before[key] * (2 if is_asked_for else 1), key
    qn = platform.ask("2031", f"BeginTime={stamp(0)};EndTime={stamp(86400)}")
    assert answered(platform, qn, 2) == [("9011", "QnRtn=1"), ("9012", "ExeRtn=100")], "there is no day yet"
    qn = platform.ask("2061", f"BeginTime={stamp(900)};EndTime={stamp(300)}")
    assert answered(platform, qn, 2)[1] == ("9012", "ExeRtn=3")
    assert platform.problems == []


def test_a_hostile_platform_is_left_and_the_gateway_goes_on(site):
    good = free_port()
    hostile, platform = site.platform("--garbage"), site.platform(port=good)
    site.write(sinks=[{"name": "odd"}, {"name": "good", "address": f"127.0.0.1:{good}"}]).start()
    site.feed(5)
    wait_until(lambda: has_all(platform, site), what="all at the good one")
    wait_until(lambda: "sink odd: 127.0.0.1:" in site.log(), what="the warning")
    connection = wait_until(lambda: hostile.connections and hostile.connections[-1], what="a connection")
    with pytest.raises(OSError):
        while True:
            connection.sendall(b"##xxxx" * 1000)
    wait_until(lambda: "connection closed: what it sends is no HJ 212" in site.log(), what="why it was left")
    closed = next(line for line in site.log().splitlines() if "connection closed: what it sends" in line)
    assert f" warning sink odd: 127.0.0.1:{site.platform_port}: " in closed
    site.feed(4)
    wait_until(lambda: has_all(platform, site), what="all at the good one")
    assert site.process.running()
    assert site.process.stop() == 0


def test_the_edition_of_2025_has_its_flag_and_its_heartbeat(site):
    platform = site.platform("--edition", "2025")
    site.write(sinks=[{"edition": 2025, "heartbeat": "1s"}]).start()
    site.feed(3)
    wait_until(lambda: has_all(platform, site), what="all that was fed")
    wait_until(lambda: any(p.get("CN") == "9015" for p in platform.packets), what="a heartbeat")
    assert {p.get("Flag") for p in platform.packets} == {"9", "8"}
    assert platform.problems == []


def test_a_packet_that_a_platform_never_answers_does_not_hold_up_the_others_for_ever(site):
    platform = site.platform("--ignore", stamp(60) + ";a05001-Rtd")
    site.write(sinks=[{"retries": 1}]).start()

    def is_given_up():
        site.feed(1)
        return "rejected for good" in site.log()
    site.feed(6)
    wait_until(is_given_up, timeout=90, what="the packet being given up")
    wait_until(lambda: set(times(platform, "2011")) == set(site.instants()), timeout=60, what="all others")
    assert site.process.stop() == 0
    letters = subprocess.run([CARBONGATE, "dead-letters", site.config], capture_output=True, text=True,
                             env={**os.environ, **ENVIRONMENT}).stdout
    assert letters.count("not answered") == 1, letters


def test_alerts_go_as_texts_and_each_change_once(site):
    platform = site.platform()
    site.write(sinks=[{"alerts": True}])
    config = json.loads(site.config.read_text())
    config["alerts"] = {"rules": [{"id": "limit", "name": "CO2 over its limit", "name_zh": "碳排放超限", "severity": "critical",
                                   "points": ["stack.co2"], "above": 235005}]}
    site.config.write_text(json.dumps(config))
    site.start()
    site.feed(9)
    (key,) = wait_until(lambda: platform.keys("3020"), what="the alert")
    assert key[2] == stamp(150), "the instant that broke the limit"
    assert "碳排放超限" in key[4] and "[严重][触发]" in key[4] and ", 当前值 235005.5 mg/m3, 限值 235005 mg/m3," in key[4]
    assert len(platform.data[key]) == 1 and platform.problems == []


def test_alerts_that_a_platform_never_answers_do_not_stop_what_it_answers(site):
    """Two changes without an answer, and readings beside them that fill the journal faster than reports do."""
    platform = site.platform("--ignore", "i11001")
    site.write(sinks=[{"alerts": True, "retries": 1}])
    config = json.loads(site.config.read_text())
    config["alerts"] = {"rules": [{"id": "high", "points": ["stack.co2"], "above": 235005}, {"id": "low", "points": ["stack.co2"], "below": 235003}]}
    site.config.write_text(json.dumps(config))
    site.start()
    site.feed(400)  # three readings each
    wait_until(lambda: "rejected for good" in site.log(), timeout=120, what="an alert being given up")
    wait_until(lambda: set(times(platform, "2011")) == set(site.instants()), timeout=90, what="all instants")
    assert site.process.stop() == 0


def test_a_packet_that_waits_for_its_answer_holds_back_nothing_that_comes_later(site):
    """No minute is ever answered; all else, alerts above all, arrives while they wait, once each."""
    platform = site.platform("--ignore", "a05001-Avg")
    site.write(sinks=[{"alerts": True, "timeout": "10s", "retries": 3}])
    config = json.loads(site.config.read_text())
    config["alerts"] = {"rules": [{"id": "limit", "name": "over", "severity": "critical", "points": ["stack.co2"], "above": 235006}]}
    site.config.write_text(json.dumps(config))
    site.start()
    site.feed(3)
    wait_until(lambda: times(platform, "2051") == [stamp(0)], what="a minute that is not answered")
    begun = time.monotonic()
    for _ in range(5):
        site.feed(1)
        wait_until(lambda: times(platform, "2011") == site.instants(), timeout=5, what=f"instant {site.sent}")
    wait_until(lambda: platform.keys("3020"), timeout=5, what="the alert")
    wait_until(lambda: times(platform, "2051") == site.minutes(), timeout=5, what="minutes behind the one that waits")
    assert time.monotonic() - begun < 10, "nothing was waited for"
    assert len(platform.connections) == 1 and platform.problems == []
    assert all(len(areas) == 1 for key, areas in platform.data.items() if key[1] != "2051"), "each once"


def deliveries(site, *options):
    return json.loads(subprocess.run([CARBONGATE, "deliveries", site.config, "--format", "json", *options], check=True,
                                     capture_output=True, text=True, env={**os.environ, **ENVIRONMENT}).stdout)


def test_what_waits_for_its_answer_is_in_the_record_at_once_with_every_time_it_was_sent(site):
    platform = site.platform("--ignore", "a05001-Avg")
    site.write(sinks=[{"timeout": "2s", "retries": 3}]).start()
    site.feed(3)
    wait_until(lambda: times(platform, "2051") == [stamp(0)], what="a minute that is not answered")
    (key,) = platform.keys("2051")
    (first,) = wait_until(lambda: deliveries(site, "--open"), timeout=1.5, what="its line before it is sent again")
    assert (first["state"], first["id"], first["attempts"]) == ("open", f"2051 {stamp(0)}", 1)
    assert first["first_sent"] == first["sent"] and first["answer"] == "no receipt yet" and first["answered"] == ""

    def is_counted(times):
        (line,) = deliveries(site, "--open")
        return line if line["attempts"] == times == len(platform.data[key]) else None
    for count in (2, 3, 4, 5):  # the last of these on the next connection
        line = wait_until(lambda count=count: is_counted(count), what=f"{count} times in the record as at the platform")
        assert line["first_sent"] == first["first_sent"] and line["sent"] > first["sent"]
    site.process.kill()
    (line,) = deliveries(site, "--open")
    assert line["attempts"] >= 5 and line["first_sent"] == first["first_sent"]


def test_no_more_packets_are_open_than_the_window_has_and_one_place_of_it_is_for_alerts(site):
    platform = site.platform("--ignore", "a05001")
    site.write(sinks=[{"alerts": True, "timeout": "10s", "window": 5}])
    config = json.loads(site.config.read_text())
    config["alerts"] = {"rules": [{"id": "limit", "name": "over", "severity": "critical", "points": ["stack.co2"], "above": 235015}]}
    site.config.write_text(json.dumps(config))
    site.start()
    def data():
        return times(platform, "2011") + times(platform, "2051")
    site.feed(10)
    wait_until(lambda: len(data()) == 4, what="what the window has room for")
    site.feed(7)
    wait_until(lambda: platform.keys("3020"), timeout=5, what="the alert")
    assert len(data()) == 4


@pytest.mark.parametrize("window", [1, 2, 3])
def test_an_alert_goes_beyond_a_small_window(site, window):
    """Data that are not answered fill it."""
    platform = site.platform("--ignore", "a05001")
    site.write(sinks=[{"alerts": True, "timeout": "20s", "window": window}])
    config = json.loads(site.config.read_text())
    config["alerts"] = {"rules": [{"id": "limit", "name": "over", "severity": "critical", "points": ["stack.co2"], "above": 235006}]}
    site.config.write_text(json.dumps(config))
    site.start()
    site.feed(5)
    wait_until(lambda: len(platform.data) == window, what="what the window has room for")
    site.feed(4)
    wait_until(lambda: platform.keys("3020"), timeout=5, what="the alert")
    assert len(platform.data) == window + 1, "and no more data"


def test_an_alert_does_not_wait_for_a_long_pause_after_an_outage(site):
    """The platform is there again when pauses that double would have become long."""
    with socket.create_server(("127.0.0.1", site.platform_port)) as away:
        site.write(sinks=[{"alerts": True}])
        config = json.loads(site.config.read_text())
        config["alerts"] = {"rules": [{"id": "limit", "severity": "critical", "points": ["stack.co2"], "above": 235000}]}
        site.config.write_text(json.dumps(config))
        site.start()
        site.feed(3)
        away.settimeout(30)
        for _ in range(9):  # pauses of half a second, one, two, four, and so on
            away.accept()[0].close()
    begun = time.monotonic()
    platform = site.platform()
    wait_until(lambda: platform.keys("3020"), timeout=20, what="the alert")
    assert time.monotonic() - begun < 7, "seconds, not half a minute"


def test_the_stand_in_prints_every_packet_that_arrives(site, tmp_path):
    platform = Process([PLATFORM, "--port", site.platform_port, "--jsonl", "--silent-every", "3"], tmp_path / "platform.log")
    with platform.start(ready=lambda: "listening" in platform.output()):
        site.write().start()
        site.feed(3)

        def again():
            lines = [line for line in platform.output().splitlines(keepends=True) if line.startswith("{") and line.endswith("\n")]
            keys = [(p["CN"], p["DataTime"]) for p in map(json.loads, lines)]
            return len(keys) > len(set(keys))
        wait_until(again, what="a packet that was sent again, since it was not answered")
