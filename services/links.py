"""Links between records of one person: made and revoked by the organization that has them (decision 17).

Linked records count as one in every distinct count, also for what happened before: the link's own event carries the
difference, in the periods where they had counted. Revoking takes it back. What was published stays as it was.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.moves import Happened
from domain.person import LINKED, REVOKED
from services import client_shapes
from services.counting import correct
from services.happenings import happened
from services.journal import new_id
from services.refusals import Conflict, NotVisible, Unprocessable
from services.rows import require_casework
from services.transaction import Answer, Call, Record, Tx, perform, read


def link_clients(record: Record, call: Call, client_id: UUID, other_id: UUID) -> Answer[client_shapes.ClientLink]:
    """Two records of the caller's organization are of one person. Refused (409) where that is known already."""

    def see(tx: Tx) -> dict[UUID, Any]:
        found = {row.id: row for row in tx.rows(_LOCK_CLIENTS, ids=[str(client_id), str(other_id)])}
        if client_id not in found:
            raise NotVisible
        require_casework(tx)
        return found

    def act(tx: Tx, found: dict[UUID, Any]) -> client_shapes.ClientLink:
        if other_id == client_id:
            raise Unprocessable("A record cannot be linked with itself. Name the other one.", pointer="/client_id")
        if other_id not in found:
            raise Unprocessable("No client with that id in your organization.", pointer="/client_id")
        one, other = found[client_id].person_id, found[other_id].person_id
        known = tx.row(_KNOWN, one=client_id, other=other_id)
        if known is not None or one == other:
            current = {"state": "linked", "link_id": str(known.id) if known else None}
            raise Conflict("These records are of one person already.", current=current)
        link_id = new_id()
        tx.run(_LINK, id=link_id, client=client_id, other=other_id, **_who(tx), restricted=tx.here.confidential)
        _tell(tx, LINKED, link_id, one, other)
        return link_view(tx, client_id, link_id)

    return perform(
        record,
        call,
        see,
        act,
        client_shapes.ClientLink,
        again=lambda tx: _see_client(tx, client_id),
        fill=lambda tx, _seen, body: _stored(tx, client_id, body),
        status=201,
        stores=lambda body: {"id": str(body.id)},
    )


def revoke_link(record: Record, call: Call, client_id: UUID, link_id: UUID) -> Answer[client_shapes.ClientLink]:
    """They count as two again, wherever no other link joins them. `client_id` is either of the two."""

    def see(tx: Tx) -> Any:
        _see_client(tx, client_id)
        row = tx.row(_LOCK_LINK, id=link_id, client=client_id)
        if row is None:
            raise NotVisible
        return row

    def act(tx: Tx, row: Any) -> client_shapes.ClientLink:
        if row.revoked_at is not None:
            raise Conflict("This link was revoked before.", current={"revoked_at": row.revoked_at.isoformat()})
        tx.run(_REVOKE, id=link_id, now=tx.now, user=tx.here.user_id)
        persons = tx.row(_PERSONS, id=link_id)
        assert persons is not None
        _tell(tx, REVOKED, link_id, UUID(persons.facts["one"]), UUID(persons.facts["other"]))
        return link_view(tx, client_id, link_id)

    return perform(
        record,
        call,
        see,
        act,
        client_shapes.ClientLink,
        again=lambda tx: _see_client(tx, client_id),
        fill=lambda tx, _seen, body: _stored(tx, client_id, body),
        stores=lambda body: {"id": str(body.id)},
    )


def list_links(record: Record, call: Call, client_id: UUID) -> list[client_shapes.ClientLink]:
    """All links of a client, revoked ones included, oldest first."""

    def look(tx: Tx) -> list[client_shapes.ClientLink]:
        _see_client(tx, client_id)
        return [client_shapes.ClientLink.model_validate(row) for row in tx.rows(_LINKS, client=client_id, id=None)]

    return read(record, call, look)


def get_link(record: Record, call: Call, client_id: UUID, link_id: UUID) -> client_shapes.ClientLink:
    def look(tx: Tx) -> client_shapes.ClientLink:
        _see_client(tx, client_id)
        return link_view(tx, client_id, link_id)

    return read(record, call, look)


def link_view(tx: Tx, client_id: UUID, link_id: UUID) -> client_shapes.ClientLink:
    """As seen from that client. In the caller's transaction."""
    row = tx.row(_LINKS, client=client_id, id=link_id)
    if row is None:
        raise NotVisible
    return client_shapes.ClientLink.model_validate(row)


def _tell(tx: Tx, kind: str, link_id: UUID, one: UUID, other: UUID) -> None:
    """The event, and how many fewer or more count because of it, grain by grain."""
    me, confidential = tx.here.organization_id, tx.here.confidential
    about = dict.fromkeys(("task_id", "referral_id", "action_plan_id", "need_id", "person_id")) | {
        "collaborative_id": tx.here.collaborative_id,
        "organization_id": me,
        "source_organization_id": me,
        "restricted": confidential,
        "dimensions": {},
        "facts": {"link": str(link_id), "one": str(one), "other": str(other)},
    }
    version = 1 if kind == LINKED else 2
    happened(tx, about, Happened(kind, None, None), version=version)
    correct(tx, tx.journal.events[-1], tx.rows(_RELINK, id=link_id))
    tx.audit("client_link.create" if kind == LINKED else "client_link.revoke", "client_link", link_id, version)


def _see_client(tx: Tx, client_id: UUID) -> None:
    if tx.row(_CLIENT, id=client_id) is None:
        raise NotVisible
    require_casework(tx)


def _stored(tx: Tx, client_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    return link_view(tx, client_id, UUID(body["id"])).model_dump(mode="json")


def _who(tx: Tx) -> dict[str, Any]:
    here = tx.here
    return {"me": here.organization_id, "collaborative": here.collaborative_id, "user": here.user_id, "now": tx.now}


_CLIENT = text("select 1 from client where id = :id")
# Locked in one order: of two who link the same pair, the second finds the link of the first.
_LOCK_CLIENTS = text(
    "select id, person_id from client where id = any(cast(:ids as uuid[])) order by id for no key update"
)
_KNOWN = text(
    """
select id from client_link
 where revoked_at is null
   and ((client_id, other_client_id) = (:one, :other) or (other_client_id, client_id) = (:one, :other))
"""
)
_LINK = text(
    """
insert into client_link
    (id, organization_id, collaborative_id, client_id, other_client_id, restricted, made_by, made_at)
values (:id, :me, :collaborative, :client, :other, :restricted, :user, :now)
"""
)
_LOCK_LINK = text(
    "select id, revoked_at from client_link where id = :id and :client in (client_id, other_client_id) for update"
)
_REVOKE = text("update client_link set revoked_at = :now, revoked_by = :user where id = :id")
_PERSONS = text(
    "select facts from event where kind = 'clients_linked' and facts ->> 'link' = cast(:id as text) limit 1"
)
_RELINK = text("select * from app.relink(:id)")
# The other record may be a copy whose consent has ended: then nothing is said of it, and the link can still be revoked.
_LINKS = text(
    """
select k.id, cast(:client as uuid) as client_id, c.id as other_client_id, k.made_at, k.made_by, k.revoked_at,
       k.revoked_by
  from client_link k
  left join client c on c.id = case when k.client_id = :client then k.other_client_id else k.client_id end
 where :client in (k.client_id, k.other_client_id) and (cast(:id as uuid) is null or k.id = :id)
 order by k.id
"""
)
