"""What stands on the screen while the partners work: read from the record and the monitor, twice a second."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text

from concert.demo.people import Person
from seed.region import Region
from services.transaction import Record

STATES = {
    "requested": "asked, not seen yet",
    "acknowledged": "seen, being decided",
    "info_requested": "a question is open",
    "accepted": "accepted",
    "waitlisted": "on a waitlist",
    "on_hold": "on hold",
    "in_progress": "being served",
    "reported": "done, to be confirmed",
    "awaiting_source": "back with who asked",
    "completed": "closed with a result",
    "withdrawn": "withdrawn",
    "entered_in_error": "entered by mistake",
}
UNDECIDED = ("requested", "acknowledged", "info_requested")
SERVED = ("accepted", "waitlisted", "on_hold", "in_progress", "reported")
CLOSED = ("completed", "withdrawn", "entered_in_error")
EVENTS = {
    "task_acknowledged": "saw the request",
    "task_info_requested": "asked a question",
    "task_answered": "answered the question",
    "task_accepted": "said yes",
    "task_declined": "said no",
    "task_waitlisted": "put the client on its waitlist",
    "task_contacted": "called the client",
    "task_started": "began to serve",
    "task_held": "put it on hold",
    "task_resumed": "went on after the hold",
    "task_completed": "reported it done",
    "task_corrected": "put an answer right",
    "task_failed": "could not do it after all",
    "task_overdue": "was reminded: its time is over",
    "task_reminded": "was reminded again",
    "task_escalated": "is late: somebody above was told",
    "task_expired": "never answered: the request expired",
    "task_cancelled": "saw the request taken back",
    "task_released": "heard that another partner has it",
    "demand_turned_away": "has no room for somebody who asks",
    "referral_created": "asked for help for a client",
    "referral_rerouted": "asked another partner",
    "referral_closed": "closed the loop",
    "referral_consented": "gave a consent that the client signed since",
    "referral_withdrawn": "withdrew its request",
    "referral_voided": "took back a mistake",
    "referral_overdue": "was reminded to choose what comes next",
    "referral_escalated": "has not chosen: somebody above was told",
    "referral_reminded": "has not chosen: was reminded again",
    "information_given": "gave somebody a telephone number",
}
REMINDERS = ("task_overdue", "task_reminded", "referral_overdue", "referral_reminded")
LATE = frozenset({*REMINDERS, "task_escalated", "task_expired"})


NUMBERS = 9
"""How many of the shared numbers stand on the screen."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened: which organization, what, and whether time did it."""

    who: str
    what: str
    late: bool


@dataclass(slots=True)
class Board:
    """The screen's content; `states` by the keys of STATES."""

    states: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    indicators: list[dict[str, Any]] = field(default_factory=list)
    stalled: list[dict[str, Any]] = field(default_factory=list)
    events: list[Line] = field(default_factory=list)

    def total(self, states: Sequence[str]) -> int:
        return sum(self.states[state] for state in states)

    @property
    def reminders(self) -> int:
        return sum(self.kinds[kind] for kind in REMINDERS)

    @property
    def escalations(self) -> int:
        return self.kinds["task_escalated"] + self.kinds["referral_escalated"]

    @property
    def expiries(self) -> int:
        return self.kinds["task_expired"]


class Watch:
    """Keeps a board fresh: the shared numbers and the stalls as the backbone sees them, the rest from the record."""

    def __init__(self, record: Record, person: Person, region: Region) -> None:
        self.board = Board()
        self._record = record
        self._person = person
        self._names = {str(one.id): one.name for one in region.organizations}
        self._codes = [spec.code for spec in region.agenda.indicators if not spec.code.startswith("partner_")]

    def name(self, organization_id: str) -> str:
        return self._names[organization_id]

    async def refresh(self, numbers: int | None = None) -> None:
        """`numbers`: only so many of the shared ones, in the order of the agenda; None: all."""
        board = self.board
        board.states, board.kinds, rows = await asyncio.to_thread(_read, self._record)
        board.events = [self._line(who, kind) for who, kind in rows]
        board.stalled = [item async for item in self._person.all("/v1/monitor/stalled")]
        board.indicators = [await self._person.get(f"/v1/indicators/{code}") for code in self._codes[:numbers]]

    async def keep_fresh(self, seconds: float) -> None:
        """Until cancelled, as far as the screen shows it."""
        while True:
            await self.refresh(NUMBERS)
            await asyncio.sleep(seconds)

    def _line(self, who: str, kind: str) -> Line:
        return Line(self._names[who], EVENTS.get(kind, kind.replace("_", " ")), kind in LATE)


def figure(indicator: Mapping[str, Any]) -> str:
    """The newest month's value in words: `12`, `83 % (10 of 12)`, `1 day`."""
    series = [point for point in indicator["series"] if len(point["period"]) == 7]
    if not series or series[-1]["value"] is None:
        return "–"
    point = series[-1]
    if point["denominator"] is not None and point["numerator"] is not None:
        return f"{round(100 * point['value'])} % ({point['numerator']} of {point['denominator']})"
    if indicator["unit"] == "business_days":
        return f"{point['value']:g} (of {point['denominator']} reached)"
    return f"{point['value']:g}"


def since(moment: str, now: datetime, day: float) -> str:
    """How long ago, in the demonstration's business days."""
    days = (now - datetime.fromisoformat(moment)).total_seconds() / day
    return f"{days:.0f} days" if days >= 1.5 else "a day" if days >= 0.75 else "hours"


def _read(record: Record) -> tuple[Counter[str], Counter[str], list[tuple[str, str]]]:
    with record.database.transaction() as connection:
        states = Counter({str(row.state): int(row.n) for row in connection.execute(_STATES)})
        kinds = Counter({str(row.kind): int(row.n) for row in connection.execute(_KINDS)})
        events = [(str(row.who), str(row.kind)) for row in connection.execute(_EVENTS)]
    return states, kinds, events


_STATES = text(
    """
select case when f.state <> 'active' then f.state when f.reported then 'reported' else t.state end as state,
       count(*) as n
  from referral f
  left join lateral (select t.state from task t where t.referral_id = f.id
                      order by t.organization_id = any(f.asked) and t.due_at is not null desc, t.round = f.round desc,
                               t.due_at limit 1) t on true
 where f.action_plan_id is null group by 1
"""
)
_KINDS = text("select kind, count(*) as n from event group by kind")
_EVENTS = text(
    """
select kind, case when kind like 'referral%' or kind = 'information_given' or kind = 'task_answered'
                  then source_organization_id else organization_id end as who
  from event
 where kind not in ('task_requested', 'task_restated', 'need_outcome', 'referral_outcome') and not restricted
 order by seq desc limit 8
"""
)
