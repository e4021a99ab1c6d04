"""The one loop of a case, whether it is a referral or a plan: ask the record, keep its steps going, wait, ask again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow

from domain.progress import Progress
from workflows.activities import GAVE_UP
from workflows.partner_step import PartnerSteps

AGAIN = timedelta(minutes=1)
Advance = Callable[[str], Awaitable[Progress]]


class Case:
    """What a workflow of each kind of case is made of; `advance` asks the record where that kind of case stands."""

    def __init__(self) -> None:
        self._look = False

    @workflow.signal
    def look(self) -> None:
        """Something changed in the record: ask it again."""
        self._look = True

    async def _follow(self, advance: Advance, case_id: str) -> str:
        """Until nothing is left; answers how it ended."""
        steps = PartnerSteps()
        while True:
            self._look = False
            progress = await self._ask(advance, case_id)
            if progress.over:
                return progress.state
            steps.open(progress.open)
            await self._something_happens(steps, progress.look_in)
            await steps.settle()

    async def _ask(self, advance: Advance, case_id: str) -> Progress:
        """A refusal here is a bug of ours: the case outlives it and asks again until it is fixed (decision 5)."""
        while True:
            try:
                return await advance(case_id)
            except GAVE_UP:
                workflow.logger.warning("the record refused to say where the case stands")
                await self._until(lambda: self._look, AGAIN)

    async def _something_happens(self, steps: PartnerSteps, look_in: float | None) -> None:
        """A partner ended a step, somebody asked for a look, or the next deadline came."""
        at_most = None if look_in is None else timedelta(seconds=look_in)
        await self._until(lambda: self._look or steps.any_ended(), at_most)

    async def _until(self, true: Callable[[], bool], at_most: timedelta | None) -> None:
        with suppress(TimeoutError):
            await workflow.wait_condition(true, timeout=at_most)
