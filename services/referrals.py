"""Referrals: followed and closed by the referral source; `services/requests.py` makes them (decision 2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import referral as rules
from domain.clock import Moment
from domain.moves import Details, Happened, move
from domain.referral import ConfirmedBy, Verb
from domain.task import OPEN, Outcome, Side, State
from domain.task import Verb as TaskVerb
from services import shapes
from services.addressees import addressees, organizations, require_needed, require_room
from services.consents import disclose_since, holds, require_asked, require_consent
from services.endings import about_request
from services.happenings import happened
from services.holders import foresee_actions
from services.journal import workflow_of
from services.ladder import note_overdue
from services.messages import say
from services.moving import WORDS, class_of, closings, settle_move, unreversed
from services.needs import settle_need
from services.offers import Offered, first_look, insert_offer, new_offers
from services.proposals import proposals_of
from services.refusals import Conflict, Forbidden, NotVisible, Unprocessable
from services.rows import (
    OWN_CLIENT,
    REFERRAL,
    SERVICE,
    TASK,
    Locked,
    LockedReferral,
    known,
    lock_referral,
    moment,
    save_referral,
    sides_of,
)
from services.subjects import is_protected
from services.transaction import Answer, Call, Record, Tx, current_of, perform, read
from services.views import referral_view


def get_referral(record: Record, call: Call, referral_id: UUID) -> shapes.Referral:
    return read(record, call, lambda tx: view_of(tx, referral_id))


def withdraw_referral(
    record: Record,
    call: Call,
    referral_id: UUID,
    reason: str,
    words: str | None = None,
    *,
    occurred_at: datetime | None = None,
) -> Answer[shapes.Referral]:
    """The source takes it back; open tasks are cancelled with the same reason."""

    def act(tx: Tx, locked: LockedReferral) -> None:
        known = class_of(tx, reason, "/reason")
        after = rules.move(locked.referral, Verb.WITHDRAW)
        say_event(tx, locked, after, Verb.WITHDRAW, reason=reason, occurred_at=occurred_at)
        for offer in locked.tasks:
            if offer.task.state in OPEN:
                details = Details(reason=reason, reason_class=known)
                _settle(tx, offer, TaskVerb.CANCEL, details, occurred_at=occurred_at)
        save_referral(tx, locked, after, reason=reason, asked=[])
        tx.journal.look(workflow_of(locked.f))
        if words:
            say(tx, locked.f, "note", words)

    return _source(record, call, referral_id, Verb.WITHDRAW, act, occurred_at)


def reroute_referral(
    record: Record,
    call: Call,
    referral_id: UUID,
    service_id: UUID | None = None,
    consent_id: UUID | None = None,
    service_ids: Sequence[UUID] = (),
    *,
    anyway: bool = False,
    occurred_at: datetime | None = None,
) -> Answer[shapes.Referral]:
    """The same referral, a new offer: to another service, to the same once more, or to several at once."""

    def act(tx: Tx, locked: LockedReferral) -> None:
        after = rules.move(locked.referral, Verb.REROUTE)
        asked = addressees(tx, service_id, service_ids)
        require_needed(asked, locked.f["term"])
        consent = _consent_for(tx, locked, asked, consent_id)
        for one in asked:
            require_release(tx, consent, one, protected=is_protected(tx, locked.f["client_id"]))
        require_room(locked.f, asked, anyway=anyway)
        save_referral(
            tx,
            locked,
            after,
            target_organization_id=asked[0].organization_id,
            service_id=asked[0].service_id,
            consent_id=consent,
            round=locked.f["rounds"] + 1,
            rounds=locked.f["rounds"] + len(asked),
            asked=organizations(asked),
            restricted=locked.f["restricted"] or asked[0].confidential,
            sensitive=locked.f["sensitive"] or any(one.sensitive for one in asked),
            outcome_task=None,
        )
        say_event(tx, locked, after, Verb.REROUTE, occurred_at=occurred_at)
        offers = new_offers(tx, locked.f, asked, occurred_at)
        save_referral(tx, locked, after, look_at=first_look(*offers))
        for offer in offers:
            insert_offer(tx, offer)
        locked.tasks += offers
        tx.journal.look(workflow_of(locked.f))

    return _source(record, call, referral_id, Verb.REROUTE, act, occurred_at)


def confirm_referral(
    record: Record,
    call: Call,
    referral_id: UUID,
    outcome: Outcome,
    by: ConfirmedBy = ConfirmedBy.SOURCE,
    *,
    occurred_at: datetime | None = None,
) -> Answer[shapes.Referral]:
    """Closes the loop. `by` client: the source passes on what the client said;
    that word then counts most (decision 28), also where it comes after the loop was closed.

    What had been counted of the former closing is taken back. A loop that was closed by its source stays closed on that
    day; one that only time had closed is closed when it is confirmed.
    """

    def act(tx: Tx, locked: LockedReferral) -> None:
        was = locked.referral
        after = rules.move(was, Verb.CONFIRM, by)
        former = closings(tx, referral_id) if was.state is rules.State.COMPLETED else []
        column = "outcome_client" if by is ConfirmedBy.CLIENT else "outcome_source"
        save_referral(tx, locked, after, outcome=outcome.value, **{column: outcome.value})
        facts: dict[str, Any] = {"outcome": outcome.value, "confirmed_by": by.value}
        closed_at = former[0].occurred_at if former and was.confirmed_by is ConfirmedBy.SOURCE else occurred_at
        reverses = [str(row.id) for row in former]
        say_event(tx, locked, after, Verb.CONFIRM, reverses=reverses, occurred_at=closed_at, **facts)
        settle_need(tx, locked.f, occurred_at=occurred_at)
        tx.journal.look(workflow_of(locked.f))

    return _source(record, call, referral_id, Verb.CONFIRM, act, occurred_at)


def close_unmet(
    record: Record, call: Call, referral_id: UUID, reason: str, *, occurred_at: datetime | None = None
) -> Answer[shapes.Referral]:
    """Nobody could help: the source closes it and the need stays unmet, on the record."""

    def act(tx: Tx, locked: LockedReferral) -> None:
        class_of(tx, reason, "/reason")
        after = rules.move(locked.referral, Verb.CLOSE_UNMET)
        unmet = Outcome.UNMET.value
        save_referral(tx, locked, after, outcome=unmet, outcome_source=unmet, reason=reason)
        facts: dict[str, Any] = {"outcome": unmet, "confirmed_by": after.confirmed_by}
        say_event(tx, locked, after, Verb.CLOSE_UNMET, reason=reason, occurred_at=occurred_at, **facts)
        settle_need(tx, locked.f, occurred_at=occurred_at)
        tx.journal.look(workflow_of(locked.f))

    return _source(record, call, referral_id, Verb.CLOSE_UNMET, act, occurred_at)


def consent_referral(record: Record, call: Call, referral_id: UUID, consent_id: UUID) -> Answer[shapes.Referral]:
    """A consent that came later, or follows one that ended: who is asked reads by it, who works already gets its copy.

    The same consent once more is no event; it copies what was missing.
    """

    def act(tx: Tx, locked: LockedReferral) -> None:
        after = rules.move(locked.referral, Verb.CONSENT)
        require_asked(tx, locked, consent_id)
        if consent_id != locked.f["consent_id"]:
            save_referral(tx, locked, after, consent_id=consent_id)
            say_event(tx, locked, after, Verb.CONSENT)
        if locked.current is not None:
            disclose_since(tx, locked.current)

    return _source(record, call, referral_id, Verb.CONSENT, act)


def void_referral(record: Record, call: Call, referral_id: UUID, words: str) -> Answer[shapes.Referral]:
    """Entered in error, with all its tasks, also those that had ended; all that it counted is taken back, once."""

    def act(tx: Tx, locked: LockedReferral) -> None:
        after = rules.move(locked.referral, Verb.VOID)
        say(tx, locked.f, "note", words)
        reverses = unreversed(tx, referral_id=referral_id)
        save_referral(tx, locked, after, asked=[], **dict.fromkeys(WORDS))
        say_event(tx, locked, after, Verb.VOID, reverses=reverses)
        for offer in locked.tasks:
            if offer.task.state is not State.ENTERED_IN_ERROR:
                _settle(tx, offer, TaskVerb.VOID, Details(), reverses=[])
        settle_need(tx, locked.f)
        tx.journal.look(workflow_of(locked.f))

    return _source(record, call, referral_id, Verb.VOID, act)


def _source(
    record: Record,
    call: Call,
    referral_id: UUID,
    verb: Verb,
    act: Callable[[Tx, LockedReferral], None],
    occurred_at: datetime | None = None,
) -> Answer[shapes.Referral]:
    """`occurred_at`: when it happened, as told (decision 21); None: now."""

    def see(tx: Tx) -> LockedReferral:
        return lock_referral(tx, referral_id)

    def decide(tx: Tx, locked: LockedReferral) -> shapes.Referral:
        mine = sides_of(tx, locked.f["source_organization_id"], locked.f["target_organization_id"], False)
        if Side.SOURCE not in mine:
            raise Forbidden(f"'{verb.value}' is the referral source's move, made by its caseworkers.")
        if locked.referral.planned and verb in rules.OF_THE_PLAN:
            instead = (
                "give the consent to the plan" if verb is Verb.CONSENT else "re-assign, skip or drop the step there"
            )
            raise Conflict(
                f"This request is a step of an action plan: {instead}.",
                code="step-of-a-plan",
                current=current_of(locked),
            )
        _require_order(tx, locked, occurred_at)
        before = locked.referral.version
        act(tx, locked)
        if locked.referral.version != before:
            tx.audit(f"referral.{verb.value}", "referral", referral_id, locked.referral.version)
        return referral_view(tx, locked.f, [offer.t for offer in locked.tasks])

    return perform(
        record,
        call,
        see,
        decide,
        shapes.Referral,
        fill=fill_in,
        stores=kept,
        version=lambda locked: locked.referral.version,
    )


def _require_order(tx: Tx, locked: LockedReferral, occurred_at: datetime | None) -> None:
    """Between the last move of its task, as told, and now. Raises Unprocessable."""
    if occurred_at is None:
        return
    if occurred_at > tx.now:
        raise Unprocessable(
            "It cannot have happened in the future. Leave occurred_at out for now.", pointer="/occurred_at"
        )
    current = locked.current
    before = (current.task.moved_at or current.task.asked_at) if current else locked.f["requested_at"]
    if occurred_at < before:
        raise Unprocessable(
            "It cannot have happened before what is on the record already. Correct occurred_at.",
            pointer="/occurred_at",
        )


def _settle(
    tx: Tx,
    offer: Locked,
    verb: TaskVerb,
    details: Details,
    reverses: list[str] | None = None,
    occurred_at: datetime | None = None,
) -> None:
    """End one task of a referral that is ending itself: the referral does not follow the task, it leads."""
    at: Moment = moment(tx, offer.t, occurred_at)
    if verb is not TaskVerb.VOID:
        note_overdue(tx, offer, at)
    after, what = move(offer.task, verb, at, details)
    settle_move(tx, offer, after, what, at, leads=False, reverses=reverses)
    tx.audit(f"task.{verb.value}", "task", offer.t["id"], after.version)


def say_event(
    tx: Tx,
    locked: LockedReferral,
    after: rules.Referral,
    verb: Verb,
    *,
    reason: str | None = None,
    reverses: list[str] | None = None,
    occurred_at: datetime | None = None,
    **facts: Any,
) -> None:
    kind = rules.EVENT_OF[verb].replace("referral_", "step_") if locked.referral.plain else rules.EVENT_OF[verb]
    what = Happened(kind, None, None, reason, facts=facts)
    happened(tx, about_request(locked), what, version=after.version, occurred_at=occurred_at, reverses=reverses or [])


def require_release(tx: Tx, consent_id: UUID | None, offered: Offered, *, protected: bool) -> None:
    """A victim-service provider's client leaves it only by a release (decision 19); `protected`: what it disclosed to
    us leaves us by a release of its own only."""
    if protected and offered.organization_id != tx.here.organization_id:
        raise Unprocessable(
            "This client came from a victim-service provider: only that provider refers them on, with a release that"
            " names the new partner.",
            pointer="/client_id",
        )
    if tx.here.confidential and offered.organization_id != tx.here.organization_id and consent_id is None:
        raise Unprocessable(
            "A victim-service provider refers a client only with a written, time-limited release: send its consent_id.",
            pointer="/consent_id",
        )


def _consent_for(tx: Tx, locked: LockedReferral, asked: Sequence[Offered], consent_id: UUID | None) -> UUID | None:
    """A consent names its recipients: the old one serves the new targets only if it names them all too."""
    if consent_id is not None:
        for one in asked:
            require_consent(tx, consent_id, (locked.f["client_id"], locked.f["household_id"]), one.organization_id)
        return consent_id
    old: UUID | None = locked.f["consent_id"]
    if old is None:
        return None
    return old if all(holds(tx, old, one.organization_id) for one in asked) else None


def view_of(tx: Tx, referral_id: UUID) -> shapes.Referral:
    row = tx.row(_GET, id=referral_id)
    if row is None:
        raise NotVisible
    f, tasks = row._mapping, [task._mapping for task in tx.rows(_TASKS, id=referral_id)]
    foresee_actions(tx, "task", [(t, f) for t in tasks])
    return referral_view(tx, f, tasks, proposals_of(tx, [f]).get(referral_id, ()))


def kept(body: shapes.Referral) -> dict[str, Any]:
    """No client, neither the referral's nor a task's."""
    return body.model_dump(mode="json", exclude={"client_id": True, "tasks": {"__all__": {"client_id"}}})


def fill_in(tx: Tx, _seen: object, body: dict[str, Any]) -> dict[str, Any]:
    """Client fields are read again, under what the caller may see now."""
    fresh = view_of(tx, UUID(body["id"]))
    clients = {str(task.id): task.client_id for task in fresh.tasks}
    tasks = [task | {"client_id": clients.get(task["id"])} for task in body["tasks"]]
    mine = fresh.model_dump(mode="json", include={"client_id", "household_id", "consent_id"})
    return body | mine | {"tasks": tasks}


_GET = known(f"select {REFERRAL} from referral f where f.id = :id", REFERRAL)
_TASKS = known(
    f"""
select {TASK}, {OWN_CLIENT}, {SERVICE}
  from task t left join service s on s.id = t.service_id where t.referral_id = :id order by t.id
""",
    TASK,
    OWN_CLIENT,
    SERVICE,
)
