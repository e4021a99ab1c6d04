"""After the loop was closed the client may still say otherwise: every word is kept, and the client's counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.advance import advance_referral
from tests.house import OUTCOME, House
from tests.services.plans import Live, load, step
from tests.services.scenes import at_once, ledger, numbers, proven, refer, statuses, task_of

UNMET = {"outcome": "unmet", "by": "client"}


def reported(house: House, **more: Any) -> str:
    """Served a week ago, and its source has to confirm; the path of the referral."""
    then = datetime.now(UTC) - timedelta(days=7)
    referral, gwen = refer(house, "cap", "housing", occurred_at=then, **more), house.person("gwen.housing")
    gwen.does(f"{task_of(referral)}/accept", {"occurred_at": then.isoformat()})
    gwen.does(f"{task_of(referral)}/complete", OUTCOME | {"occurred_at": then.isoformat()})
    return f"/v1/referrals/{referral.id}"


def close(house: House, path: str, by: str) -> None:
    if by == "time":
        referral = path.rpartition("/")[2]
        house.sql("update referral set due_at = now() - interval '1 hour' where id = %s", referral)
        advance_referral(house.engine, UUID(referral))
    else:
        house.person("maria.cap").does(f"{path}/confirm", OUTCOME | {"by": by})


def counted(house: House, before: dict[str, Any]) -> dict[str, int]:
    codes = ("loops_closed", "reported_unconfirmed", "needs_met")
    return {code: sum(ledger(house, code).values()) - sum(before[code].values()) for code in codes}


@pytest.mark.parametrize("first", ["source", "time"])
def test_the_clients_word_counts_also_when_it_comes_last(house: House, first: str) -> None:
    before, maria = numbers(house), house.person("maria.cap")
    path = reported(house)
    close(house, path, first)
    closed = maria.read(path)
    assert (closed["state"], closed["confirmed_by"]) == ("completed", first)
    assert "confirm" in closed["allowed_actions"]
    by_source = first == "source"
    assert counted(house, before) == {"loops_closed": by_source, "reported_unconfirmed": not by_source, "needs_met": 1}
    said = maria.does(f"{path}/confirm", UNMET)
    assert (said["outcome"], said["confirmed_by"], "confirm" in said["allowed_actions"]) == ("unmet", "client", False)
    assert counted(house, before) == {"loops_closed": 1, "reported_unconfirmed": 0, "needs_met": 0}
    proven(house)
    for again in (UNMET, OUTCOME | {"by": "source"}):
        refused = maria.post(f"{path}/confirm", again)
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong-state")
    maria.does(f"{path}/void", {"reason": "The wrong family."})
    assert numbers(house) == before, "and nothing of either closing is left"
    proven(house)


def test_a_source_that_is_late_closes_the_loop_and_speaks_once(house: House) -> None:
    before, maria = numbers(house), house.person("maria.cap")
    path = reported(house)
    close(house, path, "time")
    assert maria.does(f"{path}/confirm", OUTCOME)["confirmed_by"] == "source"
    refused = maria.post(f"{path}/confirm", {"outcome": "unmet"})
    assert (refused.status_code, "by`: client" in refused.json()["detail"]) == (409, True)
    assert counted(house, before) == {"loops_closed": 1, "reported_unconfirmed": 0, "needs_met": 1}
    proven(house)


def test_a_loop_that_its_source_closed_stays_closed_on_that_day(house: House) -> None:
    path, maria = reported(house), house.person("maria.cap")
    then = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    maria.does(f"{path}/confirm", OUTCOME | {"occurred_at": then})
    maria.does(f"{path}/confirm", UNMET)
    told = house.sql(
        "select occurred_at, facts ->> 'confirmed_by' from event"
        " where referral_id = %s and kind = 'referral_closed' order by seq",
        path.rpartition("/")[2],
    )
    assert told == [(datetime.fromisoformat(then), "source"), (datetime.fromisoformat(then), "client")]


def test_two_voices_at_the_same_moment_close_one_loop(house: House) -> None:
    before, maria = numbers(house), house.person("maria.cap")
    path = reported(house)
    said = at_once(*(lambda body=body: maria.post(f"{path}/confirm", body) for body in (OUTCOME, UNMET)))
    assert statuses(said) in ([200, 200], [200, 409]), "the source's word comes too late after the client's"
    assert maria.read(path)["outcome"] == "unmet"
    assert counted(house, before) == {"loops_closed": 1, "reported_unconfirmed": 0, "needs_met": 0}
    proven(house)


def test_a_plan_that_closes_over_reported_work_confirms_nothing_in_its_leads_name(house: House) -> None:
    rent = {"organization": "housing", "service": house.service("housing").name}
    home = {"key": "home", "name": "A home", "term": "housing"}
    load(house, "closed_over_it", [step("rent", rent, kind="referral"), step("last", after=["rent"])], goals=[home])
    before = numbers(house)
    plan = Live.begin(house, "closed_over_it")
    plan.works("rent", "housing", outcome="need_met")
    plan.edit("/close", {"outcomes": {"home": "unmet"}, "reason": "moved_away"})
    path = f"/v1/referrals/{plan.step('rent')['referral_id']}"
    closed = plan.lead.read(path)
    assert (closed["state"], closed["outcome"], closed["confirmed_by"]) == ("completed", "need_met", "time")
    assert counted(house, before)["loops_closed"] == 0
    assert counted(house, before)["reported_unconfirmed"] == 1
    assert plan.lead.does(f"{path}/confirm", {"outcome": "unmet"})["confirmed_by"] == "source"
    assert counted(house, before) == {"loops_closed": 1, "reported_unconfirmed": 0, "needs_met": 0}
    proven(house)


def test_what_the_family_says_of_its_goals_is_heard_when_the_plan_is_over(house: House) -> None:
    home = {"key": "home", "name": "A home", "term": "housing"}
    load(house, "over_and_asked", [step("listen")], goals=[home])
    before = numbers(house)
    plan = Live.begin(house, "over_and_asked")
    plan.works("listen", "cap")
    plan.edit("/close", {"outcomes": {"home": "need_met"}})
    assert counted(house, before)["needs_met"] == 1
    assert plan.read()["allowed_actions"] == ["review", "void"]
    late = plan.lead.post(
        f"{plan.path}/review", {"outcomes": {"home": "unmet"}}, **{"If-Match": f'"{plan.body["version"]}"'}
    )
    assert (late.status_code, late.json()["code"]) == (409, "wrong-state"), "the lead has spoken"
    empty = plan.lead.post(f"{plan.path}/review", {"by": "client"}, **{"If-Match": f'"{plan.body["version"]}"'})
    assert (empty.status_code, empty.json()["errors"][0]["pointer"]) == (422, "/outcomes"), "nothing is said by that"
    said = plan.edit("/review", {"outcomes": {"home": "unmet"}, "by": "client"})
    assert (said["state"], said["goals"][0]["outcome"]) == ("completed", "unmet")
    assert counted(house, before)["needs_met"] == 0
    proven(house)


@pytest.mark.parametrize("by", ["source", "client"])
def test_what_one_provider_could_not_do_does_not_undo_what_another_did_later(house: House, by: str) -> None:
    before, maria = numbers(house), house.person("maria.cap")
    first = reported(house)
    maria.does(f"{first}/confirm", {"outcome": "unmet", "by": by})
    asked = maria.read(first)
    body = {"service_id": str(house.other_door().id), "client_id": asked["client_id"], "need_id": asked["need_id"]}
    made, naomi = maria.does("/v1/referrals", body), house.caseworker("faith")
    naomi.does(f"{task_of(made)}/accept")
    naomi.does(f"{task_of(made)}/complete", OUTCOME)
    maria.does(f"/v1/referrals/{made['id']}/confirm", OUTCOME)
    assert maria.read(f"/v1/needs/{asked['need_id']}")["outcome"] == "need_met"
    assert counted(house, before)["needs_met"] == 1
    maria.does(f"/v1/referrals/{made['id']}/confirm", UNMET)
    assert maria.read(f"/v1/needs/{asked['need_id']}")["outcome"] == "unmet", "of both they say so"
    assert counted(house, before)["needs_met"] == 0
    proven(house)


def test_what_becomes_of_a_need_after_everybody_said_no_is_no_partners_doing(house: House) -> None:
    codes = ("partner_met", "outcome_need_met", "outcome_unmet", "funnel_met")
    before, maria = numbers(house), house.person("maria.cap")
    made = refer(house, "cap", "housing")
    no = {"reason_code": "full", "reason_class": "no_capacity"}
    house.person("gwen.housing").does(f"{task_of(made)}/decline", no)
    maria.does(f"/v1/referrals/{made.id}/close-unmet", {"reason": "full"})
    maria.does(f"/v1/referrals/{made.id}/confirm", OUTCOME | {"by": "client"})
    after = numbers(house)
    assert {code: after[code] for code in codes} == {code: before[code] for code in codes}
    assert counted(house, before)["needs_met"] == 1
    proven(house)


def test_a_plain_step_is_nobodys_to_confirm_and_reopens_whole(house: House) -> None:
    load(house, "closed_unmet", [step("listen", {"organization": "housing"})])
    plan = Live.begin(house, "closed_unmet")
    no = {"reason_code": "full", "reason_class": "no_capacity"}
    house.person("gwen.housing").does(f"{plan.task('listen')}/decline", no)
    task, path = plan.task("listen"), f"/v1/referrals/{plan.step('listen')['referral_id']}"
    plan.lead.does(f"{path}/close-unmet", {"reason": "full"})
    for by in ("client", "source"):
        assert plan.lead.post(f"{path}/confirm", OUTCOME | {"by": by}).json()["code"] == "wrong-state"
    plan.lead.does(f"{task}/void", {"reason": "The wrong box."})
    told = house.sql(
        "select count(*) from event e where e.referral_id = %s and e.kind = 'step_closed' and not exists"
        " (select from event x where x.reverses ? cast(e.id as text))",
        path.rpartition("/")[2],
    )
    assert told == [(0,)]
