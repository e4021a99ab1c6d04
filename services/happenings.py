"""Writing down what happened: the event row, and at once what it earns. In the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.groups import dimensions
from domain.moves import Happened
from services.counting import count
from services.journal import new_id
from services.transaction import Work


def about_task(t: Mapping[str, Any], f: Mapping[str, Any]) -> dict[str, Any]:
    """What every event of a task says about it, from its row and its referral's."""
    return about_referral(f) | {
        "task_id": t["id"],
        "organization_id": t["organization_id"],
        "on_behalf_of": t["organization_id"] if t["on_behalf"] else None,
        "restricted": t["restricted"],
        "facts": step_facts(f),
    }


def step_facts(f: Mapping[str, Any]) -> dict[str, Any]:
    """Of which pathway and step a request is, and which indicators the step feeds; nothing outside a plan."""
    step = f["step"]
    if not step:
        return {}
    return {"template": step["template"], "step": f["step_key"], "feeds": step.get("feeds", [])}


def about_plan(p: Mapping[str, Any]) -> dict[str, Any]:
    """What every event of a plan says about it."""
    return {
        "collaborative_id": p["collaborative_id"],
        "referral_id": None,
        "task_id": None,
        "action_plan_id": p["id"],
        "need_id": None,
        "organization_id": p["organization_id"],
        "source_organization_id": p["organization_id"],
        "person_id": p["person_id"],
        "household_key": p["household_key"],
        "dimensions": dimensions(p["county"], None, p["groups"]),
        "restricted": p["restricted"],
        "facts": {"template": p["template"]},
    }


def about_referral(f: Mapping[str, Any]) -> dict[str, Any]:
    """What every event of a referral says about it. `crosses`: two organizations take part, so it was sent."""
    return {
        "collaborative_id": f["collaborative_id"],
        "referral_id": f["id"],
        "task_id": None,
        "action_plan_id": f["action_plan_id"],
        "need_id": f["need_id"],
        "organization_id": f["target_organization_id"],
        "source_organization_id": f["source_organization_id"],
        "person_id": f["person_id"],
        "household_key": f["household_key"],
        "dimensions": dimensions(f["county"], f["term"], f["groups"]),
        "restricted": f["restricted"],
        "on_behalf_of": None,
        "facts": {"crosses": "no" if f["source_organization_id"] == f["target_organization_id"] else "yes"}
        | step_facts(f),
    }


def happened(
    work: Work,
    about: Mapping[str, Any],
    what: Happened,
    *,
    version: int,
    occurred_at: datetime | None = None,
    facts: Mapping[str, Any] | None = None,
    reverses: list[str] | None = None,
    reversed_events: Sequence[Mapping[str, Any]] = (),
    id: UUID | None = None,  # noqa: A002 - an event's id is called so everywhere
) -> UUID:
    """Append the event and its ledger entries; answers its id. Dimensions are as of now (decision 30).

    What it takes back is named by id in `reverses`, or given whole where the caller may not read it.
    """
    occurred = occurred_at or work.now
    row = {
        "on_behalf_of": None,
        "household_key": None,
        **about,
        "id": id or new_id(),
        "kind": what.kind,
        "at": work.now,
        "occurred_at": occurred,
        "day": work.agenda.region().local_date(occurred).isoformat(),
        "version": version,
        "acting_organization_id": work.organization_id,
        "user_id": work.user_id,
        "from_state": what.from_state,
        "to_state": what.to_state,
        "reason": what.reason,
        "settled": dict(what.settled),
        "facts": {**about.get("facts", {}), **what.facts, **(facts or {})},
        "reverses": reverses if reverses is not None else [what.reverses] if what.reverses else [],
    }
    row["reverses"] += [event["id"] for event in reversed_events]
    _append(work, row, reversed_events)
    event_id: UUID = row["id"]
    return event_id


def restate(work: Work, event: Mapping[str, Any], kind: str, version: int, facts: Mapping[str, Any]) -> None:
    """Append an event of the record once more with other `facts`: of the same day and groups, by whoever acts now.

    What it had taken back itself stays taken back.
    """
    now = {"at": work.now, "acting_organization_id": work.organization_id, "user_id": work.user_id}
    said = {"id": new_id(), "kind": kind, "version": version, "facts": dict(facts), "reverses": []}
    _append(work, {**event, **now, **said})


def _append(work: Work, row: dict[str, Any], reversed_events: Sequence[Mapping[str, Any]] = ()) -> None:
    work.journal.events.append(row)
    count(work, row, reversed_events)
