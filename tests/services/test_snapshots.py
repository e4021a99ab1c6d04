"""What was published once is what the next version says, unless something happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import product
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from domain.protection import Sum, Table, is_small
from domain.span import Span, span_of
from services.counts import LAYERS, Figures
from services.explaining import explain, margin_of
from services.known import Public, Terms
from services.published import Figure, PublishedIndicator
from services.snapshots import Moved, compile_figures
from tests.services.attacker import recovered
from tests.services.tables import around

MONTHS = [f"2026-{month:02d}" for month in range(1, 13)]
TERMS = Terms(11, frozenset(), seconds=1.0)
GROUPS = {"county": tuple(f"c{n}" for n in range(6)), "age_band": tuple(f"a{n}" for n in range(4))}
RULES: dict[str, dict[str, Any]] = {
    "count": {"measure": "count"},
    "rate": {"measure": "rate"},
    "median": {"measure": "median", "entered": "task_accepted"},
    "distinct": {"measure": "distinct"},
    "sum": {"measure": "sum"},
    "level": {"measure": "level"},
}


def counted(rule: str, seed: int, months: list[str], groups: Mapping[str, tuple[str, ...]] = GROUPS) -> Figures:
    """An indicator's counts of these months, open and confidential, as random as the seed."""
    rng = Random(f"{rule} {seed}")
    row = SimpleNamespace(
        id=rule, code=rule, version=1, name=rule, definition="d", kind="how_much", unit="cases", direction="up",
        strategy="s", baseline=None, target=None, effective_on=span_of("2026-01", {}).starts_on, threshold=None,
        rule=RULES[rule],
    )  # fmt: skip
    one = Figures(row, dict(groups))
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
                            for margin in (("", ""), ("county", county), ("age_band", ages)):
                                side.counts[month, counts, margin] += 1
                                if counts == "denominator" and one.measure == "median":
                                    side.buckets.setdefault(margin, Counter())[rng.randrange(30)] += 1
    return one


def reached_by_nobody(one: Figures) -> None:
    """Then the hidden groups' zeros follow from the region's: they need not be secret, and nothing may say they are."""
    for side in (one.open, one.confidential):
        for month, layer, margin in list(side.counts):
            if layer == "numerator":
                side.counts[month, "denominator", margin] -= side.counts[month, layer, margin]
                side.counts[month, layer, margin] = 0


def public(spans: list[Span], *made: tuple[Span, list[PublishedIndicator]], **more: Any) -> Public:
    figures: dict[Any, Figure] = {
        (span.name, one.code, margin_of(figure)): figure
        for span, indicators in made
        for one in indicators
        for figure in one.figures
    }
    return Public(tuple(spans), figures, **more)


NOTHING = Public((), {})


@pytest.mark.parametrize("rule", RULES)
def test_what_is_published_again_without_a_correction_is_the_same(rule: str) -> None:
    hidden = 0
    for seed in range(4):
        month = span_of("2026-03", {})
        one = counted(rule, seed, [month.name])
        if seed < 2:
            reached_by_nobody(one)
        first = compile_figures([one], month, NOTHING, TERMS, Moved())
        again = compile_figures([one], month, public([month], (month, first)), TERMS, Moved())
        assert again == first, seed
        hidden += sum(figure.suppressed or figure.complete is False for figure in first[0].figures)
        assert any(figure.complete is False for figure in first[0].figures)
    assert hidden > 20


def test_who_waits_is_told_again_though_a_group_is_hidden_for_its_own_size() -> None:
    month, groups = span_of("2026-03", {}), ("a", "b", "c")
    one = counted("median", 0, [], {"county": groups, "age_band": ()})
    for group, count in zip(groups, (4, 20, 30), strict=True):
        for margin in (("", ""), ("county", group)):
            one.open.counts[month.name, "denominator", margin] += count
            one.open.buckets.setdefault(margin, Counter())[3] += count
    first = compile_figures([one], month, NOTHING, TERMS, Moved())
    assert (first[0].figures[0].waiting, first[0].figures[1].suppressed) == (0, True)
    assert compile_figures([one], month, public([month], (month, first)), TERMS, Moved()) == first


@pytest.mark.parametrize("rule", ["rate", "median"])
def test_also_when_its_quarter_is_public_by_then(rule: str) -> None:
    for seed in range(1):
        quarter = span_of("2026-Q1", {})
        one, months = counted(rule, seed, MONTHS[:3]), [span_of(name, {}) for name in quarter.months]
        made: list[tuple[Span, list[PublishedIndicator]]] = []
        for span in (*months, quarter):
            known = public([each for each, _ in made], *made)
            made.append((span, compile_figures([one], span, known, TERMS, Moved())))
        known = public([each for each, _ in made], *made)
        for span, first in made:
            assert compile_figures([one], span, known, TERMS, Moved()) == first, (seed, span.name)


@pytest.mark.parametrize(("first", "then"), [("2026-03", "2026-Q1"), ("2026-Q1", "2026-03")])
def test_periods_that_end_together_hide_the_same_groups_of_a_level(first: str, then: str) -> None:
    """It is the same count twice. c was small once and stays hidden: the other period may not show it instead of b."""
    span = span_of(first, {})
    small = level(first, (3, 11, 10, 30), NOTHING)
    grown = level(first, (3, 11, 12, 30), public([span], (span, small)))
    other = level(then, (3, 11, 12, 30), public([span], (span, grown)))
    assert [figure.suppressed for figure in grown[0].figures] == [False, True, False, True, False]
    assert other[0].figures == grown[0].figures


@pytest.mark.parametrize(("first", "then"), [("2026-03", "2026-Q1"), ("2026-Q1", "2026-03")])
def test_what_a_level_lost_between_two_periods_that_end_together_is_told_by_neither(first: str, then: str) -> None:
    """a was 12 and is 9: the others, of whom nobody knows that they stayed, are told as if nothing had been public."""
    span = span_of(first, {})
    shown = level(first, (12, 12, 30, 30), NOTHING)
    assert not any(figure.suppressed for figure in shown[0].figures)
    later = {(first, "level"): Figures(SimpleNamespace(rule=RULES["level"]), {})}
    for margin in (("", ""), ("county", "a")):
        later[first, "level"].open.counts[first, "value", margin] = -3
    other = level(then, (9, 12, 30, 30), public([span], (span, shown), later=later))
    assert [figure.suppressed for figure in other[0].figures] == [False, True, True, False, False]


def level(period: str, counts: tuple[int, ...], known: Public) -> list[PublishedIndicator]:
    """Of the counties a, b, c, d."""
    one = counted("level", 0, [], {"county": tuple("abcd")})
    for group, count in zip("abcd", counts, strict=True):
        for margin in (("", ""), ("county", group)):
            one.open.counts[period, "value", margin] += count
    return compile_figures([one], span_of(period, {}), known, TERMS, Moved())


def test_hiding_is_told_as_hiding_and_a_correction_as_a_correction() -> None:
    month = span_of("2026-03", {})
    one = counted("count", 1, [month.name])
    first = compile_figures([one], month, NOTHING, TERMS, Moved())
    stricter = Terms(16, frozenset(), seconds=1.0)
    by_other_rules = frozenset((month.name, "count", margin, False) for margin in one.margins())
    known = public([month], (month, first), changed=by_other_rules)
    second = compile_figures([one], month, known, stricter, Moved())
    told = explain(first, second, 1, {}, (TERMS.threshold, stricter.threshold))
    assert told.changes
    assert "hidden" in told.sentence
    assert "recorded late" not in told.sentence
    for margin in (("", ""), ("county", "c3"), ("age_band", "a1")):
        one.open.counts[month.name, "value", margin] += 40
    changed = frozenset(
        (month.name, "count", margin, False) for margin in (("", ""), ("county", "c3"), ("age_band", "a1"))
    )
    third = compile_figures([one], month, public([month], (month, first), changed=changed), TERMS, Moved())
    since = {("count", ("", ""), False): Counter(late_entries=40, taken_back=12)}
    told = explain(first, third, 1, since, (TERMS.threshold, TERMS.threshold))
    assert "recorded late" in told.sentence
    (counts,) = told.corrections
    assert (counts.late_entries, counts.taken_back, counts.records_joined) == (40, 12, 0)
    since["count", ("", ""), False] = Counter(late_entries=40, taken_back=3)
    (counts,) = explain(first, third, 1, since, (TERMS.threshold, TERMS.threshold)).corrections
    assert (counts.late_entries, counts.taken_back) == (None, None), "the net change would tell the 3"
    assert counts.records_joined == 0, "that there were none is said"


def test_what_changed_and_what_is_hidden_now_is_named_from_what_to_what() -> None:
    month = span_of("2026-03", {})
    one = counted("count", 1, [month.name])
    one.confidential.counts.clear()
    first = compile_figures([one], month, NOTHING, TERMS, Moved())
    before = {margin_of(figure): figure for figure in first[0].figures}
    shown = next(group for group in GROUPS["county"] if (before["county", group].value or 0) > 30)
    whole, small = one.open.counts[month.name, "value", ("", "")], int(before["county", shown].value or 0)
    for margin in (("", ""), ("county", shown)):
        one.open.counts[month.name, "value", margin] -= small - 4
    second = compile_figures([one], month, public([month], (month, first)), TERMS, Moved())
    since = {("count", margin, False): Counter(taken_back=30) for margin in (("", ""), ("county", shown))}
    (told,) = explain(first, second, 1, since, (TERMS.threshold, TERMS.threshold)).in_words
    assert told.indicator == "count"
    assert f"region {whole} → {whole - small + 4} (work taken back or corrected)" in told.sentence
    assert f"county {shown} (was {small})" in told.sentence.partition("hidden now: ")[2]


def test_a_duration_says_who_still_waits_unless_they_are_few() -> None:
    month, told = span_of("2026-03", {}), 0
    for seed in range(6):
        one = counted("median", seed, [month.name])
        (made,) = compile_figures([one], month, NOTHING, TERMS, Moved())
        for figure in made.figures:
            if figure.waiting is None:
                assert figure.waiting_share is None
                continue
            margin = margin_of(figure)
            waiting = one.open.count(month, "waiting", margin, periodical=False)
            kept = one.confidential.count(month, "waiting", margin, periodical=False) if figure.complete else 0
            assert figure.waiting == waiting + kept
            assert not is_small(waiting, 11)
            assert not is_small(kept, 11)
            began = figure.waiting + (figure.denominator or 0)
            assert figure.waiting_share == (round(figure.waiting / began, 4) if began else None)
            told += 1
    assert told > 5


class Story:
    """What is counted, published and corrected in turn; everybody keeps every version."""

    def __init__(self, one: Figures) -> None:
        self.one, self.made, self.then = one, {}, {}  # type: ignore[var-annotated]
        self.told: set[Any] = set()

    def publish(self, name: str) -> dict[Any, Figure]:
        """The period's next version, by margin."""
        span = span_of(name, {})
        spans = [span_of(each, {}) for each in self.made]
        later = {(each, self.one.row.code): self._since(self.then[each]) for each in self.made}
        changed = {
            (each, self.one.row.code, margin, side)
            for (each, code), since in later.items()
            for side in (False, True)
            for (month, _, margin), n in since.side(side).counts.items()
            if n and month in span_of(each, {}).months
        }
        before = [(span_of(each, {}), made) for each, made in self.made.items()]
        known = public(spans, *before, changed=frozenset(changed), later=later)
        self.made[name] = compile_figures([self.one], span, known, TERMS, Moved())
        self.then[name] = {side: Counter(self.one.side(side).counts) for side in (False, True)}
        figures = {margin_of(figure): figure for figure in self.made[name][0].figures}
        self.told |= {(name, margin, figure.value) for margin, figure in figures.items()}
        return figures

    def _since(self, then: dict[bool, Counter[Any]]) -> Figures:
        since = Figures(self.one.row, self.one.groups)
        for side in (False, True):
            counts = since.side(side).counts
            counts.update(self.one.side(side).counts)
            counts.subtract(then[side])
        return since

    def came(self, month: str, longer: str, people: tuple[int, ...]) -> None:
        """So many of each county; to who counts once also in the longer period."""
        counts, periodical = self.one.open.counts, self.one.periodical
        for group, count in zip(self.one.groups["county"], people, strict=True):
            for margin in (("", ""), ("county", group)):
                counts[month, "value", margin] += count
                counts[longer, "value", margin] += count if periodical else 0

    def correct(self, month: str, county: str, age_band: str, by: int) -> None:
        for margin in (("", ""), ("county", county), ("age_band", age_band)):
            self.one.open.counts[month, "value", margin] += by

    def attacked(self) -> Table:
        """Every period's newest version; its months where they were counted the same."""
        values: dict[Any, int] = {}
        sums: list[Sum] = []
        for name in self.made:
            for margin in self.one.margins():
                values[name, margin] = self._counted(name, name, margin)
            for dimension, groups in self.one.groups.items():
                sums.append(Sum((name, ("", "")), tuple((name, (dimension, group)) for group in groups)))
        for name in self.made:
            for month in (months := span_of(name, {}).months):
                if len(months) > 1 and all(each in self.made for each in months):
                    sums += [
                        Sum((name, margin), tuple((each, margin) for each in months))
                        for margin in self.one.margins()
                        if month == months[0] and all(self._same(name, each, margin) for each in months)
                    ]
        return Table(values, tuple(sums))

    def _counted(self, name: str, then: str, margin: Any) -> int:
        return sum(self.then[then][False][month, "value", margin] for month in span_of(name, {}).months)

    def _same(self, longer: str, month: str, margin: Any) -> bool:
        return self._counted(month, longer, margin) == self._counted(month, month, margin)

    def hidden(self) -> set[Any]:
        return {
            (name, margin_of(figure))
            for name, made in self.made.items()
            for figure in made[0].figures
            if figure.suppressed
        }


@pytest.mark.parametrize("seed", range(3))
def test_beside_a_public_quarter_a_correction_costs_few_figures_and_still_tells_no_small_one(seed: int) -> None:
    """Three late, four taken back in September; one late in August: the region's totals stand corrected."""
    groups = {"county": GROUPS["county"][:5], "age_band": GROUPS["age_band"]}
    story = Story(counted("count", seed, MONTHS[6:9], groups))
    story.one.confidential.counts.clear()
    for name in (*MONTHS[6:9], "2026-Q3"):
        story.publish(name)
    assert recovered(story.attacked(), story.hidden(), 11) == {}, "zeros that are hidden are no better known"
    before, told = story.hidden(), story.one.open.counts["2026-09", "value", ("", "")]
    for county, age_band, by in (("c1", "a0", 3), ("c2", "a1", -1), ("c3", "a2", -2), ("c1", "a3", -1)):
        story.correct("2026-09", county, age_band, by)
    september = story.publish("2026-09")
    story.correct("2026-08", "c0", "a0", 1)
    august = story.publish("2026-08")
    assert (september["", ""].value, september["", ""].suppressed) == (told - 1, False)
    assert not august["", ""].suppressed
    assert before <= story.hidden(), "what is hidden stays hidden"
    assert len(story.hidden()) <= len(before) + 6
    assert recovered(story.attacked(), story.hidden(), 11) == {}


@pytest.mark.parametrize("seed", range(3))
def test_who_reads_a_corrected_month_live_computes_no_small_number_from_the_quarter(seed: int) -> None:
    """August stands as it was published; partners read it as it is, in the groups that it shows."""
    groups = {"county": GROUPS["county"][:5], "age_band": GROUPS["age_band"]}
    story = Story(counted("count", seed, MONTHS[6:9], groups))
    story.one.confidential.counts.clear()
    for name in MONTHS[6:9]:
        story.publish(name)
    for county, age_band in product(*groups.values()):
        story.correct("2026-08", county, age_band, 1)
    story.publish("2026-Q3")
    for name in MONTHS[6:9]:
        story.then[name] = story.then["2026-Q3"]
    table = story.attacked()
    known = recovered(table, story.hidden(), 11)
    assert not any(is_small(table.values[cell], 11) for cell in known)


@pytest.mark.parametrize(("rule", "longer"), [("count", "2026-Q1"), ("count", "2026"), ("distinct", "2026")])
def test_what_a_month_lost_before_its_quarter_or_year_was_counted_is_not_told_by_it(rule: str, longer: str) -> None:
    """February shows 12 and 9 are left, which nobody reads live: the quarter less January is not 9 to anybody."""
    story = Story(counted(rule, 0, [], {"county": ("a", "b", "c")}))
    for month in ("2026-01", "2026-02"):
        story.came(month, longer, (12, 12, 11))
        assert not any(figure.suppressed for figure in story.publish(month).values())
    story.came("2026-02", longer, (0, -3, 0))
    told = story.publish(longer)
    assert told["county", "b"].suppressed
    assert sum(figure.suppressed for figure in told.values()) > 1, "nor is it the region less the others"
    assert not told["", ""].suppressed


@pytest.mark.parametrize("month_first", [False, True])
@pytest.mark.parametrize(("rule", "longer"), [("count", "2026-Q1"), ("distinct", "2026")])
def test_nor_by_it_when_it_is_published_again(rule: str, longer: str, month_first: bool) -> None:
    """Of b the two other months are hidden and 16 together, as the first version told: 18 now would leave 2."""
    story = Story(counted(rule, 0, [], {"county": ("a", "b", "c", "d")}))
    for month, people in (("2026-01", (12, 8, 9, 30)), ("2026-02", (12, 11, 12, 30)), ("2026-03", (12, 8, 9, 30))):
        story.came(month, longer, people)
        story.publish(month)
    assert story.publish(longer)["county", "b"].value == 27
    story.came("2026-02", longer, (0, -9, 0, 0))
    if month_first:
        story.publish("2026-02")
    told = story.publish(longer)
    assert told["county", "b"].suppressed
    assert sum(figure.suppressed for figure in told.values()) > 1
    assert story.publish(longer) == told


def test_what_a_version_before_showed_is_not_known_of_a_quarter_for_which_its_row_had_changed() -> None:
    """Else the quarter would make 1 and 7 of July computable whatever is hidden, and 13 would stand beside them."""
    story = Story(counted("count", 0, [], {"county": ("a", "b", "c")}))
    for month, people in (("2026-07", (6, 7, 13)), ("2026-08", (3, 3, 20)), ("2026-09", (14, 14, 14))):
        story.came(month, "2026-Q3", people)
    first = story.publish("2026-07")
    story.came("2026-07", "2026-Q3", (-5, 0, 0))
    story.publish("2026-Q3")
    again = story.publish("2026-07")
    assert [told["county", "c"].suppressed for told in (first, again)] == [False, True]


@pytest.mark.parametrize("seed", range(4, 8))
def test_whatever_is_corrected_and_published_again_in_whatever_order_nothing_small_is_told(seed: int) -> None:
    """Who takes a figure for unchanged that was shown before and is hidden now may be right; nobody knows others."""
    random, groups = Random(seed), {"county": GROUPS["county"][:5], "age_band": GROUPS["age_band"]}
    story = Story(counted("count", seed + 50, MONTHS[6:9], groups))
    story.one.confidential.counts.clear()
    order = [*MONTHS[6:9]]
    order.insert(random.randrange(4), "2026-Q3")
    for name in [*order, *random.choices(order, k=5)]:
        hidden = story.hidden()
        story.publish(name)
        assert hidden <= story.hidden()
        table = story.attacked()
        known = set(recovered(table, story.hidden(), 11))
        assert {(*cell, table.values[cell]) for cell in known} <= story.told
        assert not any(is_small(table.values[cell], 11) for cell in known)
        for _ in range(random.randint(0, 2)):
            county, age_band = (random.choice(each) for each in groups.values())
            story.correct(random.choice(MONTHS[6:9]), county, age_band, random.choice((1, 1, 2, 5, 12)))


def test_confidential_amounts_make_only_what_holds_them_coarser() -> None:
    """And a larger amount than before is told as that."""
    month = span_of("2026-03", {})
    one = counted("sum", 1, [month.name])
    for side, amount in ((one.open, 1234), (one.confidential, 40_000)):
        for margin in one.margins():
            side.amounts[margin] = amount
    one.open.largest, one.confidential.largest = 90, 40_000
    (told,) = compile_figures([one], month, NOTHING, TERMS, Moved())
    values = {figure.complete: figure.value for figure in told.figures if not figure.suppressed}
    assert values == {False: 1200, True: 50_000}
    one.open.largest = 400
    (later,) = compile_figures([one], month, public([month], (month, [told])), TERMS, Moved())
    says = explain([told], [later], 1, {}, (TERMS.threshold, TERMS.threshold))
    assert {figure.value for figure in later.figures if figure.complete is False} == {1000}
    assert {reason for change in says.changes for reason in change.reasons} == {"its amounts are rounded otherwise"}
    assert "recorded late" not in says.sentence
