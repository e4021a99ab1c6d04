"""What a service says it has room for: stated by its own people, for as long as they say, and never edited (ADR 17)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services import directory_shapes
from services.journal import new_id
from services.refusals import Forbidden, NotVisible, Unprocessable
from services.transaction import Answer, Call, Record, Tx, perform, read

FURTHEST_DAYS = 92
"""How far ahead somebody can say what there will be room for: a quarter."""
_STATING_ROLES = frozenset({"caseworker", "supervisor"})


def state_capacity(
    record: Record, call: Call, service_id: UUID, open_slots: int | None, taking: bool, lapses_on: date
) -> Answer[directory_shapes.ServiceCapacity]:
    """Holds until the end of `lapses_on`. `open_slots` None: not counted. Every yes from now on takes one of them."""

    def act(tx: Tx, service: Any) -> directory_shapes.ServiceCapacity:
        _require_own(tx, service)
        _require_day(tx, lapses_on)
        stated = {
            "id": new_id(),
            "service": service_id,
            "organization": service.organization_id,
            "slots": open_slots,
            "taking": taking,
            "now": tx.now,
            "lapses": lapses_on,
            "user": tx.here.user_id,
        }
        tx.run(_STATE, **stated)
        tx.run(_HOLDS, **stated)
        tx.audit("capacity.state", "capacity_statement", stated["id"], 1)
        return _view(tx, service_id)

    return perform(record, call, lambda tx: _see(tx, service_id), act, directory_shapes.ServiceCapacity, status=201)


def get_capacity(record: Record, call: Call, service_id: UUID) -> directory_shapes.ServiceCapacity:
    """What holds now, for everybody; the statements before it for its own people only."""

    def look(tx: Tx) -> directory_shapes.ServiceCapacity:
        _see(tx, service_id)
        return _view(tx, service_id)

    return read(record, call, look)


def _see(tx: Tx, service_id: UUID) -> Any:
    service = tx.row(_SERVICE, id=service_id)
    if service is None:
        raise NotVisible
    return service


def _require_own(tx: Tx, service: Any) -> None:
    mine = service.organization_id == tx.here.organization_id and service.mode == "connected"
    if not mine or not tx.here.roles & _STATING_ROLES:
        raise Forbidden("Only the service's own caseworkers and supervisors say what it has room for.")


def _require_day(tx: Tx, lapses_on: date) -> None:
    today = tx.agenda.region().local_date(tx.now)
    if not today <= lapses_on <= today + timedelta(days=FURTHEST_DAYS):
        raise Unprocessable(
            f"Say until which day it holds: today or later, {FURTHEST_DAYS} days ahead at most.", pointer="/lapses_on"
        )


def _view(tx: Tx, service_id: UUID) -> directory_shapes.ServiceCapacity:
    now = tx.row(_NOW, id=service_id)
    stated = [directory_shapes.CapacityStatement.model_validate(row) for row in tx.rows(_STATEMENTS, id=service_id)]
    capacity = directory_shapes.Capacity.model_validate(now) if now else None
    return directory_shapes.ServiceCapacity(service_id=service_id, capacity=capacity, statements=stated)


_SERVICE = text(
    "select s.id, s.organization_id, o.mode from service s join organization o on o.id = s.organization_id"
    " where s.id = :id"
)
_STATE = text(
    "insert into capacity_statement"
    " (id, service_id, organization_id, open_slots, taking, stated_at, lapses_on, stated_by)"
    " values (:id, :service, :organization, :slots, :taking, :now, :lapses, :user)"
)
_HOLDS = text(
    """
insert into service_capacity (service_id, open_slots, taking, stated_at, lapses_on)
values (:service, :slots, :taking, :now, :lapses)
on conflict (service_id) do update set open_slots = excluded.open_slots, taking = excluded.taking,
    stated_at = excluded.stated_at, lapses_on = excluded.lapses_on
 where service_capacity.stated_at <= excluded.stated_at
"""
)
_NOW = text('select open_slots, "left", taking, stated_at, lapses_on from app.room(:id)')
_STATEMENTS = text(
    "select open_slots, taking, stated_at, lapses_on, stated_by from capacity_statement where service_id = :id"
    " order by stated_at desc, id desc limit 100"
)
