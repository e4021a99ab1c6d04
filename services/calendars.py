"""Builds the calendars that the rules count with: a region's holidays and the hours of a service."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import holidays

from domain.calendar import Calendar, weekly_hours

REGION_HOURS = {day: [["08:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
"""What a service has that says nothing about its hours."""


def calendar_of(
    zone: str,
    weekly_hours_json: Mapping[str, Any] | None = None,
    extra_closed: Iterable[date] = (),
    always_open: bool = False,
    years: Iterable[int] | None = None,
    *,
    subdivision: str = "NE",
    day_seconds: float | None = None,
) -> Calendar:
    """When a service is open: its own hours (else the region's), not on holidays or `extra_closed` days.

    `years` are those whose holidays count; without them last year until three years ahead, so that deadlines
    two years away are right, also in a process that lives long. Equal questions give the same object.
    ValueError: hours that are none, an unknown zone, a week without hours (`{}` is one, None the region's).
    """
    hours = REGION_HOURS if weekly_hours_json is None else weekly_hours_json
    return _calendar(
        zone,
        json.dumps(hours, sort_keys=True),
        always_open,
        frozenset(extra_closed),
        _holidays(frozenset(years_around(datetime.now(UTC)) if years is None else years), subdivision),
        day_seconds,
    )


def years_around(at: datetime) -> range:
    return range(at.year - 1, at.year + 4)


@lru_cache(maxsize=1024)
def _calendar(
    zone: str,
    hours: str,
    always_open: bool,
    closed: frozenset[date],
    public: frozenset[date],
    day_seconds: float | None,
) -> Calendar:
    days = frozenset() if always_open else closed | public
    return Calendar(zone, weekly_hours(json.loads(hours)), days, always_open, day_seconds)


@lru_cache(maxsize=32)
def _holidays(years: frozenset[int], subdivision: str) -> frozenset[date]:
    return frozenset(holidays.country_holidays("US", subdiv=subdivision, years=years))
