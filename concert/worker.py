"""The worker: runs the workflows, the record's local activities, and the hosted partners' step."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.plans import PlanActivities
from activities.referrals import ReferralActivities, perform_step
from services.advance import HOSTED
from services.transaction import Record
from workflows.action_plan import ActionPlanWorkflow
from workflows.activities import QUEUE
from workflows.referral import ReferralWorkflow

THREADS = 16
RESTRICTIONS = SandboxRestrictions.default.with_passthrough_modules("domain")
"""The rules are pure (`tests/architecture/test_pure.py`): to import them anew for every workflow took 4 of the 7 ms in
which its modules load.
"""


def workers(record: Record, client: Client, pool: ThreadPoolExecutor) -> list[Worker]:
    """Two queues: the engine's own, and the one of all partners whose people act through the API."""
    own, plans = ReferralActivities(record), PlanActivities(record)
    grace = timedelta(seconds=3)
    return [
        Worker(
            client,
            task_queue=QUEUE,
            workflows=[ReferralWorkflow, ActionPlanWorkflow],
            activities=[own.advance_referral, own.settle_task, plans.advance_plan],
            activity_executor=pool,
            workflow_runner=SandboxedWorkflowRunner(restrictions=RESTRICTIONS),
            max_cached_workflows=2000,
            graceful_shutdown_timeout=grace,
        ),
        Worker(
            client,
            task_queue=HOSTED,
            activities=[perform_step],
            activity_executor=pool,
            graceful_shutdown_timeout=grace,
        ),
    ]


async def work(record: Record, client: Client) -> None:
    """Until cancelled; ends after at most three seconds of grace."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="activity") as pool:
        async with AsyncExitStack() as running:
            for worker in workers(record, client, pool):
                await running.enter_async_context(worker)
            await asyncio.Event().wait()
