"""All walks of a referral with its offers: the moves of its source, the ends of its tasks, and time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.limit import Limit
from domain.moves import Details, born, move
from domain.reason import ReasonClass
from domain.referral import EVENT_OF, OPEN, ConfirmedBy, Referral, State, Verb, allowed, close_unconfirmed, follow
from domain.referral import move as move_referral
from domain.refusal import NotPossible
from domain.task import ContactResult, Side, Task
from domain.task import State as TaskState
from domain.task import Verb as TaskVerb
from tests.domain.agreement import CALENDAR, ENDS, MONDAY, MOVES, NOT_COUNTED, SERVING, UNDECIDED, moment

SOURCE, TARGET, ENGINE = (frozenset({side}) for side in (Side.SOURCE, Side.TARGET, Side.ENGINE))

# The source's moves, written by hand: from each state, where a verb leads. "reported": its task is completed.
REFERRAL_MOVES: dict[str, dict[str, str]] = {
    "active": {"withdraw": "withdrawn", "consent": "active", "void": "entered_in_error"},
    "reported": {"confirm": "completed", "consent": "active", "void": "entered_in_error"},
    "awaiting_source": {
        "reroute": "active",
        "withdraw": "withdrawn",
        "close-unmet": "completed",
        "consent": "awaiting_source",
        "void": "entered_in_error",
    },
    "closed by time": {"confirm": "completed", "void": "entered_in_error"},
    "closed by source": {"confirm": "completed", "void": "entered_in_error"},
    "completed": {"void": "entered_in_error"},
    "withdrawn": {"void": "entered_in_error"},
    "entered_in_error": {},
}
AFTER_THE_TASK = {
    "completed": ("active", "confirm", Limit(business_days=5)),
    **dict.fromkeys(
        ("declined", "expired", "failed", "cancelled", "entered_in_error"),
        ("awaiting_source", "awaiting_source", Limit(business_days=3)),
    ),
}


def stands(referral: Referral) -> str:
    if referral.state is State.COMPLETED and referral.confirmed_by in (ConfirmedBy.TIME, ConfirmedBy.SOURCE):
        return f"closed by {referral.confirmed_by}"
    return "reported" if referral.reported and referral.state is State.ACTIVE else referral.state.value


@dataclass
class Case:
    """A referral and its current offer, as the record would hold them."""

    referral: Referral
    task: Task


def check(case: Case) -> None:
    """No limbo: while it is open, exactly one ball, one clock, one due moment; afterwards none."""
    referral, task = case.referral, case.task
    if referral.state not in OPEN:
        assert (referral.clock, referral.due_at, referral.ball, referral.reported) == (
            None,
            None,
            None,
            False,
        )
        return
    assert [referral.ball, task.ball].count(None) == 1
    assert [referral.clock, task.clock].count(None) == 1
    assert (referral.due_at or task.due_at) is not None
    assert (referral.ball is None) == (referral.clock is None) == (referral.due_at is None)
    if referral.state is State.AWAITING_SOURCE:
        assert (referral.ball, referral.clock) == ("source", "awaiting_source")
        assert task.ended
    if referral.reported:
        assert (referral.ball, referral.clock, task.state) == ("source", "confirm", "completed")


@dataclass(frozen=True)
class Step:
    minutes: int
    on_referral: bool
    verb: int


STEPS = st.builds(Step, st.integers(0, 30 * 24 * 60), st.integers(0, 2).map(lambda n: n == 0), st.integers(0, 10**6))


@given(st.lists(STEPS, max_size=30))
def test_no_walk_leaves_the_table_and_none_ends_in_limbo(steps: list[Step]) -> None:
    case, now = Case(Referral("referral", State.ACTIVE, 1), born("1", moment(MONDAY))), MONDAY
    check(case)
    for number, step in enumerate(steps, 2):
        now += timedelta(minutes=step.minutes)
        if step.on_referral or case.task.ended:
            verbs = list(Verb)
            _source_moves(case, verbs[step.verb % len(verbs)], now, number)
        else:
            verbs_here = sorted(MOVES[case.task.state])
            _task_moves(case, TaskVerb(verbs_here[step.verb % len(verbs_here)]), now)
        check(case)


def _source_moves(case: Case, verb: Verb, now: datetime, number: int) -> None:
    before = case.referral
    expected = REFERRAL_MOVES[stands(before)]
    assert {v.value for v in allowed(before, SOURCE)} == set(expected)
    if verb.value not in expected:
        with pytest.raises(NotPossible) as refused:
            move_referral(before, verb)
        assert refused.value.code == "wrong-state"
        return
    by = ConfirmedBy.CLIENT if before.confirmed_by is ConfirmedBy.SOURCE else ConfirmedBy.SOURCE
    case.referral = move_referral(before, verb, by)
    assert case.referral.state == expected[verb.value]
    assert (case.referral.confirmed_by is None) == (case.referral.state is not State.COMPLETED)
    assert case.referral.version == before.version + 1
    assert (case.referral.id, case.referral.rung) == (before.id, 0)
    assert EVENT_OF[verb].startswith("referral_")
    if verb is Verb.CONSENT:
        assert case.referral == replace(before, version=before.version + 1), "nothing else changes"
    if verb is Verb.REROUTE:
        case.task = born(str(number), moment(now))


def _task_moves(case: Case, verb: TaskVerb, now: datetime) -> None:
    at = moment(now)
    details = Details(
        "over_income",
        ReasonClass.INELIGIBLE,
        "need_met",
        resume_at=at.now + timedelta(days=9),
        contact=ContactResult.REACHED,
    )
    case.task, _ = move(case.task, verb, at, details)
    before = case.referral
    if before.state in OPEN:
        case.referral = follow(before, case.task.state, at)
        assert case.referral.version == before.version + case.task.ended


@pytest.mark.parametrize("state", ENDS)
@pytest.mark.parametrize("hours", [0, 7, 31, 60, 130])
def test_a_task_that_ends_gives_the_source_the_ball_and_a_clock_of_its_own(state: str, hours: int) -> None:
    """Also after the target's cancel (decision 26)."""
    at = moment(MONDAY + timedelta(hours=hours))
    after = follow(Referral("referral", State.ACTIVE, 3), TaskState(state), at)
    expected, clock, limit = AFTER_THE_TASK[state]
    assert (after.state, after.clock, after.ball, after.version) == (expected, clock, "source", 4)
    assert (after.clock_started_at, after.due_at) == (at.now, CALENDAR.due(at.now, limit))
    assert after.reported == (state == "completed")


def test_a_slip_that_is_taken_back_leaves_the_referral_to_its_source() -> None:
    reported = follow(Referral("referral", State.ACTIVE, 3), TaskState.COMPLETED, moment(MONDAY))
    after = follow(reported, TaskState(NOT_COUNTED), moment(MONDAY))
    assert (after.state, after.reported, after.clock) == ("awaiting_source", False, "awaiting_source")


@pytest.mark.parametrize("state", [*UNDECIDED, *SERVING])
def test_a_task_that_goes_on_changes_nothing(state: str) -> None:
    before = Referral("referral", State.ACTIVE, 3)
    assert follow(before, TaskState(state), moment(MONDAY)) == before


def test_time_closes_only_what_was_reported() -> None:
    """Decision 28: and it counts apart, as confirmed by time."""
    reported = follow(Referral("referral", State.ACTIVE, 3), TaskState.COMPLETED, moment(MONDAY))
    closed = close_unconfirmed(reported)
    assert (closed.state, closed.version, closed.confirmed_by) == ("completed", 5, "time")
    assert {by.value for by in ConfirmedBy} == {"client", "source", "time"}


@pytest.mark.parametrize("state", [state for state in State if state is not State.ACTIVE])
def test_time_closes_nothing_else(state: State) -> None:
    with pytest.raises(NotPossible):
        close_unconfirmed(Referral("referral", state, 3))


def test_time_does_not_close_work_that_goes_on() -> None:
    with pytest.raises(NotPossible):
        close_unconfirmed(Referral("referral", State.ACTIVE, 3))


@pytest.mark.parametrize(
    ("closed_by", "heard"),
    [(None, {"client"}), ("time", {"client", "source"}), ("source", {"client"}), ("client", set())],
)
def test_after_the_closing_each_voice_is_heard_once_and_the_clients_is_the_last_word(
    closed_by: str | None, heard: set[str]
) -> None:
    """Decision 28: what differs is all kept, and the client's counts. Nobody confirms a step that is just done."""
    said = None if closed_by is None else ConfirmedBy(closed_by)
    closed = Referral("referral", State.COMPLETED, 5, confirmed_by=said, plain=closed_by is None)
    for by in ConfirmedBy:
        if closed_by is not None and by.value in heard:
            after = move_referral(closed, Verb.CONFIRM, by)
            assert (after.state, after.confirmed_by, after.version) == ("completed", by, 6)
        else:
            with pytest.raises(NotPossible):
                move_referral(closed, Verb.CONFIRM, by)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("reported", [False, True])
def test_only_the_source_moves_a_referral(state: State, reported: bool) -> None:
    referral = Referral("referral", state, 3, reported=reported and state is State.ACTIVE)
    assert allowed(referral, TARGET | ENGINE) == ()
    assert {verb.value for verb in allowed(referral, SOURCE)} == set(REFERRAL_MOVES[stands(referral)])


def test_every_move_of_the_source_is_one_event_in_the_past_tense() -> None:
    assert EVENT_OF == {
        "withdraw": "referral_withdrawn",
        "reroute": "referral_rerouted",
        "confirm": "referral_closed",
        "close-unmet": "referral_closed",
        "consent": "referral_consented",
        "void": "referral_voided",
    }


@pytest.mark.parametrize("plain", [False, True])
def test_a_closed_referral_falls_back_to_its_source_with_its_task(plain: bool) -> None:
    closed = Referral("referral", State.COMPLETED, 5, plain=plain, planned=plain)
    after = follow(closed, TaskState.ENTERED_IN_ERROR, moment(MONDAY))
    assert (after.state, after.clock, after.version) == ("awaiting_source", "awaiting_source", 6)
    ended = follow(closed, TaskState.ENTERED_IN_ERROR, moment(MONDAY), plan_over=True)
    assert (ended.state, ended.clock, ended.version) == ("withdrawn", None, 6)
    assert follow(closed, TaskState.COMPLETED, moment(MONDAY), plan_over=True) is closed


@pytest.mark.parametrize("state", [State.WITHDRAWN, State.ENTERED_IN_ERROR])
def test_a_referral_that_is_over_stays_over_when_its_task_is_voided(state: State) -> None:
    over = Referral("referral", state, 5)
    assert follow(over, TaskState.ENTERED_IN_ERROR, moment(MONDAY)) is over
