"""A referral: the request for a service for a client. Its tasks are the offers; a re-route is a new task under it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from domain.clock import Clock, Moment
from domain.refusal import NotPossible
from domain.task import Side
from domain.task import State as TaskState


class State(StrEnum):
    ACTIVE = "active"
    AWAITING_SOURCE = "awaiting_source"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"
    ENTERED_IN_ERROR = "entered_in_error"


OPEN = frozenset({State.ACTIVE, State.AWAITING_SOURCE})


class Verb(StrEnum):
    WITHDRAW = "withdraw"
    REROUTE = "reroute"
    CONFIRM = "confirm"
    CLOSE_UNMET = "close-unmet"
    CONSENT = "consent"
    VOID = "void"


class ConfirmedBy(StrEnum):
    """Only client or source closes the loop; `time` counts apart as reported, unconfirmed (decision 28): its clock ran
    out, or the plan was closed while nobody had confirmed it.
    """

    CLIENT = "client"
    SOURCE = "source"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Referral:
    """`reported` is true once its current task is completed: then the source confirms, or time does.

    `plain`: a step of a plan that nobody confirms; completing its task closes it. `planned`: a step of a plan, which is
    re-assigned, skipped or dropped there.
    """

    id: str
    state: State
    version: int
    reported: bool = False
    clock: Clock | None = None
    clock_started_at: datetime | None = None
    due_at: datetime | None = None
    rung: int = 0
    plain: bool = False
    planned: bool = False
    excepted_until: datetime | None = None
    confirmed_by: ConfirmedBy | None = None

    @property
    def noun(self) -> str:
        """Of what its events tell: `step_withdrawn`, `referral_withdrawn`."""
        return "step" if self.plain else "referral"

    @property
    def ball(self) -> Side | None:
        """SOURCE, or None: nobody's when it is over, its open task's when that is still running."""
        return Side.SOURCE if self.clock is not None else None


OF_THE_PLAN = frozenset({Verb.WITHDRAW, Verb.REROUTE, Verb.CONSENT, Verb.VOID})
"""What is decided on the plan where the request is one of its steps."""


def allowed(referral: Referral, sides: frozenset[Side]) -> tuple[Verb, ...]:
    if Side.SOURCE not in sides:
        return ()
    return tuple(verb for verb in Verb if _fits(referral, verb) and not (referral.planned and verb in OF_THE_PLAN))


def _fits(referral: Referral, verb: Verb) -> bool:
    match verb:
        case Verb.WITHDRAW:
            return referral.state in OPEN and not referral.reported
        case Verb.REROUTE | Verb.CLOSE_UNMET:
            return referral.state is State.AWAITING_SOURCE
        case Verb.CONSENT:
            return referral.state in OPEN
        case Verb.CONFIRM:
            return bool(unheard(referral))
        case Verb.VOID:
            return referral.state is not State.ENTERED_IN_ERROR


def unheard(referral: Referral) -> frozenset[ConfirmedBy]:
    """Whose word there is still to hear of what came of it. A closed loop takes the source's where only time had closed
    it, and the client's until that is there: both are kept, and the client's counts (decision 28).
    """
    if referral.state is State.ACTIVE and referral.reported:
        return frozenset(ConfirmedBy)
    if referral.state is not State.COMPLETED or referral.plain:
        return frozenset()
    match referral.confirmed_by:
        case ConfirmedBy.TIME:
            return frozenset({ConfirmedBy.CLIENT, ConfirmedBy.SOURCE})
        case ConfirmedBy.SOURCE:
            return frozenset({ConfirmedBy.CLIENT})
    return frozenset()


_LEADS_TO = {
    Verb.WITHDRAW: State.WITHDRAWN,
    Verb.REROUTE: State.ACTIVE,
    Verb.CONFIRM: State.COMPLETED,
    Verb.CLOSE_UNMET: State.COMPLETED,
    Verb.VOID: State.ENTERED_IN_ERROR,
}

EVENT_OF = {
    Verb.WITHDRAW: "referral_withdrawn",
    Verb.REROUTE: "referral_rerouted",
    Verb.CONFIRM: "referral_closed",
    Verb.CLOSE_UNMET: "referral_closed",
    Verb.CONSENT: "referral_consented",
    Verb.VOID: "referral_voided",
}


def move(referral: Referral, verb: Verb, by: ConfirmedBy = ConfirmedBy.SOURCE) -> Referral:
    """One of the source's moves; raises NotPossible. `by`: whose word a confirmation is.

    An exception was for what is waited for no more: it ends with it. A new consent changes neither the state nor the
    clock.
    """
    if verb is Verb.CONFIRM and referral.state is State.COMPLETED and by not in unheard(referral):
        raise NotPossible("wrong-state", _HEARD[None if referral.plain else referral.confirmed_by])
    if not _fits(referral, verb):
        state = referral.state.value.replace("_", " ")
        hint = " and its task is not completed yet" if verb is Verb.CONFIRM and referral.state is State.ACTIVE else ""
        if referral.reported:
            hint = " and its task is completed: confirm what came of it"
        raise NotPossible(
            "wrong-state",
            f"The referral is {state}{hint}; '{verb.value}' does not fit that. allowed_actions says what does.",
        )
    if verb is Verb.CONSENT:
        return replace(referral, version=referral.version + 1)
    closed_by = by if _LEADS_TO[verb] is State.COMPLETED else None
    moved = replace(referral, state=_LEADS_TO[verb], version=referral.version + 1, reported=False)
    return _rest(replace(moved, confirmed_by=closed_by))


_HEARD = {
    None: "The referral is completed, and nobody has to confirm that.",
    ConfirmedBy.CLIENT: "The client's own word is on the record, and it counts. Nothing is left to confirm.",
    ConfirmedBy.SOURCE: "Your organization's word is on the record. If the client says otherwise, send `by`: client.",
    ConfirmedBy.TIME: "Only the client or the referral source confirms what time has closed.",
}


def reopens(referral: Referral, task: TaskState) -> bool:
    """Whether the closing falls with the task: nothing of what it said had happened."""
    return referral.state is State.COMPLETED and task is TaskState.ENTERED_IN_ERROR


def follow(referral: Referral, task: TaskState, at: Moment, *, plan_over: bool = False) -> Referral:
    """What the referral becomes when its current task has come to `task`; unchanged where that is not an end.

    A closed one whose task was entered in error waits for its source again; where it is a step of a plan that is over,
    it is withdrawn, for nobody would choose what comes next.
    """
    if plan_over and reopens(referral, task):
        return _rest(replace(referral, state=State.WITHDRAWN, version=referral.version + 1, confirmed_by=None))
    if referral.state not in OPEN and not reopens(referral, task):
        return referral
    if task is TaskState.COMPLETED and referral.plain:
        return _rest(replace(referral, state=State.COMPLETED, version=referral.version + 1))
    if task is TaskState.COMPLETED:
        return _wait(replace(referral, reported=True, version=referral.version + 1), Clock.CONFIRM, at)
    if task in (
        TaskState.DECLINED,
        TaskState.EXPIRED,
        TaskState.FAILED,
        TaskState.CANCELLED,
        TaskState.ENTERED_IN_ERROR,
    ):
        waiting = replace(referral, state=State.AWAITING_SOURCE, reported=False, confirmed_by=None)
        return _wait(replace(waiting, version=referral.version + 1), Clock.AWAITING_SOURCE, at)
    return referral


def close_unconfirmed(referral: Referral) -> Referral:
    """Nobody confirmed while there was time: closed as reported. Raises NotPossible where nothing was reported."""
    return move(referral, Verb.CONFIRM, ConfirmedBy.TIME)


def _wait(referral: Referral, clock: Clock, at: Moment) -> Referral:
    started = replace(referral, clock=clock, clock_started_at=at.now, due_at=at.due(clock), rung=0)
    return replace(started, excepted_until=None)


def _rest(referral: Referral) -> Referral:
    return replace(referral, clock=None, clock_started_at=None, due_at=None, rung=0, excepted_until=None)
