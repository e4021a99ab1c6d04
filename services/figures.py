"""From lines of the totals to figures. Pure: what a line means is its indicator's rule."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.groups import DIMENSIONS, SENSITIVE, UNKNOWN
from domain.period import MONTH, Grain, first_day, months_between
from domain.rule import Rule
from services.measure_shapes import Point

Parts = Counter[tuple[str, int]]
"""(part, bucket) → sum."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which figures: `grain` None is one figure for the whole range. `start` and `end` are months, both included.
    The groups in `as_one` are told together.
    """

    grain: Grain | None = MONTH
    by: str | None = None
    start: str | None = None
    end: str | None = None
    as_one: frozenset[str] = frozenset()

    def group(self, value: str | None) -> str:
        return UNKNOWN if value is None else SENSITIVE if value in self.as_one else value

    def label(self, month: str) -> str:
        if self.grain is None:
            return f"{self.start}..{self.end}"
        return self.grain.holding(first_day(month))

    def holds(self, month: str) -> bool:
        return (self.start or "") <= month <= (self.end or "~")


@dataclass(slots=True)
class _Cells:
    """What is summed: by period and label of the group asked for."""

    of: dict[tuple[str, str], Parts] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, period: str, group: str, row: Any) -> None:
        self.of[period, group][row.part, row.bucket] += int(row.value)


def series(rule: Rule, rows: Iterable[Any], asked: Asked, today: str) -> list[Point]:
    """`rows` have period, part, bucket, by and value; `today` is the running month, until which a level is carried."""
    cells = _Cells()
    if rule.measure == "level":
        _carry(cells, rows, asked, today)
    else:
        for row in rows:
            if rule.distinct or asked.holds(row.period):
                cells.add(row.period if rule.distinct else asked.label(row.period), asked.group(row.by), row)
    if asked.by in DIMENSIONS:
        for period in {period for period, _ in cells.of}:
            cells.of[period, UNKNOWN] += Counter()
    return [_point(rule, *cell, cells.of[cell], asked.by) for cell in sorted(cells.of)]


def _carry(cells: _Cells, rows: Iterable[Any], asked: Asked, today: str) -> None:
    """At the end of each month all that entered until then, less all that left; a year stands as its last month."""
    moved: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        moved[row.period][asked.group(row.by)] += int(row.value) * (1 if row.part == "entered" else -1)
    if not moved:
        return
    standing: Counter[str] = Counter()
    for month in months_between(min(moved), min(asked.end or today, max(today, *moved))):
        standing.update(moved.get(month, {}))
        if asked.holds(month):
            for label, value in standing.items():
                cells.of[asked.label(month), label] = Counter({("value", 0): value})


def _point(rule: Rule, period: str, cell: str, parts: Parts, by: str | None) -> Point:
    label = {by: cell} if by else {}
    if rule.measure == "rate":
        return _rate(rule, period, parts, label)
    if rule.measure in ("median", "percentile"):
        return _duration(rule, period, parts, label)
    value = parts["value", 0]
    if rule.distinct and cell == SENSITIVE:  # who has two such needs is in two lines: they do not add up
        return Point(period=period, value=None, held_back=True, by=label)
    return Point(period=period, value=value / 100 if rule.money else value, by=label)


def _rate(rule: Rule, period: str, parts: Parts, label: dict[str, str]) -> Point:
    top, bottom, cases = parts["numerator", 0], parts["denominator", 0], parts["cases", 0]
    due_later = max(0, cases - parts["left", 0] - bottom) if cases else None
    answers = any(fact.startswith("answer.") for fact in rule.denominator.where)
    return Point(
        period=period,
        value=round(top / bottom, 4) if bottom else None,
        numerator=top,
        denominator=bottom,
        not_yet_due=due_later,
        response_rate=round(bottom / cases, 4) if answers and cases else None,
        by=label,
    )


def _duration(rule: Rule, period: str, parts: Parts, label: dict[str, str]) -> Point:
    buckets = buckets_of(parts)
    known = sum(buckets.values())
    waiting = parts["entered", 0] - known - parts["left", 0]
    return Point(
        period=period,
        value=median(buckets) if rule.measure == "median" else percentile(buckets, rule.p),
        denominator=known,
        waiting=max(0, waiting),
        by=label,
    )


def buckets_of(parts: Parts) -> dict[int, int]:
    """Of a duration: how many took so many units."""
    return {bucket: n for (part, bucket), n in parts.items() if part == "bucket" and n > 0}


def median(buckets: Mapping[int, int]) -> float | None:
    """Exact to the unit: of an even number of cases the mean of the middle two."""
    total = sum(buckets.values())
    if total == 0:
        return None
    return (_at(buckets, (total - 1) // 2) + _at(buckets, total // 2)) / 2


def percentile(buckets: Mapping[int, int], p: int) -> float | None:
    """The least value within which `p` of a hundred lie (nearest rank), exact to the unit."""
    total = sum(buckets.values())
    return None if total == 0 else float(_at(buckets, -(-total * p // 100) - 1))


def _at(buckets: Mapping[int, int], place: int) -> int:
    """The value at that place of all cases in order."""
    seen = 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen > place:
            return bucket
    raise AssertionError("the place is beyond the cases")


STEPS = (0.01, 0.05, 0.1, 0.25)


def shares_of_unknown(rows: Iterable[Any], wide: int) -> Iterator[tuple[str, float]]:
    """Dimension and how much of it is unknown, of rows with name, unknown and whole. Exact if `wide` is 0; else in
    steps of so many cases at least, or not at all: a finer share would tell, beside the months by group, one that is
    held back.
    """
    for row in rows:
        step = next((step for step in STEPS if step * float(row.whole or 0) >= wide), None) if wide else 0.0001
        if row.whole and step is not None:
            yield row.name, round(round(float(row.unknown or 0) / float(row.whole) / step) * step, 4)
