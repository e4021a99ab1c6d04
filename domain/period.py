"""Periods by which the shared numbers are told: months, and the years of named calendars.

2026-11           a month
2026              a calendar year
state_year:2027   a year of another calendar, named by the year in which it ends (July 2026 to June 2027)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

_MONTH_OF_A_YEAR = "-(0[1-9]|1[0-2])"
MONTH_PATTERN = rf"^(19|20)\d\d{_MONTH_OF_A_YEAR}$"
YEAR_OR_MONTH = rf"(19|20)\d\d({_MONTH_OF_A_YEAR})?"
"""Without its ends, so that it may be one of several forms."""


def is_month(text: str) -> bool:
    """Whether it is the name of a month."""
    return re.fullmatch(MONTH_PATTERN, text, re.ASCII) is not None


@dataclass(frozen=True, slots=True)
class Grain:
    """How long a period is: `month`, or a year that starts in the given month."""

    code: str
    starts_in: int = 1

    def holding(self, day: date) -> str:
        """The name of the period in which the day lies."""
        if self.code == MONTH.code:
            return f"{day.year:04d}-{day.month:02d}"
        year = day.year + (self.starts_in > 1 and day.month >= self.starts_in)
        return f"{year:04d}" if self.code == CALENDAR_YEAR.code else f"{self.code}:{year:04d}"

    def names(self, period: str) -> bool:
        """Whether that is the name of one of its periods."""
        code, _, year = period.rpartition(":")
        if code:
            return code == self.code
        return self == MONTH if len(year) == len("2026-11") else self == CALENDAR_YEAR

    def months(self, period: str) -> tuple[str, ...]:
        """The months of one of its periods, in order."""
        if self.code == MONTH.code:
            return (period,)
        year = int(period.rpartition(":")[2])
        first = date(year - (self.starts_in > 1), self.starts_in, 1)
        return tuple(MONTH.holding(month) for month in following(first, 12))

    def dates(self, period: str) -> tuple[date, date]:
        """Its first and its last day."""
        months = self.months(period)
        return first_day(months[0]), last_day(months[-1])


MONTH = Grain("month")
CALENDAR_YEAR = Grain("calendar_year")


def first_day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def last_day(month: str) -> date:
    return next(following(first_day(month) + timedelta(days=31), 1)) - timedelta(days=1)


def following(day: date, count: int) -> Iterator[date]:
    """The first days of so many months, from the month of `day` on."""
    for number in range(day.year * 12 + day.month - 1, day.year * 12 + day.month - 1 + count):
        yield date(number // 12, number % 12 + 1, 1)


def months_between(first: str, last: str) -> tuple[str, ...]:
    """All months from one to the other, both included."""
    begin, end = first_day(first), first_day(last)
    count = (end.year - begin.year) * 12 + end.month - begin.month + 1
    return tuple(MONTH.holding(month) for month in following(begin, max(0, count)))
