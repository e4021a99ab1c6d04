"""What the referral's workflow asks of the record."""

from __future__ import annotations

from uuid import UUID

from temporalio import activity

from activities.codes import coded
from domain.progress import Progress, Step, StepResult
from services import advance, settling
from services.transaction import Record


class ReferralActivities:
    """Bound to one record, so that a worker and its tests say which."""

    def __init__(self, record: Record) -> None:
        self._record = record

    @activity.defn(name="advance_referral")
    @coded
    def advance_referral(self, referral_id: str) -> Progress:
        return advance.advance_referral(self._record, UUID(referral_id))

    @activity.defn(name="settle_task")
    @coded
    def settle_task(self, task_id: str, result: StepResult) -> str:
        return settling.settle_task(self._record, UUID(task_id), result)


@activity.defn(name="perform_step")
def perform_step(_step: Step) -> StepResult:
    """The hosted partners' step: their people act through the API, the relay completes it by (workflow, task id)."""
    activity.raise_complete_async()
