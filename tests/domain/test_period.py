"""Months, and years that begin when the agenda says so."""

from datetime import date

import pytest

from domain.period import CALENDAR_YEAR, MONTH, Grain, last_day, months_between

STATE, FEDERAL = Grain("state_year", 7), Grain("federal_year", 10)


@pytest.mark.parametrize(
    ("grain", "day", "period"),
    [
        (MONTH, date(2026, 11, 24), "2026-11"),
        (CALENDAR_YEAR, date(2026, 12, 31), "2026"),
        (STATE, date(2026, 6, 30), "state_year:2026"),
        (STATE, date(2026, 7, 1), "state_year:2027"),
        (FEDERAL, date(2026, 9, 30), "federal_year:2026"),
        (FEDERAL, date(2026, 10, 1), "federal_year:2027"),
        (Grain("tax_year", 1), date(2026, 12, 31), "tax_year:2026"),
    ],
)
def test_a_year_is_named_by_the_year_in_which_it_ends(grain: Grain, day: date, period: str) -> None:
    assert grain.holding(day) == period
    assert grain.names(period)
    first, last = grain.dates(period)
    assert first <= day <= last
    assert [grain.holding(each) for each in (first, last)] == [period, period]


def test_a_period_of_one_calendar_is_none_of_another() -> None:
    periods = {MONTH: "2026-11", CALENDAR_YEAR: "2026", STATE: "state_year:2026", FEDERAL: "federal_year:2026"}
    for grain in periods:
        assert [other for other in periods if grain.names(periods[other])] == [grain]


def test_a_state_year_has_the_months_from_july_to_june() -> None:
    months = STATE.months("state_year:2027")
    assert (months[0], months[-1], len(months)) == ("2026-07", "2027-06", 12)


def test_the_last_day_of_a_month_knows_leap_years() -> None:
    assert [last_day(month).day for month in ("2027-02", "2028-02", "2026-12", "2026-04")] == [28, 29, 31, 30]


def test_months_between_are_counted_across_years_and_none_if_backwards() -> None:
    assert months_between("2025-11", "2026-02") == ("2025-11", "2025-12", "2026-01", "2026-02")
    assert months_between("2026-02", "2026-01") == ()
