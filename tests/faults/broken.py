"""A release with a bug; `release` runs a worker of it.

Its referrals do something that their histories do not hold, and new ones stumble over a bug. Plans are as they were.
"""

from __future__ import annotations

from temporalio import workflow

from workflows.activities import advance_referral
from workflows.case import Case


@workflow.defn(name="Referral")
class BrokenReferral(Case):
    """Waits where the release before did not: no history can be replayed with it. A new case gets as far as the bug."""

    @workflow.run
    async def run(self, referral_id: str) -> str:
        await workflow.sleep(0.1)
        progress = await self._ask(advance_referral, referral_id)
        nothing: dict[str, str] = {}
        return nothing[progress.state]
