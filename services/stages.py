"""Which stage of the funnel an event reaches, decided under the referral's lock (ADR 0014).

The event that takes a request to a stage first says so (`first_accepted`), and alone counts for the request. Where that
event is taken back and another offer of the request had come as far, the event that takes it back says so instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from domain.stage import COUNTED_KINDS, Stage, said, stages_of
from domain.task import Task
from services.transaction import Work
from storage.tables.work import STANDS

Row = Mapping[str, Any]


def referred_on(work: Work, f: Row) -> dict[str, str]:
    """The cohort of everything that comes of a request: the day on which it was asked for, as told, in the region."""
    return {"referred_on": work.agenda.region().local_date(f["requested_at"]).isoformat()}


def offered(work: Work, t: Row, f: Row) -> dict[str, str]:
    """Of a new offer."""
    return _facts(work, t, f, frozenset({Stage.OFFERED}))


def moved(work: Work, t: Row, f: Row, before: Task, after: Task) -> dict[str, str]:
    """Of a move; most reach nothing new."""
    return _facts(work, t, f, stages_of(after) - stages_of(before))


def taken_back(work: Work, t: Row, f: Row, reverses: list[str]) -> tuple[list[str], dict[str, str]]:
    """Of an offer that was entered in error: which events it takes back besides its own, and what the request keeps."""
    if f["kind"] not in COUNTED_KINDS or f["rounds"] == 1:
        return reverses, {}
    others = _others(work, t, f)
    reverses = reverses + [str(row.id) for row in work.rows(_STANDING_IN, referral=f["id"], side=t["restricted"])]
    held = {row.fact.removeprefix("first_") for row in work.rows(_HELD, ids=reverses, facts=_FIRST)}
    kept = [stage for stage in others if stage in held]
    return reverses, said((), kept) | (referred_on(work, f) if kept else {})


def _facts(work: Work, t: Row, f: Row, new: frozenset[Stage]) -> dict[str, str]:
    if not new or f["kind"] not in COUNTED_KINDS:
        return {}
    first = new - _others(work, t, f) if f["rounds"] > 1 else new
    return said(sorted(new), sorted(first)) | referred_on(work, f)


def _others(work: Work, t: Row, f: Row) -> frozenset[Stage]:
    """What the other offers of the request have reached, on the same side of a confidential provider's wall."""
    row = work.row(_REACHED, referral=f["id"], but=t["id"], side=t["restricted"])
    return frozenset(Stage(name) for name, yes in row._mapping.items() if yes) if row else frozenset()


_FIRST = [f"first_{stage}" for stage in Stage]
_REACHED = text("select offered, acknowledged, accepted, served from app.stages_reached(:referral, :but, :side)")
# A void that spoke for what another offer had reached. When that one goes too, the void's word goes with it.
_STANDING_IN = text(
    f"""
select e.id from event e
 where e.referral_id = :referral and e.kind = 'task_voided' and e.restricted = :side
   and e.facts ?| array['first_offered', 'first_acknowledged', 'first_accepted', 'first_served']
   and {STANDS}
"""
)
_HELD = text(
    """
select distinct x.fact from event e cross join lateral jsonb_object_keys(e.facts) as x(fact)
 where e.id = any(cast(:ids as uuid[])) and x.fact = any(:facts)
"""
)
