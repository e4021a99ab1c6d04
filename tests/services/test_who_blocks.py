"""Where the cause decides whose turn it is, every view says so, and offers exactly what is accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from services.lists import list_referrals, list_tasks
from services.tasks import get_task
from tests.house import House
from tests.services.plans import Live, load, step
from tests.services.scenes import organization_id
from tests.services.test_capacities import state
from tests.services.test_escalating import counted, user

Made = dict[str, Any]


def no_room(house: House) -> Made:
    made = house.refer("cap", "housing")
    state(house, "housing", taking=False)
    return made


def consent_ended(house: House) -> Made:
    made = house.refer("cap", "housing", consent=True)
    house.caseworker("cap").does(f"/v1/consents/{made['consent_id']}/revoke")
    return made


def consent_missing(house: House) -> Made:
    made = house.refer("cap", "housing")
    path = f"/v1/tasks/{made['tasks'][0]['id']}"
    house.caseworker("housing").does(f"{path}/accept")
    house.sql("update task set due_at = now() - interval '1 hour' where referral_id = %s", made["id"])
    return made


CAUSES: dict[str, Callable[[House], Made]] = {
    "no_capacity": no_room,
    "consent_ended": consent_ended,
    "consent_missing": consent_missing,
}


@pytest.fixture(autouse=True)
def nobody_has_said_anything(house: House) -> None:
    house.sql("delete from service_capacity")


def shown(house: House, login: str, made: Made) -> list[Any]:
    """Each of the places in which the task is shown, the list of stalled work last."""
    person, task = house.person(login), made["tasks"][0]["id"]
    referrals = [person.read(f"/v1/referrals/{made['id']}"), *person.read("/v1/referrals", limit=200)["items"]]
    places = [person.read(f"/v1/tasks/{task}"), *person.inbox(limit=200)]
    places += [one for referral in referrals for one in referral["tasks"]]
    places += person.read("/v1/monitor/stalled", limit=200)["items"]
    return [one for one in places if one["id"] == task]


@pytest.mark.parametrize(("login", "goes"), [("maria.cap", False), ("gwen.housing", True), ("ruth.hub", True)])
@pytest.mark.parametrize("cause", CAUSES)
def test_a_nudge_is_offered_where_it_is_accepted(house: House, cause: str, login: str, goes: bool) -> None:
    made = CAUSES[cause](house)
    house.sql("update referral set assigned_to = %s where id = %s", user(house, "maria.cap"), made["id"])
    places = shown(house, login, made)
    assert places[-1]["reason_code"] == cause
    assert ["nudge" in one["allowed_actions"] for one in places] == [goes] * len(places)
    cap = {"organization_id": str(organization_id(house, "cap")), "user_id": str(user(house, "maria.cap"))}
    assert [one["ball_in_court"] for one in places] == [cap] * len(places)
    answer = house.person(login).post(f"/v1/tasks/{made['tasks'][0]['id']}/nudge")
    assert answer.status_code == (200 if goes else 409), answer.text


def test_a_referral_names_whoever_blocks_its_task(house: House) -> None:
    made = consent_ended(house)
    for login in ("maria.cap", "gwen.housing", "ruth.hub"):
        referral = house.person(login).read(f"/v1/referrals/{made['id']}")
        assert referral["ball_in_court"]["organization_id"] == str(organization_id(house, "cap"))


ABSENT = {
    "has left": ("starts_on = current_date - 9, ends_on = current_date - 2", None),
    "is away": ("absent_until = '2098-01-01'", None),
    "is stood in for": ("absent_until = '2098-01-01', delegate_user_id = %s", "gwen.housing"),
}


@pytest.fixture
def back(house: House) -> Iterator[None]:
    yield
    house.sql("update membership set ends_on = null, absent_until = null, delegate_user_id = null")


def absent(house: House, login: str, how: str, stands_in: str) -> str | None:
    """Let them be gone or away; answers the id of whoever acts instead."""
    change, delegate = ABSENT[how]
    acts = [str(user(house, stands_in))] if delegate else []
    house.sql(f"update membership set {change} where user_id = %s", *acts, user(house, login))
    return next(iter(acts), None)


def item_of(house: House, login: str, id_: str) -> Any:
    (item,) = [one for one in house.person(login).read("/v1/monitor/stalled", limit=200)["items"] if one["id"] == id_]
    return item


@pytest.mark.usefixtures("back")
@pytest.mark.parametrize("how", ABSENT)
def test_every_view_names_whom_a_nudge_would_reach(house: House, how: str) -> None:
    """Never who has left, nor who is away with nobody in their place: for either side and for the backbone."""
    made = house.refer("cap", "housing")
    task = made["tasks"][0]["id"]
    house.sql("update task set due_at = now() - interval '1 hour', assigned_to = %s where id = %s",
              user(house, "hector.housing"), task)  # fmt: skip
    acts = absent(house, "hector.housing", how, "gwen.housing")
    for login in ("maria.cap", "gwen.housing", "ruth.hub"):
        places = [*shown(house, login, made), house.person(login).read(f"/v1/referrals/{made['id']}")]
        assert [one["ball_in_court"]["user_id"] for one in places] == [acts] * len(places), login
    house.person("ruth.hub").does(f"/v1/tasks/{task}/nudge")
    said = house.sql("select facts ->> 'person' from event where task_id = %s and kind = 'task_nudged'", task)
    assert said == [(acts,)]


@pytest.mark.usefixtures("back")
@pytest.mark.parametrize("how", ABSENT)
def test_so_it_is_where_the_source_makes_the_moves_of_a_partner_by_phone(house: House, how: str) -> None:
    task = house.refer("cap", "cupboard")["tasks"][0]["id"]
    acts = absent(house, "maria.cap", how, "dale.cap")
    for login in ("dale.cap", "ruth.hub"):
        assert house.person(login).read(f"/v1/tasks/{task}")["ball_in_court"]["user_id"] == acts


@pytest.mark.usefixtures("back")
@pytest.mark.parametrize("how", ABSENT)
def test_so_it_is_in_a_plan_of_its_steps_and_of_its_lead(house: House, how: str) -> None:
    code = f"absent_{len(how)}"
    load(house, code, [step("first", {"organization": "housing"})])
    plan = Live.begin(house, code)
    task = plan.step("first")["task"]["id"]
    house.sql("update task set assigned_to = %s where id = %s", user(house, "hector.housing"), task)
    acts = absent(house, "hector.housing", how, "gwen.housing")
    for login in ("dale.cap", "gwen.housing", "ruth.hub"):
        seen = house.person(login).read(plan.path)
        balls = [seen["ball_in_court"], *(one["ball_in_court"] for one in seen["steps"])]
        assert balls == [{"organization_id": str(organization_id(house, "housing")), "user_id": acts}] * 2, login
    house.sql("update action_plan set due_at = now() - interval '1 hour' where id = %s", plan.id)
    acts = absent(house, "maria.cap", how, "dale.cap")
    for login in ("dale.cap", "gwen.housing", "ruth.hub"):
        ball = house.person(login).read(plan.path)["ball_in_court"]
        assert ball == item_of(house, login, plan.id)["ball_in_court"], login
        assert ball == {"organization_id": str(organization_id(house, "cap")), "user_id": acts}


@pytest.mark.usefixtures("back")
@pytest.mark.parametrize("how", ["is there", *ABSENT])
def test_so_it_is_of_a_step_that_opened_with_nobody_to_ask(house: House, how: str) -> None:
    house.sql("insert into taxonomy_term (code, name) values ('emergency.coats', 'Coats') on conflict do nothing")
    code = f"unplaced_{how.replace(' ', '_')}"
    load(house, code, [step("none", {"term": "emergency.coats"})])
    plan = Live.begin(house, code)
    referral, maria = plan.step("none")["referral_id"], str(user(house, "maria.cap"))
    acts = maria if how == "is there" else absent(house, "maria.cap", how, "dale.cap")
    house.sql("update referral set due_at = now() - interval '1 hour' where id = %s", referral)
    for login in ("dale.cap", "ruth.hub"):
        person = house.person(login)
        seen = person.read(plan.path)
        shown = [seen, *seen["steps"], person.read(f"/v1/referrals/{referral}"), item_of(house, login, referral)]
        ball = {"organization_id": str(organization_id(house, "cap")), "user_id": acts}
        assert [one["ball_in_court"] for one in shown] == [ball] * 4, login


def test_of_work_that_a_colleague_holds_whoever_stands_in_nudges_nobody(house: House) -> None:
    made = house.refer("housing", "housing")
    task = made["tasks"][0]["id"]
    gwen, hector = user(house, "gwen.housing"), user(house, "hector.housing")
    house.sql("update task set assigned_to = %s where id = %s", gwen, task)
    try:
        for delegate, goes in ((None, True), (hector, False)):
            house.sql(
                "update membership set absent_until = %s, delegate_user_id = %s where user_id = %s",
                "2098-01-01" if delegate else None,
                delegate,
                gwen,
            )
            path = f"/v1/tasks/{task}"
            assert ("nudge" in house.person("hector.housing").read(path)["allowed_actions"]) == goes
            answer = house.person("hector.housing").post(f"{path}/nudge")
            assert answer.status_code == (200 if goes else 409), answer.text
    finally:
        house.sql("update membership set absent_until = null, delegate_user_id = null where user_id = %s", gwen)


def test_where_no_cause_can_name_another_nothing_more_is_asked(house: House) -> None:
    """What blocks is the dearest of questions: ordinary work is read without it (ADR 8)."""
    made = house.refer("cap", "housing", consent=True)
    for login in ("maria.cap", "gwen.housing"):
        with counted(house) as asked:
            get_task(house.api, house.call(login), UUID(made["tasks"][0]["id"]))
        assert not any("app.away" in statement for statement in asked)


def test_a_longer_list_asks_no_more_often(house: House) -> None:
    counts = []
    for login in ("hector.housing", "gwen.housing"):
        for make in CAUSES.values():
            house.sql("delete from service_capacity")
            make(house)
        house.sql("update task set assigned_to = %s where assigned_to is null", user(house, login))
        with counted(house) as asked:
            list_referrals(house.api, house.call("gwen.housing"), limit=200)
            list_tasks(house.api, house.call("gwen.housing"), limit=200)
        counts.append(len(asked))
        assert any("app.stands_in" in statement for statement in asked)
    assert counts[0] == counts[1]


def test_of_who_is_there_only_those_are_asked_who_have_what_is_shown(house: House) -> None:
    """Not all who ever left: of twenty years they are many more than the work on a page."""
    made = house.refer("cap", "housing")
    house.sql("update task set assigned_to = %s where referral_id = %s", user(house, "hector.housing"), made["id"])
    for login in ("maria.cap", "gwen.housing", "ruth.hub"):
        with counted(house) as asked:
            get_task(house.api, house.call(login), UUID(made["tasks"][0]["id"]))
        assert [sum(name in one for one in asked) for name in ("app.stands_in", "app.away")] == [1, 0], login
