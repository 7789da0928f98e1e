"""Live factor sets as an operator meets them: values that come late, values that no grid has, and what the program says of both."""

import json
import subprocess
import time
from datetime import datetime, timezone
from decimal import Decimal

import pytest

from harness import CARBONGATE, wait_until
from http_servers import HttpGateway, WebServer, http_device, write_site
from mqtt_servers import export

START = int(time.time()) // 86_400 * 86_400 - 2 * 86_400  # a midnight UTC: eight in the morning in Shanghai
DAY = datetime.fromtimestamp(START, timezone.utc).strftime("%Y-%m-%d")
QUARTER = 900
STAMP = {"json": "/at", "format": "epoch-s"}


@pytest.fixture
def server():
    with WebServer() as running:
        yield running


def run(*args):
    return subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, text=True, check=False, timeout=60)


def site(tmp_path, server, **live):
    live = {"set": "grid-live", "carrier": "electricity", "region": "CN-SC", "from": "grid.intensity", "unit": "gCO2/kWh", "hold": "6h",
            "source": "grid operator", "fallback": {"set": "cn-grid", "method": "average"}, **live}
    users = [{"id": "hall", "consumes": [{"carrier": "electricity", "from": "meter.energy", "factor_set": "grid-live", "method": "live"}]}]
    intensity = [{"name": "intensity", "json": "/intensity", "unit": "1"}]
    energy = [{"name": "energy", "json": "/kwh", "unit": "kWh", "kind": "cumulative", "power_max": "1 MW"}]
    config = write_site(tmp_path / "site.yaml", [
        http_device(server, "grid", "/grid", intensity, records="", timestamp=STAMP, updates_every="1h"),
        http_device(server, "meter", "/meter", energy, records="", timestamp=STAMP, updates_every="15min")],
        users, factors={"live": [live]})
    config.write_text(json.dumps({**json.loads(config.read_text()), "corrections": {"quiet": "1s"}}))
    server.pages["/grid"] = []
    server.pages["/meter"] = []
    return config


def values(*of_hours):
    return [{"at": START + int(3600 * hour), "intensity": value} for hour, value in of_hours]


def meter(quarters):
    return [{"at": START + QUARTER * k, "kwh": 100 + 10 * k} for k in range(quarters + 1)]


def by_quarter(config):
    """What is known now of each quarter hour, in g/kWh."""
    sums = {}
    for row in export(config, "entries"):
        sums[row["begin"]] = sums.get(row["begin"], 0) + Decimal(row["co2e_kg"] or 0)
    return [float(sums[begin] * 100) for begin in sorted(sums)]


def test_a_value_that_comes_late_is_corrected_while_the_gateway_runs(tmp_path, server):
    config = site(tmp_path, server)
    server.pages["/meter"] = meter(9)
    with HttpGateway(config, tmp_path / "log").start() as gateway:
        wait_until(lambda: len(export(config, "entries")) == 9, what="the entries")
        assert by_quarter(config) == [156.4] * 9, "the fallback"
        server.pages["/grid"] = values((0, 300), (2, 500))
        wait_until(lambda: by_quarter(config) == [300] * 8 + [500], 60, "corrections by both values")
        server.pages["/grid"] = values((0, 300), (1, 400), (2, 500))  # one in between
        wait_until(lambda: by_quarter(config) == [300] * 4 + [400] * 4 + [500], 60, "corrections by the value in between")
        assert gateway.stop() == 0
    corrections = [row for row in export(config, "entries") if row["revision"] != 0]
    assert {row["cause"] for row in corrections} == {"late-data"}
    assert any("late values of grid.intensity: cn-grid/CN-SC/average/2023" in row["note"] and
               f"-> grid-live/CN-SC/live/{DAY}T00:00Z live" in row["note"] for row in corrections), corrections[0]
    found = run("restate", config, "--from", DAY)
    assert "nothing to correct" in found.stderr, found.stderr


def test_restate_corrects_what_the_gateway_left(tmp_path, server):
    config = site(tmp_path, server)
    config.write_text(json.dumps({**json.loads(config.read_text()), "corrections": {"quiet": "1h"}}))
    server.pages["/meter"] = meter(9)
    with HttpGateway(config, tmp_path / "log").start() as gateway:
        wait_until(lambda: len(export(config, "entries")) == 9, what="the entries")
        server.pages["/grid"] = values((1, 400))
        wait_until(lambda: any(row["device"] == "grid" for row in export(config, "readings")), what="the value")
        assert gateway.stop() == 0
    shown = run("restate", config, "--from", DAY)
    assert "5 entries differ" in shown.stderr, shown.stderr
    booked = run("restate", config, "--from", DAY, "--book", "--reason", "the grid operator was late")
    assert "5 corrections booked" in booked.stderr, booked.stderr
    assert by_quarter(config) == [156.4] * 4 + [400] * 5
    assert "nothing to correct" in run("restate", config, "--from", DAY).stderr


def test_a_value_that_no_grid_has_is_rejected_and_the_one_before_stays(tmp_path, server):
    config = site(tmp_path, server)
    server.pages["/grid"] = values((0, 300), (1, 1e9), (1.25, -50), (1.5, 1e12), (1.75, 5001))
    with HttpGateway(config, tmp_path / "log").start() as gateway:
        wait_until(lambda: len([row for row in export(config, "readings") if row["device"] == "grid"]) == 5, what="the values")
        server.pages["/meter"] = meter(9)
        entries = wait_until(lambda: len(found := export(config, "entries")) == 9 and found, what="the entries")
        assert gateway.stop() == 0
    assert [(row["quality"], row["rule"]) for row in export(config, "readings") if row["device"] == "grid"] == \
        [("late", "stale")] + [("missing", "range")] * 4
    assert {row["factor"] for row in entries} == {f"grid-live/CN-SC/live/{DAY}T00:00Z"}
    assert by_quarter(config) == [300] * 9


def test_factors_list_and_show_know_live_sets(tmp_path, server):
    config = site(tmp_path, server)
    listed = run("factors", "list", config)
    assert listed.returncode == 0 and listed.stderr == "", listed.stderr
    assert "grid-live/CN-SC/live  gCO2/kWh  none heard  grid.intensity  supplier" in listed.stdout, listed.stdout[-600:]
    server.pages["/grid"] = values((0, 300), (1, 302.5))
    with HttpGateway(config, tmp_path / "log").start() as gateway:
        wait_until(lambda: "302.5" in run("factors", "list", config).stdout, what="the newest value")
        assert gateway.stop() == 0
    shown = run("factors", "show", "grid-live/CN-SC/live", config)
    assert shown.returncode == 0, shown.stderr
    for said in ("heard from grid.intensity, in gCO2/kWh", "electricity 电力, in kWh", "0 to 5000 gCO2/kWh", "at most for 6 h",
                 "cn-grid/CN-SC/average", f"302.5 gCO2/kWh, {DAY}T09:00:00+08:00", f"300 gCO2/kWh, {DAY}T08:00:00+08:00"):
        assert said in shown.stdout, shown.stdout
    value = run("factors", "show", f"grid-live/CN-SC/live/{DAY}T01:00Z", config)
    assert "0.3025 kgCO2e/kWh" in value.stdout, value.stdout + value.stderr
    assert f"from {DAY}T09:00:00+08:00 until {DAY}T15:00:00+08:00" in value.stdout, value.stdout
    rows = [json.loads(line) for line in run("factors", "list", config, "--sets", "grid-live", "--format", "jsonl",
                                             "--at", f"{DAY}T08:30").stdout.splitlines()]
    [row] = [row for row in rows if row["id"].startswith("grid-live")]
    assert (row["value"], row["point"], row["valid_from"]) == ("300", "grid.intensity", f"{DAY}T08:00:00+08:00"), row
    elsewhere = run("factors", "list", config, "--store", tmp_path / "none")
    assert "none heard" in elsewhere.stdout
