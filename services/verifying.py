"""Proving the numbers: what all events earn = the ledger = the totals, to the entry.

In full, every event is told again. In steps, those before the last mark are compared by checksum and only later ones
are told again; how ledger, touches, links and totals fit together is compared whole each time, by Postgres.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from domain.person import Links
from services.margins import OF_REGION, SPLIT
from services.proofs import Mark, Sums, horizon, last_mark, rewritten, set_mark, sums
from services.recounting import NOBODY, Progressed, either, line_of, recount, told
from services.transaction import Record


@dataclass(slots=True)
class Verification:
    """How much was compared and every difference, as sentences (ids and codes only).

    `events` were told again, `before` are those that a mark from `since` vouches for. `marked`: a new mark was set.
    """

    events: int = 0
    before: int = 0
    entries: int = 0
    totals: int = 0
    since: datetime | None = None
    marked: bool = False
    differences: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.differences

    def as_dict(self) -> dict[str, Any]:
        return {"holds": self.holds, **asdict(self)}


def verify_indicators(record: Record, progressed: Progressed = NOBODY) -> Verification:
    """Recompute everything from events, in one consistent snapshot; writers go on meanwhile. Leaves no mark."""
    with record.database.snapshot() as connection:
        return verify_since(connection, None, progressed)


def prove_indicators(record: Record, progressed: Progressed = NOBODY, *, full: bool = False) -> Verification:
    """As far as the last mark by its checksums, from there event by event; if all holds, a new mark is set.

    Where a checksum disagrees, everything is recomputed, so that the differences are exact.
    """
    complete = horizon(record)
    with record.database.snapshot() as connection:
        mark = None if full else last_mark(connection)
        everything = sums(connection)
        changed = rewritten(mark, everything - sums(connection, mark.seq)) if mark else []
        found = verify_since(connection, None if changed else mark, progressed)
        found.differences[:0] = changed
        proven = everything - sums(connection, complete) if complete is not None else None
    if found.holds and proven is not None and complete is not None:
        found.marked = _mark(record, complete, proven)
    return found


def _mark(record: Record, seq: int, proven: Sums) -> bool:
    with record.database.transaction() as connection:
        set_mark(connection, seq, proven)
    return True


def verify_since(connection: Connection, mark: Mark | None, progressed: Progressed = NOBODY) -> Verification:
    """Every event after the mark (None: every event), and all totals. In the caller's snapshot."""
    found = Verification()
    if mark is not None:
        found.before, found.since = mark.sums.events, mark.at
    for differences in recount(connection, mark.seq if mark else 0, progressed):
        found.events += 1
        found.differences += differences
    found.differences += [
        *_totals(connection),
        *_region(connection),
        *_groups(connection),
        *_lives(connection),
        *_aliases(connection),
        *_people(connection),
    ]
    found.entries = connection.execute(text("select count(*) from indicator_entry")).scalar_one()
    found.totals = connection.execute(text("select count(*) from indicator_total")).scalar_one()
    return found


def _totals(connection: Connection) -> Iterator[str]:
    for row in connection.execute(_TOTALS):
        yield f"the totals: {told(line_of(row))} says {row.said}, the ledger says {row.right}"


def _region(connection: Connection) -> Iterator[str]:
    for row in connection.execute(_REGION):
        what = f"{row.indicator_id} {row.period} {row.part} {row.dimensions}"
        yield f"the totals: the region's {what} says {row.said}, the totals of its partners {row.right}"


def _groups(connection: Connection) -> Iterator[str]:
    for row in connection.execute(_GROUPS):
        what = f"{row.indicator_id} {row.period} {row.part} {row.bucket} of {row.organization_id or 'the region'}"
        yield f"the groups: {what} by {row.name} add up to {row.grouped}, their total is {row.whole}"


def _lives(connection: Connection) -> Iterator[str]:
    for row in connection.execute(_LIVES):
        yield f"distinct: {row.indicator_id} {row.grain} has {row.said} touches of one person, not {row.right}"


def _people(connection: Connection) -> Iterator[str]:
    for row in connection.execute(_PEOPLE):
        yield f"the ledger: {told(line_of(row))} says {row.said} people, those who were touched are {row.right}"


def _aliases(connection: Connection) -> Iterator[str]:
    """Who stands for whom, by the links that hold."""
    links = Links()
    for row in connection.execute(_LINKS):
        links.hear(str(row.collaborative_id), row.kind, row.restricted, row.facts)
    right: Mapping[Any, str] = links.aliases()
    stored = {
        (str(row.collaborative_id), row.restricted, str(row.person_id)): str(row.canonical_id)
        for row in connection.execute(_ALIASES)
    }
    for key in either(right, stored):
        if right.get(key) != stored.get(key):
            yield f"links: {key[2]} stands for {stored.get(key)}, the events say {right.get(key)}"


_KEY = "indicator_id, part, period, bucket, organization_id, dimensions, restricted"
_AS_TEXT = (
    "cast(indicator_id as text) as indicator_id, part, period, bucket,"
    " cast(organization_id as text) as organization_id, cast(dimensions as text) as dimensions, restricted"
)


def _of(alias: str, dimensions: str) -> str:
    names = [f"{dimensions}.{name}" if name == "dimensions" else f"{alias}.{name}" for name in _KEY.split(", ")]
    return ", ".join(names)


_IN_FORCE = "join indicator i on i.id = {}.indicator_id and i.standing = 'in_force'"
# Entries that are not folded yet stand on both sides: leave them out of both.
_TOTALS = text(
    f"""
select {_AS_TEXT}, sum(said) as said, sum(right_) as right from (
    select {_of("t", "t")}, t.value as said, 0 as right_ from indicator_total t {_IN_FORCE.format("t")}
    union all
    select {_of("e", "m")}, 0, e.value from indicator_entry e {_IN_FORCE.format("e")} {SPLIT}
     where not exists (select from entry_unfolded u where u.entry_id = e.id)) x
 group by {_KEY} having sum(said) <> sum(right_)
"""
)
# Proven against the totals of the owners, which are proven against the ledger.
_REGION = text(
    f"""
select indicator_id, period, part, bucket, dimensions, sum(said) as said, sum(right_) as right from (
    select t.indicator_id, t.period, t.part, t.bucket, t.dimensions, t.value as said, 0 as right_
      from region_total t {_IN_FORCE.format("t")}
    union all
    select e.indicator_id, e.period, e.part, e.bucket, e.dimensions, 0, e.value
      from indicator_total e {_IN_FORCE.format("e")} where {OF_REGION}) x
 group by 1, 2, 3, 4, 5 having sum(said) <> sum(right_)
"""
)
# Each dimension's groups make the whole. People count once in each cell: there every cell is proven by itself.
_GROUPS = text(
    f"""
select t.indicator_id, t.period, t.part, t.bucket, t.organization_id, b.name,
       coalesce(sum(t.value) filter (where t.dimensions = '{{}}'), 0) as whole,
       coalesce(sum(t.value) filter (where t.dimensions ? b.name), 0) as grouped
  from indicator_total t {_IN_FORCE.format("t")} and i.rule ->> 'measure' <> 'distinct'
 cross join lateral jsonb_array_elements_text(coalesce(i.rule -> 'by', '[]')) as b(name)
 where b.name <> 'organization'
 group by t.indicator_id, t.period, t.part, t.bucket, t.organization_id, t.restricted, b.name
having coalesce(sum(t.value) filter (where t.dimensions = '{{}}'), 0)
    <> coalesce(sum(t.value) filter (where t.dimensions ? b.name), 0)
"""
)
_LIVES = text(
    f"""
select indicator_id, grain, sum(said) as said, sum(right_) as right from (
    select l.indicator_id, l.grain, l.person_id, l.touches as said, 0 as right_
      from indicator_live l {_IN_FORCE.format("l")}
    union all
    select t.indicator_id, t.grain, t.person_id, 0, t.step from indicator_touch t {_IN_FORCE.format("t")}) x
 group by indicator_id, grain, person_id having sum(said) <> sum(right_)
"""
)
# A grain's text is the key of its cell: ["2026-11", null, {{"county": "31157"}}, false].
_PEOPLE = text(
    f"""
select {_AS_TEXT}, sum(said) as said, sum(right_) as right from (
    select e.indicator_id, e.part, e.period, e.bucket, e.organization_id, e.dimensions, e.restricted, e.value as said,
           0 as right_
      from indicator_entry e {_IN_FORCE.format("e")} and i.rule ->> 'measure' = 'distinct'
    union all
    select c.indicator_id, 'value', c.cell ->> 0, 0, cast(c.cell ->> 1 as uuid), c.cell -> 2,
           cast(c.cell ->> 3 as boolean), 0, c.people
      from (
        select l.indicator_id, cast(l.grain as jsonb) as cell,
               count(distinct coalesce(a.canonical_id, l.person_id)) as people
          from indicator_live l {_IN_FORCE.format("l")}
          left join person_alias a on a.person_id = l.person_id and a.collaborative_id = i.collaborative_id
                                  and a.restricted = cast(cast(l.grain as jsonb) ->> 3 as boolean)
         where l.touches > 0
         group by 1, 2) c) x
 group by {_KEY} having sum(said) <> sum(right_)
"""
)
_LINKS = text(
    """
select collaborative_id, kind, restricted, facts from event
 where kind in ('clients_linked', 'link_revoked') order by seq
"""
)
_ALIASES = text("select collaborative_id, restricted, person_id, canonical_id from person_alias")
