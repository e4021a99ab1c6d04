"""What may be written of a client, of a household and of what they lack."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.house import House
from tests.services.test_providers import release

NOW = datetime.now(UTC)
TO_COME = (NOW + timedelta(days=9)).date().isoformat()
NAMED = {"given_name": "Rosalind", "family_name": "Featherstonehaugh"}


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"birth_year": NOW.year + 1}, "/birth_year"),
        ({"residence": {"kind": "fixed", "county": "99001"}}, "/residence/county"),
        ({"residence": {"kind": "fixed", "county": "31000"}}, "/residence/county"),
        ({"residence": {"kind": "fixed", "county": "scotts-bluff"}}, "/residence/county"),
        ({"residence": {"kind": "fixed", "starts_on": TO_COME}}, "/residence/starts_on"),
        ({"demographics": {"races": ["rosalind"]}}, "/demographics/races/0"),
        ({"language": "spanish, mostly"}, "/language"),
        ({"identity": "anonymous"}, "/identity"),
    ],
)
def test_what_cannot_be_is_not_written_of_a_client(house: House, more: dict[str, Any], pointer: str) -> None:
    refused = house.person("maria.cap").post("/v1/clients", NAMED | more)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_client_from_elsewhere_is_written_as_told(house: House) -> None:
    more = {"language": "zh-Hant", "residence": {"kind": "fixed", "county": "56021"}, "demographics": {
        "races": ["white", "not_asked"]}}  # fmt: skip
    assert house.person("maria.cap").post("/v1/clients", NAMED | more).status_code == 201


@pytest.mark.parametrize(
    "name", ["\u3164", "\u2800", "\uffa0", "\u17b4", "\u0301", "\ue000", "A\ufe0f", "A\u034fb", "-"]
)
def test_a_name_is_something_that_people_can_read(house: House, name: str) -> None:
    refused = house.person("maria.cap").post("/v1/clients", {"given_name": name})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/given_name")


@pytest.mark.parametrize("name", ["علی\u200cرضا", "क\u094d\u200dष", "Łucja", "O'Neil 3rd"])
def test_a_name_is_written_as_its_language_does(house: House, name: str) -> None:
    assert house.person("maria.cap").post("/v1/clients", {"given_name": name}).status_code == 201


def test_a_household_has_one_head_and_members_who_belong_to_it_now(house: House) -> None:
    maria = house.person("maria.cap")
    one, two = (maria.does("/v1/clients", NAMED)["id"] for _ in range(2))
    heads = [{"client_id": each, "role": "head"} for each in (one, two)]
    assert maria.post("/v1/households", {"members": heads}).json()["errors"][0]["pointer"] == "/members"
    later = [{"client_id": one, "role": "head", "starts_on": TO_COME}]
    assert maria.post("/v1/households", {"members": later}).json()["errors"][0]["pointer"] == "/members/0/starts_on"


def test_a_family_as_a_whole_lacks_something(house: House) -> None:
    maria = house.person("maria.cap")
    client = maria.does("/v1/clients", NAMED)["id"]
    home = maria.does("/v1/households", {"members": [{"client_id": client, "role": "head"}]})["id"]
    need = maria.does("/v1/needs", {"household_id": home, "term": "housing"})
    assert (need["household_id"], need["client_id"]) == (home, None)
    assert [one["id"] for one in maria.read("/v1/needs", household_id=home)] == [need["id"]]
    assert maria.read("/v1/needs", client_id=client) == []
    for wrong in ({}, {"client_id": client, "household_id": home}):
        assert maria.post("/v1/needs", wrong | {"term": "housing"}).status_code == 422
        assert maria.get("/v1/needs", **wrong).status_code == 422
    foreign = house.person("gwen.housing").post("/v1/needs", {"household_id": home, "term": "housing"})
    assert (foreign.status_code, foreign.json()["errors"][0]["pointer"]) == (422, "/household_id")


@pytest.mark.parametrize(
    ("years", "more", "status"),
    [
        (18, {}, 422),
        (18, {"capacity": "guardian"}, 201),
        (18, {"co_signers": ["Her mother"]}, 201),
        (20, {}, 201),
        (None, {}, 201),
    ],
)
def test_who_is_not_of_age_does_not_consent_alone(
    house: House, years: int | None, more: dict[str, Any], status: int
) -> None:
    maria = house.person("maria.cap")
    born = {"birth_date": (NOW - timedelta(days=365.25 * years + 30)).date().isoformat()} if years else {}
    client = maria.does("/v1/clients", NAMED | born)["id"]
    answer = maria.post("/v1/consents", release(house, client, "housing", legal_basis="consent", **more))
    assert answer.status_code == status, answer.text
    if status == 422:
        assert answer.json()["errors"][0]["pointer"] == "/capacity"


def test_an_address_that_is_no_text_is_a_bad_request(house: House) -> None:
    maria = house.person("maria.cap")
    assert maria.http.get("/v1/clients?q=%ff", headers=maria.headers).status_code == 400
    month = maria.get("/v1/indicators/needs_met", **{"from": "2026-05-01"})
    assert (month.status_code, "YYYY-MM" in month.json()["errors"][0]["detail"]) == (422, True)
    short = maria.post("/v1/clients", {"given_name": ""}).json()["errors"][0]
    assert short["detail"] == "At least 1 character is needed."
