"""All walks that a task can take, checked against the glossary: nothing outside its table is possible."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import Moment
from domain.limit import Limit
from domain.moves import Details, Happened, born, move, overdue, unsettled
from domain.reason import ReasonClass
from domain.refusal import NotPossible
from domain.task import ContactResult, State, Task, Verb
from tests.domain.agreement import (
    ALONGSIDE,
    CALENDAR,
    CLOCKS,
    COMPRESSED,
    ENDS,
    LIMITS,
    MONDAY,
    MOVES,
    NOT_COUNTED,
    SERVING,
    STATIONARY,
    UNDECIDED,
    moment,
    possible,
)

WEEKS = timedelta(weeks=6)


def full(verb: str, now: datetime, contact: str = "reached") -> Details:
    """A verb with all that it needs."""
    match verb:
        case "decline" | "cancel" | "fail":
            return Details(reason="over_income", reason_class=ReasonClass.INELIGIBLE)
        case "complete":
            return Details(outcome="need_met")
        case "hold":
            return Details(reason="away", resume_at=now + WEEKS)
        case "contact":
            return Details(contact=ContactResult(contact))
        case "void" | "expire":
            return Details(reason="slip")
    return Details()


def check_step(before: Task, verb: str, at: Moment, after: Task, happened: Happened) -> None:
    assert after.state == possible(before.state)[verb]
    assert (happened.from_state, happened.to_state) == (before.state, after.state)
    assert happened.kind.startswith("task_")
    assert after.version == before.version + 1
    assert (after.id, after.created_at) == (before.id, before.created_at)
    check_rest(after, at.now)


def check_rest(task: Task, now: datetime) -> None:
    """An open task has a clock, a due moment and a ball in somebody's court; an ended one has none."""
    if task.state in CLOCKS:
        assert task.clock in CLOCKS[task.state]
        assert task.ball == ("source" if task.state == "info_requested" else "target")
        assert task.due_at is not None
        assert task.clock_started_at is not None
        assert task.created_at <= task.clock_started_at <= now
        assert task.clock_started_at <= task.due_at
        assert (task.hard_at is not None) == (task.state in UNDECIDED)
    else:
        assert (task.clock, task.clock_started_at, task.due_at, task.hard_at, task.ball) == (None,) * 5
    if task.state != "info_requested":
        assert (task.decide_left, task.hard_left) == (None, None)


def check_refusal(task: Task, verb: str, at: Moment) -> None:
    with pytest.raises(NotPossible) as refused:
        move(task, Verb(verb), at, full(verb, at.now))
    assert refused.value.code == "wrong-state"
    assert refused.value.sentence.endswith(".")


def test_the_glossarys_table_is_whole() -> None:
    assert {*MOVES, *ENDS, NOT_COUNTED} == {state.value for state in State}
    verbs = {verb for table in (MOVES, ALONGSIDE) for moves in table.values() for verb in moves}
    verbs |= {*STATIONARY, "void"}
    assert verbs == {verb.value for verb in Verb}
    assert {*MOVES} == {*UNDECIDED, *SERVING} == {*CLOCKS}


@pytest.mark.parametrize("limits", [LIMITS, COMPRESSED], ids=["the agenda's limits", "limits of seconds"])
@pytest.mark.parametrize("hard", [True, False], ids=["with a hard limit", "without"])
def test_every_walk_there_is(hard: bool, limits: dict[str, dict[str, dict[str, float]]]) -> None:
    """Breadth first from the birth, every verb at every stop, until no new situation turns up."""
    first = born("task", moment(MONDAY, limits=limits), hard=hard)
    waiting, seen, reached = [(first, MONDAY)], {situation(first)}, set()
    while waiting:
        task, then = waiting.pop()
        reached.add(task.state.value)
        now = then + timedelta(minutes=37)
        for verb in Verb:
            at = moment(now, limits=limits)
            if verb.value not in possible(task.state):
                check_refusal(task, verb.value, at)
                continue
            for contact in ("reached", "no_answer") if verb is Verb.CONTACT else ("",):
                after, _ = move(task, verb, at, full(verb.value, now, contact))
                assert after.state == possible(task.state)[verb.value]
                assert after.version == task.version + 1
                if situation(after) not in seen:
                    seen.add(situation(after))
                    waiting.append((after, now))
    assert reached == {state.value for state in State}


def test_every_walk_of_one_that_is_asked_beside_others() -> None:
    """Until it ends or is accepted: then it stands alone. Nothing but a release is new to the engine."""
    first = replace(born("task", moment(MONDAY)), alongside=True)
    waiting, seen, released = [(first, MONDAY)], {situation(first)}, set()
    while waiting:
        task, then = waiting.pop()
        now = then + timedelta(minutes=37)
        for verb in Verb:
            at, fits = moment(now), possible(task.state, alongside=True)
            if verb.value not in fits:
                check_refusal(task, verb.value, at)
                continue
            after, happened = move(task, verb, at, full(verb.value, now))
            assert (after.state, after.version) == (fits[verb.value], task.version + 1)
            if verb is Verb.RELEASE:
                released.add(task.state.value)
                assert (happened.kind, happened.reason, happened.settled) == ("task_released", "placed_elsewhere", {})
                check_rest(after, now)
            elif after.state in ALONGSIDE and situation(after) not in seen:
                check_rest(after, now)
                seen.add(situation(after))
                waiting.append((after, now))
    assert released == set(ALONGSIDE)


@pytest.mark.parametrize("late", [False, True], ids=["in time", "too late"])
def test_a_yes_from_the_waitlist_decides_in_time_where_the_place_was_offered_in_time(late: bool) -> None:
    asked = replace(born("task", moment(MONDAY)), alongside=True)
    seen, _ = move(asked, Verb.ACKNOWLEDGE, moment(MONDAY))
    days = timedelta(days=6 if late else 1)
    if late:
        seen, _ = overdue(seen, "said")
    listed, happened = move(seen, Verb.WAITLIST, moment(MONDAY + days))
    assert (happened.settled, listed.accepted_at, unsettled(seen, listed, happened)) == ({}, None, [])
    yes, happened = move(listed, Verb.ACCEPT, moment(MONDAY + WEEKS))
    assert happened.settled == ({} if late else {"decide": "met"})
    assert (yes.clock, yes.accepted_at) == ("first_contact", MONDAY + WEEKS)


def situation(task: Task) -> tuple[object, ...]:
    """What may decide what is possible next, without times and counts."""
    known = (task.acknowledged_at, task.accepted_at, task.first_contact_at, task.decide_left, task.hard_left)
    return (task.state, task.clock, task.hard_at is None, *(x is None for x in known), len(task.attempts) > 2)


@dataclass(frozen=True)
class Step:
    """Somebody tries something after a while; `any_verb` picks among all verbs, else among those that fit."""

    minutes: int
    pick: int
    any_verb: bool
    contact: str


STEPS = st.builds(
    Step,
    minutes=st.one_of(st.integers(0, 600), st.integers(0, 20 * 24 * 60)),
    pick=st.integers(0, 10**6),
    any_verb=st.integers(0, 5).map(lambda n: n == 0),
    contact=st.sampled_from([result.value for result in ContactResult]),
)
WALKS = st.lists(STEPS, max_size=25)
PRIORITIES = st.sampled_from(["routine", "urgent"])


def likely(state: str) -> list[str]:
    """The verbs that fit; those that go on three times as often, or most walks would be short."""
    fits = sorted(possible(state).items())
    return [verb for verb, to in fits for _ in range(1 if to in (*ENDS, NOT_COUNTED) else 3)]


@dataclass
class Walk:
    """A task on its way, and every move that it made: (before, verb, details, at, after, event)."""

    task: Task
    now: datetime
    moves: list[tuple[Task, str, Details, Moment, Task, Happened]]


def walk(steps: list[Step], priority: str, start: datetime = MONDAY) -> Walk:
    """Walks and checks each step; tries that do not fit must be refused and change nothing."""
    way = Walk(born("task", moment(start, priority=priority)), start, [])
    check_rest(way.task, start)
    for step in steps:
        way.now += timedelta(minutes=step.minutes)
        before, at = way.task, moment(way.now, priority=priority)
        fits = likely(before.state)
        choices = [verb.value for verb in Verb] if step.any_verb or not fits else fits
        verb = choices[step.pick % len(choices)]
        if verb not in fits:
            kept = replace(before)
            check_refusal(before, verb, at)
            assert before == kept
            continue
        details = full(verb, way.now, step.contact)
        way.task, happened = move(before, Verb(verb), at, details)
        check_step(before, verb, at, way.task, happened)
        way.moves.append((before, verb, details, at, way.task, happened))
    return way


@given(WALKS, PRIORITIES)
def test_no_walk_leaves_the_table_and_each_move_is_one_event(steps: list[Step], priority: str) -> None:
    way = walk(steps, priority)
    assert way.task.version == 1 + len(way.moves)
    states = [State.REQUESTED, *(happened.to_state for *_, happened in way.moves)]
    assert [happened.from_state for *_, happened in way.moves] == states[:-1]


@given(WALKS, PRIORITIES)
def test_after_an_end_it_is_voided_or_corrected_and_after_an_error_nothing(steps: list[Step], priority: str) -> None:
    for before, verb, *_ in walk(steps, priority).moves:
        if before.ended:
            assert verb == "void" or (verb, before.state) == ("correct", "completed")
            assert before.state != NOT_COUNTED


@given(WALKS, PRIORITIES)
def test_the_hard_limit_counts_only_while_the_ball_is_with_the_target(steps: list[Step], priority: str) -> None:
    """Decision 26: open time spent outside info_requested plus what is left is always the whole limit."""
    way = walk(steps, priority)
    whole = CALENDAR.open_seconds(MONDAY, born("task", moment(MONDAY, priority=priority)).hard_at or MONDAY)
    spent, since = 0.0, MONDAY
    for before, _, _, at, after, _ in way.moves:
        if before.state in ("requested", "acknowledged"):
            spent += CALENDAR.open_seconds(since, at.now)
        since = at.now
        if after.state in ("requested", "acknowledged"):
            assert after.hard_at is not None
            left = CALENDAR.open_seconds(at.now, after.hard_at)
            assert left == pytest.approx(max(0.0, whole - spent), abs=0.01)
        elif after.state == "info_requested":
            assert after.hard_left == pytest.approx(max(0.0, whole - spent), abs=0.01)


@given(WALKS, PRIORITIES)
def test_the_decide_clock_goes_on_after_the_answer_with_what_remained(steps: list[Step], priority: str) -> None:
    """Its time in acknowledged plus what is left is one whole limit, however often something is asked."""
    spent, since, whole = 0.0, MONDAY, 0.0
    for before, verb, _, at, after, _ in walk(steps, priority).moves:
        if before.state == "acknowledged":
            spent += CALENDAR.open_seconds(since, at.now)
        since = at.now
        if after.state == "acknowledged" and after.due_at is not None:
            left = CALENDAR.open_seconds(at.now, after.due_at)
            whole = whole or left
            assert left == pytest.approx(max(0.0, whole - spent), abs=0.01), verb


@given(WALKS, PRIORITIES)
def test_the_source_has_its_own_clock_from_the_moment_it_was_asked(steps: list[Step], priority: str) -> None:
    for _, verb, _, at, after, _ in walk(steps, priority).moves:
        if verb == "request-info":
            assert (after.ball, after.clock, after.clock_started_at) == ("source", "answer", at.now)
            assert after.due_at == CALENDAR.due(at.now, Limit(business_days=2))
            assert after.hard_at is not None
            assert after.hard_at >= after.due_at


@given(WALKS, PRIORITIES)
def test_only_what_a_person_does_moves_a_clock(steps: list[Step], priority: str) -> None:
    """Assigning, and a try that reached nobody before the first contact, stop and start nothing."""
    for before, verb, details, _, after, _ in walk(steps, priority).moves:
        same = (before.clock, before.clock_started_at, before.due_at, before.hard_at)
        missed_call = verb == "contact" and details.contact != "reached" and before.clock != "sign_of_life"
        if verb == "assign" or missed_call:
            assert (after.clock, after.clock_started_at, after.due_at, after.hard_at) == same


@given(WALKS, PRIORITIES)
def test_reaching_the_client_stops_the_first_contact_clock(steps: list[Step], priority: str) -> None:
    """Decision 22."""
    for before, verb, details, at, after, happened in walk(steps, priority).moves:
        reached = verb == "contact" and details.contact == "reached"
        if reached and before.state == "accepted":
            assert (after.clock, after.clock_started_at) == ("sign_of_life", at.now)
        if reached and before.clock == "first_contact":
            in_time = before.due_at is not None and at.now <= before.due_at
            assert happened.settled["first_contact"] == ("met" if in_time else "missed")
            assert happened.facts["first_contact_days"] == CALENDAR.business_days_between(
                before.accepted_at or at.now, at.now
            )
        if after.clock == "first_contact":
            assert after.first_contact_at is None


@given(WALKS, PRIORITIES)
def test_a_note_or_a_call_is_a_sign_of_life_and_a_reconfirmation_renews_the_place(
    steps: list[Step], priority: str
) -> None:
    """Decision 22."""
    for before, verb, _, at, after, _ in walk(steps, priority).moves:
        if verb in ("note", "contact") and before.clock == "sign_of_life":
            assert (after.clock, after.clock_started_at) == ("sign_of_life", at.now)
            assert after.due_at == CALENDAR.due(at.now, Limit(days=30))
        if verb == "reconfirm":
            assert (after.clock, after.clock_started_at, after.rung) == ("reconfirm", at.now, 0)
            assert after.due_at == CALENDAR.due(at.now, Limit(days=30))


@given(WALKS, PRIORITIES)
def test_no_clock_is_settled_twice(steps: list[Step], priority: str) -> None:
    """So that each case is in each rate once."""
    settled = [clock for *_, happened in walk(steps, priority).moves for clock in happened.settled]
    assert len(settled) == len(set(settled))


@given(WALKS, PRIORITIES)
def test_deciding_at_once_counts_as_acknowledged_then(steps: list[Step], priority: str) -> None:
    """Decision 26."""
    for before, verb, _, at, after, happened in walk(steps, priority).moves:
        if before.state == "requested" and verb in ("accept", "decline", "request-info", "acknowledge"):
            in_time = before.due_at is not None and at.now <= before.due_at
            assert happened.settled["acknowledge"] == ("met" if in_time else "missed")
            assert after.acknowledged_at == at.now


@given(WALKS, PRIORITIES)
def test_expiry_counts_against_whose_turn_it_was(steps: list[Step], priority: str) -> None:
    """Decision 26: nothing against the target while it waits for the source's answer."""
    for before, verb, _, _, _, happened in walk(steps, priority).moves:
        if verb == "expire":
            expected = {"requested": {"acknowledge", "decide"}, "acknowledged": {"decide"}}.get(before.state, set())
            assert happened.settled == dict.fromkeys(expected, "missed")


@given(WALKS, PRIORITIES)
def test_waiting_on_a_list_settles_nothing(steps: list[Step], priority: str) -> None:
    """Decision 27: it counts as accepted in no rate; what was accepted was accepted before."""
    for before, verb, _, _, after, happened in walk(steps, priority).moves:
        if verb == "waitlist":
            assert before.accepted_at is not None
            assert (happened.settled, after.accepted_at) == ({}, before.accepted_at)


@given(WALKS, PRIORITIES)
def test_a_hold_lasts_until_its_date_and_no_longer(steps: list[Step], priority: str) -> None:
    for _, verb, details, _, after, _ in walk(steps, priority).moves:
        if verb == "hold":
            assert (after.clock, after.due_at) == ("resume", details.resume_at)


@given(st.integers(0, 30 * 24 * 60), WALKS)
def test_a_task_born_at_any_hour_walks_the_same_table(minutes: int, steps: list[Step]) -> None:
    walk(steps, "routine", MONDAY + timedelta(minutes=minutes))
