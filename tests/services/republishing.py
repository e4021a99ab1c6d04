"""What is counted, published and corrected in turn; and readers who keep every version and do the sums.

A reader is taken to know of each row of a table (a month and a dimension) whether it changed: a count is a cell of its
own for each state of its row, and two versions are tied where the row stood still. Of a longer period they use the
newest version: that its change since the one before shows, ADR 12 says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple

from domain.holding import held_back, tells
from domain.protection import Sum, Table, is_small
from domain.span import Span, span_of, tied
from services.counts import LAYERS, WHOLE, Figures, Margin
from services.explaining import margin_of
from services.public_periods import Public, Stood, Terms
from services.published import Figure
from services.snapshots import compile_figures
from tests.services.attacker import recovered
from tests.services.tables import around

TERMS = Terms(11, frozenset(), seconds=1.0)
CALENDARS = {"state_year": 7}
RULES: dict[str, dict[str, Any]] = {
    "count": {"measure": "count"},
    "rate": {"measure": "rate"},
    "median": {"measure": "median", "entered": "task_accepted"},
    "distinct": {"measure": "distinct"},
    "sum": {"measure": "sum"},
    "level": {"measure": "level"},
}
Groups = Mapping[str, tuple[str, ...]]
GROUPS: Groups = {"county": tuple(f"c{n}" for n in range(6)), "age_band": tuple(f"a{n}" for n in range(4))}


def nothing_counted(rule: str, groups: Groups) -> Figures:
    row = SimpleNamespace(
        id=rule, code=rule, version=1, name=rule, definition="d", kind="how_much", unit="cases", direction="up",
        strategy="s", baseline=None, target=None, effective_on=span_of("2026-01", {}).starts_on, threshold=None,
        rule=RULES[rule],
    )  # fmt: skip
    return Figures(row, dict(groups))


def counted(rule: str, seed: int, months: Iterable[str], groups: Groups = GROUPS) -> Figures:
    """An indicator's counts of these months, open and confidential, as random as the seed."""
    rng, one = Random(f"{rule} {seed}"), nothing_counted(rule, groups)
    layers = (*LAYERS[one.measure], "waiting") if one.measure == "median" else LAYERS[one.measure]
    for side, mean in ((one.open, 14.0), (one.confidential, 3.0)):
        sizes = [mean * rng.choice((0.1, 0.5, 1, 3)) for _ in groups["county"]]
        for month in months:
            for layer in (layer for layer in layers if layer != "denominator" or one.measure != "rate"):
                for county, size in zip(groups["county"], sizes, strict=True):
                    for _ in range(around(rng, size * (0.3 if layer == "waiting" else 1))):
                        ages = rng.choice(groups["age_band"])
                        tied = ("denominator",) if one.measure == "rate" else ()
                        for counts in (layer, *tied):
                            for margin in (WHOLE, ("county", county), ("age_band", ages)):
                                side.counts[month, counts, margin] += 1
                                if counts == "denominator" and one.measure == "median":
                                    side.buckets.setdefault(margin, Counter())[rng.randrange(30)] += 1
    return one


class Line(NamedTuple):
    """What was recorded late, or taken back. `period`: a month; of who counts once also a year."""

    period: str
    restricted: bool
    layer: str
    margin: Margin
    by: int


@dataclass(frozen=True)
class Version:
    """`up_to`: how many lines it has counted."""

    up_to: int
    figures: dict[Margin, Figure]


class Cell(NamedTuple):
    """A count of a period; `state`: of its row, or of the rows of its months."""

    restricted: bool
    period: str
    state: Any
    layer: str
    margin: Margin


class Story:
    """Of one indicator."""

    def __init__(self, one: Figures) -> None:
        self.one = one
        self.lines: list[Line] = []
        self.versions: dict[str, list[Version]] = {}
        self.told: list[str] = []
        self._states: Counter[tuple[bool, str, str]] = Counter()
        self._counts: dict[Cell, int] = {}
        self._sums: set[Sum] = set()
        self._shown: set[Cell] = set()
        self._live: set[Cell] = set()
        self._public_months: set[Cell] = set()

    # ------------------------------------------------------------------------------------------------ what happens

    def came(self, period: str, longer: str, people: Iterable[int], *, restricted: bool = False) -> None:
        """So many more of each county, or fewer; to who counts once also in the longer period."""
        periods = (period, longer) if self.one.periodical else (period,)
        for group, count in zip(self.one.groups["county"], people, strict=True):
            for each in periods if count else ():
                self._record(each, self.one.layers, [WHOLE, ("county", group)], count, restricted=restricted)

    def correct(
        self, month: str, by: int, *, restricted: bool = False, layers: Iterable[str] = (), **groups: str
    ) -> None:
        """`groups`: one of each dimension. `layers`: those that change, all of a figure's unless said."""
        margins = [WHOLE, *groups.items()]
        self._record(month, layers or self.one.layers, margins, by, restricted=restricted)
        self.told.append(f"{month} {by:+} {groups} {'confidential' if restricted else 'open'}")

    def _record(self, period: str, layers: Iterable[str], margins: list[Margin], by: int, *, restricted: bool) -> None:
        side = self.one.side(restricted)
        for dimension in {name for name, _ in margins}:
            self._states[restricted, period, dimension] += 1
        for layer in layers:
            for margin in margins:
                side.counts[period, layer, margin] += by
                if layer == "denominator" and self.one.measure == "median":
                    side.buckets.setdefault(margin, Counter())[3] += by
                self.lines.append(Line(period, restricted, layer, margin, by))

    def publish(self, name: str) -> dict[Margin, Figure]:
        """The period's next version, by margin; the one that stands if nothing happened there since."""
        versions, span = self.versions.setdefault(name, []), span_of(name, CALENDARS)
        if not versions or any(line.period in {name, *span.months} for line in self.lines[versions[-1].up_to :]):
            (made,) = compile_figures([self.one], span, self._public(span), TERMS)
            versions.append(Version(len(self.lines), {margin_of(figure): figure for figure in made.figures}))
        self.told.append(f"{name} is published")
        self._read(span, versions[-1].figures)
        return versions[-1].figures

    def hidden(self) -> set[tuple[str, Margin]]:
        """What the newest versions hide."""
        newest = {name: versions[-1].figures for name, versions in self.versions.items()}
        return {(name, margin) for name, told in newest.items() for margin, figure in told.items() if figure.suppressed}

    def _public(self, span: Span) -> Public:
        published = [span_of(name, CALENDARS) for name, versions in self.versions.items() if versions]
        spans = tuple(tied(span, published))
        code, newest = self.one.row.code, {each.name: self.versions[each.name][-1] for each in spans}
        return Public(
            spans,
            {(name, code, margin): f for name, version in newest.items() for margin, f in version.figures.items()},
            changed=frozenset((each.name, code, *cell) for each in spans for cell in self._changed(each)),
            later={(each.name, code): self._since(each, newest[each.name].up_to) for each in spans},
            stood=dict(self._stood({*spans, span}, span)),
        )

    def _stood(self, spans: Iterable[Span], made_now: Span) -> Iterator[tuple[tuple[str, str], Stood]]:
        code = self.one.row.code
        for longer in (each for each in spans if len(each.months) > 1):
            at = len(self.lines) if longer == made_now else self.versions[longer.name][-1].up_to
            for month in longer.months:
                for version in [each for each in self.versions.get(month, ()) if each.up_to <= at][-1:]:
                    figures = {(code, margin): figure for margin, figure in version.figures.items()}
                    since = self._since(Span(month, (month,)), version.up_to)
                    yield (longer.name, month), Stood(figures, {code: since})

    def _changed(self, span: Span) -> Iterator[tuple[Margin, bool]]:
        """What has not stood still since a version hid it first."""
        before: set[tuple[Margin, bool]] = set()
        for version in self.versions[span.name]:
            hidden = {
                (margin, restricted)
                for margin, figure in version.figures.items()
                for restricted in (False, True)
                if figure.suppressed or (restricted and not figure.complete)
            }
            moved = {(line.margin, line.restricted) for line in self._after(span, version.up_to)}
            yield from moved & (hidden - before)
            before |= hidden

    def _after(self, span: Span, up_to: int) -> list[Line]:
        return [line for line in self.lines[up_to:] if line.period in {span.name, *span.months}]

    def _since(self, span: Span, up_to: int) -> Figures:
        since = Figures(self.one.row, self.one.groups)
        for line in self._after(span, up_to):
            since.side(line.restricted).counts[line.period, line.layer, line.margin] += line.by
        return since

    # ------------------------------------------------------------------------------------------- what readers learn

    def computed(self) -> list[str]:
        """Small counts that follow from all that was told up to now: to who reads what is published, to partners, who
        read the region's open totals live and the groups that are not held back from them (ADR 14), and of
        confidential work to who subtracts the one from the other.
        """
        found = []
        for reader, restricted, known in (
            ("the public", False, self._shown),
            ("a partner", False, self._shown | self._live),
            ("whoever subtracts", True, self._shown),
        ):
            table = self._table(restricted, known)
            hidden = set(table.values) - known
            wanted = {cell for cell in hidden if is_small(table.values[cell], TERMS.threshold)}
            for cell, (low, high) in recovered(table, hidden, TERMS.threshold, wanted).items():
                if low > 1 or reader != "a partner":  # that each is one at least everybody may know: `domain.holding`
                    found.append(f"{reader}: {cell} = {table.values[cell]} in {low:.1f} to {high:.1f}")
        return found

    def _table(self, restricted: bool, known: set[Cell]) -> Table:
        """Of a month that nobody was told in this state, a longer period's count is a cell of its own: nobody knows
        that two longer periods counted the same.
        """
        values = dict(self._counts)
        sums = []
        for each in (each for each in self._sums if each.total.restricted == restricted):
            parts = []
            for part in each.parts:
                told = part in known or part._replace(margin=(part.margin[0], "")) in self._public_months
                if part.period != each.total.period and not told:
                    part_of = part._replace(state=(part.state, each.total.state, each.total.period))
                    values[part_of] = values[part]
                    parts.append(part_of)
                else:
                    parts.append(part)
            sums.append(Sum(each.total, tuple(parts)))
        used = {cell for each in sums for cell in (each.total, *each.parts)}
        return Table({cell: values[cell] for cell in used}, tuple(sums))

    def _read(self, span: Span, figures: Mapping[Margin, Figure]) -> None:
        if len(span.months) > 1:
            self._sums = {each for each in self._sums if each.total.period != span.name}
            self._shown = {cell for cell in self._shown if cell.period != span.name}
        for restricted in (False, True):
            for layer in self.one.layers:
                for margin in self.one.margins():
                    self._count(span, restricted, layer, margin, figures[margin])
            for each in {span, *(Span(month, (month,)) for month in span.months)}:
                self._sums.update(self._rows(each, restricted))
        for layer in self.one.layers:
            self._live.add(self._cell(span, False, layer, WHOLE))
            for month in self._months():
                self._read_live(Span(month, (month,)), layer)

    def _count(self, span: Span, restricted: bool, layer: str, margin: Margin, figure: Figure) -> None:
        months = [self._cell(Span(month, (month,)), restricted, layer, margin) for month in span.months]
        cell = self._cell(span, restricted, layer, margin)
        if len(months) > 1:
            self._sums.add(Sum(cell, tuple(months)))
        else:
            self._public_months.add(cell._replace(margin=(margin[0], "")))
        if not figure.suppressed and (figure.complete or not restricted):
            self._shown.add(cell)

    def _cell(self, span: Span, restricted: bool, layer: str, margin: Margin) -> Cell:
        """As it is counted now."""
        states = tuple(self._states[restricted, month, margin[0]] for month in span.months)
        cell = Cell(restricted, span.name, states, layer, margin)
        counts = self.one.side(restricted).counts
        self._counts[cell] = sum(max(0, counts[month, layer, margin]) for month in span.months)
        return cell

    def _rows(self, span: Span, restricted: bool) -> Iterator[Sum]:
        for layer in self.one.layers:
            for name, groups in self.one.groups.items():
                row = tuple(self._cell(span, restricted, layer, (name, group)) for group in groups)
                yield Sum(self._cell(span, restricted, layer, WHOLE), row)
        if "missed" in self.one.layers:
            for margin in self.one.margins():
                whole, *parts = (
                    self._cell(span, restricted, layer, margin) for layer in ("denominator", "numerator", "missed")
                )
                yield Sum(whole, tuple(parts))

    def _months(self) -> list[str]:
        return sorted({month for month, _, _ in self.one.open.counts})

    def _read_live(self, span: Span, layer: str) -> None:
        """As partners do now: the total, and of a public month the groups that it shows and that are not held back."""
        self._live.add(self._cell(span, False, layer, WHOLE))
        versions = self.versions.get(span.name)
        if not versions:
            return
        for name, groups in self.one.groups.items():
            held = self._held_back(span.name, name, groups)
            for margin in ((name, group) for group in groups):
                if margin not in held and not versions[-1].figures[margin].suppressed:
                    self._live.add(self._cell(span, False, layer, margin))

    def _held_back(self, month: str, name: str, groups: Iterable[str]) -> set[Margin]:
        held: set[Margin] = set()
        for layer in self.one.layers:
            parts = {(name, group): self.one.open.counts[month, layer, (name, group)] for group in groups}
            small = held_back(parts, TERMS.threshold)
            held |= set(parts) if tells(parts, small, TERMS.threshold) else small
        return held


def random_story(rule: str, seed: int, *, confidential: bool, steps: int = 7) -> Iterator[Story]:
    """The story after each step: months, their quarter, sometimes a year, corrected and published in any order."""
    rng = Random(f"{rule} {seed} {confidential}")
    groups = {"county": tuple("abcd")[: rng.choice((3, 4))], "age_band": tuple("xyz")}
    months = [f"2026-{month:02d}" for month in (range(4, 10) if rng.random() < 0.25 else range(7, 10))]
    story = Story(counted(rule, seed, months, groups))
    if not confidential:
        story.one.confidential.counts.clear()
    longer = ["2026-Q3", "2026-Q3", *(["2026-Q2"] if len(months) > 3 else [])]
    longer += ["state_year:2027", "2026"] if rng.random() < 0.4 else []
    periods = [rng.choice([*months, *longer]) for _ in range(steps)]
    if rng.random() < 0.5:
        periods[: len(months) + 1] = [*months, "2026-Q3"]
    for period in periods[:steps]:
        for _ in range(rng.choice((0, 0, 1, 2))):
            _change(story, rng, rng.choice(months), restricted=confidential and rng.random() < 0.4)
        story.publish(period)
        yield story


def _change(story: Story, rng: Random, month: str, *, restricted: bool) -> None:
    """Some were recorded late, or taken back, or go over from one group to another."""
    groups = {name: rng.choice(each) for name, each in story.one.groups.items()}
    layers, by = story.one.layers, rng.choice((1, 1, 2, 3, 5, 9, 12))
    if story.one.measure == "rate":
        layers = ("denominator", rng.choice(("numerator", "missed")))
    how = rng.choice(("late", "taken back", "taken back", "moved"))
    if how == "late":
        story.correct(month, by, restricted=restricted, layers=layers, **groups)
        return
    counts = story.one.side(restricted).counts
    by = min(by, *(counts[month, layer, margin] for layer in layers for margin in groups.items()))
    if by > 0:
        story.correct(month, -by, restricted=restricted, layers=layers, **groups)
        if how == "moved":
            name = rng.choice(list(groups))
            groups[name] = rng.choice(story.one.groups[name])
            story.correct(month, by, restricted=restricted, layers=layers, **groups)
