"""Making a move on a task: pure; returns the task as it then stands and the event, or refuses.

The order inside `move` is the order of the rules: may it happen now, what does it settle, where does it lead, which
clock starts. Nothing here reads a clock or stores anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.clock import Clock, Moment
from domain.reason import ATTEMPTS_BEFORE_NOT_REACHED, PLACED_ELSEWHERE, ReasonClass
from domain.refusal import NotPossible
from domain.task import CLOCK_OF, SERVING, UNDECIDED, ContactResult, Side, State, Task, Verb, transition


@dataclass(frozen=True, slots=True)
class Details:
    """What a verb may carry. `reason` is a code of the agenda's list, never free text.

    `by`: on which side the mover stands, where both may.
    """

    reason: str | None = None
    reason_class: ReasonClass | None = None
    outcome: str | None = None
    resume_at: datetime | None = None
    contact: ContactResult | None = None
    by: Side = Side.TARGET


@dataclass(frozen=True, slots=True)
class Happened:
    """An event as the rules know it. `settled`: clock → met or missed.
    `reverses`: id of an event taken back by this one.
    """

    kind: str
    from_state: State | None
    to_state: State | None
    reason: str | None = None
    settled: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)
    reverses: str | None = None


NOTHING = Details()
NO_RESPONSE = "no-response"
"""The reason of every expiry; it has no class, because nobody answered."""
_OWN_REASONS = {Verb.EXPIRE: NO_RESPONSE, Verb.RELEASE: PLACED_ELSEWHERE}


def born(
    id: str,  # noqa: A002 - a task's id is called so everywhere
    at: Moment,
    *,
    hard: bool = True,
) -> Task:
    """A new task, recorded now and requested when `at` says. Acknowledge and hard limits start together, when it is
    recorded (decision 26).
    """
    return Task(
        id=id,
        state=State.REQUESTED,
        version=1,
        created_at=at.now,
        clock=Clock.ACKNOWLEDGE,
        clock_started_at=at.now,
        due_at=at.due(Clock.ACKNOWLEDGE),
        hard_at=at.due(Clock.HARD_LIMIT) if hard else None,
        requested_at=at.occurred_at,
    )


def move(task: Task, verb: Verb, at: Moment, details: Details = NOTHING) -> tuple[Task, Happened]:
    """Apply one verb. Raises NotPossible; a repeat of a move that happened is not possible either:
    the state has changed.
    """
    row = transition(verb, alongside=task.alongside)
    if task.state not in row.needs:
        raise NotPossible("wrong-state", _wrong_state(task.state, verb))
    _check(task, verb, at, details)
    settled, reverses = _settle(task, verb, at, details)
    moved = _arrive(_touch(task, verb, at, details), row.leaves, verb, at, details)
    facts = _facts(task, moved, at, details)
    reason = _OWN_REASONS.get(verb, details.reason)
    happened = Happened(row.event, task.state, moved.state, reason, settled, facts, reverses)
    missed = {clock: event for clock, event in task.missed.items() if settled.get(clock) != "met"}
    moved_at = task.moved_at if verb in _REMARKS else at.occurred_at
    rests = None if _ends_rest(task, moved, verb) else task.excepted_until
    changed = replace(moved, version=task.version + 1, missed=missed, moved_at=moved_at, excepted_until=rests)
    return changed, happened


def _ends_rest(before: Task, after: Task, verb: Verb) -> bool:
    """Whether somebody moved it on: an exception was for what was waited for then, not for what comes next. Time's own
    moves leave it as it was.
    """
    moved_on = (before.state, before.clock) != (after.state, after.clock)
    return moved_on and verb not in (Verb.EXPIRE, Verb.RELEASE)


def overdue(task: Task, event_id: str) -> tuple[Task, Happened]:
    """The running clock's limit has passed: said once per clock and task,
    so that rates count the case when it is due.
    """
    assert task.clock is not None
    clock = task.clock.value
    first = clock not in task.missed and clock in _SETTLES_ONCE and not _settled_before(task, task.clock)
    missed = {**task.missed, clock: event_id} if first else task.missed
    happened = Happened("task_overdue", task.state, task.state, settled={clock: "missed"} if first else {})
    return replace(task, missed=missed, version=task.version + 1), happened


def unsettled(before: Task, after: Task, happened: Happened) -> list[str]:
    """The clocks that this move leaves open for good: nobody will ever say whether they were met.

    Those of a request by its end; that of the first contact also by a hold or a place on a waitlist.
    """
    if after.state is State.ENTERED_IN_ERROR:
        return []
    asked = [Clock.ACKNOWLEDGE, Clock.DECIDE] if after.ended else []
    if before.state is State.ACCEPTED and after.state is not State.ACCEPTED:
        asked.append(Clock.FIRST_CONTACT)
    said = {*happened.settled, *before.missed}
    return [clock.value for clock in asked if clock.value not in said and not _settled_before(before, clock)]


# Clocks that are settled once in a task's life: they make the "in time" rates.
_SETTLES_ONCE = frozenset({Clock.ACKNOWLEDGE, Clock.DECIDE, Clock.FIRST_CONTACT})


def _wrong_state(state: State, verb: Verb) -> str:
    if state in SERVING | UNDECIDED:
        return (
            f"The task is {state.value.replace('_', ' ')}; '{verb.value}' does not fit that. Read it again:"
            f" allowed_actions says what does."
        )
    answers = "; whoever completed it may correct its answers" if state is State.COMPLETED else ""
    return f"The task has ended ({state.value.replace('_', ' ')}). Its source may void it{answers}; nothing else."


def _check(task: Task, verb: Verb, at: Moment, details: Details) -> None:
    """What the verb must carry, and when it may have occurred."""
    if at.occurred_at > at.now:
        raise NotPossible(
            "future",
            "A move cannot have happened in the future. Leave occurred_at out for now.",
            pointer="/occurred_at",
        )
    if at.occurred_at < task.asked_at:
        raise NotPossible(
            "before-request",
            "A move cannot have happened before the task was requested. Correct occurred_at.",
            pointer="/occurred_at",
        )
    if task.moved_at is not None and at.occurred_at < task.moved_at and verb not in _REMARKS:
        raise NotPossible(
            "before-last-move",
            "A move cannot have happened before the one that is on the record already. Correct occurred_at.",
        )
    if verb in _NEEDS_REASON and (details.reason is None or details.reason_class is None):
        raise NotPossible("reason", f"'{verb.value}' needs a reason of the agenda's list.")
    if verb is Verb.COMPLETE and details.outcome is None and not task.plain:
        raise NotPossible("outcome", "'complete' needs the outcome: what came of the need.")
    if verb is Verb.CONTACT and details.contact is None:
        raise NotPossible(
            "contact", "'contact' needs a result: reached, left_message, no_answer, wrong_number or not_safe."
        )
    if verb is Verb.HOLD and (details.resume_at is None or details.resume_at <= at.now):
        raise NotPossible(
            "resume-date", "A hold needs a day in the future on which the work resumes.", pointer="/resume_on"
        )
    if verb is Verb.FAIL and details.reason_class is ReasonClass.NOT_REACHED:
        _check_attempts(task)


_REMARKS = frozenset({Verb.NOTE, Verb.ASSIGN, Verb.CORRECT})
"""Said beside the work: in no order with its moves."""
_NEEDS_REASON = frozenset({Verb.DECLINE, Verb.FAIL, Verb.CANCEL})


def _check_attempts(task: Task) -> None:
    days = len(set(task.attempts))
    if days < ATTEMPTS_BEFORE_NOT_REACHED:
        raise NotPossible(
            "attempts",
            f"Not reached needs contact attempts on {ATTEMPTS_BEFORE_NOT_REACHED} different days; {days} so far."
            " Record each with 'contact'.",
        )


def _settled_before(task: Task, clock: Clock) -> bool:
    """Whether a person's move settled this clock already (re-entering a state must not count the case twice)."""
    done = {
        Clock.ACKNOWLEDGE: task.acknowledged_at,
        Clock.DECIDE: task.accepted_at,
        Clock.FIRST_CONTACT: task.first_contact_at,
    }
    return done.get(clock) is not None


def _answers(task: Task, verb: Verb, details: Details) -> tuple[Clock, ...]:
    """The clocks that this move answers."""
    clocks: list[Clock] = []
    if verb in (Verb.ACKNOWLEDGE, Verb.ACCEPT, Verb.DECLINE, Verb.REQUEST_INFO):
        clocks.append(Clock.ACKNOWLEDGE)
    if verb in (Verb.ACCEPT, Verb.DECLINE):
        clocks.append(Clock.DECIDE)
    reached = verb is Verb.CONTACT and details.contact is ContactResult.REACHED
    ran = task.clock is Clock.FIRST_CONTACT or Clock.FIRST_CONTACT.value in task.missed
    if ran and (reached or verb in (Verb.START, Verb.COMPLETE)):
        clocks.append(Clock.FIRST_CONTACT)  # a client who waited on a hold or a waitlist is in no first-contact rate
    if verb is Verb.EXPIRE and task.state is not State.INFO_REQUESTED:
        clocks += [Clock.ACKNOWLEDGE, Clock.DECIDE]
    return tuple(c for c in clocks if not _settled_before(task, c))


def _settle(task: Task, verb: Verb, at: Moment, details: Details) -> tuple[dict[str, str], str | None]:
    """Which clocks this event settles, and the 'missed' event that it takes back (made in time, recorded late)."""
    settled: dict[str, str] = {}
    reverses: str | None = None
    for clock in _answers(task, verb, details):
        met = verb is not Verb.EXPIRE and _in_time(task, clock, at)
        if clock.value not in task.missed:
            settled[clock.value] = "met" if met else "missed"
        elif met:
            settled[clock.value], reverses = "met", task.missed[clock.value]
    return settled, reverses


def _in_time(task: Task, clock: Clock, at: Moment) -> bool:
    """By occurred time (decision 21). A clock that never started separately was met when the one before it was
    answered.
    """
    if task.clock is clock and task.due_at is not None:
        return at.occurred_at <= _due_as_told(task, task.due_at, at)
    return clock.value not in task.missed


def _due_as_told(task: Task, due_at: datetime, at: Moment) -> datetime:
    """The running clock's limit, counted from when it began as told: work that is recorded afterwards is as late as it
    was, though nobody is chased before it is recorded.
    """
    assert task.clock is not None
    told = {Clock.ACKNOWLEDGE: task.asked_at, Clock.FIRST_CONTACT: task.accepted_at}.get(task.clock, task.moved_at)
    if told is None or task.clock_started_at is None or told >= task.clock_started_at:
        return due_at
    limit, calendar = at.limits.by_clock[task.clock], at.calendar_of(task.clock)
    return calendar.resumed(limit, told, calendar.remaining(limit, task.clock_started_at, due_at))


def _touch(task: Task, verb: Verb, at: Moment, details: Details) -> Task:
    """What the move leaves on the task besides its state."""
    if verb in (Verb.ACKNOWLEDGE, Verb.ACCEPT, Verb.DECLINE, Verb.REQUEST_INFO):
        task = replace(task, acknowledged_at=task.acknowledged_at or at.occurred_at)
    if verb is Verb.ACCEPT:
        task = replace(task, accepted_at=at.occurred_at)
    if verb is Verb.CONTACT and details.contact is not ContactResult.REACHED:
        return replace(task, attempts=(*task.attempts, at.calendar.local_date(at.occurred_at)))
    if verb in (Verb.CONTACT, Verb.START, Verb.COMPLETE):
        return replace(task, first_contact_at=task.first_contact_at or at.occurred_at)
    return task


def _facts(before: Task, after: Task, at: Moment, details: Details) -> dict[str, object]:
    facts: dict[str, object] = {}
    if details.outcome:
        facts["outcome"] = details.outcome
    if details.reason_class:
        facts["reason_class"] = details.reason_class.value
    if details.contact:
        facts["contact"] = details.contact.value
    if before.first_contact_at is None and after.first_contact_at is not None and after.accepted_at is not None:
        start = min(after.accepted_at, after.first_contact_at)
        facts["first_contact_days"] = at.calendar.business_days_between(start, after.first_contact_at)
    if before.acknowledged_at is None and after.acknowledged_at is not None:
        facts["acknowledge_days"] = at.calendar.business_days_between(after.asked_at, after.acknowledged_at)
    if before.accepted_at is None and (after.accepted_at is not None or after.state is State.DECLINED):
        facts["decide_days"] = at.calendar.business_days_between(after.asked_at, at.occurred_at)
    if after.state is State.COMPLETED and before.state is not after.state and after.accepted_at is not None:
        facts["completion_days"] = at.calendar.business_days_between(after.accepted_at, at.occurred_at)
    return facts


def _arrive(task: Task, leaves: State | None, verb: Verb, at: Moment, details: Details) -> Task:
    state = leaves or task.state
    if state not in CLOCK_OF:
        return replace(
            task,
            state=state,
            clock=None,
            clock_started_at=None,
            due_at=None,
            hard_at=None,
            decide_left=None,
            hard_left=None,
        )
    if verb is Verb.ASSIGN:
        return task
    if leaves is None and not _restarts(task, verb, details):
        return task
    if leaves is State.INFO_REQUESTED:
        return _pause(task, at)
    if verb is Verb.ANSWER:
        return _unpause(task, at)
    clock = CLOCK_OF[state]
    if clock is Clock.FIRST_CONTACT and task.first_contact_at is not None:
        clock = Clock.SIGN_OF_LIFE
    due = (
        details.resume_at
        if clock is Clock.RESUME and details.resume_at
        else at.due(clock)
        if clock is not Clock.RESUME
        else task.due_at
    )
    hard = task.hard_at if state in UNDECIDED else None
    return replace(task, state=state, clock=clock, clock_started_at=at.now, due_at=due, hard_at=hard, rung=0)


def _restarts(task: Task, verb: Verb, details: Details) -> bool:
    """Which stationary moves are a sign of life: they start the running clock again."""
    if verb is Verb.RECONFIRM:
        return True
    reached = verb is Verb.CONTACT and details.contact is ContactResult.REACHED
    if task.state in (State.ACCEPTED, State.IN_PROGRESS) and reached:
        return True
    own_note = verb is Verb.NOTE and details.by is Side.TARGET
    return (own_note or verb is Verb.CONTACT) and task.clock is Clock.SIGN_OF_LIFE


def _pause(task: Task, at: Moment) -> Task:
    """The ball goes to the source: its own clock runs, the target's decide and hard limits keep what remained."""
    decide = at.left(Clock.DECIDE, task.due_at) if task.clock is Clock.DECIDE and task.due_at else None
    hard = at.left(Clock.HARD_LIMIT, task.hard_at) if task.hard_at else None
    return replace(
        task,
        state=State.INFO_REQUESTED,
        clock=Clock.ANSWER,
        clock_started_at=at.now,
        due_at=at.due(Clock.ANSWER),
        hard_at=at.due(Clock.ANSWER_LIMIT) if task.hard_at else None,
        rung=0,
        decide_left=decide,
        hard_left=hard,
    )


def _unpause(task: Task, at: Moment) -> Task:
    decide, hard = task.decide_left, task.hard_left
    return replace(
        task,
        state=State.ACKNOWLEDGED,
        clock=Clock.DECIDE,
        clock_started_at=at.now,
        due_at=at.due(Clock.DECIDE) if decide is None else at.resumed(Clock.DECIDE, decide),
        hard_at=None if hard is None else at.resumed(Clock.HARD_LIMIT, hard),
        rung=0,
        decide_left=None,
        hard_left=None,
    )
