"""The servers in their order, with a line for each, and nothing left when something fails."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import storage.migrations
from concert.embedded import CannotStart
from concert.embedded.directory import leftovers
from concert.embedded.stack import Servers, embedded
from concert.settings import Settings


@pytest.fixture
def migrated(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """Calls of the migrations, which are tested elsewhere."""
    calls: list[tuple[str, str, str]] = []

    def migrate(admin_url: str, api_password: str, engine_password: str) -> None:
        calls.append((admin_url, api_password, engine_password))

    monkeypatch.setattr(storage.migrations, "migrate", migrate)
    return calls


def run(settings: Settings, look: Callable[[Servers], object]) -> list[str]:
    """What was said while the servers ran; `look` sees them running."""
    said: list[str] = []

    async def story() -> None:
        async with embedded(settings, lasting=False, say=said.append) as servers:
            await asyncio.to_thread(look, servers)

    asyncio.run(story())
    return said


def test_postgres_then_migrations_then_temporal(home: Path, migrated: list[tuple[str, str, str]]) -> None:
    seen: list[Servers] = []
    said = run(Settings(data_dir=home), seen.append)
    assert [line.split()[0] for line in said] == ["PostgreSQL", "Migrations", "Temporal"]
    servers = seen[0]
    assert servers.temporal_address in said[2]
    admin_url, api_password, engine_password = migrated[0]
    assert admin_url == servers.admin_url
    assert f":{api_password}@" in servers.api_url
    assert f":{engine_password}@" in servers.engine_url
    assert servers.applied_to(Settings()).engine_database_url == servers.engine_url
    assert leftovers(home / "postgres", "postgres") == []
    assert leftovers(home / "temporal", "temporal") == []


def test_what_settings_name_is_used_and_not_started(home: Path, migrated: list[tuple[str, str, str]]) -> None:
    settings = Settings(
        data_dir=home,
        database_url="postgresql+psycopg://a@db.example.org/c",
        engine_database_url="postgresql+psycopg://e@db.example.org/c",
        temporal_address="temporal.example.org:7233",
    )
    seen: list[Servers] = []
    assert run(settings, seen.append) == []
    assert seen[0].applied_to(settings) == settings
    assert (seen[0].postgres, seen[0].temporal, migrated) == (None, None, [])


def test_the_directory_has_one_holder(home: Path, migrated: list[tuple[str, str, str]]) -> None:
    settings = Settings(data_dir=home, temporal_address="elsewhere:1")

    def second(_: Servers) -> None:
        with pytest.raises(CannotStart, match=rf"Process {os.getpid()} is using {home}\."):
            run(settings, lambda servers: None)

    run(settings, second)


def test_when_migrations_fail_the_server_is_stopped(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def migrate(*_: str) -> None:
        raise ArithmeticError("no")

    monkeypatch.setattr(storage.migrations, "migrate", migrate)
    with pytest.raises(ArithmeticError):
        run(Settings(data_dir=home), lambda servers: None)
    assert leftovers(home / "postgres", "postgres") == []
