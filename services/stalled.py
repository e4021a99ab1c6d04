"""What stands still, whose turn it is, why, and what would free it.

One query on the record, each part from its own index.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain import plan as plan_rules
from domain import referral as referral_rules
from domain import task as task_rules
from domain.clock import Clock, Priority
from domain.pathway import parse_step
from domain.plan import Standing, StepState
from domain.stall import CAUSES, STALLS, Cause, explain, frees
from domain.task import Side
from domain.watch import Verb as Watching
from services import shapes, stalled_shapes
from services.holders import Holder, ladder_of_row, watcher_may_propose, watchers_actions
from services.plan_views import HIDDEN
from services.rows import does_casework, referral_of, sides, sides_of
from services.stalls import (
    ABOVE,
    ACTS,
    AWAY,
    CODE,
    DUE_PLANS,
    DUE_REFERRALS,
    DUE_TASKS,
    OFFERS,
    PLANS,
    REFERRALS,
    SAID_ACTS,
    SHARED,
    STALLED,
    STEPS,
    TASKS,
    read_at,
    rests,
)
from services.transaction import Call, Record, Tx, read

After = tuple[Any, ...] | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of it.

    `organization_id`: whose turn it is. `excepted`: only what the backbone lets rest; else all but that. A fault of the
    engine does not rest.
    """

    kind: str | None = None
    organization_id: UUID | None = None
    reason_code: str | None = None
    level: str | None = None
    excepted: bool = False


ALL = Wanted()
CODES = tuple(dict.fromkeys(one.code for one in (*STALLS.values(), *CAUSES.values())))


def list_stalled(
    record: Record, call: Call, after: After = None, limit: int = 50, wanted: Wanted = ALL
) -> list[stalled_shapes.Stalled]:
    """Longest overdue first. `after` is (limit, id) of the last item of the page before.

    A partner sees what it takes part in, the backbone all but confidential work (decision 19).
    """
    return read(record, call, lambda tx: [_item(tx, row) for row in stalled_rows(tx, after, limit, wanted)])


def stalled_rows(tx: Tx, after: After, limit: int, wanted: Wanted) -> list[Mapping[str, Any]]:
    """In the caller's transaction."""
    return [row._mapping for row in tx.rows(LISTED, **values_of(tx, after, limit, wanted))]


def values_of(tx: Tx, after: After, limit: int, wanted: Wanted) -> dict[str, Any]:
    """What `LISTED` asks for."""
    return read_at(tx) | {
        "organization": tx.here.organization_id,
        "after_due": after[0] if after else None,
        "after_id": after[1] if after else None,
        "limit": limit,
        "kind": wanted.kind,
        "ball": wanted.organization_id,
        "code": wanted.reason_code,
        "level": wanted.level,
        "ladders": json.dumps(_ladders(tx)),
        "excepted": wanted.excepted,
    }


def _beside(tx: Tx, row: Mapping[str, Any], clock: Clock | None, cause: Cause | None) -> list[str]:
    """What whoever watches, but has not the ball, may do about it; about a waiting step nothing but free its root."""
    if row["kind"] == "step":
        return []
    noun = "plan" if row["kind"] == "action_plan" else row["kind"]
    verb = Watching.PROPOSE_REROUTE.value
    # By the cause alone, where one is known: a clock speaks of others also where the cause says that none is left.
    proposes = noun != "plan" and watcher_may_propose(tx, row) and frees(None if cause else clock, cause, verb)
    nudged = Holder(row["said_ball"], row["said_user_id"])
    found = watchers_actions(tx, noun, row, holder=nudged, stands=noun == "plan")
    return [*found, *([verb] if proposes else [])]


def _ladders(tx: Tx) -> dict[str, Any]:
    """The region's, as far as it has its own; of routine work always."""
    names = {*tx.agenda.ladders, Priority.ROUTINE.value}
    return {name: {"rungs": [{"to": one.to} for one in tx.agenda.ladder(name).rungs]} for name in names}


def _item(tx: Tx, row: Mapping[str, Any]) -> stalled_shapes.Stalled:
    clock = Clock(row["symptom"]) if row["symptom"] else None
    cause = Cause(row["cause"]) if row["cause"] else None
    hidden = _hides(tx, row, "")
    code, reason, remedy = _words(tx, row, clock, cause)
    return stalled_shapes.Stalled(
        kind=row["kind"],
        id=row["id"],
        referral_id=row["referral_id"],
        action_plan_id=row["action_plan_id"],
        step_key=None if hidden else row["step_key"],
        reference=row["reference"],
        title=_title(row, hidden),
        ball_in_court=shapes.BallInCourt(organization_id=row["ball"], user_id=row["user_id"]),
        since=row["since"],
        limit=row["due_at"],
        level=ladder_of_row(tx, row).reached(row["rung"]).value,
        symptom=explain(clock, None, _names(tx, row))[0] if clock else None,
        cause=code if cause else None,
        reason_code=code,
        reason=reason,
        remedy=remedy,
        root=_root(tx, row) if row["root_kind"] else None,
        excepted_until=row["excepted_until"],
        version=row["version"],
        allowed_actions=[*_actions(tx, row, clock, cause), *_beside(tx, row, clock, cause)],
    )


def _words(tx: Tx, row: Mapping[str, Any], clock: Clock | None, cause: Cause | None) -> tuple[str, str, str]:
    names = _names(tx, row)
    code, reason, remedy = explain(clock, cause, names, step=_is_step(row), absent=row["on_behalf"])
    if cause is Cause.PREDECESSOR:
        root_clock = Clock(row["root_symptom"]) if row["root_symptom"] else None
        root_cause = Cause(row["root_cause"]) if row["root_cause"] else None
        absent = row["root_on_behalf"]
        _, why, remedy = explain(root_clock, root_cause, names | {"target": names["root"]}, step=True, absent=absent)
        if absent and root_cause is None:
            why, remedy = _called(names["root"], why, remedy)
        return code, f"{reason} {why}", remedy
    if row["on_behalf"] and cause is None:
        return code, *_called(names["target"], reason, remedy)
    unassigned = row["kind"] == "task" and not row["user_id"] and row["state"] == task_rules.State.REQUESTED
    return code, f"{reason} Nobody is assigned." if unassigned and cause is None else reason, remedy


def _called(whom: str, reason: str, remedy: str) -> tuple[str, str]:
    """The same of a partner that is only on the phone."""
    return f"{reason} {whom} has no login.", f"Call {whom} and record what they say: {remedy}"


def _names(tx: Tx, row: Mapping[str, Any]) -> dict[str, str]:
    """Organizations and a step: never a person."""
    title = HIDDEN if row["root_sensitive"] and _hides(tx, row, "root_") else row["root_title"]
    step = f"'{title}'" if row["root_kind"] else "the step"
    return {"who": row["who"], "target": row["target"], "root": row["root"] or "", "step": step}


def _hides(tx: Tx, row: Mapping[str, Any], prefix: str) -> bool:
    involved = tx.here.organization_id in (row["source_organization_id"], row[f"{prefix}organization_id"])
    return bool(row[f"{prefix}sensitive"]) and not involved


def _title(row: Mapping[str, Any], hidden: bool) -> str:
    if not hidden:
        return str(row["title"])
    return HIDDEN if row["kind"] == "step" else "Answer a request"


def _root(tx: Tx, row: Mapping[str, Any]) -> stalled_shapes.StalledRoot:
    return stalled_shapes.StalledRoot(
        kind=row["root_kind"],
        id=row["root_id"],
        step_key=None if _hides(tx, row, "root_") else row["root_key"],
        organization_id=row["root_organization_id"] or row["source_organization_id"],
    )


def _actions(tx: Tx, row: Mapping[str, Any], clock: Clock | None, cause: Cause | None) -> list[str]:
    """Of what the caller may do now, what would free it."""
    return list(dict.fromkeys(str(verb) for verb in _allowed(tx, row) if frees(clock, cause, verb)))


def _allowed(tx: Tx, row: Mapping[str, Any]) -> list[str]:
    if row["kind"] == "step":
        return _allowed_on_step(tx, row, StepState.WAITING)
    if row["kind"] == "task":
        return _allowed_on_task(tx, row)
    if row["kind"] == "action_plan":
        leads = row["organization_id"] == tx.here.organization_id and does_casework(tx)
        verbs = plan_rules.allowed(plan_rules.State(row["state"]), leads)
        return [*verbs, Watching.ASSIGN] if leads else []
    mine = sides_of(tx, row["source_organization_id"], row["organization_id"], False)
    rules = referral_of({**row, "clock_started_at": row["since"], "kind": row["asks"]})
    assigns = [Watching.ASSIGN] if Side.SOURCE in mine else []
    step = plan_rules.state_of(rules.state, rules.reported, skipped=False)
    return [*referral_rules.allowed(rules, mine), *assigns, *_allowed_on_plan(tx, row, step)]


def _allowed_on_task(tx: Tx, row: Mapping[str, Any]) -> list[str]:
    """Its own verbs, then those of its referral and, where it is a step, of its plan and of that step there.

    Where the source is waited for, whoever follows the referral is the one who is missing, and not who has the task.
    """
    state = task_rules.State(row["state"])
    follower = row["on_behalf"] or state is task_rules.State.INFO_REQUESTED
    verbs: list[str] = [*task_rules.allowed(state, sides(tx, row), absent=row["on_behalf"])]
    if follower:
        verbs = [verb for verb in verbs if verb != task_rules.Verb.ASSIGN]
    mine = sides_of(tx, row["source_organization_id"], row["organization_id"], False)
    if Side.SOURCE in mine:
        request = referral_rules.Referral(
            str(row["referral_id"]), referral_rules.State.ACTIVE, 1, planned=_is_step(row)
        )
        verbs += referral_rules.allowed(request, mine)
        verbs += [Watching.ASSIGN] if follower else []
        verbs += _allowed_on_plan(tx, row, StepState.OPEN)
    return verbs


def _is_step(row: Mapping[str, Any]) -> bool:
    """Of a plan: its lead chooses there who does it."""
    return row["step_key"] is not None


def _allowed_on_plan(tx: Tx, row: Mapping[str, Any], state: StepState) -> list[str]:
    """Its lead's verbs, first those of the plan itself, where it is a step that stands so."""
    steps = _allowed_on_step(tx, row, state)
    return [*plan_rules.allowed(plan_rules.State.ACTIVE, leads=True), *steps] if steps else []


def _allowed_on_step(tx: Tx, row: Mapping[str, Any], state: StepState) -> list[str]:
    if not _is_step(row) or row["source_organization_id"] != tx.here.organization_id or not does_casework(tx):
        return []
    standing = Standing(parse_step(row["definition"]), state)
    return [verb.value for verb in plan_rules.allowed_on_step(plan_rules.State.ACTIVE, standing, leads=True)]


_LAYERS = [f"{layer} -> {name}" for name in ("s.priority", "'routine'") for layer in ("s.s_ladder", "l.ladders")]
_RUNGS = f"coalesce({', '.join(_LAYERS)}) -> 'rungs'"
_REACHED = f"{_RUNGS} -> (greatest(least(s.rung, jsonb_array_length({_RUNGS})), 1) - 1) ->> 'to'"
"""Whom the last rung reached, as `domain.ladder` says: `ladder_of`, and of that ladder `reached`."""
_NO_ROOT = (
    "cast(null as text) as root_kind, cast(null as uuid) as root_id, cast(null as text) as root_key,"
    " cast(null as uuid) as root_organization_id, cast(null as text) as root_symptom, cast(null as text) as root_cause,"
    " cast(null as text) as root_title, false as root_sensitive, false as root_on_behalf"
)
LISTED = text(
    f"""
with recursive {SHARED % "materialized"}, {OFFERS},
names as materialized (select id, name from organization),
tasks as materialized (select * from ({TASKS % f"({DUE_TASKS}) k"}) x where {STALLED}),
referrals as materialized (select * from ({REFERRALS % f"({DUE_REFERRALS}) k"}) x where {STALLED}),
{STEPS}
select s.*, h.name as who, t.name as target, q.name as root,
       {ACTS} as user_id, {SAID_ACTS} as said_user_id, case when s.rung > 0 then {ABOVE} end as above,
       (select w.definition from plan_step w where w.action_plan_id = s.action_plan_id and w.key = s.step_key)
           as definition
  from (select s.*, {CODE} as code
          from (select *, {_NO_ROOT} from tasks
                union all select *, {_NO_ROOT} from referrals
                union all select *, {_NO_ROOT} from ({PLANS % f"({DUE_PLANS}) k"}) x where {STALLED}
                union all select * from steps) s) s
  join names h on h.id = s.holder_organization_id
  join names t on t.id = s.organization_id
  left join names q on q.id = s.root_organization_id
  {AWAY}
 cross join (select cast(:ladders as jsonb) as ladders) l
 where (cast(:after_due as timestamptz) is null or (s.due_at, s.id) > (:after_due, :after_id))
   and {rests("s")} = :excepted
   and (cast(:kind as text) is null or s.kind = :kind)
   and (cast(:ball as uuid) is null or s.ball = :ball)
   and (cast(:code as text) is null or s.code = :code)
   and (cast(:level as text) is null or {_REACHED} = :level)
 order by s.due_at, s.id limit :limit
"""
)
