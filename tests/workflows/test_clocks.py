"""Nobody acts: who hears of it, in which order, how often, and what becomes of the referral. Real clocks, but short."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.ladder import DEFAULT
from services.advance import advance_referral
from tests.house import OUTCOME, House, eventually
from tests.workflows.case import Case, refer
from tests.workflows.clocks import adopt
from tests.workflows.room import Room, at_once, repeated

LIMIT = 0.4
HARD = 15.0
"""Long enough for every rung on a slow machine: each keeps its distance from the one before, however late that was."""
EVERYBODY = ["owner", "supervisor", "backbone", "backbone", "backbone"]
WITHOUT_SUPERVISOR = ["owner", "backbone", "backbone", "backbone"]
WITHOUT_BACKBONE = ["owner", "supervisor"]
STEEP = {"routine": {"rungs": [{"to": "owner", "after": 0}, {"to": "backbone", "after": 0.25}]}}
QUESTION = {"question": "How many rooms?"}
RUNNING = (
    "acknowledge", "decide", "answer", "first_contact", "sign_of_life", "reconfirm", "awaiting_source", "confirm",
)  # fmt: skip


@pytest.fixture(scope="module")
def left(room: Room, house: House) -> dict[str, Case]:
    """Referrals that somebody moved so far and then let lie. They lie side by side, so that waiting costs once."""
    resting = {name: refer(house, "cap", "housing") for name in ("resting", "watched again")}
    until = (datetime.now(UTC) + timedelta(days=10)).date().isoformat()
    ruth = house.person("ruth.hub")
    for case in resting.values():
        case.does("accept")
        ruth.does(f"/v1/tasks/{case.task}/except", {"reason": "weather", "until": until})
        house.sql("update task set due_at = now() where id = %s", case.task)
    adopt(house, **dict.fromkeys(RUNNING, LIMIT), hard_limit=HARD, answer_limit=HARD)
    house.sql("update task set excepted_until = now() + interval '4 s' where id = %s", resting["resting"].task)
    resting["resting"].does("note", {"text": "It is not forgotten."})
    cases = {
        "unseen": refer(house, "cap", "housing"),
        "seen": refer(house, "cap", "housing"),
        "asked": refer(house, "cap", "housing"),
        "accepted": refer(house, "cap", "housing"),
        "started": refer(house, "cap", "housing"),
        "waitlisted": refer(house, "cap", "housing"),
        "completed": refer(house, "cap", "housing"),
        "at one person's": refer(house, "cap", "faith"),
        "from one person": refer(house, "faith", "housing"),
        "at the shelter": refer(house, "cap", "shelter"),
        "by phone": refer(house, "cap", "fuel"),
        "urgent": refer(house, "cap", "housing", priority="urgent"),
        "nudged": refer(house, "cap", "housing"),
        **resting,
    }
    ruth.does(f"/v1/tasks/{cases['nudged'].task}/nudge")
    house.sql("update service set ladder = %s::jsonb where id = %s", json.dumps(STEEP), house.service("pantry").id)
    cases["steep"] = refer(house, "cap", "pantry")
    cases["seen"].does("acknowledge")
    cases["asked"].does("request-info", QUESTION)
    for name in ("accepted", "started", "waitlisted", "completed"):
        cases[name].does("accept")
    cases["started"].does("start")
    cases["waitlisted"].does("waitlist")
    cases["completed"].does("complete", OUTCOME)
    cases["from one person"].declined()
    return cases


def hears(case: Case, clock: str, who: list[str]) -> None:
    """Exactly these, in that order; waits for the last of them, and once more as long as a rung would take."""
    eventually(lambda: len(case.heard(clock)) >= len(who), seconds=30)
    assert case.heard(clock) == who


@pytest.mark.parametrize(
    ("name", "clock"),
    [
        ("unseen", "acknowledge"),
        ("urgent", "acknowledge"),
        ("seen", "decide"),
        ("asked", "answer"),
        ("accepted", "first_contact"),
        ("started", "sign_of_life"),
        ("waitlisted", "reconfirm"),
        ("by phone", "acknowledge"),
    ],
)
def test_whoever_lets_it_lie_hears_first_then_the_supervisor_then_the_backbone_ever_more_rarely(
    left: dict[str, Case], name: str, clock: str
) -> None:
    case = left[name]
    hears(case, clock, EVERYBODY)
    said = [event["kind"] for event in case.events() if event["facts"].get("clock") == clock]
    assert said == ["task_overdue", "task_escalated", "task_escalated", "task_reminded", "task_reminded"]


def test_what_rests_is_silent_until_the_end_of_its_exception_and_climbs_afterwards(left: dict[str, Case]) -> None:
    case = left["resting"]
    hears(case, "first_contact", EVERYBODY)
    ends = case.column("task", "excepted_until")
    for rung, at in zip(DEFAULT.rungs, reminded_at(case, "first_contact"), strict=True):
        assert (at - ends).total_seconds() >= LIMIT * rung.after - 0.001


def test_an_exception_that_is_taken_back_wakes_the_engine_at_once(left: dict[str, Case], house: House) -> None:
    case = left["watched again"]
    hears(left["accepted"], "first_contact", EVERYBODY)
    assert case.heard("first_contact") == []
    house.person("ruth.hub").does(f"/v1/tasks/{case.task}/watch")
    hears(case, "first_contact", EVERYBODY)


def test_a_nudge_is_one_event_and_the_ladder_climbs_as_ever(left: dict[str, Case]) -> None:
    case = left["nudged"]
    hears(case, "acknowledge", EVERYBODY)
    assert case.kinds().count("task_nudged") == 1


def test_a_service_with_a_ladder_of_its_own_climbs_by_it(left: dict[str, Case]) -> None:
    case = left["steep"]
    hears(left["nudged"], "acknowledge", EVERYBODY)
    assert case.heard("acknowledge") == ["owner", "backbone"]
    eventually(lambda: case.column("task", "rung") == 2)


def test_nobody_hears_before_the_rung_is_due(left: dict[str, Case]) -> None:
    """The distances double; late is possible on a busy machine, early is not."""
    case = left["accepted"]
    hears(case, "first_contact", EVERYBODY)
    waited = [(at - since(case)).total_seconds() for at in reminded_at(case, "first_contact")]
    for rung, seconds in zip(DEFAULT.rungs, waited, strict=True):
        assert seconds >= LIMIT * (1 + rung.after) - 0.001


def since(case: Case) -> datetime:
    started: datetime = case.column("task", "clock_started_at")
    return started


def reminded_at(case: Case, clock: str) -> list[datetime]:
    statement = "select at from event where referral_id = %s and facts->>'clock' = %s order by seq"
    return [at for (at,) in case.house.sql(statement, case.id, clock)]


def test_a_request_that_nobody_sees_expires_at_the_hard_limit_against_the_partner_and_the_source_is_asked(
    left: dict[str, Case],
) -> None:
    case = left["unseen"]
    case.until("awaiting_source")
    expired = case.events("task_expired")
    assert [e["facts"]["against"] for e in expired] == ["target"]
    assert (case.task_state, case.column("task", "reason")) == ("expired", "no-response")
    assert case.column("task", "ball_organization_id") is None
    hears(case, "awaiting_source", EVERYBODY)
    assert case.kinds().count("referral_overdue") == 1


def test_a_question_that_the_source_never_answers_expires_against_the_source(left: dict[str, Case]) -> None:
    case = left["asked"]
    case.until("awaiting_source")
    assert [e["facts"]["against"] for e in case.events("task_expired")] == ["source"]


def test_what_was_accepted_never_expires(left: dict[str, Case]) -> None:
    left["unseen"].until("awaiting_source")
    for name in ("accepted", "started", "waitlisted"):
        assert left[name].state == "active"
        assert left[name].events("task_expired") == []


def test_one_person_who_is_their_own_supervisor_hears_it_once(left: dict[str, Case]) -> None:
    hears(left["at one person's"], "acknowledge", WITHOUT_SUPERVISOR)
    hears(left["from one person"], "awaiting_source", WITHOUT_SUPERVISOR)


def test_what_lies_at_the_shelter_never_reaches_the_backbone(left: dict[str, Case], house: House) -> None:
    case = left["at the shelter"]
    case.until("awaiting_source")
    hears(case, "awaiting_source", WITHOUT_BACKBONE)
    assert case.heard("acknowledge") == WITHOUT_BACKBONE
    assert house.person("ruth.hub").get(f"/v1/referrals/{case.id}").status_code == 404


def test_what_lies_at_a_partner_without_a_login_is_the_turn_of_whoever_records_for_them(
    left: dict[str, Case], house: House
) -> None:
    case = refer(house, "cap", "fuel")
    cap = house.region.organization("cap").id
    assert case.column("task", "ball_organization_id") == cap
    hears(left["by phone"], "acknowledge", EVERYBODY)
    said = {"said_by": "The treasurer"}
    assert case.source.does(f"/v1/tasks/{case.task}/accept", said)["ball_in_court"]["organization_id"] == str(cap)


def test_a_loop_that_nobody_confirms_is_closed_by_time_and_counts_apart(left: dict[str, Case]) -> None:
    case = left["completed"]
    case.until("completed")
    closed = case.events("referral_closed")
    assert [e["facts"]["confirmed_by"] for e in closed] == ["time"]
    assert (case.column("referral", "outcome"), case.column("referral", "confirmed_by")) == ("need_met", "time")
    assert counted(case, "reported_unconfirmed") == 1
    assert counted(case, "loops_closed") == 0


def counted(case: Case, code: str) -> int:
    statement = """
        select coalesce(sum(n.value), 0)::int
          from indicator_entry n join indicator i on i.id = n.indicator_id join event e on e.id = n.event_id
         where i.code = %s and e.referral_id = %s"""
    return int(case.house.sql(statement, code, case.id)[0][0])


def test_work_that_lay_until_nobody_was_reminded_any_more_is_watched_again_when_somebody_moves(
    left: dict[str, Case],
) -> None:
    case = left["accepted"]
    hears(case, "first_contact", EVERYBODY)
    eventually(lambda: case.column("referral", "look_at") is None)
    case.does("start")
    hears(case, "sign_of_life", EVERYBODY)


def test_one_reminder_a_rung_however_many_look_at_once(room: Room, house: House) -> None:
    """Eight engines ask the record about the same referral while its clock climbs, beside the one that runs."""
    case = refer(house, "cap", "housing")
    until = time.monotonic() + LIMIT * 3.5

    def ask() -> None:
        while time.monotonic() < until:
            advance_referral(house.engine, UUID(case.id))

    at_once([ask] * 8)
    hears(case, "acknowledge", EVERYBODY)


def test_nobody_was_told_anything_twice(left: dict[str, Case], house: House) -> None:
    left["unseen"].until("awaiting_source")
    hears(left["unseen"], "awaiting_source", EVERYBODY)
    rows: list[Any] = house.sql(
        "select coalesce(task_id, referral_id), facts->>'clock', facts->>'rung' from event where facts ? 'rung'"
    )
    assert len(rows) > 50
    assert repeated(rows) == []


def test_the_engine_wakes_no_oftener_than_there_are_deadlines(left: dict[str, Case], room: Room) -> None:
    """Five rungs, the hard limit, five rungs of the source: no more looks than deadlines."""
    case = left["unseen"]
    hears(case, "awaiting_source", EVERYBODY)
    room.idle(case.workflow_id)
    asked = room.commands(case.workflow_id).count("ask the record: advance_referral")
    assert asked <= 1 + len(EVERYBODY) + 1 + len(EVERYBODY) + 1
