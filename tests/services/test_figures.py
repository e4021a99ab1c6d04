"""From lines to figures: percentiles exact to the unit, levels carried forward, cases that nobody can judge yet."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median as plain_median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.period import Grain
from domain.rule import Rule
from services.figures import Asked, median, percentile, series
from services.measure_shapes import Point

TODAY = "2026-11"


@dataclass
class Row:
    period: str
    part: str
    value: int
    bucket: int = 0
    by: str | None = None


def told(rule: dict[str, Any], *rows: Row, **asked: Any) -> list[Point]:
    return series(Rule.parse(rule), rows, Asked(**asked), TODAY)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=60), st.integers(1, 99))
def test_median_and_percentile_are_those_of_the_cases_themselves(days: list[int], p: int) -> None:
    buckets = {day: days.count(day) for day in days}
    assert median(buckets) == plain_median(days)
    within = percentile(buckets, p)
    assert within in days
    assert sum(day <= within for day in days) * 100 >= p * len(days)
    assert sum(day < within for day in days) * 100 < p * len(days)


LEVEL = {"measure": "level", "entered": "task_waitlisted", "left": "task_started", "by": ["county"]}


def test_a_level_is_carried_forward_until_today() -> None:
    rows = [Row("2026-07", "entered", 3), Row("2026-09", "left", 2)]
    assert [(p.period, p.value) for p in told(LEVEL, *rows)] == [
        ("2026-07", 3), ("2026-08", 3), ("2026-09", 1), ("2026-10", 1), ("2026-11", 1)
    ]  # fmt: skip
    assert [p.value for p in told(LEVEL, *rows, start="2026-08", end="2026-09")] == [3, 1]
    year = Grain("state_year", 7)
    assert [(p.period, p.value) for p in told(LEVEL, *rows, grain=year)] == [("state_year:2027", 1)]


def test_a_year_is_the_sum_of_its_months_and_a_range_of_its_own() -> None:
    rule = {"measure": "sum", "steps": True, "fact": "answer.amount", "money": True}
    rows = [Row("2026-06", "value", 1050), Row("2026-07", "value", 2000), Row("2026-08", "value", -50)]
    year = Grain("state_year", 7)
    assert [(p.period, p.value) for p in told(rule, *rows, grain=year)] == [
        ("state_year:2026", 10.5), ("state_year:2027", 19.5)
    ]  # fmt: skip
    whole = told(rule, *rows, grain=None, start="2026-06", end="2026-07")
    assert [(p.period, p.value) for p in whole] == [("2026-06..2026-07", 30.5)]


def test_a_rate_leaves_out_who_is_not_due_and_shows_them() -> None:
    rule = {"measure": "rate", "clock": "decide"}
    rows = [Row(TODAY, part, n) for part, n in (("cases", 10), ("left", 1), ("denominator", 6), ("numerator", 3))]
    (point,) = told(rule, *rows)
    assert (point.value, point.numerator, point.denominator, point.not_yet_due) == (0.5, 3, 6, 3)


def test_a_rate_of_answers_says_how_many_answered() -> None:
    rule = {
        "measure": "rate", "numerator": {"steps": True, "where": {"answer.stable": "yes"}},
        "denominator": {"steps": True, "where": {"answer.stable": ["yes", "no"]}},
        "cases": {"steps": True, "event": "step_opened"},
    }  # fmt: skip
    (point,) = told(rule, Row(TODAY, "cases", 8), Row(TODAY, "denominator", 2), Row(TODAY, "numerator", 1))
    assert (point.value, point.response_rate, point.not_yet_due) == (0.5, 0.25, 6)


@pytest.mark.parametrize("measure", ["count", "rate"])
def test_by_a_group_the_unknown_stands_there_even_when_there_is_none(measure: str) -> None:
    rule = {"count": {"event": "task_started"}, "rate": {"clock": "decide"}}[measure]
    part = {"count": "value", "rate": "denominator"}[measure]
    points = told({"measure": measure, "by": ["race"], **rule}, Row(TODAY, part, 2, by="white"), by="race")
    assert [(p.by["race"], p.value) for p in points] == [
        ("unknown", 0 if measure == "count" else None), ("white", 2 if measure == "count" else 0.0)
    ]  # fmt: skip
