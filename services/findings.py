"""What the sweeper saw at the engine, written into the record: ids and codes only. The monitor reads it there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import text

from domain.pulse import Trouble
from services.reconciling import OpenCase, still_open
from services.transaction import Record


@dataclass(frozen=True, slots=True)
class Found:
    """One case (`kind` referral or plan) whose workflow is not as the record says; `code` says more."""

    kind: str
    case_id: UUID
    trouble: Trouble
    code: str


def note_failing(record: Record, found: list[Found]) -> None:
    """These workflows fail now, and no others: a finding that is not repeated is over."""
    with record.database.transaction() as connection:
        connection.execute(_NOTE, {"found": _json(found)})
        connection.execute(_NO_LONGER_FAILING, {"still": [each.case_id for each in found]})


def note_differences(record: Record, looked_at: Iterable[UUID], found: list[Found]) -> None:
    """Of the cases that were looked at, these differ from the record; the others agree again."""
    with record.database.transaction() as connection:
        connection.execute(_AGREE_AGAIN, {"agree": list(set(looked_at) - {each.case_id for each in found})})
        connection.execute(_NOTE, {"found": _json(found)})


def noted_differences(record: Record) -> frozenset[UUID]:
    with record.database.transaction() as connection:
        return frozenset(row.case_id for row in connection.execute(_NOTED))


def undisturbed(record: Record, ids: list[UUID]) -> list[OpenCase]:
    """Those of `ids` that are open, and of which no message is on its way to the engine."""
    cases = still_open(record, ids)
    with record.database.transaction() as connection:
        waiting = connection.execute(_WAITING, {"of": [case.workflow_id for case in cases]}).scalars().all()
    return [case for case in cases if case.workflow_id not in set(waiting)]


def _json(found: list[Found]) -> str:
    return json.dumps([asdict(each) for each in found], default=str)


# A case that the record does not know is nobody's to see.
_NOTE = text(
    """
insert into engine_finding as f (case_id, kind, trouble, code, restricted)
select x.case_id, x.kind, x.trouble, x.code, coalesce(r.restricted, p.restricted, true)
  from json_to_recordset(cast(:found as json)) as x(case_id uuid, kind text, trouble text, code text)
  left join referral r on x.kind = 'referral' and r.id = x.case_id
  left join action_plan p on x.kind = 'plan' and p.id = x.case_id
    on conflict (case_id) do update
   set trouble = excluded.trouble, code = excluded.code, restricted = excluded.restricted, seen_at = clock_timestamp(),
       since = case when f.trouble = excluded.trouble then f.since else excluded.since end
"""
)
_NO_LONGER_FAILING = text("delete from engine_finding where trouble = 'failing' and case_id <> all(:still)")
_AGREE_AGAIN = text("delete from engine_finding where trouble <> 'failing' and case_id = any(:agree)")
_NOTED = text("select case_id from engine_finding where trouble <> 'failing'")
_WAITING = text("select distinct workflow_id from outbox where not dead and workflow_id = any(:of)")
