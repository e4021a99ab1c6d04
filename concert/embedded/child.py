"""A program that runs as our child: in its own session, with its own log, and never longer than we do."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from concert.embedded.account import Account

SHIM = Path(__file__).with_name("shim.py")
LOG_LIMIT = 10 * 1024 * 1024  # bytes; a longer log is put aside, once, as `.old`

# The kernel's death signal follows the THREAD that forked, not the process. One thread that lives as long as
# the process therefore starts every child: an event loop in a short-lived thread may ask for one.
_parent = ThreadPoolExecutor(max_workers=1, thread_name_prefix="parent-of-children")


class Child:
    """One run of a program.

    Its own session keeps a terminal's Ctrl-C from it, so that we decide in which order things end.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self.log = log

    @property
    def pid(self) -> int:
        """Of the program itself: the shim becomes it."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """False also after somebody else has killed it."""
        return self._process.poll() is None

    def tail(self, lines: int = 12) -> str:
        """The end of its log, for an error message."""
        with suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""

    async def ended(self) -> int:
        """Waits without polling; the exit status, negative for a signal. Any number may wait."""
        if (status := self._process.poll()) is not None:
            return status
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        descriptor = os.pidfd_open(self.pid)
        try:
            loop.add_reader(descriptor, over.set)
            await over.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
        return self._process.wait()

    async def stop(self, *steps: tuple[signal.Signals, float]) -> None:
        """Sends each signal in turn, gives it so many seconds, then kills. Returns when the pid is gone."""
        for number, patience in steps:
            if not self.running:
                return
            self._process.send_signal(number)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ended(), patience)
        if self.running:
            self._process.kill()
        self._process.wait()


async def spawn(
    program: Sequence[str | Path],
    *,
    log: Path,
    directory: Path,
    dies_by: signal.Signals = signal.SIGKILL,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
) -> Child:
    """Starts a program that gets the signal `dies_by` from the kernel when this process ends in any way.

    It works in `directory`, writes to `log`, and sees only `environment` of the environment (nobody's
    `PGOPTIONS`, no proxy). Raises OSError if it cannot be started at all.
    """
    put_aside(log)
    identity = f"{account.uid}:{account.gid}" if account else ""
    shim = [sys.executable, "-I", "-S", str(SHIM), str(os.getpid()), str(int(dies_by)), identity]

    def start() -> subprocess.Popen[bytes]:
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            return subprocess.Popen(
                [*shim, *map(str, program)],
                cwd=directory,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "HOME": str(directory)} | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    return Child(await asyncio.wrap_future(_parent.submit(start)), log)


def put_aside(log: Path) -> None:
    """Keeps a log from growing for ever: at each start, one older log of at most the limit remains."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(log.suffix + ".old"))
