"""Needs: what a client or household lacks, by taxonomy term, each with its own outcome (decision 16)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.moves import Happened
from services import shapes
from services.happenings import about_referral, happened
from services.journal import new_id
from services.refusals import NotVisible, Unprocessable
from services.transaction import Answer, Call, Record, Tx, Work, perform, read
from storage import tables

_RANK = {"task": 0, "source": 1, "client": 2}
"""Whose word counts where they differ: the client's, then the source's, then the task's (decision 28)."""


def create_need(record: Record, call: Call, client_id: UUID, term: str) -> Answer[shapes.Need]:
    """A need may exist without any service."""

    def see(tx: Tx) -> None:
        if tx.row(_CLIENT, id=client_id) is None:
            raise Unprocessable("No client with that id in your organization.", pointer="/client_id")

    def act(tx: Tx, seen: None) -> shapes.Need:
        need_id = insert_need(tx, term, client_id=client_id)
        tx.audit("need.create", "need", need_id, 1)
        return _view(tx, need_id)

    def fill(tx: Tx, seen: None, body: dict[str, Any]) -> dict[str, Any]:
        return body | {"client_id": client_id}

    return perform(record, call, see, act, shapes.Need, fill=fill, status=201)


def get_need(record: Record, call: Call, need_id: UUID) -> shapes.Need:
    return read(record, call, lambda tx: _view(tx, need_id))


def list_needs(record: Record, call: Call, client_id: UUID) -> list[shapes.Need]:
    """All needs of one client of the caller's organization, oldest first."""

    def look(tx: Tx) -> list[shapes.Need]:
        if tx.row(_CLIENT, id=client_id) is None:
            raise NotVisible
        return [shapes.Need.model_validate(row) for row in tx.rows(_LIST, id=client_id)]

    return read(record, call, look)


def insert_need(tx: Tx, term: str, *, client_id: UUID | None = None, household_id: UUID | None = None) -> UUID:
    """In the caller's transaction."""
    if tx.row(_TERM, code=term) is None:
        raise Unprocessable("That term is not in the taxonomy; GET /v1/taxonomy-terms lists it.", pointer="/term")
    need_id = new_id()
    tx.connection.execute(
        tables.need.insert().values(
            id=need_id,
            collaborative_id=tx.here.collaborative_id,
            organization_id=tx.here.organization_id,
            client_id=client_id,
            household_id=household_id,
            term=term,
            created_at=tx.now,
        )
    )
    return need_id


def record_outcome(
    work: Work,
    f: Mapping[str, Any],
    outcome: str,
    by: str,
    task: Mapping[str, Any] | None = None,
    occurred_at: datetime | None = None,
) -> None:
    """What came of the need, by whom; a word of lower rank does not overrule a higher one. In the caller's transaction.

    It counts when it occurred; who only confirms what was said before does not move it to another period.
    """
    need = _lock(work, f)
    if need is None or (need.outcome_by and _RANK[need.outcome_by] > _RANK[by]):
        return
    if need.outcome == outcome and need.outcome_by == by:
        return
    occurred = need.since if need.outcome == outcome and need.since else occurred_at
    _set(work, f, need, outcome, by, task, occurred)


def take_back_outcome(work: Work, f: Mapping[str, Any], task: Mapping[str, Any] | None = None) -> None:
    """The work behind the outcome was entered in error: what other referrals say of the need counts, else it is open again.

    In the caller's transaction, after the referral's own words were cleared.
    """
    need = _lock(work, f)
    left = work.row(_WORDS, id=f["need_id"])
    outcome, by = (left.outcome, left.by) if left else (None, None)
    if need is not None and (need.outcome, need.outcome_by) != (outcome, by):
        _set(work, f, need, outcome, by, task)


def _set(
    work: Work,
    f: Mapping[str, Any],
    need: Any,
    outcome: str | None,
    by: str | None,
    task: Mapping[str, Any] | None,
    occurred_at: datetime | None = None,
) -> None:
    """Counts once for the region, credited to nobody's single scorecard (decision 31)."""
    event_id = new_id()
    work.run(_UPDATE, id=f["need_id"], outcome=outcome, by=by, event=event_id)
    happened(
        work,
        about_referral(f) | {"task_id": task["id"] if task else None},
        Happened("need_outcome", None, None, facts={"outcome": outcome, "by": by}),
        version=need.version + 1,
        occurred_at=occurred_at,
        reverses=[str(need.outcome_event_id)] if need.outcome_event_id else [],
        id=event_id,
    )


def _lock(work: Work, f: Mapping[str, Any]) -> Any | None:
    return work.row(_LOCK, id=f["need_id"])


def _view(tx: Tx, need_id: UUID) -> shapes.Need:
    row = tx.row(_GET, id=need_id, me=tx.here.organization_id)
    if row is None:
        raise NotVisible
    return shapes.Need.model_validate(row)


_COLUMNS = "id, organization_id, client_id, household_id, term, outcome, outcome_by, created_at, version"
_GET = text(f"select {_COLUMNS} from need where id = :id and organization_id = :me")
_LIST = text(f"select {_COLUMNS} from need where client_id = :id order by id")
_LOCK = text(
    "select outcome, outcome_by, outcome_event_id, version,"
    " (select e.occurred_at from event e where e.id = need.outcome_event_id) as since from need where id = :id for update"
)
_WORDS = text(
    """
select w.outcome, w.by
  from referral r cross join lateral (values ('task', r.outcome_task, 0), ('source', r.outcome_source, 1),
                                             ('client', r.outcome_client, 2)) w(by, outcome, rank)
 where r.need_id = :id and r.state <> 'entered_in_error' and w.outcome is not null
 order by w.rank desc, r.updated_at desc limit 1
"""
)
_UPDATE = text(
    "update need set outcome = :outcome, outcome_by = :by, outcome_event_id = :event, version = version + 1 where id = :id"
)
_CLIENT = text("select 1 from client where id = :id")
_TERM = text("select 1 from taxonomy_term where code = :code")
