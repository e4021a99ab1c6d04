"""What time does to a referral: remind, escalate, expire, close.

Asked by the workflow at deadlines, decided here (decision 7).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from domain import referral as rules
from domain.clock import Clock, Moment
from domain.moves import Happened, move
from domain.progress import OpenTask, Progress
from domain.task import Verb as TaskVerb
from services.agenda import current_agenda
from services.closures import postpone
from services.deadlines import hard_limit, referral_look, task_look
from services.endings import close_unconfirmed
from services.happenings import about_referral, happened
from services.journal import Journal
from services.ladder import climb, next_word, since_referral, since_task
from services.moving import settle_move
from services.rows import Locked, LockedReferral, lock_referral, moment, region_moment, save_referral
from services.transaction import Record, Work, by_engine

HOSTED = "partners"


def advance_referral(record: Record, referral_id: UUID) -> Progress:
    """Do everything that is due by the database's clock and say what is open. A repeat finds nothing due."""

    def run(connection: Connection) -> tuple[Progress, Journal]:
        work = engine_work(connection, referral_id)
        locked = lock_referral(work, referral_id)
        advance_request(work, locked)
        return _progress(work, locked), work.journal

    return by_engine(record, run)


def advance_request(work: Work, locked: LockedReferral) -> None:
    """All that time does to one request, a plan's or not. In the caller's transaction."""
    for offer in locked.tasks:
        _advance_task(work, locked, offer)
    _advance_clock(work, locked)


def keep_look(work: Work, locked: LockedReferral) -> datetime | None:
    """When somebody must look at the request again; the request remembers it."""
    still = [offer for offer in locked.tasks if not offer.task.ended]
    times = [task_look(offer.task, since_task(work, offer, moment(work, offer.t))) for offer in still]
    at = region_moment(work, locked.f["priority"])
    times.append(referral_look(locked.referral, since_referral(work, locked.referral, at)))
    look_at = min((when for when in times if when is not None), default=None)
    save_referral(work, locked, locked.referral, look_at=look_at)
    return look_at


def engine_work(connection: Connection, referral_id: UUID) -> Work:
    row = connection.execute(_START, {"id": referral_id}).one()
    return Work(connection=connection, agenda=current_agenda(connection, row.collaborative_id), now=row.now)


def _advance_task(work: Work, locked: LockedReferral, offer: Locked) -> None:
    offer.f, offer.referral = locked.f, locked.referral
    at = moment(work, offer.t)
    postpone(work, offer, at)
    while not offer.task.ended:
        due = task_look(offer.task, since_task(work, offer, at))
        if due is None or due > work.now:
            break
        hard = hard_limit(offer.task)
        if hard is not None and hard <= work.now:
            _expire(work, offer, at)
        else:
            climb(work, offer, at)
    locked.referral = offer.referral


def _expire(work: Work, offer: Locked, at: Moment) -> None:
    """At the hard limit; counts against whoever had the ball."""
    after, what = move(offer.task, TaskVerb.EXPIRE, at)
    against = "source" if offer.task.clock is Clock.ANSWER else "target"
    settle_move(work, offer, after, what, at, facts={"against": against})
    work.audit("task.expire", "task", offer.t["id"], after.version)


def _advance_clock(work: Work, locked: LockedReferral) -> None:
    """The source's own clock: to confirm (time closes the loop) or to choose what comes next (the ladder climbs)."""
    at = region_moment(work, locked.f["priority"])
    while locked.referral.clock is not None:
        due = referral_look(locked.referral, since_referral(work, locked.referral, at))
        if due is None or due > work.now:
            return
        if locked.referral.clock is Clock.CONFIRM:
            close_unconfirmed(work, locked)
        else:
            _climb_referral(work, locked, at)


def _climb_referral(work: Work, locked: LockedReferral, at: Moment) -> None:
    referral = locked.referral
    assert referral.clock is not None
    said = next_word(work, "referral", locked.f, None, referral.clock, referral.rung, at)
    after = replace(referral, rung=said.rung)
    if said.did is not None:
        after = replace(after, version=referral.version + 1)
        what = Happened(f"{referral.noun}_{said.did}", None, None, facts=said.facts)
        happened(work, about_referral(locked.f), what, version=after.version)
        work.audit("referral.remind", "referral", locked.f["id"], after.version)
    save_referral(work, locked, after)


def _progress(work: Work, locked: LockedReferral) -> Progress:
    look_at = keep_look(work, locked)
    return Progress(
        state=locked.referral.state.value,
        over=locked.referral.state not in rules.OPEN,
        look_in=seconds_until(work.now, look_at),
        open=open_tasks(work, locked.tasks),
    )


def open_tasks(work: Work, offers: Iterable[Locked]) -> list[OpenTask]:
    """Those that somebody still works on, each with the queue of its organization: its own while it is a partner."""
    still = [offer for offer in offers if not offer.task.ended]
    if not still:
        return []
    ids = {str(offer.t["organization_id"]) for offer in still}
    values = {"ids": list(ids), "collaborative": work.agenda.collaborative_id}
    queues = {row.id: f"partner.{row.slug}" for row in work.rows(_QUEUES, **values)}
    return [
        OpenTask(str(o.t["id"]), queues.get(o.t["organization_id"], HOSTED), o.t["organization_id"] in queues)
        for o in still
    ]


def seconds_until(now: datetime, at: datetime | None) -> float | None:
    """Never zero: a deadline that is due was just dealt with."""
    return None if at is None else max(0.05, (at - now).total_seconds())


_START = text("select collaborative_id, clock_timestamp() as now from referral where id = :id")
_QUEUES = text(
    "select o.id, o.slug from organization o"
    " join app.partners() p on p.organization_id = o.id and p.collaborative_id = :collaborative"
    " where o.id = any(cast(:ids as uuid[])) and o.own_worker and o.mode = 'connected'"
)
