"""Calendars of real services: Nebraska's holidays, a service's own hours."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from domain.limit import Limit
from services import calendars
from services.calendars import calendar_of, years_around

DENVER = "America/Denver"
YEARS = range(2026, 2031)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(DENVER))


@pytest.mark.parametrize(
    ("holiday", "day"),
    [
        ("Arbor Day, Nebraska's own", date(2026, 4, 24)),
        ("Independence Day", date(2026, 7, 4)),
        ("Independence Day, kept on the Friday before", date(2026, 7, 3)),
        ("Thanksgiving", date(2026, 11, 26)),
        ("Christmas", date(2026, 12, 25)),
        ("New Year of 2028, kept in the year before", date(2027, 12, 31)),
        ("Memorial Day, two years away", date(2028, 5, 29)),
    ],
)
def test_a_service_is_closed_on_its_regions_holidays(holiday: str, day: date) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(DENVER))
    assert not calendar_of(DENVER, years=YEARS).is_open(noon), holiday


def test_without_hours_of_its_own_a_service_has_the_regions() -> None:
    office = calendar_of(DENVER, years=YEARS)
    assert office.next_opening(local("2026-07-11T10:00")) == local("2026-07-13T08:00")
    assert office.open_seconds(local("2026-07-13T00:00"), local("2026-07-14T00:00")) == 9 * 3600


def test_a_services_own_hours_stand_before_the_regions() -> None:
    pantry = calendar_of(DENVER, {"sat": [["09:00", "11:00"]]}, years=YEARS)
    assert pantry.next_opening(local("2026-07-13T08:00")) == local("2026-07-18T09:00")


def test_days_on_which_only_this_service_is_closed() -> None:
    school = calendar_of(DENVER, extra_closed=[date(2026, 7, 13)], years=YEARS)
    assert school.due(local("2026-07-10T16:00"), Limit(business_days=1)) == local("2026-07-14T16:00")


def test_a_hotline_keeps_no_holidays() -> None:
    hotline = calendar_of(DENVER, always_open=True, years=YEARS)
    assert hotline.is_open(local("2026-12-25T03:00"))
    assert not hotline.holidays


def test_a_deadline_two_years_away_meets_the_holidays_of_its_year() -> None:
    now = datetime.now(UTC)
    known = calendar_of(DENVER).holidays
    assert all(date(now.year + more, 7, 4) in known for more in range(-1, 4))


def test_the_years_move_on_with_the_clock_of_a_process_that_lives_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = calendar_of(DENVER)
    later = datetime(2039, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(calendars, "datetime", SimpleNamespace(now=lambda zone: later))
    assert date(2041, 7, 4) in calendar_of(DENVER).holidays - before.holidays
    assert list(years_around(later)) == [2038, 2039, 2040, 2041, 2042]


def test_equal_questions_give_the_same_calendar() -> None:
    hours = {"mon": [["08:00", "12:00"]], "tue": [["08:00", "12:00"]]}
    turned = dict(reversed(hours.items()))
    one = calendar_of(DENVER, hours, [date(2026, 7, 13)], years=YEARS)
    assert one is calendar_of(DENVER, turned, (date(2026, 7, 13),), years=list(YEARS))
    assert one is not calendar_of(DENVER, hours, years=YEARS)


def test_asking_changes_nothing_that_the_next_one_gets() -> None:
    hours = {"mon": [["08:00", "12:00"]]}
    before = calendar_of(DENVER, hours, years=YEARS)
    hours["tue"] = [["08:00", "12:00"]]
    assert calendar_of(DENVER, hours, years=YEARS) != before
    assert calendar_of(DENVER, {"mon": [["08:00", "12:00"]]}, years=YEARS) is before


@pytest.mark.parametrize("hours", [{}, {"mon": []}, {"mon": [["17:00", "08:00"]]}, {"lun": [["08:00", "17:00"]]}])
def test_hours_with_which_nothing_is_ever_due_are_refused(hours: dict[str, list[list[str]]]) -> None:
    with pytest.raises(ValueError, match=r"^hours"):
        calendar_of(DENVER, hours, years=YEARS)
