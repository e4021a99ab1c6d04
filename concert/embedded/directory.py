"""A data directory: who holds it, what is left in it of an earlier run, and its secrets."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ELSEWHERE = "set CONCERT_DATA_DIR to another directory"


class CannotStart(Exception):
    """Something on this machine is in the way; `remedy` says what to do about it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} {remedy}")
        self.what = what
        self.remedy = remedy


class Lock:
    """One holder at a time, for as long as its process lives: the kernel lets go when it dies.

    Two Temporal servers open the same file without a word, so the lock is the only guard there is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Refuses with the holder's pid; taking it twice in the same object changes nothing."""
        if self._descriptor is not None:
            return
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise CannotStart(
                f"Process {holder(self.path) or 'unknown'} is using {self.path.parent}.",
                f"Stop it first, or {ELSEWHERE}.",
            ) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Leaves the file: removing it would let two processes lock two different files of that name."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def holder(path: Path) -> int | None:
    """The process that holds the lock, without taking it: by its inode in the kernel's own list."""
    with suppress(OSError):
        inode = f":{path.stat().st_ino}"
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if "FLOCK" in fields and any(field.endswith(inode) for field in fields):
                return int(path.read_text())
    return None


def make_directory(path: Path) -> Path:
    """Makes it, absolute, and closed to others; as root others may pass through, because PostgreSQL must.

    Refuses a directory of somebody else: what one of us wrote there the other could not open later.
    """
    path = path.expanduser().absolute()
    try:
        if not path.exists():
            path.mkdir(parents=True)
            path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        owner = path.stat().st_uid
    except OSError as refusal:
        raise CannotStart(
            f"{path} cannot be made: {refusal.strerror}.", f"{ELSEWHERE[0].upper()}{ELSEWHERE[1:]}."
        ) from None
    if not os.access(path, os.W_OK | os.X_OK) or (os.geteuid() == 0 and owner != 0):
        raise CannotStart(
            f"{path} belongs to user {owner}, not to user {os.geteuid()} that runs Concert.",
            f"Start it as that user, or {ELSEWHERE}.",
        )
    return path


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """Removed afterwards. Unlike tempfile's own, PostgreSQL can live in it when we are root."""
    path = Path(tempfile.mkdtemp(prefix="concert-"))
    path.chmod(0o711 if os.geteuid() == 0 else 0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def write_private(path: Path, text: str, owner: tuple[int, int] | None = None) -> None:
    """Whole or not at all, readable by `owner` (uid, gid; default: us) alone from its first byte."""
    new = path.with_name(path.name + ".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if owner:
        os.chown(new, *owner)
    new.replace(path)


def leftovers(directory: Path, program: str) -> list[int]:
    """Pids of earlier runs of `program` that still work in `directory`.

    Found by their working directory, which needs no pid file that could be stale or name a stranger.
    """
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            pid = int(entry.name)
            if (entry / "cwd").readlink() == directory and (entry / "exe").readlink().name == program:
                found.append(pid)
    return found


async def outlive_leftovers(directory: Path, program: str, patience: float = 5.0) -> None:
    """Waits until no earlier run is left, and ends by force what is left after `patience` seconds.

    Only for the holder of the directory's lock: whatever works there then has lost its parent. A server
    killed with -9 leaves children for a moment, and a dead parent's server needs one to shut down.
    """
    deadline = time.monotonic() + patience
    while pids := leftovers(directory, program):
        if time.monotonic() > deadline:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.05)
