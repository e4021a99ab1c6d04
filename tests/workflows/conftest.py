"""The engine's room for each module: its worker and relay run (`room`), or the test runs them itself (`quiet_room`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from temporalio.client import Client

from concert.embedded import EmbeddedTemporal
from tests.house import House, Loop
from tests.workflows.room import Room


@pytest.fixture(scope="module")
def room(house: House, engine: Callable[[], None], loop: Loop) -> Room:
    """Worker, relay and folder run."""
    return _room(house, loop, house.settings.temporal_address, house.settings.temporal_namespace)


@pytest.fixture(scope="module")
def quiet_room(house: House, temporal: EmbeddedTemporal, namespaces: Iterator[str], loop: Loop) -> Iterator[Room]:
    """A worker runs; messages wait in the outbox until the test delivers or loses them."""
    opened = _room(house, loop, temporal.address, next(namespaces))
    stop = opened.open_worker()
    yield opened
    stop()


def _room(house: House, loop: Loop, address: str, namespace: str) -> Room:
    async def connect() -> Client:
        return await Client.connect(address, namespace=namespace)

    return Room(house, loop, loop.run(connect()))
