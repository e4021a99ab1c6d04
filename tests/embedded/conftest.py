"""One cluster per module of tests; each story that needs its own makes it in `home`."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from concert.embedded import EmbeddedPostgres, temporary_directory
from concert.embedded.postgres import libpq_url


@pytest.fixture
def home() -> Iterator[Path]:
    """A data directory of its own. Not `tmp_path`: as root, PostgreSQL's account may not enter that."""
    with temporary_directory() as directory:
        yield directory


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A running server; whoever kills it starts it again."""
    with temporary_directory() as directory:
        server = EmbeddedPostgres(directory, durable=False)
        asyncio.run(server.start())
        try:
            yield server
        finally:
            asyncio.run(server.stop())


def ask(server: EmbeddedPostgres, statement: str) -> object:
    """The first value of the first row, as the administrator; None for statements without rows."""
    with psycopg.connect(libpq_url(server.admin_url)) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None
