"""Rows of plans: locked in the one order (the plan, its open requests by id, their tasks by id), read and written back.

What people do with a task locks its request and never the plan: a step's state is read from its request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text

from domain import plan as rules
from domain.pathway import Step, parse_step
from domain.plan import Standing
from domain.referral import OPEN as OPEN_REQUEST
from domain.referral import State as RequestState
from domain.task import State as TaskState
from services.consents import holds
from services.refusals import Forbidden, NotVisible
from services.rows import NOW, REFERRAL, SERVICE, TASK, Locked, LockedReferral, known, referral_of, task_of
from services.transaction import Work
from storage import tables


@dataclass(slots=True)
class PlanStep:
    """A step of a live plan: its row, how it stands, and its request under its lock while that is open."""

    s: dict[str, Any]
    standing: Standing
    request: LockedReferral | None = None
    worked_at: Any = None

    @property
    def step(self) -> Step:
        return self.standing.step

    @property
    def key(self) -> str:
        return self.standing.step.key


@dataclass(slots=True)
class LockedPlan:
    """A plan under its lock, with what is not removed of it, in order."""

    p: dict[str, Any]
    steps: dict[str, PlanStep]
    goals: list[dict[str, Any]]

    @property
    def state(self) -> rules.State:
        return rules.State(self.p["state"])

    @property
    def version(self) -> int:
        version: int = self.p["version"]
        return version

    @property
    def standings(self) -> dict[str, Standing]:
        return {key: one.standing for key, one in self.steps.items()}

    @property
    def open_requests(self) -> list[PlanStep]:
        return [one for one in self.steps.values() if one.request is not None]


def lock_plan(work: Work, plan_id: UUID) -> LockedPlan:
    """Everything that its lead or the engine may move. Raises NotVisible; Forbidden for who may only read it."""
    p = lock_plan_alone(work, plan_id).p
    rows = [dict(r._mapping) for r in work.rows(_STEPS, id=plan_id)]
    requests = _lock_requests(work, [r["referral_id"] for r in rows if r["f_state"] in OPEN_REQUEST])
    work.now = work.connection.execute(NOW).scalar_one()  # what a partner did while we waited came before
    goals = [dict(r._mapping) for r in work.rows(_GOALS, id=plan_id)]
    return LockedPlan(p, {r["key"]: _step_of(r, requests.get(r["referral_id"])) for r in rows}, goals)


def lock_plan_alone(work: Work, plan_id: UUID) -> LockedPlan:
    """The plan itself, without its steps: for who watches it."""
    row = work.row(_LOCK, id=plan_id)
    if row is None:
        if work.organization_id and work.row(_SEE, id=plan_id):
            raise Forbidden("Only the plan's lead changes it. You may read it, and work on your own steps.")
        raise NotVisible
    p = dict(row._mapping)
    work.now = p.pop("locked_at")
    return LockedPlan(p, {}, [])


def _lock_requests(work: Work, ids: list[UUID]) -> dict[UUID, LockedReferral]:
    """Open requests by id; one that was closed while we waited for its lock comes back as it is now."""
    if not ids:
        return {}
    rows = [dict(r._mapping) for r in work.rows(_REQUESTS, ids=ids)]
    tasks: dict[UUID, list[dict[str, Any]]] = {row["id"]: [] for row in rows}
    for t in work.rows(_TASKS, ids=ids):
        tasks[t.referral_id].append(dict(t._mapping))
    return {
        f["id"]: LockedReferral(
            referral_of(f), f, [Locked(task_of(t, f), referral_of(f), t, f) for t in tasks[f["id"]]]
        )
        for f in rows
    }


def _step_of(row: dict[str, Any], request: LockedReferral | None) -> PlanStep:
    read = {name: row.pop(name) for name in list(row) if name[:2] in ("f_", "t_")}
    one = PlanStep(row, Standing(parse_step(row["definition"])))
    if request is not None:
        one.request = request
        renew(one)
        if request.referral.state not in OPEN_REQUEST:
            one.request = None
        return one
    state = RequestState(read["f_state"]) if read["f_state"] else None
    t = {name[2:]: value for name, value in read.items() if name.startswith("t_")}
    one.worked_at = _worked_at(t)
    _stand(one, state, False, one.worked_at or read["f_updated_at"], t["outputs"] if one.worked_at else {})
    return one


def renew(one: PlanStep) -> None:
    """Let the step stand as its locked request now says."""
    assert one.request is not None
    f, current = one.request.f, one.request.current
    one.worked_at = _worked_at(current.t) if current is not None else None
    answers = current.t["outputs"] if current is not None and one.worked_at else {}
    _stand(one, one.request.referral.state, one.request.referral.reported, one.worked_at or f["updated_at"], answers)


def _worked_at(t: Mapping[str, Any]) -> Any:
    """When the work was done, as told (decision 21): what comes after is counted from then, however late somebody
    recorded or confirmed it. None while it is not.
    """
    return (t["moved_at"] or t["updated_at"]) if t["state"] == TaskState.COMPLETED else None


def _stand(one: PlanStep, state: RequestState | None, reported: bool, ended: Any, answers: Any) -> None:
    now = rules.state_of(state, reported, one.s["skipped_at"] is not None)
    at = one.s["skipped_at"] or (ended if now in rules.ENDED else None)
    unwanted = now is rules.StepState.SKIPPED and one.s["skipped_because"] == rules.Skipped.CONDITION
    one.standing = Standing(one.step, now, at, rules.is_closed(state), answers or {}, unwanted)


def save_plan(work: Work, plan: LockedPlan, **changed: Any) -> None:
    changed = {name: value for name, value in changed.items() if plan.p[name] != value}
    if not changed:
        return
    if set(changed) != {"look_at"}:
        changed["updated_at"] = work.now
    work.connection.execute(_SAVE_PLAN, changed | {"saved_id": plan.p["id"]})
    plan.p.update(changed)


def save_step(work: Work, one: PlanStep, **changed: Any) -> None:
    changed = {name: value for name, value in changed.items() if one.s[name] != value}
    if changed:
        work.connection.execute(
            _SAVE_STEP, changed | {"saved_plan": one.s["action_plan_id"], "saved_key": one.s["key"]}
        )
        one.s.update(changed)


def keep_readers(work: Work, plan: LockedPlan) -> None:
    """Who owns a step of the plan may read it, and nobody else: rows for row security, brought to what holds now.

    Of a plan behind the wall, who owns a step reads nothing before a release names it, nor after that ended.
    """
    owners: dict[UUID, bool] = {}
    for one in plan.steps.values():
        owner = one.s["organization_id"]
        if owner is not None and owner != plan.p["organization_id"]:
            owners[owner] = owners.get(owner, True) and one.s["restricted"]
    keep_rows(work, plan.p, {owner: restricted for owner, restricted in owners.items() if released(work, plan, owner)})


def released(work: Work, plan: LockedPlan, organization_id: UUID) -> bool:
    """A victim-service provider's client leaves it only by a release that names who is told (decision 19)."""
    if organization_id == plan.p["organization_id"] or not plan.p["restricted"]:
        return True
    return plan.p["consent_id"] is not None and holds(work, plan.p["consent_id"], organization_id)


def keep_rows(work: Work, p: dict[str, Any], owners: dict[UUID, bool]) -> None:
    work.run(
        _KEEP,
        plan=p["id"],
        lead=p["organization_id"],
        until=_released_until(work, p),
        ids=[str(i) for i in owners],
        restricted=list(owners.values()),
    )


def _released_until(work: Work, p: dict[str, Any]) -> Any:
    """Row security looks at it at every read: when the release ends, no job has to run."""
    if not p["restricted"] or p["consent_id"] is None:
        return None
    return work.connection.execute(_RELEASED_UNTIL, {"consent": p["consent_id"]}).scalar_one()


def keep_version(work: Work, plan: LockedPlan) -> None:
    """History keeps what the plan was: its steps as they stand after the edit that made this version."""
    work.connection.execute(
        tables.plan_version.insert(),
        {
            "action_plan_id": plan.p["id"],
            "version": plan.version,
            "lead_organization_id": plan.p["organization_id"],
            "at": work.now,
            "template_version": plan.p["template_version"],
            "steps": version_body(plan.steps.values()),
        },
    )


def version_body(steps: Iterable[PlanStep]) -> list[dict[str, Any]]:
    return [
        one.s["definition"]
        | {
            "state": one.standing.state.value,
            "organization_id": one.s["organization_id"] and str(one.s["organization_id"]),
        }
        for one in steps
    ]


def columns(table: Any, alias: str) -> str:
    return ", ".join(f"{alias}.{column.name}" for column in table.c)


PLAN = columns(tables.action_plan, "p")
STEP = columns(tables.plan_step, "k")
GOAL = columns(tables.plan_goal, "g")
_SAVE_PLAN = tables.action_plan.update().where(tables.action_plan.c.id == bindparam("saved_id"))
_SAVE_STEP = tables.plan_step.update().where(
    tables.plan_step.c.action_plan_id == bindparam("saved_plan"), tables.plan_step.c.key == bindparam("saved_key")
)
_LOCK = known(
    f"""
with p as materialized (select {PLAN} from action_plan p where p.id = :id for update)
select {PLAN}, clock_timestamp() as locked_at from p
""",
    PLAN,
    "locked_at",
)
_SEE = text("select 1 from action_plan where id = :id")
_STEP_REQUEST = (
    "f.state as f_state, f.updated_at as f_updated_at, t.state as t_state, t.outputs as t_outputs,"
    " t.moved_at as t_moved_at, t.updated_at as t_updated_at"
)
_STEPS = known(
    f"""
select {STEP}, {_STEP_REQUEST}
  from plan_step k
  left join referral f on f.id = k.referral_id
  left join task t on t.referral_id = f.id and t.round = f.round
 where k.action_plan_id = :id and k.removed_at is null
 order by k.position, k.key
""",
    STEP,
    _STEP_REQUEST,
)
_GOALS = known(f"select {GOAL} from plan_goal g where g.action_plan_id = :id order by g.position", GOAL)
_REQUESTS = known(f"select {REFERRAL} from referral f where f.id = any(:ids) order by f.id for update", REFERRAL)
_TASKS = known(
    f"""
select {TASK}, {SERVICE} from task t left join service s on s.id = t.service_id
 where t.referral_id = any(:ids) order by t.id for update of t
""",
    TASK,
    SERVICE,
)
_RELEASED_UNTIL = text("select app.consent_end(:consent)")
_KEEP = text(
    """
with wanted as (
    select o.id, o.restricted
      from unnest(cast(:ids as uuid[]), cast(:restricted as boolean[])) as o(id, restricted)),
gone as (
    update plan_partner r set reads = false
     where r.action_plan_id = :plan and r.reads and not exists (select from wanted w where w.id = r.organization_id)),
back as (
    update plan_partner r set reads = true, restricted = w.restricted, reads_until = :until from wanted w
     where r.action_plan_id = :plan and r.organization_id = w.id
       and (not r.reads or r.restricted <> w.restricted or r.reads_until is distinct from cast(:until as timestamptz)))
insert into plan_partner (action_plan_id, organization_id, lead_organization_id, restricted, reads_until)
select :plan, w.id, :lead, w.restricted, :until from wanted w
 where not exists (select from plan_partner r where r.action_plan_id = :plan and r.organization_id = w.id)
"""
)
