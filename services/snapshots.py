"""Making the figures of a snapshot: coarsened, suppressed, and linked with what is public already.

Open and confidential work are protected apart, because everybody who works here sees the open figures live: to them a
complete figure says how much confidential work there was. So a group's confidential work is added only where it may be
shown by itself; elsewhere the figure stands without it and says so (ADR 12). They read the region's open totals live,
too, whatever a snapshot hides; who reads the snapshots alone does not. Figures are hidden from both (ADR 14).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

from domain.protection import Sum, Table, is_small, rounded, step_above
from domain.span import Span
from services.counts import ORGANIZATION, WAITING, WHOLE, Cell, Figures, Layers, Margin
from services.figures import median, percentile
from services.population import COPIED
from services.public_periods import Asked, Public, Terms
from services.published import Figure, PublishedIndicator

LEARNING = timedelta(days=92)
"""Before a quarter of history nothing is held against a target (decision 35)."""


def compile_figures(
    found: Iterable[Figures],
    span: Span,
    public: Public,
    terms: Terms,
    progressed: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[PublishedIndicator]:
    """The published indicators, every figure decided. Costs seconds; needs no database."""
    every = list(found)
    share = terms.seconds / max(1, 2 * len(every))
    made = []
    for number, one in enumerate(every):
        progressed(number, len(every))
        made.append(_publish(one, span, public, terms, share))
    progressed(len(every), len(every))
    return made


def _publish(one: Figures, span: Span, public: Public, terms: Terms, seconds: float) -> PublishedIndicator:
    if one.row.threshold:
        terms = replace(terms, threshold=max(terms.threshold, one.row.threshold))

    def decided(layers: Layers) -> tuple[Set[Margin], Set[Margin]]:
        """(hidden, without confidential work)."""
        table = Asked(one, span, public, terms, layers)
        return _hidden(table, seconds, restricted=False), _hidden(table, seconds, restricted=True)

    hidden, apart = decided(one.layers)
    untold, untold_apart = decided(WAITING) if one.waits else (frozenset(one.margins()), frozenset())
    figures = []
    for margin in one.margins():
        if _nobodys(margin, terms):
            continue
        figure = _figure(one, span, margin, suppressed=margin in hidden, complete=margin not in apart)
        if margin not in untold and not (figure.complete and margin in untold_apart):
            figure = _waiting(one, span, margin, figure)
        figures.append(figure)
    return as_published(one, span, figures)


def as_published(one: Figures, span: Span, figures: list[Figure]) -> PublishedIndicator:
    """By the definition as it stands."""
    row = one.row
    return PublishedIndicator(
        **{name: getattr(row, name) for name in COPIED},
        measure=one.measure,
        baseline_period=row.baseline is None or span.starts_on < row.effective_on + LEARNING,
        figures=figures,
    )


def _nobodys(margin: Margin, terms: Terms) -> bool:
    """A confidential provider has no line of its own."""
    return margin[0] == ORGANIZATION and margin[1] in terms.confidential


def _hidden(asked: Asked, seconds: float, *, restricted: bool) -> Set[Margin]:
    """Margins of the period whose figure on this side is not shown: all its layers go together."""
    from services.suppressing import protect

    counts = asked.one.side(restricted).counts
    if not counts or (restricted and not any(counts.values())):
        standing = {margin: _marked(asked, asked.span, margin, restricted) for margin in asked.one.margins()}
        return {margin for margin, how in standing.items() if how in ("withheld", "unseen")}
    table, threshold = _table(asked, restricted=restricted), asked.terms.threshold
    if restricted:
        hidden = protect(table, threshold, seconds).hidden
    else:
        found = protect(_to_partners(asked, table), threshold, seconds / 2).hidden
        gone = {cell for cell in found - table.withheld if cell[0] == asked.span.name}
        hidden = protect(replace(table, unseen=table.unseen | gone), threshold, seconds / 2).hidden
    return {margin for period, _, margin in hidden if period == asked.span.name}


def _to_partners(asked: Asked, table: Table) -> Table:
    """The table to somebody who knows all totals. Where a row's total would tell its only small groups, no group of it
    is told, zeros neither, as live.
    """
    totals, told = {cell for cell in table.values if cell[2] == WHOLE}, []
    for layer, name in product(asked.layers, asked.one.groups):
        row, whole = asked.live_row(asked.span, layer, name)
        if whole:
            told += [(asked.span.name, each, margin) for each in asked.layers for margin in row]
    withheld = table.withheld - totals
    return replace(
        table,
        known=table.known | totals,
        withheld=withheld,
        unseen=(table.unseen - totals) | (frozenset(told) - withheld - table.known),
    )


def _table(asked: Asked, *, restricted: bool) -> Table:
    """Of every period what its last version told, as it was counted then; of the period itself, what is counted now."""
    one, margins = asked.one, asked.one.margins()
    values: dict[Cell, int] = {
        (each.name, layer, margin): asked.count(each, layer, margin, restricted=restricted)
        for each in asked.spans
        for layer in asked.layers
        for margin in margins
    }
    marked: dict[str, set[Cell]] = {"withheld": set(), "unseen": set(), "known": set(), "free": set()}
    for each in asked.spans:
        for margin in margins:
            standing = _marked(asked, each, margin, restricted)
            marked[standing].update((each.name, layer, margin) for layer in asked.layers)
    sums = [*_sums(one, asked.spans, asked.layers)]
    if one.measure == "level":
        sums += _ending_together(asked, values, marked["known"])
    else:
        sums += _longer(asked, values, marked, restricted=restricted)
    withheld, known, unseen = (frozenset(marked[name]) for name in ("withheld", "known", "unseen"))
    return Table(values, tuple(sums), withheld, known, unseen)


def _marked(asked: Asked, each: Span, margin: Margin, restricted: bool) -> str:
    standing = _standing(asked, each, margin, restricted=restricted)
    if restricted and _nobodys(margin, asked.terms):
        return "withheld"
    if standing != "free":
        return standing
    if margin in asked.one.folded:
        return "withheld"
    few = restricted and asked.few(margin)
    unsure, shrunk = (ask(margin, restricted=restricted) for ask in (asked.unsure, asked.shrunk))
    return "withheld" if few or unsure or shrunk else "free"


def _standing(asked: Asked, each: Span, margin: Margin, *, restricted: bool) -> str:
    """What is hidden once stays hidden; what is public cannot be hidden any more; the period itself is free. What
    another period shows by another definition says nothing of this one's counts.

    Of figures of several counts, hidden and never changed, only the small counts matter: which of them were hidden for
    themselves, and which along with them, does not stand in the snapshot. A single count was hidden for itself; but who
    waits also along with the figure.
    """
    figure = asked.public.figure(each.name, asked.one.row.code, margin)
    if figure is None:
        return "free" if each == asked.span else "unseen"
    if asked.shown(figure, restricted=restricted):
        if each == asked.span:
            return "free"
        return "unseen" if (each.name, asked.one.row.code) in asked.public.otherwise else "known"
    settled = asked.public.settled(each.name, asked.one.row.code, margin, restricted=restricted)
    along = len(asked.layers) > 1 or (asked.layers == WAITING and figure.suppressed)
    return "unseen" if settled and along else "withheld"


def _sums(one: Figures, spans: tuple[Span, ...], layers: Layers) -> Iterable[Sum]:
    for each in spans:
        for layer in layers:
            for name, groups in one.groups.items():
                yield Sum((each.name, layer, WHOLE), tuple((each.name, layer, (name, group)) for group in groups))
        if "missed" in layers:
            for margin in one.margins():
                parts = ((each.name, "numerator", margin), (each.name, "missed", margin))
                yield Sum((each.name, "denominator", margin), parts)


def _longer(
    asked: Asked, values: dict[Cell, int], marked: Mapping[str, set[Cell]], *, restricted: bool
) -> Iterable[Sum]:
    """Months make a quarter as they were when the quarter was counted, and so did groups their rows. Where a row has
    changed between then and what stands of the month (what is made now, or its last version), nobody can subtract
    who did not read it live, nor knows of one group that it had not changed: its count of then is a cell of its own.
    A small count of then is to be known by nobody, whoever read the month.
    """
    there = {each.name for each in asked.spans}
    for each in asked.spans:
        if len(each.months) == 1 or not there.issuperset(each.months):
            continue
        then = _Then(asked, each, values, marked, restricted)
        cells = {key: then.cell(*key) for key in product(each.months, asked.layers, asked.one.margins())}
        for layer, margin in product(asked.layers, asked.one.margins()):
            yield Sum((each.name, layer, margin), tuple(cells[month, layer, margin] for month in each.months))
        for row in _sums(asked.one, tuple(Span(month, (month,)) for month in each.months), asked.layers):
            total, parts = cells[row.total], tuple(cells[part] for part in row.parts)
            if (total, parts) != (row.total, row.parts):
                yield Sum(total, parts)


class _Then:
    """The months of a longer period, `each`, as they were when it was counted. Adds cells to `values` and `marked`."""

    def __init__(
        self,
        asked: Asked,
        each: Span,
        values: dict[Cell, int],
        marked: Mapping[str, set[Cell]],
        restricted: bool,
    ) -> None:
        self._asked, self._each, self._values, self._marked = asked, each, values, marked
        self._restricted = restricted
        self._rows: dict[tuple[str, str, str], tuple[bool, bool]] = {}
        self._held: dict[tuple[str, str], Set[Margin]] = {}

    def cell(self, month: str, layer: str, margin: Margin) -> Cell:
        """What stands for the month's count of then: the month's cell, or a new one that is added to the table. Where a
        group that nobody saw had not changed, it is the month's: who guesses so is right.
        """
        cell, count = (month, layer, margin), self._count(month, layer, margin)
        moved, known = self._row(month, layer, margin[0])[0], self._known(month, layer, margin)
        if month == self._asked.span.name:
            apart = known or moved
        else:
            apart = self._values[cell] != count or (moved and known != (cell in self._marked["known"]))
        if not apart:
            return cell
        own = (f"{month} in {self._each.name}", layer, margin)
        self._values[own] = count
        public = known and not is_small(count, self._asked.terms.threshold)
        self._marked["known" if public else "unseen"].add(own)
        return own

    def _count(self, month: str, layer: str, margin: Margin) -> int:
        return self._asked.count(self._each, layer, margin, month, restricted=self._restricted)

    def _known(self, month: str, layer: str, margin: Margin) -> bool:
        """Whether somebody read it: live, or in a version that stood then."""
        asked, each, restricted = self._asked, self._each, self._restricted
        if asked.read_live(each, month, margin, restricted=restricted):
            if (month, margin[0]) not in self._held:
                rows = [asked.live_row(each, one, margin[0], month)[0] for one in asked.layers]
                self._held[month, margin[0]] = frozenset(held for row in rows for held in row)
            if margin not in self._held[month, margin[0]]:
                return True
        told = asked.told_then(each, month, margin, restricted=restricted)
        return told and self._row(month, layer, margin[0])[1]

    def _row(self, month: str, layer: str, name: str) -> tuple[bool, bool]:
        """Whether the row changed between then and what stands of the month; whether it had stood still until then
        since the version that stood before.
        """
        key = (month, layer, name)
        if key not in self._rows:
            row = [margin for margin in self._asked.one.margins() if margin[0] == name]
            moved = any(self._values[month, layer, each] != self._count(month, layer, each) for each in row)
            still = self._asked.stood_still(self._each, month, layer, name, restricted=self._restricted)
            self._rows[key] = (moved, still)
        return self._rows[key]


def _ending_together(asked: Asked, values: Mapping[Cell, int], known: Set[Cell]) -> Iterable[Sum]:
    """A level is one count in all of them, as long as nothing changed; of a group that did not, as in `_longer`."""
    for other, layer, margin in product(asked.spans[1:], asked.layers, asked.one.margins()):
        then, now = (other.name, layer, margin), (asked.span.name, layer, margin)
        row = [m for m in asked.one.margins() if m[0] == margin[0]]
        moved = any(values[other.name, layer, m] != values[asked.span.name, layer, m] for m in row)
        if values[then] == values[now] and not (moved and then in known):
            yield Sum(then, (now,))


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
        step = step_above(max(side.largest for side in sides))
        amount = rounded(sum(side.amounts[margin] for side in sides), step)
        return Figure(value=amount / 100 if one.row.rule.get("money") else amount, denominator=count("cases"), **shown)
    return Figure(value=count("value"), **shown)


def _waiting(one: Figures, span: Span, margin: Margin, figure: Figure) -> Figure:
    """With how many began and still wait, and which share of all who began and did not leave (decision 30)."""
    sides = [one.open, one.confidential] if figure.complete else [one.open]
    if figure.suppressed:
        return figure
    waiting = sum(side.count(span, "waiting", margin, periodical=False) for side in sides)
    began = waiting + (figure.denominator or 0)
    share = round(waiting / began, 4) if began else None
    return figure.model_copy(update={"waiting": waiting, "waiting_share": share})
