"""Periods that sums tie together: what is public of them, and what a reader of some knows of the counts of another.

A period stands for the time at which its last version was counted; the one that is made now, for now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from itertools import product

from domain.holding import held_back, tells
from domain.protection import is_small
from domain.span import Span, tied
from services.counts import WAITING, Cell, Figures, Layers, Margin
from services.published import Figure

_NOTHING: Counter[Cell] = Counter()


@dataclass(frozen=True, slots=True)
class Stood:
    """A version of a month: its figures by (code, margin), and what the month gained and lost since, by code."""

    figures: Mapping[tuple[str, Margin], Figure]
    since: Mapping[str, Figures]


@dataclass(frozen=True, slots=True)
class Public:
    """What is public of periods that are tied together: the last version of each; of the period itself, what came
    before.
    """

    spans: tuple[Span, ...]
    figures: Mapping[tuple[str, str, Margin], Figure]
    """By (period, code of the indicator, margin)."""
    changed: Set[tuple[str, str, Margin, bool]] = frozenset()
    """What was recorded or taken back since a version hid it first, or was hidden first by other rules (another
    definition, another threshold): by (period, code, margin, restricted)."""
    otherwise: Set[tuple[str, str]] = frozenset()
    """(period, code) of what the last version of another period tells by another version of the definition."""
    later: Mapping[tuple[str, str], Figures] = field(default_factory=dict)
    """What a period and its months gained and lost since its last version: by (period, code)."""
    stood: Mapping[tuple[str, str], Stood] = field(default_factory=dict)
    """By (longer period, month): the month's version that stood when the longer one was counted."""

    def figure(self, period: str, code: str, margin: Margin) -> Figure | None:
        return self.figures.get((period, code, margin))

    def settled(self, period: str, code: str, margin: Margin, *, restricted: bool) -> bool:
        """Whether the count is what it was when it was hidden first, by the rules of now."""
        return (period, code, margin, restricted) not in self.changed


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what a snapshot is made. `seconds` of processor time for choosing few cells, for all figures together."""

    threshold: int
    confidential: frozenset[str]
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Counts of one indicator that are shown together or not at all."""

    one: Figures
    span: Span
    public: Public
    terms: Terms
    layers: Layers

    @property
    def spans(self) -> tuple[Span, ...]:
        """Who counts once in a year is tied to its months as cases are: who reads them is taken to know how many came
        twice (`domain.protection.Sum`). A quarter tells nothing of them. A level is the same in all that end together.
        """
        if self.one.measure == "level":
            others = [each for each in self.public.spans if each != self.span and each.ends_on == self.span.ends_on]
            return (self.span, *others)
        telling = [each for each in self.public.spans if not (self.one.periodical and each.is_quarter)]
        return (self.span, *_linked(self.span, telling))

    def count(self, each: Span, layer: str, margin: Margin, month: str | None = None, *, restricted: bool) -> int:
        """Of the period, or of one of its months, at the time for which it stands: its last version's, if it has one
        and is not the one that is made now.
        """
        side, whole = self.one.side(restricted), Span(month, (month,)) if month else each
        if each == self.span:
            return side.count(whole, layer, margin, periodical=self.one.periodical)
        since = self._since(each.name, restricted=restricted)
        if self.one.measure == "level":  # counted as what is made now, which ends together with it
            now = side.counts.get((self.span.name, layer, margin), 0)
            return max(0, now - since.get((each.name, layer, margin), 0))
        cells = [(name, layer, margin) for name in ((whole.name,) if self.one.periodical else whole.months)]
        return sum(max(0, side.counts.get(cell, 0) - since.get(cell, 0)) for cell in cells)

    def _since(self, period: str, *, restricted: bool) -> Counter[Cell]:
        """What a period gained and lost since its last version: of who has confidential work alone, no subtracting
        tells how many they were earlier.
        """
        later = self.public.later.get((period, self.one.row.code))
        return later.side(restricted).counts if later and not self._alone(restricted) else _NOTHING

    def _alone(self, restricted: bool) -> bool:
        """Whether it counts who has confidential work alone."""
        return restricted and self.one.measure == "distinct"

    def few(self, margin: Margin) -> bool:
        """Whether confidential work changed by few since the period's last version, in any of its counts."""
        since = self._since(self.span.name, restricted=True)
        names = (self.span.name,) if self.one.periodical else self.span.months
        changed = [abs(sum(since.get((name, layer, margin), 0) for name in names)) for layer in self.layers]
        return any(is_small(each, self.terms.threshold) for each in changed)

    def unsure(self, margin: Margin, *, restricted: bool) -> bool:
        """Whether a version, of this period or another, shows its confidential work, and somebody came or went there
        since: who has confidential work alone may be others though the count is the same.
        """
        if not self._alone(restricted):
            return False
        code = self.one.row.code
        for each in self.public.spans:
            figure, later = self.public.figure(each.name, code, margin), self.public.later.get((each.name, code))
            if later is None or figure is None or not figure.complete:
                continue
            names = (each.name,) if each == self.span else (each.name, *each.months)
            sides = (later.open, later.confidential) if self.one.confided else (later.confidential,)
            if any((name, "value", margin) in side.counts for name in names for side in sides):
                return True
        return False

    def _before(self, layer: str, margin: Margin, month: str, *, restricted: bool) -> int:
        """Of a month of the period when the period's last version was counted."""
        now = self.count(self.span, layer, margin, month, restricted=restricted)
        return max(0, now - self._since(self.span.name, restricted=restricted).get((month, layer, margin), 0))

    def shrunk(self, margin: Margin, *, restricted: bool) -> bool:
        """Whether one of its months has become small since the month, or this period, was published: whoever takes the
        other months for unchanged would subtract.
        """
        if len(self.span.months) == 1 or self.one.measure == "level":
            return False
        code, threshold = self.one.row.code, self.terms.threshold
        again = self.public.figure(self.span.name, code, margin)
        for month, layer in product(self.span.months, self.layers):
            figure = self.public.figure(month, code, margin)
            if figure is None or (month, code) in self.public.otherwise:
                continue
            if is_small(self.count(self.span, layer, margin, month, restricted=restricted), threshold):
                was = self._before(layer, margin, month, restricted=restricted)
                if self.shown(figure, restricted=restricted) or (again and not is_small(was, threshold)):
                    return True
        return False

    def told_then(self, longer: Span, month: str, margin: Margin, *, restricted: bool) -> bool:
        """Whether the month's version that stood when the longer period was counted showed the figure."""
        stood = self.public.stood.get((longer.name, month))
        figure = stood.figures.get((self.one.row.code, margin)) if stood else None
        return figure is not None and self.shown(figure, restricted=restricted)

    def stood_still(self, longer: Span, month: str, layer: str, name: str, *, restricted: bool) -> bool:
        """Whether nothing changed in the row of a dimension between that version and the longer period's count."""
        code, stood = self.one.row.code, self.public.stood.get((longer.name, month))
        since = stood.since.get(code) if stood else None
        later = self.public.later.get((longer.name, code)) if longer != self.span else None
        row = [(month, layer, each) for each in self.one.margins() if each[0] == name]
        sides = (False, True) if self._alone(restricted) else (restricted,)
        return all(_counted(since, side, cell) == _counted(later, side, cell) for side in sides for cell in row)

    def read_live(self, longer: Span, month: str, margin: Margin, *, restricted: bool) -> bool:
        """Whether partners could read the month live when the longer period was counted: it was public and shows the
        figure (ADR 14). Nobody reads confidential work live.
        """
        public, code = self.public, self.one.row.code
        figure = public.figure(month, code, margin)
        if restricted or figure is None or (month, code) in public.otherwise:
            return False
        return (longer.name, month) in public.stood and self.shown(figure, restricted=restricted)

    def live_row(self, each: Span, layer: str, name: str, month: str | None = None) -> tuple[Set[Margin], bool]:
        """Which groups of a dimension are held back from partners as it was counted then, and whether that is because
        the row's total would tell its only small ones: then all are, zeros too.
        """
        groups = [(name, group) for group in self.one.groups.get(name, ())]
        parts = {margin: self.count(each, layer, margin, month, restricted=False) for margin in groups}
        small = held_back(parts, self.terms.threshold)
        told = tells(parts, small, self.terms.threshold)
        return frozenset(parts) if told else small, told

    def shown(self, figure: Figure, *, restricted: bool) -> bool:
        told = not figure.suppressed if self.layers != WAITING else figure.waiting is not None
        return told and (not restricted or bool(figure.complete))


def _counted(figures: Figures | None, restricted: bool, cell: Cell) -> int:
    return figures.side(restricted).counts.get(cell, 0) if figures else 0


def _linked(span: Span, public: Iterable[Span]) -> tuple[Span, ...]:
    """The other periods that sums tie to this one, through others too: a month's siblings by a public quarter. None, if
    none is public."""
    others = [other for other in tied(span, public) if other.name != span.name]
    if not others:
        return ()
    names = {other.name for other in others} | {span.name}
    longer = [each for each in (span, *others) if len(each.months) > 1]
    months = sorted({month for each in longer for month in each.months} - names)
    return (*others, *(Span(month, (month,)) for month in months))
