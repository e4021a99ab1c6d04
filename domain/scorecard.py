"""When others than the partner itself read its scorecard, and what is too few to be told (decision 35)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any

from domain.period import last_day

LEAST_PARTNERS = 5
"""Of fewer partners whoever knows its own figure could work out another's."""
LEARNING, PARTNER_FIRST = "learning", "partner_first"


@dataclass(frozen=True, slots=True)
class Terms:
    """What the agenda says of scorecards; `figures` are codes in the order in which they are shown.

    `begin_on` None: nothing was agreed on, nothing is shown to others.
    """

    figures: tuple[str, ...] = ()
    begin_on: date | None = None
    partner_first_days: int = 0
    least_cases: int = 5

    @classmethod
    def of(cls, said: Mapping[str, Any] | None) -> Terms:
        if not said:
            return cls()
        begin_on = date.fromisoformat(said["begin_on"])
        return cls(tuple(said["figures"]), begin_on, said["partner_first_days"], said["least_cases"])

    def withheld(self, month: str, today: date) -> str | None:
        """Why others do not read the month's figures yet; None if they do."""
        if self.begin_on is None or last_day(month) < self.begin_on:
            return LEARNING
        return PARTNER_FIRST if today < self.shown_from(month) else None

    def shown_from(self, month: str) -> date:
        """The partner has had its days by then."""
        return last_day(month) + timedelta(days=self.partner_first_days)

    def few(self, cases: int | None) -> bool:
        """Too few to judge anybody by; of no cases there is no figure anyhow."""
        return cases is not None and 0 < cases < self.least_cases


def middle(values: Sequence[float]) -> float | None:
    """The median of the partners; None of too few."""
    return round(median(values), 4) if len(values) >= LEAST_PARTNERS else None
