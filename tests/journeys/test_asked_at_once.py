"""A family needs a roof tonight, and three partners are asked at once: the first yes has it, the others are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.progress import StepResult
from services.advance import advance_referral
from services.settling import settle_task
from tests.house import OUTCOME, House, Person
from tests.services.scenes import events, proven
from tests.services.test_notices import tell

ALL = ("faith", "housing", "level")
"""The first one helps with any housing need, so the need is of that kind and the others answer it too."""
FULL = {"reason_code": "full", "reason_class": "no_capacity"}


def door(house: House, slug: str) -> str:
    """A service of that partner for a housing need."""
    mine = (s for s in house.region.services if s.slug.startswith(f"{slug}/") and s.term.startswith("housing"))
    return str(next(mine).id)


def ask(house: House, *slugs: str, consent: bool = False, **more: Any) -> dict[str, Any]:
    """Lupe of the pantry asks a service of each of these at once."""
    lupe = house.caseworker("pantry")
    client = lupe.does("/v1/clients", {"given_name": "Rosalind", "family_name": "Featherstonehaugh"})
    body: dict[str, Any] = {"client_id": client["id"], "service_ids": [door(house, slug) for slug in slugs]} | more
    if consent:
        body["consent_id"] = house.consent(lupe, client["id"], *slugs)["id"]
    asked: dict[str, Any] = lupe.does("/v1/referrals", body)
    return asked


def offer(house: House, asked: dict[str, Any], slug: str) -> str:
    return next(f"/v1/tasks/{t['id']}" for t in asked["tasks"] if t["organization_id"] == _id(house, slug))


def _id(house: House, slug: str) -> str:
    return str(house.region.organization(slug).id)


def _seen(house: House, asked: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = house.caseworker("pantry").read(f"/v1/referrals/{asked['id']}")
    return found


def _states(house: House, asked: dict[str, Any]) -> list[str]:
    return [task["state"] for task in _seen(house, asked)["tasks"]]


@pytest.fixture
def three(house: House) -> tuple[Person, Person, Person]:
    naomi, gwen, ray = (house.caseworker(slug) for slug in ALL)
    return naomi, gwen, ray


def test_three_are_asked_at_once_the_first_yes_has_it_and_two_are_told(house: House, three: Any) -> None:
    naomi, gwen, ray = three
    asked = ask(house, *ALL, consent=True, reason="The roof came down.")
    assert asked["asked"] == [_id(house, slug) for slug in ALL]
    assert [task["state"] for task in asked["tasks"]] == ["requested"] * 3
    naomi.does(f"{offer(house, asked, 'faith')}/acknowledge")

    won = gwen.does(f"{offer(house, asked, 'housing')}/accept")
    assert gwen.read(f"/v1/clients/{won['client_id']}")["family_name"] == "Featherstonehaugh"
    after = _seen(house, asked)
    assert (after["state"], after["asked"]) == ("active", [])
    assert after["target_organization_id"] == after["ball_in_court"]["organization_id"] == _id(house, "housing")
    assert after["service_id"] == door(house, "housing")
    assert _states(house, asked) == ["cancelled", "accepted", "cancelled"]

    for loser, slug in ((naomi, "faith"), (ray, "level")):
        late = loser.post(f"{offer(house, asked, slug)}/accept")
        assert (late.status_code, late.json()["code"]) == (409, "placed-elsewhere")
        assert "Another provider" in late.json()["detail"]
        assert late.json()["current"] == {"state": "cancelled", "version": late.json()["current"]["version"]}
        mine = loser.read(offer(house, asked, slug))
        assert (mine["reason"], mine["due_at"], mine["allowed_actions"]) == ("placed_elsewhere", None, [])
        assert loser.get(f"/v1/referrals/{asked['id']}").status_code == 404

    gwen.does(f"{offer(house, asked, 'housing')}/complete", OUTCOME)
    closed = house.caseworker("pantry").does(f"/v1/referrals/{asked['id']}/confirm", OUTCOME)
    assert (closed["state"], closed["outcome"]) == ("completed", "need_met")
    assert events(house, asked["id"]).count("task_released") == 2
    proven(house)


def test_who_is_asked_beside_others_sees_its_own_offer_and_nobody_elses(house: House, three: Any) -> None:
    naomi, gwen, ray = three
    asked = ask(house, *ALL, consent=True, note="Call after six.")
    naomi.does(f"{offer(house, asked, 'faith')}/request-info", {"question": "How many people?"})
    for person, slug in ((naomi, "faith"), (gwen, "housing"), (ray, "level")):
        seen = person.read(f"/v1/referrals/{asked['id']}")
        assert [task["organization_id"] for task in seen["tasks"]] == [_id(house, slug)]
        assert (seen["target_organization_id"], seen["service_id"]) == (_id(house, slug), door(house, slug))
        others = {_id(house, other) for other in ALL if other != slug}
        for path in (f"/v1/referrals/{asked['id']}", f"/v1/referrals/{asked['id']}/timeline"):
            told = person.get(path).text
            assert not [other for other in others if other in told], (slug, path)
        said = [m["body"] for m in person.read(f"/v1/referrals/{asked['id']}/timeline")["messages"]]
        assert "Call after six." in said
        assert ("How many people?" in said) == (slug == "faith")
        assert asked["id"] in [each["id"] for each in person.read("/v1/referrals", role="target", limit=200)["items"]]
        for other in ALL:
            if other != slug:
                assert person.get(offer(house, asked, other)).status_code == 404


def test_a_question_of_one_is_answered_while_the_others_decide(house: House, three: Any) -> None:
    naomi, gwen, _ = three
    lupe = house.caseworker("pantry")
    asked = ask(house, *ALL, consent=True)
    gwen.does(f"{offer(house, asked, 'housing')}/request-info", {"question": "How many people?"})
    lupe.does(f"{offer(house, asked, 'housing')}/answer", {"text": "Four."})
    said = [m["body"] for m in gwen.read(f"/v1/referrals/{asked['id']}/timeline")["messages"]]
    assert "Four." in said
    assert "Four." not in naomi.get(f"/v1/referrals/{asked['id']}/timeline").text
    gwen.does(f"{offer(house, asked, 'housing')}/accept")
    assert _states(house, asked) == ["cancelled", "accepted", "cancelled"]


def test_it_comes_back_to_the_source_only_when_the_last_one_has_said_no(house: House, three: Any) -> None:
    naomi, gwen, ray = three
    lupe = house.caseworker("pantry")
    asked = ask(house, *ALL)
    naomi.does(f"{offer(house, asked, 'faith')}/decline", FULL | {"text": "Ask again in May."})
    gwen.does(f"{offer(house, asked, 'housing')}/decline", FULL)
    waiting = _seen(house, asked)
    assert (waiting["state"], waiting["asked"]) == ("active", [_id(house, "level")])
    assert waiting["ball_in_court"]["organization_id"] == _id(house, "level")
    ray.does(f"{offer(house, asked, 'level')}/decline", FULL)
    back = _seen(house, asked)
    assert (back["state"], back["clock"], back["asked"]) == ("awaiting_source", "awaiting_source", [])

    again = lupe.does(
        f"/v1/referrals/{asked['id']}/reroute", {"service_ids": [door(house, "cap"), door(house, "housing")]}
    )
    assert [task["state"] for task in again["tasks"]] == ["declined"] * 3 + ["requested"] * 2
    second = f"/v1/tasks/{again['tasks'][-1]['id']}"
    assert gwen.does(f"{second}/accept")["state"] == "accepted"
    assert _states(house, asked) == ["declined"] * 3 + ["cancelled", "accepted"]
    proven(house)


def chooses(house: House, asked: dict[str, Any]) -> int:
    """How often the source's feed asks it to choose what comes next."""
    tell(house)
    items = house.caseworker("pantry").read("/v1/notices", kind="asked", limit=200)["items"]
    return sum(item["referral_id"] == asked["id"] and "choose" in item["sentence"] for item in items)


def letters(house: House, asked: dict[str, Any]) -> int:
    """Of what its source is asked about it."""
    rows = house.sql(
        "select count(*) from mail_item i join notice n on n.id = i.notice_id"
        " where n.referral_id = %s and n.organization_id = %s and n.kind = 'asked'",
        asked["id"],
        _id(house, "pantry"),
    )
    return int(rows[0][0])


def test_the_source_is_asked_to_choose_only_when_the_last_one_has_said_no(house: House, three: Any) -> None:
    naomi, gwen, _ = three
    asked = ask(house, "faith", "housing")
    naomi.does(f"{offer(house, asked, 'faith')}/decline", FULL)
    assert (chooses(house, asked), letters(house, asked)) == (0, 0)
    gwen.does(f"{offer(house, asked, 'housing')}/decline", FULL)
    assert chooses(house, asked) == 1
    assert letters(house, asked) > 0
    house.caseworker("pantry").does(f"/v1/referrals/{asked['id']}/reroute", {"service_id": door(house, "level")})
    assert chooses(house, asked) == 0


def test_who_said_no_before_another_said_yes_leaves_nothing_to_choose(house: House, three: Any) -> None:
    """Nor does a teller that comes late."""
    naomi, gwen, _ = three
    for late in (False, True):
        asked = ask(house, "faith", "housing")
        naomi.does(f"{offer(house, asked, 'faith')}/decline", FULL)
        assert late or chooses(house, asked) == 0
        gwen.does(f"{offer(house, asked, 'housing')}/accept")
        assert chooses(house, asked) == 0


def test_of_several_that_expire_at_the_same_moment_the_source_is_told_once(house: House) -> None:
    asked = ask(house, *ALL)
    house.sql("update task set due_at = now() - interval '2 days', hard_at = now() where referral_id = %s", asked["id"])
    advance_referral(house.engine, UUID(asked["id"]))
    assert (_seen(house, asked)["state"], chooses(house, asked)) == ("awaiting_source", 1)


def test_a_place_on_a_waitlist_is_no_yes_until_somebody_starts(house: House, three: Any) -> None:
    naomi, gwen, ray = three
    asked = ask(house, *ALL, consent=True)
    first = offer(house, asked, "faith")
    assert "waitlist" in naomi.read(first)["allowed_actions"]
    assert naomi.does(f"{first}/waitlist")["state"] == "waitlisted"
    assert _states(house, asked) == ["waitlisted", "requested", "requested"]
    ray.does(f"{offer(house, asked, 'level')}/waitlist")

    started = naomi.does(f"{first}/start")
    assert (started["state"], bool(started["client_id"])) == ("in_progress", True)
    assert _states(house, asked) == ["in_progress", "cancelled", "cancelled"]
    assert gwen.post(f"{offer(house, asked, 'housing')}/waitlist").status_code == 409
    kinds = events(house, asked["id"])
    assert kinds.count("task_accepted") == kinds.count("task_started") == 1
    assert kinds.count("task_released") == 2
    level = house.sql(
        "select coalesce(sum(case part when 'entered' then value else -value end), 0)::int from indicator_entry n"
        " join indicator i on i.id = n.indicator_id where i.code = 'waitlisted'"
    )
    assert level == [(0,)]
    proven(house)


def test_in_an_ordinary_referral_a_waitlist_still_comes_after_the_yes(house: House) -> None:
    made = house.refer("cap", "housing")
    gwen, path = house.caseworker("housing"), f"/v1/tasks/{made['tasks'][0]['id']}"
    assert "waitlist" not in gwen.read(path)["allowed_actions"]
    assert gwen.post(f"{path}/waitlist").status_code == 409


def test_the_source_takes_one_back_and_later_all_of_it(house: House, three: Any) -> None:
    lupe = house.caseworker("pantry")
    asked = ask(house, *ALL)
    lupe.does(f"{offer(house, asked, 'housing')}/cancel", {"reason": "cannot_say"})
    assert _seen(house, asked)["asked"] == [_id(house, "faith"), _id(house, "level")]
    gone = lupe.does(f"/v1/referrals/{asked['id']}/withdraw", {"reason": "client_declined"})
    assert (gone["state"], gone["asked"]) == ("withdrawn", [])
    assert [task["state"] for task in gone["tasks"]] == ["cancelled"] * 3
    voided = lupe.does(f"/v1/referrals/{asked['id']}/void", {"reason": "Entered twice."})
    assert {task["state"] for task in voided["tasks"]} == {"entered_in_error"}
    proven(house)


def test_a_mistake_at_one_leaves_the_others_asked(house: House, three: Any) -> None:
    naomi, _, _ = three
    lupe = house.caseworker("pantry")
    asked = ask(house, *ALL)
    lupe.does(f"{offer(house, asked, 'faith')}/void", {"reason": "The wrong one."})
    assert (_seen(house, asked)["state"], len(_seen(house, asked)["asked"])) == ("active", 2)
    late = naomi.post(f"{offer(house, asked, 'faith')}/accept")
    assert (late.status_code, late.json()["code"]) == (409, "wrong-state")
    proven(house)


@pytest.mark.parametrize("end", ["withdraw", "void", "declined"])
def test_whoever_is_out_hears_how_their_own_request_stands(house: House, three: Any, end: str) -> None:
    """Whichever of them leads; who never had a part in it may only read it."""
    naomi, gwen, _ = three
    asked = ask(house, "faith", "housing")
    if end == "declined":
        for person, slug in ((naomi, "faith"), (gwen, "housing")):
            person.does(f"{offer(house, asked, slug)}/decline", FULL)
    else:
        reason = "client_declined" if end == "withdraw" else "Entered twice."
        house.caseworker("pantry").does(f"/v1/referrals/{asked['id']}/{end}", {"reason": reason})
    state = {"withdraw": "cancelled", "void": "entered_in_error"}.get(end, "declined")
    for person, slug in ((naomi, "faith"), (gwen, "housing")):
        late = person.post(f"{offer(house, asked, slug)}/accept")
        assert (late.status_code, late.json()["code"], late.json()["current"]["state"]) == (409, "wrong-state", state)
    assert house.person("ruth.hub").post(f"{offer(house, asked, 'faith')}/accept").status_code == 403


def test_a_partner_by_phone_is_asked_beside_others_and_the_caller_says_yes_for_it(house: House) -> None:
    lupe, bram = house.caseworker("cap"), house.caseworker("health")
    client = lupe.does("/v1/clients", {"given_name": "Rosalind"})["id"]
    dental = [str(s.id) for s in house.region.services if s.term == "health.dental"]
    asked = lupe.does("/v1/referrals", {"client_id": client, "service_ids": dental})
    phone = offer(house, asked, "dental")
    assert lupe.does(f"{phone}/accept", {"said_by": "Front desk"})["state"] == "accepted"
    late = bram.post(f"{offer(house, asked, 'health')}/accept")
    assert (late.status_code, late.json()["code"]) == (409, "placed-elsewhere")
    proven(house)


def test_what_cannot_be_asked_at_once_is_refused_with_its_place(house: House) -> None:
    lupe = house.caseworker("pantry")
    client = lupe.does("/v1/clients", {"given_name": "Rosalind"})["id"]
    first, second = door(house, "faith"), door(house, "housing")
    shelter = str(house.service("shelter").id)
    rooms = str(house.service("housing", nth=1).id)
    mine = str(house.service("pantry").id)
    food = str(house.service("aging").id)
    two = [first, second]
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "/service_id"),
        ({"service_id": first, "service_ids": two}, "/service_id"),
        ({"service_ids": [first]}, "/service_ids"),
        ({"service_ids": [*two, *two, first, second]}, "/service_ids"),
        ({"service_ids": [second, rooms]}, "/service_ids/1"),
        ({"service_ids": [first, shelter]}, "/service_ids/1"),
        ({"service_ids": [mine, first]}, "/service_ids/0"),
        ({"service_ids": [first, food]}, "/service_ids/1"),
        ({"service_ids": two, "kind": "information"}, "/service_ids"),
        ({"service_ids": two, "finished": {"outcome": "need_met"}}, "/finished"),
        ({"service_ids": two, "consent_id": house.consent(lupe, client, "faith")["id"]}, "/consent_id"),
    ]
    for body, pointer in cases:
        refused = lupe.post("/v1/referrals", {"client_id": client} | body)
        assert refused.status_code == 422, (body, refused.text)
        assert refused.json()["errors"][0]["pointer"] == pointer, body


def test_a_partners_own_system_that_answers_first_has_it_too(house: House, three: Any) -> None:
    naomi, _, _ = three
    asked = ask(house, *ALL)
    task_id = UUID(offer(house, asked, "housing").rpartition("/")[2])
    assert settle_task(house.engine, task_id, StepResult("completed", outcome="need_met")) == "completed"
    assert _states(house, asked) == ["cancelled", "completed", "cancelled"]
    assert naomi.post(f"{offer(house, asked, 'faith')}/accept").json()["code"] == "placed-elsewhere"
    loser = UUID(offer(house, asked, "level").rpartition("/")[2])
    assert settle_task(house.engine, loser, StepResult("completed", outcome="need_met")) == "cancelled"
    assert _seen(house, asked)["target_organization_id"] == _id(house, "housing")
    proven(house)


def test_one_of_several_that_says_it_is_full_stalls_nothing_while_the_others_may_say_yes(house: House) -> None:
    asked = ask(house, "faith", "housing")
    full = {"open_slots": 0, "taking": True, "lapses_on": (datetime.now(UTC) + timedelta(days=9)).date().isoformat()}
    house.caseworker("housing").does(f"/v1/services/{door(house, 'housing')}/capacity", full)
    mine = {task["id"] for task in asked["tasks"]}
    items = house.caseworker("pantry").read("/v1/monitor/stalled", limit=200)["items"]
    house.sql("delete from service_capacity")
    assert [item["reason_code"] for item in items if item["id"] in mine] == []


def test_who_lost_it_reads_which_request_it_was(house: House, three: Any) -> None:
    naomi, gwen, _ = three
    asked = ask(house, "faith", "housing", consent=True)
    naomi.does(f"{offer(house, asked, 'faith')}/accept")
    tell(house)
    items = gwen.read("/v1/notices", limit=200)["items"]
    (lost,) = [item for item in items if item["kind"] == "released" and item["referral_id"] == asked["id"]]
    assert asked["reference"] in lost["sentence"]
