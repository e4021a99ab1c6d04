"""Whom reminders reach and when, once a limit has passed: data of the agenda, or of one service.

The distances grow (reminders back off) and then the ladder ends: the work stays listed as stalled, nobody is sent a
tenth note.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

from domain.quiet import Quiet


class Rung(StrEnum):
    OWNER = "owner"
    SUPERVISOR = "supervisor"
    BACKBONE = "backbone"


class Did(StrEnum):
    """The last word of the event that a rung writes."""

    OVERDUE = "overdue"
    ESCALATED = "escalated"
    REMINDED = "reminded"


@dataclass(frozen=True, slots=True)
class Reminder:
    """`after` the limit, in multiples of one more such limit."""

    to: Rung
    after: float


@dataclass(frozen=True, slots=True)
class Ladder:
    """The first rung is the owner's, at the limit itself. Without `quiet` it also climbs at night."""

    rungs: tuple[Reminder, ...]
    quiet: Quiet | None = None

    @classmethod
    def parse(cls, shape: Mapping[str, Any], quiet: Quiet | None = None) -> Ladder:
        """From `{"rungs": [{"to": "owner", "after": 0}, …], "quiet": false}`. The ValueError says what is wrong."""
        rungs = tuple(Reminder(Rung(one["to"]), float(one["after"])) for one in shape["rungs"])
        if not rungs or rungs[0] != Reminder(Rung.OWNER, 0):
            raise ValueError("the first rung is the owner's, at the limit itself: {to: owner, after: 0}")
        for before, later in pairwise(rungs):
            if later.after <= before.after:
                raise ValueError("each rung comes later than the one before")
            if _ORDER.index(later.to) < _ORDER.index(before.to):
                raise ValueError("it climbs: owner, then supervisor, then backbone")
        return cls(rungs, quiet if shape.get("quiet", True) else None)

    def reached(self, rung: int) -> Rung:
        """Whom the last of so many rungs reached. Nobody was told yet counts as the owner."""
        return self.rungs[min(max(rung, 1), len(self.rungs)) - 1].to

    def did(self, rung: int) -> Did:
        """At that rung the limit has passed, somebody new hears, or those of the rung before hear again."""
        if rung == 0:
            return Did.OVERDUE
        return Did.REMINDED if self.rungs[rung].to is self.rungs[rung - 1].to else Did.ESCALATED

    def above(self, rung: int, told: Container[int] = ()) -> list[int]:
        """The rungs that are left whose people none of the first `rung` has reached, nor any of `told`; the first for
        each.
        """
        reached = {one.to for number, one in enumerate(self.rungs) if number < rung or number in told}
        left: dict[Rung, int] = {}
        for number, one in enumerate(self.rungs):
            if number >= rung and one.to not in reached:
                left.setdefault(one.to, number)
        return list(left.values())

    def quietened(self, quiet: Quiet | None) -> Ladder:
        return replace(self, quiet=quiet)


_ORDER = list(Rung)
DEFAULT = Ladder(
    (
        Reminder(Rung.OWNER, 0.0),
        Reminder(Rung.SUPERVISOR, 0.5),
        Reminder(Rung.BACKBONE, 1.0),
        Reminder(Rung.BACKBONE, 2.0),
        Reminder(Rung.BACKBONE, 4.0),
    )
)
"""What holds where no agenda says otherwise."""


def ladder_of(
    priority: str, agenda: Mapping[str, Any], service: Mapping[str, Any] | None, quiet: Quiet | None
) -> Ladder:
    """The service's before the agenda's; urgent work climbs as routine work only where neither says how it does."""
    for name in dict.fromkeys((priority, "routine")):
        for layer in (service or {}, agenda):
            if name in layer:
                return Ladder.parse(layer[name], quiet)
    return DEFAULT.quietened(quiet)
