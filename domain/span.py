"""Periods for which figures are published: a month, a quarter, a year of a named calendar.

2026-11           a month
2026-Q3           a quarter of the calendar year
2026              a calendar year
state_year:2027   a year of another calendar, named by the year in which it ends
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from domain.period import CALENDAR_YEAR, Grain, first_day, last_day, months_between

_SPAN = re.compile(
    r"(?:(?P<calendar>[a-z][a-z0-9_]*):)?(?P<year>(?:19|20)\d\d)(?:-(?P<month>\d\d)|-Q(?P<quarter>[1-4]))?"
)


class NoSuchSpan(ValueError):
    """Says in words what a period looks like; never repeats what was given."""


@dataclass(frozen=True, slots=True)
class Span:
    """`months` in order, as `2026-11`."""

    name: str
    months: tuple[str, ...]

    @property
    def starts_on(self) -> date:
        return first_day(self.months[0])

    @property
    def ends_on(self) -> date:
        return last_day(self.months[-1])

    @property
    def is_quarter(self) -> bool:
        return len(self.months) == 3

    def closed(self, today: date, after_days: int) -> bool:
        """Whether it is over, and the days in which late work may be recorded are over too."""
        return today > self.ends_on + timedelta(days=after_days)


def tied(span: Span, others: Iterable[Span]) -> list[Span]:
    """Those that overlap the period, those that overlap these, and so on; in the order given."""
    left, found = list(others), {span.name}
    reached, more = set(span.months), left
    while more:
        more = [each for each in left if each.name not in found and reached.intersection(each.months)]
        found.update(each.name for each in more)
        reached.update(month for each in more for month in each.months)
    return [each for each in left if each.name in found]


def span_of(name: str, calendars: Mapping[str, int]) -> Span:
    """`calendars`: code of each named calendar → its first month. Raises NoSuchSpan."""
    found = _SPAN.fullmatch(name)
    if found is None:
        raise NoSuchSpan(_FORMS)
    if found["calendar"] is not None:
        return _year_of(name, found, calendars)
    if found["month"]:
        if not 1 <= int(found["month"]) <= 12:
            raise NoSuchSpan(_FORMS)
        return Span(name, (name,))
    if found["quarter"]:
        last = 3 * int(found["quarter"])
        return Span(name, months_between(f"{found['year']}-{last - 2:02d}", f"{found['year']}-{last:02d}"))
    return Span(name, CALENDAR_YEAR.months(name))


def _year_of(name: str, found: re.Match[str], calendars: Mapping[str, int]) -> Span:
    if found["month"] or found["quarter"]:
        raise NoSuchSpan(_FORMS)
    first = calendars.get(found["calendar"])
    if first is None or first == 1:
        named = ", ".join(sorted(code for code, month in calendars.items() if month != 1))
        raise NoSuchSpan(f"The agenda names these other calendars: {named or 'none'}.")
    return Span(name, Grain(found["calendar"], first).months(name))


_FORMS = "A period is a month (2026-11), a quarter (2026-Q3), a year (2026), or a year of another calendar (code:2027)."
