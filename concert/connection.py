"""Reaching Temporal: waits while it is away, because nothing that a person does depends on it."""

from __future__ import annotations

import asyncio

import structlog
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

log = structlog.get_logger("concert.engine")
PAUSE_SECONDS = 1


async def connect(address: str, namespace: str) -> Client:
    """Tries until Temporal answers and has the namespace; says once what it waits for."""
    said = ""
    while True:
        try:
            return await connect_now(address, namespace)
        except (RuntimeError, RPCError) as error:
            missing = isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND
            waits = "temporal_lacks_namespace" if missing else "temporal_away"
        if waits != said:
            log.warning(waits, address=address, namespace=namespace)
        said = waits
        await asyncio.sleep(PAUSE_SECONDS)


async def connect_now(address: str, namespace: str) -> Client:
    """Raises RuntimeError if nobody answers there, RPCError (NOT_FOUND) if it has no such namespace."""
    client = await Client.connect(address, namespace=namespace)
    await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
    return client
