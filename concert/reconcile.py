"""Record and engine side by side: what must hold of both, and how to make the engine follow the record again.

The record is right by definition. Everything here may be repeated, and may run while people work.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import structlog
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from concert.relay import deliver, look
from domain.pulse import Trouble
from services.findings import known_cases
from services.invariants import check_record
from services.outbox import LEASE_SECONDS, Message, depth
from services.reconciling import OpenCase, ended_tasks, open_cases, revive, still_open
from services.transaction import Record

log = structlog.get_logger("concert.reconcile")
T = TypeVar("T")
Progressed = Callable[[int, int], object]
AT_ONCE = 20
FAILING = 3
"""Attempts at one workflow task after which the workflow's own code is at fault."""
_CASE = re.compile(r"(referral|plan)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
RUNNING = "WorkflowType IN ('Referral', 'ActionPlan') AND ExecutionStatus = 'Running'"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One referral or plan whose workflow is not as the record says."""

    workflow_id: str
    trouble: Trouble
    sentence: str
    code: str = ""

    @property
    def case_id(self) -> UUID:
        return case_of(self.workflow_id)


@dataclass(slots=True)
class Repaired:
    """What a repair did, in numbers, and what it could not mend.

    `revived`: messages that were given up; `started`: workflows that run again or begin anew; `looked`: all that
    were made to ask the record; `completed`: steps; `terminated`: workflows that disagreed.
    """

    revived: int = 0
    started: int = 0
    looked: int = 0
    completed: int = 0
    terminated: int = 0
    left: tuple[str, ...] = ()


def nobody(done: int, total: int) -> None:
    """For those who do not watch."""


async def check_invariants(record: Record, client: Client, *, patience: float = LEASE_SECONDS + 15.0) -> list[str]:
    """Every violation of I2 to I6, as sentences; empty if all holds.

    For a moment when nobody works: gives outbox and engine `patience` seconds to come to rest, then says what is not. A
    message that a killed relay had claimed rests for the length of its lease.
    """
    until = time.monotonic() + patience
    found = await _rest(record, until)
    disagreements = await disagreements_of(record, client, until=until)
    found += await asyncio.to_thread(check_record, record)
    return found + [each.sentence for each in disagreements]


async def rehydrate(record: Record, client: Client, progressed: Progressed = nobody) -> int:
    """Start the workflow of every open case that has none, and make the others look; answers how many there are."""
    work = await asyncio.to_thread(lambda: list(open_cases(record)))
    await _each(work, lambda one: look(client, one.workflow_id, again=True), progressed)
    return len(work)


async def repair(
    record: Record, client: Client, progressed: Progressed = nobody, *, patience: float = 10.0
) -> Repaired:
    """Make the engine follow the record: revive messages, start what is missing, begin anew what disagrees."""
    done = Repaired(revived=await asyncio.to_thread(revive, record))
    done.completed, absent = await _complete_ended(record, client)
    done.looked = await rehydrate(record, client, progressed)
    wrong = await disagreements_of(record, client, until=time.monotonic() + patience)
    for each in wrong:
        done.terminated += await _terminate(client, each.workflow_id)
    await rehydrate(record, client)
    left = await disagreements_of(record, client, until=time.monotonic() + patience)
    absent |= {each.workflow_id for each in wrong if each.trouble is not Trouble.STRAY}
    done.started = len(absent - {each.workflow_id for each in left if each.trouble is Trouble.MISSING})
    done.left = tuple(each.sentence for each in left)
    return done


async def disagreements_of(record: Record, client: Client, *, until: float = 0.0) -> list[Disagreement]:
    """Where engine and record differ. That is looked at again until `until` (monotonic): much is only under way."""
    work = await asyncio.to_thread(lambda: list(open_cases(record)))
    found = await _compare(client, work) + await _strays(record, client, {one.workflow_id for one in work})
    while found and time.monotonic() < until:
        await asyncio.sleep(0.3)
        asked = {each.workflow_id for each in found}
        work = await asyncio.to_thread(still_open, record, [case_of(each) for each in asked])
        found = await _compare(client, work) + await running_among(client, asked - {one.workflow_id for one in work})
    return found


async def _rest(record: Record, until: float) -> list[str]:
    while True:
        waiting, age, _ = await asyncio.to_thread(depth, record)
        if not waiting:
            return []
        if time.monotonic() > until:
            return [f"I4 {waiting} messages wait in the outbox, the oldest for {age:.0f} s: is the relay running?"]
        await asyncio.sleep(0.1)


# ---------------------------------------------------------------------------------------------- one case


async def differing(client: Client, work: list[OpenCase]) -> list[Disagreement]:
    """Those of `work` without a workflow, or with one that sleeps and is behind: who is awake is about to ask."""
    found: list[Disagreement] = []

    async def one(case: OpenCase) -> None:
        run = await _describe(client, case.workflow_id)
        awake = run is not None and run.raw_description.HasField("pending_workflow_task")
        differs = None if awake else _disagreement(case, run)
        if differs is not None:
            found.append(differs)

    await _each(work, one)
    return found


async def _compare(client: Client, work: list[OpenCase]) -> list[Disagreement]:
    answers: list[Disagreement | None] = []

    async def one(case: OpenCase) -> None:
        answers.append(_disagreement(case, await _describe(client, case.workflow_id)))

    await _each(work, one)
    return [each for each in answers if each is not None]


def _disagreement(case: OpenCase, run: WorkflowExecutionDescription | None) -> Disagreement | None:
    name = _name(case.workflow_id)
    if run is None or run.status is not WorkflowExecutionStatus.RUNNING:
        state = "none" if run is None or run.status is None else run.status.name.lower()
        sentence = f"I4 {name} is open and has no running workflow ({state})"
        return Disagreement(case.workflow_id, Trouble.MISSING, sentence, state)
    if run.raw_description.pending_workflow_task.attempt >= FAILING:
        return Disagreement(case.workflow_id, Trouble.FAILING, f"I4 {name}: its workflow fails again and again")
    if lacking := case.tasks - _pending(run):
        sentence = f"I5 {name}: task {min(lacking)} is open, and its workflow does not wait for it"
        return Disagreement(case.workflow_id, Trouble.BEHIND, sentence, "task")
    return None


def _name(workflow_id: str) -> str:
    """`referral 0193…`"""
    return workflow_id.replace("-", " ", 1)


def case_of(workflow_id: str) -> UUID:
    return UUID(workflow_id.partition("-")[2])


async def of_cases(record: Record, runs: list[WorkflowExecution]) -> list[WorkflowExecution]:
    """Those whose id names a referral or a plan of the record. Others were begun by hand and are left alone; such an id
    may hold anything, so the log has their runs.
    """
    named = [run.id for run in runs if _CASE.fullmatch(run.id)]
    known = await asyncio.to_thread(known_cases, record, named) if named else frozenset()
    others = [run.run_id for run in runs if run.id not in known]
    if others:
        log.warning("workflows_of_no_case", count=len(others), runs=others[:20])
    return [run for run in runs if run.id in known]


def _pending(run: WorkflowExecutionDescription) -> set[UUID]:
    """The tasks that the workflow waits for; the engine's own activities are local and never pending."""
    return {UUID(pending.activity_id) for pending in run.raw_description.pending_activities}


async def _describe(client: Client, workflow_id: str) -> WorkflowExecutionDescription | None:
    try:
        return await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


async def _strays(record: Record, client: Client, known: set[str]) -> list[Disagreement]:
    """Workflows that run for what is over, or for what a restored record lacks. The list lags: each is asked."""
    listed = {run.id async for run in client.list_workflows(RUNNING) if _CASE.fullmatch(run.id)} - known
    born = await asyncio.to_thread(still_open, record, [case_of(each) for each in listed])
    return await running_among(client, listed - {one.workflow_id for one in born})


async def running_among(client: Client, workflow_ids: Iterable[str]) -> list[Disagreement]:
    """Those of them that run, for what is over."""
    found: list[Disagreement] = []

    async def one(workflow_id: str) -> None:
        run = await _describe(client, workflow_id)
        if run is not None and run.status is WorkflowExecutionStatus.RUNNING:
            sentence = f"I5 {_name(workflow_id)} is not open, and a workflow runs for it"
            found.append(Disagreement(workflow_id, Trouble.STRAY, sentence))

    await _each(workflow_ids, one)
    return found


# ---------------------------------------------------------------------------------------------- mending


async def _complete_ended(record: Record, client: Client) -> tuple[int, set[str]]:
    """End the steps that a workflow still waits for though their tasks are over: an engine restored from earlier.

    Answers how many those were, and the cases of which no workflow runs.
    """
    done: list[UUID] = []
    absent: set[str] = set()

    async def one(case: OpenCase) -> None:
        run = await _describe(client, case.workflow_id)
        if run is None or run.status is not WorkflowExecutionStatus.RUNNING:
            absent.add(case.workflow_id)
            return
        over = await asyncio.to_thread(ended_tasks, record, list(_pending(run) - case.tasks))
        for task_id, state in over.items():
            await deliver(client, Message(0, "complete", case.workflow_id, task_id, state, 0))
            done.append(task_id)

    await _each(await asyncio.to_thread(lambda: list(open_cases(record))), one)
    return len(done), absent


async def _terminate(client: Client, workflow_id: str) -> int:
    try:
        await client.get_workflow_handle(workflow_id).terminate("the record says otherwise")
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return 0
        raise
    return 1


async def _each(work: Iterable[T], act: Callable[[T], Awaitable[object]], progressed: Progressed = nobody) -> None:
    """A few at a time."""
    queue = list(work)
    total, waiting = len(queue), iter(queue)
    done = 0

    async def lane() -> None:
        nonlocal done
        for one in waiting:
            await act(one)
            done += 1
            progressed(done, total)

    await asyncio.gather(*(lane() for _ in range(min(AT_ONCE, total))))
