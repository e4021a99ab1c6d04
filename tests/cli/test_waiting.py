"""A process that stays and starts before its database: it says so, waits, and begins when the database is there."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from concert import roles
from concert.embedded.postgres import libpq_url
from concert.settings import Settings
from tests.cli.conftest import Run
from tests.cli.shell import environment
from tests.faults.proxy import Proxy
from tests.house import House, Loop, eventually

Role = Callable[[Settings, Callable[[str], object]], AbstractAsyncContextManager[None]]


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


@pytest.mark.parametrize("role", [roles.api, roles.worker, roles.relay], ids=["api", "worker", "relay"])
def test_a_role_that_starts_before_its_database_waits_for_it(role: Role, house: House, loop: Loop) -> None:
    """Nobody listens at the port at first; then a way to the database opens there."""
    real = port_of(house.settings.database_url)
    with socket.create_server(("127.0.0.1", 0)) as kept:
        port = kept.getsockname()[1]
    moved = {
        name: getattr(house.settings, name).replace(f":{real}/", f":{port}/")
        for name in ("database_url", "engine_database_url")
    }
    settings = house.settings.model_copy(update=moved | {"temporal_address": "127.0.0.1:9"})
    said: list[str] = []
    left = threading.Event()

    async def stay() -> None:
        try:
            async with role(settings, said.append):
                await roles.for_ever()
        finally:
            left.set()

    staying = loop.start(stay())
    try:
        eventually(lambda: any("waits for the database" in line for line in said))
        proxy = Proxy(loop, real, port)
        eventually(lambda: len(said) > 1)
        assert [line for line in said if "waits for the database" in line] == said[:1], "said once"
    finally:
        staying.cancel()
        assert left.wait(10)
    proxy.close()


def test_a_password_that_the_database_refuses_ends_the_role(house: House, tried: Run) -> None:
    login = libpq_url(house.settings.engine_database_url)
    password = login.partition("@")[0].rpartition(":")[2]
    wrong = house.settings.engine_database_url.replace(password, "wrong")
    status, said = tried("worker", CONCERT_ENGINE_DATABASE_URL=wrong, CONCERT_TEMPORAL_ADDRESS="127.0.0.1:9")
    assert (status, "database" in said, "concert doctor" in said) == (1, True, True)


@pytest.mark.parametrize("module", ["concert", "concert.cli"])
def test_the_command_line_answers_without_its_script_too(module: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", module, "--help"]
    at = environment(tmp_path) | {"PYTHONPATH": str(Path(roles.__file__).parents[1])}
    helped = subprocess.run(command, cwd=tmp_path, env=at, capture_output=True, text=True, timeout=60, check=True)
    assert "rehydrate" in helped.stdout
