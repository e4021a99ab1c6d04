"""Typed stubs of the activities that workflows call, by name, and the policies under which they run (decision 6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from domain.progress import OpenTask, Progress, Step, StepResult

QUEUE = "concert"
_RETRY = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=5))
_CALL = timedelta(seconds=5)
_THRESHOLD = timedelta(seconds=10)
TEN_YEARS = timedelta(days=3652)
GAVE_UP = (ActivityError, ApplicationError)
"""What an activity that will not be tried again raises: the second, unwrapped, where it was a local one."""


async def advance_referral(referral_id: str) -> Progress:
    return await _advance("advance_referral", referral_id)


async def advance_plan(plan_id: str) -> Progress:
    return await _advance("advance_plan", plan_id)


async def _advance(name: str, case_id: str) -> Progress:
    progress: Progress = await workflow.execute_local_activity(
        name,
        case_id,
        result_type=Progress,
        start_to_close_timeout=_CALL,
        retry_policy=_RETRY,
        local_retry_threshold=_THRESHOLD,
    )
    return progress


async def settle_task(task_id: str, result: StepResult) -> str:
    state: str = await workflow.execute_local_activity(
        "settle_task",
        args=[task_id, result],
        result_type=str,
        start_to_close_timeout=_CALL,
        retry_policy=_RETRY,
        local_retry_threshold=_THRESHOLD,
    )
    return state


def perform_step(task: OpenTask) -> workflow.ActivityHandle[Any]:
    """Scheduled once a task, with the task's id; pending for as long as the partner works on it.

    Its result is not typed here: a partner's worker that answers nonsense must not stop the referral's clocks.
    """
    return workflow.start_activity(
        "perform_step",
        Step(task.id),
        activity_id=task.id,
        task_queue=task.queue,
        start_to_close_timeout=TEN_YEARS,
        heartbeat_timeout=timedelta(seconds=60) if task.own_queue else None,
        retry_policy=_RETRY if task.own_queue else RetryPolicy(maximum_attempts=1),
        cancellation_type=workflow.ActivityCancellationType.ABANDON,
    )
