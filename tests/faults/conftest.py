"""One town for all tests of faults: PostgreSQL, Temporal, worker, relay and API, each a process of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import httpx
import pytest

from concert.embedded import EmbeddedTemporal, temporary_directory
from concert.embedded.binaries import free_port
from concert.issuer import Issuer
from concert.parts import api_record, engine_record
from seed.region import Region
from tests.conftest import Cluster
from tests.faults.town import ROOT, Town
from tests.house import House, Loop, settings_for


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/faults/" in str(item.path):
            item.add_marker(pytest.mark.faults)


@pytest.fixture(scope="package")
def the_town(cluster: Cluster, the_region: Region) -> Iterator[Town]:
    urls, port, loop = cluster.database(), free_port(), Loop()
    with temporary_directory() as directory:
        temporal = EmbeddedTemporal(directory)
        asyncio.run(temporal.start())
        settings = settings_for(cluster.directory, urls, temporal.address)
        http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=40, trust_env=False)
        house = House(
            settings,
            the_region,
            api_record(settings),
            engine_record(settings),
            http,
            Issuer.open(cluster.directory),
            lambda: None,
        )
        environment = {
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "PATH": os.environ["PATH"],
            "CONCERT_DATA_DIR": str(cluster.directory),
            "CONCERT_DATABASE_URL": urls["api"],
            "CONCERT_ENGINE_DATABASE_URL": urls["engine"],
            "CONCERT_ADMIN_DATABASE_URL": urls["admin"],
            "CONCERT_TEMPORAL_ADDRESS": temporal.address,
            "CONCERT_HTTP_PORT": str(port),
            "CONCERT_RATE_LIMIT": "0",
        }
        town = Town(house, cluster.server, temporal, loop, directory, environment)
        town.roles = {name: town.role(name) for name in ("worker", "relay", "api")}
        try:
            yield town
        finally:
            for role in town.roles.values():
                role.kill()
            house.close()
            loop.close()
            asyncio.run(temporal.kill())
            asyncio.run(temporal.stop())
            asyncio.run(cluster.server.start())


@pytest.fixture
def town(the_town: Town) -> Iterator[Town]:
    """Whole at the start of each test; what it says in its logs is shown when the test fails."""
    the_town.whole()
    yield the_town
    for role in the_town.roles.values():
        print(f"--- {role.name}\n{role.last_words()}")  # noqa: T201
