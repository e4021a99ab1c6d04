"""Quiet hours, in which reminders and mail wait, and when a day's digest goes out, on the region's clocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from domain.wall import moment, shown

SOON = timedelta(minutes=1)
"""A digest that goes out so soon is full already: what comes now waits for the next."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """In these hours nobody is reminded and no mail goes out, on the region's clock; over midnight if they begin later
    than they end.
    """

    begins: time
    ends: time
    zone: str

    def over(self, at: datetime) -> datetime:
        """`at` itself, or the end of the quiet hours that it falls into."""
        here = ZoneInfo(self.zone)
        local = shown(here, at)
        clock, day = local.time(), local.date()
        if self.begins <= self.ends:
            inside, ends_on = self.begins <= clock < self.ends, day
        else:
            inside = clock >= self.begins or clock < self.ends
            ends_on = day + timedelta(days=1) if clock >= self.begins else day
        return moment(here, datetime.combine(ends_on, self.ends)) if inside else at

    @classmethod
    def parse(cls, shape: Mapping[str, Any], zone: str) -> Quiet:
        """From `{"from": "20:00", "until": "07:00"}`; ValueError for what is no time of day, or never quiet."""
        begins, ends = time.fromisoformat(shape["from"]), time.fromisoformat(shape["until"])
        if begins == ends:
            raise ValueError("quiet hours begin when they end")
        return cls(begins, ends, zone)


def gathered_at(happened: datetime, now: datetime) -> datetime:
    """When a letter goes out that gathers what happened at once: one or two minutes later, on the full minute, so that
    all of one moment finds the same letter. What is told too late for that is gathered from `now` on.
    """
    out, later = (each.replace(second=0, microsecond=0) + 2 * SOON for each in (happened, now))
    return out if out - now > SOON / 2 else later


def next_at(now: datetime, at: time, zone: str) -> datetime:
    """The next moment at which the region's clocks show `at`."""
    there = ZoneInfo(zone)
    day = shown(there, now).date()
    today = moment(there, datetime.combine(day, at))
    return today if today > now else moment(there, datetime.combine(day + timedelta(days=1), at))


def digest_at(now: datetime, at: time, zone: str) -> datetime:
    """When the digest goes out that what comes `now` still gets into."""
    return next_at(now + SOON, at, zone)
