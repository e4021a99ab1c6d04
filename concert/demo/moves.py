"""What a person does next: pure, from what the API shows and the story alone; nothing is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from seed.story import Request

ZONE = ZoneInfo("America/Denver")
LEFT_ON_HOLD_DAYS = 10
"""Longer holds are real days away: they stay on hold when the demonstration ends, and say until when."""
_CLOSED = frozenset({"completed", "withdrawn", "entered_in_error"})
_WEEK = 7
_ENDED = frozenset({"declined", "completed", "failed", "cancelled", "expired", "entered_in_error"})
_UNDECIDED = frozenset({"requested", "acknowledged", "info_requested"})
Shown = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Move:
    """`verb` as in the path; several `bodies` are sent one after the other in one sitting."""

    verb: str
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Clock:
    """The time now and the length of a business day in seconds."""

    now: datetime
    day: float

    def days_since(self, moment: str) -> float:
        return (self.now - datetime.fromisoformat(moment)).total_seconds() / self.day


def asked_at(request: Request, now: datetime) -> datetime | None:
    """When it was asked for: nobody can be tried on three days of a short demonstration, so such a case is written up
    afterwards. None: now."""
    return now - timedelta(days=_WEEK) if _tried_in_vain(request) else None


def target_moves(request: Request, task: Shown, at: Clock, *, rerouted: bool = False) -> list[Move]:
    """What the asked partner does with this task now; nothing: it waits, or lets it lie."""
    moves = _moves(request, task, at, rerouted)
    if task["state"] in ("requested", "acknowledged") and _tried_in_vain(request) and not rerouted:
        then = at.now - timedelta(days=_WEEK - 1)
        return [Move(one.verb, {"occurred_at": then.isoformat()} | one.body) for one in moves]
    return moves


def _moves(request: Request, task: Shown, at: Clock, rerouted: bool) -> list[Move]:
    kind = "complete" if rerouted else request.ending.kind
    if at.days_since(task["updated_at"]) < _patience(request, task):
        return []
    if task["state"] == "requested":
        return _first_look(request, kind, task)
    if task["state"] == "accepted":
        return _accepted(request, kind, task, at)
    return {
        "acknowledged": [] if kind in ("withdraw", "ignore") else [Move("accept")],
        "waitlisted": [Move("start")],
        "on_hold": [] if stays_on_hold(request) else [Move("resume")],
        "in_progress": [Move("complete", {"outcome": request.ending.outcome or "partly_met"})],
    }.get(task["state"], [])


def _patience(request: Request, task: Shown) -> float:
    """In business days; a little different for each request, so that the region does not move in step."""
    some = request.number % 5 / 20
    waits = {"requested": 0.15, "acknowledged": 0.5, "waitlisted": 3.0, "on_hold": 2.0, "in_progress": 0.8}
    return 0.0 if task["priority"] == "urgent" else waits.get(task["state"], 0.3) + some


def _first_look(request: Request, kind: str, task: Shown) -> list[Move]:
    end = request.ending
    if kind in ("withdraw", "ignore"):
        return []
    if kind == "question":
        return [Move("request-info", {"question": end.question})]
    if kind.startswith("decline"):
        return [Move("decline", {"reason_code": end.reason, "reason_class": end.reason_class})]
    return [Move("accept" if task["priority"] == "urgent" else "acknowledge")]


def _accepted(request: Request, kind: str, task: Shown, at: Clock) -> list[Move]:
    end = request.ending
    reached = Move("contact", {"result": "reached", "channel": "phone"})
    if kind == "quiet_after_accept":
        return _woken(request, task, at, reached)
    if kind == "fail":
        return [*_attempts(request, at.now), Move("fail", {"reason": end.reason})]
    if task["clock"] == "first_contact":
        return [reached]
    if kind == "waitlist":
        return [Move("waitlist")]
    if kind == "hold":
        until = at.now.astimezone(ZONE).date() + timedelta(days=end.hold_days or 1)
        return [Move("hold", {"reason": end.hold_reason, "resume_on": until.isoformat()})]
    return [Move("start")]


def _woken(request: Request, task: Shown, at: Clock, reached: Move) -> list[Move]:
    """Every second one remembers once the supervisor has asked; the others stay silent, and stay listed."""
    if task["clock"] != "first_contact":
        return [Move("start")]
    late = at.days_since(task["due_at"])
    return [reached] if stirs(request) and late > 3 else []


def stays_on_hold(request: Request) -> bool:
    return (request.ending.hold_days or 0) >= LEFT_ON_HOLD_DAYS


def stirs(request: Request) -> bool:
    return request.number % 2 == 0


def left_lying(request: Request) -> bool:
    """Whether the source does nothing either once nobody has answered."""
    return request.ending.kind == "ignore" and request.number % 3 == 0


def _tried_in_vain(request: Request) -> bool:
    return request.ending.kind == "fail" and request.ending.reason_class == "not_reached"


def _attempts(request: Request, now: datetime) -> list[Move]:
    """Three tries on three days, written up in one sitting."""
    if not _tried_in_vain(request):
        return []
    days = [now - timedelta(days=days) for days in (2, 1, 0)]
    tries = zip(days, ("no_answer", "left_message", "no_answer"), strict=True)
    return [
        Move("contact", {"result": result, "channel": "phone", "occurred_at": day.astimezone(UTC).isoformat()})
        for day, result in tries
    ]


def source_move(request: Request, referral: Shown, at: Clock) -> Move | None:
    """What the partner who asked does with its referral now."""
    if at.days_since(referral["updated_at"]) < 0.5:
        return None
    if referral["state"] == "awaiting_source":
        return _choose(request, last_task(referral)["state"])
    if referral["clock"] == "confirm":
        return _confirm(request)
    if request.ending.kind == "withdraw" and referral["state"] == "active":
        undecided = last_task(referral)["state"] in _UNDECIDED
        return Move("withdraw", {"reason": request.ending.reason}) if undecided else None
    return None


def _confirm(request: Request) -> Move | None:
    end = request.ending
    if end.kind == "void":
        return Move("void", {"reason": "Entered for the wrong family."})
    if end.confirmed_by == "time":
        return None
    return Move("confirm", {"outcome": end.outcome or "partly_met", "by": end.confirmed_by or "source"})


def _choose(request: Request, ended: str) -> Move | None:
    """The request came back: another door, the same once more, or the need stays unmet."""
    end = request.ending
    if ended == "declined" and end.kind == "decline_reroute":
        return Move("reroute", {"service": request.reroute_to})
    if ended == "expired" and end.kind == "ignore":
        return None if left_lying(request) else Move("close-unmet", {"reason": "cannot_say"})
    if ended == "expired":
        return Move("reroute", {"service": request.service})
    return Move("close-unmet", {"reason": end.reason or "cannot_say"})


def last_task(referral: Shown) -> Shown:
    """The one that somebody works on, else the last: of several that were asked at once, not one that was released."""
    tasks: list[Shown] = referral["tasks"]
    return next((task for task in reversed(tasks) if task["state"] not in _ENDED), tasks[-1])


def is_closed(referral: Shown) -> bool:
    return referral["state"] in _CLOSED


def rests(request: Request, referral: Shown, at: Clock) -> bool:
    """Whether the story of this referral has come to its end, though the referral may stay open."""
    if is_closed(referral):
        return True
    overdue = referral["due_at"] is not None and at.days_since(referral["due_at"]) > 0
    if referral["state"] == "awaiting_source":
        return left_lying(request) and overdue
    task = last_task(referral)
    if task["state"] == "on_hold":
        return stays_on_hold(request)
    silent = request.ending.kind == "quiet_after_accept" and not stirs(request)
    return silent and task["state"] == "accepted" and at.days_since(task["due_at"]) > 5.2
