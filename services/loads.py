"""What stands open at each partner now: one indexed query on the record."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, time
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from domain.task import SERVING, UNDECIDED
from services.figures import median
from services.partner_shapes import Load
from services.transaction import Tx
from storage.tables.work import OPEN_TASK


def loads(tx: Tx, organization_id: UUID | None = None) -> dict[UUID, Load]:
    """By partner, or of one; those without open work are left out. In the caller's transaction: what it may see."""
    region, zone = tx.agenda.region(), ZoneInfo(tx.agenda.zone)

    @lru_cache(None)
    def age(day: date) -> int:
        return region.business_days_between(datetime.combine(day, time(0), zone), tx.now)

    counted: dict[UUID, Counter[str]] = defaultdict(Counter)
    ages: dict[UUID, Counter[int]] = defaultdict(Counter)
    values = {"collaborative": tx.here.collaborative_id, "now": tx.now, "zone": tx.agenda.zone}
    states = {"undecided": sorted(UNDECIDED), "serving": sorted(SERVING)}
    for row in tx.rows(_OPEN, **values, **states, organization=organization_id):
        counted[row.organization_id].update({name: getattr(row, name) for name in _COUNTS})
        ages[row.organization_id][age(row.day)] += row.open
    return {
        one: Load(**{name: counts[name] for name in _COUNTS}, oldest_days=max(ages[one]), median_days=median(ages[one]))
        for one, counts in counted.items()
    }


_COUNTS = ("open", "undecided", "serving", "past_limit")
_OPEN = text(
    f"""
select t.organization_id, cast(t.requested_at at time zone :zone as date) as day, count(*) as open,
       count(*) filter (where t.state = any(:undecided)) as undecided,
       count(*) filter (where t.state = any(:serving)) as serving,
       count(*) filter (where greatest(t.due_at, t.excepted_until) <= :now
                          and t.ball_organization_id = t.organization_id) as past_limit
  from task t
 where t.collaborative_id = :collaborative and t.{OPEN_TASK} and not t.on_behalf
   and (cast(:organization as uuid) is null or t.organization_id = :organization)
 group by 1, 2
"""
)
