"""Which clocks exist, how long each runs, and when the next rung of the ladder is due.

Sources: the clock column of the task's states in the glossary; the limits themselves are the collaborative's agenda.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from domain.calendar import Calendar
from domain.ladder import DEFAULT, Ladder
from domain.limit import Limit


class Clock(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    DECIDE = "decide"
    ANSWER = "answer"
    FIRST_CONTACT = "first_contact"
    RECONFIRM = "reconfirm"
    SIGN_OF_LIFE = "sign_of_life"
    RESUME = "resume"
    CONFIRM = "confirm"
    AWAITING_SOURCE = "awaiting_source"
    HARD_LIMIT = "hard_limit"
    ANSWER_LIMIT = "answer_limit"
    PLAN = "plan"
    REVIEW = "review"
    GOALS = "goals"


PLAN_CLOCKS = frozenset({Clock.PLAN, Clock.REVIEW, Clock.GOALS})
"""A plan's own. The first two have dates instead of limits; their limits say how far apart the reminders are."""
SOURCE_CLOCKS = frozenset({Clock.ANSWER, Clock.ANSWER_LIMIT, Clock.CONFIRM, Clock.AWAITING_SOURCE}) | PLAN_CLOCKS
"""The referral source's own: they run in the region's business time, the others on the service's opening hours."""


class Priority(StrEnum):
    ROUTINE = "routine"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one piece of work: the agenda's, overridden by the service's."""

    by_clock: Mapping[Clock, Limit]

    @classmethod
    def of(cls, priority: Priority, *layers: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Limits:
        """Merge layers of `{"routine": {clock: limit}, "urgent": {…}}`; later layers win.

        Urgent work uses a routine limit only where no layer names an urgent one.
        """
        merged: dict[Clock, Limit] = {}
        names = ("routine",) if priority is Priority.ROUTINE else ("routine", "urgent")
        for name in names:
            for layer in layers:
                merged |= {Clock(clock): Limit.parse(limit) for clock, limit in layer.get(name, {}).items()}
        return cls(merged)


@dataclass(frozen=True, slots=True)
class Told:
    """Which rung of the running clock was the last that told somebody, and when."""

    rung: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """When a move is made: `now` is the database's clock, `occurred_at` what the person says (never later).

    `calendar` and `ladder` are the service's; `region` and `region_ladder` the source's, the same if left out. `told`:
    None before the first rung, and where nobody needs to know it exactly.
    """

    now: datetime
    occurred_at: datetime
    calendar: Calendar
    limits: Limits
    region: Calendar | None = None
    ladder: Ladder = DEFAULT
    region_ladder: Ladder | None = None
    told: Told | None = None

    def ladder_of(self, clock: Clock) -> Ladder:
        return self.region_ladder if self.region_ladder is not None and clock in SOURCE_CLOCKS else self.ladder

    def calendar_of(self, clock: Clock) -> Calendar:
        return self.region if self.region is not None and clock in SOURCE_CLOCKS else self.calendar

    def due(self, clock: Clock) -> datetime:
        return self.calendar_of(clock).due(self.now, self.limits.by_clock[clock])

    def left(self, clock: Clock, due: datetime) -> float:
        """Seconds that a clock stopped now still has; `resumed` takes them."""
        return self.calendar_of(clock).remaining(self.limits.by_clock[clock], self.now, due)

    def resumed(self, clock: Clock, left: float) -> datetime:
        return self.calendar_of(clock).resumed(self.limits.by_clock[clock], self.now, left)


def rung_at(
    rung: int, due_at: datetime, limit: Limit, calendar: Calendar, ladder: Ladder = DEFAULT, last: Told | None = None
) -> datetime | None:
    """When rung number `rung` (0 = the limit itself) is due; None when the ladder has ended.

    The limit passes when it passes; no reminder after that comes in quiet hours. Where these would make two rungs ring
    together, the later one keeps its distance: whoever is told in the morning has time to act. So it does from whom
    was told late (`last`), because nobody drove the work.
    """
    if rung >= len(ladder.rungs):
        return None
    one_more = calendar.remaining(limit, due_at, calendar.due(due_at, limit))

    def ring(start: datetime, limits: float) -> datetime:
        at = calendar.resumed(limit, start, limits * one_more)
        return ladder.quiet.over(at) if ladder.quiet else at

    told = due_at
    for before, one in pairwise(ladder.rungs[: rung + 1]):
        at = ring(due_at, one.after)
        told = at if at > told else ring(told, one.after - before.after)
    if last is None or last.rung >= rung:
        return told
    return max(told, ring(last.at, ladder.rungs[rung].after - ladder.rungs[last.rung].after))


def rested(at: datetime, excepted_until: datetime | None) -> datetime:
    """A limit while an exception stands: for the ladder it passes at the exception's end, not before."""
    return at if excepted_until is None else max(at, excepted_until)
