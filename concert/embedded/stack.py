"""The embedded servers in order: PostgreSQL, migrations, Temporal; each only where settings name no other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from concert.embedded.directory import Lock, make_directory
from concert.embedded.postgres import EmbeddedPostgres
from concert.embedded.temporal import EmbeddedTemporal
from concert.settings import Settings


@dataclass(frozen=True)
class Servers:
    """What to connect to, and the servers themselves where they are ours (None: settings name others)."""

    api_url: str
    engine_url: str
    admin_url: str
    temporal_address: str
    postgres: EmbeddedPostgres | None
    temporal: EmbeddedTemporal | None

    def applied_to(self, settings: Settings) -> Settings:
        """The settings with every URL and address filled in, for the parts that are started next."""
        return settings.model_copy(
            update={
                "database_url": self.api_url,
                "engine_database_url": self.engine_url,
                "admin_database_url": self.admin_url,
                "temporal_address": self.temporal_address,
            }
        )


@asynccontextmanager
async def embedded(
    settings: Settings, *, lasting: bool = True, say: Callable[[str], object] = print
) -> AsyncIterator[Servers]:
    """Holds the data directory, starts what is ours, migrates, and stops in the opposite order.

    `say` gets one line for each thing done. Raises CannotStart with the way out; what had started is stopped.
    A foreign PostgreSQL is not migrated: `concert migrate` is somebody's decision there. Not `lasting`: a little record
    that is thrown away afterwards, made for speed.
    """
    directory = make_directory(settings.data_dir)
    lock = Lock(directory / "lock")
    async with AsyncExitStack() as running:
        lock.take()
        running.callback(lock.release)
        postgres = temporal = None
        if settings.embeds_postgres:
            postgres = EmbeddedPostgres(directory, settings.postgres_port, durable=lasting, small=not lasting)
            await _start_postgres(postgres, running, say)
        if settings.embeds_temporal:
            temporal = EmbeddedTemporal(
                directory,
                settings.temporal_port,
                (settings.temporal_namespace,),
                ui_port=settings.temporal_ui_port,
            )
            await _start_temporal(temporal, running, say)
        yield Servers(
            api_url=postgres.api_url if postgres else settings.database_url,
            engine_url=postgres.engine_url if postgres else settings.engine_database_url,
            admin_url=postgres.admin_url if postgres else settings.admin_database_url,
            temporal_address=temporal.address if temporal else settings.temporal_address,
            postgres=postgres,
            temporal=temporal,
        )


async def _start_postgres(postgres: EmbeddedPostgres, running: AsyncExitStack, say: Callable[[str], object]) -> None:
    from storage.migrations import migrate

    since = time.monotonic()
    await postgres.start()
    running.push_async_callback(postgres.stop)
    say(f"PostgreSQL  127.0.0.1:{postgres.port}  ({time.monotonic() - since:.1f} s)")
    since = time.monotonic()
    await asyncio.to_thread(migrate, postgres.admin_url, postgres.password("api"), postgres.password("engine"))
    say(f"Migrations  the record is up to date  ({time.monotonic() - since:.1f} s)")


async def _start_temporal(temporal: EmbeddedTemporal, running: AsyncExitStack, say: Callable[[str], object]) -> None:
    since = time.monotonic()
    await temporal.start()
    running.push_async_callback(temporal.stop)
    pages = f", pages {temporal.ui_url}" if temporal.ui_url else ""
    say(f"Temporal    {temporal.address}{pages}  ({time.monotonic() - since:.1f} s)")
