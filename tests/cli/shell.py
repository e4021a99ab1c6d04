"""Concert as a person at a terminal runs it: a process of its own, with an environment of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

CONCERT = Path(sys.executable).with_name("concert")


def environment(directory: Path, **settings: str) -> dict[str, str]:
    """Nothing of this machine's own settings; the working directory decides about `.env`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONCERT_")}
    return kept | {"CONCERT_DATA_DIR": str(directory), "CONCERT_HTTP_PORT": "0"} | settings


def concert(directory: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """One command to its end."""
    return subprocess.run(
        [CONCERT, *arguments],
        cwd=directory,
        env=environment(directory, **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@dataclass
class Running:
    """A command that stays; `lines` grows by what it says on standard output."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    readers: list[threading.Thread] = field(default_factory=list)

    @property
    def url(self) -> str:
        found = re.search(r"API\s+(http://[0-9.]+:\d+)", self.hears(r"API\s+http"))
        assert found
        return found[1]

    def hears(self, pattern: str, seconds: float = 60) -> str:
        """The first line that matches, once it is said."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in [*self.lines, *self.complaints]:
                if re.search(pattern, line):
                    return line
            assert self.process.poll() is None, f"ended: {self.lines} {self.complaints}"
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} in {self.lines} {self.complaints}")

    def hears_again(self, pattern: str, times: int = 2, seconds: float = 60) -> None:
        """Wait until so many lines match."""
        deadline = time.monotonic() + seconds
        while sum(bool(re.search(pattern, line)) for line in list(self.lines)) < times:
            assert time.monotonic() < deadline, self.lines
            assert self.process.poll() is None, f"ended: {self.lines} {self.complaints}"
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGINT) -> float:
        """Sends the signal; answers the seconds until its end."""
        since = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(20)
        seconds = time.monotonic() - since
        for reader in self.readers:
            reader.join(10)
        return seconds

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for task in listed for pid in task.read_text().split()]


def start(directory: Path, *arguments: str, **settings: str) -> Running:
    process = subprocess.Popen(
        [CONCERT, *arguments],
        cwd=directory,
        env=environment(directory, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running = Running(process)
    for stream, lines in ((process.stdout, running.lines), (process.stderr, running.complaints)):
        assert stream is not None
        running.readers.append(threading.Thread(target=_follow, args=(stream, lines), daemon=True))
        running.readers[-1].start()
    return running


def _follow(stream: IO[str], lines: list[str]) -> None:
    with stream:
        lines.extend(stream)


def alive(pids: list[int]) -> list[int]:
    """Those that still run; a dead child that nobody has asked for is none."""
    found = []
    for pid in pids:
        status = Path(f"/proc/{pid}/stat")
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z":
            found.append(pid)
    return found
