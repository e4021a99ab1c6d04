"""Alarms and pictures name only what a running Concert serves; each alarm has its entry in the runbook."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from concert.embedded import EmbeddedTemporal
from concert.running import running
from domain.pulse import CODES
from tests.house import OUTCOME, House, Loop, Person, eventually

DEPLOY = Path(__file__).parents[2] / "deploy"
RUNBOOK = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text()
WORDS = frozenset({"max", "min", "sum", "rate", "absent", "by", "or", "histogram_quantile", "topk"})
"""Of the query language, as far as it is used here."""
METRIC = re.compile(r"\b(?:(?:concert|temporal)_\w+|up\b)")
PROMETHEUS_OWN = {"up": {"job", "instance"}}
"""It writes these itself, of each process that it scrapes."""
Labels = dict[str, set[str]]


def rules() -> list[dict[str, Any]]:
    loaded = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    loaded: dict[str, Any] = json.loads((DEPLOY / "grafana" / "concert.json").read_text())
    return [panel for panel in loaded["panels"] if panel["type"] != "row"]


RULES = {rule["alert"]: rule["expr"] for rule in rules()}
TARGETS = {f"{p['title']} {t['refId']}": (t["expr"], t["legendFormat"]) for p in panels() for t in p["targets"]}
EXPRESSIONS = RULES | {name: expression for name, (expression, _) in TARGETS.items()}


@pytest.fixture(scope="module")
def served(house: House, temporal: EmbeddedTemporal, namespaces: Iterator[str], loop: Loop) -> Iterator[Labels]:
    """Each sample of a Concert at work, with its labels: of the API's scrape, and of the worker's and relay's port."""
    chosen = {"temporal_address": temporal.address, "temporal_namespace": next(namespaces), "metrics_port": 0}
    said: list[str] = []
    url, leave = loop.enter(running(house.settings.model_copy(update=chosen), say=said.append))
    ports = [line.split()[-1] for line in said if line.startswith("Metrics")]
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as http:
        closed_loop(house, http)
        found = eventually(lambda: samples([http.get("/metrics").text, *map(text_of, ports)]), seconds=30)
    yield found
    leave()


def closed_loop(house: House, http: httpx.Client) -> None:
    """A request from its beginning to its end, so that everything is measured once."""

    def person(slug: str) -> Person:
        login = house.caseworker(slug).login
        return Person(login, http, house.issuer.sign(login))

    source, target = person("cap"), person("housing")
    client = {"given_name": "Rosalind", "family_name": "Featherstonehaugh"}
    made = source.does("/v1/referrals", {"service_id": str(house.service("housing").id), "client": client})
    for verb, body in (("accept", {}), ("start", {}), ("complete", OUTCOME)):
        target.does(f"/v1/tasks/{made['tasks'][0]['id']}/{verb}", body)
    source.does(f"/v1/referrals/{made['id']}/confirm", OUTCOME)


def text_of(url: str) -> str:
    return httpx.get(url, trust_env=False).text


def samples(texts: list[str]) -> Labels:
    """Empty until the request's workflow has ended and been measured."""
    found: Labels = {name: set(labels) for name, labels in PROMETHEUS_OWN.items()}
    for text in texts:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found if "temporal_workflow_endtoend_latency_seconds_bucket" in found else {}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_what_an_alarm_or_a_picture_asks_for_is_served_with_those_labels(served: Labels, name: str) -> None:
    metrics = METRIC.findall(EXPRESSIONS[name])
    assert metrics
    assert [metric for metric in metrics if metric not in served] == []
    labels = set().union(*(served[metric] for metric in metrics)) | {"le"}
    assert words(EXPRESSIONS[name]) - labels - WORDS == set()


@pytest.mark.parametrize("name", TARGETS)
def test_a_legend_shows_what_its_query_keeps(name: str) -> None:
    expression, legend = TARGETS[name]
    kept = {label for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(", ")}
    assert set(re.findall(r"{{(\w+)}}", legend)) <= kept


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_query_is_balanced(name: str) -> None:
    assert balanced(EXPRESSIONS[name])


@pytest.mark.parametrize("broken", ["sum(rate(x[5m])", 'max(x{a="b"})}', "sum by (a) (x[5m)]"])
def test_a_query_that_is_not_balanced_would_be_found(broken: str) -> None:
    assert not balanced(broken)


def test_there_is_an_alarm_for_each_ailment_by_its_name_and_three_that_no_api_can_say_of_itself() -> None:
    assert RULES.keys() == {*CODES, "RecordAway", "ApiSilent", "HttpErrors"}
    for code in CODES:
        assert f'code="{code}"' in RULES[code]


def test_every_alarm_has_its_entry_in_the_runbook_and_every_entry_its_alarm() -> None:
    entries = re.findall(r"^### (\w+)$", RUNBOOK.partition("\n# Alarms\n")[2], re.MULTILINE)
    assert sorted(entries) == sorted(RULES)
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_prometheus_reads_the_alarms_and_every_role() -> None:
    loaded = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text())
    assert loaded["rule_files"] == ["/etc/concert/alerts.yaml"]
    asked = [name for job in loaded["scrape_configs"] for each in job["dns_sd_configs"] for name in each["names"]]
    assert asked == ["api", "worker", "relay"]


def test_one_dead_api_of_several_is_missed_by_the_name_of_its_job() -> None:
    loaded = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text())
    (job,) = re.findall(r'min\(up\{job="(\w+)"\}\) < 1', RULES["ApiSilent"])
    assert job in [each["job_name"] for each in loaded["scrape_configs"]]


def test_grafana_finds_its_pictures_and_its_source() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    source = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"][0]
    assert {panel["datasource"]["uid"] for panel in panels()} == {source["uid"]}
    folder = yaml.safe_load((provisioning / "dashboards" / "concert.yaml").read_text())["providers"][0]
    assert folder["options"]["path"] == "/etc/concert/grafana"
    ids = [panel["id"] for panel in panels()]
    assert len(ids) == len(set(ids))


def words(expression: str) -> set[str]:
    """Every name that is no metric, without what stands in quotes and durations."""
    bare = re.sub(r"\"[^\"]*\"|\[\w+\]", "", METRIC.sub("", expression))
    return set(re.findall(r"[a-z_]\w*", bare))


def balanced(expression: str) -> bool:
    pairs: Callable[[str], str | None] = {")": "(", "]": "[", "}": "{"}.get
    open_now: list[str] = []
    for sign in re.sub(r"\"[^\"]*\"", "", expression):
        if sign in "([{":
            open_now.append(sign)
        elif (begun := pairs(sign)) and (not open_now or open_now.pop() != begun):
            return False
    return not open_now
