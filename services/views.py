"""From rows to shapes, for the one who asks: what they may do, and without what is not theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from domain import referral as referral_rules
from domain import task as task_rules
from domain.task import Side
from domain.watch import Verb as WatchVerb
from services.holders import Holder, watcher_may_propose, watchers_actions, who_blocks
from services.rows import is_asked, referral_of, sides, sides_of
from services.shapes import BallInCourt, FormField, Proposal, Referral, Task
from services.transaction import Tx


def task_view(tx: Tx, t: Mapping[str, Any], f: Mapping[str, Any]) -> Task:
    mine = sides(tx, t)
    verbs = task_rules.allowed(task_rules.State(t["state"]), mine, absent=t["on_behalf"], alongside=is_asked(t, f))
    if f["state"] == referral_rules.State.ENTERED_IN_ERROR:
        verbs = tuple(verb for verb in verbs if verb is not task_rules.Verb.CORRECT)
    hidden = hides(tx, f)
    holder = who_blocks(tx, "task", t, f)
    return Task.model_construct(
        id=t["id"],
        kind=t["kind"],
        title="Answer a request" if hidden else t["title"],
        state=t["state"],
        priority=t["priority"],
        organization_id=t["organization_id"],
        source_organization_id=t["source_organization_id"],
        assigned_to=t["assigned_to"],
        referral_id=t["referral_id"],
        action_plan_id=t["action_plan_id"],
        step_key=None if hidden else t["step_key"],
        service_id=None if hidden else t["service_id"],
        client_id=_client_of(tx, t, f),
        outcome=t["outcome"],
        outputs=_outputs(tx, t),
        reason=None if hidden else t["reason"],
        ball_in_court=_ball(t, holder),
        clock=t["clock"],
        due_at=None if hidden else t["due_at"],
        call_now=None if hidden else _call_now(tx, t),
        form=[FormField.model_validate(one) for one in t["step"].get("form", ())] if t["step"] and mine else [],
        created_at=t["created_at"],
        updated_at=t["updated_at"],
        version=t["version"],
        excepted_until=resting(tx, t),
        allowed_actions=[verb.value for verb in verbs] + watchers_actions(tx, "task", t, f, holder),
    )


def resting(tx: Tx, row: Mapping[str, Any]) -> datetime | None:
    """Until when the backbone lets it rest; None once that is over."""
    until: datetime | None = row["excepted_until"]
    return until if until is not None and until > tx.now else None


def joined_view(tx: Tx, row: Mapping[str, Any]) -> Task:
    """A task's row with its referral's columns as `f_…`;
    those are empty for a past target, who sees its own task only.
    """
    return task_view(tx, row, f_of(row))


def f_of(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name[2:]: value for name, value in row.items() if name.startswith("f_")}


def referral_view(
    tx: Tx, f: Mapping[str, Any], tasks: Iterable[Mapping[str, Any]], proposals: Iterable[Any] = ()
) -> Referral:
    """`proposals`: rows of `services.proposals`; only the source is shown them."""
    rows = list(tasks)
    hidden = hides(tx, f)
    source = f["source_organization_id"] == tx.here.organization_id
    mine = sides_of(tx, f["source_organization_id"], f["target_organization_id"], False)
    current = _current(rows, f)
    target, service = f["target_organization_id"], f["service_id"]
    if f["asked"] and not source and not tx.here.backbone and current:
        target, service = current["organization_id"], current["service_id"]
    ball = None
    if f["clock"]:
        ball = ball_of(who_blocks(tx, "referral", f))
    elif current:
        ball = _ball(current, who_blocks(tx, "task", current, f))
    return Referral.model_construct(
        id=f["id"],
        reference=f["reference"],
        kind=f["kind"],
        state=f["state"],
        priority=f["priority"],
        origin=f["origin"],
        client_id=f["client_id"] if source else next(filter(None, (_client_of(tx, t, f) for t in rows)), None),
        household_id=f["household_id"] if source else None,
        need_id=None if hidden else f["need_id"],
        term=None if hidden else _term(tx, f, current),
        county=f["county"],
        service_id=None if hidden else service,
        source_organization_id=f["source_organization_id"],
        target_organization_id=target,
        asked=f["asked"] if source else [],
        consent_id=f["consent_id"] if source else None,
        action_plan_id=f["action_plan_id"],
        step_key=None if hidden else f["step_key"],
        outcome=f["outcome"],
        confirmed_by=f["confirmed_by"],
        ball_in_court=ball,
        clock=f["clock"],
        due_at=None if hidden else f["due_at"] or (current["due_at"] if current else None),
        tasks=[task_view(tx, t, f) for t in rows],
        created_at=f["created_at"],
        updated_at=f["updated_at"],
        version=f["version"],
        assigned_to=f["assigned_to"],
        excepted_until=resting(tx, f),
        proposals=[Proposal.model_validate(one) for one in proposals] if source else [],
        allowed_actions=[verb.value for verb in referral_rules.allowed(referral_of(f), mine)] + _beside(tx, f, mine),
    )


def _current(rows: list[Mapping[str, Any]], f: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The offer that leads; where several are asked, the one that is due first of those that the caller sees."""
    asked = sorted((t for t in rows if is_asked(t, f)), key=lambda t: (t["due_at"], t["id"]))
    return next(iter(asked), None) or next((t for t in rows if t["round"] == f["round"]), None)


def _beside(tx: Tx, f: Mapping[str, Any], mine: frozenset[Side]) -> list[str]:
    """What may be done with an open referral besides moving it."""
    if f["state"] not in referral_rules.OPEN:
        return []
    proposes = watcher_may_propose(tx, f) or (mine == {Side.TARGET} and not f["reported"])
    found = [WatchVerb.PROPOSE_REROUTE.value] if proposes else []
    return watchers_actions(tx, "referral", f) + found + ([WatchVerb.ASSIGN.value] if Side.SOURCE in mine else [])


def _term(tx: Tx, f: Mapping[str, Any], current: Mapping[str, Any] | None) -> str | None:
    """The target sees the category that it was asked for; after a re-route the need may be of another one."""
    organization = tx.here.organization_id
    if organization in (f["target_organization_id"], *f["asked"]) and organization != f["source_organization_id"]:
        return current["s_term"] if current else None
    return str(f["term"])


def hides(tx: Tx, f: Mapping[str, Any]) -> bool:
    """The backbone sees need and service category unless they are sensitive: nor then why somebody said no, or by when
    they are to answer, since what services state, and their hours, would tell (ADR 17).
    """
    organization = tx.here.organization_id
    return bool(f["sensitive"]) and organization not in (
        f["source_organization_id"],
        f["target_organization_id"],
        *(f["asked"] or ()),
    )


def _client_of(tx: Tx, t: Mapping[str, Any], f: Mapping[str, Any]) -> Any:
    """Each side has its own record of the client; the target's exists from its yes until the consent ends."""
    if f["source_organization_id"] == tx.here.organization_id:
        return f["client_id"]
    return t["own_client_id"] if t["organization_id"] == tx.here.organization_id else None


def _outputs(tx: Tx, t: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was given is between the two that work on it."""
    takes_part = tx.here.organization_id in (t["organization_id"], t["source_organization_id"])
    return dict(t["outputs"]) if takes_part else None


def _ball(t: Mapping[str, Any], holder: Holder) -> BallInCourt | None:
    return None if t["ball_organization_id"] is None else ball_of(holder)


def ball_of(holder: Holder) -> BallInCourt:
    """Whom a reminder or a nudge would reach, too."""
    return BallInCourt(organization_id=holder.organization_id, user_id=holder.user_id)


def _call_now(tx: Tx, t: Mapping[str, Any]) -> str | None:
    """Urgent, and nobody will read it soon: the sender sees at once whom to phone (decision 26)."""
    if t["priority"] != "urgent" or t["state"] != "requested" or not t.get("s_on_call_phone"):
        return None
    calendar = tx.agenda.calendar(t["s_opening_hours"], t["s_closed_on"] or [], bool(t["s_always_open"]))
    return None if calendar.is_open(tx.now) else str(t["s_on_call_phone"])
