"""Referrals: made, followed and closed by the referral source. Tasks are born in the same transaction (decision 2)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain import referral as rules
from domain.clock import Moment
from domain.moves import Details, Happened, move
from domain.referral import ConfirmedBy, Verb
from domain.task import OPEN, Outcome, Side
from domain.task import Verb as TaskVerb
from services import shapes
from services.clients import NewClient, insert_client
from services.consents import require_consent
from services.happenings import about_referral, happened
from services.journal import new_id
from services.ladder import note_overdue
from services.messages import say
from services.needs import insert_need, settle_need
from services.offers import Offered, find_service, first_look, insert_offer, new_offer
from services.refusals import Forbidden, NotVisible, Unprocessable
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
    referral_of,
    save_referral,
    sides_of,
)
from services.tasks import Said, move_task, settle_move, unreversed
from services.transaction import Answer, Call, Record, Tx, perform, read
from services.views import referral_view
from storage import tables

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without look-alikes (0 O, 1 I L, U V): references are read out on the phone."""


@dataclass(frozen=True, slots=True)
class Finished:
    """Work that is done already, recorded in one call (decision 21)."""

    outcome: Outcome
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A referral to be made: for a known client or a new one; `need_id` names a need that was recorded before."""

    service_id: UUID
    client_id: UUID | None = None
    client: NewClient | None = None
    household_id: UUID | None = None
    need_id: UUID | None = None
    priority: str = "routine"
    kind: str = "referral"
    origin: str = "partner"
    origin_name: str | None = None
    reason: str | None = None
    note: str | None = None
    consent_id: UUID | None = None
    occurred_at: datetime | None = None
    finished: Finished | None = None


def create_referral(record: Record, call: Call, request: Request) -> Answer[shapes.Referral]:
    """Makes the referral, its need and its first task, together; the workflow is asked to start by the outbox."""

    def act(tx: Tx, _seen: None) -> shapes.Referral:
        if Side.SOURCE not in sides_of(tx, tx.here.organization_id, request.service_id, False):
            raise Forbidden("Referrals are made by the caseworkers of a partner.")
        made = _make(tx, request)
        return referral_view(tx, made.f, [offer.t for offer in made.tasks])

    return perform(record, call, lambda _tx: None, act, shapes.Referral, fill=_fill, stores=_stores, status=201)


def get_referral(record: Record, call: Call, referral_id: UUID) -> shapes.Referral:
    return read(record, call, lambda tx: _view(tx, referral_id))


def withdraw_referral(
    record: Record, call: Call, referral_id: UUID, reason: str, words: str | None = None
) -> Answer[shapes.Referral]:
    """The source takes it back; open tasks are cancelled with the same reason."""

    def act(tx: Tx, locked: LockedReferral) -> None:
        known = tx.agenda.reasons.get(reason)
        if known is None:
            raise Unprocessable("That reason is not on the agenda's list; GET /v1/reasons shows it.", pointer="/reason")
        after = rules.move(locked.referral, Verb.WITHDRAW)
        _say_event(tx, locked, after, Verb.WITHDRAW, reason=reason)
        for offer in locked.tasks:
            if offer.task.state in OPEN:
                details = Details(reason=reason, reason_class=known)
                _settle(tx, locked, offer, TaskVerb.CANCEL, details)
        save_referral(tx, locked, after, reason=reason)
        tx.journal.look(f"referral-{referral_id}")
        if words:
            say(tx, locked.f, "note", words)

    return _source(record, call, referral_id, Verb.WITHDRAW, act)


def reroute_referral(
    record: Record, call: Call, referral_id: UUID, service_id: UUID, consent_id: UUID | None = None
) -> Answer[shapes.Referral]:
    """The same referral, a new offer: to another service, or to the same once more."""

    def act(tx: Tx, locked: LockedReferral) -> None:
        after = rules.move(locked.referral, Verb.REROUTE)
        offered = find_service(tx, service_id)
        consent = _consent_for(tx, locked, offered, consent_id)
        _check_release(tx, consent, offered)
        save_referral(
            tx,
            locked,
            after,
            target_organization_id=offered.organization_id,
            service_id=service_id,
            consent_id=consent,
            round=locked.f["round"] + 1,
            restricted=locked.f["restricted"] or offered.confidential,
            sensitive=locked.f["sensitive"] or offered.sensitive,
            outcome_task=None,
        )
        _say_event(tx, locked, after, Verb.REROUTE)
        offer = new_offer(tx, locked.f, offered)
        save_referral(tx, locked, after, look_at=first_look(offer))
        insert_offer(tx, offer)
        locked.tasks.append(offer)
        tx.journal.look(f"referral-{referral_id}")

    return _source(record, call, referral_id, Verb.REROUTE, act)


def confirm_referral(
    record: Record, call: Call, referral_id: UUID, outcome: Outcome, by: ConfirmedBy = ConfirmedBy.SOURCE
) -> Answer[shapes.Referral]:
    """Closes the loop. `by` client: the source passes on what the client said;
    that word then counts most (decision 28).
    """

    def act(tx: Tx, locked: LockedReferral) -> None:
        after = rules.move(locked.referral, Verb.CONFIRM)
        column = "outcome_client" if by is ConfirmedBy.CLIENT else "outcome_source"
        save_referral(tx, locked, after, outcome=outcome.value, confirmed_by=by.value, **{column: outcome.value})
        _say_event(tx, locked, after, Verb.CONFIRM, outcome=outcome.value, confirmed_by=by.value)
        settle_need(tx, locked.f)
        tx.journal.look(f"referral-{referral_id}")

    return _source(record, call, referral_id, Verb.CONFIRM, act)


def close_unmet(record: Record, call: Call, referral_id: UUID, reason: str) -> Answer[shapes.Referral]:
    """Nobody could help: the source closes it and the need stays unmet, on the record."""

    def act(tx: Tx, locked: LockedReferral) -> None:
        if reason not in tx.agenda.reasons:
            raise Unprocessable("That reason is not on the agenda's list; GET /v1/reasons shows it.", pointer="/reason")
        after = rules.move(locked.referral, Verb.CLOSE_UNMET)
        unmet = Outcome.UNMET.value
        save_referral(tx, locked, after, outcome=unmet, outcome_source=unmet, confirmed_by="source", reason=reason)
        _say_event(tx, locked, after, Verb.CLOSE_UNMET, reason=reason, outcome=unmet, confirmed_by="source")
        settle_need(tx, locked.f)
        tx.journal.look(f"referral-{referral_id}")

    return _source(record, call, referral_id, Verb.CLOSE_UNMET, act)


def void_referral(record: Record, call: Call, referral_id: UUID, words: str) -> Answer[shapes.Referral]:
    """Entered in error, with all its tasks; everything that it counted is taken back."""

    def act(tx: Tx, locked: LockedReferral) -> None:
        after = rules.move(locked.referral, Verb.VOID)
        say(tx, locked.f, "note", words)
        reverses = unreversed(tx, referral_id=referral_id)
        save_referral(tx, locked, after, outcome=None)
        _say_event(tx, locked, after, Verb.VOID, reverses=reverses)
        for offer in locked.tasks:
            if offer.task.state in OPEN:
                _settle(tx, locked, offer, TaskVerb.VOID, Details(), reverses=[])
        settle_need(tx, locked.f)
        tx.journal.look(f"referral-{referral_id}")

    return _source(record, call, referral_id, Verb.VOID, act)


# ---------------------------------------------------------------------------------------------- how they are made


def _make(tx: Tx, request: Request) -> LockedReferral:
    _check(tx, request)
    offered = find_service(tx, request.service_id)
    about = _client(tx, request)
    need_id, term = _need(tx, request, about.id if about else None, offered)
    f = _row(tx, request, offered, about, need_id, term)
    _check_release(tx, request.consent_id, offered)
    offer = None if request.kind == "information" else new_offer(tx, f, offered)
    f["look_at"] = first_look(offer) if offer else None
    tx.connection.execute(tables.referral.insert(), f)
    made = LockedReferral(referral_of(f), f, [offer] if offer else [])
    _say_created(tx, f, request)
    if offer is None:
        _inform(tx, made)
    else:
        insert_offer(tx, offer)
        if request.finished:
            _finish(tx, made, offer, request.finished)
        tx.journal.look(f"referral-{f['id']}")
    tx.audit("referral.create", "referral", f["id"], 1)
    return made


def _check(tx: Tx, request: Request) -> None:
    """What contradicts itself is refused, never half obeyed."""
    if request.occurred_at is not None and request.occurred_at > tx.now:
        raise Unprocessable(
            "It cannot have happened in the future. Leave occurred_at out for now.", pointer="/occurred_at"
        )
    if request.kind == "information" and request.finished:
        raise Unprocessable("Information given is finished by itself. Leave 'finished' out.", pointer="/finished")
    named = [name for name in ("client_id", "client", "household_id") if getattr(request, name) is not None]
    if len(named) != 1:
        raise Unprocessable("Name one: client_id, client with what you know, or household_id.", pointer="/client_id")


def _client(tx: Tx, request: Request) -> Any | None:
    """What a referral keeps of its client: id, person, county; None for a household."""
    if request.household_id is not None:
        if tx.row(_HOUSEHOLD, id=request.household_id) is None:
            raise Unprocessable("No household with that id in your organization.", pointer="/household_id")
        return None
    client_id = insert_client(tx, request.client) if request.client is not None else request.client_id
    about = tx.row(_ABOUT_CLIENT, id=client_id)
    if about is None:
        raise Unprocessable("No client with that id in your organization.", pointer="/client_id")
    return about


def _need(tx: Tx, request: Request, client_id: UUID | None, offered: Offered) -> tuple[UUID, str]:
    if request.need_id is None:
        need_id = insert_need(
            tx, offered.term, client_id=client_id, household_id=None if client_id else request.household_id
        )
        return need_id, offered.term
    row = tx.row(_NEED, id=request.need_id, me=tx.here.organization_id)
    if row is None or (row.client_id, row.household_id) != (client_id, request.household_id):
        raise Unprocessable("No need with that id for this client or household.", pointer="/need_id")
    return request.need_id, row.term


def _row(tx: Tx, request: Request, offered: Offered, about: Any | None, need_id: UUID, term: str) -> dict[str, Any]:
    client_id = about.id if about else None
    if request.consent_id is not None:
        require_consent(tx, request.consent_id, (client_id, request.household_id), offered.organization_id)
    return {column.name: None for column in tables.referral.c} | {
        "id": new_id(),
        "reference": _reference(),
        "collaborative_id": tx.here.collaborative_id,
        "source_organization_id": tx.here.organization_id,
        "target_organization_id": offered.organization_id,
        "service_id": request.service_id,
        "need_id": need_id,
        "client_id": client_id,
        "household_id": None if client_id else request.household_id,
        "person_id": about.person_id if about else None,
        "consent_id": request.consent_id,
        "kind": request.kind,
        "origin": request.origin,
        "origin_name": request.origin_name,
        "priority": request.priority,
        "term": term,
        "county": about.county if about else None,
        "sensitive": offered.sensitive,
        "restricted": offered.confidential or tx.here.confidential,
        "state": rules.State.ACTIVE.value,
        "reported": False,
        "round": 1,
        "rung": 0,
        "transfer": request.kind == "transfer",
        "created_by": tx.here.user_id,
        "created_at": tx.now,
        "updated_at": tx.now,
        "version": 1,
    }


def _check_release(tx: Tx, consent_id: UUID | None, offered: Offered) -> None:
    """A victim-service provider's client leaves it only by a release (decision 19)."""
    if tx.here.confidential and offered.organization_id != tx.here.organization_id and consent_id is None:
        raise Unprocessable(
            "A victim-service provider refers a client only with a written, time-limited release: send its consent_id.",
            pointer="/consent_id",
        )


def _say_created(tx: Tx, f: dict[str, Any], request: Request) -> None:
    happened(
        tx,
        about_referral(f),
        Happened(
            "referral_created",
            None,
            None,
            facts={"priority": f["priority"], "kind": f["kind"], "origin": f["origin"]},
        ),
        version=1,
        occurred_at=request.occurred_at,
    )
    for kind, words in (("reason", request.reason), ("note", request.note)):
        if words:
            say(tx, f, kind, words)


def _inform(tx: Tx, made: LockedReferral) -> None:
    """Handing out a phone number is a referral without clocks: done when it is recorded (decision 20)."""
    done = rules.Referral(str(made.f["id"]), rules.State.COMPLETED, 2)
    save_referral(tx, made, done)
    happened(tx, about_referral(made.f), Happened("information_given", None, None), version=2)
    tx.audit("referral.inform", "referral", made.f["id"], 2)


def _finish(tx: Tx, made: LockedReferral, offer: Locked, finished: Finished) -> None:
    if offer.t["organization_id"] != tx.here.organization_id:
        raise Unprocessable("Only your own finished work can be recorded in one call.", pointer="/finished")
    said = Said(finished.occurred_at)
    details = Details(outcome=finished.outcome.value, backdated=True)
    more = {"outcome": finished.outcome.value}
    facts = {"finished": True}
    move_task(tx, offer, TaskVerb.ACCEPT, Details(backdated=True), said=said, facts=facts)
    move_task(tx, offer, TaskVerb.COMPLETE, details, said=said, more=lambda _t, _k: more, facts=facts)
    after = rules.move(offer.referral, Verb.CONFIRM)
    outcome = finished.outcome.value
    save_referral(tx, made, after, outcome=outcome, confirmed_by="source", outcome_source=outcome)
    _say_event(tx, made, after, Verb.CONFIRM, outcome=outcome, confirmed_by="source", occurred_at=finished.occurred_at)
    tx.audit("referral.confirm", "referral", made.f["id"], after.version)
    settle_need(tx, made.f, occurred_at=finished.occurred_at)


def _reference() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"R-{letters[:4]}-{letters[4:]}"


# ---------------------------------------------------------------------------------------------- how they are moved


def _source(
    record: Record, call: Call, referral_id: UUID, verb: Verb, act: Callable[[Tx, LockedReferral], None]
) -> Answer[shapes.Referral]:
    def see(tx: Tx) -> LockedReferral:
        return lock_referral(tx, referral_id)

    def decide(tx: Tx, locked: LockedReferral) -> shapes.Referral:
        mine = sides_of(tx, locked.f["source_organization_id"], locked.f["target_organization_id"], False)
        if Side.SOURCE not in mine:
            raise Forbidden(f"'{verb.value}' is the referral source's move, made by its caseworkers.")
        act(tx, locked)
        tx.audit(f"referral.{verb.value}", "referral", referral_id, locked.referral.version)
        return referral_view(tx, locked.f, [offer.t for offer in locked.tasks])

    return perform(
        record,
        call,
        see,
        decide,
        shapes.Referral,
        fill=_fill,
        stores=_stores,
        version=lambda locked: locked.referral.version,
    )


def _settle(
    tx: Tx,
    _locked: LockedReferral,
    offer: Locked,
    verb: TaskVerb,
    details: Details,
    reverses: list[str] | None = None,
) -> None:
    """End one task of a referral that is ending itself: the referral does not follow the task, it leads."""
    at: Moment = moment(tx, offer.t)
    if verb is not TaskVerb.VOID:
        note_overdue(tx, offer, at)
    after, what = move(offer.task, verb, at, details)
    settle_move(tx, offer, after, what, at, leads=False, reverses=reverses)
    tx.audit(f"task.{verb.value}", "task", offer.t["id"], after.version)


def _say_event(
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
    current = locked.current
    what = Happened(rules.EVENT_OF[verb], None, None, reason, facts=facts)
    absent = current is not None and current.t["on_behalf"]
    about = about_referral(locked.f) | {"on_behalf_of": locked.f["target_organization_id"] if absent else None}
    happened(tx, about, what, version=after.version, occurred_at=occurred_at, reverses=reverses or [])


def _consent_for(tx: Tx, locked: LockedReferral, offered: Offered, consent_id: UUID | None) -> UUID | None:
    """A consent names its recipients: the old one serves the new target only if it names it too."""
    if consent_id is not None:
        require_consent(tx, consent_id, (locked.f["client_id"], locked.f["household_id"]), offered.organization_id)
        return consent_id
    old = locked.f["consent_id"]
    if old is None:
        return None
    holds = tx.connection.execute(_HOLDS, {"consent": old, "recipient": offered.organization_id}).scalar_one()
    return UUID(str(old)) if holds else None


def _view(tx: Tx, referral_id: UUID) -> shapes.Referral:
    row = tx.row(_GET, id=referral_id)
    if row is None:
        raise NotVisible
    return referral_view(tx, row._mapping, [task._mapping for task in tx.rows(_TASKS, id=referral_id)])


def _stores(body: shapes.Referral) -> dict[str, Any]:
    """No client, neither the referral's nor a task's."""
    return body.model_dump(mode="json", exclude={"client_id": True, "tasks": {"__all__": {"client_id"}}})


def _fill(tx: Tx, _seen: object, body: dict[str, Any]) -> dict[str, Any]:
    """Client fields are read again, under what the caller may see now."""
    fresh = _view(tx, UUID(body["id"]))
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
_HOUSEHOLD = text("select 1 from household where id = :id")
_NEED = text("select client_id, household_id, term from need where id = :id and organization_id = :me")
_ABOUT_CLIENT = text(
    "select c.id, c.person_id, (select r.county from client_residence r where r.client_id = c.id and r.ends_on is null"
    " order by r.starts_on desc limit 1) as county from client c where c.id = :id"
)
_HOLDS = text("select app.consent_holds(:consent, :recipient)")
