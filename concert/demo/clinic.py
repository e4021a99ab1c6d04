"""A partner's own system: a Temporal worker on the partner's queue. It reads over HTTP and answers by returning."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from concert.demo.casebook import Casebook
from concert.demo.pace import Pace
from concert.demo.people import Person, Refused
from domain.progress import Step, StepResult
from seed.directory import Organization
from seed.story import Request

_SILENT = frozenset({"ignore", "quiet_after_accept", "withdraw"})
_ENDED = frozenset({"declined", "completed", "failed", "cancelled", "expired", "entered_in_error"})


class OwnSystem:
    """The records system of one partner. Nobody types its answers into Concert: the engine writes them down."""

    def __init__(self, organization: Organization, person: Person, book: Casebook, pace: Pace) -> None:
        self._organization = organization
        self._person = person
        self._book = book
        self._pace = pace

    async def work(self, client: Client) -> None:
        """Until cancelled."""
        worker = Worker(
            client,
            task_queue=self._organization.task_queue,
            activities=[self.perform_step],
            graceful_shutdown_timeout=timedelta(seconds=1),
        )
        async with worker:
            await asyncio.Event().wait()

    @activity.defn(name="perform_step")
    async def perform_step(self, step: Step) -> StepResult:
        """One step from request to outcome; a heartbeat says every second that it is still on it."""
        while True:
            activity.heartbeat()
            result = await self._result(step)
            if result is not None:
                return result
            await asyncio.sleep(1)

    async def _result(self, step: Step) -> StepResult | None:
        try:
            task = await self._person.get(f"/v1/tasks/{step.task_id}")
        except Refused:
            return None
        if task["state"] in _ENDED:
            return StepResult(task["state"], recorded=True)
        request = self._book.story_of(task)
        waited = (datetime.now(UTC) - datetime.fromisoformat(task["created_at"])).total_seconds()
        if request is None or waited < self._pace.day * (0.2 if task["priority"] == "urgent" else 1.2):
            return None
        result = answer(request, rerouted=self._book.is_rerouted(request, task))
        self._book.by_own_system += result is not None
        return result


def answer(request: Request, *, rerouted: bool) -> StepResult | None:
    """What the system returns for this story; None: it stays silent."""
    kind = "complete" if rerouted else request.ending.kind
    if kind in _SILENT:
        return None
    if kind.startswith("decline"):
        return StepResult("declined", reason=request.ending.reason)
    if kind == "fail":
        not_reached = request.ending.reason_class == "not_reached"  # three tries on three days: people's work
        return StepResult("failed", reason="moved_away" if not_reached else request.ending.reason)
    return StepResult("completed", outcome=request.ending.outcome or "need_met")
