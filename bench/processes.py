"""CPU time of processes from /proc, in milliseconds, resolution one clock tick (10 ms): Linux only."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
PARENT, FIRST_TIME = (
    1,
    11,
)  # fields of /proc/PID/stat after the name; four times follow: own and reaped children's


def stat(pid: int) -> list[str] | None:
    """The fields after the name, which may hold blanks and parentheses; None if the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def cpu_ms(pid: int) -> float:
    """User and system time of one process and of the children it has reaped; 0 if it is gone."""
    fields = stat(pid)
    return sum(map(int, fields[FIRST_TIME : FIRST_TIME + 4])) * TICK_MS if fields else 0.0


def tree(root: int) -> set[int]:
    """The process and its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := stat(int(entry.name))):
            children.setdefault(int(fields[PARENT]), []).append(int(entry.name))
    found, ahead = set(), [root]
    while ahead:
        pid = ahead.pop()
        found.add(pid)
        ahead += children.get(pid, [])
    return found


def tree_ms(*roots: int) -> float:
    """Time of whole process trees since they began, ended children included."""
    return sum(map(cpu_ms, set().union(*map(tree, roots))))


def each_ms(pids: Iterable[int]) -> dict[int, float]:
    """Time of each process by itself."""
    return {pid: cpu_ms(pid) for pid in pids}
