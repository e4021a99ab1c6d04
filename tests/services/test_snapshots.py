"""What was published once is what the next version says, unless something happened."""

from __future__ import annotations

from collections import Counter
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest

from domain.protection import is_small
from domain.span import Span, span_of
from services.counts import Figures
from services.explaining import explain, margin_of
from services.public_periods import Public, Terms
from services.published import Figure, PublishedIndicator
from services.snapshots import compile_figures
from tests.services.republishing import GROUPS, RULES, TERMS, Story, counted, nothing_counted, random_story

MONTHS = [f"2026-{month:02d}" for month in range(1, 13)]


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
        first = compile_figures([one], month, NOTHING, TERMS)
        again = compile_figures([one], month, public([month], (month, first)), TERMS)
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
    first = compile_figures([one], month, NOTHING, TERMS)
    assert (first[0].figures[0].waiting, first[0].figures[1].suppressed) == (0, True)
    assert compile_figures([one], month, public([month], (month, first)), TERMS) == first


@pytest.mark.parametrize("rule", ["rate", "median"])
def test_also_when_its_quarter_is_public_by_then(rule: str) -> None:
    quarter = span_of("2026-Q1", {})
    one, months = counted(rule, 0, MONTHS[:3]), [span_of(name, {}) for name in quarter.months]
    made: list[tuple[Span, list[PublishedIndicator]]] = []
    for span in (*months, quarter):
        known = public([each for each, _ in made], *made)
        made.append((span, compile_figures([one], span, known, TERMS)))
    known = public([each for each, _ in made], *made)
    for span, first in made:
        assert compile_figures([one], span, known, TERMS) == first, span.name


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
    return compile_figures([one], span_of(period, {}), known, TERMS)


def test_hiding_is_told_as_hiding_and_a_correction_as_a_correction() -> None:
    month = span_of("2026-03", {})
    one = counted("count", 1, [month.name])
    first = compile_figures([one], month, NOTHING, TERMS)
    stricter = Terms(16, frozenset(), seconds=1.0)
    by_other_rules = frozenset((month.name, "count", margin, False) for margin in one.margins())
    known = public([month], (month, first), changed=by_other_rules)
    second = compile_figures([one], month, known, stricter)
    told = explain(first, second, 1, {}, (TERMS.threshold, stricter.threshold))
    assert told.changes
    assert "hidden" in told.sentence
    assert "recorded late" not in told.sentence
    for margin in (("", ""), ("county", "c3"), ("age_band", "a1")):
        one.open.counts[month.name, "value", margin] += 40
    changed = frozenset(
        (month.name, "count", margin, False) for margin in (("", ""), ("county", "c3"), ("age_band", "a1"))
    )
    third = compile_figures([one], month, public([month], (month, first), changed=changed), TERMS)
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
    first = compile_figures([one], month, NOTHING, TERMS)
    before = {margin_of(figure): figure for figure in first[0].figures}
    shown = next(group for group in GROUPS["county"] if (before["county", group].value or 0) > 30)
    whole, small = one.open.counts[month.name, "value", ("", "")], int(before["county", shown].value or 0)
    for margin in (("", ""), ("county", shown)):
        one.open.counts[month.name, "value", margin] -= small - 4
    second = compile_figures([one], month, public([month], (month, first)), TERMS)
    since = {("count", margin, False): Counter(taken_back=30) for margin in (("", ""), ("county", shown))}
    (told,) = explain(first, second, 1, since, (TERMS.threshold, TERMS.threshold)).in_words
    assert told.indicator == "count"
    assert f"region {whole} → {whole - small + 4} (work taken back or corrected)" in told.sentence
    assert f"county {shown} (was {small})" in told.sentence.partition("hidden now: ")[2]


def test_what_is_not_told_any_more_and_few_confidential_corrections_are_explained_as_that() -> None:
    month = span_of("2026-03", {})
    one = nothing_counted("count", {"county": ("a", "b")})
    for side, group in product((one.open, one.confidential), ("a", "b")):
        for margin in (("", ""), ("county", group)):
            side.counts["2026-03", "value", margin] += 40
    (before,) = compile_figures([one], month, NOTHING, TERMS)
    after = before.model_copy(update={"figures": before.figures[:2]})
    since = {("count", ("", ""), side): Counter(late_entries=late) for side, late in ((False, 40), (True, 3))}
    told = explain([before, before.model_copy(update={"code": "other"})], [after], 1, since, (11, 11))
    gone = {(each.indicator, *each.by.values()) for each in told.changes if each.after is None}
    assert gone == {("count", "b"), ("other",), ("other", "a"), ("other", "b")}
    assert "not told any more" in told.sentence
    assert [each.late_entries for each in told.corrections] == [None], "43 less the 40 that people here look up"


def test_that_a_provider_had_a_line_before_it_became_confidential_is_not_said() -> None:
    month = span_of("2026-03", {})
    one = nothing_counted("count", {"organization": ("harbor", "hub")})
    for margin in (("", ""), ("organization", "harbor")):
        one.open.counts["2026-03", "value", margin] += 40
    (before,) = compile_figures([one], month, NOTHING, TERMS)
    (after,) = compile_figures([one], month, NOTHING, Terms(11, frozenset({"harbor"})))
    told = explain([before], [after], 1, {}, (11, 11), {"harbor"})
    assert "harbor" not in told.model_dump_json()


def test_what_moved_a_duration_is_told_also_where_it_says_no_more_who_waits() -> None:
    month = span_of("2026-03", {})
    one = counted("median", 1, [month.name])
    (before,) = compile_figures([one], month, NOTHING, TERMS)
    for figure in before.figures:
        figure.waiting, figure.waiting_share = 12, 0.5
    after = before.model_copy(
        update={"figures": [each.model_copy(update={"waiting": None, "value": 99}) for each in before.figures]}
    )
    since = {("median", ("", ""), False): Counter(late_entries=40)}
    (whole, *_) = explain([before], [after], 1, since, (11, 11)).changes
    assert whole.reasons == ["who still waits is suppressed from this version on", "work recorded late"]


def test_a_duration_says_who_still_waits_unless_they_are_few() -> None:
    month, told = span_of("2026-03", {}), 0
    for seed in range(6):
        one = counted("median", seed, [month.name])
        (made,) = compile_figures([one], month, NOTHING, TERMS)
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


@pytest.mark.parametrize("seed", range(3))
def test_beside_a_public_quarter_a_correction_costs_few_figures_and_still_tells_no_small_one(seed: int) -> None:
    """Three late, four taken back in September; one late in August: the region's totals stand corrected."""
    groups = {"county": GROUPS["county"][:5], "age_band": GROUPS["age_band"]}
    story = Story(counted("count", seed, MONTHS[6:9], groups))
    story.one.confidential.counts.clear()
    for name in (*MONTHS[6:9], "2026-Q3"):
        story.publish(name)
    before, told = story.hidden(), story.one.open.counts["2026-09", "value", ("", "")]
    for county, age_band, by in (("c1", "a0", 3), ("c2", "a1", -1), ("c3", "a2", -2), ("c1", "a3", -1)):
        story.correct("2026-09", by, county=county, age_band=age_band)
    september = story.publish("2026-09")
    story.correct("2026-08", 1, county="c0", age_band="a0")
    august = story.publish("2026-08")
    assert (september["", ""].value, september["", ""].suppressed) == (told - 1, False)
    assert not august["", ""].suppressed
    assert before <= story.hidden(), "what is hidden stays hidden"
    assert len(story.hidden()) <= len(before) + 6
    assert story.computed() == []


@pytest.mark.parametrize("seed", range(3))
def test_who_reads_a_corrected_month_live_computes_no_small_number_from_the_quarter(seed: int) -> None:
    """August stands as it was published; partners read it as it is, in the groups that it shows."""
    groups = {"county": GROUPS["county"][:5], "age_band": GROUPS["age_band"]}
    story = Story(counted("count", seed, MONTHS[6:9], groups))
    story.one.confidential.counts.clear()
    for name in MONTHS[6:9]:
        story.publish(name)
    for county, age_band in product(*groups.values()):
        story.correct("2026-08", 1, county=county, age_band=age_band)
    story.publish("2026-Q3")
    assert story.computed() == []


@pytest.mark.parametrize(("rule", "longer"), [("count", "2026-Q1"), ("count", "2026"), ("distinct", "2026")])
def test_what_a_month_lost_before_its_quarter_or_year_was_counted_is_not_told_by_it(rule: str, longer: str) -> None:
    """February shows 12 and 9 are left, which nobody reads live: the quarter less January is not 9 to anybody."""
    story = Story(nothing_counted(rule, {"county": ("a", "b", "c")}))
    for month in ("2026-01", "2026-02"):
        story.came(month, longer, (12, 12, 11))
        assert not any(figure.suppressed for figure in story.publish(month).values())
    story.came("2026-02", longer, (0, -3, 0))
    told = story.publish(longer)
    assert told["county", "b"].suppressed
    assert sum(figure.suppressed for figure in told.values()) > 1, "nor is it the region less the others"
    assert not told["", ""].suppressed


@pytest.mark.parametrize("month_first", [False, True])
@pytest.mark.parametrize(
    ("rule", "longer", "restricted"),
    [("count", "2026-Q1", False), ("count", "2026-Q1", True), ("distinct", "2026", False)],
)
def test_nor_by_it_when_it_is_published_again(rule: str, longer: str, restricted: bool, month_first: bool) -> None:
    """Of b the two other months are hidden and 16 together, as the first version told: 17 now would leave 1."""

    def shown(figures: dict[Any, Figure], group: str) -> bool:
        return bool(figures["county", group].complete if restricted else not figures["county", group].suppressed)

    story = Story(nothing_counted(rule, {"county": ("a", "b", "c", "d")}))
    for month, people in (("2026-01", (12, 8, 9, 30)), ("2026-02", (12, 12, 12, 30)), ("2026-03", (12, 8, 9, 30))):
        story.came(month, longer, people, restricted=restricted)
        story.publish(month)
    first = story.publish(longer)
    assert (first["county", "b"].value, shown(first, "b")) == (28, True)
    story.came("2026-02", longer, (0, -11, 0, 0), restricted=restricted)
    if month_first:
        story.publish("2026-02")
    told = story.publish(longer)
    assert not shown(told, "b")
    assert sum(not shown(told, group) for group in "abcd") > 1


def test_what_a_version_before_showed_is_not_known_of_a_quarter_for_which_its_row_had_changed() -> None:
    """Else the quarter would make 1 and 7 of July computable whatever is hidden, and 13 would stand beside them."""
    story = Story(nothing_counted("count", {"county": ("a", "b", "c")}))
    for month, people in (("2026-07", (6, 7, 13)), ("2026-08", (3, 3, 20)), ("2026-09", (14, 14, 14))):
        story.came(month, "2026-Q3", people)
    first = story.publish("2026-07")
    story.came("2026-07", "2026-Q3", (-5, 0, 0))
    story.publish("2026-Q3")
    again = story.publish("2026-07")
    assert [told["county", "c"].suppressed for told in (first, again)] == [False, True]


@pytest.mark.parametrize(
    ("rule", "seed", "confidential"),
    [("count", 6, False), ("sum", 9, False), ("sum", 103, False), ("rate", 4, True), ("median", 10, True)],
)
def test_whatever_is_corrected_and_published_again_in_whatever_order_nothing_small_is_told(
    rule: str, seed: int, confidential: bool
) -> None:
    """Stories that told something once; `python -m bench.republishing` tries others. Who takes a figure for unchanged
    that was shown before and is hidden now may be right; nobody knows others.
    """
    before: set[Any] = set()
    for story in random_story(rule, seed, confidential=confidential):
        assert story.computed() == [], "\n".join(story.told)
        assert before <= story.hidden(), "what is hidden stays hidden"
        before = story.hidden()


@pytest.mark.parametrize(("rule", "layers"), [
    ("count", ("value",)), ("sum", ("cases",)), ("median", ("denominator",)), ("rate", ("denominator", "numerator")),
])  # fmt: skip
def test_where_few_confidential_cases_came_the_figure_stands_without_them(rule: str, layers: tuple[str, ...]) -> None:
    story = Story(nothing_counted(rule, {"county": ("a", "b"), "age_band": ("x",)}))
    every = [*layers, "missed"] if rule == "rate" else list(layers)
    for restricted, group in product((False, True), ("a", "b")):
        for layer, count in zip(every, (60, 30, 30), strict=False):
            story.correct("2026-03", count, restricted=restricted, layers=[layer], county=group, age_band="x")
    assert all(figure.complete for figure in story.publish("2026-03").values())
    story.correct("2026-03", 6, restricted=True, layers=layers, county="a", age_band="x")
    again = story.publish("2026-03")
    assert [again[margin].complete for margin in (("", ""), ("county", "a"))] == [False, False]


@pytest.mark.parametrize("moved", [False, True])
def test_who_counts_once_by_confidential_work_alone_is_told_only_where_nobody_came_or_went(moved: bool) -> None:
    """One came and one went: the count is the same, who has confidential work alone may be others."""
    story = Story(nothing_counted("distinct", {"county": tuple("abcd")}))
    story.one.confided = True
    for restricted in (False, True):
        story.came("2026-02", "2026", (30, 30, 30, 30), restricted=restricted)
    assert all(figure.complete for figure in story.publish("2026-02").values())
    for by in (1, -1) if moved else ():
        story.came("2026-02", "2026", (by, 0, 0, 0))
    year = story.publish("2026")
    assert (bool(year["county", "a"].complete), year["county", "a"].suppressed) == (not moved, False)


def test_confidential_amounts_make_only_what_holds_them_coarser() -> None:
    """And a larger amount than before is told as that."""
    month = span_of("2026-03", {})
    one = counted("sum", 1, [month.name])
    for side, amount in ((one.open, 1234), (one.confidential, 40_000)):
        for margin in one.margins():
            side.amounts[margin] = amount
    one.open.largest, one.confidential.largest = 90, 40_000
    (told,) = compile_figures([one], month, NOTHING, TERMS)
    values = {figure.complete: figure.value for figure in told.figures if not figure.suppressed}
    assert values == {False: 1200, True: 50_000}
    one.open.largest = 400
    (later,) = compile_figures([one], month, public([month], (month, [told])), TERMS)
    says = explain([told], [later], 1, {}, (TERMS.threshold, TERMS.threshold))
    assert {figure.value for figure in later.figures if figure.complete is False} == {1000}
    assert {reason for change in says.changes for reason in change.reasons} == {"its amounts are rounded otherwise"}
    assert "recorded late" not in says.sentence
