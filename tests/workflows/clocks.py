"""Shorter clocks for a test: the agenda's own, but for those that are named."""

from __future__ import annotations

from seed.compressed import adopt_clocks
from tests.house import House


def adopt(house: House, **seconds: float) -> None:
    """From now on these clocks take so many seconds; all others what the region agreed on."""
    changed = {clock: {"seconds": amount} for clock, amount in seconds.items()}
    clocks = house.region.agenda.clocks
    adopt_clocks(house.admin_url, house.region, {name: {**limits, **changed} for name, limits in clocks.items()})
