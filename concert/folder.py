"""The folder: moves the ledger into totals and seals the audit, about ten times a second. Runs beside the relay."""

from __future__ import annotations

import asyncio

import structlog

from concert.measures import FOLDED
from services.folding import fold, seal
from services.transaction import Record

log = structlog.get_logger("concert.folder")
PAUSE_SECONDS = 0.1
IDLE_SECONDS = 0.5


async def keep_folding(record: Record) -> None:
    """Until cancelled. A lost database pauses it; nothing is lost, readers add what is not folded yet."""
    while True:
        try:
            folded, sealed = await asyncio.to_thread(fold, record), await asyncio.to_thread(seal, record)
        except Exception as error:  # noqa: BLE001 - mostly the record is away; whatever it is, the next round begins anew
            log.warning("folder_waits", type=type(error).__name__)
            folded = sealed = 0
        FOLDED.labels("entries").inc(folded)
        FOLDED.labels("audit").inc(sealed)
        await asyncio.sleep(PAUSE_SECONDS if folded + sealed else IDLE_SECONDS)
