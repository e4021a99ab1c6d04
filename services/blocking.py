"""Who holds somebody up: the one organization, and the person there, that must act on a piece of work now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.stall import Cause
from services.holders import Holder
from services.stalls import AWAY, OFFERS, PLANS, REFERRALS, SAID_ACTS, SHARED, TASKS, read_at
from services.transaction import Work


@dataclass(frozen=True, slots=True)
class Blocked:
    """By whom, and by which `domain.stall.Cause`; None where no more than a clock runs."""

    by: Holder
    cause: str | None


def blocked(work: Work, noun: str, id: UUID) -> Blocked | None:  # noqa: A002 - an item's id is called so everywhere
    """Whose turn it is on a `task`, a `referral` or a `plan`, by the SQL of the list of stalled work.

    As events may say it, which the backbone reads: that there is no room for a sensitive need takes nobody's turn
    (ADR 17). Also before anything is late. None where it is over, where a referral waits for its task, or where it is
    not the caller's to see. In the caller's transaction.
    """
    row = work.row(_ONE[noun], id=id, **read_at(work))
    return Blocked(Holder(row.ball, row.user_id), row.cause) if row else None


def reminded(work: Work, noun: str, id: UUID, holder: Holder) -> Blocked:  # noqa: A002
    """Whom reminders of the work go to: a fault of the engine is the backbone's to mend, and takes nobody's turn."""
    found = blocked(work, noun, id)
    return Blocked(holder, None) if found is None or found.cause == Cause.ENGINE_FAULT else found


def whose_turn(found: Blocked) -> dict[str, str]:
    """Facts of an event: whose turn it was, and the cause that made it theirs."""
    return {"holder": str(found.by.organization_id)} | caused(found)


def caused(found: Blocked) -> dict[str, str]:
    return {"cause": found.cause} if found.cause else {}


def _one(part: str) -> Any:
    return text(
        f"""
with {SHARED % "not materialized"}, {OFFERS}
select s.said_ball as ball, {SAID_ACTS} as user_id, s.said_cause as cause
  from ({part % "(select cast(:id as uuid) as id) k"}) s
  {AWAY}
 where s.clock is not null or s.cause is not null or s.kind = 'action_plan'
 order by s.due_at limit 1
"""
    )


_ONE = {"task": _one(TASKS), "referral": _one(REFERRALS), "plan": _one(PLANS)}
