"""Every answer in every journey is held against the published description."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.description import Description
from tests.house import House


@pytest.fixture(autouse=True)
def described(house: House) -> Iterator[None]:
    check = Description(house.http.get("/openapi.json").json()).check
    house.http.event_hooks["response"].append(check)
    yield
    house.http.event_hooks["response"].remove(check)
