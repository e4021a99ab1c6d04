"""Other services that were proposed for a referral in its running round, since the last yes: what its source may take
up, or leave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.transaction import Tx


def proposals_of(tx: Tx, referrals: Iterable[Mapping[str, Any]]) -> dict[UUID, list[Any]]:
    """By referral, oldest first; of those alone that my organization asked for. One question for all of them."""
    mine = [f["id"] for f in referrals if f["source_organization_id"] == tx.here.organization_id]
    found: dict[UUID, list[Any]] = {}
    for row in tx.rows(_PROPOSED, ids=mine) if mine else ():
        found.setdefault(row.referral_id, []).append(row)
    return found


def is_proposed(tx: Tx, referral_id: UUID, service_id: UUID) -> bool:
    """In this round, by whomever."""
    return any(row.service_id == service_id for row in tx.rows(_PROPOSED, ids=[referral_id]))


_PROPOSED = text(
    """
select e.referral_id, cast(e.facts ->> 'service_id' as uuid) as service_id, e.acting_organization_id as by, e.at
  from event e join referral f on f.id = e.referral_id
 where e.referral_id = any(:ids) and e.kind in ('referral_reroute_proposed', 'step_reroute_proposed')
   and cast(e.facts ->> 'round' as integer) = f.round
   and not exists (select from event x where x.referral_id = f.id and x.kind = 'task_accepted' and x.seq > e.seq)
 order by e.seq
"""
)
