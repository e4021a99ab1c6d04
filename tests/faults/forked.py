"""Parts of Concert as processes that need not import everything again: forked from one that has, once for all tests."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import runpy
import signal
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

from concert.embedded.shim import PR_SET_PDEATHSIG

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["concert.cli", "concert.roles", "concert.application"])


def fork(
    program: str, clock: float, name: str, environment: dict[str, str], *, log: Path, directory: Path
) -> BaseProcess:
    """`python -m program clock name` as a child that dies with us, with that environment and nothing else of ours."""
    child = _FORKS.Process(target=_become, args=(program, clock, name, environment, log, directory), daemon=True)
    child.start()
    return child


def _become(program: str, clock: float, name: str, environment: dict[str, str], log: Path, directory: Path) -> None:
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(written, descriptor)
    os.chdir(directory)
    arguments = [program, str(clock), name]
    if clock:  # what was imported already has the right one
        os.execve(sys.executable, [sys.executable, "-m", *arguments], environment)  # noqa: S606 - no shell
    os.environ.clear()
    os.environ.update(environment)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.argv[:] = arguments
    runpy.run_module(program, run_name="__main__", alter_sys=True)
