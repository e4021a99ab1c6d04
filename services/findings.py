"""What the sweeper saw at the engine, written into the record: ids and codes only. The monitor reads it there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import text

from domain.ladder import DEFAULT
from domain.pulse import Trouble
from services.invariants import (
    LATE,
    LATE_SECONDS,
    NO_DEADLINE,
    OVERSLEPT,
    PLAN_LATE,
    PLAN_NO_DEADLINE,
    PLAN_OVERSLEPT,
)
from services.reconciling import OpenCase, still_open
from services.transaction import Record

COMPARED = (Trouble.MISSING, Trouble.BEHIND, Trouble.STRAY)
"""What shows when a case and its workflow are laid side by side."""
MOST = 1000
"""Findings of one kind and round; more would say the same."""


@dataclass(frozen=True, slots=True)
class Found:
    """One case (`kind` referral or plan) whose workflow is not as the record says; `code` says more."""

    kind: str
    case_id: UUID
    trouble: Trouble
    code: str

    @property
    def workflow_id(self) -> str:
        """Its own; a step of a plan has none."""
        return f"{self.kind}-{self.case_id}"


def note_all(record: Record, trouble: Trouble, found: list[Found]) -> None:
    """These cases have that trouble now, and no others: a finding that is not repeated is over."""
    with record.database.transaction() as connection:
        connection.execute(_NOTE, {"found": _json(found)})
        connection.execute(_OVER, {"trouble": trouble, "still": [each.case_id for each in found]})


def note_differences(record: Record, looked_at: Iterable[UUID], found: list[Found]) -> None:
    """Of the cases that were looked at, these differ from the record; the others agree again."""
    with record.database.transaction() as connection:
        connection.execute(_AGREE_AGAIN, {"compared": list(COMPARED), "agree": list(looked_at), "found": _json(found)})
        connection.execute(_NOTE, {"found": _json(found)})


def noted(record: Record, troubles: Iterable[Trouble]) -> frozenset[str]:
    """Cases of which any of these troubles is written down, as `referral-…` or `plan-…`."""
    with record.database.transaction() as connection:
        return frozenset(connection.execute(_NOTED, {"troubles": list(troubles)}).scalars())


def unwatched(record: Record) -> list[Found]:
    """Open work at which nobody looks though it is time, oldest first, by the record alone; not while a message is on
    its way.
    """
    with record.database.transaction() as connection:
        rows = connection.execute(_UNWATCHED, {"late": LATE_SECONDS, "rungs": len(DEFAULT.rungs)}).all()
    return [Found(row.kind, row.id, Trouble.UNWATCHED, row.code) for row in rows]


def undisturbed(record: Record, ids: list[UUID]) -> list[OpenCase]:
    """Those of `ids` that are open, and of which no message is on its way to the engine."""
    cases = still_open(record, ids)
    with record.database.transaction() as connection:
        waiting = connection.execute(_WAITING, {"of": [case.workflow_id for case in cases]}).scalars().all()
    return [case for case in cases if case.workflow_id not in set(waiting)]


def known_cases(record: Record, workflow_ids: Iterable[str]) -> frozenset[str]:
    """Those of the workflow ids that name a case of the record, open or over."""
    with record.database.transaction() as connection:
        return frozenset(connection.execute(_KNOWN, {"named": list(workflow_ids)}).scalars())


def at_rest(record: Record, workflow_ids: Iterable[str]) -> list[str]:
    """Those of the workflow ids whose case is over, and of which no message is on its way."""
    by_id = {UUID(each.partition("-")[2]): each for each in known_cases(record, workflow_ids)}
    ended = set(by_id.values()) - {case.workflow_id for case in still_open(record, list(by_id))}
    with record.database.transaction() as connection:
        return sorted(ended - set(connection.execute(_WAITING, {"of": list(ended)}).scalars()))


def _json(found: list[Found]) -> str:
    return json.dumps([asdict(each) for each in found], default=str)


# What names no case of the record is no finding: whose it is, and whether it is confidential, nobody could say.
_NOTE = text(
    """
insert into engine_finding as f (case_id, kind, trouble, code, restricted)
select x.case_id, x.kind, x.trouble, x.code, coalesce(r.restricted, p.restricted)
  from json_to_recordset(cast(:found as json)) as x(case_id uuid, kind text, trouble text, code text)
  left join referral r on x.kind = 'referral' and r.id = x.case_id
  left join action_plan p on x.kind = 'plan' and p.id = x.case_id
 where coalesce(r.id, p.id) is not null
    on conflict (case_id, trouble) do update
   set code = excluded.code, restricted = excluded.restricted, seen_at = clock_timestamp()
"""
)
_OVER = text("delete from engine_finding where trouble = :trouble and case_id <> all(:still)")
_AGREE_AGAIN = text(
    """
delete from engine_finding f where f.trouble = any(:compared) and f.case_id = any(:agree)
   and not exists (select from json_to_recordset(cast(:found as json)) as x(case_id uuid, trouble text)
                    where x.case_id = f.case_id and x.trouble = f.trouble)
"""
)
_KNOWN = text(
    """
select x.named
  from (select n as named, split_part(n, '-', 1) as kind, cast(substr(n, strpos(n, '-') + 1) as uuid) as id
          from unnest(cast(:named as text[])) n) x
 where x.kind = 'referral' and exists (select from referral r where r.id = x.id)
    or x.kind = 'plan' and exists (select from action_plan p where p.id = x.id)
"""
)
_NOTED = text("select distinct kind || '-' || case_id from engine_finding where trouble = any(:troubles)")
# A step of a plan is watched by its plan's workflow.
_UNWATCHED = text(
    f"""
select x.kind, x.id, x.code from (
    select 'referral' as kind, n.id, 'no_deadline' as code from ({NO_DEADLINE}) n
    union all select 'referral', l.id, 'late' from ({LATE}) l
    union all select 'referral', o.id, 'overslept' from ({OVERSLEPT}) o
    union all select 'plan', n.id, 'no_deadline' from ({PLAN_NO_DEADLINE}) n
    union all select 'plan', l.id, 'late' from ({PLAN_LATE}) l
    union all select 'plan', o.id, 'overslept' from ({PLAN_OVERSLEPT}) o) x
  left join referral r on x.kind = 'referral' and r.id = x.id
 where not exists (select from outbox o where not o.dead and o.workflow_id =
                   case when r.action_plan_id is not null then 'plan-' || r.action_plan_id
                        else x.kind || '-' || x.id end)
 order by x.id
 limit {MOST}
"""
)
_WAITING = text("select distinct workflow_id from outbox where not dead and workflow_id = any(:of)")
