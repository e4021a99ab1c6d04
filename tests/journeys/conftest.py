"""Every answer in every journey is held against the published description."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.description import Description
from tests.house import House


@pytest.fixture(scope="session")
def descriptions() -> list[Description]:
    """The first house fills it: all say the same."""
    return []


@pytest.fixture(autouse=True)
def described(house: House, descriptions: list[Description]) -> Iterator[None]:
    if not descriptions:
        descriptions.append(Description(house.http.get("/openapi.json").json()))
    check = descriptions[0].check
    house.http.event_hooks["response"].append(check)
    yield
    house.http.event_hooks["response"].remove(check)
