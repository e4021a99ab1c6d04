"""When something is due: situations in plain words, then what holds for all calendars and moments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import Calendar, weekly_hours
from domain.limit import Limit

DENVER, CHICAGO = "America/Denver", "America/Chicago"
FIRST_DAY = date(2026, 1, 1)
OFFICE = {day: [["08:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
MICROSECOND = timedelta(microseconds=1)

CALENDARS = {
    "office": Calendar(DENVER, weekly_hours(OFFICE), frozenset({date(2026, 7, 3), date(2026, 11, 26)})),
    "eastern office": Calendar(CHICAGO, weekly_hours(OFFICE)),
    "closed at noon": Calendar(DENVER, weekly_hours({d: [["08:00", "12:00"], ["13:00", "17:00"]] for d in OFFICE})),
    "short fridays": Calendar(DENVER, weekly_hours({**OFFICE, "fri": [["10:30", "12:00"], ["08:00", "10:00"]]})),
    "late wednesdays": Calendar(DENVER, weekly_hours({**OFFICE, "wed": [["13:00", "20:00"]]})),
    "saturdays only": Calendar(DENVER, weekly_hours({"sat": [["09:00", "11:00"]]})),
    "night shelter": Calendar(
        DENVER, weekly_hours({d: [["00:00", "06:00"], ["20:00", "24:00"]] for d in (*OFFICE, "sat", "sun")})
    ),
    "sundays before dawn": Calendar(DENVER, weekly_hours({"sun": [["02:00", "03:00"]]})),
    "hotline": Calendar(DENVER, {}, frozenset({date(2026, 7, 3)}), always_open=True),
    "new year": Calendar(DENVER, weekly_hours(OFFICE), frozenset({date(2026, 12, 25), date(2027, 1, 1)})),
}


def at(text: str, zone: str = DENVER, fold: int = 0) -> datetime:
    """`Fri 07-10 16:00` of 2026 (or of a year that is named) on the wall of the place; weekday checked."""
    day = text[4:] if text.count("-") == 2 else f"2026-{text[4:]}"
    local = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone), fold=fold)
    assert local.strftime("%a") == text[:3], text
    return local.astimezone(UTC)


# fmt: off
DUE = [
    ("the same time next day", "office", "Tue 07-07 10:15", {"business_days": 1}, "Wed 07-08 10:15"),
    ("over the weekend", "office", "Fri 07-10 16:00", {"business_days": 1}, "Mon 07-13 16:00"),
    ("two days over the weekend", "office", "Thu 07-09 09:00", {"business_days": 2}, "Mon 07-13 09:00"),
    ("the holiday is no business day", "office", "Thu 07-02 16:00", {"business_days": 1}, "Mon 07-06 16:00"),
    ("a sender on a holiday", "office", "Fri 07-03 10:00", {"business_days": 1}, "Tue 07-07 08:00"),
    ("a sender on Saturday", "office", "Sat 07-11 10:00", {"business_days": 1}, "Tue 07-14 08:00"),
    ("before opening", "office", "Mon 07-13 06:00", {"business_days": 1}, "Tue 07-14 08:00"),
    ("at opening", "office", "Mon 07-13 08:00", {"business_days": 1}, "Tue 07-14 08:00"),
    ("a minute before closing", "office", "Fri 07-10 16:59", {"business_days": 1}, "Mon 07-13 16:59"),
    ("just closed", "office", "Fri 07-10 17:00", {"business_days": 1}, "Tue 07-14 08:00"),
    ("fourteen business days", "office", "Mon 07-13 09:30", {"business_days": 14}, "Fri 07-31 09:30"),
    ("over the year's end", "new year", "Thu 12-24 11:00", {"business_days": 5}, "Mon 2027-01-04 11:00"),
    ("closes earlier that day", "short fridays", "Thu 07-09 16:00", {"business_days": 1}, "Fri 07-10 12:00"),
    ("opens later that day", "late wednesdays", "Tue 07-07 09:00", {"business_days": 1}, "Wed 07-08 13:00"),
    ("sent at lunch", "closed at noon", "Mon 07-13 12:20", {"business_days": 1}, "Tue 07-14 13:00"),
    ("sent as lunch begins", "closed at noon", "Mon 07-13 12:00", {"business_days": 1}, "Tue 07-14 13:00"),
    ("open one day a week", "saturdays only", "Mon 07-13 12:00", {"business_days": 2}, "Sat 08-01 09:00"),
    ("the clock goes forward", "office", "Fri 03-06 16:00", {"business_days": 1}, "Mon 03-09 16:00"),
    ("the clock goes back", "office", "Fri 10-30 16:00", {"business_days": 1}, "Mon 11-02 16:00"),
    ("an evening at a shelter", "night shelter", "Mon 07-13 21:00", {"business_days": 1}, "Tue 07-14 21:00"),
    ("noon at the shelter", "night shelter", "Mon 07-13 12:00", {"business_days": 1}, "Tue 07-14 20:00"),
    ("into the hour that spring leaves out", "night shelter", "Sat 03-07 02:30", {"business_days": 1},
     "Sun 03-08 03:00"),
    ("its only hour is left out", "sundays before dawn", "Sun 03-01 02:30", {"business_days": 1},
     "Sun 03-15 02:30"),
    ("24/7, on a holiday's eve", "hotline", "Thu 07-02 23:00", {"business_days": 1}, "Fri 07-03 23:00"),

    ("urgent, in the morning", "office", "Mon 07-13 09:00", {"opening_hours": 4}, "Mon 07-13 13:00"),
    ("urgent, over the weekend", "office", "Fri 07-10 15:00", {"opening_hours": 4}, "Mon 07-13 10:00"),
    ("urgent, out at closing", "office", "Fri 07-10 13:00", {"opening_hours": 4}, "Fri 07-10 17:00"),
    ("urgent, at night", "office", "Mon 07-13 22:00", {"opening_hours": 4}, "Tue 07-14 12:00"),
    ("urgent, over lunch", "closed at noon", "Mon 07-13 11:00", {"opening_hours": 2}, "Mon 07-13 14:00"),
    ("a quarter of an hour", "office", "Fri 07-10 16:50", {"opening_hours": 0.25}, "Mon 07-13 08:05"),
    ("many weeks of Saturdays", "saturdays only", "Sat 07-11 10:00", {"opening_hours": 6}, "Sat 08-01 10:00"),
    ("24/7, night of the change", "hotline", "Sat 03-07 22:00", {"opening_hours": 6}, "Sun 03-08 05:00"),
    ("the shelter's night is an hour longer", "night shelter", "Sat 10-31 22:00", {"opening_hours": 8},
     "Sun 11-01 05:00"),

    ("thirty days by the wall", "office", "Fri 07-10 16:00", {"days": 30}, "Sun 08-09 16:00"),
    ("thirty days over the change", "office", "Fri 10-16 16:00", {"days": 30}, "Sun 11-15 16:00"),
    ("hours by the wall", "office", "Fri 07-10 16:00", {"hours": 4}, "Fri 07-10 20:00"),
    ("a day of hours over the change", "office", "Sat 03-07 16:00", {"hours": 24}, "Sun 03-08 17:00"),
    ("seconds, compressed", "office", "Sat 07-11 16:00", {"seconds": 60}, "Sat 07-11 16:01"),
]
# fmt: on


@pytest.mark.parametrize(("situation", "calendar", "start", "limit", "due"), DUE)
def test_when_it_is_due(situation: str, calendar: str, start: str, limit: dict[str, float], due: str) -> None:
    assert CALENDARS[calendar].due(at(start), Limit.parse(limit)) == at(due), situation


def test_two_offices_in_two_time_zones_are_due_by_their_own_clocks() -> None:
    start = at("Mon 07-13 09:00")
    west, east = CALENDARS["office"], CALENDARS["eastern office"]
    assert west.due(start, Limit(opening_hours=8)) == at("Mon 07-13 17:00")
    assert east.due(start, Limit(opening_hours=8)) == at("Tue 07-14 09:00", CHICAGO)


def test_the_hour_that_shows_twice_is_open_twice_and_its_second_showing_counts_as_the_change() -> None:
    shelter = CALENDARS["night shelter"]
    first, second = at("Sun 11-01 01:30"), at("Sun 11-01 01:30", fold=1)
    assert shelter.open_seconds(first, second) == 3600
    assert shelter.due(first, Limit(business_days=1)) == at("Mon 11-02 01:30")
    assert shelter.due(second, Limit(business_days=1)) == at("Mon 11-02 02:00")
    assert shelter.due(second + MICROSECOND, Limit(business_days=1)) == at("Mon 11-02 02:00")


# fmt: off
DAYS = [
    ("nothing yet", "office", "Mon 07-13 09:00", "Tue 07-14 08:59", 0),
    ("one, to the minute", "office", "Mon 07-13 09:00", "Tue 07-14 09:00", 1),
    ("a weekend counts nothing", "office", "Fri 07-10 09:00", "Mon 07-13 08:00", 0),
    ("a week with a holiday", "office", "Mon 06-29 09:00", "Mon 07-06 09:00", 4),
    ("the end before the start", "office", "Tue 07-14 09:00", "Mon 07-13 09:00", 0),
    ("24/7", "hotline", "Mon 06-29 09:00", "Mon 07-06 09:00", 7),
]
# fmt: on


@pytest.mark.parametrize(("situation", "calendar", "start", "end", "days"), DAYS)
def test_how_many_business_days_passed(situation: str, calendar: str, start: str, end: str, days: int) -> None:
    assert CALENDARS[calendar].business_days_between(at(start), at(end)) == days, situation


# fmt: off
HOURS = [
    ("a working day", "office", "Mon 07-13 00:00", "Tue 07-14 00:00", 9),
    ("a weekend", "office", "Fri 07-10 17:00", "Mon 07-13 08:00", 0),
    ("a holiday", "office", "Thu 07-02 16:00", "Mon 07-06 09:00", 2),
    ("a morning in two shifts", "short fridays", "Fri 07-10 07:00", "Fri 07-10 11:00", 2.5),
    ("lunch is not counted", "closed at noon", "Mon 07-13 11:30", "Mon 07-13 13:30", 1),
    ("the night an hour shorter", "night shelter", "Sat 03-07 20:00", "Sun 03-08 12:00", 9),
    ("the night an hour longer", "night shelter", "Sat 10-31 20:00", "Sun 11-01 12:00", 11),
    ("the end before the start", "hotline", "Tue 07-14 09:00", "Mon 07-13 09:00", 0),
]
# fmt: on


@pytest.mark.parametrize(("situation", "calendar", "start", "end", "hours"), HOURS)
def test_how_much_open_time_passed(situation: str, calendar: str, start: str, end: str, hours: float) -> None:
    assert CALENDARS[calendar].open_seconds(at(start), at(end)) == hours * 3600, situation


def test_open_from_the_opening_until_just_before_the_closing() -> None:
    office = CALENDARS["office"]
    opens, closes = at("Mon 07-13 08:00"), at("Mon 07-13 17:00")
    told = [office.is_open(t) for t in (opens - MICROSECOND, opens, closes - MICROSECOND, closes)]
    assert told == [False, True, True, False]
    assert office.next_opening(closes) == at("Tue 07-14 08:00")
    assert office.next_opening(opens) == opens


def test_the_day_is_the_day_at_the_place() -> None:
    assert CALENDARS["office"].local_date(datetime(2026, 7, 14, 3, tzinfo=UTC)) == date(2026, 7, 13)


def test_a_clock_of_seconds_that_stops_at_night_has_its_seconds_left() -> None:
    office, night, limit = CALENDARS["office"], at("Sat 07-11 23:00"), Limit(seconds=60)
    left = office.remaining(limit, night + timedelta(seconds=20), office.due(night, limit))
    assert left == 40
    assert office.resumed(limit, night + timedelta(hours=1), left) == night + timedelta(seconds=3640)


def test_a_clock_of_business_days_stops_while_the_source_answers() -> None:
    office, limit = CALENDARS["office"], Limit(business_days=2)
    due = office.due(at("Mon 07-13 10:00"), limit)
    left = office.remaining(limit, at("Tue 07-14 15:00"), due)
    assert office.resumed(limit, at("Thu 07-16 09:00"), left) == at("Thu 07-16 13:00")


MON_8, MON_12, MON_17 = time(8), time(12), time(17)


# fmt: off
REFUSED = [
    ("closed all week", DENVER, {}, "hours"),
    ("a day without a pair", DENVER, {0: ()}, "hours"),
    ("an eighth day", DENVER, {7: ((MON_8, MON_17),)}, "hours"),
    ("closes before it opens", DENVER, {0: ((MON_17, MON_8),)}, "hours.mon"),
    ("closes as it opens", DENVER, {0: ((MON_8, MON_8),)}, "hours.mon"),
    ("two shifts that overlap", DENVER, {0: ((MON_12, MON_17), (MON_8, time(12, 30)))}, "hours.mon"),
    ("a shift after midnight", DENVER, {0: ((MON_12, time(0)), (MON_17, time(18)))}, "hours.mon"),
    ("seconds", DENVER, {0: ((time(8, 0, 30), MON_17),)}, "hours.mon"),
    ("a time with a zone", DENVER, {0: ((time(8, tzinfo=UTC), time(17, tzinfo=UTC)),)}, "hours.mon"),
    ("a zone that is none", "America/Scottsbluff", {0: ((MON_8, MON_17),)}, "zone"),
    ("a zone that is a path", "../../etc/passwd", {0: ((MON_8, MON_17),)}, "zone"),
    ("no zone", "", {0: ((MON_8, MON_17),)}, "zone"),
]
# fmt: on


@pytest.mark.parametrize(("situation", "zone", "hours", "named"), REFUSED)
def test_what_is_no_calendar_is_refused(
    situation: str, zone: str, hours: dict[int, tuple[tuple[time, time], ...]], named: str
) -> None:
    with pytest.raises(ValueError, match=f"^{named}:"):
        Calendar(zone, hours)


NO_HOURS = [
    {"monday": []},
    {"mon": [["8", "17:00"]]},
    {"mon": [["08:00"]]},
    {"mon": [["24:00", "25:00"]]},
    {"mon": ["08:00"]},
    {"mon": [[8, 17]]},
    {"mon": [None]},
    {"mon": None},
    {"mon": 8},
    ["mon"],
]


@pytest.mark.parametrize("shape", NO_HOURS)
def test_hours_that_are_none_are_refused(shape: Any) -> None:
    with pytest.raises(ValueError, match=r"^hours"):
        weekly_hours(shape)


def test_a_moment_without_a_zone_is_refused() -> None:
    aware, office = at("Mon 07-13 09:00"), CALENDARS["office"]
    naive = aware.replace(tzinfo=None)
    for ask in (
        lambda: office.is_open(naive),
        lambda: office.local_date(naive),
        lambda: office.due(naive, Limit(seconds=1)),
        lambda: office.open_seconds(aware, naive),
        lambda: office.business_days_between(naive, aware),
    ):
        with pytest.raises(ValueError, match="time zone"):
            ask()


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_less_than_nothing_cannot_be_left_of_a_clock(seconds: float) -> None:
    with pytest.raises(ValueError, match=r"^seconds:"):
        CALENDARS["office"].after_open_seconds(at("Mon 07-13 09:00"), seconds)


def test_a_year_of_holidays_in_a_row_ends() -> None:
    shut = frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(1_000))
    assert Calendar(DENVER, weekly_hours(OFFICE), shut).next_opening(at("Thu 01-01 08:00")) == at(
        "Wed 2028-09-27 08:00"
    )


# What holds for every calendar and every moment.

ZONES = st.sampled_from([DENVER, CHICAGO, "UTC", "Australia/Lord_Howe", "America/St_Johns"])
QUARTERS = st.integers(0, 96)
CHANGES = [datetime(2026, month, day, hour, tzinfo=UTC) for month, day, hour in ((3, 8, 9), (11, 1, 8), (4, 4, 15))]
NEAR_A_CHANGE = st.builds(
    lambda change, minutes: change + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(-3 * 24 * 60, 24 * 60),
)
ANY_TIME = st.builds(lambda seconds: CHANGES[0] + timedelta(seconds=seconds), st.floats(-(10**7), 3 * 10**7))
MOMENTS = st.one_of(NEAR_A_CHANGE, ANY_TIME)
FEW_HOURS = st.floats(0.001, 200)
LIMITS = st.one_of(
    st.builds(lambda n: Limit(business_days=n), st.integers(1, 30)),
    st.builds(lambda n: Limit(opening_hours=n), FEW_HOURS),
    st.builds(lambda n: Limit(days=n), st.integers(1, 60)),
    st.builds(lambda n: Limit(hours=n), FEW_HOURS),
    st.builds(lambda n: Limit(seconds=n), FEW_HOURS),
)


@st.composite
def calendars(draw: st.DrawFn, quarters: st.SearchStrategy[int] = QUARTERS) -> Calendar:
    days = draw(st.sets(st.integers(0, 6), min_size=1))
    hours = {}
    for day in days:
        edges = sorted(draw(st.sets(quarters, min_size=2, max_size=5)))
        hours[day] = tuple((_clock(a), _clock(b)) for a, b in zip(edges[::2], edges[1::2], strict=False))
    closed = draw(st.frozensets(st.integers(0, 364), max_size=40))
    holidays = frozenset(FIRST_DAY + timedelta(days=n) for n in closed)
    return Calendar(draw(ZONES), hours, holidays, always_open=draw(st.integers(0, 9)) == 0)


def _clock(quarter: int) -> time:
    return time(quarter // 4 % 24, quarter % 4 * 15)


@given(calendars(), MOMENTS, LIMITS)
def test_due_is_never_before_the_start(calendar: Calendar, start: datetime, limit: Limit) -> None:
    assert calendar.due(start, limit) >= start


@given(calendars(), MOMENTS, LIMITS.filter(lambda limit: not limit.by_the_wall))
def test_due_lies_in_open_time(calendar: Calendar, start: datetime, limit: Limit) -> None:
    due = calendar.due(start, limit)
    assert calendar.is_open(due) or calendar.is_open(due - MICROSECOND)


@given(calendars(), MOMENTS, MOMENTS, LIMITS)
def test_what_starts_later_is_never_due_earlier(calendar: Calendar, one: datetime, two: datetime, limit: Limit) -> None:
    early, late = sorted([one, two])
    assert calendar.due(early, limit) <= calendar.due(late, limit)


@given(calendars(), NEAR_A_CHANGE, st.integers(1, 120), LIMITS)
def test_nor_within_the_hours_of_a_change(calendar: Calendar, one: datetime, minutes: int, limit: Limit) -> None:
    assert calendar.due(one, limit) <= calendar.due(one + timedelta(minutes=minutes), limit)


@given(calendars(), MOMENTS, st.integers(1, 30), st.integers(1, 30))
def test_a_longer_limit_is_due_later(calendar: Calendar, start: datetime, length: int, more: int) -> None:
    for kind in ("business_days", "opening_hours", "days", "hours", "seconds"):
        short, long = Limit.parse({kind: length}), Limit.parse({kind: length + more})
        assert calendar.due(start, short) < calendar.due(start, long)


@given(calendars(), MOMENTS, st.integers(1, 30))
def test_business_days_are_counted_as_they_are_added(calendar: Calendar, start: datetime, count: int) -> None:
    due = calendar.due(start, Limit(business_days=count))
    assert calendar.business_days_between(start, due) == count
    assert calendar.business_days_between(start, due - MICROSECOND) == count - 1


@given(calendars(), MOMENTS, st.floats(0, 10**6))
def test_open_time_goes_out_as_it_came_in(calendar: Calendar, start: datetime, seconds: float) -> None:
    exact = timedelta(seconds=seconds).total_seconds()
    assert calendar.open_seconds(start, calendar.after_open_seconds(start, exact)) == exact


@given(calendars(), MOMENTS, MOMENTS)
def test_it_comes_back_to_the_same_moment_or_to_the_closing_before(
    calendar: Calendar, one: datetime, two: datetime
) -> None:
    start, end = sorted([one, two])
    back = calendar.after_open_seconds(start, calendar.open_seconds(start, end))
    assert back <= end
    assert calendar.open_seconds(back, end) == 0
    assert back == end or not calendar.is_open(end - MICROSECOND)


@given(calendars(), MOMENTS, LIMITS, st.floats(0, 1), st.lists(st.floats(0, 10**6), max_size=4))
def test_stopping_and_resuming_a_clock_loses_nothing(
    calendar: Calendar, start: datetime, limit: Limit, share: float, pauses: list[float]
) -> None:
    """However often it stops: the time that runs while it runs is the time of an undisturbed clock."""
    due = calendar.due(start, limit)
    whole, ran, now = calendar.remaining(limit, start, due), 0.0, start
    for pause in pauses:
        stopped = now + (due - now) * share
        ran += calendar.remaining(limit, now, stopped)
        left = calendar.remaining(limit, stopped, due)
        now = stopped + timedelta(seconds=pause)
        due = calendar.resumed(limit, now, left)
        assert due >= now
    assert ran + calendar.remaining(limit, now, due) == pytest.approx(whole, abs=1e-3)


@given(calendars(), MOMENTS)
def test_the_next_opening_is_open_and_nothing_before_it_is(calendar: Calendar, start: datetime) -> None:
    opening = calendar.next_opening(start)
    assert calendar.is_open(opening)
    assert calendar.open_seconds(start, opening) == 0
    assert calendar.is_open(start) == (opening == start)


@given(calendars(quarters=st.integers(20, 88)), MOMENTS, st.integers(0, 5_000))
def test_open_time_agrees_with_looking_at_the_clock_every_quarter(
    calendar: Calendar, start: datetime, quarters: int
) -> None:
    """The slow way, by the clock on the wall; these hours stay clear of the change, which has its table."""
    first = start.replace(minute=0, second=0, microsecond=0)
    ticks = [first + timedelta(minutes=15 * n) for n in range(quarters % 300)]
    end = first + timedelta(minutes=15 * len(ticks))
    assert calendar.open_seconds(first, end) == 900 * sum(_open_on_the_wall(calendar, tick) for tick in ticks)


def _open_on_the_wall(calendar: Calendar, at: datetime) -> bool:
    local = at.astimezone(ZoneInfo(calendar.zone))
    pairs = calendar.hours.get(local.weekday(), ())
    within = any(opens <= local.time() < closes for opens, closes in pairs)
    return calendar.always_open or (within and local.date() not in calendar.holidays)


@given(calendars(), MOMENTS, st.integers(1, 30))
def test_business_days_agree_with_counting_on_the_wall(calendar: Calendar, start: datetime, count: int) -> None:
    zone = ZoneInfo(calendar.zone)
    first = calendar.next_opening(start).astimezone(zone)
    due = calendar.due(start, Limit(business_days=count)).astimezone(zone)
    between = (first.date() + timedelta(days=n) for n in range(1, 4_000))
    midnight = [day for day, _ in zip(_open_days(calendar, between), range(count), strict=False)][-1]
    assert due.date() == midnight or (due.time() == time(0) and due.date() == midnight + timedelta(days=1))


def _open_days(calendar: Calendar, days: Iterable[date]) -> Iterator[date]:
    for day in days:
        noon = datetime.combine(day, time(12), ZoneInfo(calendar.zone))
        if calendar.open_seconds(noon - timedelta(hours=12), noon + timedelta(hours=12)) > 0:
            yield day


@given(calendars())
def test_a_calendar_travels_as_json(calendar: Calendar) -> None:
    assert Calendar.from_json(calendar.as_json()) == calendar
    assert hash(Calendar.from_json(calendar.as_json())) == hash(calendar)


def test_a_calendar_is_written_in_plain_words() -> None:
    hours = {"sat": [["20:00", "24:00"], ["00:00", "06:30"]]}
    calendar = Calendar(DENVER, weekly_hours(hours), frozenset({date(2026, 7, 4), date(2026, 1, 1)}))
    assert calendar.as_json() == {
        "zone": DENVER,
        "hours": {"sat": [["00:00", "06:30"], ["20:00", "24:00"]]},
        "holidays": ["2026-01-01", "2026-07-04"],
        "always_open": False,
    }
