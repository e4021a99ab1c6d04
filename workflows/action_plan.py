"""The story of an action plan, from its first steps to the outcome of its goals."""

from __future__ import annotations

from temporalio import workflow

from workflows.activities import advance_plan
from workflows.case import Case


@workflow.defn(name="ActionPlan")
class ActionPlanWorkflow(Case):
    """One activity for each open task of each open step; whatever ends or is edited, the record says what opens next.

    Never continued as new while a step is pending: two years with monthly reviews stay far below the engine's limits.
    """

    @workflow.run
    async def run(self, plan_id: str) -> str:
        return await self._follow(advance_plan, plan_id)
