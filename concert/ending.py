"""Running until a signal, and ending within seconds, whatever hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Coroutine
from types import FrameType
from typing import Any, NoReturn

import uvloop

GRACE_SECONDS = 4.0
"""From the signal to the end of the process. Children die with us; what was committed is kept."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def until_signal(story: Coroutine[Any, Any, None], *, grace: float = GRACE_SECONDS) -> None:
    """Runs the story to its end or to the first signal, which cancels it; a second one ends the process at once."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_signal(story, grace))


async def _until_signal(story: Coroutine[Any, Any, None], grace: float) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(story)
    asked = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            leave(130)
        asked = True
        sys.stderr.write("Stopping.\n")
        deadline = threading.Timer(grace, leave, (0,))
        deadline.daemon = True
        deadline.start()
        loop.call_soon_threadsafe(task.cancel)

    # The interpreter's own handlers, not the loop's: while something large is imported the loop does not turn.
    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        await task
    except asyncio.CancelledError:
        if not asked:
            raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave(status: int) -> NoReturn:
    """Ends the process now. The Temporal SDK's runtime can abort an interpreter that ends in the usual way."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    os._exit(status)
