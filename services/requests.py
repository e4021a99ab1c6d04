"""Making a referral: for whom, for which need, to which service; with its first task, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain import referral as rules
from domain.moves import Details, Happened
from domain.referral import Verb
from domain.task import Outcome
from domain.task import Verb as TaskVerb
from services import shapes
from services.addressees import addressees, organizations, require_needed, require_room
from services.clients import NewClient
from services.consents import require_consent
from services.groups import counted_as
from services.happenings import about_referral, happened
from services.journal import new_id, workflow_of
from services.messages import say
from services.moving import Said, move_task
from services.needs import insert_need, settle_need
from services.offers import Offered, first_look, insert_offer, new_offers
from services.references import reference
from services.referrals import fill_in, kept, require_release, say_event
from services.refusals import Unprocessable
from services.rows import (
    Locked,
    LockedReferral,
    referral_of,
    require_casework,
    save_referral,
)
from services.subjects import subject
from services.transaction import Answer, Call, Record, Tx, perform
from services.views import referral_view
from storage import tables

_FINISHED = {"finished": True}
"""Says of an event that it enters no rate of a clock: nobody was asked to be quick."""


@dataclass(frozen=True, slots=True)
class Finished:
    """Work that is done already, recorded in one call (decision 21)."""

    outcome: Outcome
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A referral to be made: for a known client or a new one; `need_id` names a need that was recorded before.

    `service_ids`: several that are asked at once, instead of one. `anyway`: also where one said that it has no room.
    """

    service_id: UUID | None = None
    service_ids: tuple[UUID, ...] = ()
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
    anyway: bool = False


def create_referral(record: Record, call: Call, request: Request) -> Answer[shapes.Referral]:
    """Makes the referral, its need and its first task, together; the workflow is asked to start by the outbox."""

    def act(tx: Tx, _seen: None) -> shapes.Referral:
        require_casework(tx)
        made = _make(tx, request)
        return referral_view(tx, made.f, [offer.t for offer in made.tasks])

    return perform(record, call, lambda _tx: None, act, shapes.Referral, fill=fill_in, stores=kept, status=201)


def _make(tx: Tx, request: Request) -> LockedReferral:
    _check(tx, request)
    asked = addressees(tx, request.service_id, request.service_ids)
    about = subject(tx, request.client_id, request.client, request.household_id)
    need_id, term = _need(tx, request, about.id, asked)
    f = _row(tx, request, asked, about, need_id, term)
    for one in asked:
        require_release(tx, request.consent_id, one, protected=about.restricted)
    if request.kind == "information":
        return _inform(tx, f, request)
    require_room(f, asked, anyway=request.anyway or request.finished is not None)
    made = LockedReferral(referral_of(f), f, new_offers(tx, f, asked, _asked_at(request)))
    f["look_at"] = first_look(*made.tasks)
    _insert(tx, f, request)
    for offer in made.tasks:
        insert_offer(tx, offer, _FINISHED if request.finished else None)
    if request.finished:
        _finish(tx, made, made.tasks[0], request.finished, request.finished.occurred_at or request.occurred_at)
    tx.journal.look(workflow_of(f))
    return made


def _insert(tx: Tx, f: dict[str, Any], request: Request) -> None:
    tx.connection.execute(tables.referral.insert(), f)
    _say_created(tx, f, request)


def _check(tx: Tx, request: Request) -> None:
    """What contradicts itself is refused, never half obeyed."""
    for pointer, at in _said(request):
        if at > tx.now:
            raise Unprocessable(
                "It cannot have happened in the future. Leave occurred_at out for now.", pointer=pointer
            )
        if tx.agenda.region().local_date(at) < tx.agenda.counts_from:
            raise Unprocessable(
                f"The shared numbers begin on {tx.agenda.counts_from}. Is the year right? Record older work elsewhere.",
                pointer=pointer,
            )
    if [at for _, at in _said(request)] != sorted(at for _, at in _said(request)):
        raise Unprocessable(
            "The work cannot have ended before it was asked for. Correct one of the two occurred_at.",
            pointer="/finished/occurred_at",
        )
    if request.kind == "information" and request.finished:
        raise Unprocessable("Information given is finished by itself. Leave 'finished' out.", pointer="/finished")
    if request.kind == "information" and request.service_ids:
        raise Unprocessable("Information is given of one service at a time.", pointer="/service_ids")


def _said(request: Request) -> list[tuple[str, datetime]]:
    """When it is said to have occurred: the request, then the finished work, each with its pointer."""
    said = [("/occurred_at", request.occurred_at)]
    said += [("/finished/occurred_at", request.finished.occurred_at)] if request.finished else []
    return [(pointer, at) for pointer, at in said if at is not None]


def _asked_at(request: Request) -> datetime | None:
    """Work recorded afterwards was asked for then; None: now."""
    return next((at for _, at in _said(request)), None)


def _need(tx: Tx, request: Request, client_id: UUID | None, asked: list[Offered]) -> tuple[UUID, str]:
    term = asked[0].term
    assert term is not None  # a service has one
    if request.need_id is None:
        require_needed(asked, term)
        need_id = insert_need(tx, term, client_id=client_id, household_id=None if client_id else request.household_id)
        return need_id, term
    row = tx.row(_NEED, id=request.need_id, me=tx.here.organization_id)
    if row is None or (row.client_id, row.household_id) != (client_id, request.household_id):
        raise Unprocessable("No need with that id for this client or household.", pointer="/need_id")
    require_needed(asked, row.term)
    return request.need_id, row.term


def _row(tx: Tx, request: Request, asked: list[Offered], about: Any, need_id: UUID, term: str) -> dict[str, Any]:
    client_id, offered = about.id, asked[0]
    if request.consent_id is not None:
        for one in asked:
            require_consent(tx, request.consent_id, (client_id, request.household_id), one.organization_id)
    counted = counted_as(tx, client_id, request.household_id)
    return {column.name: None for column in tables.referral.c} | {
        "id": new_id(),
        "reference": reference("R"),
        "collaborative_id": tx.here.collaborative_id,
        "source_organization_id": tx.here.organization_id,
        "target_organization_id": offered.organization_id,
        "service_id": offered.service_id,
        "need_id": need_id,
        "client_id": client_id,
        "household_id": None if client_id else request.household_id,
        "person_id": about.person_id,
        "consent_id": request.consent_id,
        "kind": request.kind,
        "origin": request.origin,
        "origin_name": request.origin_name,
        "priority": request.priority,
        "term": term,
        "county": about.county,
        "groups": counted.groups,
        "household_key": counted.household_key,
        "sensitive": any(one.sensitive for one in asked),
        "restricted": offered.confidential or tx.here.confidential or about.restricted,
        "state": rules.State.ACTIVE.value,
        "reported": False,
        "round": 1,
        "rounds": len(asked),
        "asked": organizations(asked),
        "rung": 0,
        "transfer": request.kind == "transfer",
        "assigned_to": tx.here.user_id,
        "created_by": tx.here.user_id,
        "requested_at": _asked_at(request) or tx.now,
        "created_at": tx.now,
        "updated_at": tx.now,
        "version": 1,
    }


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
        occurred_at=_asked_at(request),
    )
    for kind, words in (("reason", request.reason), ("note", request.note)):
        if words:
            say(tx, f, kind, words)
    tx.audit("referral.create", "referral", f["id"], 1)


def _inform(tx: Tx, f: dict[str, Any], request: Request) -> LockedReferral:
    """Handing out a phone number is a referral without clocks: done when it is recorded (decision 20)."""
    made = LockedReferral(referral_of(f), f, [])
    _insert(tx, f, request)
    done = rules.Referral(str(made.f["id"]), rules.State.COMPLETED, 2)
    save_referral(tx, made, done)
    happened(tx, about_referral(made.f), Happened("information_given", None, None), version=2)
    tx.audit("referral.inform", "referral", made.f["id"], 2)
    return made


def _finish(tx: Tx, made: LockedReferral, offer: Locked, finished: Finished, when: datetime | None) -> None:
    if offer.t["organization_id"] != tx.here.organization_id:
        raise Unprocessable("Only your own finished work can be recorded in one call.", pointer="/finished")
    said = Said(when)
    details = Details(outcome=finished.outcome.value)
    more = {"outcome": finished.outcome.value}
    move_task(tx, offer, TaskVerb.ACCEPT, said=said, facts=_FINISHED)
    move_task(tx, offer, TaskVerb.COMPLETE, details, said=said, more=lambda _t, _k: more, facts=_FINISHED)
    after = rules.move(offer.referral, Verb.CONFIRM)
    outcome = finished.outcome.value
    save_referral(tx, made, after, outcome=outcome, outcome_source=outcome)
    say_event(tx, made, after, Verb.CONFIRM, outcome=outcome, confirmed_by=after.confirmed_by, occurred_at=when)
    tx.audit("referral.confirm", "referral", made.f["id"], after.version)
    settle_need(tx, made.f, occurred_at=when)


_NEED = text("select client_id, household_id, term from need where id = :id and organization_id = :me")
