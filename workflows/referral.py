"""The story of a referral, from the first offer to the closed loop."""

from __future__ import annotations

from temporalio import workflow

from workflows.activities import advance_referral
from workflows.case import Case


@workflow.defn(name="Referral")
class ReferralWorkflow(Case):
    """Asks the record what is open and due, keeps one activity for each open task, and sleeps until the next deadline.

    Never continued as new: a referral is short, and its history is its timeline.
    """

    @workflow.run
    async def run(self, referral_id: str) -> str:
        return await self._follow(advance_referral, referral_id)
