"""Proving the numbers: what all events earn = the ledger = the totals, to the entry."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from domain.person import LINKED, REVOKED, Links
from domain.rule import Rule
from services.agenda import Agenda, current_agenda
from services.counting import EVENT_COLUMNS, Cell, Line, grain_line, ledger
from services.margins import SPLIT
from services.transaction import Record

Progressed = Callable[[int, int], None]


@dataclass(slots=True)
class Verification:
    """How much was compared and every difference, as sentences (ids and codes only)."""

    events: int = 0
    entries: int = 0
    totals: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.differences


def verify_indicators(record: Record, progressed: Progressed = lambda _done, _total: None) -> Verification:
    """Recompute everything from events, in one consistent snapshot; writers go on meanwhile."""
    found = Verification()
    with record.database.snapshot() as connection:
        rules = {str(row.id): Rule.parse(row.rule) for row in connection.execute(_RULES)}
        earned, lives = _recompute(connection, found, progressed)
        earned = _of(rules, earned)
        _compare(found, earned, _of(rules, _lines(connection, _ENTRIES)), "the ledger")
        _compare(found, _margins(rules, earned), _of(rules, _lines(connection, _TOTALS)), "the totals")
        _compare_lives(found, lives, connection, rules)
        found.entries = connection.execute(text("select count(*) from indicator_entry")).scalar_one()
        found.totals = connection.execute(text("select count(*) from indicator_total")).scalar_one()
    return found


def _recompute(
    connection: Connection, found: Verification, progressed: Progressed
) -> tuple[Counter[tuple[Line, bool]], Counter[Cell]]:
    total = connection.execute(text("select count(*) from event")).scalar_one()
    known = {str(row.id): dict(row._mapping) for row in connection.execute(_REVERSED)}
    agendas: dict[UUID, Agenda] = {}
    earned: Counter[tuple[Line, bool]] = Counter()
    lives: Counter[Cell] = Counter()
    links = Links()
    for row in _events(connection):
        agenda = agendas.get(row["collaborative_id"]) or current_agenda(connection, row["collaborative_id"])
        agendas[row["collaborative_id"]] = agenda
        lines, cells = ledger(agenda, row, known)
        for line, value in lines.items():
            earned[line, row["restricted"]] += value
        for cell, step in cells.items():
            lives[cell] += step
        if row["kind"] in (LINKED, REVOKED):
            links.hear(str(row["collaborative_id"]), row["kind"], row["restricted"], row["facts"])
        found.events += 1
        if found.events % 500 == 0 or found.events == total:
            progressed(found.events, total)
    aliases = links.aliases()
    _compare_aliases(found, aliases, connection)
    places = {str(row.id): str(row.collaborative_id) for row in connection.execute(_PLACES)}
    for indicator_id, grain, _ in _people(lives, aliases, places):
        earned[grain_line(indicator_id, grain), json.loads(grain)[3]] += 1
    return earned, lives


def _people(
    lives: Counter[Cell], aliases: Mapping[tuple[str, bool, str], str], places: Mapping[str, str]
) -> set[tuple[str, str, str]]:
    """(indicator, grain, who): all that count, each once, however many of their records were touched."""
    found = set()
    for cell, touches in lives.items():
        if touches > 0:
            key = (places[cell.indicator_id], json.loads(cell.grain)[3], cell.person_id)
            found.add((cell.indicator_id, cell.grain, aliases.get(key, cell.person_id)))
    return found


def _events(connection: Connection) -> Iterator[Mapping[str, Any]]:
    """In order of sequence; the order of two concurrent events does not change what they are worth together."""
    seq = 0
    while rows := connection.execute(_BATCH, {"seq": seq}).all():
        for row in rows:
            yield dict(row._mapping)
        seq = rows[-1].seq


def _lines(connection: Connection, statement: Any) -> Counter[tuple[Line, bool]]:
    lines: Counter[tuple[Line, bool]] = Counter()
    for row in connection.execute(statement):
        organization = None if row.organization_id is None else str(row.organization_id)
        dimensions = json.dumps(row.dimensions, sort_keys=True)
        line = Line(str(row.indicator_id), row.part, row.period, row.bucket, organization, dimensions)
        lines[line, row.restricted] += int(row.value)
    return lines


def _of(rules: Mapping[str, Rule], lines: Counter[tuple[Line, bool]]) -> Counter[tuple[Line, bool]]:
    """Those of versions in force: a version whose history is still being added is proved once it is complete."""
    return Counter({key: value for key, value in lines.items() if key[0].indicator_id in rules})


def _margins(rules: Mapping[str, Rule], earned: Counter[tuple[Line, bool]]) -> Counter[tuple[Line, bool]]:
    """What the ledger's lines come to in the totals."""
    margins: Counter[tuple[Line, bool]] = Counter()
    for (line, restricted), value in earned.items():
        for dimensions in rules[line.indicator_id].margins(json.loads(line.dimensions)):
            margins[replace(line, dimensions=json.dumps(dimensions, sort_keys=True)), restricted] += value
    return margins


def _compare(
    found: Verification, right: Counter[tuple[Line, bool]], other: Counter[tuple[Line, bool]], where: str
) -> None:
    for key in _either(right, other):
        if right[key] != other[key]:
            line = key[0]
            found.differences.append(
                f"{where}: {line.indicator_id} {line.period} {line.part} {line.organization_id or '-'}"
                f" {line.dimensions}"
                f" says {other[key]}, the events say {right[key]}"
            )


def _either(one: Iterable[Any], other: Iterable[Any]) -> Iterable[Any]:
    return dict.fromkeys([*one, *other])


def _compare_aliases(found: Verification, right: Mapping[tuple[str, bool, str], str], connection: Connection) -> None:
    stored = {
        (str(row.collaborative_id), row.restricted, str(row.person_id)): str(row.canonical_id)
        for row in connection.execute(_ALIASES)
    }
    for key in _either(right, stored):
        if right.get(key) != stored.get(key):
            found.differences.append(f"links: {key[2]} stands for {stored.get(key)}, the events say {right.get(key)}")


def _compare_lives(
    found: Verification, lives: Counter[Cell], connection: Connection, rules: Mapping[str, Rule]
) -> None:
    stored: Counter[Cell] = Counter()
    for row in connection.execute(_LIVE):
        stored[Cell(str(row.indicator_id), row.grain, str(row.person_id))] = row.touches
    for cell in _either(lives, stored):
        if cell.indicator_id in rules and lives[cell] != stored[cell]:
            found.differences.append(
                f"distinct: {cell.indicator_id} {cell.grain} has {stored[cell]} touches, not {lives[cell]}"
            )


_BATCH = text(f"select e.seq, {EVENT_COLUMNS} from event e where e.seq > :seq order by e.seq limit 5000")
_REVERSED = text(
    f"""
select {EVENT_COLUMNS} from event e where e.id in (
    select cast(x.id as uuid) from event r cross join lateral jsonb_array_elements_text(r.reverses) as x(id)
     where r.reverses <> '[]')
"""
)
_KEY = "indicator_id, part, period, bucket, organization_id, dimensions, restricted"
_ENTRIES = text(f"select {_KEY}, sum(value) as value from indicator_entry group by {_KEY}")
_TOTALS = text(
    f"""
select {_KEY}, value from indicator_total
union all
select {", ".join(("m." if name == "dimensions" else "e.") + name for name in _KEY.split(", "))}, e.value
  from entry_unfolded u join indicator_entry e on e.id = u.entry_id join indicator i on i.id = e.indicator_id {SPLIT}
"""
)
_RULES = text("select id, rule from indicator where standing = 'in_force'")
_LIVE = text("select indicator_id, grain, person_id, touches from indicator_live")
_ALIASES = text("select collaborative_id, restricted, person_id, canonical_id from person_alias")
_PLACES = text("select id, collaborative_id from indicator")
