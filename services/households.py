"""Households: the people of one family with their roles, dated. Like clients, they belong to one organization."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services import client_shapes
from services.journal import new_id
from services.refusals import NotVisible, Unprocessable
from services.rows import require_casework
from services.transaction import Answer, Call, Record, Tx, perform, read
from storage import tables


@dataclass(frozen=True, slots=True)
class Member:
    """`role` head, partner, child, grandparent or other; a member without `starts_on` belongs from today."""

    client_id: UUID
    role: str
    starts_on: date | None = None


def create_household(
    record: Record, call: Call, name: str | None, members: tuple[Member, ...]
) -> Answer[client_shapes.Household]:
    """Members are clients of the caller's organization, each named once."""

    def act(tx: Tx, _: None) -> client_shapes.Household:
        require_casework(tx)
        ids = [str(member.client_id) for member in members]
        if len(set(ids)) != len(ids):
            raise Unprocessable("Name each member once.", pointer="/members")
        if sum(member.role == "head" for member in members) > 1:
            raise Unprocessable("A household has one head. Give the others another role.", pointer="/members")
        today = tx.agenda.region().local_date(tx.now)
        for nth, member in enumerate(members):
            if member.starts_on is not None and member.starts_on > today:
                raise Unprocessable(
                    "Nobody belongs to a household from a day to come.", pointer=f"/members/{nth}/starts_on"
                )
        if len(tx.rows(_CLIENTS, ids=ids)) != len(ids):
            raise Unprocessable("Each member must be a client of your organization.", pointer="/members")
        household_id = _insert(tx, name, members)
        tx.audit("household.create", "household", household_id, 1)
        return household_view(tx, household_id)

    def fill(tx: Tx, _: None, body: dict[str, Any]) -> dict[str, Any]:
        return household_view(tx, UUID(body["id"])).model_dump(mode="json")

    return perform(
        record,
        call,
        lambda _tx: None,
        act,
        client_shapes.Household,
        fill=fill,
        status=201,
        stores=lambda body: {"id": str(body.id)},
    )


def get_household(record: Record, call: Call, household_id: UUID) -> client_shapes.Household:
    return read(record, call, lambda tx: household_view(tx, household_id))


def household_view(tx: Tx, household_id: UUID) -> client_shapes.Household:
    """In the caller's transaction; current members only. Raises NotVisible."""
    row = tx.row(_GET, id=household_id)
    if row is None:
        raise NotVisible
    require_casework(tx)
    return client_shapes.Household.model_validate(row)


def _insert(tx: Tx, name: str | None, members: tuple[Member, ...]) -> UUID:
    household_id, me = new_id(), tx.here.organization_id
    today = tx.agenda.region().local_date(tx.now)
    tx.connection.execute(
        tables.household.insert().values(id=household_id, organization_id=me, name=name, created_at=tx.now)
    )
    rows = [
        {
            "household_id": household_id,
            "client_id": member.client_id,
            "organization_id": me,
            "role": member.role,
            "starts_on": member.starts_on or today,
        }
        for member in members
    ]
    tx.connection.execute(tables.household_member.insert(), rows)
    return household_id


_CLIENTS = text("select id from client where id = any(cast(:ids as uuid[])) and consent_id is null")
_GET = text(
    """
select h.id, h.organization_id, h.name, h.created_at, h.version,
       (select coalesce(jsonb_agg(jsonb_build_object('client_id', m.client_id, 'role', m.role, 'starts_on', m.starts_on)
                                  order by m.starts_on, m.client_id), '[]')
          from household_member m where m.household_id = h.id and m.ends_on is null) as members
  from household h where h.id = :id
"""
)
