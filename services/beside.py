"""What is public of the periods that a partner asks for by group: no live answer may tell what it hides (ADR 14).

A published quarter less its live months would be what both hold back, and so would a published kind of need less its
live parts. So of a period in what is public only those groups are told live that its own snapshot shows; none, until
there is one. The parts of a kind of need are a row of their own, whose total somebody may know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from domain.groups import UNKNOWN
from services.transaction import Work


@dataclass(frozen=True, slots=True)
class Beside:
    """Of one indicator and period by one dimension; groups as they are published, partners by their id."""

    covered: bool = False
    """Something public has the period in it."""
    shown: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    """What the period's own snapshot suppresses."""
    waiting: frozenset[str] = frozenset()
    """Of whom it does not say how many wait."""

    @property
    def untold(self) -> bool:
        """No group may be told: what is public has the period in it, and the period itself is not public."""
        return self.covered and not (self.shown or self.hidden)

    def line(self, by: str, group: str) -> str:
        """Where a live group is published: needs by their kind, what no list names as unknown."""
        top = group.partition(".")[0] if by == "term" else group
        return top if not self.covered or top in self.shown | self.hidden else UNKNOWN

    def lines(self, by: str, groups: Iterable[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for group in groups:
            found.setdefault(self.line(by, group), []).append(group)
        return found


def read_beside(
    tx: Work, versions: Mapping[str, int], by: str, periods: Mapping[str, tuple[date, date]]
) -> dict[tuple[str, str], Beside]:
    """By (code, period), for each of both. `versions`: by which each indicator is told; a snapshot that tells it by
    another does not count as the period's own. `periods`: with first and last day. In the caller's transaction.
    """
    days = [day for each in periods.values() for day in each]
    rows = tx.rows(_PUBLIC, codes=list(versions), by=by, first=min(days), last=max(days)) if days else []
    return {
        (code, period): _beside([row for row in rows if row.code == code], period, version, first, last)
        for code, version in versions.items()
        for period, (first, last) in periods.items()
    }


def _beside(rows: Sequence[Any], period: str, version: int, first: date, last: date) -> Beside:
    own = [row for row in rows if row.period == period and row.version == version]
    return Beside(
        covered=any(row.starts_on <= last and row.ends_on >= first for row in rows),
        shown=frozenset(row.whose for row in own if not row.suppressed),
        hidden=frozenset(row.whose for row in own if row.suppressed),
        waiting=frozenset(row.whose for row in own if not row.waiting),
    )


# Published are the slugs of partners, live their ids.
_PUBLIC = text(
    """
with newest as materialized (
    select distinct on (p.period) p.period, p.starts_on, p.ends_on, p.body from publication p
     where p.collaborative_id = app.collaborative() and p.starts_on <= :last and p.ends_on >= :first
     order by p.period, p.version desc)
select i.one ->> 'code' as code, cast(i.one ->> 'version' as integer) as version, n.period, n.starts_on, n.ends_on,
       coalesce(cast(o.id as text), f.figure -> 'by' ->> cast(:by as text)) as whose,
       cast(f.figure ->> 'suppressed' as boolean) as suppressed, f.figure ->> 'waiting' is not null as waiting
  from newest n
 cross join lateral jsonb_array_elements(n.body -> 'indicators') as i(one)
 cross join lateral jsonb_array_elements(i.one -> 'figures') as f(figure)
  left join organization o on cast(:by as text) = 'organization' and o.slug = f.figure -> 'by' ->> 'organization'
 where i.one ->> 'code' = any(cast(:codes as text[])) and f.figure -> 'by' ? cast(:by as text)
"""
)
