"""What was decided because of a figure: who does it and by when (decision 34).

The backbone records what was agreed for all, a partner what it decides for itself.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services import measure_shapes
from services.journal import new_id
from services.refusals import Conflict, Forbidden, NotVisible, Unprocessable
from services.stories import RELEASES, TELLS, authored, only_id, require_indicator, require_role
from services.transaction import Answer, Call, Record, Tx, perform, read
from storage import tables

After = tuple[Any, ...] | None


def make_decision(
    record: Record, call: Call, code: str, words: str, owner_organization_id: UUID, due_on: date
) -> Answer[measure_shapes.Decision]:
    def act(tx: Tx, _seen: None) -> measure_shapes.Decision:
        require_role(tx, RELEASES)
        require_indicator(tx, code)
        _check(tx, owner_organization_id, due_on)
        decision_id = new_id()
        row = {
            "id": decision_id,
            "indicator_code": code,
            "body": words,
            "owner_organization_id": owner_organization_id,
            "due_on": due_on,
        }
        tx.connection.execute(tables.decision.insert(), row | authored(tx))
        tx.audit("decision.make", "decision", decision_id, 1)
        return _view(tx, decision_id)

    return perform(
        record, call, lambda _tx: None, act, measure_shapes.Decision, fill=_filled, stores=only_id, status=201
    )


def finish_decision(record: Record, call: Call, decision_id: UUID) -> Answer[measure_shapes.Decision]:
    """It is done, says its owner or the backbone."""

    def act(tx: Tx, before: measure_shapes.Decision) -> measure_shapes.Decision:
        require_role(tx, TELLS)
        if not tx.here.backbone and before.owner_organization_id != tx.here.organization_id:
            raise Forbidden("Its owner says when it is done, or the backbone.")
        if before.done_at is not None:
            raise Conflict("It is done already.", code="done")
        tx.run(_DONE, id=decision_id, at=tx.now, person=tx.here.user_id)
        tx.audit("decision.done", "decision", decision_id, before.version + 1)
        return _view(tx, decision_id)

    return perform(
        record,
        call,
        lambda tx: _view(tx, decision_id, lock=True),
        act,
        measure_shapes.Decision,
        again=lambda tx: _view(tx, decision_id),
        fill=_filled,
        stores=only_id,
        version=lambda before: before.version,
    )


def get_decision(record: Record, call: Call, decision_id: UUID) -> measure_shapes.Decision:
    return read(record, call, lambda tx: _view(tx, decision_id))


def list_decisions(
    record: Record, call: Call, code: str, *, open_only: bool = False, after: After = None, limit: int = 50
) -> list[measure_shapes.Decision]:
    """What is due first, first; `after` is (due_on, id)."""

    def look(tx: Tx) -> list[measure_shapes.Decision]:
        require_indicator(tx, code)
        keyset = {"after_due": after[0] if after else None, "after_id": after[1] if after else None}
        rows = tx.rows(_LIST, code=code, open=open_only, limit=limit, **keyset)
        return [measure_shapes.Decision.model_validate(row) for row in rows]

    return read(record, call, look)


def _check(tx: Tx, owner: UUID, due_on: date) -> None:
    if not tx.here.backbone and owner != tx.here.organization_id:
        raise Forbidden("A partner decides for itself; for others the backbone records what was agreed.")
    if tx.row(_PARTNER, id=owner) is None:
        raise Unprocessable(
            "No partner with that id; GET /v1/organizations lists them.", pointer="/owner_organization_id"
        )
    if due_on < tx.agenda.region().local_date(tx.now):
        raise Unprocessable("A decision is due today or later.", pointer="/due_on")


def _filled(tx: Tx, _seen: object, body: dict[str, Any]) -> dict[str, Any]:
    return _view(tx, UUID(body["id"])).model_dump(mode="json")


def _view(tx: Tx, decision_id: UUID, *, lock: bool = False) -> measure_shapes.Decision:
    row = tx.row(_LOCK, id=decision_id) if lock else None
    row = row or tx.row(_GET, id=decision_id)
    if row is None:
        raise NotVisible
    return measure_shapes.Decision.model_validate(row)


_COLUMNS = (
    "id, indicator_code, organization_id, body as text, owner_organization_id, due_on, done_at, created_at, version"
)
_GET = text(f"select {_COLUMNS} from decision where id = :id")
_LOCK = text(f"select {_COLUMNS} from decision where id = :id for update")
_DONE = text("update decision set done_at = :at, done_by = :person, version = version + 1 where id = :id")
_PARTNER = text("select 1 from partnership where organization_id = :id")
_LIST = text(
    f"""
select {_COLUMNS} from decision
 where collaborative_id = app.collaborative() and indicator_code = :code
   and (not :open or done_at is null)
   and (cast(:after_id as uuid) is null or (due_on, id) > (cast(:after_due as date), :after_id))
 order by due_on, id limit :limit
"""
)
