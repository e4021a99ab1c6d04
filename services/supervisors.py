"""Whether whoever holds work up has a supervisor who is somebody else: asked of all work on a page at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.stalls import OFFERS, OVERSEEN, PLANS, REFERRALS, SHARED, TASKS, read_at
from services.transaction import Tx


def overseen(tx: Tx, noun: str, id: UUID) -> bool:  # noqa: A002 - an item's id is called so everywhere
    """Of a `task`, a `referral` or a `plan`. One query, unless it was foreseen. In the caller's transaction."""
    if id not in tx.overseen:
        foresee(tx, noun, [id])
    return tx.overseen[id]


def foresee(tx: Tx, noun: str, ids: Iterable[UUID]) -> None:
    """Ask for all of these by one query. In the caller's transaction."""
    asked = list(ids)
    if asked:
        found = {row.id for row in tx.rows(_OVERSEEN[noun], ids=asked, **read_at(tx))}
        tx.overseen.update({each: each in found for each in asked})


def _overseen(part: str) -> Any:
    return text(
        f"""
with {SHARED % "not materialized"}, {OFFERS}
select s.id
  from ({part % "(select unnest(cast(:ids as uuid[])) as id) k"}) s
  left join away b on b.user_id = s.person and b.organization_id = s.ball
 where {OVERSEEN}
"""
    )


_OVERSEEN = {"task": _overseen(TASKS), "referral": _overseen(REFERRALS), "plan": _overseen(PLANS)}
