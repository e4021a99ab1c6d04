"""A referral on its way between people, seen from the engine: one workflow, one activity a task, few transitions."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from seed.directory import Service
from tests.house import OUTCOME, House, eventually
from tests.workflows.case import Case, refer
from tests.workflows.clocks import adopt
from tests.workflows.room import Room

MOST_TRANSITIONS = 14
NAMES = (b"Rosalind", b"Featherstonehaugh")
QUESTION = {"question": "How many rooms does Rosalind need?"}
ANSWER = {"text": "Two for the Featherstonehaughs."}
MOVED = {"reason": "moved_away"}


@pytest.fixture
def case(room: Room, house: House) -> Case:
    """Offered to the housing authority; the engine has seen it."""
    made = refer(house, "cap", "housing", consent=True, reason="Rosalind Featherstonehaugh must leave on Friday.")
    room.idle(made.workflow_id)
    return made


def reroute(case: Case, to: Service) -> None:
    case.decides("reroute", {"service_id": str(to.id)})


def test_a_referral_that_is_accepted_started_completed_and_confirmed_costs_at_most_fourteen_transitions(
    room: Room, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb, body in (("accept", None), ("start", None), ("complete", OUTCOME)):
        case.does(verb, body)
        room.idle(case.workflow_id)
    case.decides("confirm", OUTCOME)

    assert room.ended(case.workflow_id) == "completed"
    took = room.transitions(case.workflow_id)
    with capsys.disabled():
        events = len(room.history(case.workflow_id).events)
        print(f"\na referral, accepted to confirmed: {took} state transitions, {events} events")  # noqa: T201
    assert took <= MOST_TRANSITIONS
    assert room.scheduled(case.workflow_id) == [(case.task, "partners")]


def test_the_clients_name_is_nowhere_in_the_engine(room: Room, case: Case) -> None:
    case.does("request-info", QUESTION)
    case.asks("answer", ANSWER)
    case.does("accept")
    case.does("note", {"text": "Rosalind Featherstonehaugh came by."})
    case.does("complete", OUTCOME)
    case.decides("confirm", OUTCOME)
    room.ended(case.workflow_id)
    known = room.all_that_it_knows(case.workflow_id)
    assert case.task.encode() in known
    assert [name for name in NAMES if name in known] == []


def test_while_a_partner_works_its_step_is_pending_under_the_tasks_id(room: Room, case: Case) -> None:
    assert list(room.pending(case.workflow_id)) == [case.task]
    case.does("accept")
    room.idle(case.workflow_id)
    assert list(room.pending(case.workflow_id)) == [case.task]
    case.does("complete", OUTCOME)
    room.idle(case.workflow_id)
    assert list(room.pending(case.workflow_id)) == []
    assert room.status(case.workflow_id) == "running"


def test_a_declined_referral_is_offered_again_in_the_same_workflow_with_an_activity_of_its_own(
    room: Room, case: Case
) -> None:
    first = case.task
    case.declined()
    assert case.state == "awaiting_source"
    room.idle(case.workflow_id)
    assert list(room.pending(case.workflow_id)) == []

    reroute(case, case.house.other_door())
    room.idle(case.workflow_id)

    second = case.task
    assert second != first
    assert case.tasks == [first, second]
    assert list(room.pending(case.workflow_id)) == [second]
    case.target = case.house.caseworker("faith")
    case.does("accept")
    case.does("complete", OUTCOME)
    case.decides("confirm", OUTCOME)
    assert room.ended(case.workflow_id) == "completed"
    assert [task for task, _ in room.scheduled(case.workflow_id)] == [first, second]
    assert room.runs(case.workflow_id) == 1


def test_two_partners_that_decline_before_the_engine_looks_leave_it_one_step_to_watch(room: Room, house: House) -> None:
    """Everything happens at once: the engine may have missed whole rounds, and asks only for what is open."""
    case = refer(house, "cap", "housing")
    case.declined()
    reroute(case, case.house.other_door())
    case.target = house.caseworker("faith")
    case.declined()
    reroute(case, house.service("housing"))
    eventually(lambda: list(room.pending(case.workflow_id)) == [case.task])
    room.idle(case.workflow_id)
    assert list(room.pending(case.workflow_id)) == [case.task]
    assert room.status(case.workflow_id) == "running"


def test_the_source_closes_what_nobody_could_do(room: Room, case: Case) -> None:
    case.declined()
    case.decides("close-unmet", {"reason": "full"})
    assert room.ended(case.workflow_id) == "completed"
    assert (case.state, case.column("referral", "outcome")) == ("completed", "unmet")


def test_a_withdrawn_referral_ends_its_step_and_its_workflow_and_cancels_nothing(room: Room, case: Case) -> None:
    case.decides("withdraw", MOVED)
    assert room.ended(case.workflow_id) == "completed"
    assert case.task_state == "cancelled"
    assert "cancel an activity" not in room.commands(case.workflow_id)


@pytest.mark.parametrize("accepted", [False, True], ids=["before", "after"])
def test_a_referral_entered_in_error_ends_its_workflow(room: Room, case: Case, accepted: bool) -> None:
    if accepted:
        case.does("accept")
    case.decides("void", {"reason": "The wrong Rosalind."})
    assert room.ended(case.workflow_id) == "completed"


def test_a_question_stops_the_partners_clock_and_starts_the_sources(room: Room, house: House) -> None:
    adopt(house, acknowledge=60, decide=30, hard_limit=600, answer=3600, answer_limit=7200)
    try:
        case = refer(house, "cap", "housing", consent=True)
        case.does("acknowledge")
        room.idle(case.workflow_id)
        case.does("request-info", QUESTION)
        cap = house.region.organization("cap").id
        assert (case.column("task", "clock"), case.column("task", "ball_organization_id")) == ("answer", cap)
        left = case.column("task", "decide_left")
        assert 0 < left <= 30
        assert case.column("task", "due_at - clock_timestamp() > interval '59 minutes'")
        answered = case.asks("answer", ANSWER)
        assert answered["state"] == "acknowledged"
        assert case.column("task", "clock") == "decide"
        remains = case.column("task", "extract(epoch from due_at - clock_started_at)::float")
        assert remains == pytest.approx(left, abs=0.01)
        room.idle(case.workflow_id)
        assert case.column("referral", "look_at") <= case.column("task", "due_at")
    finally:
        adopt(house)


def test_a_move_wakes_the_engine_only_when_its_next_deadline_comes_earlier(room: Room, house: House) -> None:
    """It sleeps until the acknowledge limit: later deadlines it learns then. Counted as messages ever written."""
    adopt(house, acknowledge=1000, decide=2000, hard_limit=9000, first_contact=3000, sign_of_life=500)
    try:
        case = refer(house, "cap", "housing")
        room.idle(case.workflow_id)
        before = looks(case, room)
        for verb in ("acknowledge", "accept"):
            case.does(verb)
        room.idle(case.workflow_id)
        assert looks(case, room) == before
        case.does("start")
        eventually(lambda: looks(case, room) == before + 1)
        room.idle(case.workflow_id)
        case.does("note", {"text": "All is well."})
        room.idle(case.workflow_id)
        assert looks(case, room) == before + 1
        assert case.outbox() == []
    finally:
        adopt(house)


def test_the_engine_sleeps_until_the_next_deadline_and_never_ticks(room: Room, case: Case) -> None:
    timers = [e for e in room.history(case.workflow_id).events if e.HasField("timer_started_event_attributes")]
    assert len(timers) == 1
    sleeps = timers[0].timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
    wakes = timers[0].event_time.ToDatetime(tzinfo=UTC) + sleeps
    assert abs(wakes - case.column("referral", "look_at")) < timedelta(seconds=5)


def looks(case: Case, room: Room) -> int:
    """Signals that reached the workflow so far."""
    events = room.history(case.workflow_id).events
    return sum(event.HasField("workflow_execution_signaled_event_attributes") for event in events)
