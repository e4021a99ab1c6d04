"""The heartbeat of worker and relay: how a health check and the monitor know that they live and reach the record."""

from __future__ import annotations

import asyncio
import os
import socket

import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.heartbeats import beat
from services.transaction import Record

log = structlog.get_logger("concert.heart")
PAUSE_SECONDS = 10.0


async def keep_beating(record: Record, role: str) -> None:
    """Until cancelled. A lost database pauses it."""
    while True:
        try:
            await asyncio.to_thread(beat, record, role, instance())
        except SQLAlchemyError as error:
            log.warning("heart_waits", role=role, type=type(error).__name__)
        await asyncio.sleep(PAUSE_SECONDS)


def instance() -> str:
    """The name of this process among all."""
    return f"{socket.gethostname()}:{os.getpid()}"
