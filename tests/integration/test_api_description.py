"""gateway/ops/openapi.yaml, held against what the server knows and against what it answers."""

import json
import re

import jsonschema
import pytest
import yaml
from api_site import Events, Site, escaped
from harness import SOURCE

DESCRIPTION = yaml.safe_load((SOURCE / "gateway/ops/openapi.yaml").read_text())
METHODS = ("get", "post", "put", "patch", "delete")
OPERATIONS = [(path, method, operation) for path, item in DESCRIPTION["paths"].items() for method, operation in item.items() if method in METHODS]
ROUTE = re.compile(r'"(GET|POST|PUT|PATCH|DELETE)",\s*"(/api/v1)(/[^"]*)",\s*(?:Role::(\w+)|std::nullopt),')
ADDED = re.compile(r'\badd\("(/[^"]*)",')


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("description")) as running:
        running.start()
        running.publish("incomer", p=950)  # an alert fires
        yield running


def routes_in_the_source():
    """Of the router's table: (method, path) and the role that it asks for."""
    found = {}
    for file in sorted((SOURCE / "gateway/ops").glob("*.cc")):
        text = file.read_text()
        for method, _, path, role in ROUTE.findall(text):
            found[method.lower(), path] = role.rstrip("_") or "public"
        for path in ADDED.findall(text):
            found["get", path] = "viewer"
    return found


def test_every_route_is_described_and_nothing_else():
    described = {(method, path): operation["x-role"] for path, method, operation in OPERATIONS}
    assert described == routes_in_the_source()


def test_it_is_what_the_server_hands_out(site):
    answer = site.get("/api/v1/openapi.yaml")
    assert answer.body == (SOURCE / "gateway/ops/openapi.yaml").read_bytes() and answer.headers["Content-Type"] == "application/yaml"


def resolved(node):
    while "$ref" in node and len(node) == 1:
        target = DESCRIPTION
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def validator(schema):
    """OpenAPI 3.1 schemas are those of JSON Schema 2020-12."""
    return jsonschema.Draft202012Validator({**schema, "components": DESCRIPTION["components"]})


def test_its_schemas_are_schemas():
    for name, schema in DESCRIPTION["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert name[0].isupper()


def concrete(site, path):
    entry = site.json("/api/v1/ledger/entries?limit=1")["entries"][0]
    values = {"/energy-users/{id}/series": "park", "/devices/{id}": "incomer", "/devices/{id}/coverage": "incomer", "/devices/{id}/frames": "incomer",
              "/points/{id}/readings": "incomer.power", "/ledger/entries/{name}/explanation": escaped(entry["name"]),
              "/statements/{period}": site.begin.strftime("%Y-%m"), "/exports/{kind}": "entries",
              "/alerts/{id}/acknowledgement": "0123456789abcdef"}
    return "/api/v1" + re.sub(r"\{\w+\}", values.get(path, "nothing"), path)


def operations(method):
    return [(path, operation) for path, one, operation in OPERATIONS if one == method and path != "/stream"]


@pytest.mark.parametrize(("path", "operation"), operations("get"), ids=[path for path, _ in operations("get")])
def test_answers_are_as_described(site, path, operation):
    answer = site.get(concrete(site, path))
    content = resolved(operation["responses"][str(answer.status)])["content"]
    kind = answer.headers["Content-Type"].split(";")[0]
    assert answer.status == 200 and kind in content, answer.body[:300]
    if kind == "application/json":
        validator(content[kind]["schema"]).validate(json.loads(answer.body))


@pytest.mark.parametrize(("path", "operation"), operations("get"), ids=[path for path, _ in operations("get")])
def test_every_parameter_is_known_and_no_other(site, path, operation):
    target = concrete(site, path)
    for parameter in map(resolved, operation.get("parameters", [])):
        if parameter["in"] != "query":
            continue
        schema = parameter["schema"]
        value = schema.get("default", schema.get("enum", [None])[0])
        examples = {"from": site.begin.strftime("%Y-%m-%d"), "until": "2100-01-01", "energy_user": "park", "carrier": "electricity", "sink": "tsdb",
                    "point": "incomer/power", "every": "1h", "cursor": None,
                    "result": None}
        value = value if value is not None else examples[parameter["name"]]
        if value is None or parameter["name"] in ("point", "every"):
            continue
        answer = site.get(f"{target}?{parameter['name']}={value}")
        assert answer.status == 200, f"{parameter['name']}: {answer.body[:300]}"
    refused = site.get(target + "?no_such_parameter=1")
    assert refused.status == 400
    problem = operation["responses"].get("default")
    if problem:
        validator(resolved(problem)["content"]["application/problem+json"]["schema"]).validate(json.loads(refused.body))


def test_events_are_as_described(site):
    events = Events(site.port, "/api/v1/stream?points=incomer.power")
    try:
        for name, schema in (("now", "Now"), ("devices", None), ("sinks", None), ("readings", None)):
            if name == "readings":
                site.publish("incomer", 0, p=170)  # and the alert is over
            _, _, data = events.wait_for(name)
            if schema:
                validator(DESCRIPTION["components"]["schemas"][schema]).validate(data)
        _, _, alert = events.wait_for("alert")
        validator(DESCRIPTION["components"]["schemas"]["Alert"]).validate(alert)
        for item, schema in (("devices", "DeviceState"), ("sinks", "Sink")):
            for one in events.wait_for(item)[2][item]:
                validator(DESCRIPTION["components"]["schemas"][schema]).validate(one)
    finally:
        events.close()


def test_lists_of_alerts_that_are_not_empty(site):
    told = site.json("/api/v1/alerts?state=all")
    assert told["alerts"]
    validator(DESCRIPTION["components"]["schemas"]["Alert"]).validate(told["alerts"][0])
