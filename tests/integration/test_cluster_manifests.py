"""deploy/cluster: each manifest is read, names what is there, and agrees with the configuration that a gateway has for it."""

import json
import os
import re
import subprocess

import pytest
import yaml
from harness import CARBONGATE, SOURCE

ROOT = SOURCE / "deploy/cluster"
MANIFESTS = [ROOT / name for name in ("kafka/compose.yaml", "nats/compose.yaml", "victoria-metrics/cluster.yaml", "victoria-metrics/pair.yaml")]
FRAGMENTS = [*(ROOT / name / "gateway.yaml" for name in ("kafka", "nats", "victoria-metrics")), ROOT / "victoria-metrics/gateway-pair.yaml"]
KINDS = ["readings", "intervals", "entries", "rollups", "totals", "alerts", "reports"]


def name_of(path):
    return str(path.relative_to(ROOT))


def test_the_lists_are_complete():
    assert sorted(ROOT.rglob("*.yaml")) == sorted(MANIFESTS + FRAGMENTS)


@pytest.mark.parametrize("path", MANIFESTS, ids=name_of)
def test_a_manifest_names_what_is_there(path):
    manifest = yaml.safe_load(path.read_text())
    services = manifest["services"]
    assert len(services) >= 3
    for name, service in services.items():
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+(-cluster)?", service["image"]), name
        assert set(service.get("depends_on", [])) <= set(services)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (path.parent / source).is_file() if source.startswith("./") else source in manifest["volumes"], volume
        settings = [*service.get("command", []), *map(str, service.get("environment", {}).values())]
        for text in settings:
            # host:port, in a URL, a list or alone; what stands for all interfaces and is no host
            hosts = set(re.findall(r"(?:^|[/@=,\[ ])([a-z][a-z0-9-]*):\d+", text))
            assert hosts <= set(services), (name, text)


def hosts_of(path):
    return set(re.findall(r"([a-z0-9-]+):\d{4}", yaml.safe_dump(yaml.safe_load(path.read_text()))))


@pytest.mark.parametrize("path", FRAGMENTS, ids=name_of)
def test_a_gateway_takes_its_part(path, tmp_path):
    services = {name for manifest in path.parent.glob("*.yaml") if manifest not in FRAGMENTS
                for name in yaml.safe_load(manifest.read_text())["services"]}
    assert hosts_of(path) and hosts_of(path) <= services
    site = """
site: {id: park, timezone: Asia/Shanghai, grid_region: CN-SC}
devices: [{id: m, driver: modbus-tcp, address: "10.0.0.5:502", unit: 1, registers: [{name: e, address: 0, type: uint32, unit: kWh, power_max: 1 MW}]}]
energy_users: [{id: u, consumes: [{carrier: electricity, from: m.e}]}]
store: {path: store}
"""
    text = path.read_text()
    for number, part in enumerate([text, text.replace("# - {", "- {")]):  # also with what stands there as a comment
        config = tmp_path / f"site{number}.yaml"
        config.write_text(site + part.replace("park-metrics, url", "park-remote, url"))
        result = subprocess.run([CARBONGATE, "check", config], capture_output=True, text=True, check=False,
                                env={**os.environ, "NATS_GATEWAY_PASSWORD": "x"})
        assert result.returncode == 0 and "error" not in result.stderr, result.stderr
        sinks = yaml.safe_load(config.read_text())["sinks"]
        assert f"sinks: {len(sinks)}" in result.stdout


def test_the_configuration_of_nats_has_all_it_needs_from_its_environment():
    wanted = set(re.findall(r"\$(NATS_\w+)", (ROOT / "nats/node.conf").read_text()))
    given = set(re.findall(r"^(NATS_\w+)=", (ROOT / "nats/node.env").read_text(), re.MULTILINE))
    assert wanted == given and len(wanted) == 7
    for name, service in yaml.safe_load((ROOT / "nats/compose.yaml").read_text())["services"].items():
        assert set(service["environment"]) == wanted and service["environment"]["NATS_NAME"] == name


def test_consumers_and_topics_are_those_that_a_sink_writes_to():
    topic = yaml.safe_load((ROOT / "nats/gateway.yaml").read_text())["sinks"][0]["topic"]
    consumer = json.loads((ROOT / "nats/consumer.json").read_text())
    assert consumer["filter_subject"] == f"$MQTT.msgs.{topic.split('/')[0]}.>"
    script = (ROOT / "kafka/topics.sh").read_text()
    assert f"for kind in {' '.join(KINDS)}; do" in script
    prefix, kind = yaml.safe_load((ROOT / "kafka/gateway.yaml").read_text())["sinks"][0]["topic"].split(".")
    assert kind == "{kind}" and f"${{PREFIX:-{prefix}}}" in script


def test_the_page_links_to_all_of_it():
    page = (ROOT / "README.md").read_text()
    links = re.findall(r"\]\(([^)#]+)\)", page)
    assert [link for link in links if not (ROOT / link).exists()] == []
    assert {name_of(path) for path in MANIFESTS + FRAGMENTS} <= set(links)
