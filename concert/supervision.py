"""Keeping the embedded servers alive: one that dies is started again on its port, so that nobody loses an address."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from concert.embedded.directory import CannotStart
from concert.embedded.stack import Servers

MOST = 5
WITHIN_SECONDS = 60.0
"""A server that dies more than MOST times in so many seconds will not live by being started once more."""


class Server(Protocol):
    async def start(self) -> None: ...
    async def ended(self) -> int: ...


async def keep_alive(servers: Servers, say: Callable[[str], object]) -> None:
    """Until cancelled. Raises CannotStart for a server that does not stay up."""
    async with asyncio.TaskGroup() as watch:
        if servers.postgres:
            watch.create_task(_keep("PostgreSQL", servers.postgres, say))
        if servers.temporal:
            watch.create_task(_keep("Temporal", servers.temporal, say))


async def _keep(name: str, server: Server, say: Callable[[str], object]) -> None:
    deaths: deque[float] = deque(maxlen=MOST)
    while True:
        status = await server.ended()
        now = time.monotonic()
        if len(deaths) == MOST and now - deaths[0] < WITHIN_SECONDS:
            raise CannotStart(f"{name} keeps ending ({_how(status)}).", "Run: concert doctor, and see its log there.")
        deaths.append(now)
        say(f"{name} ended ({_how(status)}); it is started again.")
        await server.start()
        say(f"{name} is back after {time.monotonic() - now:.1f} s.")


def _how(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"
