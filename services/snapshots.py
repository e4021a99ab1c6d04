"""Making the figures of a snapshot: coarsened, suppressed, and linked with what is public already.

Open and confidential work are protected apart, because everybody who works here sees the open figures live: to them a
complete figure says how much confidential work there was. So a group's confidential work is added only where it may be
shown by itself; elsewhere the figure stands without it and says so (ADR 12).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from domain.protection import Sum, Table, is_small
from domain.span import Span
from services.counts import ORGANIZATION, WHOLE, Figures, Margin
from services.figures import median, percentile
from services.published import Figure, PublishedIndicator

LEARNING = timedelta(days=92)
"""Before a quarter of history nothing is held against a target (decision 35)."""
Cell = tuple[str, str, Margin]
"""(period, layer, margin)"""


@dataclass(frozen=True, slots=True)
class Public:
    """What is public of overlapping periods: the last version of each; of the period itself, what came before."""

    spans: tuple[Span, ...]
    figures: Mapping[tuple[str, str, Margin], Figure]
    """By (period, code of the indicator, margin)."""

    def figure(self, period: str, code: str, margin: Margin) -> Figure | None:
        return self.figures.get((period, code, margin))


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what a snapshot is made. `seconds` of processor time for choosing few cells, for all figures together."""

    threshold: int
    confidential: frozenset[str]
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Moved:
    """Confidential work changed by these since the version before, by (code, margin)."""

    by: Mapping[tuple[str, Margin], int] = field(default_factory=dict)


def compile_figures(
    found: Iterable[Figures], span: Span, public: Public, terms: Terms, moved: Moved
) -> list[PublishedIndicator]:
    """The published indicators, every figure decided. Costs seconds; needs no database."""
    every = list(found)
    share = terms.seconds / max(1, 2 * len(every))
    return [_publish(one, span, public, terms, moved, share) for one in every]


def _publish(
    one: Figures, span: Span, public: Public, terms: Terms, moved: Moved, seconds: float
) -> PublishedIndicator:
    if one.row.threshold:
        terms = replace(terms, threshold=max(terms.threshold, one.row.threshold))
    hidden = _hidden(one, span, public, terms, Moved(), seconds, restricted=False)
    apart = _hidden(one, span, public, terms, moved, seconds, restricted=True)
    figures = [
        _figure(one, span, margin, suppressed=margin in hidden, complete=margin not in apart)
        for margin in one.margins()
        if not _nobodys(margin, terms)
    ]
    row = one.row
    return PublishedIndicator(
        **{name: getattr(row, name) for name in _COPIED},
        measure=one.measure,
        baseline_period=row.baseline is None or span.starts_on < row.effective_on + LEARNING,
        figures=figures,
    )


def _nobodys(margin: Margin, terms: Terms) -> bool:
    """A confidential provider has no line of its own."""
    return margin[0] == ORGANIZATION and margin[1] in terms.confidential


def _hidden(
    one: Figures, span: Span, public: Public, terms: Terms, moved: Moved, seconds: float, *, restricted: bool
) -> Set[Margin]:
    """Margins of the period whose figure on this side is not shown: all its layers go together."""
    from services.suppressing import protect

    linked = () if one.periodical else _linked(span, public)
    table = _table(one, span, linked, public, terms, moved, restricted=restricted)
    if restricted and not any(table.values.values()):
        return {margin for period, _, margin in table.withheld if period == span.name}
    protection = protect(table, terms.threshold, seconds)
    if protection.exposed:
        return set(one.margins())
    return {margin for period, _, margin in protection.hidden if period == span.name}


def _linked(span: Span, public: Public) -> tuple[Span, ...]:
    """The other periods whose figures add up to this one's, or this one's to theirs: none, if none is public."""
    others = [other for other in public.spans if other.name != span.name and other.meets(span)]
    if not others:
        return ()
    names = {other.name for other in others} | {span.name}
    longer = [each for each in (span, *others) if len(each.months) > 1]
    months = sorted({month for each in longer for month in each.months} - names)
    return (*others, *(Span(month, (month,)) for month in months))


def _table(
    one: Figures, span: Span, linked: tuple[Span, ...], public: Public, terms: Terms, moved: Moved, *, restricted: bool
) -> Table:
    side = one.side(restricted)
    spans = (span, *linked)
    margins = one.margins()
    values: dict[Cell, int] = {
        (each.name, layer, margin): side.count(each, layer, margin, periodical=one.periodical)
        for each in spans
        for layer in one.layers
        for margin in margins
    }
    withheld: set[Cell] = set()
    unseen: set[Cell] = set()
    known: set[Cell] = set()
    for each in spans:
        for margin in margins:
            cells = [(each.name, layer, margin) for layer in one.layers]
            standing = _standing(one, span, each, margin, public, restricted=restricted)
            if (restricted and _nobodys(margin, terms)) or standing == "withheld":
                withheld.update(cells)
            elif standing == "unseen":
                unseen.update(cells)
            elif standing == "known":
                for cell in cells:
                    (withheld if is_small(values[cell], terms.threshold) else known).add(cell)
            elif restricted and is_small(abs(moved.by.get((one.row.code, margin), 0)), terms.threshold):
                withheld.update(cells)
    return Table(values, tuple(_sums(one, spans)), frozenset(withheld), frozenset(known), frozenset(unseen))


def _standing(one: Figures, span: Span, each: Span, margin: Margin, public: Public, *, restricted: bool) -> str:
    """What is hidden once stays hidden; what is public cannot be hidden any more; the period itself is open."""
    figure = public.figure(each.name, one.row.code, margin)
    if figure is None:
        return "free" if each == span else "unseen"
    shown = not figure.suppressed and (not restricted or bool(figure.complete))
    if each == span:
        return "free" if shown else "withheld"
    return "known" if shown else "withheld"


def _sums(one: Figures, spans: tuple[Span, ...]) -> Iterable[Sum]:
    for each in spans:
        for layer in one.layers:
            for name, groups in one.groups.items():
                yield Sum((each.name, layer, WHOLE), tuple((each.name, layer, (name, group)) for group in groups))
        if one.measure == "rate":
            for margin in one.margins():
                parts = ((each.name, "numerator", margin), (each.name, "missed", margin))
                yield Sum((each.name, "denominator", margin), parts)
    there = {each.name for each in spans}
    for each in spans:
        if len(each.months) > 1 and there.issuperset(each.months):
            for layer in one.layers:
                for margin in one.margins():
                    yield Sum((each.name, layer, margin), tuple((month, layer, margin) for month in each.months))


def _figure(one: Figures, span: Span, margin: Margin, *, suppressed: bool, complete: bool) -> Figure:
    by = {margin[0]: margin[1]} if margin[0] else {}
    if suppressed:
        return Figure(by=by, value=None, suppressed=True, complete=None)
    sides = [one.open, one.confidential] if complete else [one.open]

    def count(layer: str) -> int:
        return sum(side.count(span, layer, margin, periodical=one.periodical) for side in sides)

    shown: dict[str, Any] = {"by": by, "suppressed": False, "complete": complete}
    if one.measure == "rate":
        top, bottom = count("numerator"), count("denominator")
        value = round(top / bottom, 4) if bottom else None
        return Figure(value=value, numerator=top, denominator=bottom, **shown)
    if one.measure in {"median", "percentile"}:
        buckets: Counter[int] = Counter()
        for side in sides:
            buckets.update(side.buckets.get(margin, Counter()))
        within = median(buckets) if one.measure == "median" else percentile(buckets, int(one.row.rule["p"]))
        return Figure(value=within, denominator=count("denominator"), **shown)
    if one.measure == "sum":
        amount = sum(side.amounts[margin] for side in sides)
        return Figure(value=amount / 100 if one.row.rule.get("money") else amount, denominator=count("cases"), **shown)
    return Figure(value=count("value"), **shown)


_COPIED = (
    "code", "version", "name", "definition", "kind", "unit", "direction", "strategy", "baseline", "target",
)  # fmt: skip
