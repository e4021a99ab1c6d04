"""The clock on the wall against moments in UTC, also in the two nights of the year in which it is changed.

In spring an hour never shows: what would fall into it falls on the moment of the change. In autumn an hour
shows twice: a time means its first showing, and whoever acts during the second has acted when the clock was
put back. So later moments never get earlier times, nor the other way: deadlines keep their order.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


def moment(zone: ZoneInfo, shown: datetime) -> datetime:
    """The first moment, in UTC, at which the clock shows `shown` (naive) or later."""
    first, second = (shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return first if first <= second else _change(zone, second, first)


def shown(zone: ZoneInfo, at: datetime) -> datetime:
    """The latest time, naive, that the clock has shown until `at` (aware)."""
    local = at.astimezone(zone)
    if not local.fold:
        return local.replace(tzinfo=None)
    first = local.replace(fold=0)
    put_back = _change(zone, first.astimezone(UTC), at.astimezone(UTC))
    return put_back.replace(tzinfo=None) + (first.utcoffset() or timedelta())


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The moment between the two, to the second, at which the offset changes; found by halving."""
    before, after = before.replace(microsecond=0), after.replace(microsecond=0)
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + _SECOND * ((after - before) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
