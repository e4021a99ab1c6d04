"""What people do with tasks: one function a verb, one transaction each.
All share `_move`, where a decision becomes a record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from domain import referral as referral_rules
from domain.clock import Moment
from domain.moves import NOTHING, Details, Happened, move
from domain.reason import ReasonClass
from domain.task import TRANSITIONS, ContactResult, Outcome, Side, State, Task, Verb
from services import shapes
from services.consents import attach_consent, disclose
from services.deadlines import referral_look, task_look
from services.happenings import about_task, happened
from services.ladder import note_overdue
from services.lists import READ_TASK
from services.messages import say
from services.needs import settle_need
from services.refusals import Conflict, Forbidden, NotVisible, Unprocessable
from services.rows import Locked, lock_task, moment, save_referral, save_task, sides
from services.transaction import Answer, Call, Record, Tx, Work, perform, read
from services.views import joined_view, task_view


@dataclass(frozen=True, slots=True)
class Said:
    """What every verb may carry: when it occurred (default now), and who at a partner without login said so."""

    occurred_at: datetime | None = None
    said_by: str | None = None


NOW = Said()


def acknowledge_task(record: Record, call: Call, task_id: UUID, said: Said = NOW) -> Answer[shapes.Task]:
    return _verb(record, call, task_id, Verb.ACKNOWLEDGE, said)


def accept_task(record: Record, call: Call, task_id: UUID, said: Said = NOW) -> Answer[shapes.Task]:
    """First come, first served. What consent discloses is copied into the target's own record (decision 17)."""
    return _verb(record, call, task_id, Verb.ACCEPT, said, more=disclose)


def decline_task(
    record: Record,
    call: Call,
    task_id: UUID,
    reason_code: str,
    reason_class: str,
    words: str | None = None,
    said: Said = NOW,
) -> Answer[shapes.Task]:
    """`reason_code` is one of the agenda's reasons and `reason_class` its class; `words` go to the source only."""

    def details(tx: Tx, _locked: Locked) -> Details:
        known = _reason(tx, reason_code, "/reason_code")
        if known.value != reason_class:
            raise Unprocessable(
                f"That reason is of class {known.value!r}: send that as reason_class, or choose another reason.",
                pointer="/reason_class",
            )
        return Details(reason=reason_code, reason_class=known)

    return _verb(record, call, task_id, Verb.DECLINE, said, details=details, words=("note", words))


def request_info(record: Record, call: Call, task_id: UUID, question: str, said: Said = NOW) -> Answer[shapes.Task]:
    """The ball goes to the referral source; the target's clocks pause."""
    return _verb(record, call, task_id, Verb.REQUEST_INFO, said, words=("question", question))


def answer_task(
    record: Record, call: Call, task_id: UUID, words: str, consent_id: UUID | None = None, said: Said = NOW
) -> Answer[shapes.Task]:
    """Refused while no consent lets the target read the answer; `consent_id` attaches one recorded since."""

    def consented(tx: Tx, locked: Locked) -> dict[str, Any]:
        if consent_id is not None:
            attach_consent(tx, locked, consent_id)
        target = locked.f["target_organization_id"]
        if (
            not locked.t["on_behalf"]
            and not tx.connection.execute(
                _CONSENT_HOLDS, {"consent": locked.f["consent_id"], "target": target}
            ).scalar_one()
        ):
            raise Conflict(
                "No consent lets the target read your answer. Record one (POST /v1/consents) and send its id as"
                " consent_id.",
                code="consent-missing",
            )
        return {}

    return _verb(record, call, task_id, Verb.ANSWER, said, more=consented, words=("answer", words))


def start_task(record: Record, call: Call, task_id: UUID, said: Said = NOW) -> Answer[shapes.Task]:
    return _verb(record, call, task_id, Verb.START, said)


def hold_task(
    record: Record, call: Call, task_id: UUID, words: str, resume_on: date, said: Said = NOW
) -> Answer[shapes.Task]:
    """On hold until the opening of `resume_on`; only people resume, a date that passes is a stall (decision 26)."""

    def details(tx: Tx, locked: Locked) -> Details:
        opens = datetime.combine(resume_on, time(0, 0), ZoneInfo(tx.agenda.zone))
        return Details(resume_at=moment(tx, locked.t).calendar.next_opening(opens))

    return _verb(record, call, task_id, Verb.HOLD, said, details=details, words=("note", words))


def waitlist_task(record: Record, call: Call, task_id: UUID, said: Said = NOW) -> Answer[shapes.Task]:
    return _verb(record, call, task_id, Verb.WAITLIST, said)


def reconfirm_task(record: Record, call: Call, task_id: UUID, said: Said = NOW) -> Answer[shapes.Task]:
    """Renews the place on the waitlist for another 30 days."""
    return _verb(record, call, task_id, Verb.RECONFIRM, said)


def resume_task(record: Record, call: Call, task_id: UUID, said: Said = NOW) -> Answer[shapes.Task]:
    return _verb(record, call, task_id, Verb.RESUME, said)


def complete_task(
    record: Record,
    call: Call,
    task_id: UUID,
    outcome: Outcome,
    outputs: Mapping[str, Any] | None = None,
    said: Said = NOW,
) -> Answer[shapes.Task]:
    """Service given; `outcome` is what came of it. The source confirms next, or time does."""

    def details(_tx: Tx, _locked: Locked) -> Details:
        return Details(outcome=outcome.value)

    def more(_tx: Tx, _locked: Locked) -> dict[str, Any]:
        return {"outcome": outcome.value, "outputs": dict(outputs or {})}

    return _verb(record, call, task_id, Verb.COMPLETE, said, details=details, more=more)


def fail_task(
    record: Record, call: Call, task_id: UUID, reason: str, words: str | None = None, said: Said = NOW
) -> Answer[shapes.Task]:
    """Class not_reached needs contact attempts on three different days (decision 22)."""
    return _verb(record, call, task_id, Verb.FAIL, said, details=_reasoned(reason), words=("note", words))


def cancel_task(
    record: Record, call: Call, task_id: UUID, reason: str, words: str | None = None, said: Said = NOW
) -> Answer[shapes.Task]:
    return _verb(record, call, task_id, Verb.CANCEL, said, details=_reasoned(reason), words=("note", words))


def void_task(record: Record, call: Call, task_id: UUID, words: str, said: Said = NOW) -> Answer[shapes.Task]:
    """Entered in error: every ledger entry that the task earned is taken back, in the periods where it had counted."""
    return _verb(record, call, task_id, Verb.VOID, said, words=("note", words))


def contact_task(
    record: Record, call: Call, task_id: UUID, result: ContactResult, channel: str, said: Said = NOW
) -> Answer[shapes.Task]:
    """`reached` stops the first-contact clock; any other result is an attempt."""

    def details(_tx: Tx, _locked: Locked) -> Details:
        return Details(contact=result)

    return _verb(record, call, task_id, Verb.CONTACT, said, details=details, facts={"channel": channel})


def note_task(record: Record, call: Call, task_id: UUID, words: str, said: Said = NOW) -> Answer[shapes.Task]:
    """The target's note is a sign of life, the source's is not. The other side reads it only with consent."""

    def details(tx: Tx, locked: Locked) -> Details:
        return Details(by=Side.TARGET if Side.TARGET in sides(tx, locked.t) else Side.SOURCE)

    return _verb(record, call, task_id, Verb.NOTE, said, details=details, words=("note", words))


def assign_task(record: Record, call: Call, task_id: UUID, user_id: UUID, said: Said = NOW) -> Answer[shapes.Task]:
    def more(tx: Tx, locked: Locked) -> dict[str, Any]:
        if tx.row(_COLLEAGUE, user=user_id, organization=locked.t["organization_id"]) is None:
            raise Unprocessable("That person has no current membership in the organization.", pointer="/user_id")
        return {"assigned_to": user_id}

    return _verb(record, call, task_id, Verb.ASSIGN, said, more=more)


def get_task(record: Record, call: Call, task_id: UUID) -> shapes.Task:
    return read(record, call, lambda tx: joined_view(tx, _see(tx, task_id)))


# ---------------------------------------------------------------------------------------------- how a move is made


More = Callable[[Tx, Locked], dict[str, Any]]
GetDetails = Callable[[Tx, Locked], Details]


def _verb(
    record: Record,
    call: Call,
    task_id: UUID,
    verb: Verb,
    said: Said,
    *,
    details: GetDetails = lambda _tx, _locked: NOTHING,
    more: More = lambda _tx, _locked: {},
    words: tuple[str, str | None] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Answer[shapes.Task]:
    def see(tx: Tx) -> Locked:
        return lock_task(tx, task_id)

    def act(tx: Tx, locked: Locked) -> shapes.Task:
        _permit(tx, locked, verb, said)
        move_task(tx, locked, verb, details(tx, locked), said=said, more=more, facts=facts)
        if words is not None and words[1]:
            say(tx, locked.f, words[0], words[1], task=locked.t)
        return task_view(tx, locked.t, locked.f)

    def again(tx: Tx) -> Any:
        return _see(tx, task_id)

    def fill(tx: Tx, row: Any, body: dict[str, Any]) -> dict[str, Any]:
        return body | {"client_id": joined_view(tx, row).client_id}

    return perform(
        record, call, see, act, shapes.Task, again=again, fill=fill, version=lambda locked: locked.task.version
    )


def _permit(tx: Tx, locked: Locked, verb: Verb, said: Said) -> None:
    """Whose move it is comes before whether it fits the state: 403 before 409."""
    mine = sides(tx, locked.t)
    if not TRANSITIONS[verb].by & mine:
        whose = " or ".join(sorted(TRANSITIONS[verb].by))
        raise Forbidden(f"'{verb.value}' is the {whose}'s move, made by its caseworkers. allowed_actions lists yours.")
    absent = locked.t["on_behalf"] and Side.SOURCE not in TRANSITIONS[verb].by
    if absent and not said.said_by:
        raise Unprocessable("This partner has no login: say who there told you so.", pointer="/said_by")


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
    if locked.t["on_behalf"]:
        details = replace(details, backdated=True)
    after, what = move(locked.task, verb, at, details)
    if verb is not Verb.VOID and note_overdue(tx, locked, at):
        after, what = move(locked.task, verb, at, details)
    extra = more(tx, locked)
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
) -> UUID:
    """Everything that follows from a decided move, the same for people, for time and for a partner's own worker.

    `leads` False: the referral is ending by itself and does not follow this task.
    """
    before = locked.task.state
    columns = dict(extra or {})
    if what.reason and after.ended:
        columns |= {"reason": what.reason, "reason_class": what.facts.get("reason_class")}
    save_task(work, locked, after, **columns)
    if reverses is None and after.state is State.ENTERED_IN_ERROR:
        reverses = unreversed(work, task_id=locked.t["id"])
    event_id = happened(
        work,
        about_task(locked.t, locked.f),
        what,
        version=after.version,
        occurred_at=at.occurred_at,
        facts=_cohort(work, locked, after) | dict(facts or {}),
        reverses=reverses,
    )
    if after.ended and before is not after.state:
        work.journal.complete(f"referral-{locked.f['id']}", locked.t["id"], after.state.value)
        if leads:
            _lead(work, locked, after, at)
    else:
        _wake(work, locked, at)
    return event_id


def _lead(work: Work, locked: Locked, after: Task, at: Moment) -> None:
    """The task is over: the referral follows, and what came of the need is recorded or taken back."""
    f, voided = locked.f, after.state is State.ENTERED_IN_ERROR
    if locked.t["round"] == f["round"] and locked.referral.state is not referral_rules.State.ENTERED_IN_ERROR:
        columns = dict.fromkeys(_WORDS) if voided and locked.t["outcome"] else {}
        if after.state is State.COMPLETED:
            columns = {"outcome_task": locked.t["outcome"]}
        save_referral(work, locked, referral_rules.follow(locked.referral, after.state, at), **columns)
    if voided or after.state is State.COMPLETED:
        settle_need(work, f, task=locked.t, occurred_at=None if voided else at.occurred_at)


_WORDS = ("outcome", "outcome_task", "outcome_source", "outcome_client")


def _wake(work: Work, locked: Locked, at: Moment) -> None:
    """A look only when the next deadline became earlier than the one the workflow sleeps until (decision 7).

    Once the ladder has ended it sleeps until somebody moves: then every new deadline is earlier.
    """
    sleeping = locked.f["look_at"]
    times = [task_look(locked.task, at), referral_look(locked.referral, at)]
    earliest = min((when for when in times if when is not None), default=None)
    if earliest is not None and (sleeping is None or earliest < sleeping):
        work.journal.look(f"referral-{locked.f['id']}")


def _cohort(work: Work, _locked: Locked, after: Task) -> dict[str, Any]:
    """The dates by which rates and medians count this case, whenever its events happen."""
    region = work.agenda.region()
    facts: dict[str, Any] = {"requested_on": region.local_date(after.created_at).isoformat()}
    if after.accepted_at:
        facts["accepted_on"] = region.local_date(after.accepted_at).isoformat()
        facts["contacted"] = after.first_contact_at is not None
    return facts


def unreversed(work: Work, task_id: UUID | None = None, referral_id: UUID | None = None) -> list[str]:
    """Events whose worth still counts; the need's outcomes are taken back by their own kind of event."""
    return [str(row.id) for row in work.rows(_UNREVERSED, task=task_id, referral=referral_id)]


def _see(tx: Tx, task_id: UUID) -> Mapping[str, Any]:
    row = tx.row(READ_TASK, id=task_id)
    if row is None:
        raise NotVisible
    mapping: Mapping[str, Any] = row._mapping
    return mapping


def _reason(tx: Tx, code: str, pointer: str) -> ReasonClass:
    known = tx.agenda.reasons.get(code)
    if known is None:
        raise Unprocessable("That reason is not on the agenda's list; GET /v1/reasons shows it.", pointer=pointer)
    return known


def _reasoned(code: str) -> GetDetails:
    def details(tx: Tx, _locked: Locked) -> Details:
        return Details(reason=code, reason_class=_reason(tx, code, "/reason"))

    return details


_CONSENT_HOLDS = text("select coalesce(app.consent_covers(:consent, :target, 'notes'), false)")
_COLLEAGUE = text(
    "select 1 from membership where user_id = :user and organization_id = :organization"
    " and app.current(starts_on, ends_on) limit 1"
)
_UNREVERSED = text(
    """
select e.id from event e
 where (e.task_id = :task or e.referral_id = :referral) and e.kind <> 'need_outcome'
   and not exists (select from event x where x.referral_id = e.referral_id and x.reverses ? cast(e.id as text))
 order by e.seq
"""
)
