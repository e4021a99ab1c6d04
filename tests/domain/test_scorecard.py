"""When others read a partner's month, and what is too few to be told."""

from __future__ import annotations

from datetime import date

import pytest

from domain.scorecard import LEARNING, PARTNER_FIRST, Terms, middle

AGREED = {"begin_on": "2026-10-01", "partner_first_days": 5, "least_cases": 5, "figures": ["tasks_accepted"]}


@pytest.mark.parametrize(
    ("month", "today", "why"),
    [
        ("2026-09", "2027-03-01", LEARNING),
        ("2026-10", "2026-10-20", PARTNER_FIRST),
        ("2026-10", "2026-10-31", PARTNER_FIRST),
        ("2026-10", "2026-11-04", PARTNER_FIRST),
        ("2026-10", "2026-11-05", None),
        ("2026-12", "2027-01-04", PARTNER_FIRST),
        ("2026-12", "2027-01-05", None),
    ],
)
def test_the_partner_reads_a_month_first_and_everybody_learns_before(month: str, today: str, why: str | None) -> None:
    assert Terms.of(AGREED).withheld(month, date.fromisoformat(today)) == why


def test_where_nothing_was_agreed_on_nothing_is_told_to_others() -> None:
    assert Terms.of(None).withheld("2026-09", date(2027, 1, 1)) == LEARNING


@pytest.mark.parametrize(("cases", "few"), [(None, False), (0, False), (1, True), (4, True), (5, False)])
def test_from_few_cases_nobody_is_judged(cases: int | None, few: bool) -> None:
    assert Terms.of(AGREED).few(cases) == few


@pytest.mark.parametrize(
    ("values", "median"), [([], None), ([1, 2, 3, 4], None), ([5, 1, 2, 3, 4], 3), ([1, 2, 3, 4, 5, 6], 3.5)]
)
def test_the_median_is_that_of_five_partners_at_least(values: list[float], median: float | None) -> None:
    assert middle(values) == median
