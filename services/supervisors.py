"""Who holds work up, and who above them would hear of it for the first time: asked of all work on a page at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.stalls import ABOVE, ACTS, AWAY, OFFERS, PLANS, REFERRALS, SAID_ACTS, SHARED, TASKS, read_at
from services.transaction import Tx


@dataclass(frozen=True, slots=True)
class Blocker:
    """The organization and the person that must act, as the reader may know, and as events say it, which
    `services.blocking` has. `above`: the rungs of those who are somebody else and were not told because of these.
    """

    organization_id: UUID
    user_id: UUID | None
    said_organization_id: UUID
    said_user_id: UUID | None
    above: frozenset[str]


def blocker(tx: Tx, noun: str, id: UUID) -> Blocker | None:  # noqa: A002 - an item's id is called so everywhere
    """Of a `task`, a `referral` or a `plan`; None where it is over. One query, unless it was foreseen.

    In the caller's transaction.
    """
    if id not in tx.blockers:
        foresee(tx, noun, [id])
    found: Blocker | None = tx.blockers[id]
    return found


def foresee(tx: Tx, noun: str, ids: Iterable[UUID]) -> None:
    """Ask for all of these by one query. In the caller's transaction."""
    asked = list(ids)
    if asked:
        rows = tx.rows(_BLOCKERS[noun], ids=asked, **read_at(tx))
        found = {
            row.id: Blocker(row.ball, row.user_id, row.said_ball, row.said_user_id, frozenset(row.above or ()))
            for row in rows
        }
        tx.blockers.update({each: found.get(each) for each in asked})


def is_deserted(tx: Tx, organization_id: UUID) -> bool:
    """Whether nobody there can sign in any more. One query a transaction, however often it is asked."""
    if tx.deserted is None:
        tx.deserted = frozenset(row.organization_id for row in tx.rows(_DESERTED))
    return organization_id in tx.deserted


def hears(tx: Tx, organization_id: UUID) -> bool:
    """Whether anybody there would hear a nudge, as `services.holders.is_staffed` asks of one. One query a
    transaction.
    """
    if tx.unstaffed is None:
        tx.unstaffed = frozenset(row.organization_id for row in tx.rows(_UNSTAFFED))
    return organization_id not in tx.unstaffed


def _blockers(part: str) -> Any:
    return text(
        f"""
with {SHARED % "not materialized"}, {OFFERS}
select s.id, s.ball, {ACTS} as user_id, s.said_ball, {SAID_ACTS} as said_user_id,
       case when s.clock is not null then {ABOVE} end as above
  from ({part % "(select unnest(cast(:ids as uuid[])) as id) k"}) s
  {AWAY}
"""
    )


_DESERTED = text("select organization_id from app.deserted()")
_UNSTAFFED = text("select organization_id from app.unstaffed()")
_BLOCKERS = {"task": _blockers(TASKS), "referral": _blockers(REFERRALS), "plan": _blockers(PLANS)}
