"""How far the numbers are proven. A mark holds checksums of what was compared up to one event; the next run compares
those instead of telling every event again.

A checksum is a sum over rows, so what came after the mark can be subtracted. It guards against accidents and edits, not
against whoever can edit the mark as well: for that there is the full run, which believes no mark.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from services.counting import EVENT_COLUMNS
from services.transaction import Record
from storage.database import sqlstate

TRIES = 5
_LOCKED = "55P03"
Figure = tuple[str, str]
"""An indicator's id and a period."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Of all events up to one: how many, their sum, their touches' sum, and (entries, sum) of each figure's ledger."""

    events: int
    events_sum: Decimal
    touches_sum: Decimal
    ledger: Mapping[Figure, tuple[int, Decimal]] = field(default_factory=dict)

    def __sub__(self, later: Sums) -> Sums:
        """What is left without the later part; figures that come to nothing are left out."""
        rest = {}
        for figure, (entries, total) in self.ledger.items():
            fewer, less = later.ledger.get(figure, (0, Decimal(0)))
            if entries != fewer or total != less:
                rest[figure] = (entries - fewer, total - less)
        return Sums(
            self.events - later.events, self.events_sum - later.events_sum, self.touches_sum - later.touches_sum, rest
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """Everything up to the event `seq` was proven at `at`."""

    seq: int
    at: datetime
    sums: Sums


def horizon(record: Record) -> int | None:
    """Up to which event the record is complete: no transaction under way can still add one before it.

    None: writers did not pause long enough; then no mark is set this time.
    """
    for _ in range(TRIES):
        try:
            with record.database.transaction() as connection:
                return int(connection.execute(text("select app.horizon()")).scalar_one())
        except OperationalError as error:
            if sqlstate(error) != _LOCKED:
                raise
        time.sleep(0.2)
    return None


def last_mark(connection: Connection) -> Mark | None:
    """None if nothing was proven yet, or if another rule decides now what counts."""
    row = connection.execute(_MARK, {"basis": _basis(connection)}).first()
    if row is None:
        return None
    figures = {
        (str(f.indicator_id), f.period): (int(f.entries), Decimal(f.ledger_sum)) for f in connection.execute(_FIGURES)
    }
    return Mark(row.seq, row.at, Sums(row.events, Decimal(row.events_sum), Decimal(row.touches_sum), figures))


def sums(connection: Connection, after: int = 0) -> Sums:
    """Of all events with a higher sequence number, and of what they earned, by versions in force."""
    values = {"after": after}
    events = connection.execute(_EVENTS_SUM, values).one()
    touches = connection.execute(_TOUCHES_SUM if after else _ALL_TOUCHES_SUM, values).scalar_one()
    rows = connection.execute(_LEDGER_SUM if after else _ALL_LEDGER_SUM, values)
    ledger = {(str(row.indicator_id), row.period): (int(row.entries), Decimal(row.total)) for row in rows}
    return Sums(int(events.events), Decimal(events.total), Decimal(touches), ledger)


def rewritten(mark: Mark, now: Sums) -> list[str]:
    """What is not as it was proven; `now` are the sums up to the mark as they are today."""
    before = mark.sums
    found = []
    if (now.events, now.events_sum) != (before.events, before.events_sum):
        found.append("events")
    if now.touches_sum != before.touches_sum:
        found.append("touches")
    figures = sorted({*before.ledger, *now.ledger})
    found += [f"the ledger of {' '.join(f)}" for f in figures if before.ledger.get(f) != now.ledger.get(f)]
    return [f"changed since they were proven ({mark.at:%Y-%m-%d %H:%M} UTC): {what}" for what in found]


def set_mark(connection: Connection, seq: int, proven: Sums) -> None:
    """In place of the one before. In the caller's transaction."""
    connection.execute(text("select pg_advisory_xact_lock(7305007)"))
    connection.execute(text("delete from verified_figure"))
    connection.execute(text("delete from verified_mark"))
    values: dict[str, Any] = {"seq": seq, "basis": _basis(connection), "events": proven.events}
    connection.execute(_SET, values | {"events_sum": proven.events_sum, "touches_sum": proven.touches_sum})
    figures = [
        {"indicator": indicator, "period": period, "entries": entries, "total": total}
        for (indicator, period), (entries, total) in proven.ledger.items()
    ]
    if figures:
        connection.execute(_SET_FIGURE, figures)


def _basis(connection: Connection) -> str:
    """The rules in force and how sums are made: another basis, another mark."""
    rules = connection.execute(_RULES).all()
    made = (str(_EVENTS_SUM), str(_TOUCHES_SUM), str(_LEDGER_SUM))
    return sha256(repr((made, [tuple(row) for row in rules])).encode()).hexdigest()


def _hash(columns: str) -> str:
    """Of a row: 64 bits, as a number of any size, so that sums cannot overflow."""
    return f"cast(hashtextextended(cast(row({columns}) as text), 0) as numeric)"


_MARK = text("select seq, at, events, events_sum, touches_sum from verified_mark where basis = :basis")
_FIGURES = text("select indicator_id, period, entries, ledger_sum from verified_figure")
_RULES = text("select id, rule from indicator where standing = 'in_force' order by id")
_SET = text(
    "insert into verified_mark (seq, at, basis, events, events_sum, touches_sum)"
    " values (:seq, clock_timestamp(), :basis, :events, :events_sum, :touches_sum)"
)
_SET_FIGURE = text(
    "insert into verified_figure (indicator_id, period, entries, ledger_sum)"
    " values (:indicator, :period, :entries, :total)"
)
_EVENTS_SUM = text(
    f"select count(*) as events, coalesce(sum({_hash('e.seq, ' + EVENT_COLUMNS)}), 0) as total"
    " from event e where e.seq > :after"
)
_TOUCH = _hash("t.event_id, t.indicator_id, t.grain, t.person_id")
_ALL_TOUCHES = f"""
select coalesce(sum(t.step * {_TOUCH}), 0)
  from indicator_touch t join indicator i on i.id = t.indicator_id and i.standing = 'in_force'
"""
_ALL_TOUCHES_SUM = text(_ALL_TOUCHES)
_TOUCHES_SUM = text(f"{_ALL_TOUCHES} join event e on e.id = t.event_id where e.seq > :after")
_ENTRY = _hash("n.event_id, n.part, n.bucket, n.organization_id, n.dimensions, n.restricted")
_LEDGER = f"""
select n.indicator_id, n.period, count(*) as entries, sum(n.value * {_ENTRY}) as total
  from indicator_entry n join indicator i on i.id = n.indicator_id and i.standing = 'in_force'
"""
_ALL_LEDGER_SUM = text(f"{_LEDGER} group by 1, 2")
_LEDGER_SUM = text(f"{_LEDGER} join event e on e.id = n.event_id where e.seq > :after group by 1, 2")
