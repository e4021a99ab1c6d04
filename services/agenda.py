"""What the collaborative agreed on, as the rules need it: limits, reasons, indicators, calendars. Read once per version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from domain.calendar import Calendar
from domain.clock import Limits, Priority
from domain.indicator import Indicator, Rule
from domain.reason import ReasonClass
from services.calendars import calendar_of


@dataclass(frozen=True, slots=True)
class Dated:
    """An indicator's version and the days for which it counts."""

    indicator: Indicator
    effective_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class Agenda:
    collaborative_id: UUID
    version: int
    zone: str
    subdivision: str
    opening_hours: Mapping[str, Any] | None
    age_of_majority: int
    threshold: int
    clocks: Mapping[str, Any]
    reasons: Mapping[str, ReasonClass]
    dated: tuple[Dated, ...]
    backbone_id: UUID | None

    def indicators(self, day: date) -> list[Indicator]:
        """The versions that count on that day."""
        return [d.indicator for d in self.dated if d.effective_on <= day and (d.ends_on is None or day <= d.ends_on)]

    def limits(self, priority: str, service_clocks: Mapping[str, Any] | None) -> Limits:
        return Limits.of(Priority(priority), self.clocks, service_clocks or {})

    def calendar(self, hours: Mapping[str, Any] | None, closed_on: list[str], always_open: bool) -> Calendar:
        """The service's own hours, else the region's."""
        closed = [date.fromisoformat(day) for day in closed_on]
        return calendar_of(self.zone, hours or self.opening_hours, closed, always_open, subdivision=self.subdivision)

    def region(self) -> Calendar:
        return self.calendar(None, [], False)


_known: dict[tuple[str, UUID, int], Agenda] = {}


def agenda_of(connection: Connection, collaborative_id: UUID, version: int) -> Agenda:
    """In the caller's transaction. A version never changes, so it is kept for the life of the process."""
    key = (str(connection.engine.url), collaborative_id, version)
    if key not in _known:
        _known[key] = _read(connection, collaborative_id, version)
    return _known[key]


def current_agenda(connection: Connection, collaborative_id: UUID) -> Agenda:
    """In the caller's transaction; for the engine, whose transactions start without a person."""
    version = connection.execute(
        text("select agenda_version from collaborative where id = :id"), {"id": collaborative_id}
    ).scalar_one()
    return agenda_of(connection, collaborative_id, version)


def _read(connection: Connection, collaborative_id: UUID, version: int) -> Agenda:
    ids = {"id": collaborative_id, "version": version}
    row = connection.execute(text(_COLLABORATIVE), ids).one()
    reasons = connection.execute(text(_REASONS), ids).all()
    indicators = connection.execute(text(_INDICATORS), ids).all()
    return Agenda(
        collaborative_id,
        version,
        row.zone,
        row.subdivision,
        row.opening_hours,
        row.age_of_majority,
        row.publication_threshold,
        row.body["clocks"],
        {code: ReasonClass(reason_class) for code, reason_class in reasons},
        tuple(Dated(Indicator(str(i.id), i.code, Rule.parse(i.rule)), i.effective_on, i.ends_on) for i in indicators),
        row.backbone_id,
    )


_COLLABORATIVE = """
select c.zone, c.subdivision, c.opening_hours, c.age_of_majority, c.publication_threshold, a.body,
       (select p.organization_id from partnership p
         where p.collaborative_id = c.id and p.role = 'backbone' and (p.ends_on is null or p.ends_on >= current_date)
         order by p.starts_on limit 1) as backbone_id
  from collaborative c join agenda a on a.collaborative_id = c.id and a.version = :version
 where c.id = :id
"""
_REASONS = "select code, class from reason where collaborative_id = :id"
_INDICATORS = """
select id, code, rule, effective_on, ends_on from indicator where collaborative_id = :id order by code, version
"""
