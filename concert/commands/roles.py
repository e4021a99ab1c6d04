"""`concert api`, `worker` and `relay`: the processes of production, each until a signal."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from concert.commands.common import settings
from concert.settings import Settings

Role = Callable[[Settings, Callable[[str], object]], AbstractAsyncContextManager[None]]


def api() -> None:
    """Serve the API. It needs the database only: nothing that a person does waits for Temporal."""
    from concert.ports import require_free
    from concert.roles import api as role

    chosen = _reached("database_url")
    require_free(chosen)
    _stay(role, chosen)


def worker() -> None:
    """Run workflows and the partners' steps; waits for Temporal while it is away."""
    from concert.roles import worker as role

    _stay(role, _reached("engine_database_url", "temporal_address"))


def relay() -> None:
    """Deliver to Temporal what the record decided, and keep the totals folded and the audit sealed."""
    from concert.roles import relay as role

    _stay(role, _reached("engine_database_url", "temporal_address"))


def _reached(*needed: str) -> Settings:
    from concert.instance import reached

    return reached(settings(), *needed)


def _stay(role: Role, chosen: Settings) -> None:
    from concert.ending import until_signal
    from concert.roles import for_ever

    async def story() -> None:
        async with role(chosen, _say):
            await for_ever()

    until_signal(story())


def _say(line: str) -> None:
    from concert.console import output

    console = output()
    console.print(line, markup=False, soft_wrap=True)
    console.file.flush()
