"""How a decided move becomes a record: the same for people, for time and for a partner's own worker.

Everything here works in its caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain import referral as referral_rules
from domain.answers import refuse_plain
from domain.clock import Moment
from domain.groups import SERVICE
from domain.moves import NOTHING, Details, Happened, move, unsettled
from domain.pathway import parse_step
from domain.reason import ReasonClass
from domain.rule import DECLINED, RESTATED, STEP_DONE
from domain.task import ENDED, State, Task, Verb
from services import stages
from services.deadlines import referral_look, task_look
from services.happenings import about_referral, about_task, happened, restate
from services.journal import EVENT_NAMES, workflow_of
from services.ladder import note_overdue
from services.messages import say
from services.needs import settle_need
from services.refusals import Unprocessable
from services.rows import Locked, is_asked, moment, save_referral, save_task
from services.transaction import Tx, Work
from storage.tables.work import OUTCOME, STANDS


@dataclass(frozen=True, slots=True)
class Said:
    """What every verb may carry: when it occurred (default now), and who at a partner without login said so."""

    occurred_at: datetime | None = None
    said_by: str | None = None


NOW = Said()
Save = Callable[..., None]
"""Like `save_task`."""


More = Callable[[Tx, Locked], dict[str, Any]]


def move_task(
    tx: Tx,
    locked: Locked,
    verb: Verb,
    details: Details = NOTHING,
    *,
    said: Said = NOW,
    more: More = lambda _tx, _locked: {},
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Decide and write one move, in the caller's transaction. Raises NotPossible before anything was written."""
    at = moment(tx, locked.t, said.occurred_at)
    after, what = move(locked.task, verb, at, details)
    if verb is not Verb.VOID and note_overdue(tx, locked, at):
        after, what = move(locked.task, verb, at, details)
    extra = more(tx, locked)
    if verb is Verb.CORRECT:
        correct_answers(tx, locked, after, what, at, extra)
    else:
        settle_move(tx, locked, after, what, at, extra, facts)
    tx.audit(f"task.{verb.value}", "task", locked.t["id"], after.version)
    if said.said_by:
        say(tx, locked.f, "said_by", said.said_by, task=locked.t)


def settle_move(
    work: Work,
    locked: Locked,
    after: Task,
    what: Happened,
    at: Moment,
    extra: dict[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    *,
    leads: bool = True,
    reverses: list[str] | None = None,
    save: Save = save_task,
) -> UUID:
    """Everything that follows from a decided move, the same for people, for time and for a partner's own worker.

    `leads` False: the referral is ending by itself and does not follow this task. `save`: how it is written where it
    is another partner's.
    """
    stood = is_asked(locked.t, locked.f)
    before, handover = locked.task, _handover(work, locked, after, at)
    came_to = stages.moved(work, locked.t, locked.f, locked.task, after)
    columns, voided = dict(extra or {}), after.state is State.ENTERED_IN_ERROR
    said = locked.t["outcome"]
    if voided:
        columns["outcome"] = None
    if what.reason and after.ended:
        columns |= {"reason": what.reason, "reason_class": what.facts.get("reason_class")}
    save(work, locked, after, **columns)
    if reverses is None and voided:
        reverses, came_to = stages.taken_back(work, locked.t, locked.f, unreversed(work, task_id=locked.t["id"]))
    event_id = happened(
        work,
        _about(locked, what),
        what,
        version=after.version,
        occurred_at=at.occurred_at,
        facts=_cohort(work, locked, before, after, what, at)
        | handover
        | came_to
        | _answers(locked, before, after)
        | dict(facts or {}),
        reverses=reverses,
    )
    if after.ended and before.state is not after.state:
        work.journal.complete(workflow_of(locked.f), locked.t["id"], after.state.value)
        if leads:
            _lead(work, locked, after, at, said, stood)
    else:
        wake(work, locked, at)
    return event_id


def correct_answers(work: Work, locked: Locked, after: Task, what: Happened, at: Moment, extra: dict[str, Any]) -> None:
    """The completion that stands is taken back, and stated anew with the answers in `extra`: of the same day and
    groups, so that a payment stays one case and the largest of a month is the true one. Only a plan's workflow is told:
    a step that was left out because of an answer may be wanted after all.
    """
    row = work.row(_COMPLETION, task=locked.t["id"])
    assert row is not None, "what is completed has a completion"
    stands = row._mapping
    settle_move(work, locked, after, what, at, extra, reverses=[str(stands["id"])])
    facts = {name: fact for name, fact in stands["facts"].items() if not name.startswith(ANSWER)}
    restate(work, stands, RESTATED, after.version, facts | answer_facts(locked.t))
    if locked.f["action_plan_id"] is not None:
        work.journal.look(workflow_of(locked.f))


def _about(locked: Locked, what: Happened) -> dict[str, Any]:
    """A decline says besides which service was asked: it shows where the region lacks supply."""
    about = about_task(locked.t, locked.f)
    if what.kind == DECLINED and locked.t["service_id"]:
        about["dimensions"] = about["dimensions"] | {SERVICE: str(locked.t["service_id"])}
    return about


def _lead(work: Work, locked: Locked, after: Task, at: Moment, said: str | None, stood: bool) -> None:
    """The task is over: the referral follows, and what came of the need is recorded or taken back.

    `said`: the outcome that the task had. `stood`: beside others that were asked at the same time; while one of those
    is open, the referral waits for it.
    """
    f, voided = locked.f, after.state is State.ENTERED_IN_ERROR
    if stood:
        _leave(work, locked)
    if (
        not f["asked"]
        and locked.t["round"] == f["round"]
        and locked.referral.state is not referral_rules.State.ENTERED_IN_ERROR
    ):
        reopened = referral_rules.reopens(locked.referral, after.state)
        columns = dict.fromkeys(WORDS) if voided and (said or reopened) else {}
        if after.state is State.COMPLETED:
            columns = {"outcome_task": locked.t["outcome"]}
            if locked.referral.plain:
                columns["outcome"] = locked.t["outcome"]
        over = reopened and _plan_is_over(work, f)
        follows = referral_rules.follow(locked.referral, after.state, at, plan_over=over)
        if reopened:
            columns |= {"reason": None, "look_at": referral_look(follows, at)}
        save_referral(work, locked, follows, **columns)
        if reopened:
            _take_back_closing(work, locked)
    if voided or after.state is State.COMPLETED:
        settle_need(work, f, task=locked.t, occurred_at=None if voided else at.occurred_at)


def _leave(work: Work, locked: Locked) -> None:
    """One of several that were asked at once is out, and leads: so its own people still see what they ended, and where
    it is the last one, the referral follows it."""
    others = [one for one in locked.f["asked"] if one != locked.t["organization_id"]]
    save_referral(work, locked, locked.referral, asked=others, **leading(locked.t))


def leading(t: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a referral that say which of its offers leads."""
    return {
        "target_organization_id": t["organization_id"],
        "service_id": t["service_id"],
        "round": t["round"],
    }


def _take_back_closing(work: Work, locked: Locked) -> None:
    """The loop is not closed any more: what its closing had counted goes, once."""
    f, after = locked.f, locked.referral
    verb = "reopened" if after.state in referral_rules.OPEN else "withdrawn"
    what = Happened(f"{after.noun}_{verb}", None, None)
    reverses = [str(row.id) for row in closings(work, f["id"])]
    happened(work, about_referral(f), what, version=after.version, reverses=reverses)
    work.audit("referral.reopen", "referral", f["id"], after.version)
    work.journal.look(workflow_of(f))


def closings(work: Work, referral_id: UUID) -> Sequence[Any]:
    """The events that say the loop is closed, and stand: one, or none; each has `id` and `occurred_at`."""
    return work.rows(_CLOSINGS, referral=referral_id)


def _plan_is_over(work: Work, f: Mapping[str, Any]) -> bool:
    """Held until the end of the transaction, so that the plan cannot close meanwhile."""
    if f["action_plan_id"] is None:
        return False
    row = work.row(_PLAN, id=f["action_plan_id"])
    return row is None or row.state != "active"


WORDS = ("outcome", "outcome_task", "outcome_source", "outcome_client")
"""What was said to have come of it: gone when the work was entered in error."""


def wake(work: Work, locked: Locked, at: Moment) -> None:
    """A look only when the next deadline became earlier than the one the workflow sleeps until (decision 7).

    Once the ladder has ended it sleeps until somebody moves: then every new deadline is earlier.
    """
    sleeping = locked.f["look_at"]
    times = [task_look(locked.task, at), referral_look(locked.referral, at)]
    earliest = min((when for when in times if when is not None), default=None)
    if earliest is not None and (sleeping is None or earliest < sleeping):
        work.journal.look(workflow_of(locked.f))


def _cohort(work: Work, locked: Locked, before: Task, after: Task, what: Happened, at: Moment) -> dict[str, Any]:
    """The dates by which rates and durations count this case, whenever its events happen, and what its end leaves."""
    region = work.agenda.region()
    crosses = locked.t["organization_id"] != locked.t["source_organization_id"]
    facts: dict[str, Any] = {
        "requested_on": region.local_date(after.asked_at).isoformat(),
        "crosses": "yes" if crosses else "no",
    }
    if after.accepted_at:
        facts["accepted_on"] = region.local_date(after.accepted_at).isoformat()
        facts["contacted"] = after.first_contact_at is not None
        if before.accepted_at is None and crosses:
            facts["handover_days"] = at.calendar.business_days_between(after.asked_at, after.accepted_at)
    elif after.state in ENDED:
        facts["decided"] = after.state is State.DECLINED
    if left := unsettled(before, after, what):
        facts["unsettled"] = left
    return facts


def refused_answers(locked: Locked, outputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(field, what is wrong), without the answer: for a plan's step by its form; other work has none."""
    return parse_step(locked.t["step"]).refuse(outputs) if locked.t["step"] else refuse_plain(outputs)


def _answers(locked: Locked, before: Task, after: Task) -> dict[str, Any]:
    done = after.state is State.COMPLETED and before.state is not after.state
    return answer_facts(locked.t) if done else {}


ANSWER = "answer."


def answer_facts(t: Mapping[str, Any]) -> dict[str, Any]:
    """What a step of a plan recorded, as facts that indicators may count."""
    return {f"{ANSWER}{key}": value for key, value in t["outputs"].items()} if t["step"] else {}


def _handover(work: Work, locked: Locked, after: Task, at: Moment) -> dict[str, Any]:
    """Business days from the work of the partner before to this partner's yes."""
    before = locked.f.get("handed_over_at")
    if before is None or after.state is not State.ACCEPTED or locked.task.state is State.ACCEPTED:
        return {}
    return {"handover_days": work.agenda.region().business_days_between(before, max(before, at.occurred_at))}


def unreversed(work: Work, task_id: UUID | None = None, referral_id: UUID | None = None) -> list[str]:
    """Events whose worth still counts; what came of it is taken back by its own kind of event."""
    return [str(row.id) for row in work.rows(_UNREVERSED, task=task_id, referral=referral_id)]


def handed(before: UUID | None, after: UUID | None) -> dict[str, Any]:
    """The facts of an assignment."""
    return {"from_user": str(before) if before else None, "to_user": str(after) if after else None}


def class_of(tx: Tx, code: str, pointer: str) -> ReasonClass:
    known = tx.agenda.reasons.get(code)
    if known is None:
        raise Unprocessable("That reason is not on the agenda's list; GET /v1/reasons shows it.", pointer=pointer)
    return known


_COMPLETION = text(
    f"""
select {EVENT_NAMES} from event e where e.task_id = :task and e.kind in ('{STEP_DONE}', '{RESTATED}')
   and {STANDS}
"""
)
"""The completion that counts, as it was said last."""
_PLAN = text("select state from action_plan where id = :id for share")
_CLOSINGS = text(
    f"""
select e.id, e.occurred_at from event e
 where e.referral_id = :referral and e.task_id is null and e.kind in ('referral_closed', 'step_closed')
   and {STANDS}
 order by e.seq
"""
)
_UNREVERSED = text(
    f"""
select e.id from event e
 where (e.task_id = :task or e.referral_id = :referral) and not e.{OUTCOME}
   and {STANDS}
 order by e.seq
"""
)
