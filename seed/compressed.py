"""The agenda with shorter clocks, for a run in which a business day takes seconds. Same rules, other limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from seed.region import Region

Clocks = Mapping[str, Mapping[str, Mapping[str, float]]]
_OPENING_HOURS_A_DAY = 9


def compressed(clocks: Clocks, day_seconds: float) -> dict[str, dict[str, dict[str, float]]]:
    """Every limit in wall seconds: a business or calendar day is `day_seconds`, an opening hour a ninth of one."""
    return {
        priority: {clock: {"seconds": max(0.2, _days(limit) * day_seconds)} for clock, limit in limits.items()}
        for priority, limits in clocks.items()
    }


def adopt_hours(admin_url: str, region: Region, start: str, end: str) -> None:
    """Make these the hours during which mail is held, in the next agenda version; both the same: none."""
    _adopt(admin_url, region, {"quiet_hours": None if start == end else {"from": start, "until": end}})


def adopt_clocks(admin_url: str, region: Region, clocks: Clocks, day_seconds: float = 86_400.0) -> None:
    """Make these limits the collaborative's next agenda version; they hold for whatever starts from now on.

    `day_seconds`: how long a day of a plan takes, for its reviews, follow-ups and end. Such days have no quiet hours.
    """
    _adopt(admin_url, region, {"clocks": clocks, "day_seconds": day_seconds, "quiet_hours": None})


def _adopt(admin_url: str, region: Region, changed: Mapping[str, Any]) -> None:
    engine = create_engine(admin_url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            connection.execute(text("set local role concert_steward"))
            connection.execute(_NEXT, {"id": region.collaborative_id, "changed": json.dumps(changed)})
            connection.execute(_ADOPT, {"id": region.collaborative_id})
    finally:
        engine.dispose()


def _days(limit: Mapping[str, Any]) -> float:
    if "opening_hours" in limit:
        return float(limit["opening_hours"]) / _OPENING_HOURS_A_DAY
    if "hours" in limit:
        return float(limit["hours"]) / 24
    return float(limit.get("business_days") or limit["days"])


_NEXT = text(
    """
insert into agenda (collaborative_id, version, name, adopted_on, body)
select a.collaborative_id, a.version + 1, a.name, a.adopted_on,
       a.body || cast(:changed as jsonb)
  from agenda a where a.collaborative_id = :id order by a.version desc limit 1
"""
)
_ADOPT = text(
    "update collaborative set agenda_version = (select max(version) from agenda where collaborative_id = :id)"
    " where id = :id"
)
