"""Worker, relay, folder and API in one process, started in that order and stopped in the opposite one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import uvicorn
from opentelemetry.trace import Tracer
from temporalio.client import Client

from concert.alarms import keep_watching
from concert.connection import connect
from concert.folder import keep_folding
from concert.heart import keep_beating
from concert.parts import api_record, engine_record
from concert.ports import listener
from concert.postman import keep_posting
from concert.relay import Relay
from concert.scrape import scraped
from concert.settings import Settings, listen_url
from concert.sweeper import Sweeper
from concert.teller import keep_telling
from concert.tracing import traced
from concert.worker import work
from services.transaction import Record
from storage.database import Database

Say = Callable[[str], object]


@asynccontextmanager
async def running(settings: Settings, *, say: Say = print, tracer: Tracer | None = None) -> AsyncIterator[str]:
    """Everything above the two servers; yields the API's base URL. A part that fails ends all of them.

    `tracer`: where the settings name no endpoint for traces.
    """
    engine, people = engine_record(settings), api_record(settings)
    try:
        with scraped(settings, say) as runtime, traced(settings, "all") as ours:
            tracer = ours or tracer
            where = (settings.temporal_address, settings.temporal_namespace)
            client = await connect(*where, runtime=runtime, tracer=tracer)
            async with _all(settings, engine, people, client, say, tracer) as url:
                yield url
    finally:
        for record in (engine, people):
            close(record)


@asynccontextmanager
async def _all(
    settings: Settings, engine: Record, people: Record, client: Client, say: Say, tracer: Tracer | None
) -> AsyncIterator[str]:
    async with together(work(engine, client), keep_beating(engine, "worker")):
        say("Worker      runs workflows and the partners' steps")
        relay = Relay(engine, client, plain_url(settings), tracer).run()
        sweeper = Sweeper(engine, client).run()
        async with together(relay, sweeper, *beside_relay(settings, engine)):
            say("Relay       delivers what the record decided")
            async with serving(settings, people, tracer) as url:
                say(f"API         {url}")
                yield url


def beside_relay(settings: Settings, engine: Record) -> tuple[Coroutine[Any, Any, None], ...]:
    """What a relay's process does besides delivering to Temporal, and needs only the record for."""
    return (
        keep_folding(engine),
        keep_telling(engine),
        keep_posting(settings, engine),
        keep_watching(settings, engine),
        keep_beating(engine, "relay"),
    )


def plain_url(settings: Settings) -> str:
    """The address for LISTEN, as psycopg reads it."""
    return Database(listen_url(settings), pool_size=1).psycopg_url()


def close(record: Record) -> None:
    wake = record.wake
    if hasattr(wake, "close"):
        wake.close()
    record.database.dispose()


@asynccontextmanager
async def serving(settings: Settings, record: Record, tracer: Tracer | None = None) -> AsyncIterator[str]:
    """The API on its port (0: a free one); yields its base URL once it accepts connections."""
    from concert.application import application  # a quarter of what a worker or relay would load at its start

    taken = listener(settings)
    port = taken.getsockname()[1]
    server = Server(server_config(settings, application(settings, record, tracer)))
    async with together(server.serve(sockets=[taken])):
        while not server.started:  # noqa: ASYNC110 - uvicorn has a flag, no event
            await asyncio.sleep(0.02)
        try:
            yield f"http://{settings.http_host}:{port}"
        finally:
            server.should_exit = True
            with suppress(TimeoutError):
                await asyncio.wait_for(server.ended.wait(), 2)


class Server(uvicorn.Server):
    """Leaves signals alone: who stops what, and in which order, is decided above."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ended = asyncio.Event()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Until `should_exit`, then until what runs is answered; then `ended` is set."""
        try:
            await super().serve(sockets)
        finally:
            self.ended.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_config(settings: Settings, app: Any) -> uvicorn.Config:
    """No access log: a query string may hold a name."""
    return uvicorn.Config(
        app,
        host=settings.http_host,
        access_log=False,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=2,
        timeout_keep_alive=30,
        server_header=False,
        lifespan="off",
    )


@asynccontextmanager
async def together(*coroutines: Coroutine[Any, Any, Any]) -> AsyncIterator[None]:
    """Run them beside the block; end them with it, or the block with them."""
    block = asyncio.current_task()
    tasks = [asyncio.create_task(each) for each in coroutines]
    failed: list[BaseException] = []

    def ended(task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and task.exception() is not None and block is not None:
            failed.append(task.exception() or RuntimeError())
            block.cancel()

    for task in tasks:
        task.add_done_callback(ended)
    try:
        yield
    except asyncio.CancelledError:
        if failed:
            raise failed[0] from None
        raise
    finally:
        for task in tasks:
            task.remove_done_callback(ended)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
