"""What people do with tasks: one function a verb, one transaction each.
All share `_verb`; `moving` makes a record of what was decided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from domain.answers import written
from domain.moves import NOTHING, Details
from domain.referral import State as ReferralState
from domain.refusal import NotPossible
from domain.task import TRANSITIONS, ContactResult, Outcome, Side, Verb, first
from services import shapes
from services.consents import attach_consent
from services.link_use import use_link
from services.lists import READ_TASK
from services.messages import say
from services.moving import NOW, More, Said, class_of, handed, move_task, refused_answers
from services.placements import release_others, take
from services.refusals import Conflict, Forbidden, NotVisible, Unprocessable
from services.rows import NOBODY_THERE, Locked, lock_task, moment, sides, works_there
from services.transaction import Answer, Call, Record, Tx, perform, read
from services.views import joined_view, task_view


def acknowledge_task(record: Record, call: Call, task_id: UUID, said: Said = NOW) -> Answer[shapes.Task]:
    return _verb(record, call, task_id, Verb.ACKNOWLEDGE, said)


def accept_task(record: Record, call: Call, task_id: UUID, said: Said = NOW) -> Answer[shapes.Task]:
    """First come, first served: of several that were asked at once, the first yes has it and the others are released.

    What consent discloses is copied into the target's own record (decision 17).
    """
    return _verb(record, call, task_id, Verb.ACCEPT, said)


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
        known = class_of(tx, reason_code, "/reason_code")
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
    """Refused while no consent lets the target read the answer; `consent_id` attaches one recorded since.

    Within one organization nothing is disclosed.
    """

    def consented(tx: Tx, locked: Locked) -> dict[str, Any]:
        if consent_id is not None:
            attach_consent(tx, locked, consent_id)
        target, source = locked.t["organization_id"], locked.f["source_organization_id"]
        if (
            not locked.t["on_behalf"]
            and target != source
            and not tx.connection.execute(
                _MAY_READ_NOTES, {"consent": locked.f["consent_id"], "target": target}
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
        if resume_on <= tx.agenda.region().local_date(tx.now):
            raise NotPossible(
                "resume-date", "A hold needs a day in the future on which the work resumes.", pointer="/resume_on"
            )
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
    outcome: Outcome | None,
    outputs: Mapping[str, Any] | None = None,
    said: Said = NOW,
) -> Answer[shapes.Task]:
    """Service given; `outcome` is what came of it. The source confirms next, or time does.

    A plain step of a plan needs no outcome; what it records must answer its form.
    """
    recorded, word = dict(outputs or {}), outcome.value if outcome else None

    def details(_tx: Tx, locked: Locked) -> Details:
        if outcome is None and not locked.task.plain:
            raise Unprocessable("Say what came of the need: need_met, partly_met or unmet.", pointer="/outcome")
        _require_fitting(locked, recorded)
        return Details(outcome=word)

    def more(_tx: Tx, _locked: Locked) -> dict[str, Any]:
        return {"outcome": word, "outputs": written(recorded)}

    return _verb(record, call, task_id, Verb.COMPLETE, said, details=details, more=more)


def correct_task(
    record: Record, call: Call, task_id: UUID, outputs: Mapping[str, Any], words: str, said_by: str | None = None
) -> Answer[shapes.Task]:
    """Other answers in place of what completing recorded, all of them: `outputs` answer the form as then.

    They count in the period of the completion, and the former no more, also where that period, the referral or the plan
    is over. What a live plan left out because of an answer may come back; a step that was opened by one stays, and its
    lead may drop it. The same answers again are refused (409).
    """
    corrected = dict(outputs)

    def details(_tx: Tx, locked: Locked) -> Details:
        _require_fitting(locked, corrected)
        return NOTHING

    def more(_tx: Tx, locked: Locked) -> dict[str, Any]:
        if locked.referral.state is ReferralState.ENTERED_IN_ERROR:
            raise NotPossible("wrong-state", "All of it was entered in error: there is nothing left to correct.")
        if written(corrected) == locked.t["outputs"]:
            raise NotPossible("same-answers", "These are the answers on the record: nothing is corrected.")
        return {"outputs": written(corrected)}

    said = Said(said_by=said_by)
    return _verb(record, call, task_id, Verb.CORRECT, said, details=details, more=more, words=("note", words))


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

    return _verb(record, call, task_id, Verb.CONTACT, said, details=details, facts=lambda _: {"channel": channel})


def note_task(record: Record, call: Call, task_id: UUID, words: str, said: Said = NOW) -> Answer[shapes.Task]:
    """The target's note is a sign of life, the source's is not. The other side reads it only with consent."""

    def details(tx: Tx, locked: Locked) -> Details:
        return Details(by=Side.TARGET if Side.TARGET in sides(tx, locked.t) else Side.SOURCE)

    return _verb(record, call, task_id, Verb.NOTE, said, details=details, words=("note", words))


def assign_task(record: Record, call: Call, task_id: UUID, user_id: UUID, said: Said = NOW) -> Answer[shapes.Task]:
    def more(tx: Tx, locked: Locked) -> dict[str, Any]:
        if not works_there(tx, user_id, locked.t["organization_id"]):
            raise Unprocessable(NOBODY_THERE, pointer="/user_id")
        return {"assigned_to": user_id}

    def facts(locked: Locked) -> dict[str, Any]:
        return handed(locked.t["assigned_to"], user_id)

    return _verb(record, call, task_id, Verb.ASSIGN, said, more=more, facts=facts)


def get_task(record: Record, call: Call, task_id: UUID) -> shapes.Task:
    return read(record, call, lambda tx: joined_view(tx, see_task(tx, task_id)))


# ---------------------------------------------------------------------------------------------- how a move is made


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
    facts: Callable[[Locked], Mapping[str, Any]] = lambda _locked: {},
) -> Answer[shapes.Task]:
    def see(tx: Tx) -> Locked:
        return lock_task(tx, task_id)

    def act(tx: Tx, locked: Locked) -> shapes.Task:
        _permit(tx, locked, verb, said)
        if call.link_id is not None:
            use_link(tx, locked, call.link_id)
        before = first(verb, locked.task.state, alongside=locked.task.alongside)
        if before is not None:
            _move(tx, locked, before, NOTHING, Said(said.occurred_at), more, facts=None)
        _move(tx, locked, verb, details(tx, locked), said, more, facts(locked))
        if words is not None and words[1]:
            say(tx, locked.f, words[0], words[1], task=locked.t)
        return task_view(tx, locked.t, locked.f)

    def again(tx: Tx) -> Any:
        return see_task(tx, task_id)

    def fill(tx: Tx, row: Any, body: dict[str, Any]) -> dict[str, Any]:
        return body | {"client_id": joined_view(tx, row).client_id}

    return perform(
        record, call, see, act, shapes.Task, again=again, fill=fill, version=lambda locked: locked.task.version
    )


def _move(
    tx: Tx, locked: Locked, verb: Verb, details: Details, said: Said, more: More, facts: Mapping[str, Any] | None
) -> None:
    """A yes takes it, from everybody else who was asked."""
    accepts = verb is Verb.ACCEPT
    move_task(tx, locked, verb, details, said=said, more=take if accepts else more, facts=facts)
    if accepts:
        release_others(tx, locked)


def _permit(tx: Tx, locked: Locked, verb: Verb, said: Said) -> None:
    """Whose move it is comes before whether it fits the state: 403 before 409."""
    mine = sides(tx, locked.t)
    if not TRANSITIONS[verb].by & mine:
        whose = " or ".join(sorted(TRANSITIONS[verb].by))
        raise Forbidden(f"'{verb.value}' is the {whose}'s move, made by its caseworkers. allowed_actions lists yours.")
    absent = locked.t["on_behalf"] and Side.SOURCE not in TRANSITIONS[verb].by
    if absent and not said.said_by:
        raise Unprocessable("This partner has no login: say who there told you so.", pointer="/said_by")


def _require_fitting(locked: Locked, outputs: Mapping[str, Any]) -> None:
    for key, wrong in refused_answers(locked, outputs):
        raise Unprocessable(f"{wrong[0].upper()}{wrong[1:]}.", pointer=f"/outputs/{key}")


def see_task(tx: Tx, task_id: UUID) -> Mapping[str, Any]:
    row = tx.row(READ_TASK, id=task_id)
    if row is None:
        raise NotVisible
    mapping: Mapping[str, Any] = row._mapping
    return mapping


def _reasoned(code: str) -> GetDetails:
    def details(tx: Tx, _locked: Locked) -> Details:
        return Details(reason=code, reason_class=class_of(tx, code, "/reason"))

    return details


_MAY_READ_NOTES = text("select coalesce(app.consent_covers(:consent, :target, 'notes'), false)")
