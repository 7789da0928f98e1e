"""The dashboard, in a real browser, before a real gateway with meters that speak over a real broker."""

import csv
import datetime
import io
import json
import os
import subprocess
import threading
import time

import paho.mqtt.client as mqtt
import pytest

from harness import BUILD, CARBONGATE, SOURCE, Process, accepts, free_port, wait_until
from modbus_servers import libmodbus_tcp

BROWSER = SOURCE / "tests/integration/dashboard_browser.mjs"
PAGE_BYTES = 500_000   # goals of the page: over the wire, compressed
UPDATE_SECONDS = 2.0
SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))

SITE = """
site: {{id: edz-1, name: 广元经开区一号园区, timezone: Asia/Shanghai, grid_region: CN-SC}}
brokers: {{plant: {{url: "mqtt://127.0.0.1:{broker}"}}}}
devices:
  - id: incomer
    driver: mqtt
    broker: plant
    topic: plant/incomer
    interval: {interval}
    timestamp: {{json: /t, format: epoch-ms}}
    points: [{{name: power, json: /p, unit: kW, kind: instantaneous}}]
  - id: press
    driver: mqtt
    broker: plant
    topic: plant/press
    interval: {interval}
    timestamp: {{json: /t, format: epoch-ms}}
    points: [{{name: power, json: /p, unit: kW, kind: instantaneous}}]
  - {{id: furnace, driver: modbus-tcp, address: "127.0.0.1:{modbus}", unit: 1, interval: 60s, registers: [{{name: temperature, address: 21, type: uint16, unit: °C}}, {{name: none, address: 300, type: uint16}}]}}
energy_users:
  - {{id: hall, name: 轧钢车间, consumes: [{{carrier: electricity, from: incomer.power}}]}}
  - {{id: press-shop, name: "冲压 <img src=x onerror=alert(1)>", consumes: [{{carrier: electricity, from: press.power}}]}}
alerts:
  rules:
    - {{id: overload, name: Transformer overload, name_zh: 变压器过载, severity: critical, points: [incomer.power], above: 800}}
    - {{id: day, name: CO2e of a day, name_zh: 日碳排放配额, users: [hall], of: co2e, period: day, quota: 20000, above: 100}}
store: {{path: store}}
ops: {{listen: "127.0.0.1:{port}"{ops}}}
"""


class Meters:
    """Publishes what each device measures, twice a second, until end()."""

    def __init__(self, publisher):
        self.kw = {"incomer": 610.0, "press": 130.0}
        self._publisher = publisher
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def end(self):
        self._over.set()
        self._thread.join()

    def _run(self):
        while not self._over.wait(0.5):
            for device, kw in self.kw.items():
                self._publisher.publish(f"plant/{device}", json.dumps({"t": int(time.time() * 1000), "p": kw}), qos=1)


class Site:
    """A gateway with some history, a reading each `step` minutes, and what publishes live readings to it."""

    script = BROWSER
    ops = ""  # more keys of that section

    def __init__(self, folder, minutes=36 * 60, step=1, more_users=0):
        self.broker_port, self.port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "site.yaml"
        self.modbus = libmodbus_tcp(folder / "modbus.log")
        self.config.write_text(SITE.format(broker=self.broker_port, port=self.port, modbus=self.modbus.port, interval=f"{step}min", ops=self.ops))
        if more_users:
            self._add_users(more_users, step)
        conf = folder / "mosquitto.conf"
        conf.write_text(f"user root\nlistener {self.broker_port} 127.0.0.1\nallow_anonymous true\n")
        self.broker = Process(["mosquitto", "-c", conf], folder / "mosquitto.log")
        self.gateway = Process([CARBONGATE, "run", self.config], folder / "gateway.log")
        self.publisher = mqtt.Client()
        self.meters = Meters(self.publisher)
        self.recording = folder / "history.csv"
        now = int(time.time()) // 60 * 60
        lines = ["time,point,value"]
        for n in range(minutes, 5, -step):
            at = (now - n * 60) * 1000
            lines += [f"{at},incomer.power,{500 + n % 90}", f"{at},press.power,{120 + n % 40}"]
            lines += [f"{at},more-{user}.power,{30 + n % 7}" for user in range(more_users)]
        self.recording.write_text("\n".join(lines) + "\n")

    def _add_users(self, count, step):
        """Users beside the two, each with a meter that has only a past."""
        devices = "".join(f"  - {{id: more-{n}, driver: mqtt, broker: plant, topic: plant/more-{n}, interval: {step}min, "
                          f"timestamp: {{json: /t, format: epoch-ms}}, points: [{{name: power, json: /p, unit: kW, kind: instantaneous}}]}}\n"
                          for n in range(count))
        users = "".join(f"  - {{id: more-{n}, consumes: [{{carrier: electricity, from: more-{n}.power}}]}}\n" for n in range(count))
        self.config.write_text(self.config.read_text().replace("energy_users:\n", devices + "energy_users:\n" + users))

    def start(self):
        self.carbongate("replay", self.config, "--input", self.recording)
        self.modbus.start(self.modbus.ready)
        self.broker.start(ready=lambda: accepts(self.broker_port))
        self.publisher.connect("127.0.0.1", self.broker_port)
        self.publisher.loop_start()
        self.start_gateway()
        self.meters.start()

    def start_gateway(self):
        self.gateway.start(ready=lambda: "running" in self.gateway.output() and accepts(self.port))

    def stop(self):
        self.meters.end()
        self.publisher.loop_stop()
        for process in (self.gateway, self.broker, self.modbus):
            if process.running():
                process.kill()

    def carbongate(self, *args):
        result = subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def an_entry(self):
        """The name of one of its entries, as the ledger page would link it."""
        rows = csv.DictReader(io.StringIO(self.carbongate("export", self.config, "--what", "entries")))
        row = [one for one in rows if one["user"] == "hall"][-3]
        begin = subprocess.run(["date", "-u", "-d", row["begin"], "+%Y-%m-%dT%H:%M:%SZ"], capture_output=True, text=True, check=True)
        return f"hall/electricity/incomer.power@{begin.stdout.strip()}#0"

    def command(self, scenario, *args):
        return ["node", self.script, scenario, self.url, *map(str, args)]

    def browse(self, scenario, *args, timeout=180):
        result = subprocess.run(self.command(scenario, *args), capture_output=True, text=True, timeout=timeout, env=environment())
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout


def environment():
    return {**os.environ, "CARBONGATE_BUILD": str(BUILD)}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    one = Site(tmp_path_factory.mktemp("site"))
    try:
        one.start()
        yield one
    finally:
        one.stop()


def test_every_page_at_three_sizes(site):
    pictures = BUILD / "tests" / "integration" / "dashboard"
    site.browse("pages", site.an_entry(), pictures, timeout=300)
    assert len(list(pictures.glob("*.png"))) >= 42


def test_axe_finds_nothing_serious(site):
    site.browse("accessible", site.an_entry(), timeout=300)


def test_the_language_is_the_browsers_and_can_be_changed(site):
    site.browse("languages")


def test_the_keyboard_is_enough(site):
    site.browse("keyboard")


def test_a_number_opens_its_explanation(site):
    site.browse("explain")


def test_a_device_is_read_now_and_shows_its_frames(site):
    site.browse("device")


def test_downloads_are_what_the_commands_write(site, tmp_path):
    yesterday = datetime.datetime.now(SHANGHAI).date() - datetime.timedelta(days=1)
    today = yesterday + datetime.timedelta(days=1)
    site.browse("download", yesterday, tmp_path)
    entries = site.carbongate("export", site.config, "--what", "entries", "--from", yesterday, "--to", today)
    assert (tmp_path / "entries.csv").read_text() == entries and entries.count("\n") > 20
    statement = ("statement", site.config, "--period", "day", "--of", yesterday, "--format")
    assert (tmp_path / "statement.csv").read_text() == site.carbongate(*statement, "csv")
    assert (tmp_path / "statement.json").read_text() == site.carbongate(*statement, "json")


class Watching:
    """A scenario that speaks while it runs."""

    def __init__(self, site, scenario, folder, *args):
        self.process = Process(site.command(scenario, *args), folder / f"{scenario}.log", env=environment())

    def until(self, word, timeout=60.0):
        wait_until(lambda: any(line.startswith(word) for line in self.process.output().splitlines()) or not self.process.running(),
                   timeout, f"the browser saying '{word}'")
        return next(line for line in self.process.output().splitlines() if line.startswith(word))


def kilowatts(line):
    return float(line.split()[1].replace(",", ""))


def test_a_change_is_seen_within_two_seconds(site, tmp_path):
    watching = Watching(site, "live", tmp_path)
    with watching.process.start():
        assert kilowatts(watching.until("ready")) == 740
        site.meters.kw["incomer"] = 100.0
        begin = time.monotonic()
        seen = kilowatts(watching.until("seen"))
        assert time.monotonic() - begin < UPDATE_SECONDS
        assert seen < 500, "the mean of the reading before and this one, at most"
        assert watching.process.child.wait(20) == 0


def test_an_alert_is_acknowledged_with_a_note(site):
    site.meters.kw["incomer"] = 950.0
    wait_until(lambda: '"firing"' in site.carbongate("alerts", site.config, "--format", "json"), 30, "the alert firing")
    site.browse("acknowledge", "电工已到场 <b>!</b>")
    known = json.loads(site.carbongate("alerts", site.config, "--format", "json"))
    assert [(one["state"], one["note"]) for one in known if one["rule"] == "overload"][0] == ("acknowledged", "电工已到场 <b>!</b>")


def test_the_page_is_light(site):
    said = json.loads(site.browse("weight"))
    assert said["bytes"] < PAGE_BYTES, said
    print(said)


def test_a_gateway_that_is_gone_is_told_and_its_return_is_noticed(site, tmp_path):
    watching = Watching(site, "lost", tmp_path)
    with watching.process.start():
        watching.until("ready")
        site.gateway.kill()
        watching.until("lost")
        site.start_gateway()
        watching.until("back", timeout=90)
        assert watching.process.child.wait(30) == 0
