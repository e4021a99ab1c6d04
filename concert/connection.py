"""Reaching Temporal: waits while it is away, because nothing that a person does depends on it."""

from __future__ import annotations

import asyncio

import structlog
from opentelemetry.trace import Tracer
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

log = structlog.get_logger("concert.engine")
PAUSE_SECONDS = 1


async def connect(
    address: str, namespace: str, *, runtime: Runtime | None = None, tracer: Tracer | None = None
) -> Client:
    """Tries until Temporal answers and has the namespace; says once what it waits for.

    `runtime`: whose metrics are served; `tracer`: traces go on in workflows and activities of this client's workers.
    """
    said = ""
    while True:
        try:
            return await connect_now(address, namespace, runtime=runtime, tracer=tracer)
        except (RuntimeError, RPCError) as error:
            missing = isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND
            waits = "temporal_lacks_namespace" if missing else "temporal_away"
        if waits != said:
            log.warning(waits, address=address, namespace=namespace)
        said = waits
        await asyncio.sleep(PAUSE_SECONDS)


async def connect_now(
    address: str, namespace: str, *, runtime: Runtime | None = None, tracer: Tracer | None = None
) -> Client:
    """Raises RuntimeError if nobody answers there, RPCError (NOT_FOUND) if it has no such namespace."""
    interceptors = [TracingInterceptor(tracer)] if tracer else []
    client = await Client.connect(address, namespace=namespace, runtime=runtime, interceptors=interceptors)
    await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
    return client
