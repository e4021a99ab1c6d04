"""A plan of several partners for one client or household: which steps are ready, what is skipped, when it is over.

Pure. A step that is opened is a request of its own: its state is read from that request and never kept beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain import graph
from domain.pathway import Policy, Step
from domain.referral import OPEN as OPEN_REQUEST
from domain.referral import ConfirmedBy
from domain.referral import State as RequestState
from domain.refusal import NotPossible
from domain.task import State as TaskState


class State(StrEnum):
    ACTIVE = "active"
    COMPLETED = "completed"
    CLOSED_EARLY = "closed_early"
    ENTERED_IN_ERROR = "entered_in_error"


class StepState(StrEnum):
    WAITING = "waiting"
    OPEN = "open"
    DONE = "done"
    SKIPPED = "skipped"


ENDED = frozenset({StepState.DONE, StepState.SKIPPED})


class Verb(StrEnum):
    ADD_STEP = "add-step"
    SWITCH = "switch"
    CONSENT = "consent"
    REVIEW = "review"
    CLOSE = "close"
    VOID = "void"


class StepVerb(StrEnum):
    REASSIGN = "reassign"
    MOVE = "move"
    SKIP = "skip"
    DROP = "drop"


class Skipped(StrEnum):
    """Why a step was left out."""

    CONDITION = "condition"
    LEAD = "lead"
    DECLINED = "declined"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Standing:
    """A step as it stands in a live plan. `ended_at` of one that is done or skipped; `closed`: no request is open;
    `unwanted`: it was left out because of its condition, and comes back when that holds after all.
    """

    step: Step
    state: StepState = StepState.WAITING
    ended_at: datetime | None = None
    closed: bool = True
    answers: Mapping[str, Any] = field(default_factory=dict)
    unwanted: bool = False


Standings = Mapping[str, Standing]


@dataclass(frozen=True, slots=True)
class Next:
    """What must happen now: `back` where an answer was taken back and a condition may hold after all, `skip` where one
    does not hold, `open` what is ready, the others `later`.
    """

    back: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    later: Mapping[str, datetime] = field(default_factory=dict)


def state_of(request: RequestState | None, reported: bool, skipped: bool) -> StepState:
    """What comes after a step goes on when its work is reported; only the plan's end waits for the confirmation."""
    if skipped or request in (RequestState.WITHDRAWN, RequestState.ENTERED_IN_ERROR):
        return StepState.SKIPPED
    if request is None:
        return StepState.WAITING
    return StepState.DONE if reported or request is RequestState.COMPLETED else StepState.OPEN


def is_closed(request: RequestState | None) -> bool:
    return request not in OPEN_REQUEST


def next_steps(steps: Standings, now: datetime, born_at: datetime, day: timedelta) -> Next:
    """`day`: how long one of `opens_after_days` takes. A step skipped here counts at once for those behind it."""
    standing, skip, ready, later = dict(steps), [], [], {}
    back: list[str] = []
    while fresh := [key for key, one in standing.items() if one.unwanted and _wanted(standing, one.step) is not False]:
        back += fresh
        for key in fresh:
            standing[key] = replace(standing[key], state=StepState.WAITING, ended_at=None, unwanted=False)
    ends: Mapping[str, datetime] = {}
    again = True
    while again:
        again = False
        ends = _ends(standing, born_at)
        for key, one in standing.items():
            if one.state is not StepState.WAITING or not _may_begin(standing, one.step, ends):
                continue
            if _wanted(standing, one.step) is False:
                standing[key] = replace(one, state=StepState.SKIPPED, ended_at=now)
                skip.append(key)
                again = True
    for key, one in standing.items():
        if one.state is StepState.WAITING and _may_begin(standing, one.step, ends) and _wanted(standing, one.step):
            opens_at = _since(standing, one.step, ends, born_at) + day * one.step.opens_after_days
            if opens_at <= now:
                ready.append(key)
            else:
                later[key] = opens_at
    return Next(tuple(back), tuple(skip), tuple(ready), later)


def answers(steps: Standings) -> dict[str, Mapping[str, Any]]:
    """What was recorded where work was done; a skipped step has said nothing."""
    return {key: one.answers for key, one in steps.items() if one.state is StepState.DONE}


def _wanted(steps: Standings, step: Step) -> bool | None:
    """All its conditions hold; False means that it is skipped. None: nobody knows yet, for what one of them reads is
    still to be answered, or again.
    """
    asked = [read for read in step.when if read.step in steps and steps[read.step].state not in ENDED]
    said = answers(steps)
    if not all(read.holds(said) for read in step.when if read not in asked):
        return False
    return None if asked else True


def is_over(steps: Standings) -> bool:
    """Nothing is left to do: every step is done or skipped, and no request waits for its confirmation."""
    return all(one.state in ENDED and one.closed for one in steps.values())


def _ends(steps: Standings, born_at: datetime) -> dict[str, datetime]:
    """Since when each step holds nobody up: done, or skipped and so are those before it, the last of them."""
    ends = {key: one.ended_at or born_at for key, one in steps.items() if one.state is StepState.DONE}
    left = {key: one for key, one in steps.items() if one.state is StepState.SKIPPED}
    while free := [key for key, one in left.items() if _may_begin(steps, one.step, ends)]:
        for key in free:
            one = left.pop(key)
            ends[key] = max(one.ended_at or born_at, _since(steps, one.step, ends, born_at))
    return ends


def _may_begin(steps: Standings, step: Step, ends: Mapping[str, datetime]) -> bool:
    """All that it comes after have ended. What is not in the plan any more holds nobody up."""
    return all(key in ends for key in step.after if key in steps)


def _since(steps: Standings, step: Step, ends: Mapping[str, datetime], born_at: datetime) -> datetime:
    return max((ends[key] for key in step.after if key in steps), default=born_at)


def policy(step: Step, task: TaskState | None) -> Policy:
    """What the plan does with a step whose work ended without success; the lead decides where nobody was asked."""
    if task in (TaskState.DECLINED, TaskState.EXPIRED):
        return step.on_decline
    if task in (TaskState.FAILED, TaskState.CANCELLED):
        return step.on_failure
    return Policy.LEAD


def goes_on(step: Step, task: TaskState) -> bool:
    """Whether the template says what comes next, so that nobody chooses on the request: of a stop the plan asks."""
    return policy(step, task) is not Policy.LEAD


# ------------------------------------------------------------------------------------------------ what may be edited


def allowed(state: State, leads: bool) -> tuple[Verb, ...]:
    if not leads or state is State.ENTERED_IN_ERROR:
        return ()
    return tuple(Verb) if state is State.ACTIVE else (Verb.REVIEW, Verb.VOID)


def allowed_on_step(plan: State, one: Standing, leads: bool) -> tuple[StepVerb, ...]:
    if not leads or plan is not State.ACTIVE:
        return ()
    if one.state is StepState.WAITING:
        return tuple(verb for verb in StepVerb if verb is not StepVerb.SKIP or one.step.may_skip)
    if one.state is StepState.OPEN:
        return (
            (StepVerb.REASSIGN, StepVerb.SKIP, StepVerb.DROP)
            if one.step.may_skip
            else (StepVerb.REASSIGN, StepVerb.DROP)
        )
    return ()


def require_active(state: State) -> None:
    if state is not State.ACTIVE:
        raise NotPossible("wrong-state", f"The plan is {state.value.replace('_', ' ')}; it is not changed any more.")


def require_review(state: State, by: ConfirmedBy) -> None:
    """What the client says of the goals counts also when the plan is over (decision 28)."""
    if state is State.ENTERED_IN_ERROR:
        require_active(state)
    if state is not State.ACTIVE and by is not ConfirmedBy.CLIENT:
        word = state.value.replace("_", " ")
        raise NotPossible("wrong-state", f"The plan is {word}. What the client says of it is heard: send `by`: client.")


def require(verb: StepVerb, one: Standing) -> None:
    """Raises NotPossible where the step is past that."""
    if verb in allowed_on_step(State.ACTIVE, one, leads=True):
        return
    if verb is StepVerb.SKIP and one.state not in ENDED:
        raise NotPossible("not-optional", "The plan says that this step may not be skipped. Drop it, or re-assign it.")
    raise NotPossible("wrong-state", f"The step is {one.state.value}; '{verb.value}' does not fit that.")


def reordered(steps: Iterable[Step], changed: Step) -> list[Step]:
    """The steps with `changed` in place of its old self, or at the end. Raises NotPossible for what makes no order."""
    listed = [changed if step.key == changed.key else step for step in steps]
    if all(step.key != changed.key for step in listed):
        listed.append(changed)
    known = {step.key for step in listed}
    unknown = [key for key in changed.after if key not in known]
    if unknown:
        raise NotPossible("unknown-step", "It comes after a step that the plan does not have. Read the plan again.")
    if graph.circles({step.key: step.after for step in listed}):
        raise NotPossible("circle", "In that order the steps would wait for each other for ever.")
    return listed


def unanswered(steps: Standings) -> dict[tuple[str, str, str], None]:
    """(step, the step that its condition reads, the field) where the answer can come too late, or never: of those that
    wait, or would come back.
    """
    order = {key: one.step.after for key, one in steps.items()}
    return {
        (key, read.step, read.field): None
        for key, one in steps.items()
        if one.state is StepState.WAITING or one.unwanted
        for read in one.step.when
        if read.step not in steps
        or steps[read.step].step.question(read.field) is None
        or (steps[read.step].state not in ENDED and read.step not in graph.before(order, key))
    }


def lost_answer(was: Standings, now: Standings) -> tuple[str, str, str] | None:
    """(step, the step that its condition reads, the field) of the first that could still be answered before."""
    before = unanswered(was)
    return next((each for each in unanswered(now) if each not in before), None)


def require_answers(was: Standings, now: Standings) -> None:
    """An edit that takes a condition's answer away would leave its step out silently. Raises NotPossible."""
    if (lost := lost_answer(was, now)) is not None:
        key, reads, asked = lost
        raise NotPossible(
            "condition",
            f"Whether '{key}' is needed hangs on what '{reads}' answers to '{asked}'. Leave '{key}' after '{reads}'"
            f" and '{reads}' in the plan, or drop '{key}' first and add a step without a condition.",
        )
