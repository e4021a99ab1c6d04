"""The description of the API: complete, stable, with examples that are true; and the API under everything it allows."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import TAGS, create_app
from api.keys import FixedKeys
from api.tokens import Tokens
from tests.description import Description
from tests.house import House

OPERATIONS = Path(__file__).with_name("operations.txt")
PROMISES = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]


@pytest.fixture(scope="module")
def description(house: House) -> Description:
    return Description(house.http.get("/openapi.json").json())


def test_no_operation_changes_its_name_or_vanishes_unnoticed(description: Description) -> None:
    named = sorted(f"{method} {path} {each['operationId']}" for (method, path), each in description.operations.items())
    assert named == OPERATIONS.read_text().splitlines()


def test_the_embedded_issuer_is_described_where_it_serves_and_nowhere_else(house: House) -> None:
    """Descriptions are kept for all apps of a process: not one for another."""
    tokens, key = Tokens("https://id.example.org", "concert", FixedKeys({"keys": []})), b"0" * 32
    served: Any = ({}, lambda _address: {})
    for issuer in (None, served, None):
        app = create_app(house.api, tokens, key, issuer=issuer)
        assert ("/.well-known/openid-configuration" in app.openapi()["paths"]) == (issuer is not None)


def test_every_operation_says_to_which_job_it_belongs_and_what_it_does(description: Description) -> None:
    for where, operation in description.operations.items():
        assert len(operation["tags"]) == 1, where
        assert operation["tags"][0] in TAGS, where
        assert operation["summary"], where


def test_everything_that_is_sent_or_answered_has_a_true_example(description: Description) -> None:
    shapes = description.document["components"]["schemas"]
    for name in sorted(_top_level(description)):
        (example,) = shapes[name].get("examples", [None])
        assert example is not None, f"{name} has no example"
        problems = [
            e.message for e in description.validator({"$ref": f"#/components/schemas/{name}"}).iter_errors(example)
        ]
        assert not problems, f"{name}: {problems}"


def _top_level(description: Description) -> set[str]:
    """Bodies, answers, and the items of lists; not what merely nests in them."""
    found: set[str] = set()
    for operation in description.operations.values():
        contents = [operation.get("requestBody", {})] + [
            answer for status, answer in operation["responses"].items() if status.startswith("2")
        ]
        for content in contents:
            schema = content.get("content", {}).get("application/json", {}).get("schema", {})
            name = (schema.get("items") or schema).get("$ref", "").rpartition("/")[2]
            if name.startswith("Listing_"):
                name = name.removeprefix("Listing_").removesuffix("_")
            if name:
                found.add(name)
    return found - {"Health", "Kind"}


@pytest.mark.parametrize("shape", ["Task", "Referral", "Stalled", "Client", "Service"])
def test_a_reader_learns_which_words_a_state_can_be(description: Description, shape: str) -> None:
    listed = {"state", "kind", "priority", "origin", "outcome", "confirmed_by", "clock", "level", "identity", "mode"}
    for name, field in description.document["components"]["schemas"][shape]["properties"].items():
        if name in listed:
            branches = [field, *field.get("anyOf", [])]
            assert any("enum" in branch for branch in branches), f"{shape}.{name}"


def test_names_in_the_description_are_those_of_the_field_not_of_our_folders(description: Description) -> None:
    assert not [name for name in description.document["components"]["schemas"] if "__" in name]


def _ids(house: House) -> dict[str, list[str]]:
    """Things that exist, so that not every guess is a 404."""
    made = house.refer("cap", "housing", consent=True)
    return {
        "task_id": [made["tasks"][0]["id"]],
        "referral_id": [made["id"]],
        "client_id": [made["client_id"]],
        "need_id": [made["need_id"]],
        "consent_id": [made["consent_id"]],
        "service_id": [made["service_id"]],
        "code": ["referrals_sent", "clients_served", "community_response", "no-such"],
    }


@pytest.mark.timeout(600)  # every operation of the API, many times
def test_whatever_is_sent_the_api_answers_as_described_and_never_with_a_failure_of_its_own(house: House) -> None:
    schema = schemathesis.openapi.from_url(f"{house.http.base_url}/openapi.json")
    known = _ids(house)
    people = [house.caseworker("cap"), house.caseworker("housing"), house.person("ruth.hub")]
    answered: dict[int, int] = {}
    operations: list[Any] = list(schema.get_all_operations())
    for number, operation in enumerate(operations):
        modes = (GenerationMode.NEGATIVE, GenerationMode.POSITIVE)[: 1 + number % 2]  # wrong for all, right for half
        for how, mode in enumerate(modes):
            _try(operation.ok(), mode, known, people[(number // 2 + how) % 3].headers, answered)
    assert answered.get(200, 0) > 20, answered  # not everything was refused
    assert answered.get(409, 0) + answered.get(422, 0) > 20, answered


def _try(
    operation: Any, mode: GenerationMode, known: dict[str, list[str]], headers: dict[str, str], answered: dict[int, int]
) -> None:
    """A fixed number of cases for one operation, as described or on purpose not: the same each time."""

    @settings(
        max_examples=1,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def attempt(case: Any) -> None:
        for place in (case.path_parameters or {}, case.body if isinstance(case.body, dict) else {}):
            for name, values in known.items():
                if name in place and len(str(place)) % 3:
                    place[name] = values[len(str(place)) % len(values)]
        case.headers = {**(case.headers or {}), **headers}
        answer = case.call_and_validate(checks=PROMISES)
        answered[answer.status_code] = answered.get(answer.status_code, 0) + 1

    with suppress(Unsatisfiable):  # what takes nothing cannot be given anything wrong
        attempt()
