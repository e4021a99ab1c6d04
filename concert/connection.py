"""Reaching Temporal: waits while it is away, because nothing that a person does depends on it."""

from __future__ import annotations

import asyncio

import structlog
from temporalio.client import Client

log = structlog.get_logger("concert.engine")


async def connect(address: str, namespace: str) -> Client:
    """Tries until Temporal answers."""
    said = False
    while True:
        try:
            return await Client.connect(address, namespace=namespace)
        except RuntimeError:
            if not said:
                log.warning("temporal_away", address=address)
            said = True
            await asyncio.sleep(1)
