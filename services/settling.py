"""A partner's own worker returned an outcome: write it as that partner's service account (decision 9)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, text

from domain.moves import Details, Happened, move
from domain.progress import StepResult
from domain.refusal import NotPossible
from domain.task import Outcome, State, Verb
from services.advance import engine_work
from services.happenings import about_task, happened
from services.journal import Journal
from services.rows import Locked, lock_referral, moment, save_task
from services.tasks import settle_move
from services.transaction import Record, Work, by_engine


def settle_task(record: Record, task_id: UUID, result: StepResult) -> str:
    """Accepted and completed (or declined, or failed) in one transaction; answers the task's state as it then stands.

    If the record is over already, the record wins and the late answer becomes an event. A repeat changes nothing.
    """

    def run(connection: Connection) -> tuple[str, Journal]:
        referral_id = connection.execute(_REFERRAL, {"id": task_id}).scalar_one()
        work = engine_work(connection, referral_id)
        locked = lock_referral(work, referral_id)
        offer = next(k for k in locked.tasks if k.t["id"] == task_id)
        offer.f, offer.referral = locked.f, locked.referral
        account = work.row(_ACCOUNT, organization=offer.t["organization_id"])
        work.organization_id = offer.t["organization_id"]
        work.user_id = account.user_id if account else None
        _settle(work, offer, result)
        return offer.task.state.value, work.journal

    return by_engine(record, run)


def _settle(work: Work, offer: Locked, result: StepResult) -> None:
    if offer.task.ended:
        if offer.task.state.value != result.state:
            _late(work, offer, result)
        return
    try:
        for verb, details in _moves(work, offer, result):
            at = moment(work, offer.t)
            after, what = move(offer.task, verb, at, details)
            settle_move(work, offer, after, what, at, {"outcome": details.outcome} if details.outcome else None)
            work.audit(f"task.{verb.value}", "task", offer.t["id"], after.version)
    except NotPossible:
        _late(work, offer, result)


def _moves(work: Work, offer: Locked, result: StepResult) -> list[tuple[Verb, Details]]:
    """The verbs that lead from where the task stands to what the worker says."""
    undecided = offer.task.state in (State.REQUESTED, State.ACKNOWLEDGED)
    reason = result.reason if result.reason and result.reason in work.agenda.reasons else "cannot_say"
    ended = Details(reason=reason, reason_class=work.agenda.reasons[reason])
    accept = [(Verb.ACCEPT, Details())] if undecided else []
    if result.state == "declined" and undecided:
        return [(Verb.DECLINE, ended)]
    if result.state == "completed":
        start = [(Verb.START, Details())] if offer.task.state is State.WAITLISTED else []
        outcome = result.outcome if result.outcome in {o.value for o in Outcome} else Outcome.UNMET.value
        return [*accept, *start, (Verb.COMPLETE, Details(outcome=outcome))]
    return [*accept, (Verb.FAIL, ended)]


def _late(work: Work, offer: Locked, result: StepResult) -> None:
    after = offer.task
    save_task(work, offer, after)
    happened(
        work,
        about_task(offer.t, offer.f),
        Happened("task_answered_late", after.state, after.state, facts={"said": result.state}),
        version=after.version,
    )


_REFERRAL = text("select referral_id from task where id = :id")
_ACCOUNT = text(
    "select user_id from membership where organization_id = :organization and role = 'service'"
    " and starts_on <= current_date and (ends_on is null or ends_on >= current_date) order by starts_on limit 1"
)
