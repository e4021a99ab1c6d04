"""Needs: what a client or household lacks, by taxonomy term, each with its own outcome (decision 16)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.moves import Happened
from services import client_shapes
from services.happenings import about_referral, happened
from services.journal import new_id
from services.outcomes import settle_outcome
from services.refusals import NotVisible, Unprocessable
from services.rows import require_casework
from services.transaction import Answer, Call, Record, Tx, Work, perform, read
from storage import tables


def create_need(
    record: Record, call: Call, term: str, client_id: UUID | None = None, household_id: UUID | None = None
) -> Answer[client_shapes.Need]:
    """Of one client or one household. A need may exist without any service."""

    def see(tx: Tx) -> None:
        _require_one(client_id, household_id)
        if client_id is not None and tx.row(_CLIENT, id=client_id) is None:
            raise Unprocessable("No client with that id in your organization.", pointer="/client_id")
        if household_id is not None and tx.row(_HOUSEHOLD, id=household_id) is None:
            raise Unprocessable("No household with that id in your organization.", pointer="/household_id")

    def act(tx: Tx, _seen: None) -> client_shapes.Need:
        if tx.row(_TERM, code=term) is None:
            raise Unprocessable("That term is not in the taxonomy; GET /v1/taxonomy-terms lists it.", pointer="/term")
        require_casework(tx)
        need_id = insert_need(tx, term, client_id=client_id, household_id=household_id)
        tx.audit("need.create", "need", need_id, 1)
        return _view(tx, need_id)

    def fill(_tx: Tx, _seen: None, body: dict[str, Any]) -> dict[str, Any]:
        return body | {"client_id": client_id, "household_id": household_id}

    return perform(record, call, see, act, client_shapes.Need, fill=fill, status=201)


def get_need(record: Record, call: Call, need_id: UUID) -> client_shapes.Need:
    return read(record, call, lambda tx: _view(tx, need_id))


def list_needs(
    record: Record, call: Call, client_id: UUID | None = None, household_id: UUID | None = None
) -> list[client_shapes.Need]:
    """All needs of one client or household of the caller's organization, oldest first."""

    def look(tx: Tx) -> list[client_shapes.Need]:
        _require_one(client_id, household_id)
        known = tx.row(_CLIENT, id=client_id) if client_id else tx.row(_HOUSEHOLD, id=household_id)
        if known is None:
            raise NotVisible
        rows = tx.rows(_LIST, client=client_id, household=household_id)
        return [client_shapes.Need.model_validate(row) for row in rows]

    return read(record, call, look)


def _require_one(client_id: UUID | None, household_id: UUID | None) -> None:
    if (client_id is None) == (household_id is None):
        raise Unprocessable("Name one: client_id or household_id.", pointer="/client_id")


def insert_need(tx: Tx, term: str, *, client_id: UUID | None = None, household_id: UUID | None = None) -> UUID:
    """In the caller's transaction; `term` is one of the taxonomy."""
    need_id = new_id()
    tx.connection.execute(
        tables.need.insert(),
        {
            "id": need_id,
            "collaborative_id": tx.here.collaborative_id,
            "organization_id": tx.here.organization_id,
            "client_id": client_id,
            "household_id": household_id,
            "term": term,
            "created_at": tx.now,
        },
    )
    return need_id


def settle_need(
    work: Work,
    f: Mapping[str, Any],
    task: Mapping[str, Any] | None = None,
    occurred_at: datetime | None = None,
) -> None:
    """Bring the need to what its referrals say of it now, and what this one came to. In the caller's transaction, after
    their words were written.

    A need counts once for the region, when it occurred; who only confirms what was said before does not move it to
    another period. A change takes back what the last outcome had counted.
    """
    if f["need_id"]:
        settle(work, f["need_id"], about_referral(f) | {"task_id": task["id"] if task else None}, occurred_at)
        settle_outcome(work, f, occurred_at)


def settle(work: Work, need_id: UUID, about: Mapping[str, Any], occurred_at: datetime | None = None) -> None:
    """The same for a need whoever speaks of it: `about` is what the event says of them. In the caller's transaction."""
    need = work.row(_LOCK, id=need_id)
    if need is None or (need.outcome, need.outcome_by) == (need.said, need.by):
        return
    before = need.event or _unwritten(work, need.outcome_event_id)
    if before and need.outcome == need.said:
        occurred_at = _instant(before["occurred_at"])
    event_id = new_id()
    work.run(_UPDATE, id=need_id, outcome=need.said, by=need.by, event=event_id)
    happened(
        work,
        {**about, "need_id": need_id, "dimensions": {**about["dimensions"], "term": need.term}},
        Happened("need_outcome", None, None, facts={"outcome": need.said, "by": need.by}),
        version=need.version + 1,
        occurred_at=occurred_at,
        reversed_events=[before] if before else [],
        id=event_id,
    )


def _instant(value: datetime | str) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _unwritten(work: Work, event_id: Any) -> Mapping[str, Any] | None:
    """An outcome of this very transaction, which is not in the record yet."""
    return next((event for event in work.journal.events if event["id"] == event_id), None)


def _view(tx: Tx, need_id: UUID) -> client_shapes.Need:
    row = tx.row(_GET, id=need_id, me=tx.here.organization_id)
    if row is None:
        raise NotVisible
    return client_shapes.Need.model_validate(row)


_COLUMNS = "id, organization_id, client_id, household_id, term, outcome, outcome_by, created_at, version"
_GET = text(f"select {_COLUMNS} from need where id = :id and organization_id = :me")
_LIST = text(f"select {_COLUMNS} from need where client_id = :client or household_id = :household order by id")
_LOCK = text(
    """
with n as materialized (
    select id, term, outcome, outcome_by, outcome_event_id, version from need where id = :id for update)
select n.term, n.outcome, n.outcome_by, n.outcome_event_id, n.version, s.outcome as said, s.by, s.event
  from n cross join lateral app.need_state(n.id) s
"""
)
_UPDATE = text(
    "update need set outcome = :outcome, outcome_by = :by, outcome_event_id = :event, version = version + 1 where"
    " id = :id"
)
_CLIENT = text("select 1 from client where id = :id")
_HOUSEHOLD = text("select 1 from household where id = :id")
_TERM = text("select 1 from taxonomy_term where code = :code")
