"""What the glossary and the decisions say, written again by hand: tests never read the tables under test."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from domain.calendar import Calendar, weekly_hours
from domain.clock import Limits, Moment, Priority

MONDAY = datetime(2026, 7, 13, 9, tzinfo=ZoneInfo("America/Denver")).astimezone(UTC)

CALENDAR = Calendar(
    "America/Denver",
    weekly_hours({day: [["08:00", "12:00"], ["13:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}),
)

LIMITS = {
    "routine": {
        "acknowledge": {"business_days": 1},
        "decide": {"business_days": 2},
        "hard_limit": {"business_days": 14},
        "answer": {"business_days": 2},
        "answer_limit": {"business_days": 14},
        "first_contact": {"business_days": 5},
        "reconfirm": {"days": 30},
        "sign_of_life": {"days": 30},
        "confirm": {"business_days": 5},
        "awaiting_source": {"business_days": 3},
    },
    "urgent": {
        "acknowledge": {"opening_hours": 4},
        "decide": {"business_days": 1},
        "hard_limit": {"business_days": 2},
    },
}
COMPRESSED = {"routine": {clock: {"seconds": 60.0 * (7 if "limit" in clock else 1)} for clock in LIMITS["routine"]}}


# The allowed moves of a task: from each state, where a verb leads. Nothing else.
MOVES: dict[str, dict[str, str]] = {
    "requested": {
        "acknowledge": "acknowledged",
        "request-info": "info_requested",
        "accept": "accepted",
        "decline": "declined",
        "cancel": "cancelled",
        "expire": "expired",
    },
    "acknowledged": {
        "request-info": "info_requested",
        "accept": "accepted",
        "decline": "declined",
        "cancel": "cancelled",
        "expire": "expired",
    },
    "info_requested": {
        "answer": "acknowledged",
        "decline": "declined",
        "cancel": "cancelled",
        "expire": "expired",
    },
    "accepted": {
        "start": "in_progress",
        "waitlist": "waitlisted",
        "hold": "on_hold",
        "complete": "completed",
        "fail": "failed",
        "cancel": "cancelled",
    },
    "waitlisted": {"start": "in_progress", "cancel": "cancelled", "fail": "failed"},
    "in_progress": {"hold": "on_hold", "complete": "completed", "fail": "failed", "cancel": "cancelled"},
    "on_hold": {"resume": "in_progress", "complete": "completed", "fail": "failed", "cancel": "cancelled"},
}
# Where several are asked at once and nobody has said yes, these moves instead: the first yes ends the others' offers.
ALONGSIDE: dict[str, dict[str, str]] = {
    "requested": MOVES["requested"] | {"release": "cancelled"},
    "acknowledged": MOVES["acknowledged"] | {"waitlist": "waitlisted", "release": "cancelled"},
    "info_requested": MOVES["info_requested"] | {"release": "cancelled"},
    "waitlisted": {"accept": "accepted", "cancel": "cancelled", "fail": "failed", "release": "cancelled"},
}
UNDECIDED = ("requested", "acknowledged", "info_requested")
SERVING = ("accepted", "waitlisted", "in_progress", "on_hold")
ENDS = ("declined", "completed", "failed", "cancelled", "expired")
NOT_COUNTED = "entered_in_error"

# Verbs that leave the state as it is.
STATIONARY: dict[str, tuple[str, ...]] = {
    "contact": SERVING,
    "note": (*UNDECIDED, *SERVING),
    "assign": (*UNDECIDED, *SERVING),
    "reconfirm": ("waitlisted",),
    "correct": ("completed",),
}

CLOCKS = {
    "requested": {"acknowledge"},
    "acknowledged": {"decide"},
    "info_requested": {"answer"},
    "accepted": {"first_contact", "sign_of_life"},  # the second once the client was reached
    "waitlisted": {"reconfirm"},
    "in_progress": {"sign_of_life"},
    "on_hold": {"resume"},
}


def possible(state: str, *, alongside: bool = False) -> dict[str, str]:
    """Every verb that fits a task in this state, with the state in which it leaves it."""
    moves = dict((ALONGSIDE if alongside else MOVES).get(state, {}))
    moves |= {verb: state for verb, states in STATIONARY.items() if state in states}
    return moves if state == NOT_COUNTED else moves | {"void": NOT_COUNTED}


def moment(now: datetime, occurred_at: datetime | None = None, priority: str = "routine", **more: object) -> Moment:
    limits = more.get("limits", LIMITS)
    assert isinstance(limits, dict)
    return Moment(now, occurred_at or now, CALENDAR, Limits.of(Priority(priority), limits))
