"""What the plan's workflow asks of the record."""

from __future__ import annotations

from uuid import UUID

from temporalio import activity

from activities.codes import coded
from domain.progress import Progress
from services import plan_advance
from services.transaction import Record


class PlanActivities:
    """Bound to one record, so that a worker and its tests say which."""

    def __init__(self, record: Record) -> None:
        self._record = record

    @activity.defn(name="advance_plan")
    @coded
    def advance_plan(self, plan_id: str) -> Progress:
        return plan_advance.advance_plan(self._record, UUID(plan_id))
