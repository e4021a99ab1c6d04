"""Production roles, each a process of its own: any number of each may run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from concert.connection import connect
from concert.folder import keep_folding
from concert.heart import keep_beating
from concert.parts import api_record, engine_record
from concert.relay import Relay
from concert.running import Say, close, plain_url, serving, together
from concert.settings import Settings
from concert.worker import work


@asynccontextmanager
async def api(settings: Settings, say: Say) -> AsyncIterator[None]:
    """Needs the record only: nothing that a person does waits for Temporal."""
    record = api_record(settings)
    try:
        async with serving(settings, record) as url:
            say(f"API         {url}")
            yield
    finally:
        close(record)


@asynccontextmanager
async def worker(settings: Settings, say: Say) -> AsyncIterator[None]:
    """Waits for Temporal as long as it takes."""
    record = engine_record(settings)
    try:
        say(f"Worker      waits for Temporal at {settings.temporal_address}")
        async with together(keep_beating(record, "worker")):
            client = await connect(settings.temporal_address, settings.temporal_namespace)
            async with together(work(record, client)):
                say("Worker      runs workflows and the partners' steps")
                yield
    finally:
        close(record)


@asynccontextmanager
async def relay(settings: Settings, say: Say) -> AsyncIterator[None]:
    """Relay and folder. The folder and the heart need no Temporal, so they begin at once."""
    record = engine_record(settings)
    try:
        async with together(keep_folding(record), keep_beating(record, "relay")):
            say("Folder      keeps the totals and seals the audit")
            client = await connect(settings.temporal_address, settings.temporal_namespace)
            async with together(Relay(record, client, plain_url(settings)).run()):
                say("Relay       delivers what the record decided")
                yield
    finally:
        close(record)


async def for_ever() -> None:
    await asyncio.Event().wait()
