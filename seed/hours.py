"""Opening hours as people write them, turned into what `domain.calendar.weekly_hours` reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Hours:
    """`weekly` is `{"mon": [["08:00", "17:00"]], …}` on the region's clock; empty if `always_open`."""

    weekly: dict[str, list[list[str]]] = field(default_factory=dict)
    always_open: bool = False


def opening_hours(text: str) -> Hours:
    """From "24/7" or "mon-thu 08:00-12:00; mon-thu 13:00-17:00; sat 09:00-12:00", else ValueError."""
    if text == "24/7":
        return Hours(always_open=True)
    weekly: dict[str, list[list[str]]] = {}
    for part in text.split(";"):
        days, times = part.split()
        opens, closes = times.split("-")
        if not _time(opens) < _time(closes):
            raise ValueError("it closes before it opens")
        for day in _days(days):
            weekly.setdefault(day, []).append([opens, closes])
    return Hours({day: weekly[day] for day in WEEKDAYS if day in weekly})


def _time(text: str) -> str:
    """24:00 is the day's end."""
    if text == "24:00":
        return text
    if len(text) != 5:
        raise ValueError("a time such as 08:00 is needed")
    return time.fromisoformat(text).isoformat("minutes")


def _days(text: str) -> list[str]:
    days: list[str] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        days += WEEKDAYS[WEEKDAYS.index(first) : WEEKDAYS.index(last or first) + 1]
    return days
