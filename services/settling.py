"""A partner's own worker returned an outcome: write it as that partner's service account (decision 9)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from domain.answers import written
from domain.clock import Moment
from domain.moves import NOTHING, Details, Happened, move
from domain.progress import StepResult
from domain.refusal import NotPossible
from domain.task import UNDECIDED, Outcome, State, Task, Verb
from services.advance import engine_work
from services.happenings import about_task, happened
from services.journal import Journal
from services.ladder import note_overdue
from services.moving import refused_answers, settle_move
from services.placements import release_others, take
from services.rows import Locked, lock_referral, moment
from services.transaction import Record, Work, by_engine


def settle_task(record: Record, task_id: UUID, result: StepResult) -> str:
    """Accepted and completed (or declined, or failed) in one transaction; answers the task's state as it then stands.

    If the record is over already, or the partnership is, the record wins and the late answer becomes an event. A repeat
    changes nothing.
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
        connection.execute(_AS_PARTNER, {"organization": str(work.organization_id), "user": str(work.user_id or "")})
        _settle(work, offer, result)
        return offer.task.state.value, work.journal

    return by_engine(record, run)


def _settle(work: Work, offer: Locked, result: StepResult) -> None:
    """All of it or nothing: the rules are asked about every move before the first one is written."""
    if offer.task.ended:
        if _word(offer.task.state.value) != _word(result.state):
            _late(work, offer, result, "over")
        return
    if work.row(_PARTNER, organization=offer.t["organization_id"], collaborative=work.agenda.collaborative_id) is None:
        _late(work, offer, result, "no-partner")
        return
    at, moves = moment(work, offer.t), _moves(work, offer, result)
    note_overdue(work, offer, at)
    if moves and moves[-1][0] is Verb.COMPLETE and (wrong := refused_answers(offer, result.outputs)):
        _late(work, offer, result, "form", fields=_asked(offer, wrong))
        return
    try:
        _try(offer.task, moves, at)
    except NotPossible as no:
        _late(work, offer, result, no.code)
        return
    for verb, details in moves:
        after, what = move(offer.task, verb, at, details)
        columns: dict[str, Any] = take(work, offer) if verb is Verb.ACCEPT else {}
        if verb is Verb.COMPLETE:
            columns = {"outcome": details.outcome, "outputs": written(result.outputs)}
        settle_move(work, offer, after, what, at, columns)
        work.audit(f"task.{verb.value}", "task", offer.t["id"], after.version)
        if verb is Verb.ACCEPT:
            release_others(work, offer)


def _try(task: Task, moves: list[tuple[Verb, Details]], at: Moment) -> None:
    if not moves:
        raise NotPossible("unknown-word", "A worker answers completed with an outcome, declined or failed.")
    for verb, details in moves:
        task, _ = move(task, verb, at, details)


def _moves(work: Work, offer: Locked, result: StepResult) -> list[tuple[Verb, Details]]:
    """The verbs that lead from where the task stands to what the worker says.

    Empty for a word that is not a worker's, or for work without an outcome: nobody invents one.

    What fails before it was accepted was declined. A question that its own system no longer needs answered counts as
    answered, by the partner itself.
    """
    state = offer.task.state
    if result.state in ("declined", "failed"):
        reason = result.reason if result.reason and result.reason in work.agenda.reasons else "cannot_say"
        ended = Details(reason=reason, reason_class=work.agenda.reasons[reason])
        return [(Verb.DECLINE if state in UNDECIDED else Verb.FAIL, ended)]
    outcomes = {o.value for o in Outcome} | ({None} if offer.task.plain else set())
    if result.state != "completed" or result.outcome not in outcomes:
        return []
    verbs = [*_FIRST.get(state, ()), Verb.COMPLETE]
    if verbs[0] is Verb.START and offer.task.alongside:
        verbs.insert(0, Verb.ACCEPT)
    return [(verb, Details(outcome=result.outcome) if verb is Verb.COMPLETE else NOTHING) for verb in verbs]


_FIRST = {
    State.REQUESTED: (Verb.ACCEPT,),
    State.ACKNOWLEDGED: (Verb.ACCEPT,),
    State.INFO_REQUESTED: (Verb.ANSWER, Verb.ACCEPT),
    State.WAITLISTED: (Verb.START,),
}


def _word(state: str) -> str:
    """What a worker would have said: it does not tell declined from failed as the record does."""
    return "failed" if state == "declined" else state


def _asked(offer: Locked, wrong: list[tuple[str, str]]) -> list[str]:
    """The questions whose answers do not fit; of what was never asked only that: its name is the system's own words."""
    questions = {one["key"] for one in (offer.t["step"] or {}).get("form", ())}
    return sorted({key if key in questions else "unknown" for key, _ in wrong})


def _late(work: Work, offer: Locked, result: StepResult, why: str, **more: Any) -> None:
    """The task stays as it is, version included; its people go on with it where it is open. Said once, with why."""
    if work.row(_SAID, task=offer.t["id"]) is not None:
        return
    said = result.state if _word(result.state) in ("completed", "failed") else "unknown"
    facts = {"said": said, "why": why} | more
    what = Happened("task_answered_late", offer.task.state, offer.task.state, facts=facts)
    happened(work, about_task(offer.t, offer.f), what, version=offer.task.version)


_PARTNER = text(
    "select 1 from app.partners() where organization_id = :organization and collaborative_id = :collaborative"
)
_SAID = text("select 1 from event where task_id = :task and kind = 'task_answered_late' limit 1")
# For app.disclose: it copies for the organization whose transaction it is.
_AS_PARTNER = text("select set_config('app.organization', :organization, true), set_config('app.user', :user, true)")
_REFERRAL = text("select referral_id from task where id = :id")
_ACCOUNT = text(
    "select user_id from membership where organization_id = :organization and role = 'service'"
    " and app.current(starts_on, ends_on) order by starts_on limit 1"
)
