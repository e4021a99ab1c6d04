"""When a service is open, and so when something is due. Holidays arrive as data; `services` looks them up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from domain.limit import Limit
from domain.wall import moment, shown

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_Pairs = tuple[tuple[time, time], ...]
_Opening = tuple[datetime, datetime]

Hours = Mapping[int, _Pairs]
"""Weekday (0 = Monday) to pairs of opening and closing time on the clock of the place.

A pair contains its opening and not its closing moment; closing at 00:00 means the midnight that ends the day.
"""

_DAY = timedelta(days=1)
_MIDNIGHT = time(0)
_ALL_DAY = ((_MIDNIGHT, _MIDNIGHT),)


@dataclass(frozen=True)
class Calendar:
    """The opening hours of one service, in the time zone of its place.

    Takes aware datetimes and gives UTC. ValueError: a naive datetime, a calendar that never opens, hours that
    overlap, close before they open or are not whole minutes, an unknown zone. `always_open` sets hours and
    holidays aside: every moment is open time, every day a business day. `day_seconds`: how long a business day
    is taken to be where a run is compressed (None: by the calendar). Loops run over the days between start
    and end; closed stretches end, as a holiday closes one day and no week is without hours.
    """

    zone: str
    hours: Hours = field(hash=False)
    holidays: frozenset[date] = frozenset()
    always_open: bool = False
    day_seconds: float | None = None

    def __post_init__(self) -> None:
        _zone(self.zone)
        hours = {day: tuple(sorted(pairs)) for day, pairs in sorted(self.hours.items()) if pairs}
        if not hours and not self.always_open:
            raise ValueError("hours: a service that never opens has no deadlines; needs hours or always_open")
        for day, pairs in hours.items():
            _check_day(day, pairs)
        object.__setattr__(self, "hours", hours)
        object.__setattr__(self, "holidays", frozenset(self.holidays))

    def is_open(self, at: datetime) -> bool:
        return self.next_opening(at) == at

    def next_opening(self, at: datetime) -> datetime:
        """`at` itself while open, else the moment at which it next opens."""
        at = _utc(at)
        return next(max(at, opens) for opens, closes in self._openings(at) if at < closes)

    def local_date(self, at: datetime) -> date:
        """The day that it is at the place."""
        return _utc(at).astimezone(_zone(self.zone)).date()

    def due(self, start: datetime, limit: Limit) -> datetime:
        """The moment at which `limit`, begun at `start`, has run out; never before `start`.

        - **business days**: go to the next opening moment, then N open days further at the same time of day;
          if it is closed then, to the next opening of that day, or to its closing if there is none.
        - **opening hours**: the earliest moment with that much open time behind it, maybe a closing moment.
        - **days**: the same time of day N days later; **hours, seconds**: exactly so much later; open or not.

        What starts later is never due earlier. Open Monday to Friday 08:00-17:00:

        | start                     | limit                             | due                              |
        |---------------------------|-----------------------------------|----------------------------------|
        | Friday 16:00              | 1 business day                    | Monday 16:00                     |
        | Friday 16:00              | 1 business day; Monday a holiday  | Tuesday 16:00                    |
        | Friday 17:00, just closed | 1 business day, from Monday 08:00 | Tuesday 08:00                    |
        | Saturday 10:00            | 1 business day, from Monday 08:00 | Tuesday 08:00                    |
        | Monday 06:00              | 1 business day, from Monday 08:00 | Tuesday 08:00                    |
        | Thursday 16:00            | 1 business day; Fridays to 12:00  | Friday 12:00, its closing        |
        | Friday 15:00              | 4 opening hours                   | Monday 10:00                     |
        | Friday 13:00              | 4 opening hours                   | Friday 17:00, its closing        |
        | Friday 16:00              | 30 days                           | 16:00 on a Sunday, 30 days later |
        """
        start = _utc(start)
        if limit.business_days is not None:
            return self._business_days_after(start, limit.business_days)
        if limit.opening_hours is not None:
            return self.after_open_seconds(start, limit.opening_hours * 3600)
        if limit.days is not None:
            zone = _zone(self.zone)
            return moment(zone, shown(zone, start) + _DAY * limit.days)
        return start + timedelta(hours=limit.hours or 0, seconds=limit.seconds or 0)

    def remaining(self, limit: Limit, at: datetime, due: datetime) -> float:
        """Seconds left of a clock that is stopped at `at`, for `resumed`; 0 if it has run out already.

        Open time, but wall time where the limit runs by the wall: a limit of seconds has some left at night.
        """
        if limit.by_the_wall:
            return max(0.0, (_utc(due) - _utc(at)).total_seconds())
        return self.open_seconds(at, due)

    def resumed(self, limit: Limit, at: datetime, seconds: float) -> datetime:
        """When a clock that goes on at `at` with what `remaining` said is due.

        Stopped and resumed in the same moment it is due as before, except that a due moment at an opening
        becomes the closing before it: no open time lies between the two.
        """
        if limit.by_the_wall:
            return _utc(at) + _seconds(seconds)
        return self.after_open_seconds(at, seconds)

    def open_seconds(self, start: datetime, end: datetime) -> float:
        """Open time between the two moments; 0 if `end` is not after `start`."""
        start, end = _utc(start), _utc(end)
        total = timedelta()
        for opens, closes in self._openings(start):
            if opens >= end:
                break
            total += max(timedelta(), min(closes, end) - max(opens, start))
        return total.total_seconds()

    def after_open_seconds(self, start: datetime, seconds: float) -> datetime:
        """The earliest moment with so much open time since `start`: `start` itself for 0, ValueError below 0.

        The inverse of `open_seconds`, to the microsecond.
        """
        start, left = _utc(start), _seconds(seconds)
        if not left:
            return start
        for opens, closes in self._openings(start):
            begins = max(opens, start)
            if left <= closes - begins:
                return begins + left
            left -= max(timedelta(), closes - begins)
        raise AssertionError("openings do not end")

    def business_days_between(self, start: datetime, end: datetime) -> int:
        """The largest N with `due(start, N business days)` not after `end`; 0 if there is none."""
        end = _utc(end)
        if self.day_seconds is not None:
            return max(0, int((end - _utc(start)).total_seconds() // self.day_seconds))
        return sum(1 for _ in _until(end, self._business_days(_utc(start))))

    def as_json(self) -> dict[str, Any]:
        """`{zone, hours: {"mon": [["08:00", "12:00"], ...]}, holidays: ["2026-07-04", ...], always_open}`."""
        return {
            "zone": self.zone,
            "hours": {WEEKDAYS[day]: [_texts(*pair) for pair in pairs] for day, pairs in self.hours.items()},
            "holidays": [day.isoformat() for day in sorted(self.holidays)],
            "always_open": self.always_open,
        }

    @classmethod
    def from_json(cls, shape: Mapping[str, Any]) -> Calendar:
        holidays = frozenset(date.fromisoformat(day) for day in shape["holidays"])
        return cls(shape["zone"], weekly_hours(shape["hours"]), holidays, bool(shape["always_open"]))

    def _business_days_after(self, start: datetime, count: int) -> datetime:
        days = self._business_days(start)
        for _ in range(count - 1):
            next(days)
        return next(days)

    def _business_days(self, start: datetime) -> Iterator[datetime]:
        """The due moments of 1, 2, 3, ... business days from `start`."""
        zone = _zone(self.zone)
        begins = shown(zone, self.next_opening(start))
        day = begins.date()
        while True:
            day += _DAY
            openings = self._openings_on(day)
            if openings:
                yield _clamped(moment(zone, datetime.combine(day, begins.time())), openings)

    def _openings(self, start: datetime) -> Iterator[_Opening]:
        """Every opening from the day of `start` on, in order, without end."""
        day = self.local_date(start)
        while True:
            yield from self._openings_on(day)
            day += _DAY

    def _openings_on(self, day: date) -> tuple[_Opening, ...]:
        return _openings(self.zone, day, self._pairs(day))

    def _pairs(self, day: date) -> _Pairs:
        if self.always_open:
            return _ALL_DAY
        return () if day in self.holidays else self.hours.get(day.weekday(), ())


@lru_cache(maxsize=8192)  # the same few weeks are asked for all day long
def _openings(zone: str, day: date, pairs: _Pairs) -> tuple[_Opening, ...]:
    openings = []
    for opens, closes in pairs:
        last_day = day + _DAY if closes == _MIDNIGHT else day
        first = moment(_zone(zone), datetime.combine(day, opens))
        last = moment(_zone(zone), datetime.combine(last_day, closes))
        if first < last:  # hours that lie wholly in the hour which spring leaves out are none
            openings.append((first, last))
    return tuple(openings)


def weekly_hours(shape: Any) -> Hours:
    """From `{"mon": [["08:00", "12:00"], ["13:00", "17:00"]], ...}`; a day that is missing is closed.

    "24:00" closes at midnight. Hours over midnight are written as two days. The ValueError names the day.
    """
    if not isinstance(shape, Mapping) or any(day not in WEEKDAYS for day in shape):
        raise ValueError(f"hours: an object of {', '.join(WEEKDAYS)} is needed")
    return {WEEKDAYS.index(day): tuple(_pair(day, pair) for pair in _list(day, shape[day])) for day in shape}


def _list(day: str, pairs: Any) -> list[Any] | tuple[Any, ...]:
    if isinstance(pairs, list | tuple):
        return pairs
    raise ValueError(f"hours.{day}: a list of pairs is needed")


def _pair(day: str, pair: Any) -> tuple[time, time]:
    try:
        opens, closes = pair
        return _time(opens), _MIDNIGHT if closes == "24:00" else _time(closes)
    except (TypeError, ValueError):
        raise ValueError(f'hours.{day}: pairs like ["08:00", "17:00"] are needed') from None


def _time(text: str) -> time:
    return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 (a time of day has no zone)


def _texts(opens: time, closes: time) -> list[str]:
    return [opens.strftime("%H:%M"), "24:00" if closes == _MIDNIGHT else closes.strftime("%H:%M")]


def _check_day(day: int, pairs: _Pairs) -> None:
    if day not in range(7):
        raise ValueError("hours: a weekday is 0 (Monday) to 6")
    name = f"hours.{WEEKDAYS[day]}"
    for opens, closes in pairs:
        if any(at.second or at.microsecond or at.tzinfo for at in (opens, closes)):
            raise ValueError(f"{name}: whole minutes without a time zone are needed")
        if _MIDNIGHT < closes <= opens:
            raise ValueError(f"{name}: closes before it opens; write hours over midnight as two days")
    if any(closes > opens or closes == _MIDNIGHT for (_, closes), (opens, _) in pairwise(pairs)):
        raise ValueError(f"{name}: hours overlap")


def _clamped(at: datetime, openings: tuple[_Opening, ...]) -> datetime:
    return next((max(at, opens) for opens, closes in openings if at <= closes), openings[-1][1])


def _until(end: datetime, moments: Iterator[datetime]) -> Iterator[datetime]:
    for at in moments:
        if at > end:
            return
        yield at


def _seconds(seconds: float) -> timedelta:
    if not seconds >= 0:
        raise ValueError("seconds: 0 or more is needed")
    return timedelta(seconds=seconds)


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return at.astimezone(UTC)


def _zone(key: str) -> ZoneInfo:
    try:
        return ZoneInfo(key)
    except (KeyError, ValueError, OSError):
        raise ValueError("zone: no such time zone") from None
