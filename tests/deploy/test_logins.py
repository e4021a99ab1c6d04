"""The logins that the PostgreSQL container makes at its first start: enough to migrate, and no more."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from concert.embedded import EmbeddedPostgres, temporary_directory
from concert.embedded.binaries import installed_postgres
from concert.embedded.postgres import libpq_url
from storage.migrations import migrate

SCRIPT = Path(__file__).parents[2] / "deploy" / "postgres" / "logins.sh"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """Made to look like the container's: a superuser `postgres`, no database and no login of ours."""
    with temporary_directory() as directory:
        opened = EmbeddedPostgres(directory, durable=False)
        asyncio.run(opened.start())
        try:
            with psycopg.connect(libpq_url(opened.admin_url), autocommit=True) as connection:
                connection.execute("create role postgres superuser login password 'super'")
            with psycopg.connect(address(opened, "postgres", "super", "postgres"), autocommit=True) as connection:
                connection.execute("drop database concert with (force)")
                connection.execute("alter role concert_admin rename to somebody")
            run_script(opened)
            yield opened
        finally:
            asyncio.run(opened.stop())


def address(server: EmbeddedPostgres, login: str, password: str, database: str) -> str:
    return make_conninfo(host="127.0.0.1", port=server.port, user=login, password=password, dbname=database)


def run_script(server: EmbeddedPostgres) -> None:
    environment = {
        "PATH": f"{installed_postgres()}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "PGPASSWORD": "super",
        "ADMIN_DB_PASSWORD": "it's-admin",
        "TEMPORAL_DB_PASSWORD": "temporal-1",
    }
    done = subprocess.run(["sh", SCRIPT], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_who_migrates_needs_no_superuser(server: EmbeddedPostgres) -> None:
    url = f"postgresql+psycopg://concert_admin:it's-admin@127.0.0.1:{server.port}/concert"
    migrate(url, "api-1", "engine-1")
    migrate(url, "api-2", "engine-2")
    for login, password in (("concert_api", "api-2"), ("concert_engine", "engine-2")):
        with psycopg.connect(address(server, login, password, "concert")) as connection:
            assert connection.execute("select count(id) from task").fetchone() == (0,)


def test_temporal_owns_its_two_databases(server: EmbeddedPostgres) -> None:
    for database in ("temporal", "temporal_visibility"):
        with psycopg.connect(address(server, "temporal", "temporal-1", database)) as connection:
            connection.execute("create table probe (n int)")
            connection.rollback()


def test_nobody_of_ours_gets_into_temporals_databases(server: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(address(server, "concert_admin", "it's-admin", "temporal"))
