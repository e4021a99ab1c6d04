"""Ending when asked, within seconds, and leaving nothing behind."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from concert.ending import leave

GRACE_SECONDS = 4.0
INTERRUPTED = 130
FAREWELL = "Stopped. Nothing is left behind."


class Stopped(Exception):
    """Somebody pressed Ctrl-C, or ended the process kindly."""


async def until_stopped(story: Coroutine[Any, Any, None], directory: Path) -> None:
    """Run the story; a signal cancels it, and whatever hangs is left after GRACE_SECONDS. Raises Stopped."""
    task = asyncio.ensure_future(story)
    loop = asyncio.get_running_loop()
    asked = threading.Event()

    def stop() -> None:
        if not asked.is_set():
            asked.set()
            deadline = threading.Timer(GRACE_SECONDS, _leave_now, (directory,))
            deadline.daemon = True
            deadline.start()
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not asked.is_set():
            raise
    if asked.is_set():
        raise Stopped


def _leave_now(directory: Path) -> None:
    """The servers die with us, whatever they were doing."""
    shutil.rmtree(directory, ignore_errors=True)
    sys.stderr.write(f"{FAREWELL}\n")
    leave(INTERRUPTED)
