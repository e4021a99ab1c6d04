"""What whoever watches work may do with it, without moving it: the backbone, and who asked for it."""

from __future__ import annotations

from collections.abc import Callable, Container
from enum import StrEnum

from domain.ladder import Did, Ladder, Rung

LONGEST_EXCEPTION_DAYS = 90
"""What shall rest for longer is not watched work any more: it is closed, or held by whoever does it."""


class Verb(StrEnum):
    NUDGE = "nudge"
    ESCALATE = "escalate"
    EXCEPT = "except"
    WATCH = "watch"
    PROPOSE_REROUTE = "propose-reroute"
    ASSIGN = "assign"


class Exempt(StrEnum):
    """Why the backbone lets something rest. A code, for it is counted and stands in events; words go in the text."""

    PROVIDER_CLOSED = "provider_closed"
    WEATHER = "weather"
    STAFF_SHORTAGE = "staff_shortage"
    WAITING_FOR_THIRD_PARTY = "waiting_for_third_party"
    FAMILY_AWAY = "family_away"
    AGREED_OTHERWISE = "agreed_otherwise"


SAID = frozenset({*Did, "nudged", "excepted", "watched", "reroute_proposed"})
"""The last words of events that moved nothing."""


def climb_by_hand(ladder: Ladder, rung: int, reaches: Callable[[Rung], bool], told: Container[int] = ()) -> int | None:
    """The next rung whose people neither the first `rung` nor `told` have told and who are somebody else; None at the
    top.
    """
    return next((number for number in ladder.above(rung, told) if reaches(ladder.rungs[number].to)), None)
