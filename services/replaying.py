"""A new version of a definition: what it would have said of all that happened, and taking it over.

Every version in force counts everything that happens, also what happened long before its day; which version tells a
period follows from its day alone. So taking over only ever adds: nothing that was counted before is corrected, and old
figures stay reproducible (ADR 0011).
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, text

from domain.indicator import Indicator
from domain.period import MONTH, Grain
from domain.rule import Rule
from services.agenda import Agenda, current_agenda
from services.counting import Cell, Ledger, Line, as_entry, flips_of, ledger
from services.figures import Asked, series
from services.indicators import region_figures
from services.journal import Journal
from services.recounting import NOBODY, Progressed, batches, taken_back
from services.refusals import NotVisible
from services.stewarding import stewarding
from services.transaction import Record, Work, by_engine

CHUNK = 100
"""So many events in one transaction: writers who touch the same person wait no longer than that."""


@dataclass(frozen=True, slots=True)
class Change:
    """The region's open figure of one period: as it stands, and as the version says it. Confidential work is in
    neither: beside the live figure, which leaves it out, it would tell how much of it there is (decision 19)."""

    period: str
    stands: float | None
    would: float | None


@dataclass(slots=True)
class Replay:
    """What the version would say; it will tell the periods from `from_period` on."""

    code: str
    version: int
    standing: str
    events: int = 0
    changes: list[Change] = field(default_factory=list)
    from_period: str = ""


@dataclass(frozen=True, slots=True)
class _Candidate:
    id: str
    rule: Rule
    collaborative_id: Any
    standing: str
    effective_on: Any


def replay(record: Record, code: str, version: int, progressed: Progressed = NOBODY) -> Replay:
    """Recompute the version over all history, in one consistent snapshot. Changes nothing. Raises NotVisible."""
    with record.database.snapshot() as connection:
        one = _candidate(connection, code, version)
        grain = one.rule.told_by
        found = Replay(code, version, one.standing, from_period=grain.holding(one.effective_on))
        agenda = current_agenda(connection, one.collaborative_id)
        lines: Counter[Line] = Counter()
        touched: Counter[Cell] = Counter()
        for earned, cells in _worth(connection, agenda, one, code, progressed):
            found.events += 1
            lines.update(earned)
            touched.update(cells)
        connection.execute(_HERE, {"id": str(one.collaborative_id)})
        work = Work(connection=connection, agenda=agenda, now=connection.execute(text("select now()")).scalar_one())
        would = {p.period: p.value for p in _figures(connection, one, lines, touched, work)}
        stands = {p.period: p.value for p in region_figures(work, code, grain)}
        for period in sorted({*would, *stands}):
            found.changes.append(Change(period, stands.get(period), would.get(period)))
    return found


def take_over(record: Record, admin_url: str, code: str, version: int, progressed: Progressed = NOBODY) -> int:
    """Make the version count; answers how many events it had to count back. A repeat finds nothing to do.

    Safe while writers write, and to be repeated after a crash: whoever begins now counts by the version; those who
    began before are waited for; then every event that lacks it is counted back. `admin_url` may become the steward.
    """
    with record.database.transaction() as connection:
        one = _candidate(connection, code, version)
    if one.standing == "in_force":
        return 0
    _stand(admin_url, one.id, "counting")
    _wait_for_those_before(record)
    counted = _count_back(record, one, code, progressed)
    _stand(admin_url, one.id, "in_force")
    return counted


def _candidate(connection: Connection, code: str, version: int) -> _Candidate:
    row = connection.execute(_VERSION, {"code": code, "version": version}).first()
    if row is None:
        raise NotVisible
    return _Candidate(str(row.id), Rule.parse(row.rule), row.collaborative_id, row.standing, row.effective_on)


def _worth(
    connection: Connection, agenda: Agenda, one: _Candidate, code: str, progressed: Progressed
) -> Iterator[Ledger]:
    """Every event of the collaborative, and what it is worth under this version alone."""
    alone = replace(agenda, indicators=(Indicator(one.id, code, one.rule),))
    total, done = connection.execute(_COUNT).scalar_one(), 0
    for rows in batches(connection, 0):
        known = taken_back(connection, rows)
        for row in rows:
            if row["collaborative_id"] == one.collaborative_id:
                yield ledger(alone, row, known)
        done += len(rows)
        progressed(min(done, total), total)


def _figures(
    connection: Connection, one: _Candidate, lines: Counter[Line], touched: Counter[Cell], work: Work
) -> list[Any]:
    """The region's open figures from recomputed lines; of a distinct count from who was touched, each person once."""
    grain = one.rule.told_by
    rows = [_Row(line.period, line.part, line.bucket, n) for line, n in lines.items() if not line.restricted]
    if one.rule.distinct:
        rows = list(_people(connection, one, touched, grain))
    today = MONTH.holding(work.agenda.region().local_date(work.now))
    return series(one.rule, rows, Asked(grain), today)


@dataclass(frozen=True, slots=True)
class _Row:
    period: str
    part: str
    bucket: int
    value: int
    by: str | None = None


def _people(connection: Connection, one: _Candidate, touched: Counter[Cell], grain: Grain) -> Iterator[_Row]:
    found = connection.execute(_ALIASES, {"id": one.collaborative_id})
    stands_for = {str(row.person_id): str(row.canonical_id) for row in found}
    people: dict[str, set[str]] = defaultdict(set)
    for cell, touches in touched.items():
        period, organization, dimensions, restricted = json.loads(cell.grain)
        if touches > 0 and not restricted and organization is None and not dimensions and grain.names(period):
            people[period].add(stands_for.get(cell.person_id, cell.person_id))
    for period, persons in people.items():
        yield _Row(period, "value", 0, len(persons))


def _stand(admin_url: str, indicator_id: str, standing: str) -> None:
    with stewarding(admin_url) as connection:
        connection.execute(_STAND, {"id": indicator_id, "standing": standing})


def _wait_for_those_before(record: Record) -> None:
    """Until every transaction that may have read the agenda before it changed has ended. It costs writers nothing."""
    with record.database.transaction() as connection:
        before = set(connection.execute(_RUNNING).scalars())
    while before:
        time.sleep(0.05)
        with record.database.transaction() as connection:
            before &= set(connection.execute(_RUNNING).scalars())


def _count_back(record: Record, one: _Candidate, code: str, progressed: Progressed) -> int:
    with record.database.transaction() as connection:
        total, last = connection.execute(_SPAN).one()
    counted = done = after = 0
    while after < last:
        step = by_engine(record, partial(_count_chunk, one=one, code=code, after=after))
        if step.events == 0:
            break
        counted, done, after = counted + step.counted, done + step.events, step.last
        progressed(min(done, total), total)
    return counted


@dataclass(frozen=True, slots=True)
class _Step:
    events: int
    counted: int
    last: int


def _count_chunk(connection: Connection, one: _Candidate, code: str, after: int) -> tuple[_Step, Journal]:
    """Of the next events those that lack the version; whoever else does the same waits."""
    connection.execute(text("select pg_advisory_xact_lock(7305011)"))
    agenda = current_agenda(connection, one.collaborative_id)
    alone = replace(agenda, indicators=(Indicator(one.id, code, one.rule),))
    rows = next(batches(connection, after, CHUNK), [])
    if not rows:
        return _Step(0, 0, after), Journal()
    known = taken_back(connection, rows)
    work = Work(connection=connection, agenda=alone, now=connection.execute(text("select now()")).scalar_one())
    had = set(connection.execute(_HAD, {"id": one.id, "ids": [str(row["id"]) for row in rows]}).scalars())
    counted = 0
    for row in rows:
        if row["collaborative_id"] == one.collaborative_id and row["id"] not in had:
            counted += _count_event(work, row, *ledger(alone, row, known))
    return _Step(len(rows), counted, rows[-1]["seq"]), work.journal


def _count_event(work: Work, row: dict[str, Any], lines: Counter[Line], cells: Counter[Cell]) -> int:
    """Its entries are written late, and nothing else: the event is what it was."""
    for line, change in flips_of(work, row["id"], cells):
        lines[line] += change
    entries = [as_entry(row, line, value) for line, value in lines.items() if value]
    work.journal.entries += entries
    return int(bool(entries))


_VERSION = text(
    "select id, collaborative_id, rule, standing, effective_on from indicator where code = :code and version = :version"
)
_COUNT = text("select count(*) from event")
_SPAN = text("select count(*), coalesce(max(seq), 0) from event")
_HERE = text("select set_config('app.collaborative', :id, true)")
_ALIASES = text("select person_id, canonical_id from person_alias where collaborative_id = :id and not restricted")
_STAND = text("update indicator set standing = :standing where id = :id and standing <> :standing")
_HAD = text(
    "select event_id from indicator_entry where indicator_id = :id and event_id = any(cast(:ids as uuid[]))"
    " union select event_id from indicator_touch where indicator_id = :id and event_id = any(cast(:ids as uuid[]))"
)
# Every transaction holds a lock on its own virtual id until it ends, and everybody may see that it does.
_RUNNING = text(
    """
select l.virtualtransaction from pg_locks l join pg_stat_activity a on a.pid = l.pid
 where l.locktype = 'virtualxid' and l.mode = 'ExclusiveLock' and l.pid <> pg_backend_pid()
   and a.datname = current_database() and a.usename in ('concert_api', 'concert_engine')
"""
)
