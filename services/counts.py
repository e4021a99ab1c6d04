"""Reading all that a period counted, confidential work apart, for those who publish it.

The functions behind answer the backbone alone, and nothing of this leaves the process before it is suppressed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from sqlalchemy import text

from domain.groups import AGE_BANDS, ETHNICITIES, MULTIPLE, OTHER, RACES, UNKNOWN
from domain.period import months_between
from domain.span import Span
from services.transaction import Tx

Margin = tuple[str, str]
"""A dimension and a group of it; WHOLE is the region."""
WHOLE: Margin = ("", "")
Cell = tuple[str, str, Margin]
"""A count: (month or period, layer, margin)."""
ORGANIZATION = "organization"
Layers = tuple[str, ...]
WAITING: Layers = ("waiting",)
LAYERS: dict[str, Layers] = {
    "count": ("value",),
    "distinct": ("value",),
    "level": ("value",),
    "sum": ("cases",),
    "rate": ("numerator", "missed", "denominator"),
    "median": ("denominator",),
    "percentile": ("denominator",),
}
"""Counts of people and cases behind a figure: what is small among them hides it. Who still waits is hidden apart."""
_EARLIEST = "1990-01"
_PERIODICAL = frozenset({"distinct", "level"})
"""Measures whose longer periods are no sums of months."""


@dataclass(slots=True)
class Side:
    """Open or confidential work: its counts, and what else the period's figures need, such as the `largest` of its
    amounts.
    """

    counts: Counter[Cell] = field(default_factory=Counter)
    buckets: dict[Margin, Counter[int]] = field(default_factory=dict)
    amounts: Counter[Margin] = field(default_factory=Counter)
    largest: int = 0

    def count(self, span: Span, layer: str, margin: Margin, *, periodical: bool) -> int:
        """Never below zero, whatever is taken back twice."""
        names = (span.name,) if periodical else span.months
        return max(0, sum(self.counts.get((name, layer, margin), 0) for name in names))


@dataclass(slots=True)
class Figures:
    """One indicator's. `groups`: every group of every dimension by which it is published, also the empty ones."""

    row: Any
    groups: dict[str, tuple[str, ...]]
    open: Side = field(default_factory=Side)
    confidential: Side = field(default_factory=Side)
    confided: bool = False
    """Of who counts once: whether there is any confidential work, also of people who would count without it."""
    folded: Set[Margin] = frozenset()
    """Of who counts once: groups made of several that the ledger counts apart. Whoever is in two of them would count
    twice, so they are not told."""

    @property
    def measure(self) -> str:
        return str(self.row.rule["measure"])

    @property
    def periodical(self) -> bool:
        return self.measure in _PERIODICAL

    @property
    def layers(self) -> Layers:
        return LAYERS[self.measure]

    @property
    def waits(self) -> bool:
        """Whether it is known who began and still waits."""
        return self.measure in {"median", "percentile"} and "entered" in self.row.rule

    def margins(self) -> list[Margin]:
        return [WHOLE, *((name, group) for name, groups in self.groups.items() for group in groups)]

    def side(self, restricted: bool) -> Side:
        return self.confidential if restricted else self.open

    def adds_up(self) -> bool:
        """Whether every dimension's groups make the whole, on both sides; of people who count once none need to."""
        if self.measure == "distinct":
            return True
        return all(self._whole(side.counts) for side in (self.open, self.confidential))

    def _whole(self, counts: Counter[Cell]) -> bool:
        sums: Counter[tuple[str, str, str]] = Counter()
        for (period, layer, (name, _)), count in counts.items():
            sums[period, layer, name] += count
        whole = {(period, layer) for period, layer, _ in sums}
        return all(sums[*cell, name] == sums[*cell, ""] for cell in whole for name in self.groups)

    def margin(self, organization: str | None, dimensions: Mapping[str, str]) -> Margin:
        """Where a line of the totals is published; what no group names is unknown."""
        if not dimensions:
            return (ORGANIZATION, organization or UNKNOWN)
        ((name, value),) = dimensions.items()
        if name == "term":
            value = value.partition(".")[0]
        return (name, value if value in self.groups.get(name, ()) else UNKNOWN)


@dataclass(frozen=True, slots=True)
class Partners:
    """Slugs by id, and which of them are confidential: those have no line of their own anywhere."""

    slugs: Mapping[str, str]
    confidential: frozenset[str]


def partners_of(tx: Tx) -> Partners:
    rows = tx.rows(_PARTNERS)
    return Partners({str(row.id): row.slug for row in rows}, frozenset(row.slug for row in rows if row.confidential))


def read_figures(tx: Tx, indicators: Iterable[Any], span: Span, beside: Iterable[Span], agenda: Any) -> list[Figures]:
    """In the caller's transaction. `beside`: what is public of the periods that it is compared with."""
    partners = partners_of(tx)
    groups = _groups(tx, agenda, partners)
    found = {
        str(row.id): Figures(row, {name: groups[name] for name in row.rule.get("by", ()) if name in groups})
        for row in indicators
        if row.rule["measure"] in LAYERS
    }
    spans = (span, *beside)
    months = sorted({month for each in spans for month in each.months})
    names = sorted({each.name for each in spans}.union(months))
    for one in found.values():
        _read(tx, one, span, names if one.measure == "distinct" else months, partners)
    return list(found.values())


def _groups(tx: Tx, agenda: Any, partners: Partners) -> dict[str, tuple[str, ...]]:
    """Fixed lists, so that a group's mere presence says nothing."""
    named = {
        ORGANIZATION: sorted(partners.slugs.values()),
        "county": sorted(agenda.get("counties", {})),
        "term": [row.code for row in tx.rows(_TERMS)],
        "age_band": AGE_BANDS,
        "race": (*sorted(RACES), MULTIPLE),
        "ethnicity": ETHNICITIES,
        "language": (*agenda.get("languages", ()), OTHER),
    }
    return {name: (*groups, UNKNOWN) for name, groups in named.items()}


def _read(tx: Tx, one: Figures, span: Span, periods: list[str], partners: Partners) -> None:
    if one.measure == "level":
        periods = list(months_until(span.months[-1]))
    ids = [str(one.row.id)]
    rows = tx.rows(_FIGURES, ids=ids, periods=periods)
    for row in rows:
        for margin in margins_of(one, row, partners):
            _add(one, one.side(row.restricted), span, row, margin)
    if one.measure == "distinct":
        one.folded = _folded(one, rows)
        _join(tx, one, ids, periods, partners)
    if one.measure == "sum":
        for row in tx.rows(_CASES, ids=ids, periods=periods):
            for margin in margins_of(one, row, partners):
                one.side(row.restricted).counts[row.period, "cases", margin] += row.cases
        for row in tx.rows(_LARGEST, ids=ids, periods=list(span.months)):
            one.side(row.restricted).largest = row.amount


def _folded(one: Figures, rows: Iterable[Any]) -> Set[Margin]:
    parts: dict[Margin, set[str]] = {}
    for row in rows:
        if row.dimensions and row.value:
            parts.setdefault(one.margin(None, row.dimensions), set()).update(row.dimensions.values())
    return frozenset(margin for margin, groups in parts.items() if len(groups) > 1)


def months_until(last: str) -> tuple[str, ...]:
    """Of a level all that ever came and left counts, also before its definition began (ADR 11)."""
    return months_between(_EARLIEST, last)


def margins_of(one: Figures, row: Any, partners: Partners) -> list[Margin]:
    """The published margins that a line of the totals is part of."""
    if row.dimensions:
        whole_line = one.measure != "distinct" or row.organization_id is None
        return [one.margin(None, row.dimensions)] if whole_line else []
    slug = partners.slugs.get(str(row.organization_id)) if row.organization_id else None
    if one.measure == "distinct":
        return [(ORGANIZATION, slug or UNKNOWN)] if row.organization_id else [WHOLE]
    return [WHOLE, (ORGANIZATION, slug or UNKNOWN)] if ORGANIZATION in one.groups else [WHOLE]


def _add(one: Figures, side: Side, span: Span, row: Any, margin: Margin) -> None:
    value = int(row.value)
    if one.measure in {"count", "distinct"}:
        side.counts[row.period, "value", margin] += value
    elif one.measure == "level":
        sign = {"entered": 1, "left": -1}.get(row.part, 0)
        side.counts[span.name, "value", margin] += sign * value
    elif one.measure == "sum":
        if row.part == "value" and row.period in span.months:
            side.amounts[margin] += value
    elif one.measure == "rate":
        _add_rate(side, row, margin, value)
    else:
        _add_duration(side, span, row, margin, value)


def add_change(one: Figures, side: Side, span: Span, row: Any, margin: Margin) -> None:
    """What a line of the corrections changed in the counts; how long durations took is not said."""
    if one.measure == "sum":
        side.counts[row.period, "cases", margin] += row.cases if row.part == "value" else 0
    else:
        _add(one, side, span, SimpleNamespace(period=row.period, part=row.part, bucket=0, value=row.change), margin)


def _add_rate(side: Side, row: Any, margin: Margin, value: int) -> None:
    if row.part == "denominator":
        side.counts[row.period, "denominator", margin] += value
        side.counts[row.period, "missed", margin] += value
    elif row.part == "numerator":
        side.counts[row.period, "numerator", margin] += value
        side.counts[row.period, "missed", margin] -= value


def _add_duration(side: Side, span: Span, row: Any, margin: Margin, value: int) -> None:
    """Who began and neither was reached nor left is waiting."""
    side.counts[row.period, "waiting", margin] += value if row.part == "entered" else -value
    if row.part == "bucket":
        side.counts[row.period, "denominator", margin] += value
        if row.period in span.months:
            side.buckets.setdefault(margin, Counter())[row.bucket] += value


def _join(tx: Tx, one: Figures, ids: list[str], periods: list[str], partners: Partners) -> None:
    """Who has open and confidential work counts once: confidential work adds those who would not count without it."""
    together: Counter[Cell] = Counter()
    one.confided = any(one.confidential.counts.values())
    if not one.confided:
        return
    for row in tx.rows(_TOGETHER, ids=ids, periods=periods):
        for margin in margins_of(one, row, partners):
            together[row.period, "value", margin] += row.people
    one.confidential.counts.clear()
    for cell, people in together.items():
        one.confidential.counts[cell] = max(0, people - one.open.counts[cell])


_PARTNERS = text("select id, slug, confidential from organization")
_TERMS = text("select code from taxonomy_term where parent is null order by code")
_IDS = "cast(:ids as uuid[]), cast(:periods as text[])"
_FIGURES = text(f"select * from app.figures({_IDS})")
_LARGEST = text(f"select * from app.largest({_IDS})")
_TOGETHER = text(f"select * from app.people_together({_IDS})")
_CASES = text(f"select * from app.cases({_IDS})")
