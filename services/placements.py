"""Several are asked at once, and the first yes has it: the others are released by the same transaction (ADR 17).

Everything here works in its caller's transaction, under the referral's lock.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.moves import Details, move
from domain.reason import PLACED_ELSEWHERE, ReasonClass
from domain.task import Task, Verb
from services.consents import disclose
from services.moving import leading, settle_move
from services.rows import SERVICE, TASK, Locked, is_asked, known, moment, save_referral, task_of
from services.transaction import Work

_RELEASED = Details(reason=PLACED_ELSEWHERE, reason_class=ReasonClass.CANNOT_SAY)


def take(work: Work, locked: Locked) -> dict[str, UUID | None]:
    """The offer leads, then what the consent discloses is copied for its partner; answers the task's column for it."""
    if is_asked(locked.t, locked.f):
        save_referral(work, locked, locked.referral, **leading(locked.t))
    return disclose(work, locked)


def release_others(work: Work, locked: Locked) -> None:
    """After the yes was written. Nothing else remains open; what nobody decided enters no rate."""
    if locked.t["organization_id"] not in locked.f["asked"]:
        return
    for row in work.rows(_OTHERS, referral=locked.f["id"], but=locked.t["id"]):
        t = dict(row._mapping)
        other = Locked(task_of(t, locked.f), locked.referral, t, locked.f)
        at = moment(work, t)
        after, what = move(other.task, Verb.RELEASE, at, _RELEASED)
        settle_move(work, other, after, what, at, leads=False, save=_save_released)
        work.audit("task.release", "task", t["id"], after.version)
    save_referral(work, locked, locked.referral, asked=[])


def _save_released(work: Work, other: Locked, after: Task, **columns: Any) -> None:
    """By the one function that may: who has it does not see the others' work."""
    values = {"task": other.t["id"], "version": after.version, "class": columns["reason_class"], "at": after.moved_at}
    assert work.connection.execute(_RELEASE, values).scalar_one(), "released under the referral's lock"
    other.t |= {"state": after.state.value, "version": after.version, "due_at": None}
    other.task = after


_OTHERS = known(
    f"select {TASK}, {SERVICE} from app.others_asked(:referral, :but) t left join service s on s.id = t.service_id"
    " order by t.id",
    TASK,
    SERVICE,
)
_RELEASE = text("select app.release(:task, :version, :class, :at)")
