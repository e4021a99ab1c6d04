"""How fast the demonstration goes."""

from __future__ import annotations

from dataclasses import dataclass

HARD_LIMIT_DAYS = 14


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds: how long a business `day` lasts, how far apart requests arrive, how often a person looks up."""

    day: float
    arrivals: float
    look: float

    @property
    def longest_silence(self) -> float:
        """How long nobody may do anything without being stuck: until time itself moves on, which is the hard limit and
        what the source does next, and a margin.
        """
        return (HARD_LIMIT_DAYS + 10) * self.day + 20


def pace_for(referrals: int) -> Pace:
    """A short demonstration has shorter days. People look up less often there: what they would find is not due yet."""
    if referrals <= 24:
        return Pace(day=1.6, arrivals=0.3, look=1.4)
    return Pace(day=3.0, arrivals=0.25, look=1.2)
