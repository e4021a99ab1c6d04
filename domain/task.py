"""A task: one piece of work owned by one partner. Offers of a referral and steps of a plan are tasks.

States and moves are HL7 FHIR's Task (SDOH Clinical Care), plus ours: acknowledged, waitlisted, expired. The table
below is the whole truth: what it does not name cannot happen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from domain.clock import Clock


class State(StrEnum):
    REQUESTED = "requested"
    ACKNOWLEDGED = "acknowledged"
    INFO_REQUESTED = "info_requested"
    ACCEPTED = "accepted"
    WAITLISTED = "waitlisted"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    DECLINED = "declined"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    ENTERED_IN_ERROR = "entered_in_error"


class Side(StrEnum):
    """Whose move it is. For a partner that is not connected, the source makes the target's moves (decision 20)."""

    SOURCE = "source"
    TARGET = "target"
    ENGINE = "engine"


class Outcome(StrEnum):
    NEED_MET = "need_met"
    PARTLY_MET = "partly_met"
    UNMET = "unmet"


class ContactResult(StrEnum):
    REACHED = "reached"
    LEFT_MESSAGE = "left_message"
    NO_ANSWER = "no_answer"
    WRONG_NUMBER = "wrong_number"
    NOT_SAFE = "not_safe"


UNDECIDED = frozenset({State.REQUESTED, State.ACKNOWLEDGED, State.INFO_REQUESTED})
SERVING = frozenset({State.ACCEPTED, State.WAITLISTED, State.IN_PROGRESS, State.ON_HOLD})
OPEN = UNDECIDED | SERVING
ENDED = frozenset(State) - OPEN

# The clock that runs in each open state. `accepted` changes to sign_of_life once the client was reached.
CLOCK_OF: dict[State, Clock] = {
    State.REQUESTED: Clock.ACKNOWLEDGE,
    State.ACKNOWLEDGED: Clock.DECIDE,
    State.INFO_REQUESTED: Clock.ANSWER,
    State.ACCEPTED: Clock.FIRST_CONTACT,
    State.WAITLISTED: Clock.RECONFIRM,
    State.IN_PROGRESS: Clock.SIGN_OF_LIFE,
    State.ON_HOLD: Clock.RESUME,
}


class Verb(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    ACCEPT = "accept"
    DECLINE = "decline"
    REQUEST_INFO = "request-info"
    ANSWER = "answer"
    START = "start"
    HOLD = "hold"
    WAITLIST = "waitlist"
    RECONFIRM = "reconfirm"
    RESUME = "resume"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"
    EXPIRE = "expire"
    RELEASE = "release"
    CORRECT = "correct"
    VOID = "void"
    CONTACT = "contact"
    NOTE = "note"
    ASSIGN = "assign"


@dataclass(frozen=True, slots=True)
class Transition:
    """`leaves` None: the state stays. `event` is what the record says happened, in the past tense."""

    by: frozenset[Side]
    needs: frozenset[State]
    leaves: State | None
    event: str


def _row(by: str, needs: frozenset[State] | set[State], leaves: State | None, event: str) -> Transition:
    return Transition(frozenset(Side(side) for side in by.split()), frozenset(needs), leaves, event)


_S = State
TRANSITIONS: dict[Verb, Transition] = {
    Verb.ACKNOWLEDGE: _row("target", {_S.REQUESTED}, _S.ACKNOWLEDGED, "task_acknowledged"),
    Verb.REQUEST_INFO: _row("target", {_S.REQUESTED, _S.ACKNOWLEDGED}, _S.INFO_REQUESTED, "task_info_requested"),
    Verb.ANSWER: _row("source", {_S.INFO_REQUESTED}, _S.ACKNOWLEDGED, "task_answered"),
    Verb.ACCEPT: _row("target", {_S.REQUESTED, _S.ACKNOWLEDGED}, _S.ACCEPTED, "task_accepted"),
    Verb.DECLINE: _row("target", UNDECIDED, _S.DECLINED, "task_declined"),
    Verb.WAITLIST: _row("target", {_S.ACCEPTED}, _S.WAITLISTED, "task_waitlisted"),
    Verb.RECONFIRM: _row("target", {_S.WAITLISTED}, None, "task_reconfirmed"),
    Verb.START: _row("target", {_S.ACCEPTED, _S.WAITLISTED}, _S.IN_PROGRESS, "task_started"),
    Verb.HOLD: _row("target", {_S.ACCEPTED, _S.IN_PROGRESS}, _S.ON_HOLD, "task_held"),
    Verb.RESUME: _row("target", {_S.ON_HOLD}, _S.IN_PROGRESS, "task_resumed"),
    Verb.COMPLETE: _row("target", {_S.ACCEPTED, _S.IN_PROGRESS, _S.ON_HOLD}, _S.COMPLETED, "task_completed"),
    Verb.CORRECT: _row("target", {_S.COMPLETED}, None, "task_corrected"),
    Verb.FAIL: _row("target", SERVING, _S.FAILED, "task_failed"),
    Verb.CANCEL: _row("source target", OPEN, _S.CANCELLED, "task_cancelled"),
    Verb.EXPIRE: _row("engine", UNDECIDED, _S.EXPIRED, "task_expired"),
    Verb.RELEASE: _row("engine", set(), _S.CANCELLED, "task_released"),
    Verb.VOID: _row("source", OPEN | ENDED - {_S.ENTERED_IN_ERROR}, _S.ENTERED_IN_ERROR, "task_voided"),
    Verb.CONTACT: _row("target", SERVING, None, "task_contacted"),
    Verb.NOTE: _row("source target", OPEN, None, "task_noted"),
    Verb.ASSIGN: _row("target", OPEN, None, "task_assigned"),
}
ALONGSIDE: dict[Verb, Transition] = {
    Verb.ACCEPT: _row("target", {_S.REQUESTED, _S.ACKNOWLEDGED, _S.WAITLISTED}, _S.ACCEPTED, "task_accepted"),
    Verb.WAITLIST: _row("target", {_S.ACKNOWLEDGED}, _S.WAITLISTED, "task_waitlisted"),
    Verb.START: _row("target", {_S.ACCEPTED}, _S.IN_PROGRESS, "task_started"),
    Verb.RELEASE: _row("engine", UNDECIDED | {_S.WAITLISTED}, _S.CANCELLED, "task_released"),
}
"""Where several are asked at once and nobody has said yes: a place on a waitlist is no yes, and a yes ends the others'
offers (ADR 17)."""
_FIRST = {(Verb.WAITLIST, _S.REQUESTED): Verb.ACKNOWLEDGE, (Verb.START, _S.WAITLISTED): Verb.ACCEPT}
"""What such a verb says first: who offers a place on the list has seen it, who starts takes it."""


def transition(verb: Verb, *, alongside: bool = False) -> Transition:
    return ALONGSIDE.get(verb, TRANSITIONS[verb]) if alongside else TRANSITIONS[verb]


def first(verb: Verb, state: State, *, alongside: bool) -> Verb | None:
    """The move that goes before this one, in one sitting; None: it goes by itself."""
    return _FIRST.get((verb, state)) if alongside else None


@dataclass(frozen=True, slots=True)
class Task:
    """What the rules need to know of a task. Times are aware; `*_left` are seconds of open time.

    `rung` is the next rung of the ladder for the running clock. `missed` remembers, by clock, the event that
    recorded that its limit passed, so that a move recorded late but made in time can take it back. `plain`: a step of
    a plan that serves no need by itself, so that completing it needs no outcome. `requested_at` (None: as recorded) and
    `moved_at`: when it was asked for and when the last move happened, as told. `alongside`: others are asked at the
    same time, and nobody has said yes. `excepted_until`: the backbone lets it rest, its limits pass then; the
    next stage does not.
    """

    id: str
    state: State
    version: int
    created_at: datetime
    clock: Clock | None = None
    clock_started_at: datetime | None = None
    due_at: datetime | None = None
    hard_at: datetime | None = None
    rung: int = 0
    decide_left: float | None = None
    hard_left: float | None = None
    acknowledged_at: datetime | None = None
    accepted_at: datetime | None = None
    first_contact_at: datetime | None = None
    attempts: tuple[date, ...] = ()
    missed: dict[str, str] = field(default_factory=dict)
    plain: bool = False
    requested_at: datetime | None = None
    moved_at: datetime | None = None
    alongside: bool = False
    excepted_until: datetime | None = None

    @property
    def asked_at(self) -> datetime:
        """When it was asked for, as told."""
        return self.requested_at or self.created_at

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def ball(self) -> Side | None:
        """Whose turn it is; None when nobody's, because the task has ended."""
        if self.ended:
            return None
        return Side.SOURCE if self.state is State.INFO_REQUESTED else Side.TARGET


def allowed(
    state: State,
    sides: frozenset[Side],
    *,
    absent: bool = False,
    alongside: bool = False,
) -> tuple[Verb, ...]:
    """The verbs that somebody on `sides` may use now, in the table's order.

    `absent`: the target has no login, so that there is nobody to assign it to.
    """
    rows = ((v, transition(v, alongside=alongside)) for v in TRANSITIONS)
    verbs = (v for v, t in rows if t.by & sides and (state in t.needs or first(v, state, alongside=alongside)))
    return tuple(v for v in verbs if not (absent and v is Verb.ASSIGN))
