"""One role as a process of its own, with a clock of its own: `python -m tests.faults.roles SECONDS api|worker|relay`.

Without a shift of the clock the roles are those of the command line.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
import time
import uuid

from uuid_utils import compat


def shift_clock(seconds: float) -> None:
    """Every clock of this process that Python code asks for the time of day is wrong by so much."""
    real_time, real_ns, real, real_uuid7 = time.time, time.time_ns, dt.datetime, compat.uuid7

    class Shifted(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
            return real.now(tz) + dt.timedelta(seconds=seconds)

        @classmethod
        def utcnow(cls) -> dt.datetime:  # type: ignore[override]
            return real.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(seconds=seconds)

    def shifted_id(*, nanoseconds: int | None = None) -> uuid.UUID:
        return uuid.UUID(int=real_uuid7(nanoseconds=nanoseconds).int + (int(seconds * 1000) << 80))

    time.time = lambda: real_time() + seconds
    time.time_ns = lambda: real_ns() + int(seconds * 1e9)
    dt.datetime = Shifted  # type: ignore[misc]
    compat.uuid7 = shifted_id


async def run(role: str) -> None:
    from concert.connection import connect
    from concert.folder import keep_folding
    from concert.parts import api_record, engine_record
    from concert.relay import Relay
    from concert.running import plain_url, serving
    from concert.settings import Settings
    from concert.worker import work

    settings = Settings()
    if role == "api":
        async with serving(settings, api_record(settings)):
            await asyncio.Event().wait()
    record = engine_record(settings)
    client = await connect(settings.temporal_address, settings.temporal_namespace)
    if role == "worker":
        await work(record, client)
    await asyncio.gather(Relay(record, client, plain_url(settings)).run(), keep_folding(record))


if __name__ == "__main__":
    if float(sys.argv[1]):
        shift_clock(float(sys.argv[1]))
    asyncio.run(run(sys.argv[2]))
