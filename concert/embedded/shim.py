"""Becomes a program that dies with its parent: `python -I -S shim.py PARENT SIGNAL UID:GID PROGRAM ...`.

A script of its own, not `preexec_fn`: Python code between fork and exec can deadlock in a process with
threads. It imports all it needs before it drops its rights, because afterwards the interpreter may be out of
reach (an environment under a private home). The order is the kernel's: a change of user clears the death
signal, so that comes after it; the parent may have died before the signal was set, so that is asked last.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def become(parent: int, death_signal: int, account: str, program: list[str]) -> None:
    """Does not return, unless the program cannot be executed (OSError)."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if account:
        uid, gid = (int(part) for part in account.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    os.execve(program[0], program, os.environ)  # noqa: S606  # an argument list on purpose: there is no shell


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
