"""Offering a referral to a service: the task is born in the caller's transaction,
so an inbox never waits (decision 2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.clock import Clock
from domain.moves import Happened, born
from domain.taxonomy import akin
from services import stages
from services.happenings import about_task, happened
from services.journal import new_id
from services.refusals import Unprocessable
from services.rows import SERVICE, Locked, moment, referral_of
from services.transaction import Work
from storage import tables


@dataclass(frozen=True, slots=True)
class Offered:
    """Who can be asked: a service, with what the offer needs to know of it, or an organization for a plan's step."""

    service_id: UUID | None
    organization_id: UUID
    name: str
    term: str | None
    sensitive: bool
    connected: bool
    confidential: bool
    row: Mapping[str, Any]

    @property
    def full(self) -> bool:
        """It said that it takes nobody, or has no place left, and that still holds. Who said nothing can be asked."""
        return self.row.get("room_taking") is False or self.row.get("room_left") == 0


def find_service(tx: Work, service_id: UUID, pointer: str = "/service_id") -> Offered:
    """Raises Unprocessable for a service that is not in the directory, takes no requests or is no partner's today."""
    row = tx.row(_SERVICE, id=service_id, collaborative=tx.agenda.collaborative_id)
    if row is None:
        raise Unprocessable("No service with that id in the directory; GET /v1/services lists them.", pointer=pointer)
    if row.status != "active":
        raise Unprocessable("That service takes no requests now. Choose another one.", pointer=pointer)
    _require_partner(row.roles, pointer)
    return Offered(
        row.id,
        row.organization_id,
        row.s_name,
        row.term,
        row.sensitive,
        row.mode == "connected",
        row.confidential,
        row._mapping,
    )


def require_same_need(offered: Offered, term: str | None, pointer: str = "/service_id") -> None:
    """A service answers a need of its own term, or of one above or below it: else it would close what it did not serve.

    A step without a need (None) may go to any. Raises Unprocessable.
    """
    if term is not None and (offered.term is None or not akin(offered.term, term)):
        raise Unprocessable(
            f"That service answers another need ({offered.term}; this one is {term}). Make a new referral for that"
            f" need, or choose a service of this one: GET /v1/services?taxonomy={term}.",
            pointer=pointer,
        )


def find_organization(tx: Work, organization_id: UUID) -> Offered:
    """Asked as a whole, by the region's hours and limits. Raises Unprocessable for one that is no partner today."""
    row = tx.row(_ORGANIZATION, id=organization_id, collaborative=tx.agenda.collaborative_id)
    if row is None:
        raise Unprocessable(
            "No organization with that id in the directory; GET /v1/organizations lists them.",
            pointer="/organization_id",
        )
    _require_partner(row.roles, "/organization_id")
    return Offered(None, row.id, row.name, None, False, row.mode == "connected", row.confidential, _NO_SERVICE)


def _require_partner(roles: Sequence[str], pointer: str) -> None:
    """Whoever is only phoned is a partner, too, if without a login (decision 24); nobody at the backbone could answer.
    Raises Unprocessable.
    """
    if not roles:
        raise Unprocessable(
            "That organization is no partner today. Choose one that is: GET /v1/organizations lists them,"
            " GET /v1/services what they offer.",
            pointer=pointer,
        )
    if "backbone" in roles:
        raise Unprocessable(
            "That organization is the backbone, which does no casework. Choose a partner, or a service of one.",
            pointer=pointer,
        )


def new_offer(
    tx: Work, f: dict[str, Any], offered: Offered, asked_at: datetime | None = None, beside: int = 0
) -> Locked:
    """A new task of the referral's running round; not written yet. `asked_at`: when it was requested, as told; None:
    now. `beside`: how many were asked at the same time before it."""
    task_id = new_id()
    t: dict[str, Any] = {column.name: None for column in tables.task.c} | {
        "id": task_id,
        "collaborative_id": f["collaborative_id"],
        "kind": "step" if f["kind"] == "step" else "offer",
        "title": f["step"]["title"] if f["step"] else f"Answer the request: {offered.name}",
        "owner_id": f["id"],
        "referral_id": f["id"],
        "action_plan_id": f["action_plan_id"],
        "step_key": f["step_key"] or "offer",
        "step": f["step"],
        "round": f["round"] + beside,
        "organization_id": offered.organization_id,
        "source_organization_id": f["source_organization_id"],
        "service_id": offered.service_id,
        "restricted": f["restricted"],
        "on_behalf": not offered.connected and offered.organization_id != f["source_organization_id"],
        "priority": f["priority"],
        "outputs": {},
        "updated_at": tx.now,
    }
    t |= {name: offered.row[name] for name in offered.row if name.startswith("s_")}
    at = moment(tx, t, asked_at)
    task = replace(born(str(task_id), at), alongside=offered.organization_id in f["asked"])
    t |= {
        "state": task.state.value,
        "version": 1,
        "clock": Clock.ACKNOWLEDGE.value,
        "clock_started_at": task.clock_started_at,
        "due_at": task.due_at,
        "hard_at": task.hard_at,
        "rung": 0,
        "attempts": [],
        "missed": {},
        "requested_at": task.requested_at,
        "created_at": tx.now,
        "ball_organization_id": f["source_organization_id"] if t["on_behalf"] else offered.organization_id,
    }
    return Locked(task, referral_of(f), t, f)


def new_offers(tx: Work, f: dict[str, Any], asked: Sequence[Offered], asked_at: datetime | None = None) -> list[Locked]:
    """One each, beginning with the referral's running round; not written yet."""
    return [new_offer(tx, f, one, asked_at, beside) for beside, one in enumerate(asked)]


def insert_offer(tx: Work, offer: Locked, facts: Mapping[str, Any] | None = None) -> None:
    """In the caller's transaction, after its referral. `facts` say how it was asked."""
    tx.connection.execute(tables.task.insert(), {k: v for k, v in offer.t.items() if not k.startswith("s_")})
    asked = Happened("task_requested", None, offer.task.state)
    said = dict(facts or {}) | stages.offered(tx, offer.t, offer.f)
    happened(tx, about_task(offer.t, offer.f), asked, version=1, occurred_at=offer.task.asked_at, facts=said)


def first_look(*offers: Locked) -> datetime:
    """When the engine must look at new offers, if nobody moves them."""
    times = (when for offer in offers for when in (offer.task.due_at, offer.task.hard_at))
    return min(when for when in times if when is not None)


_NO_SERVICE: Mapping[str, Any] = dict.fromkeys(part.split()[-1] for part in SERVICE.split(", "))
_ROLES = """
array(select p.role from app.partners() p
       where p.organization_id = o.id and p.collaborative_id = :collaborative) as roles
"""
_ORGANIZATION = text(f"select o.id, o.name, o.mode, o.confidential, {_ROLES} from organization o where o.id = :id")
_SERVICE = text(
    f"""
select s.id, s.organization_id, s.status, s.term, o.mode, o.confidential, {_ROLES},
       x.sensitive, room.taking as room_taking, room."left" as room_left,
       {SERVICE}
  from service s join organization o on o.id = s.organization_id join taxonomy_term x on x.code = s.term
  left join lateral app.room(s.id) room on true
 where s.id = :id
"""
)
