"""What an event adds to the shared numbers, in the transaction of the event itself (decisions 1 and 11)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from domain.indicator import Event, Touch, earn
from domain.rule import COUNTS_AS
from services.agenda import Agenda
from services.transaction import Work


class Line(NamedTuple):
    """A key of the ledger: entries with equal keys of one event are one entry.

    `restricted`: the side of the wall on which it counts (ADR 0005). What is taken back, is taken back where it had
    counted, also where the referral has become confidential since.
    """

    indicator_id: str
    part: str
    period: str
    bucket: int
    organization_id: str | None
    dimensions: str
    restricted: bool


class Cell(NamedTuple):
    """A person in one published cell of a distinct count."""

    indicator_id: str
    grain: str
    person_id: str


Ledger = tuple[Counter[Line], Counter[Cell]]


def count(work: Work, row: dict[str, Any], given: Iterable[Mapping[str, Any]] = ()) -> None:
    """Append what the event `row` earns, and take back what the events it reverses have earned.
    In the caller's transaction.

    `given` are reversed events that the caller holds already.
    """
    reversed_rows = {str(event["id"]): event for event in given}
    missing = [each for each in row["reverses"] if str(each) not in reversed_rows]
    if missing:
        reversed_rows |= _load(work, missing)
    lines, touches = ledger(work.agenda, row, reversed_rows)
    for touch_line in flips_of(work, row["id"], touches):
        lines[touch_line[0]] += touch_line[1]
    for line, value in lines.items():
        if value:
            work.journal.entries.append(as_entry(row, line, value))


def correct(work: Work, row: Mapping[str, Any], flips: Iterable[Any]) -> None:
    """Append the difference that a link makes: (indicator_id, grain, change), each in the period where it had counted.

    In the caller's transaction; `row` is the link's event. Which side of the wall a figure is on, its grain says.
    """
    for flip in flips:
        work.journal.entries.append(as_entry(row, grain_line(str(flip.indicator_id), flip.grain), flip.change))


def ledger(agenda: Agenda, row: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> Ledger:
    """What an event is worth: what it earns itself, minus what each event that it reverses had earned itself.

    `known` holds the events named in `reverses`, by id. An event is reversed by at most one other. Pure, and the one
    place where worth is computed: counting and verifying both ask it.
    """
    lines, cells = _own(agenda, row)
    for other in row["reverses"]:
        their_lines, their_cells = _own(agenda, known[str(other)])
        lines.subtract(their_lines)
        cells.subtract(their_cells)
    return lines, cells


def _own(agenda: Agenda, row: Mapping[str, Any]) -> Ledger:
    event = _event(row)
    earned, touched = earn(agenda.indicators, event)
    restricted, groups = bool(row["restricted"]), json.dumps(dict(event.dimensions), sort_keys=True)
    lines: Counter[Line] = Counter()
    for one in earned:
        key = Line(one.indicator_id, one.part, one.period, one.bucket, one.organization_id, groups, restricted)
        lines[key] += one.value
    return lines, Counter(_cell(touch, restricted) for touch in touched)


def _cell(touch: Touch, restricted: bool) -> Cell:
    """Confidential work has cells of its own, so that an open figure says nothing about it (ADR 0005)."""
    grain = json.dumps([touch.period, touch.organization_id, dict(touch.dimensions), restricted], sort_keys=True)
    return Cell(touch.indicator_id, grain, touch.person_id)


def grain_line(indicator_id: str, grain: str) -> Line:
    """The ledger's key of a cell of a distinct count, from its text: `["2026-11", null, {"county":
    "31157"}, false]`.
    """
    period, organization_id, dimensions, restricted = json.loads(grain)
    return Line(indicator_id, "value", period, 0, organization_id, json.dumps(dimensions, sort_keys=True), restricted)


def flips_of(work: Work, event_id: Any, touches: Counter[Cell]) -> Iterable[tuple[Line, int]]:
    """Tell the record who was touched; it answers the cells in which a person began or ceased to count."""
    rows = [
        {"indicator_id": k.indicator_id, "grain": k.grain, "person_id": k.person_id, "step": step}
        for k, step in touches.items()
        if step
    ]
    if not rows:
        return []
    flips = work.rows(_TOUCH, event=event_id, touches=json.dumps(rows))
    return [(grain_line(str(f.indicator_id), f.grain), f.change) for f in flips]


def _event(row: Mapping[str, Any]) -> Event:
    """Moves made by the source for a partner that is not connected enter no scorecard of that partner (decision 20),
    and work that was finished when it was recorded says nothing about how fast anybody was."""
    absent = row["on_behalf_of"] is not None
    return Event(
        id=str(row["id"]),
        kind=COUNTS_AS.get(row["kind"], row["kind"]),
        day=row["day"] if isinstance(row["day"], date) else date.fromisoformat(row["day"]),
        organization_id=None if absent else _text(row["organization_id"]),
        source_organization_id=str(row["source_organization_id"]),
        person_id=_text(row["person_id"]),
        household_key=_text(row["household_key"]),
        settled=row["settled"],
        facts=row["facts"] | {name: row[name] for name in _MOVE if row[name] is not None},
        timed=not absent and not row["facts"].get("finished"),
        dimensions=row["dimensions"],
    )


def _text(value: UUID | str | None) -> str | None:
    return None if value is None else str(value)


def as_entry(row: Mapping[str, Any], line: Line, value: int) -> dict[str, Any]:
    return {
        "event_id": row["id"],
        "collaborative_id": row["collaborative_id"],
        "indicator_id": line.indicator_id,
        "part": line.part,
        "period": line.period,
        "bucket": line.bucket,
        "organization_id": line.organization_id,
        "dimensions": json.loads(line.dimensions),
        "restricted": line.restricted,
        "value": value,
    }


def _load(work: Work, ids: Iterable[Any]) -> dict[str, Mapping[str, Any]]:
    """Events by id: the record's, and those of this very transaction, which are not written yet."""
    known: dict[str, Mapping[str, Any]] = {str(row["id"]): row for row in work.journal.events}
    known.update({str(r.id): dict(r._mapping) for r in work.rows(_EVENTS, ids=[str(i) for i in ids])})
    return known


_MOVE = ("from_state", "to_state", "reason")
"""Columns of an event that rules ask for like its facts."""
_TOUCH = text("select * from app.touch(:event, cast(:touches as jsonb))")
EVENT_COLUMNS = (
    "e.id, e.collaborative_id, e.kind, e.day, e.organization_id, e.source_organization_id, e.person_id, e.settled,"
    " e.facts,"
    " e.dimensions, e.reverses, e.restricted, e.on_behalf_of, e.household_key, e.from_state, e.to_state, e.reason"
)
_EVENTS = text(f"select {EVENT_COLUMNS} from event e where e.id = any(cast(:ids as uuid[]))")
