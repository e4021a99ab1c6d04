"""What is public of the periods that sums tie together, and what a reader of some knows of the counts of another.

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
from services.counts import WAITING, Figures, Layers, Margin
from services.published import Figure

_NOTHING: Counter[tuple[str, str, Margin]] = Counter()
Cell = tuple[str, str, Margin]
"""(period, layer, margin)"""


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
    first: Mapping[str, int] = field(default_factory=dict)
    """Up to which event the first version of each period goes."""
    last: Mapping[str, int] = field(default_factory=dict)
    """The same of its last version."""

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
        later = self.public.later.get((each.name, self.one.row.code))
        since = later.side(restricted).counts if later and not self._alone(restricted) else _NOTHING
        if self.one.measure == "level":  # counted as what is made now, which ends together with it
            now = side.counts.get((self.span.name, layer, margin), 0)
            return max(0, now - since.get((each.name, layer, margin), 0))
        cells = [(name, layer, margin) for name in ((whole.name,) if self.one.periodical else whole.months)]
        return sum(max(0, side.counts.get(cell, 0) - since.get(cell, 0)) for cell in cells)

    def _alone(self, restricted: bool) -> bool:
        """Whether it counts who has confidential work alone: how many that were earlier, no subtracting tells."""
        return restricted and self.one.measure == "distinct"

    def unsure(self, margin: Margin, *, restricted: bool) -> bool:
        """Whether another period shows its confidential work, and somebody came or went there since."""
        code = self.one.row.code
        return (
            self._alone(restricted)
            and self.one.confided
            and any(
                later.side(side).counts[name, "value", margin]
                for each in self.public.spans
                if each != self.span
                and (later := self.public.later.get((each.name, code)))
                and (figure := self.public.figure(each.name, code, margin))
                and figure.complete
                for side in (False, True)
                for name in (each.name, *each.months)
            )
        )

    def before(self, layer: str, margin: Margin, month: str, *, restricted: bool) -> int:
        """Of a month of the period when the period's last version was counted."""
        now = self.count(self.span, layer, margin, month, restricted=restricted)
        later = self.public.later.get((self.span.name, self.one.row.code))
        return max(0, now - later.side(restricted).counts.get((month, layer, margin), 0)) if later else now

    def shrunk(self, margin: Margin) -> bool:
        """Whether one of its months has become small since the month, or this period, was published: whoever takes the
        other months for unchanged would subtract.
        """
        if len(self.span.months) == 1 or self.one.measure == "level":
            return False
        threshold, again = self.terms.threshold, self.public.figure(self.span.name, self.one.row.code, margin)
        for month, layer in product(self.span.months, self.layers):
            figure = self.public.figure(month, self.one.row.code, margin)
            if figure and is_small(self.count(self.span, layer, margin, month, restricted=False), threshold):
                was = self.before(layer, margin, month, restricted=False)
                if self.shown(figure, restricted=False) or (again and not is_small(was, threshold)):
                    return True
        return False

    def told_before(self, month: str, margin: Margin, *, restricted: bool) -> bool:
        """Whether it is the month that is made now, and its version before showed the figure: then that is what
        longer periods are compared with.
        """
        figure = self.public.figure(month, self.one.row.code, margin) if month == self.span.name else None
        return figure is not None and self.shown(figure, restricted=restricted)

    def read_live(self, longer: Span, month: str, margin: Margin, *, restricted: bool) -> bool:
        """Whether partners could read the month live when the longer period was counted: it was public and shows the
        figure (ADR 14). Nobody reads confidential work live.
        """
        public, code = self.public, self.one.row.code
        figure = public.figure(month, code, margin)
        if restricted or figure is None or (month, code) in public.otherwise:
            return False
        before = longer == self.span or public.first.get(month, 0) <= public.last.get(longer.name, -1)
        return before and self.shown(figure, restricted=restricted)

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
