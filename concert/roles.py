"""Production roles, each a process of its own: any number of each may run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError

from concert.alarms import keep_watching
from concert.connection import PAUSE_SECONDS, connect
from concert.heart import keep_beating
from concert.parts import api_record, engine_record
from concert.relay import Relay
from concert.running import Say, beside_relay, close, plain_url, serving, together
from concert.scrape import scraped
from concert.settings import Settings
from concert.sweeper import Sweeper
from concert.tracing import traced
from concert.worker import work
from services.transaction import Record
from storage.database import is_away


@asynccontextmanager
async def api(settings: Settings, say: Say) -> AsyncIterator[None]:
    """Needs the record only: nothing that a person does waits for Temporal."""
    record = await _opened(api_record, settings, "API", say)
    try:
        with traced(settings, "api") as tracer:
            async with serving(settings, record, tracer) as url, together(keep_watching(settings, record)):
                say(f"API         {url}")
                yield
    finally:
        close(record)


@asynccontextmanager
async def worker(settings: Settings, say: Say) -> AsyncIterator[None]:
    """Waits for Temporal as long as it takes."""
    record = await _opened(engine_record, settings, "Worker", say)
    try:
        say(f"Worker      waits for Temporal at {settings.temporal_address}")
        with scraped(settings, say) as runtime, traced(settings, "worker") as tracer:
            async with together(keep_beating(record, "worker"), keep_watching(settings, record)):
                where = (settings.temporal_address, settings.temporal_namespace)
                client = await connect(*where, runtime=runtime, tracer=tracer)
                async with together(work(record, client)):
                    say("Worker      runs workflows and the partners' steps")
                    yield
    finally:
        close(record)


@asynccontextmanager
async def relay(settings: Settings, say: Say) -> AsyncIterator[None]:
    """Relay, folder, teller and postman. All but relay and sweeper need no Temporal, so they begin at once."""
    record = await _opened(engine_record, settings, "Relay", say)
    try:
        with scraped(settings, say) as runtime, traced(settings, "relay") as tracer:
            async with together(*beside_relay(settings, record)):
                say("Folder      keeps the totals and seals the audit")
                mail = " and their mail" if settings.smtp_url else "; no mail is sent"
                say(f"Teller      writes people's feeds{mail}")
                where = (settings.temporal_address, settings.temporal_namespace)
                client = await connect(*where, runtime=runtime, tracer=tracer)
                relaying = Relay(record, client, plain_url(settings), tracer).run()
                async with together(relaying, Sweeper(record, client).run()):
                    say("Relay       delivers what the record decided")
                    yield
    finally:
        close(record)


async def _opened(door: Callable[[Settings], Record], settings: Settings, name: str, say: Say) -> Record:
    """Waits for the database as long as it takes, said once; a login that it refuses ends the process."""
    said = False
    while True:
        try:
            return await asyncio.to_thread(door, settings)
        except DBAPIError as error:
            if not is_away(error):
                raise
        if not said:
            say(f"{name:<11} waits for the database, which does not answer")
        said = True
        await asyncio.sleep(PAUSE_SECONDS)


async def for_ever() -> None:
    await asyncio.Event().wait()
