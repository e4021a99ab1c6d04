"""What stands still of a referral itself: it waits for its source, to choose anew or to confirm."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import OUTCOME, House
from tests.services.scenes import refer, task_of


def past_its_date(house: House, referral: Any) -> None:
    house.sql("update referral set due_at = now() - interval '1 hour' where id = %s", str(referral.id))


def stalled(house: House, login: str, referral: Any) -> list[dict[str, Any]]:
    items = house.person(login).read("/v1/monitor/stalled", limit=200)["items"]
    return [item for item in items if item["kind"] == "referral" and item["id"] == str(referral.id)]


@pytest.fixture
def declined(house: House) -> Any:
    """It came back to who asked, who has not chosen in time."""
    referral = refer(house, "cap", "housing")
    body = {"reason_code": "full", "reason_class": "no_capacity"}
    house.person("gwen.housing").does(f"{task_of(referral)}/decline", body)
    past_its_date(house, referral)
    return referral


@pytest.fixture
def reported(house: House) -> Any:
    """It was served, and who asked has not confirmed in time."""
    referral, gwen = refer(house, "cap", "housing"), house.person("gwen.housing")
    gwen.does(f"{task_of(referral)}/accept")
    gwen.does(f"{task_of(referral)}/complete", OUTCOME)
    past_its_date(house, referral)
    return referral


@pytest.mark.parametrize(
    ("term", "code"),
    [
        ("housing", "source_has_not_chosen"),
        ("housing.rent.deposit", "source_has_not_chosen"),
        ("hous", "no_capacity"),
        ("housings", "no_capacity"),
    ],
)
def test_somebody_is_left_who_offers_the_need_or_one_above_or_below_it(house: House, term: str, code: str) -> None:
    """A term that only begins alike is another need."""
    referral = refer(house, "cap", "housing")
    body = {"reason_code": "over_income", "reason_class": "ineligible"}
    house.person("gwen.housing").does(f"{task_of(referral)}/decline", body)
    past_its_date(house, referral)
    house.sql("insert into taxonomy_term (code, name) values (%s, 'A need') on conflict do nothing", term)
    house.sql("update referral set term = %s where id = %s", term, str(referral.id))
    (item,) = stalled(house, "maria.cap", referral)
    assert item["reason_code"] == code


SOURCE_CHOOSES = ["withdraw", "reroute", "close-unmet", "void"]
WATCHES = ["nudge", "except"]


@pytest.mark.parametrize(
    ("login", "actions"),
    [("maria.cap", SOURCE_CHOOSES), ("gwen.housing", []), ("ruth.hub", [*WATCHES, "propose-reroute"])],
)
def test_who_asked_does_not_choose_what_comes_next(house: House, declined: Any, login: str, actions: list[str]) -> None:
    (item,) = stalled(house, login, declined)
    source = str(house.region.organization("cap").id)
    assert item["ball_in_court"]["organization_id"] == source
    assert (item["symptom"], item["reason_code"]) == ("source_has_not_chosen", "no_capacity")
    assert item["allowed_actions"] == actions


@pytest.mark.parametrize(
    ("login", "actions"), [("maria.cap", ["confirm", "void"]), ("gwen.housing", []), ("ruth.hub", WATCHES)]
)
def test_who_asked_does_not_confirm(house: House, reported: Any, login: str, actions: list[str]) -> None:
    (item,) = stalled(house, login, reported)
    assert (item["reason_code"], item["allowed_actions"]) == ("not_confirmed", actions)


def test_a_reason_that_is_none_is_refused_with_those_there_are(house: House) -> None:
    answer = house.person("ruth.hub").get("/v1/monitor/stalled", reason_code="no_ide")
    assert answer.status_code == 422
    (told,) = answer.json()["errors"]
    assert told["pointer"] == "/reason_code"
    assert "no_capacity" in told["detail"]
