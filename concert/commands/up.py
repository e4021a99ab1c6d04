"""`concert up`: everything on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concert.commands.common import settings
from concert.commands.directory import SEED
from concert.settings import Settings

if TYPE_CHECKING:
    from concert.embedded.stack import Servers

Seed = Annotated[int, typer.Option(help="Of the region that an empty record is filled with.")]


def up(seed: Seed = SEED) -> None:
    """Start PostgreSQL, Temporal, worker, relay and API here, with a region to try, until Ctrl-C."""
    from concert.console import output
    from concert.ending import until_signal
    from concert.instance import directory_of

    chosen = settings()
    _require_room(chosen)
    starts = f"Concert starts in {directory_of(chosen)}: PostgreSQL, Temporal, then worker, relay and API."
    output().print(starts, markup=False, soft_wrap=True)
    until_signal(_up(chosen, seed))


def _require_room(chosen: Settings) -> None:
    """Before anything is started: who holds the directory, and is the port free?"""
    from concert.embedded.directory import CannotStart, holder
    from concert.instance import directory_of
    from concert.ports import require_free

    directory = directory_of(chosen)
    pid = holder(directory / "lock")
    if pid:
        raise CannotStart(
            f"Process {pid} is using {directory}.",
            f"Stop it (kill {pid}), or set CONCERT_DATA_DIR and CONCERT_HTTP_PORT to others.",
        )
    require_free(chosen)


async def _up(chosen: Settings, seed: int) -> None:
    from concert.embedded.stack import embedded
    from concert.instance import noted
    from concert.roles import for_ever
    from concert.running import running, together
    from concert.steps import Steps
    from concert.supervision import keep_alive

    since = time.monotonic()
    with Steps() as steps:
        async with embedded(chosen, say=steps.say) as servers:
            filled = servers.applied_to(chosen)
            await _fill(servers, seed, steps.say)
            async with running(filled, say=steps.say) as url:
                with noted(filled, url):
                    steps.done()
                    _welcome(filled, url, time.monotonic() - since)
                    async with together(keep_alive(servers, steps.tell)):
                        await for_ever()


async def _fill(servers: Servers, seed: int, say: Callable[[str], object]) -> None:
    """Only a record of our own, and only while it is empty."""
    import asyncio

    from concert.filling import CLIENTS, fill
    from seed.load import AnotherRegion
    from seed.region import build_region

    if servers.postgres is None:
        return
    region = build_region(seed)
    since = time.monotonic()
    try:
        await asyncio.to_thread(fill, servers.admin_url, servers.api_url, region)
        what = f"{len(region.organizations)} organizations, {len(region.users)} people at work, {CLIENTS} clients"
    except AnotherRegion:
        what = "kept as it was"
    say(f"Region      {what}  ({time.monotonic() - since:.1f} s)")


def _welcome(chosen: Settings, url: str, seconds: float) -> None:
    from concert.console import output
    from concert.instance import directory_of
    from seed.region import build_region

    region = build_region(SEED)
    logins = [region.people_of(slug, role)[0].login for slug, role in _SOME]
    lines = [
        "",
        f"Concert runs ({seconds:.1f} s). Ctrl-C stops everything.",
        f"  API          {url}/v1   description: {url}/openapi.json   health: {url}/readyz",
        f"  Data         {directory_of(chosen)}",
        f"  Logins       {', '.join(logins)}   (all: concert logins)",
        f'  Try          curl -H "Authorization: Bearer $({_command()} token {logins[0]})" {url}/v1/me',
        f"  Process      {os.getpid()}",
    ]
    output().print("\n".join(lines), markup=False, soft_wrap=True)


def _command() -> str:
    """How another terminal in this directory calls us: the script need not be on its path, nor the data directory
    the usual one.
    """
    script = os.path.relpath(sys.argv[0]) if Path(sys.argv[0]).name == "concert" else "concert"
    directory = os.environ.get("CONCERT_DATA_DIR")
    return f"CONCERT_DATA_DIR={shlex.quote(directory)} {script}" if directory else script


_SOME = (("cap", "caseworker"), ("housing", "caseworker"), ("hub", "backbone"))
