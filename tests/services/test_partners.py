"""Who reads whose scorecard, from when on, and beside which median."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.period import last_day
from domain.task import Outcome
from services.requests import Finished
from services.spans import moved
from tests.house import House
from tests.services.scenes import ask_at_once, organization_id, proven, refer

PATH = "/v1/monitor/partners"
THIS = datetime.now(UTC).strftime("%Y-%m")
PAST = moved(THIS, -2)
WHEN = datetime.fromisoformat(f"{PAST}-10T18:00:00+00:00")
DONE = {"cap": 2, "housing": 3, "pantry": 4, "early": 5}
"""Who finished how much in the past month."""


def begin(house: House, day: str) -> None:
    house.sql("update agenda set body = jsonb_set(body, '{scorecards,begin_on}', to_jsonb(%s::text))", day)


def works(house: House, slug: str, times: int, when: datetime = WHEN) -> None:
    for _ in range(times):
        refer(house, slug, slug, finished=Finished(Outcome.NEED_MET, when))


@pytest.fixture(scope="module")
def busy(house: House) -> None:
    begin(house, "2000-01-01")
    for slug, times in DONE.items():
        works(house, slug, times)
    works(house, "shelter", 9)


def read(house: House, login: str, start: str = PAST, end: str | None = None, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = house.person(login).read(PATH, **{"from": start, "to": end or start, **more})
    return answer


def done(house: House, answer: dict[str, Any], slug: str) -> Any:
    """How much of it the answer says was completed by that partner."""
    figures = {figure["code"]: figure for figure in _line(house, answer, slug)["figures"]}
    return figures["tasks_completed"]["value"] if figures else None


def _line(house: House, answer: dict[str, Any], slug: str) -> dict[str, Any]:
    (one,) = [each for each in answer["partners"] if each["organization_id"] == str(organization_id(house, slug))]
    return dict(one)


def median(answer: dict[str, Any], code: str = "tasks_completed") -> tuple[float | None, int]:
    (one,) = [each for each in answer["collaborative"] if each["code"] == code]
    return one["value"], one["partners"]


def test_a_median_is_that_of_the_partners_and_needs_five_of_them(house: House, busy: None) -> None:
    assert median(read(house, "ruth.hub")) == (None, 0), "four partners, and a confidential one that counts for none"
    works(house, "legal", 9)
    # 2, 3, 4, 5 and 9: the one in the middle, not the pooled figure and not the mean.
    for login in ("ruth.hub", "maria.cap", "carmen.shelter"):
        assert median(read(house, login)) == (4, 5)
    works(house, "health", 1)
    assert median(read(house, "ruth.hub")) == (4, 5), "of three things counted nobody says how busy a partner is"
    assert median(read(house, "ruth.hub"), "acknowledged_in_time") == (None, 0), "finished work says nothing of speed"


def test_the_partner_reads_a_month_before_the_backbone_does(house: House, busy: None) -> None:
    works(house, "cap", 6, datetime.now(UTC))
    theirs, own = read(house, "ruth.hub", THIS), read(house, "maria.cap", THIS)
    assert done(house, own, "cap") == 6
    assert done(house, theirs, "cap") is None
    assert theirs["range"] == {
        "period": THIS, "shown": False, "withheld": "partner_first",
        "shown_from": (last_day(THIS) + timedelta(days=5)).isoformat(),
    }  # fmt: skip
    assert median(theirs) == median(own) == (None, 0)
    both = read(house, "ruth.hub", PAST, THIS)
    assert done(house, both, "cap") is None, "the range less the month that is told would tell the other"
    assert _line(house, both, "cap")["load"]["open"] == 0, "what stands open is the backbone's at once"
    told = {month["period"]: month["shown"] for month in both["months"]}
    assert (told[PAST], told[THIS]) == (True, False)
    (figure,) = [each for each in _line(house, both, "cap")["figures"] if each["code"] == "tasks_completed"]
    trend = {point["period"]: point["value"] for point in figure["trend"]}
    assert (trend[PAST], trend[THIS]) == (2, None)
    for login, months in (("ruth.hub", {PAST}), ("maria.cap", {PAST, THIS})):
        series = house.person(login).read("/v1/indicators/tasks_completed", by="organization")["series"]
        cap = [each for each in series if each["by"]["organization"] == str(organization_id(house, "cap"))]
        assert {each["period"] for each in cap} == months


def test_without_months_everybody_reads_the_newest_that_they_may(house: House, busy: None) -> None:
    assert house.person("maria.cap").read(PATH)["end"] == THIS
    answer = house.person("ruth.hub").read(PATH)
    assert answer["end"] < THIS
    assert answer["range"]["shown"]


def test_while_everybody_learns_only_the_partner_reads_its_own(house: House, busy: None) -> None:
    begin(house, f"{THIS}-01")
    try:
        theirs, own = read(house, "ruth.hub"), read(house, "maria.cap")
        assert (theirs["range"]["withheld"], theirs["range"]["shown_from"]) == ("learning", None)
        assert (done(house, theirs, "cap"), done(house, own, "cap")) == (None, 2)
        assert median(own) == (None, 0)
    finally:
        begin(house, "2000-01-01")


def test_a_confidential_provider_has_a_line_that_says_why_it_is_empty(house: House, busy: None) -> None:
    theirs = _line(house, read(house, "ruth.hub"), "shelter")
    assert (theirs["scorecard"], theirs["figures"], theirs["load"]) == (False, [], None)
    assert "confidential" in theirs["note"]
    own = read(house, "carmen.shelter")
    assert done(house, own, "shelter") == 9
    assert "nobody else reads" in _line(house, own, "shelter")["note"]


def test_who_works_by_phone_has_no_scorecard(house: House, busy: None) -> None:
    house.refer("cap", "dental")
    line = _line(house, read(house, "ruth.hub"), "dental")
    assert (line["mode"], line["scorecard"], line["figures"], line["load"]) == ("by_phone", False, [], None)
    assert "others record for it" in line["note"]


@pytest.mark.parametrize("login", ["ruth.hub", "edith.hub"])
def test_the_backbone_and_its_auditor_read_all(house: House, busy: None, login: str) -> None:
    answer = read(house, login)
    assert [done(house, answer, slug) for slug in DONE] == list(DONE.values())
    unknown = house.person(login).get(PATH, organization_id="01890000-0000-7000-8000-000000000001")
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("params", "pointer"),
    [({"from": THIS, "to": PAST}, "/from"), ({"from": "1999-01", "to": PAST}, "/from"), ({"trend": "0"}, "/trend")],
)
def test_a_wrong_range_is_pointed_at(house: House, params: dict[str, str], pointer: str) -> None:
    answer = house.person("ruth.hub").get(PATH, **params)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_an_agenda_without_scorecards_shows_none(house: House, busy: None) -> None:
    ((body,),) = house.sql("select body -> 'scorecards' from agenda")
    house.sql("update agenda set body = body - 'scorecards'")
    try:
        answer = read(house, "maria.cap")
        assert (answer["meanings"], answer["begin_on"]) == ([], None)
    finally:
        house.sql("update agenda set body = jsonb_set(body, '{scorecards}', %s::jsonb)", json.dumps(body))
    assert done(house, read(house, "maria.cap"), "cap") == 2


def test_all_of_it_is_proven(house: House, busy: None) -> None:
    proven(house)


def test_what_is_past_its_limit_is_counted_and_what_rests_is_not(house: House, busy: None) -> None:
    """The only open work of that partner here."""
    made = refer(house, "cap", "legal")
    said = [_line(house, read(house, "ruth.hub", THIS), "legal")["load"]["past_limit"]]
    for change in ("due_at = now() - interval '1 hour'", "excepted_until = now() + interval '1 day'"):
        house.sql(f"update task set {change} where referral_id = %s", str(made.id))
        said.append(_line(house, read(house, "ruth.hub", THIS), "legal")["load"]["past_limit"])
    assert said == [0, 1, 0]


def asked_beside(house: House) -> str:
    """The church's offer of a request that the housing authority is asked at once; its path."""
    church = organization_id(house, "faith")
    made = ask_at_once(house, "cap", house.service("housing").id, house.other_door().id)
    return next(f"/v1/tasks/{task.id}" for task in made.tasks if task.organization_id == church)


def own(house: House, *codes: str) -> list[tuple[int, int]]:
    """How many cases the church has in each figure, and how many wait."""
    (line,) = house.person("naomi.faith").read("/v1/monitor/partners")["partners"]
    figures = {one["code"]: one for one in line["figures"]}
    return [(figures[code]["cases"], figures[code]["waiting"]) for code in codes]


TIMES = ("days_to_acknowledge", "days_to_decide")


@pytest.mark.parametrize(("end", "seen"), [("", 0), ("released", 1), ("cancel", 1), ("fail", 1)])
def test_an_offer_that_ended_without_a_word_is_waited_for_no_longer(house: House, end: str, seen: int) -> None:
    (acknowledged, waiting), decided = own(house, *TIMES)
    offer, naomi = asked_beside(house), house.person("naomi.faith")
    if end:
        naomi.does(f"{offer}/waitlist")
    if end in ("cancel", "fail"):
        naomi.does(f"{offer}/{end}", {"reason": "client_declined"})
    else:
        task = house.sql("select referral_id from task where id = %s", offer.rpartition("/")[2])[0][0]
        other = "select id from task where referral_id = %s and organization_id = %s"
        ((wins,),) = house.sql(other, task, organization_id(house, "housing"))
        house.person("gwen.housing").does(f"/v1/tasks/{wins}/accept")
    assert own(house, *TIMES) == [(acknowledged + seen, waiting), decided]


@pytest.mark.parametrize("verb", ["accept", "start"])
def test_a_yes_after_a_place_on_the_list_is_a_decision(house: House, verb: str) -> None:
    ((cases, waiting),) = own(house, "days_to_decide")
    offer, naomi = asked_beside(house), house.person("naomi.faith")
    naomi.does(f"{offer}/waitlist")
    assert own(house, "days_to_decide") == [(cases, waiting + 1)]
    naomi.does(f"{offer}/{verb}")
    assert own(house, "days_to_decide") == [(cases + 1, waiting)]
    proven(house)
