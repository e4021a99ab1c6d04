"""The proof at the end: every promise is checked against the record, the API and Temporal, and each may fail."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus

from concert.demo.history import all_workflows, found_in_histories
from concert.demo.moves import is_closed, last_task
from services.folding import broken_seal
from services.outbox import depth
from services.transaction import Record
from services.verifying import verify_indicators

SETTLE_SECONDS = 10.0
Name = Callable[[str], str]
Shown = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, whether it holds, and what was counted."""

    promise: str
    holds: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Open:
    """A referral that is not closed, and why; `why` is empty where nobody can say."""

    reference: str
    why: str


def still_open(referrals: Iterable[Shown], stalled: Sequence[Shown], name: Name) -> list[Open]:
    """Every open referral with its reason: listed as stalled, or waiting for somebody until a moment to come."""
    reasons = {item["referral_id"] or item["id"]: item for item in stalled}
    return [
        Open(referral["reference"], _why(referral, reasons.get(referral["id"]), name))
        for referral in referrals
        if not is_closed(referral)
    ]


def _why(referral: Shown, item: Shown | None, name: Name) -> str:
    if item is not None:
        return f"Stalled: {item['reason']} Next: {item['remedy']}"
    ball, due = referral["ball_in_court"], referral["due_at"]
    if ball is None or due is None or datetime.fromisoformat(due) <= datetime.now(UTC):
        return ""
    who, task = name(ball["organization_id"]), last_task(referral)
    if task["state"] == "on_hold":
        return f"On hold at {who}, to be resumed on {datetime.fromisoformat(due):%-d %B %Y}."
    waiting = "has the client on its waitlist" if task["state"] == "waitlisted" else "has the ball"
    return f"{who} {waiting}; its time is not over."


def closed_or_explained(expected: int, referrals: Sequence[Shown], open_: Sequence[Open]) -> Check:
    unexplained = [each.reference for each in open_ if not each.why]
    closed = sum(is_closed(referral) for referral in referrals)
    detail = f"{closed} closed, {len(open_)} open with a reason, of {expected}"
    if unexplained:
        detail += f"; nobody can say why of {', '.join(unexplained)}"
    holds = not unexplained and len(referrals) == expected == closed + len(open_)
    return Check("Every referral is closed or explained", holds, detail)


def moves_answered(moves: int, lost_races: int, refusals: Sequence[str]) -> Check:
    races = f"; {count(lost_races, 'time')} a colleague was faster" if lost_races else ""
    detail = f"{count(moves, 'move')} over HTTP{races}"
    if refusals:
        detail += f"; {len(refusals)} refused: {refusals[0]}"
    return Check("No caseworker was turned away", not refusals, detail)


def numbers_agree(record: Record) -> Check:
    """Totals = what is folded and not yet folded = what all events earn."""
    found = verify_indicators(record)
    detail = f"{found.events} events, {found.entries} entries, {found.totals} totals"
    if not found.holds:
        detail += f"; {len(found.differences)} differences: {found.differences[0]}"
    return Check("The numbers are what the events say", found.holds and found.events > 0, detail)


async def one_workflow_each(client: Client, record: Record) -> Check:
    """Exactly one for each referral that is more than information, open where it is open, none failed."""
    referrals = await asyncio.to_thread(_referral_states, record)
    runs: list[WorkflowExecution] = []
    wrong: list[str] = []
    async for _ in _patiently():
        runs = await all_workflows(client)
        wrong = _disagreements(runs, referrals)
        if not wrong:
            break
    detail = f"{len(runs)} workflows for {len(referrals)} referrals"
    detail += f"; {len(wrong)} disagree: {wrong[0]}" if wrong else ""
    return Check("One workflow for each referral", not wrong and bool(referrals), detail)


def _disagreements(runs: Sequence[WorkflowExecution], referrals: Mapping[str, bool]) -> list[str]:
    found = Counter(run.id for run in runs)
    wrong = [f"{key} has {found[key]}" for key in referrals if found[key] != 1]
    wrong += [f"{key} belongs to no referral" for key in found if key not in referrals]
    wanted = {True: WorkflowExecutionStatus.RUNNING, False: WorkflowExecutionStatus.COMPLETED}
    known = (run for run in runs if run.id in referrals)
    return wrong + [f"{run.id} is {_status(run)}" for run in known if run.status is not wanted[referrals[run.id]]]


def _status(run: WorkflowExecution) -> str:
    return run.status.name.lower() if run.status else "unknown"


def _referral_states(record: Record) -> dict[str, bool]:
    """Workflow id → whether the referral is open; information given has no workflow."""
    with record.database.transaction() as connection:
        return {row.workflow: row.open for row in connection.execute(_REFERRALS)}


async def nothing_personal(client: Client, secrets: Iterable[str]) -> Check:
    words = set(secrets)
    runs = await all_workflows(client)
    found = await found_in_histories(client, runs, words)
    detail = f"{len(words)} names, numbers, addresses and notes looked for in {len(runs)} histories"
    detail += f"; found in {', '.join(found[:3])}" if found else ""
    return Check("No personal data in Temporal", not found and bool(words) and bool(runs), detail)


async def audit_whole(record: Record) -> Check:
    """Each change sealed, each seal following from the one before."""
    sealed = unsealed = 0
    async for _ in _patiently():
        sealed, unsealed = await asyncio.to_thread(_count, record, _SEALS)
        if not unsealed:
            break
    broken = await asyncio.to_thread(broken_seal, record)
    detail = f"{sealed} changes sealed"
    detail += f", {unsealed} not yet" if unsealed else ""
    detail += f"; broken at number {broken}" if broken is not None else ""
    return Check("The audit chain is whole", broken is None and not unsealed and sealed > 0, detail)


async def outbox_empty(record: Record) -> Check:
    waiting = dead = 0
    async for _ in _patiently():
        waiting, _age, dead = await asyncio.to_thread(depth, record)
        if not waiting:
            break
    detail = "No message waits to be delivered" if not waiting + dead else f"{waiting} wait, {dead} cannot be delivered"
    return Check("The engine has heard everything", not waiting + dead, detail)


def deadlines(record: Record) -> tuple[int, int, int]:
    """How many reminders, escalations and expiries there were."""
    reminders, escalations, expiries = _count(record, _DEADLINES)
    return reminders, escalations, expiries


def deadlines_worked(reminders: int, escalations: int, expiries: int) -> Check:
    """Each kind at least once: otherwise the demonstration has not shown what it promised."""
    detail = f"{count(reminders, 'reminder')}, {count(escalations, 'escalation')}, {expiries} expired unanswered"
    return Check("Deadlines did their work", min(reminders, escalations, expiries) > 0, detail)


def count(n: int, what: str) -> str:
    """`1 reminder`, `2 reminders`."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _count(record: Record, statement: Any) -> tuple[int, ...]:
    with record.database.transaction() as connection:
        return tuple(connection.execute(statement).one())


async def _patiently() -> Any:
    """Asks again for a few seconds: delivery, sealing and Temporal's own list come a moment later."""
    loop = asyncio.get_running_loop()
    until = loop.time() + SETTLE_SECONDS
    while True:
        yield
        if loop.time() > until:
            return
        await asyncio.sleep(0.25)


_REFERRALS = text(
    """
select 'referral-' || id as workflow, state in ('active', 'awaiting_source') as open
  from referral where kind <> 'information' and action_plan_id is null
union all
select 'plan-' || id, state = 'active' from action_plan
"""
)
_SEALS = text("select (select count(*) from audit_seal), (select count(*) from audit_unsealed)")
_DEADLINES = text(
    """
select count(*) filter (where kind in ('task_overdue', 'task_reminded', 'referral_overdue', 'referral_reminded')),
       count(*) filter (where kind in ('task_escalated', 'referral_escalated')),
       count(*) filter (where kind = 'task_expired')
  from event
"""
)
