"""The region of one seed, and a migrated database of its own to load it into."""

import asyncio
from collections.abc import Iterator

import pytest

from concert.embedded import EmbeddedPostgres, temporary_directory
from seed.region import Region, build_region
from storage.migrations import migrate


@pytest.fixture(scope="package")
def region() -> Region:
    return build_region(7)


@pytest.fixture(scope="module")
def record() -> Iterator[str]:
    """The administrator's URL of a migrated, empty record."""
    with temporary_directory() as directory:
        server = EmbeddedPostgres(directory, durable=False)
        asyncio.run(server.start())
        try:
            migrate(server.admin_url, server.password("api"), server.password("engine"))
            yield server.admin_url
        finally:
            asyncio.run(server.stop())
