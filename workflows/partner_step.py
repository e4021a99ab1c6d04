"""Each step is an activity owned by one partner: the one place where that is so, for referrals and for plans alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from temporalio import workflow

from domain.progress import OpenTask, StepResult
from workflows.activities import GAVE_UP, perform_step, settle_task


class PartnerSteps:
    """The steps that partners are working on. An activity id is never used twice in a run (decision 8)."""

    def __init__(self) -> None:
        self._pending: dict[str, workflow.ActivityHandle[Any]] = {}
        self._known: set[str] = set()

    def open(self, tasks: Iterable[OpenTask]) -> None:
        """Schedule what is not scheduled yet, on its partner's queue."""
        for task in tasks:
            if task.id not in self._known:
                self._known.add(task.id)
                self._pending[task.id] = perform_step(task)

    def any_ended(self) -> bool:
        return any(handle.done() for handle in self._pending.values())

    async def settle(self) -> None:
        """Hand over what a partner's own worker returned; what the record knows already needs nothing."""
        for task_id, handle in [(k, h) for k, h in self._pending.items() if h.done()]:
            del self._pending[task_id]
            try:
                result = StepResult.read(await handle)
                if not result.recorded:
                    await settle_task(task_id, result)
            except GAVE_UP:
                # It says nothing about the task: that stays with the partner's people and its clocks.
                workflow.logger.warning("a partner's worker gave up; its people go on")
