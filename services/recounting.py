"""What events are worth, told again from the events alone, and compared with what was written beside each of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from domain.rule import Rule
from services.agenda import Agenda, current_agenda
from services.counting import EVENT_COLUMNS, Cell, Line, ledger

BATCH = 2000
Progressed = Callable[[int, int], None]
NOBODY: Progressed = lambda _done, _total: None  # noqa: E731 - who asks for no progress


def recount(connection: Connection, after: int, progressed: Progressed) -> Iterator[list[str]]:
    """Every event after that sequence number, in batches: one list of differences for each event.

    Of versions in force only: one whose history is still being added is proved once it is complete. What a distinct
    count entered depends on other events too; here only its touches are compared, `verifying` does the rest.
    """
    rules = {str(row.id): Rule.parse(row.rule) for row in connection.execute(_RULES)}
    total = connection.execute(_COUNT, {"after": after}).scalar_one()
    agendas: dict[UUID, Agenda] = {}
    done = 0
    for rows in batches(connection, after):
        known = taken_back(connection, rows)
        span = {"first": rows[0]["seq"], "last": rows[-1]["seq"]}
        entered, touched = _entered(connection, rules, span), _touched(connection, rules, span)
        for row in rows:
            place = row["collaborative_id"]
            agenda = agendas.setdefault(place, agendas.get(place) or current_agenda(connection, place))
            lines, cells = ledger(agenda, row, known)
            yield [
                *_differ(row["id"], _additive(rules, lines), entered.get(row["id"], Counter())),
                *_moved(row["id"], _in_force(rules, cells), touched.get(row["id"], Counter())),
            ]
        done += len(rows)
        progressed(done, total)


def _additive(rules: Mapping[str, Rule], lines: Counter[Line]) -> Counter[Line]:
    return Counter({line: value for line, value in lines.items() if line.indicator_id in rules})


def _in_force(rules: Mapping[str, Rule], cells: Counter[Cell]) -> Counter[Cell]:
    return Counter({cell: step for cell, step in cells.items() if cell.indicator_id in rules})


def _differ(event_id: UUID, right: Counter[Line], other: Counter[Line]) -> list[str]:
    return [
        f"the ledger: {told(key)} says {other[key]} for event {event_id}, it earns {right[key]}"
        for key in either(right, other)
        if right[key] != other[key]
    ]


def _moved(event_id: UUID, right: Counter[Cell], other: Counter[Cell]) -> list[str]:
    return [
        f"the touches: {cell.indicator_id} {cell.grain} has {other[cell]} by event {event_id}, not {right[cell]}"
        for cell in either(right, other)
        if right[cell] != other[cell]
    ]


def told(line: Line) -> str:
    wall = " (confidential)" if line.restricted else ""
    bucket = f" {line.bucket}" if line.bucket else ""
    owner = line.organization_id or "-"
    return f"{line.indicator_id} {line.period} {line.part}{bucket} {owner} {line.dimensions}{wall}"


def either(one: Iterable[Any], other: Iterable[Any]) -> Iterable[Any]:
    return dict.fromkeys([*one, *other])


def line_of(row: Any) -> Line:
    """Of a row whose ids and groups are text."""
    groups = _written(row.dimensions)
    return Line(row.indicator_id, row.part, row.period, row.bucket, row.organization_id, groups, row.restricted)


@lru_cache(4096)
def _written(dimensions: str) -> str:
    """As the ledger's keys write them; Postgres orders them in another way. The same few come again and again."""
    return json.dumps(json.loads(dimensions), sort_keys=True)


def batches(connection: Connection, after: int, most: int = BATCH) -> Iterator[list[dict[str, Any]]]:
    """In order of sequence, equal ones together; the order of concurrent events does not change what they are worth
    together.
    """
    while rows := connection.execute(_EVENTS, {"after": after, "most": most}).all():
        yield [dict(row._mapping) for row in rows]
        after = rows[-1].seq


def taken_back(connection: Connection, rows: list[dict[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The events that these take back, by id."""
    ids = [each for row in rows for each in row["reverses"]]
    found = connection.execute(_BY_ID, {"ids": ids}) if ids else ()
    return {str(row.id): dict(row._mapping) for row in found}


def _entered(connection: Connection, rules: Mapping[str, Rule], span: dict[str, int]) -> dict[UUID, Counter[Line]]:
    entered: dict[UUID, Counter[Line]] = {}
    for row in connection.execute(_ENTRIES, span):
        rule = rules.get(row.indicator_id)
        if rule is not None and not rule.distinct:
            entered.setdefault(row.event_id, Counter())[line_of(row)] += int(row.value)
    return entered


def _touched(connection: Connection, rules: Mapping[str, Rule], span: dict[str, int]) -> dict[UUID, Counter[Cell]]:
    touched: dict[UUID, Counter[Cell]] = {}
    for row in connection.execute(_TOUCHES, span):
        if row.indicator_id in rules:
            cell = Cell(row.indicator_id, row.grain, row.person_id)
            touched.setdefault(row.event_id, Counter())[cell] += row.step
    return touched


_RULES = text("select id, rule from indicator where standing = 'in_force'")
_COUNT = text("select count(*) from event where seq > :after")
_EVENTS = text(
    f"select e.seq, {EVENT_COLUMNS} from event e where e.seq > :after order by e.seq fetch first (:most) rows with ties"
)
_BY_ID = text(f"select {EVENT_COLUMNS} from event e where e.id = any(cast(:ids as uuid[]))")
_ENTRIES = text(
    """
select n.event_id, cast(n.indicator_id as text) as indicator_id, n.part, n.period, n.bucket,
       cast(n.organization_id as text) as organization_id, cast(n.dimensions as text) as dimensions, n.restricted,
       n.value
  from event e join indicator_entry n on n.event_id = e.id where e.seq between :first and :last
"""
)
_TOUCHES = text(
    """
select t.event_id, cast(t.indicator_id as text) as indicator_id, t.grain, cast(t.person_id as text) as person_id,
       t.step
  from event e join indicator_touch t on t.event_id = e.id where e.seq between :first and :last
"""
)
