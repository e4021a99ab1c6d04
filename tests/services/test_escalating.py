"""To tell the next above is offered where it is accepted and nowhere else: in every list and in every single view."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.event import listen, remove

from services.advance import advance_referral
from services.lists import list_referrals, list_tasks
from services.plan_advance import advance_plan
from services.plans import get_plan
from services.stalled import list_stalled
from tests.house import House
from tests.services.plans import Live, load, step

FULL = {"reason_code": "full", "reason_class": "no_capacity"}


def user(house: House, login: str) -> UUID:
    return next(each.id for each in house.region.users if each.login == login)


def overdue(house: House, source: str, target: str, rung: int = 1, *, to: str = "", revoked: bool = False) -> Any:
    """A request that is past its limit, with so many rungs climbed; `to` has it there."""
    made = house.refer(source, target, consent=revoked)
    house.sql(
        "update task set rung = %s, due_at = now() - interval '1 hour', assigned_to = %s where referral_id = %s",
        rung,
        user(house, to) if to else None,
        made["id"],
    )
    if revoked:
        house.caseworker(source).does(f"/v1/consents/{made['consent_id']}/revoke")
    return made


def offers(house: House, login: str, made: Any) -> set[bool]:
    """What each of the places says in which the task is shown."""
    person, task = house.person(login), made["tasks"][0]["id"]
    referrals = [person.read(f"/v1/referrals/{made['id']}"), *person.read("/v1/referrals", limit=200)["items"]]
    shown = [person.read(f"/v1/tasks/{task}")]
    shown += [one for referral in referrals for one in referral["tasks"]]
    shown += person.read("/v1/monitor/stalled", limit=200)["items"]
    found = [one for one in shown if one["id"] == task]
    assert len(found) == 4
    return {"escalate" in one["allowed_actions"] for one in found}


@pytest.fixture
def at_work(house: House) -> Iterator[None]:
    yield
    house.sql("update membership set absent_until = null, delegate_user_id = null")


# situation: (who looks, source, target, rungs climbed, who has it there, whether the consent has ended, is it accepted)
SITUATIONS: dict[str, tuple[str, str, str, int, str, bool, bool]] = {
    "there is a supervisor": ("ruth.hub", "cap", "housing", 1, "", False, True),
    "whoever has it has a supervisor": ("ruth.hub", "cap", "housing", 1, "gwen.housing", False, True),
    "the supervisor has it": ("ruth.hub", "cap", "housing", 1, "hector.housing", False, False),
    "the supervisor knows": ("ruth.hub", "cap", "housing", 2, "", False, False),
    "one person is the agency": ("ruth.hub", "cap", "faith", 1, "", False, False),
    "its source may still tell the backbone": ("maria.cap", "cap", "faith", 1, "", False, True),
    "confidential, with a supervisor": ("maria.cap", "cap", "shelter", 1, "", False, True),
    "confidential, and only the backbone is left": ("maria.cap", "cap", "shelter", 2, "", False, False),
    "the source holds it up, which has no supervisor": ("ruth.hub", "faith", "housing", 1, "", True, False),
    "the source holds it up, which has one": ("ruth.hub", "cap", "faith", 1, "", True, True),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_to_tell_the_next_above_is_offered_where_it_is_accepted(house: House, situation: str) -> None:
    login, source, target, rung, to, revoked, goes = SITUATIONS[situation]
    made = overdue(house, source, target, rung, to=to, revoked=revoked)
    assert offers(house, login, made) == {goes}
    answer = house.person(login).post(f"/v1/tasks/{made['tasks'][0]['id']}/escalate")
    assert answer.status_code == (200 if goes else 409), answer.text


@pytest.mark.usefixtures("at_work")
def test_a_supervisor_who_stands_in_is_nobody_above(house: House) -> None:
    made = overdue(house, "cap", "housing", to="gwen.housing")
    house.sql(
        "update membership set absent_until = current_date + 3, delegate_user_id = %s where user_id = %s",
        user(house, "hector.housing"),
        user(house, "gwen.housing"),
    )
    assert offers(house, "ruth.hub", made) == {False}
    assert house.person("ruth.hub").post(f"/v1/tasks/{made['tasks'][0]['id']}/escalate").status_code == 409


@pytest.mark.usefixtures("at_work")
def test_a_supervisor_for_whom_the_owner_stands_in_is_nobody_above(house: House) -> None:
    made = overdue(house, "cap", "housing", to="gwen.housing")
    house.sql(
        "update membership set absent_until = current_date + 3, delegate_user_id = %s where user_id = %s",
        user(house, "gwen.housing"),
        user(house, "hector.housing"),
    )
    assert offers(house, "ruth.hub", made) == {False}
    assert house.person("ruth.hub").post(f"/v1/tasks/{made['tasks'][0]['id']}/escalate").status_code == 409


@pytest.mark.parametrize("gone", ["revoked_at = now()", "service_account = true"])
def test_a_supervisor_who_left_is_nobody_above(house: House, gone: str) -> None:
    """Nor is a system. The rung passes them by, and the next one is the backbone's."""
    made = overdue(house, "cap", "housing")
    house.sql(f"update user_account set {gone} where login = 'hector.housing'")
    try:
        assert offers(house, "ruth.hub", made) == {False}
        assert house.person("ruth.hub").post(f"/v1/tasks/{made['tasks'][0]['id']}/escalate").status_code == 409
        advance_referral(house.engine, UUID(made["id"]))
        told = "select facts ->> 'to' from event where referral_id = %s and kind = 'task_escalated'"
        assert ("supervisor",) not in house.sql(told, made["id"])
    finally:
        house.sql("update user_account set revoked_at = null, service_account = false where login = 'hector.housing'")


@pytest.mark.usefixtures("at_work")
def test_a_supervisor_who_alone_is_there_has_heard_of_what_is_nobodys(house: House) -> None:
    """Who is away, and who left, heard nothing at the owner's rung."""
    made = overdue(house, "cap", "housing")
    away = "update membership set absent_until = current_date + 3 where organization_id = %s and user_id <> %s"
    house.sql(away, house.region.organization("housing").id, user(house, "hector.housing"))
    assert offers(house, "ruth.hub", made) == {False}
    house.sql(
        "update membership set delegate_user_id = %s where absent_until is not null", user(house, "hector.housing")
    )
    assert offers(house, "ruth.hub", made) == {False}
    house.sql(
        "update membership set absent_until = null, delegate_user_id = null where user_id = %s",
        user(house, "gwen.housing"),
    )
    assert offers(house, "ruth.hub", made) == {True}


LATE = "now() - interval '30 days'"


def late_task(house: House) -> tuple[Callable[[], Any], str, str]:
    made = house.refer("cap", "housing")
    house.person("gwen.housing").does(f"/v1/tasks/{made['tasks'][0]['id']}/accept")
    house.sql(f"update task set due_at = {LATE} where referral_id = %s", made["id"])
    return lambda: advance_referral(house.engine, UUID(made["id"])), "referral_id", made["id"]


def late_choice(house: House) -> tuple[Callable[[], Any], str, str]:
    made = house.refer("cap", "housing")
    house.person("gwen.housing").does(f"/v1/tasks/{made['tasks'][0]['id']}/decline", FULL)
    house.sql(f"update referral set due_at = {LATE} where id = %s", made["id"])
    return lambda: advance_referral(house.engine, UUID(made["id"])), "referral_id", made["id"]


def late_plan(house: House) -> tuple[Callable[[], Any], str, str]:
    code = f"late_{house.sql('select count(*) from plan_template')[0][0]}"
    load(house, code, [step("listen")])
    plan = Live.begin(house, code)
    house.sql(f"update action_plan set due_at = {LATE} where id = %s", plan.id)
    return lambda: advance_plan(house.engine, UUID(plan.id)), "action_plan_id", plan.id


@pytest.mark.parametrize("late", [late_task, late_choice, late_plan])
def test_after_days_without_an_engine_the_owner_hears_first_and_has_time_to_act(
    house: House, late: Callable[[House], tuple[Callable[[], Any], str, str]]
) -> None:
    look, column, id_ = late(house)
    heard = f"select facts ->> 'to' from event where {column} = %s and facts ? 'rung' order by seq"
    for _ in range(2):
        progress = look()
        assert house.sql(heard, id_) == [("owner",)]
        assert progress.look_in > 60


def test_whom_a_hand_told_has_that_time_too(house: House) -> None:
    look, column, id_ = late_task(house)
    look()
    task = house.sql("select id from task where referral_id = %s", id_)[0][0]
    house.person("maria.cap").does(f"/v1/tasks/{task}/escalate")
    assert look().look_in > 60
    heard = f"select facts ->> 'to' from event where {column} = %s and facts ? 'rung' order by seq"
    assert house.sql(heard, id_) == [("owner",), ("supervisor",)]


@pytest.mark.parametrize(("source", "goes"), [("cap", True), ("faith", False)])
def test_so_it_is_of_a_referral_that_waits_for_its_source(house: House, source: str, goes: bool) -> None:
    made = house.refer(source, "housing")
    house.person("gwen.housing").does(f"/v1/tasks/{made['tasks'][0]['id']}/decline", FULL)
    house.sql("update referral set rung = 1, due_at = now() - interval '1 hour' where id = %s", made["id"])
    ruth, path = house.person("ruth.hub"), f"/v1/referrals/{made['id']}"
    shown = [ruth.read(path), *ruth.read("/v1/referrals", limit=200)["items"]]
    shown += ruth.read("/v1/monitor/stalled", limit=200)["items"]
    found = ["escalate" in one["allowed_actions"] for one in shown if one["id"] == made["id"]]
    assert found == [goes] * 3
    assert ruth.post(f"{path}/escalate").status_code == (200 if goes else 409)


@pytest.mark.parametrize(("lead", "goes"), [("cap", True), ("faith", False)])
def test_so_it_is_of_a_plan(house: House, lead: str, goes: bool) -> None:
    load(house, f"late_at_{lead}", [step("listen")])
    plan = Live.begin(house, f"late_at_{lead}", lead)
    house.sql("update action_plan set due_at = now() - interval '1 hour', rung = 1 where id = %s", plan.id)
    ruth = house.person("ruth.hub")
    shown = [ruth.read(plan.path), *ruth.read("/v1/monitor/stalled", limit=200)["items"]]
    found = ["escalate" in one["allowed_actions"] for one in shown if one["id"] == plan.id]
    assert found == [goes] * 2
    assert ruth.post(f"{plan.path}/escalate").status_code == (200 if goes else 409)


@contextmanager
def counted(house: House) -> Iterator[list[str]]:
    asked: list[str] = []

    def count(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    engine = house.api.database.engine
    listen(engine, "before_cursor_execute", count)
    try:
        yield asked
    finally:
        remove(engine, "before_cursor_execute", count)


LISTS: dict[str, Callable[[House], Any]] = {
    "the backbone's referrals": lambda house: list_referrals(house.api, house.call("ruth.hub"), limit=200),
    "the backbone's stalled work": lambda house: list_stalled(house.api, house.call("ruth.hub"), limit=200),
    "the shelter's tasks": lambda house: list_tasks(house.api, house.call("june.shelter"), limit=200),
}


@pytest.mark.parametrize("listed", LISTS)
def test_a_longer_list_asks_no_more_often(house: House, listed: str) -> None:
    counts = []
    for _ in range(2):
        for target in ("housing", "faith"):
            overdue(house, "cap", target)
        overdue(house, "shelter", "shelter")
        with counted(house) as asked:
            LISTS[listed](house)
        counts.append(len(asked))
        assert any("app.supervised" in statement for statement in asked)
    assert counts[0] == counts[1]


def test_a_plan_with_more_steps_that_are_late_asks_no_more_often(house: House) -> None:
    counts = []
    for many in (1, 4):
        load(house, f"late_steps_{many}", [step(f"step_{n}", {"organization": "housing"}) for n in range(many)])
        plan = Live.begin(house, f"late_steps_{many}")
        house.sql("update task set rung = 1, due_at = now() - interval '1 hour' where action_plan_id = %s", plan.id)
        with counted(house) as asked:
            seen = get_plan(house.api, house.call("ruth.hub"), UUID(plan.id))
        assert all("escalate" in one.task.allowed_actions for one in seen.steps if one.task)
        counts.append(len(asked))
    assert counts[0] == counts[1]
