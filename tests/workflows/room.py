"""What can be seen and done in the engine's own room: histories, pending activities, workers started and stopped."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from temporalio.api.enums.v1 import EventType, WorkflowExecutionStatus
from temporalio.client import Client, WorkflowHistory
from temporalio.service import RPCError

from concert.relay import Relay
from concert.worker import work
from services.outbox import claim
from tests.house import House, Loop, eventually
from tests.workflows.fingerprint import commands

T = TypeVar("T")


@dataclass
class Room:
    """The module's Temporal namespace, seen with Temporal's own client."""

    house: House
    loop: Loop
    client: Client

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run(coroutine)

    def describe(self, workflow_id: str) -> Any:
        return self.run(self.client.get_workflow_handle(workflow_id).describe()).raw_description

    def history(self, workflow_id: str) -> WorkflowHistory:
        return self.run(self.client.get_workflow_handle(workflow_id).fetch_history())

    def commands(self, workflow_id: str) -> list[str]:
        return commands(self.history(workflow_id))

    def known(self, workflow_id: str) -> bool:
        with suppress(RPCError):
            return bool(self.describe(workflow_id))
        return False

    def status(self, workflow_id: str) -> str:
        number = self.describe(workflow_id).workflow_execution_info.status
        return WorkflowExecutionStatus.Name(number).removeprefix("WORKFLOW_EXECUTION_STATUS_").lower()

    def pending(self, workflow_id: str) -> dict[str, Any]:
        """Activities that wait for their partner, by id."""
        return {one.activity_id: one for one in self.describe(workflow_id).pending_activities}

    def scheduled(self, workflow_id: str) -> list[tuple[str, str]]:
        """(activity id, queue) of every partner step so far."""
        wanted = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
        found = [
            e.activity_task_scheduled_event_attributes
            for e in self.history(workflow_id).events
            if e.event_type == wanted
        ]
        return [(one.activity_id, one.task_queue.name) for one in found]

    def transitions(self, workflow_id: str) -> int:
        return int(self.describe(workflow_id).workflow_execution_info.state_transition_count)

    def runs(self, workflow_id: str) -> int:
        """How many runs that workflow ever had."""

        async def count() -> int:
            return sum([1 async for _ in self.client.list_workflows(f"WorkflowId = '{workflow_id}'")])

        return self.run(count())

    def ended(self, workflow_id: str, *, seconds: float = 30) -> str:
        """Wait until it is over; answers how."""
        return (
            eventually(lambda: _over(self.status(workflow_id)) if self.known(workflow_id) else None, seconds=seconds)
            or ""
        )

    def all_that_it_knows(self, workflow_id: str) -> bytes:
        """Every byte of the history and of what is pending, failures and payloads included."""
        events = b"".join(event.SerializeToString() for event in self.history(workflow_id).events)
        return events + bytes(self.describe(workflow_id).SerializeToString())

    def idle(self, workflow_id: str) -> None:
        """Wait until nothing is on its way to it and it has decided everything that it was told."""

        def still() -> bool:
            waiting = self.house.sql("select count(*) from outbox where workflow_id = %s and not dead", workflow_id)
            return waiting[0][0] == 0 and self.known(workflow_id) and _decided(self.history(workflow_id))

        eventually(still, seconds=30)

    def relay(self) -> Relay:
        return Relay(self.house.engine, self.client, "")

    def deliver(self) -> int:
        """One relay delivers what is due; answers how many messages it claimed."""
        return self.run(self.relay().deliver_batch())

    def lose_messages(self) -> None:
        """What is in the outbox now was delivered to nobody."""
        while claim(self.house.engine):
            self.house.sql("delete from outbox")

    def open_worker(self) -> Callable[[], None]:
        """The engine's worker without a relay; answers how to stop it."""

        @asynccontextmanager
        async def working() -> Any:
            task = asyncio.create_task(work(self.house.engine, self.client))
            try:
                yield
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

        return self.loop.enter(working())[1]


def at_once(doings: list[Callable[[], T]]) -> list[T]:
    """All of them at the same moment, each in a thread of its own."""
    with ThreadPoolExecutor(len(doings)) as pool:
        return [future.result() for future in [pool.submit(doing) for doing in doings]]


def repeated(values: list[Any]) -> list[Any]:
    return [value for value, times in Counter(values).items() if times > 1]


def _over(status: str) -> str | None:
    return None if status == "running" else status


def _decided(history: WorkflowHistory) -> bool:
    """No decision is under way: the last thing about decisions is one that was made."""
    about = [e.event_type for e in history.events if e.event_type in _DECISIONS]
    return bool(about) and about[-1] == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


_DECISIONS = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
    }
)
