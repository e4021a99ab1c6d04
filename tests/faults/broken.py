"""A release with two bugs; `release` runs a worker of it.

It waits where the release before did not, so that no history of that one can be replayed; a new case meets a bug before
anything of it is written down. Plans are as they were.
"""

from __future__ import annotations

from temporalio import workflow

from workflows.activities import advance_referral
from workflows.case import Case


@workflow.defn(name="Referral")
class BrokenReferral(Case):
    @workflow.run
    async def run(self, referral_id: str) -> str:
        if workflow.unsafe.is_replaying():
            await workflow.sleep(1)
            return await self._follow(advance_referral, referral_id)
        nothing: dict[str, str] = {}
        return nothing[referral_id]
