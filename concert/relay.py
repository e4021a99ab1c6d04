"""The relay: tells Temporal what the record decided, at least once and in any order; every consumer is idempotent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from time import perf_counter
from typing import Any
from uuid import UUID

import psycopg
import structlog
from opentelemetry.trace import Tracer
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from concert.measures import BATCHES, RELAYED
from concert.tracing import delivering
from domain.progress import StepResult
from services.outbox import Message, claim, delivered, postpone
from services.reconciling import still_open
from services.transaction import Record
from storage.wake import CHANNEL
from workflows.action_plan import ActionPlanWorkflow
from workflows.activities import QUEUE
from workflows.referral import ReferralWorkflow

log = structlog.get_logger("concert.relay")
CALL_SECONDS = 5
POLL_SECONDS = 2.0
BATCH = 100
_RUN: dict[str, Callable[..., Any]] = {"referral": ReferralWorkflow.run, "plan": ActionPlanWorkflow.run}
_PASSING = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.ABORTED,
        # Not the message's fault either: a namespace that is not there yet, an engine that does not know us.
        RPCStatusCode.NOT_FOUND,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.PERMISSION_DENIED,
    }
)


async def deliver(client: Client, message: Message) -> bool:
    """One message; False: its workflow had ended, and was not begun again. A `complete` that finds nothing becomes a
    look: not yet scheduled and already over read the same."""
    if message.kind == "complete":
        try:
            await _complete(client, message)
            return True
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
    elif message.kind != "look":
        raise ValueError("a kind of message that nobody knows")
    return await look(client, message.workflow_id)


async def _complete(client: Client, message: Message) -> None:
    handle = client.get_async_activity_handle(
        workflow_id=message.workflow_id, run_id=None, activity_id=str(message.task_id)
    )
    result = StepResult(message.result or "completed", recorded=True)
    await asyncio.wait_for(handle.complete(result), CALL_SECONDS)


async def look(client: Client, workflow_id: str, *, again: bool = False) -> bool:
    """Start the workflow if there is none, and make it ask the record; False: it had ended. `again`: also then
    (rehydrate, a case that was opened again)."""
    kind, _, case_id = workflow_id.partition("-")
    if kind not in _RUN:  # it would be tried by a worker for ever, as would an id that is none
        raise ValueError("a workflow of a kind that nobody knows")
    policy = WorkflowIDReusePolicy.ALLOW_DUPLICATE if again else WorkflowIDReusePolicy.REJECT_DUPLICATE
    try:
        await client.start_workflow(
            _RUN[kind],
            str(UUID(case_id)),
            id=workflow_id,
            task_queue=QUEUE,
            id_reuse_policy=policy,
            start_signal="look",
            rpc_timeout=timedelta(seconds=CALL_SECONDS),
        )
    except WorkflowAlreadyStartedError:
        return False  # the record says why
    return True


class Relay:
    """Claims and delivers until cancelled. Several may run; each message is leased to one."""

    def __init__(self, record: Record, client: Client, listen_url: str, tracer: Tracer | None = None) -> None:
        self._record = record
        self._client = client
        self._listen_url = listen_url
        self._tracer = tracer
        self._woken = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._deliver_all())

    async def _deliver_all(self) -> None:
        while True:
            self._woken.clear()
            try:
                while await self.deliver_batch() == BATCH:
                    pass
            except Exception as error:  # noqa: BLE001 - mostly the record is away; whatever it is, nothing is lost by another poll
                log.warning("relay_waits", type=type(error).__name__)
            try:
                await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)
            except TimeoutError:
                continue

    async def deliver_batch(self) -> int:
        """Claim a batch and deliver it; answers how many were claimed."""
        messages = await asyncio.to_thread(claim, self._record, BATCH)
        begun = perf_counter()
        if messages:
            away = Counter[str]()
            outcomes = await asyncio.gather(*(self._try(message, away) for message in messages))
            for code, count in away.items():
                log.warning("not_delivered", code=code, count=count)
            done = [message.id for message, ok in zip(messages, outcomes, strict=True) if ok]
            await asyncio.to_thread(delivered, self._record, done)
            BATCHES.observe(perf_counter() - begun)
        return len(messages)

    async def _try(self, message: Message, away: Counter[str]) -> bool:
        """A message that fails is put back with its error's code; the others flow. What is no message's own fault is
        counted in `away`: a silent engine is one line in the log a round.
        """
        try:
            with delivering(self._tracer, message):
                if not await deliver(self._client, message) and await asyncio.to_thread(self._is_open, message):
                    await look(self._client, message.workflow_id, again=True)
        except Exception as error:  # noqa: BLE001 - nothing that one message does may stop the others
            code, final = _code(error)
            if final:
                log.warning("not_delivered", kind=message.kind, workflow=message.workflow_id, code=code)
            else:
                away[code] += 1
            dead = await asyncio.to_thread(postpone, self._record, message, code, final=final)
            _relayed(message, "dead" if dead else "postponed")
            return False
        _relayed(message, "delivered")
        return True

    def _is_open(self, message: Message) -> bool:
        """Whether the record goes on although its workflow has ended: an error was taken back."""
        return bool(still_open(self._record, [UUID(message.workflow_id.partition("-")[2])]))

    async def _listen(self) -> None:
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(self._listen_url, autocommit=True, connect_timeout=5)
                async with connection:
                    await connection.execute(f"listen {CHANNEL}")
                    self._woken.set()
                    async for _ in connection.notifies():
                        self._woken.set()
            except psycopg.Error:
                await asyncio.sleep(1)


def _relayed(message: Message, outcome: str) -> None:
    """A kind that nobody knows is text of unknown origin: it is counted, not named."""
    kind = message.kind if message.kind in ("look", "complete") else "unknown"
    RELAYED.labels(kind, outcome).inc()


def _code(error: Exception) -> tuple[str, bool]:
    """The error as a code, and whether trying again may never help."""
    if isinstance(error, RPCError):
        return error.status.name, error.status not in _PASSING
    if isinstance(error, TimeoutError):
        return "TIMEOUT", False
    return type(error).__name__, True
