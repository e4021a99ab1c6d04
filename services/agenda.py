"""What the collaborative agreed on, as the rules need it: limits, reasons, indicators, calendars.
Read once per revision.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, text

from domain.calendar import Calendar
from domain.clock import SOURCE_CLOCKS, Limits, Priority
from domain.indicator import Indicator
from domain.ladder import Ladder, ladder_of
from domain.limit import Limit
from domain.period import Grain
from domain.quiet import Quiet
from domain.reason import ReasonClass
from domain.rule import Rule
from services.calendars import calendar_of

A_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Agenda:
    """`indicators` are all versions that count; before the day `counts_from` nothing does.

    Reminders, and mail that is not urgent, wait during the hours `quiet`; a day's digest goes out at `digest_at`. Both
    by the region's clocks.
    """

    collaborative_id: UUID
    zone: str
    subdivision: str
    opening_hours: Mapping[str, Any] | None
    clocks: Mapping[str, Any]
    languages: frozenset[str]
    calendars: Mapping[str, Grain]
    reasons: Mapping[str, ReasonClass]
    indicators: tuple[Indicator, ...]
    counts_from: date
    day_seconds: float = A_DAY
    age_of_majority: int = 19
    ladders: Mapping[str, Any] = field(default_factory=dict)
    quiet: Quiet | None = None
    digest_at: time = time(8, 0)
    _limits: dict[tuple[str, str], Limits] = field(default_factory=dict, compare=False, repr=False)
    _climbs: dict[str, Ladder] = field(default_factory=dict, compare=False, repr=False)

    def limits(
        self, priority: str, service_clocks: Mapping[str, Any] | None, step_clocks: Mapping[str, Any] | None = None
    ) -> Limits:
        """`step_clocks`: those that a step of a plan has of its own, the same whatever the priority."""
        own = step_clocks or {}
        key = (priority, json.dumps([service_clocks, own], sort_keys=True))
        if key not in self._limits:
            step = {"routine": own, "urgent": own}
            self._limits[key] = Limits.of(Priority(priority), self.clocks, _targets(service_clocks or {}), step)
        return self._limits[key]

    def ladder(self, priority: str, service: Mapping[str, Any] | None = None) -> Ladder:
        """`service`: the ladders that a service has of its own, by priority."""
        if service:
            return ladder_of(priority, self.ladders, service, self.quiet)
        if priority not in self._climbs:
            self._climbs[priority] = ladder_of(priority, self.ladders, None, self.quiet)
        return self._climbs[priority]

    @property
    def business_day(self) -> Limit:
        """One, as long as it takes here."""
        return Limit(business_days=1) if self.day_seconds == A_DAY else Limit(seconds=self.day_seconds)

    @property
    def day(self) -> timedelta:
        """How long a day of a plan takes: shorter where a run is compressed, as its limits are."""
        return timedelta(seconds=self.day_seconds)

    def calendar(self, hours: Mapping[str, Any] | None, closed_on: list[str], always_open: bool) -> Calendar:
        """The service's own hours, else the region's."""
        closed = [date.fromisoformat(day) for day in closed_on]
        compressed = None if self.day_seconds == A_DAY else self.day_seconds
        return calendar_of(
            self.zone,
            hours or self.opening_hours,
            closed,
            always_open,
            subdivision=self.subdivision,
            day_seconds=compressed,
        )

    def region(self) -> Calendar:
        return self.calendar(None, [], False)


def _targets(clocks: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A service may have limits of its own for its own clocks, not for the referral source's."""
    return {
        priority: {c: v for c, v in limits.items() if c not in SOURCE_CLOCKS} for priority, limits in clocks.items()
    }


_known: WeakKeyDictionary[Engine, dict[tuple[UUID, int], Agenda]] = WeakKeyDictionary()


def agenda_of(connection: Connection, collaborative_id: UUID, revision: int) -> Agenda:
    """In the caller's transaction. What a revision says never changes, so it is kept for the life of the process."""
    known = _known.setdefault(connection.engine, {})
    key = (collaborative_id, revision)
    if key not in known:
        known[key] = _read(connection, collaborative_id)
    return known[key]


def current_agenda(connection: Connection, collaborative_id: UUID) -> Agenda:
    """In the caller's transaction; for the engine, whose transactions start without a person.

    From then on its days are the region's, as those of a person are (`app.enter`): the list of stalled work and whoever
    reminds must not differ about who is there, and what there is room for, for hours of every evening.
    """
    revision = connection.execute(text(_ENTERED), {"id": collaborative_id}).scalar_one()
    return agenda_of(connection, collaborative_id, revision)


def _read(connection: Connection, collaborative_id: UUID) -> Agenda:
    ids = {"id": collaborative_id}
    row = connection.execute(text(_COLLABORATIVE), ids).one()
    reasons = connection.execute(text(_REASONS), ids).all()
    indicators = connection.execute(text(_INDICATORS), ids).all()
    return Agenda(
        collaborative_id,
        row.zone,
        row.subdivision,
        row.opening_hours,
        row.body["clocks"],
        frozenset(row.body.get("languages", ())),
        {one["code"]: Grain(one["code"], one["starts_in"]) for one in row.body.get("calendars", ())},
        {code: ReasonClass(reason_class) for code, reason_class in reasons},
        tuple(Indicator(str(i.id), i.code, Rule.parse(i.rule), i.standing == "in_force") for i in indicators),
        min((i.effective_on for i in indicators), default=date.min),
        float(row.body.get("day_seconds", A_DAY)),
        row.age_of_majority,
        row.body.get("ladder", {}),
        Quiet.parse(row.body["quiet_hours"], row.zone) if row.body.get("quiet_hours") else None,
        time.fromisoformat(row.body.get("digest_at") or "08:00"),
    )


_ENTERED = "select revision, set_config('app.zone', zone, true) from collaborative where id = :id"
_COLLABORATIVE = """
select c.zone, c.subdivision, c.opening_hours, c.age_of_majority, a.body
  from collaborative c join agenda a on a.collaborative_id = c.id and a.version = c.agenda_version
 where c.id = :id
"""
_REASONS = "select code, class from reason where collaborative_id = :id"
_INDICATORS = """
select id, code, rule, effective_on, standing from indicator
 where collaborative_id = :id and standing <> 'proposed' order by code, version
"""
