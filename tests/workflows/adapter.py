"""A partner's own system: a worker on the partner's queue that does the step and returns what came of it.

This is all that a partner has to write. It runs inside the backbone's trust boundary; what it returns or raises may be
read in Temporal's history, so errors leave it as codes; and it beats while it works, so that a crash is noticed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from domain.progress import Step

Doing = Callable[[str], Awaitable[Any]]
BEAT_SECONDS = 10


@asynccontextmanager
async def adapter(client: Client, slug: str, doing: Doing) -> AsyncIterator[None]:
    """Runs until the block ends. `doing` gets a task's id and returns its StepResult."""

    @activity.defn(name="perform_step")
    async def perform_step(step: Step) -> Any:
        beating = asyncio.create_task(_beat())
        try:
            return await doing(step.task_id)
        except ApplicationError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, only its name may leave
            raise ApplicationError(type(error).__name__, type=type(error).__name__) from None
        finally:
            beating.cancel()

    worker = Worker(
        client,
        task_queue=f"partner.{slug}",
        activities=[perform_step],
        graceful_shutdown_timeout=timedelta(0),
    )
    with suppress(asyncio.CancelledError):
        async with worker:
            yield


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(BEAT_SECONDS)
