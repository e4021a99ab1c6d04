"""Quiet hours, during which mail waits, and when a day's digest goes out: by the clock on the region's wall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

SOON = timedelta(minutes=1)
"""A digest that goes out so soon is full already: what comes now waits for the next."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """From `start` until `end`, over midnight where `start` is the later one; both the same: never."""

    start: time = time(20, 0)
    end: time = time(7, 0)

    @classmethod
    def parse(cls, hours: Mapping[str, str] | None) -> Quiet:
        """`{from, until}` as `20:00`; None: what holds without."""
        return cls(time.fromisoformat(hours["from"]), time.fromisoformat(hours["until"])) if hours else cls()

    def holds(self, at: time) -> bool:
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end

    def until(self, now: datetime, zone: str) -> datetime:
        """When what is ready now may go out: now, or when the quiet hours are over."""
        local = now.astimezone(ZoneInfo(zone))
        return next_at(now, self.end, zone) if self.holds(local.time()) else now


def next_at(now: datetime, at: time, zone: str) -> datetime:
    """The next moment at which the region's clocks show `at`."""
    there = ZoneInfo(zone)
    local = now.astimezone(there)
    today = datetime.combine(local.date(), at, there)
    return today if today > local else datetime.combine(local.date() + timedelta(days=1), at, there)


def digest_at(now: datetime, at: time, zone: str) -> datetime:
    return next_at(now + SOON, at, zone)
