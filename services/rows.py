"""Rows of tasks and referrals: locked in the one order (the referral first, then its tasks by id),
read and written back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import TextualSelect, bindparam, column, text

from domain.clock import Clock, Moment
from domain.reason import PLACED_ELSEWHERE
from domain.referral import ConfirmedBy, Referral
from domain.referral import State as ReferralState
from domain.task import ENDED, Side, State, Task
from services.refusals import Conflict, Forbidden, NotVisible, Refusal
from services.transaction import Tx, Work
from storage import tables

ACTING_ROLES = frozenset({"caseworker", "supervisor", "agency_admin", "service"})
NOBODY_THERE = "Nobody of that id works in the organization today; GET /v1/people."


@dataclass(slots=True)
class Locked:
    """A task and its referral under their locks: the rules' values and the rows behind them."""

    task: Task
    referral: Referral
    t: dict[str, Any]
    f: dict[str, Any]


@dataclass(slots=True)
class LockedReferral:
    """A referral and all its tasks under their locks, oldest task first."""

    referral: Referral
    f: dict[str, Any]
    tasks: list[Locked]

    @property
    def current(self) -> Locked | None:
        """The task of the running round; None for information given."""
        return next((k for k in self.tasks if k.t["round"] == self.f["round"]), None)


def lock_task(tx: Tx, task_id: UUID) -> Locked:
    """Raises NotVisible; Forbidden where the caller sees it but takes no part in it, Conflict where it is their own and
    the referral went on without them.
    """
    row = tx.row(_LOCK_TASK, id=task_id)
    if row is None:
        raise _not_to_move(tx, tx.row(_SEE_TASK, id=task_id))
    tx.now = row.locked_at
    return locked_of(row._mapping)


def _not_to_move(tx: Tx, seen: Any | None) -> Refusal:
    if seen is None:
        return NotVisible()
    if seen.organization_id != tx.organization_id or seen.state not in ENDED or not does_casework(tx):
        return Forbidden("Only the organizations that work on it may move it. You may read it.")
    placed = seen.reason == PLACED_ELSEWHERE
    why = (
        "Another provider that was asked at the same time has it."
        if placed
        else f"The task has ended ({seen.state.replace('_', ' ')})."
    )
    return Conflict(
        f"{why} There is nothing left to do here.",
        code="placed-elsewhere" if placed else "wrong-state",
        current={"state": seen.state, "version": seen.version},
    )


def lock_referral(tx: Work, referral_id: UUID) -> LockedReferral:
    """Two statements, so that tasks born while we waited for the referral are seen; `now` is when the lock was ours."""
    row = tx.row(_LOCK_REFERRAL, id=referral_id)
    if row is None:
        if tx.organization_id and tx.row(_SEE_REFERRAL, id=referral_id):
            raise Forbidden("Only the referral source and the target may move it. You may read it.")
        raise NotVisible
    f = dict(row._mapping)
    tx.now = f.pop("locked_at")
    tasks = [dict(t._mapping) for t in tx.rows(_LOCK_TASKS, id=referral_id)]
    return LockedReferral(referral_of(f), f, [Locked(task_of(t, f), referral_of(f), t, f) for t in tasks])


def sides(tx: Tx, t: Mapping[str, Any]) -> frozenset[Side]:
    """On which side of the task the caller stands; none for roles that do no casework."""
    return sides_of(tx, t["source_organization_id"], t["organization_id"], t["on_behalf"])


def does_casework(tx: Tx) -> bool:
    """Auditors and the backbone do none: they read what is theirs to read, and never a client."""
    return bool(tx.here.roles & ACTING_ROLES) and not tx.here.backbone


def require_casework(tx: Tx) -> None:
    """Raises Forbidden for whoever does no casework."""
    if not does_casework(tx):
        raise Forbidden("Clients are a partner's caseworkers' to see and to record. Ask one of them.")


def works_there(tx: Tx, user_id: UUID, organization_id: UUID) -> bool:
    """Whether work may be theirs today: a person with a current membership whose login was not revoked."""
    return tx.row(_WORKS_THERE, user=user_id, organization=organization_id) is not None


def sides_of(tx: Tx, source: UUID, target: UUID, on_behalf: bool) -> frozenset[Side]:
    if not does_casework(tx):
        return frozenset()
    found = set()
    if source == tx.here.organization_id:
        found |= {Side.SOURCE, Side.TARGET} if on_behalf else {Side.SOURCE}
    if target == tx.here.organization_id:
        found.add(Side.TARGET)
    return frozenset(found)


def moment(work: Work, t: Mapping[str, Any], occurred_at: Any = None) -> Moment:
    """The clocks of this task: its step's limits before its service's, before the region's; its service's hours."""
    calendar = work.agenda.calendar(t["s_opening_hours"], t["s_closed_on"] or [], bool(t["s_always_open"]))
    limits = work.agenda.limits(t["priority"], t["s_clocks"], (t["step"] or {}).get("clocks"))
    own, regional = work.agenda.ladder(t["priority"], t["s_ladder"]), work.agenda.ladder(t["priority"])
    return Moment(work.now, occurred_at or work.now, calendar, limits, work.agenda.region(), own, regional)


def region_moment(work: Work, priority: str) -> Moment:
    """The clocks of a referral's source, and of a plan's lead: they run in the region's business time."""
    region = work.agenda.region()
    return Moment(work.now, work.now, region, work.agenda.limits(priority, None), region, work.agenda.ladder(priority))


def task_of(t: Mapping[str, Any], f: Mapping[str, Any]) -> Task:
    return Task(
        id=str(t["id"]),
        state=State(t["state"]),
        version=t["version"],
        created_at=t["created_at"],
        clock=Clock(t["clock"]) if t["clock"] else None,
        clock_started_at=t["clock_started_at"],
        due_at=t["due_at"],
        hard_at=t["hard_at"],
        rung=t["rung"],
        decide_left=t["decide_left"],
        hard_left=t["hard_left"],
        acknowledged_at=t["acknowledged_at"],
        accepted_at=t["accepted_at"],
        first_contact_at=t["first_contact_at"],
        attempts=tuple(date.fromisoformat(day) for day in t["attempts"]),
        missed=t["missed"],
        plain=t["kind"] == "step",
        requested_at=t["requested_at"],
        moved_at=t["moved_at"],
        alongside=is_asked(t, f),
        excepted_until=t["excepted_until"],
    )


def is_asked(t: Mapping[str, Any], f: Mapping[str, Any]) -> bool:
    """Whether it is open beside others that were asked at the same time, and nobody has said yes."""
    return t["due_at"] is not None and t["organization_id"] in (f["asked"] or ())


def referral_of(f: Mapping[str, Any]) -> Referral:
    return Referral(
        id=str(f["id"]),
        state=ReferralState(f["state"]),
        version=f["version"],
        reported=f["reported"],
        clock=Clock(f["clock"]) if f["clock"] else None,
        clock_started_at=f["clock_started_at"],
        due_at=f["due_at"],
        rung=f["rung"],
        plain=f["kind"] == "step",
        planned=f["action_plan_id"] is not None,
        excepted_until=f.get("excepted_until"),
        confirmed_by=ConfirmedBy(f["confirmed_by"]) if f.get("confirmed_by") else None,
    )


_TASK_COLUMNS = (
    "state", "version", "clock", "clock_started_at", "due_at", "hard_at", "rung", "decide_left", "hard_left",
    "acknowledged_at", "accepted_at", "first_contact_at", "moved_at", "excepted_until",
)  # fmt: skip
_REFERRAL_COLUMNS = (
    "state", "version", "reported", "clock", "clock_started_at", "due_at", "rung", "excepted_until", "confirmed_by",
)  # fmt: skip


def save_task(work: Work, locked: Locked, task: Task, **more: Any) -> None:
    """Write the task as it now stands, and `more` columns; refreshes the rows in hand."""
    t = locked.t
    new = {name: getattr(task, name) for name in _TASK_COLUMNS} | more
    new["attempts"] = [day.isoformat() for day in task.attempts]
    new["missed"] = dict(task.missed)
    new["ball_organization_id"] = ball_of(task, t["source_organization_id"], t["organization_id"], t["on_behalf"])
    changed = {name: value for name, value in new.items() if t[name] != value} | {"updated_at": work.now}
    work.connection.execute(_SAVE_TASK, changed | {"saved_id": t["id"]})
    t.update(changed)
    locked.task = task


def save_referral(work: Work, locked: Locked | LockedReferral, referral: Referral, **more: Any) -> None:
    f = locked.f
    new = {name: getattr(referral, name) for name in _REFERRAL_COLUMNS} | more
    changed = {name: value for name, value in new.items() if f[name] != value}
    if not changed:
        return
    if set(changed) != {"look_at"}:
        changed["updated_at"] = work.now
    work.connection.execute(_SAVE_REFERRAL, changed | {"saved_id": f["id"]})
    f.update(changed)
    locked.referral = referral


def ball_of(task: Task, source: UUID, target: UUID, on_behalf: bool) -> UUID | None:
    """Whose turn it is. For a partner that is not connected, the recorder's: the clocks remind them to call."""
    if task.ball is None:
        return None
    return source if on_behalf or task.ball is Side.SOURCE else target


def locked_of(row: Mapping[str, Any]) -> Locked:
    f = {name[2:]: value for name, value in row.items() if name.startswith("f_")}
    t = {name: value for name, value in row.items() if not name.startswith("f_")}
    return Locked(task_of(t, f), referral_of(f), t, f)


def _columns(table: Any, alias: str, prefix: str = "") -> str:
    """All columns that the engine may read too: none of them is personal."""
    names = [c.name for c in table.c if not c.info["personal"]]
    return ", ".join(f"{alias}.{name} as {prefix}{name}" if prefix else f"{alias}.{name}" for name in names)


def referral_columns(prefix: str) -> str:
    """The referral's columns for a join with `f`, each with a prefix."""
    return _columns(tables.referral, "f", prefix)


SERVICE = (
    "s.name as s_name, s.opening_hours as s_opening_hours, s.closed_on as s_closed_on, s.always_open as s_always_open,"
    " s.clocks as s_clocks, s.ladder as s_ladder, s.on_call_phone as s_on_call_phone, s.term as s_term,"
    " exists (select from service_capacity c where c.service_id = s.id) as s_has_said"
)
"""`s_has_said`: it has stated what it has room for."""


def known(statement: str, *columns: str) -> TextualSelect:
    """A statement whose columns are said: SQLAlchemy then keeps what it learned of them,
    half the cost of a wide row.
    """
    names = [each.split()[-1].rpartition(".")[2] for part in columns for each in part.split(", ")]
    return text(statement).columns(*[column(name) for name in names])


TASK = _columns(tables.task, "t")
OWN_CLIENT = "(select c.id from client c where c.id = t.client_id) as own_client_id"
"""The task's copy of the client, for people's queries only: null once the consent behind it has ended."""
REFERRAL = _columns(tables.referral, "f")
# The same statement each time, so that it is compiled once for each set of changed columns.
_SAVE_TASK = tables.task.update().where(tables.task.c.id == bindparam("saved_id"))
_SAVE_REFERRAL = tables.referral.update().where(tables.referral.c.id == bindparam("saved_id"))
_LOCK_TASK = known(
    f"""
with f as materialized (
    select {REFERRAL} from referral f where f.id = (select x.referral_id from task x where x.id = :id) for update)
select {TASK}, {OWN_CLIENT}, {referral_columns("f_")}, {SERVICE}, clock_timestamp() as locked_at
  from task t join f on f.id = t.referral_id left join service s on s.id = t.service_id
 where t.id = :id for update of t
""",
    TASK,
    OWN_CLIENT,
    referral_columns("f_"),
    SERVICE,
    "locked_at",
)
NOW = text("select clock_timestamp()")
_SEE_TASK = text("select organization_id, state, reason, version from task where id = :id")
_LOCK_REFERRAL = known(
    f"""
with f as materialized (select {REFERRAL} from referral f where f.id = :id for update)
select {REFERRAL}, clock_timestamp() as locked_at from f
""",
    REFERRAL,
    "locked_at",
)
_LOCK_TASKS = known(
    f"""
select {TASK}, {SERVICE} from task t left join service s on s.id = t.service_id
 where t.referral_id = :id order by t.id for update of t
""",
    TASK,
    SERVICE,
)
_WORKS_THERE = text(
    "select 1 from membership m join user_account u on u.id = m.user_id"
    " where m.user_id = :user and m.organization_id = :organization and app.current(m.starts_on, m.ends_on)"
    " and u.revoked_at is null and not u.service_account limit 1"
)
_SEE_REFERRAL = text("select 1 from referral where id = :id")
