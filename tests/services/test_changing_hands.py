"""Late work that becomes somebody else's turn: they hear first, those before hear no more, and the ladder climbs from
there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from services.advance import advance_referral, engine_work
from services.noticing import tidy_feeds
from services.plan_advance import advance_plan
from tests.house import House
from tests.services.plans import Live, load, step
from tests.services.scenes import organization_id
from tests.services.test_capacities import in_days, state
from tests.services.test_notices import append, feed, heard, tell

HOUSING, CAP, HUB = {"gwen.housing", "hector.housing"}, {"maria.cap"}, {"ruth.hub", "tomas.hub"}


@pytest.fixture(autouse=True)
def as_before(house: House) -> Iterator[None]:
    yield
    house.sql("delete from service_capacity")
    house.sql("update membership set ends_on = null")
    house.sql("update partnership set ends_on = null")


def hub(house: House) -> UUID:
    return organization_id(house, "hub")


def empties(house: House, slug: str) -> None:
    house.sql(
        "update membership set starts_on = current_date - 9, ends_on = current_date - 2 where organization_id = %s",
        organization_id(house, slug),
    )


def parts(house: House, slug: str) -> None:
    """Its people are there; they can not sign in any more."""
    house.sql(
        "update partnership set ends_on = current_date - 2 where organization_id = %s", organization_id(house, slug)
    )


Leave = Callable[[House, str], None]
WAYS_OUT = pytest.mark.parametrize("leave", [empties, parts])


def fills(house: House, slug: str) -> None:
    house.sql("update membership set ends_on = null where organization_id = %s", organization_id(house, slug))


def late(house: House, *, days: int = 20, **more: Any) -> tuple[str, str]:
    """A request past its limit by so many days; the referral's id, and its task's."""
    made = house.refer("cap", "housing", **more)
    pass_limit(house, made["tasks"][0]["id"], days)
    return made["id"], made["tasks"][0]["id"]


def pass_limit(house: House, task: str, days: int) -> None:
    house.sql("update task set due_at = now() - interval '1 day' * %s, hard_at = null where id = %s", days, task)


def long_ago(house: House, referral: str) -> None:
    """As if what was told of it had been told a month ago."""
    told_long_ago(house, "referral_id", referral)
    house.sql(
        f"update task set clock_started_at = clock_started_at - interval '40 days' where referral_id = '{referral}';"
        f"update referral set clock_started_at = clock_started_at - interval '40 days' where id = '{referral}'"
    )


def told_long_ago(house: House, column: str, id_: str) -> None:
    house.sql(
        "set session_replication_role = replica; update event set at = at - interval '30 days'"
        f" where {column} = '{id_}' and facts ? 'rung'"
    )


def look(house: House, referral: str) -> tuple[str, str, set[str]]:
    """What the next look says: the kind, to whom on the ladder, and who hears it."""
    before = {row[0] for row in rungs(house, referral)}
    advance_referral(house.engine, UUID(referral))
    tell(house)
    ((event, kind, to),) = [row for row in rungs(house, referral) if row[0] not in before]
    return kind, to, heard(house, event)


def rungs(house: House, referral: str) -> list[Any]:
    return house.sql(
        "select id::text, kind, facts ->> 'to' from event where referral_id = %s and facts ? 'rung' order by seq",
        referral,
    )


@WAYS_OUT
def test_where_everybody_has_left_meanwhile_the_source_hears_before_anybody_above(house: House, leave: Leave) -> None:
    referral, task = late(house)
    assert look(house, referral) == ("task_overdue", "owner", HOUSING)
    leave(house, "housing")
    long_ago(house, referral)
    assert look(house, referral) == ("task_reminded", "owner", CAP)
    advance_referral(house.engine, UUID(referral))
    assert len(rungs(house, referral)) == 2, "and has its time"
    long_ago(house, referral)
    assert look(house, referral)[:2] == ("task_escalated", "supervisor")
    assert house.sql("select rung from task where id = %s", task) == [(2,)]


def test_where_there_is_room_again_who_was_asked_hears_and_the_source_no_more(house: House) -> None:
    referral, task = late(house)
    state(house, "housing", taking=False)
    assert look(house, referral) == ("task_overdue", "owner", CAP)
    assert shown(house, "maria.cap", task)
    state(house, "housing", taking=True, slots=3)
    assert not shown(house, "maria.cap", task), "a reminder about the lack of room, too"
    long_ago(house, referral)
    assert look(house, referral) == ("task_reminded", "owner", HOUSING)
    state(house, "housing", taking=False)
    long_ago(house, referral)
    assert look(house, referral)[:2] == ("task_escalated", "supervisor"), "each hears once, and it climbs on"


def test_who_escalates_by_hand_skips_nobody_whose_turn_it_has_become(house: House) -> None:
    referral, task = late(house)
    assert look(house, referral) == ("task_overdue", "owner", HOUSING)
    state(house, "housing", taking=False)
    house.person("ruth.hub").does(f"/v1/tasks/{task}/escalate")
    long_ago(house, referral)
    assert look(house, referral) == ("task_reminded", "owner", CAP)
    state(house, "housing", taking=True)
    assert not shown(house, "jolene.cap", task), "what was escalated for want of room is over with it"


@pytest.mark.parametrize("by", ["hand", "time"])
def test_a_supervisor_who_was_told_of_a_clock_is_not_told_again_after_the_owner(house: House, by: str) -> None:
    referral, _ = told_before_it_was_their_turn(house, by)
    long_ago(house, referral)
    assert look(house, referral) == ("task_escalated", "backbone", HUB)
    assert told(house, referral, "jolene.cap") == 1


@pytest.mark.parametrize("by", ["hand", "time"])
def test_nor_by_hand_which_goes_to_the_next_above(house: House, by: str) -> None:
    """Offered where it is accepted: in the list and in the task itself. The backbone does not tell itself."""
    referral, task = told_before_it_was_their_turn(house, by)
    ruth, maria = house.person("ruth.hub"), house.person("maria.cap")
    for person, goes in ((ruth, False), (maria, True)):
        listed = [one for one in person.read("/v1/monitor/stalled", limit=200)["items"] if one["id"] == task]
        shown = [*listed, person.read(f"/v1/tasks/{task}")]
        assert ["escalate" in one["allowed_actions"] for one in shown] == [goes] * 2
    assert ruth.post(f"/v1/tasks/{task}/escalate").json()["code"] == "top-of-the-ladder"
    maria.does(f"/v1/tasks/{task}/escalate")
    assert [to for _, _, to in rungs(house, referral)][-1] == "backbone"
    assert told(house, referral, "jolene.cap") == 1


def told(house: House, referral: str, login: str) -> int:
    """How often a rung told them of it."""
    tell(house)
    return sum(login in heard(house, event) for event, _, _ in rungs(house, referral))


def told_before_it_was_their_turn(house: House, by: str) -> tuple[str, str]:
    """A supervisor heard, by hand before the owner of the same agency; by time, and hands went to another agency and
    back. It is that agency's turn.
    """
    referral, task = late(house)
    if by == "hand":
        look(house, referral)
        state(house, "housing", taking=False)
        house.person("ruth.hub").does(f"/v1/tasks/{task}/escalate")
    else:
        state(house, "housing", taking=False)
        look(house, referral)
        long_ago(house, referral)
        assert look(house, referral)[2] == {"jolene.cap"}
        state(house, "housing", taking=True)
    long_ago(house, referral)
    assert look(house, referral) == ("task_reminded", "owner", CAP if by == "hand" else HOUSING)
    state(house, "housing", taking=False)
    return referral, task


def shown(house: House, login: str, task: str) -> set[str]:
    tell(house)
    return {one["kind"] for one in feed(house, login, limit=200) if one["task_id"] == task} - {"asked"}


@pytest.mark.parametrize("end", ["the statement lapses", "a place is free again"])
def test_a_nudge_for_want_of_room_ends_with_the_want(house: House, end: str) -> None:
    gwen, taken = house.person("gwen.housing"), house.refer("cap", "housing")["tasks"][0]["id"]
    state(house, "housing", slots=1)
    gwen.does(f"/v1/tasks/{taken}/accept")
    made = house.refer("cap", "housing", anyway=True)
    task = made["tasks"][0]["id"]
    pass_limit(house, task, 1)
    house.person("ruth.hub").does(f"/v1/tasks/{task}/nudge")
    assert "nudged" in shown(house, "maria.cap", task)
    if end == "the statement lapses":
        house.sql("update service_capacity set lapses_on = current_date - 2")
    else:
        house.person("maria.cap").does(f"/v1/tasks/{taken}/void", {"reason": "The wrong family."})
    assert shown(house, "maria.cap", task) == set()


def test_a_nudge_that_had_nothing_to_ask_for_a_while_asks_again(house: House) -> None:
    """Whatever is tidied meanwhile."""
    task = house.refer("cap", "housing")["tasks"][0]["id"]
    state(house, "housing", taking=False)
    house.person("ruth.hub").does(f"/v1/tasks/{task}/nudge")
    assert "nudged" in shown(house, "maria.cap", task)
    state(house, "housing", taking=True)
    house.person("gwen.housing").does(f"/v1/tasks/{task}/note", {"text": "We look for a flat."})
    ((event,),) = house.sql("select id from event where task_id = %s and kind = 'task_noted'", task)
    tidy_feeds(house.engine, event)
    assert "nudged" not in shown(house, "maria.cap", task)
    state(house, "housing", taking=False)
    assert "nudged" in shown(house, "maria.cap", task)


def test_a_nudge_because_nobody_is_there_ends_when_somebody_is(house: House) -> None:
    made = house.refer("cap", "housing")
    task = made["tasks"][0]["id"]
    empties(house, "housing")
    house.person("ruth.hub").does(f"/v1/tasks/{task}/nudge")
    assert "nudged" in shown(house, "maria.cap", task)
    fills(house, "housing")
    assert shown(house, "maria.cap", task) == set()


def test_the_engine_and_the_list_reckon_days_where_the_region_is(house: House) -> None:
    """In a zone where another day is written than in UTC: who left on the day that is over there, or is not yet."""
    zone = "Pacific/Kiritimati" if datetime.now(UTC).hour >= 12 else "Etc/GMT+12"
    there, here = datetime.now(ZoneInfo(zone)).date(), datetime.now(UTC).date()
    assert there != here
    referral, task = late(house)
    was = house.sql("select zone from collaborative")[0][0]
    try:
        house.sql("update collaborative set zone = %s", zone)
        house.sql(
            "update membership set starts_on = current_date - 9, ends_on = %s where organization_id = %s",
            min(there, here),
            organization_id(house, "housing"),
        )
        turn, hear = ("cap", CAP) if there > here else ("housing", HOUSING)
        items = house.person("ruth.hub").read("/v1/monitor/stalled", limit=200)["items"]
        balls = [one["ball_in_court"]["organization_id"] for one in items if one["id"] == task]
        assert balls == [str(organization_id(house, turn))]
        assert look(house, referral) == ("task_overdue", "owner", hear)
        with house.engine.database.transaction() as connection:
            engine_work(connection, UUID(referral))
            assert connection.execute(text("select app.current(:day, :day)"), {"day": there}).scalar()
    finally:
        house.sql("update collaborative set zone = %s", was)


@WAYS_OUT
def test_of_what_an_empty_source_owes_the_backbone_hears(house: House, leave: Leave) -> None:
    """Not who asked: they wait for just that."""
    made = house.refer("cap", "housing", consent=True)
    task = made["tasks"][0]["id"]
    house.person("gwen.housing").does(f"/v1/tasks/{task}/request-info", {"question": "How many people?"})
    pass_limit(house, task, 1)
    leave(house, "cap")
    assert look(house, made["id"]) == ("task_overdue", "owner", HUB)


def test_of_an_empty_sources_own_clock_the_backbone_hears_at_the_first_rung(house: House) -> None:
    made = house.refer("cap", "housing")
    no = {"reason_code": "full", "reason_class": "no_capacity"}
    house.person("gwen.housing").does(f"/v1/tasks/{made['tasks'][0]['id']}/decline", no)
    house.sql("update referral set due_at = now() - interval '1 hour' where id = %s", made["id"])
    empties(house, "cap")
    assert look(house, made["id"]) == ("referral_overdue", "owner", HUB)


def test_of_an_empty_leads_plan_the_backbone_hears_at_the_first_rung(house: House) -> None:
    load(house, "left_alone", [step("listen", {"organization": "housing"})])
    plan = Live.begin(house, "left_alone")
    house.sql("update action_plan set due_at = now() - interval '1 hour' where id = %s", plan.id)
    empties(house, "cap")
    advance_plan(house.engine, UUID(plan.id))
    tell(house)
    ((event,),) = house.sql("select id::text from event where action_plan_id = %s and kind = 'plan_overdue'", plan.id)
    assert heard(house, event) == HUB


def test_a_source_that_is_staffed_again_hears_and_the_backbone_no_more(house: House) -> None:
    made = house.refer("cap", "housing")
    no = {"reason_code": "full", "reason_class": "no_capacity"}
    house.person("gwen.housing").does(f"/v1/tasks/{made['tasks'][0]['id']}/decline", no)
    house.sql("update referral set due_at = now() - interval '20 days' where id = %s", made["id"])
    empties(house, "cap")
    assert look(house, made["id"]) == ("referral_overdue", "owner", HUB)

    def reads() -> bool:
        tell(house)
        return any(one["referral_id"] == made["id"] for one in feed(house, "ruth.hub", limit=200))

    assert reads()
    fills(house, "cap")
    assert not reads()
    long_ago(house, made["id"])
    assert look(house, made["id"]) == ("referral_reminded", "owner", CAP)


def test_a_fault_of_the_engine_takes_nobodys_reminder(house: House) -> None:
    made = house.refer("cap", "housing")
    no = {"reason_code": "full", "reason_class": "no_capacity"}
    house.person("gwen.housing").does(f"/v1/tasks/{made['tasks'][0]['id']}/decline", no)
    house.sql("update referral set due_at = now() - interval '1 day' where id = %s", made["id"])
    house.sql(
        "insert into engine_finding (case_id, kind, trouble, code, restricted)"
        " values (%s, 'referral', 'missing', 'missing', false)",
        made["id"],
    )
    assert look(house, made["id"]) == ("referral_overdue", "owner", CAP)


def test_nor_an_escalation_by_hand_nor_an_exception(house: House) -> None:
    """They are the source's supervisor's and the source's to hear."""
    made = house.refer("cap", "housing")
    no = {"reason_code": "full", "reason_class": "no_capacity"}
    house.person("gwen.housing").does(f"/v1/tasks/{made['tasks'][0]['id']}/decline", no)
    house.sql("update referral set due_at = now() - interval '1 day' where id = %s", made["id"])
    assert look(house, made["id"])[2] == CAP
    house.sql(
        "insert into engine_finding (case_id, kind, trouble, code, restricted)"
        " values (%s, 'referral', 'missing', 'missing', false)",
        made["id"],
    )
    ruth, path = house.person("ruth.hub"), f"/v1/referrals/{made['id']}"
    ruth.does(f"{path}/escalate")
    ruth.does(f"{path}/except", {"until": in_days(9), "reason": "weather"})
    tell(house)
    ((to, holder), (_, of_rest)) = house.sql(
        "select facts ->> 'to', facts ->> 'holder' from event where referral_id = %s"
        " and kind in ('referral_escalated', 'referral_excepted') order by seq",
        made["id"],
    )
    assert (to, holder, of_rest) == ("supervisor", *[str(organization_id(house, "cap"))] * 2)


def test_who_leads_a_plan_hears_first_in_each_of_its_reviews(house: House) -> None:
    load(house, "reviewed_twice", [step("listen", {"organization": "housing"})])
    plan = Live.begin(house, "reviewed_twice")

    def late_again() -> list[Any]:
        house.sql("update action_plan set next_review_at = now() - interval '20 days' where id = %s", plan.id)
        advance_plan(house.engine, UUID(plan.id))
        return house.sql(
            "select kind, facts ->> 'to', facts ->> 'holder' from event where action_plan_id = %s and facts ? 'rung'"
            " order by seq",
            plan.id,
        )

    cap = str(organization_id(house, "cap"))
    assert late_again() == [("plan_overdue", "owner", cap)]
    empties(house, "cap")
    told_long_ago(house, "action_plan_id", plan.id)
    assert late_again()[1:] == [("plan_reminded", "owner", str(hub(house)))]
    partner = house.person("gwen.housing").read(f"{plan.path}/timeline")["items"]
    assert [one["changed"] for one in partner if one["kind"] == "plan_reminded"] == [
        {"clock": "review", "rung": 0, "to": "owner"}
    ], "why, and whose turn that makes it, is not theirs to read"
    fills(house, "cap")
    plan.edit("/review", {"outcomes": {}})
    assert late_again()[2:] == [("plan_overdue", "owner", cap)]
    empties(house, "cap")
    told_long_ago(house, "action_plan_id", plan.id)
    assert late_again()[3:] == [("plan_reminded", "owner", str(hub(house)))], "as in the first"


def test_of_a_confidential_event_nobody_outside_is_meant(house: House) -> None:
    """Whatever an event names: the wall stands where people are found, too."""
    made = house.refer("shelter", "housing", consent=True)
    append(house, made["id"], "task_nudged", {"to": "hub"}, "gwen.housing")
    event = append(house, made["id"], "task_reminded", {"to": "owner", "rung": "0", "holder": "hub"})
    tell(house)
    assert heard(house, event) == set()
    assert house.sql(
        "select count(*) from notice where organization_id = %s and referral_id = %s", hub(house), made["id"]
    ) == [(0,)]


@pytest.mark.parametrize("noun", ["an answer", "the referral", "a plan", "a nudge"])
def test_of_confidential_work_the_backbone_hears_nothing_also_where_nobody_is_left(house: House, noun: str) -> None:
    """Decision 19: no row, no id, no stall. Its stalls climb to its own people, and there are none."""
    gwen = house.person("gwen.housing")
    if noun == "a plan":
        load(house, "shelters_own", [step("listen")])
        plan = Live.begin(house, "shelters_own", "shelter")
        house.sql("update action_plan set due_at = now() - interval '1 hour' where id = %s", plan.id)
        empties(house, "shelter")
        advance_plan(house.engine, UUID(plan.id))
        id_ = plan.id
    else:
        made = house.refer("shelter", "housing", consent=True)
        id_, task = made["id"], made["tasks"][0]["id"]
        if noun == "the referral":
            gwen.does(f"/v1/tasks/{task}/decline", {"reason_code": "full", "reason_class": "no_capacity"})
            house.sql("update referral set due_at = now() - interval '1 hour' where id = %s", id_)
        else:
            gwen.does(f"/v1/tasks/{task}/request-info", {"question": "How many people?"})
            pass_limit(house, task, 1)
        empties(house, "shelter")
        if noun == "a nudge":
            seen = gwen.read(f"/v1/tasks/{task}")
            assert "nudge" not in seen["allowed_actions"]
            assert seen["ball_in_court"]["organization_id"] == str(organization_id(house, "shelter"))
            assert gwen.post(f"/v1/tasks/{task}/nudge").json()["code"] == "nobody-there"
        advance_referral(house.engine, UUID(id_))
    tell(house)
    said = house.sql(
        "select facts ->> 'holder' from event where %s in (referral_id, action_plan_id) and kind like '%%\\_overdue'",
        id_,
    )
    assert said == [(str(organization_id(house, "shelter")),)]
    told = house.sql(
        "select count(*) from notice n join event e on e.id = n.event_id"
        " where n.organization_id = %s and %s in (e.referral_id, e.action_plan_id)",
        hub(house),
        id_,
    )
    assert told == [(0,)]


def test_a_nudge_stays_while_its_reader_is_the_one_waited_for(house: House) -> None:
    """Who was asked goes on with what they can; the consent has ended all the same."""
    made, gwen = house.refer("cap", "housing", consent=True), house.person("gwen.housing")
    task = made["tasks"][0]["id"]
    gwen.does(f"/v1/tasks/{task}/accept")
    house.person("maria.cap").does(f"/v1/consents/{made['consent_id']}/revoke")
    house.person("ruth.hub").does(f"/v1/tasks/{task}/nudge")
    assert "nudged" in shown(house, "maria.cap", task)
    gwen.does(f"/v1/tasks/{task}/start")
    assert "nudged" in shown(house, "maria.cap", task)
    gwen.does(f"/v1/tasks/{task}/complete", {"outcome": "need_met"})
    assert "nudged" not in shown(house, "maria.cap", task)


def test_it_stays_where_one_reason_gives_way_to_another(house: House) -> None:
    made = house.refer("cap", "housing")
    task = made["tasks"][0]["id"]
    state(house, "housing", taking=False)
    house.person("ruth.hub").does(f"/v1/tasks/{task}/nudge")
    empties(house, "housing")
    house.sql("update service_capacity set lapses_on = current_date - 2")
    assert "nudged" in shown(house, "maria.cap", task)
    fills(house, "housing")
    assert shown(house, "maria.cap", task) == set()


def test_of_an_agencys_own_request_who_follows_it_hears_where_there_is_no_room(house: House) -> None:
    made = house.refer("esu", "esu")
    task, follower = made["tasks"][0]["id"], house.region.people_of("esu", "caseworker")[1].login
    ids = dict(house.sql("select login, id::text from user_account"))
    first = house.region.people_of("esu", "caseworker")[0].login
    house.sql("update task set assigned_to = %s where id = %s", ids[first], task)
    house.sql("update referral set assigned_to = %s where id = %s", ids[follower], made["id"])
    pass_limit(house, task, 20)
    state(house, "esu", taking=False)
    assert look(house, made["id"]) == ("task_overdue", "owner", {follower})


@pytest.mark.parametrize("cause", ["no room", "the consent has ended"])
def test_an_empty_source_is_nobodys_turn_and_what_is_offered_is_accepted(house: House, cause: str) -> None:
    made = house.refer("cap", "housing", consent=True)
    task = f"/v1/tasks/{made['tasks'][0]['id']}"
    if cause == "no room":
        state(house, "housing", taking=False)
    else:
        house.person("maria.cap").does(f"/v1/consents/{made['consent_id']}/revoke")
    empties(house, "cap")
    whose = organization_id(house, "housing") if cause == "no room" else hub(house)
    for login in ("gwen.housing", "ruth.hub"):
        seen = house.person(login).read(task)
        assert seen["ball_in_court"]["organization_id"] == str(whose)
        goes = house.person(login).post(f"{task}/nudge").status_code == 200
        assert ("nudge" in seen["allowed_actions"]) == goes, login
    (item,) = [
        one
        for one in house.person("ruth.hub").read("/v1/monitor/stalled", limit=200)["items"]
        if one["referral_id"] == made["id"]
    ] or [None]
    if cause == "no room":
        assert item is None, "it can say no, and is not late yet"
    else:
        cap = house.region.organization("cap").name
        assert (item["reason_code"], item["reason"]) == ("owner_gone", f"Nobody at {cap} can sign in any more.")


@pytest.mark.parametrize("role", ["backbone", "agency_admin"])
def test_a_nudge_of_the_backbone_reaches_its_people(house: House, role: str) -> None:
    made = house.refer("cap", "housing", consent=True)
    task = made["tasks"][0]["id"]
    house.person("maria.cap").does(f"/v1/consents/{made['consent_id']}/revoke")
    empties(house, "cap")
    house.sql(
        "update membership set ends_on = current_date - 2, starts_on = current_date - 9"
        " where organization_id = %s and role <> %s",
        hub(house),
        role,
    )
    gwen = house.person("gwen.housing")
    assert "nudge" in gwen.read(f"/v1/tasks/{task}")["allowed_actions"]
    gwen.does(f"/v1/tasks/{task}/nudge")
    tell(house)
    ((event,),) = house.sql("select id::text from event where task_id = %s and kind = 'task_nudged'", task)
    assert heard(house, event) == (HUB if role == "backbone" else {"ruth.hub"})


def test_a_proposal_is_over_once_who_was_asked_has_said_yes(house: House) -> None:
    made, maria = house.refer("cap", "housing"), house.person("maria.cap")
    path = f"/v1/referrals/{made['id']}"
    house.person("ruth.hub").does(f"{path}/propose-reroute", {"service_id": str(house.other_door().id)})
    tell(house)

    def proposed() -> tuple[int, int]:
        items = [
            one for one in feed(house, "maria.cap", kind="proposed", limit=200) if one["referral_id"] == made["id"]
        ]
        return len(items), len(maria.read(path)["proposals"])

    assert proposed() == (1, 1)
    house.person("gwen.housing").does(f"/v1/tasks/{made['tasks'][0]['id']}/accept")
    assert proposed() == (0, 0)
