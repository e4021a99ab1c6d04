"""A copy of the record to look into, past row security."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from concert.embedded.postgres import libpq_url
from tests.conftest import Cluster

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(scope="module")
def urls(cluster: Cluster) -> dict[str, str]:
    """A copy of the seeded record; the three URLs by which it is reached."""
    return cluster.database()


@pytest.fixture(scope="module")
def admin(urls: dict[str, str]) -> Iterator[Connection]:
    with psycopg.connect(libpq_url(urls["admin"]), autocommit=True) as connection:
        yield connection


@pytest.fixture
def copy(cluster: Cluster) -> Iterator[Connection]:
    """A copy of its own for each test, to break."""
    with psycopg.connect(libpq_url(cluster.database()["admin"]), autocommit=True) as connection:
        yield connection
