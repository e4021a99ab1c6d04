"""The backbone watches: it nudges who blocks, tells who is above, lets rest what has a reason; it moves nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain.progress import StepResult
from services.advance import advance_referral
from services.invariants import check_record
from services.plan_advance import advance_plan
from services.settling import settle_task
from tests.house import House, Person
from tests.services.plans import Live, load, step
from tests.services.scenes import at_once, events, organization_id, statuses, task_of

Row = dict[str, Any]
SOON = (datetime.now(UTC) + timedelta(days=10)).date().isoformat()
WEATHER = {"reason": "weather", "until": SOON}
QUESTION = {"question": "How many rooms?"}
FULL = {"reason_code": "full", "reason_class": "no_capacity"}


@pytest.fixture(scope="module")
def ruth(house: House) -> Person:
    """Of the backbone."""
    return house.person("ruth.hub")


@pytest.fixture(scope="module")
def maria(house: House) -> Person:
    return house.person("maria.cap")


@pytest.fixture(scope="module")
def gwen(house: House) -> Person:
    return house.person("gwen.housing")


@pytest.fixture
def made(house: House) -> Row:
    return house.refer("cap", "housing")


@pytest.fixture
def late(house: House, made: Row) -> Row:
    """Its limit passed, and its owner was reminded: as the engine leaves it."""
    house.sql("update task set rung = 1, due_at = now() - interval '1 hour' where referral_id = %s", made["id"])
    return made


def me(person: Person) -> str:
    return str(person.read("/v1/me")["id"])


def facts(house: House, referral: Row, kind: str) -> list[Row]:
    rows = house.sql("select facts from event where referral_id = %s and kind = %s order by seq", referral["id"], kind)
    return [row[0] for row in rows]


# ------------------------------------------------------------------------------------------------------------- nudges


def test_a_nudge_goes_to_who_was_asked_and_to_whoever_there_has_it(
    house: House, ruth: Person, gwen: Person, made: Row
) -> None:
    path = task_of(made)
    gwen.does(f"{path}/assign", {"user_id": me(gwen)})
    before = gwen.read(path)
    assert "nudge" in ruth.read(path)["allowed_actions"]
    ruth.does(f"{path}/nudge")
    housing = str(organization_id(house, "housing"))
    assert facts(house, made, "task_nudged") == [{"to": housing, "person": me(gwen)}]
    after = gwen.read(path)
    assert {k: after[k] for k in ("state", "clock", "due_at")} == {k: before[k] for k in ("state", "clock", "due_at")}


def test_a_nudge_goes_to_the_source_where_the_source_owes_the_answer(
    house: House, ruth: Person, gwen: Person, maria: Person, made: Row
) -> None:
    path = task_of(made)
    gwen.does(f"{path}/request-info", QUESTION)
    gwen.does(f"{path}/nudge")
    told = facts(house, made, "task_nudged")[0]
    assert (told["to"], told["person"]) == (str(organization_id(house, "cap")), me(maria))
    assert maria.post(f"{path}/nudge").json()["code"] == "own-turn"


def test_a_partner_without_login_is_reached_through_who_asked(house: House, ruth: Person, maria: Person) -> None:
    made = house.refer("cap", "fuel")
    ruth.does(f"{task_of(made)}/nudge")
    told = facts(house, made, "task_nudged")[0]
    assert (told["to"], told["person"]) == (str(organization_id(house, "cap")), me(maria))


def test_nobody_is_nudged_twice_before_they_acted_or_a_business_day_has_passed(
    house: House, ruth: Person, maria: Person, gwen: Person, made: Row
) -> None:
    path = task_of(made)
    ruth.does(f"{path}/nudge")
    refused = maria.post(f"{path}/nudge")
    assert (refused.status_code, refused.json()["code"]) == (409, "nudged-already")
    assert "nudged_at" in refused.json()["current"]
    gwen.does(f"{path}/acknowledge")
    maria.does(f"{path}/nudge")
    assert maria.post(f"{path}/nudge").status_code == 409
    assert len(facts(house, made, "task_nudged")) == 2


def test_somebody_else_may_be_nudged_at_once(house: House, ruth: Person, gwen: Person, made: Row) -> None:
    path = task_of(made)
    ruth.does(f"{path}/nudge")
    house.sql("update task set assigned_to = %s where referral_id = %s", me(gwen), made["id"])
    ruth.does(f"{path}/nudge")
    assert [told["person"] for told in facts(house, made, "task_nudged")] == [None, me(gwen)]


def test_two_people_who_nudge_at_once_are_one_nudge(house: House, ruth: Person, maria: Person, made: Row) -> None:
    path = task_of(made)
    answers = at_once(lambda: ruth.post(f"{path}/nudge"), lambda: maria.post(f"{path}/nudge"))
    assert statuses(answers) == [200, 409]
    assert len(facts(house, made, "task_nudged")) == 1


def test_the_same_nudge_again_is_the_same_answer(house: House, ruth: Person, made: Row) -> None:
    first, again = (ruth.post(f"{task_of(made)}/nudge", key="once-" + made["id"]) for _ in range(2))
    assert (first.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert len(facts(house, made, "task_nudged")) == 1


def test_what_has_ended_waits_for_nobody(house: House, ruth: Person, gwen: Person, made: Row) -> None:
    gwen.does(f"{task_of(made)}/decline", FULL)
    for verb, body in (("nudge", {}), ("escalate", {}), ("except", WEATHER)):
        assert ruth.post(f"{task_of(made)}/{verb}", body).json()["code"] == "wrong-state"
    assert not {"nudge", "escalate", "except"} & set(ruth.read(task_of(made))["allowed_actions"])


def test_a_referral_that_waits_for_its_source_is_nudged_there_and_not_before(
    house: House, ruth: Person, gwen: Person, maria: Person, made: Row
) -> None:
    path = f"/v1/referrals/{made['id']}"
    assert ruth.post(f"{path}/nudge").json()["code"] == "not-its-turn"
    gwen.does(f"{task_of(made)}/decline", FULL)
    assert "nudge" in ruth.read(path)["allowed_actions"]
    ruth.does(f"{path}/nudge")
    told = facts(house, made, "referral_nudged")[0]
    assert (told["to"], told["person"]) == (str(organization_id(house, "cap")), me(maria))
    assert maria.post(f"{path}/nudge").json()["code"] == "own-turn"


@pytest.mark.parametrize("login", ["edith.hub", "lupe.pantry"])
def test_an_auditor_and_a_stranger_nudge_nobody(house: House, made: Row, login: str) -> None:
    for path in (task_of(made), f"/v1/referrals/{made['id']}"):
        for verb, body in (("nudge", {}), ("escalate", {}), ("except", WEATHER), ("watch", {})):
            answer = house.person(login).post(f"{path}/{verb}", body)
            assert answer.status_code == (403 if login == "edith.hub" else 404), answer.text
    assert not [kind for kind in events(house, made["id"]) if "nudged" in kind or "excepted" in kind]


def test_a_confidential_providers_work_does_not_exist_for_the_backbone(house: House, ruth: Person) -> None:
    made = house.refer("cap", "shelter")
    for path in (task_of(made), f"/v1/referrals/{made['id']}"):
        for verb, body in (("nudge", {}), ("escalate", {}), ("except", WEATHER)):
            assert ruth.post(f"{path}/{verb}", body).status_code == 404
    house.person("maria.cap").does(f"{task_of(made)}/nudge")


# --------------------------------------------------------------------------------------------------------- escalations


def test_escalating_by_hand_tells_the_next_above_and_counts_as_that_rung(
    house: House, maria: Person, ruth: Person, late: Row
) -> None:
    path = task_of(late)
    assert "escalate" in maria.read(path)["allowed_actions"]
    maria.does(f"{path}/escalate")
    maria.does(f"{path}/escalate")
    told = facts(house, late, "task_escalated")
    assert [(one["to"], one["rung"], one["by_hand"]) for one in told] == [
        ("supervisor", 1, "yes"),
        ("backbone", 2, "yes"),
    ]
    assert house.sql("select rung from task where referral_id = %s", late["id"]) == [(3,)]
    assert maria.post(f"{path}/escalate").json()["code"] == "top-of-the-ladder"
    assert "escalate" not in maria.read(path)["allowed_actions"]


def test_the_backbone_tells_the_supervisor_and_not_itself(house: House, ruth: Person, late: Row) -> None:
    ruth.does(f"{task_of(late)}/escalate")
    assert [one["to"] for one in facts(house, late, "task_escalated")] == ["supervisor"]
    assert ruth.post(f"{task_of(late)}/escalate").json()["code"] == "top-of-the-ladder"


def test_what_is_not_late_is_nudged_and_not_escalated(ruth: Person, gwen: Person, made: Row) -> None:
    assert ruth.post(f"{task_of(made)}/escalate").json()["code"] == "not-overdue"
    assert gwen.post(f"{task_of(made)}/escalate").status_code == 403


def test_a_one_person_agency_has_nobody_above_but_the_backbone(house: House, maria: Person) -> None:
    made = house.refer("cap", "faith")
    house.sql("update task set rung = 1, due_at = now() - interval '1 hour' where referral_id = %s", made["id"])
    maria.does(f"{task_of(made)}/escalate")
    assert [one["to"] for one in facts(house, made, "task_escalated")] == ["backbone"]


# ---------------------------------------------------------------------------------------------------------- exceptions


def test_the_backbone_lets_it_rest_with_a_reason_and_an_end_and_says_why_to_both(
    house: House, ruth: Person, maria: Person, gwen: Person, late: Row
) -> None:
    path = task_of(late)
    rested = ruth.does(f"{path}/except", WEATHER | {"text": "The roads are closed."})
    assert rested["excepted_until"].startswith(SOON)
    assert {"except", "watch"} <= set(rested["allowed_actions"])
    assert gwen.read(path)["excepted_until"] == rested["excepted_until"]
    told = facts(house, late, "task_excepted")[0]
    assert (told["until"], told["why"]) == (SOON, "weather")
    for person in (maria, gwen):
        said = person.read(f"/v1/referrals/{late['id']}/timeline")["messages"]
        assert [one["body"] for one in said] == ["The roads are closed."]
    later = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    assert ruth.does(f"{path}/except", WEATHER | {"until": later})["excepted_until"].startswith(later)
    watched = ruth.does(f"{path}/watch")
    assert (watched["excepted_until"], watched["state"]) == (None, "requested")
    assert ruth.post(f"{path}/watch").json()["code"] == "watched"


def test_while_it_rests_the_engine_reminds_nobody_and_people_still_may(
    house: House, ruth: Person, maria: Person, late: Row
) -> None:
    ruth.does(f"{task_of(late)}/except", WEATHER)
    house.sql("update task set due_at = now() - interval '9 days' where referral_id = %s", late["id"])
    advance_referral(house.engine, UUID(late["id"]))
    assert not facts(house, late, "task_escalated")
    maria.does(f"{task_of(late)}/nudge")
    maria.does(f"{task_of(late)}/escalate")
    assert [one["by_hand"] for one in facts(house, late, "task_escalated")] == ["yes"]


@pytest.mark.parametrize("days", [-1, 0, 95])
def test_an_exception_ends_soon_and_in_the_future(ruth: Person, made: Row, days: int) -> None:
    until = (datetime.now(ZoneInfo("America/Denver")) + timedelta(days=days)).date().isoformat()
    refused = ruth.post(f"{task_of(made)}/except", WEATHER | {"until": until})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/until")


def test_only_the_backbone_lets_work_rest(maria: Person, gwen: Person, made: Row) -> None:
    for person in (maria, gwen):
        assert person.post(f"{task_of(made)}/except", WEATHER).status_code == 403


def test_an_exception_and_a_decision_at_once_both_happen_in_some_order(
    house: House, ruth: Person, gwen: Person, made: Row
) -> None:
    path = task_of(made)
    answers = at_once(lambda: ruth.post(f"{path}/except", WEATHER), lambda: gwen.post(f"{path}/decline", FULL))
    assert answers[1].status_code == 200
    assert answers[0].status_code in (200, 409)
    assert len(facts(house, made, "task_excepted")) == (answers[0].status_code == 200)


def test_what_comes_after_a_move_does_not_rest_by_the_exception_of_the_stage_before(
    house: House, ruth: Person, gwen: Person, late: Row
) -> None:
    path = task_of(late)
    ruth.does(f"{path}/except", WEATHER)
    assert gwen.does(f"{path}/note", {"text": "Roads still closed."})["excepted_until"].startswith(SOON)
    assert gwen.does(f"{path}/accept")["excepted_until"] is None
    id_ = late["tasks"][0]["id"]
    house.sql("update task set due_at = now() - interval '2 days' where id = %s", id_)
    advance_referral(house.engine, UUID(late["id"]))
    assert [one["clock"] for one in facts(house, late, "task_overdue")] == ["first_contact"]
    item = next(one for one in ruth.read("/v1/monitor/stalled", limit=200)["items"] if one["id"] == id_)
    assert item["symptom"] == "no_first_contact"


def test_what_a_partner_s_own_worker_did_ends_it_too(house: House, ruth: Person, made: Row) -> None:
    ruth.does(f"{task_of(made)}/except", WEATHER)
    task = UUID(made["tasks"][0]["id"])
    assert settle_task(house.engine, task, StepResult("completed", outcome="need_met")) == "completed"
    assert house.sql("select excepted_until from task where id = %s", str(task)) == [(None,)]


def test_a_review_ends_the_exception_that_was_for_it_and_no_other(house: House, ruth: Person, maria: Person) -> None:
    load(house, "rested_review", [step("listen")])
    for due, review, rests in (("5 days", "9 days", True), ("9 days", "5 days", False)):
        plan = Live.begin(house, "rested_review")
        house.sql(
            f"update action_plan set due_at = now() + interval '{due}', next_review_at = now() + interval '{review}'"
            " where id = %s",
            plan.id,
        )
        ruth.does(f"{plan.path}/except", WEATHER)
        tag = {"If-Match": maria.get(plan.path).headers["etag"]}
        assert maria.post(f"{plan.path}/review", {"outcomes": {}}, **tag).status_code == 200
        assert (maria.read(plan.path)["excepted_until"] is not None) is rests


def test_what_is_asked_again_does_not_rest_by_the_exception_of_the_offer_before(
    house: House, ruth: Person, maria: Person, gwen: Person, made: Row
) -> None:
    path = f"/v1/referrals/{made['id']}"
    gwen.does(f"{task_of(made)}/decline", FULL)
    assert ruth.does(f"{path}/except", WEATHER)["excepted_until"].startswith(SOON)
    again = maria.does(f"{path}/reroute", {"service_id": str(house.service("housing").id), "anyway": True})
    assert (again["excepted_until"], kept_resting(house, made["id"])) == (None, None)
    gwen.does(f"{task_of(again)}/decline", FULL)
    house.sql("update referral set due_at = now() - interval '1 minute' where id = %s", made["id"])
    advance_referral(house.engine, UUID(made["id"]))
    assert len(facts(house, made, "referral_overdue")) == 1


def test_nor_where_the_engine_asks_the_next_by_the_plan_s_policy(house: House) -> None:
    load(house, "rested_policy", [step("food", {"term": "food.pantry"}, on_decline="other_provider")])
    plan = Live.begin(house, "rested_policy")
    first = plan.step("food")
    ((referral, slug),) = house.sql(
        "select t.referral_id::text, o.slug from task t join organization o on o.id = t.organization_id"
        " where t.id = %s",
        first["task"]["id"],
    )
    house.sql("update referral set excepted_until = now() + interval '9 days' where id = %s", referral)
    house.caseworker(slug).does(f"/v1/tasks/{first['task']['id']}/decline", FULL)
    advance_plan(house.engine, UUID(plan.id))
    assert plan.step("food")["task"]["id"] != first["task"]["id"]
    assert kept_resting(house, referral) is None


def kept_resting(house: House, referral_id: str) -> Any:
    return house.sql("select excepted_until from referral where id = %s", referral_id)[0][0]


# ----------------------------------------------------------------------------------------------------------- proposals


def test_a_proposal_is_shown_to_the_source_which_takes_it_up_with_a_re_route(
    house: House, ruth: Person, maria: Person, gwen: Person, made: Row
) -> None:
    path, church = f"/v1/referrals/{made['id']}", str(house.other_door().id)
    assert "propose-reroute" in ruth.read(path)["allowed_actions"]
    ruth.does(f"{path}/propose-reroute", {"service_id": church, "text": "They have room."})
    assert ruth.post(f"{path}/propose-reroute", {"service_id": church}).json()["code"] == "proposed-already"
    (shown,) = maria.read(path)["proposals"]
    assert (shown["service_id"], shown["by"]) == (church, str(organization_id(house, "hub")))
    assert [p for f in maria.read("/v1/referrals")["items"] if f["id"] == made["id"] for p in f["proposals"]] == [shown]
    assert gwen.read(path)["proposals"] == ruth.read(path)["proposals"] == []
    gwen.does(f"{task_of(made)}/decline", FULL)
    assert maria.read(path)["proposals"] == [shown]
    assert maria.does(f"{path}/reroute", {"service_id": church})["proposals"] == []
    assert maria.read(path)["proposals"] == []


def test_who_was_asked_proposes_another_door_and_who_asked_simply_takes_it(
    house: House, maria: Person, gwen: Person, made: Row
) -> None:
    path, church = f"/v1/referrals/{made['id']}", {"service_id": str(house.other_door().id)}
    gwen.does(f"{path}/propose-reroute", church)
    assert maria.read(path)["proposals"][0]["by"] == str(organization_id(house, "housing"))
    assert maria.post(f"{path}/propose-reroute", church).status_code == 403


def test_a_proposal_is_for_the_same_need(house: House, ruth: Person, made: Row) -> None:
    bread = {"service_id": str(house.service("pantry").id)}
    refused = ruth.post(f"/v1/referrals/{made['id']}/propose-reroute", bread)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/service_id")
    assert "housing" not in refused.json()["detail"]


# --------------------------------------------------------------------------------------------------------------- plans


def test_a_plan_that_passed_its_date_is_nudged_escalated_and_let_rest_at_its_lead(
    house: House, ruth: Person, maria: Person
) -> None:
    load(house, "watched", [step("listen"), step("visit", after=["listen"])])
    plan = Live.begin(house, "watched")
    assert ruth.post(f"{plan.path}/nudge").json()["code"] == "not-its-turn"
    house.sql("update action_plan set due_at = now() - interval '1 hour', rung = 1 where id = %s", plan.id)
    assert {"nudge", "escalate", "except"} <= set(ruth.read(plan.path)["allowed_actions"])
    for verb, body in (("nudge", {}), ("escalate", {}), ("except", WEATHER), ("watch", {})):
        ruth.does(f"{plan.path}/{verb}", body)
    rows = house.sql(
        "select kind, facts from event where action_plan_id = %s and kind like 'plan_%%' order by seq", plan.id
    )
    assert [kind for kind, _ in rows[1:]] == ["plan_nudged", "plan_escalated", "plan_excepted", "plan_watched"]
    assert (rows[1][1]["to"], rows[1][1]["person"]) == (str(organization_id(house, "cap")), me(maria))
    assert (rows[2][1]["clock"], rows[2][1]["to"]) == ("plan", "supervisor")
    tag = {"If-Match": ruth.get(plan.path).headers["etag"]}
    for verb, body in (("close", {}), ("review", {})):
        assert ruth.post(f"{plan.path}/{verb}", body, **tag).status_code in (403, 422)
        assert ruth.post(f"{plan.path}/{verb}", body).status_code == 403


def test_a_plan_and_a_referral_are_followed_by_somebody_else_from_now_on(
    house: House, maria: Person, ruth: Person, gwen: Person, made: Row
) -> None:
    boss = house.person(house.region.people_of("cap", "supervisor")[0].login)
    load(house, "followed", [step("listen")])
    plan = Live.begin(house, "followed")
    for path in (f"/v1/referrals/{made['id']}", plan.path):
        assert maria.does(f"{path}/assign", {"user_id": me(boss)})["assigned_to"] == me(boss)
        assert maria.post(f"{path}/assign", {"user_id": me(gwen)}).status_code == 422
        assert ruth.post(f"{path}/assign", {"user_id": me(boss)}).status_code == 403
    told = facts(house, made, "referral_assigned")[0]
    assert (told["from_user"], told["to_user"]) == (me(maria), me(boss))


# ------------------------------------------------------------------------------------------------------ what is left


def test_whatever_was_watched_the_record_holds_together(house: House) -> None:
    """But for plans, which wait for the engine that does not run here."""
    assert [line for line in check_record(house.engine) if not line.startswith("I4 plan")] == []
