"""The story of a referral, from the first offer to the closed loop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow

from domain.progress import Progress
from workflows.activities import GAVE_UP, advance_referral
from workflows.partner_step import PartnerSteps

AGAIN = timedelta(minutes=1)


@workflow.defn(name="Referral")
class ReferralWorkflow:
    """Asks the record what is open and due, keeps one activity for each open task, and sleeps until the next deadline.

    Never continued as new: a referral is short, and its history is its timeline.
    """

    def __init__(self) -> None:
        self._look = False

    @workflow.run
    async def run(self, referral_id: str) -> str:
        steps = PartnerSteps()
        while True:
            self._look = False
            progress = await self._ask(referral_id)
            if progress.over:
                return progress.state
            steps.open(progress.open)
            await self._something_happens(steps, progress.look_in)
            await steps.settle()

    @workflow.signal
    def look(self) -> None:
        """Something changed in the record: ask it again."""
        self._look = True

    async def _ask(self, referral_id: str) -> Progress:
        """A refusal here is a bug of ours: the referral outlives it and asks again until it is fixed (decision 5)."""
        while True:
            try:
                return await advance_referral(referral_id)
            except GAVE_UP:
                workflow.logger.warning("the record refused to say where the referral stands")
                await self._until(lambda: self._look, AGAIN)

    async def _something_happens(self, steps: PartnerSteps, look_in: float | None) -> None:
        """A partner ended a step, somebody asked for a look, or the next deadline came."""
        at_most = None if look_in is None else timedelta(seconds=look_in)
        await self._until(lambda: self._look or steps.any_ended(), at_most)

    async def _until(self, true: Callable[[], bool], at_most: timedelta | None) -> None:
        with suppress(TimeoutError):
            await workflow.wait_condition(true, timeout=at_most)
