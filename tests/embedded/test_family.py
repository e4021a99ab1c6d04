"""Parents and children: nobody is left behind, and the parent decides when a child ends."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from concert.embedded import CannotStart, EmbeddedPostgres, EmbeddedTemporal
from tests.embedded.conftest import ask

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def guest(home: Path) -> "subprocess.Popen[str]":
    """Another process with both servers in `home`, in a session of its own, as on a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.embedded.guest", str(home)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def pids_of(guest: "subprocess.Popen[str]") -> list[int]:
    """Of its servers, as soon as both run."""
    assert guest.stdout
    return list(json.loads(guest.stdout.readline()).values())


def close(guest: "subprocess.Popen[str]") -> int:
    assert guest.stdout
    guest.stdout.close()
    return guest.wait()


def seconds_until_gone(pids: list[int], patience: float) -> float:
    since = time.monotonic()
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() - since < patience, f"still there: {pids}"
        time.sleep(0.02)
    return time.monotonic() - since


def test_when_the_parent_is_killed_its_servers_end_and_another_can_go_on_at_once(
    guest: "subprocess.Popen[str]", home: Path
) -> None:
    pids = pids_of(guest)
    guest.kill()
    close(guest)
    postgres, temporal = EmbeddedPostgres(home, durable=False), EmbeddedTemporal(home)
    asyncio.run(postgres.start())  # without waiting: it has to cope with what is just ending
    asyncio.run(temporal.start())
    try:
        assert seconds_until_gone(pids, 5) < 5
        assert ask(postgres, "SELECT 1") == 1
    finally:
        asyncio.run(temporal.kill())
        asyncio.run(temporal.stop())
        asyncio.run(postgres.stop())


def test_ctrl_c_reaches_the_parent_alone_and_all_are_gone_within_five_seconds(
    guest: "subprocess.Popen[str]", home: Path
) -> None:
    pids = pids_of(guest)
    since = time.monotonic()
    os.killpg(guest.pid, signal.SIGINT)
    assert close(guest) == 130
    seconds_until_gone(pids, 1)
    assert time.monotonic() - since < 5
    log = (home / "postgres.log").read_text()
    assert "database system is shut down" in log


def test_another_process_is_told_the_holders_number(guest: "subprocess.Popen[str]", home: Path) -> None:
    pids_of(guest)
    try:
        for server in (EmbeddedPostgres(home), EmbeddedTemporal(home)):
            with pytest.raises(CannotStart, match=f"Process {guest.pid} is using"):
                asyncio.run(server.start())
    finally:
        guest.terminate()
        close(guest)


def test_a_stopped_parent_keeps_its_servers(guest: "subprocess.Popen[str]") -> None:
    """Suspended is not dead: Ctrl-Z must not end a database."""
    pids = pids_of(guest)
    try:
        os.kill(guest.pid, signal.SIGSTOP)
        time.sleep(0.5)
        assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    finally:
        os.kill(guest.pid, signal.SIGCONT)
        guest.kill()
        close(guest)
    seconds_until_gone(pids, 5)
