"""A month long closed, work recorded in it afterwards, and its figures as strangers read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from domain.task import Outcome
from services.clients import NewClient, Residence
from services.requests import Finished
from tests.house import House
from tests.services.scenes import NAME, refer

Json = dict[str, Any]
LONG_AGO = datetime.now(UTC).replace(day=10, hour=18, minute=0, second=0, microsecond=0) - timedelta(days=62)
MONTH = LONG_AGO.strftime("%Y-%m")
QUARTER = f"{LONG_AGO.year}-Q{(LONG_AGO.month + 2) // 3}"


def serve(house: House, county: str, slug: str = "housing") -> Any:
    """Finished work of the month: counts without a clock."""
    client = NewClient(given_name=NAME, family_name="Featherstonehaugh", residence=Residence("fixed", county=county))
    return refer(house, slug, slug, client=client, finished=Finished(Outcome.NEED_MET, LONG_AGO))


def publish(house: House, period: str = MONTH, login: str = "ruth.hub", key: str | None = None) -> httpx.Response:
    return house.person(login).post("/v1/publications", {"period": period}, key)


def asked(house: House, ending: str = "", headers: dict[str, str] | None = None, **params: Any) -> httpx.Response:
    """As a stranger reads it: no token."""
    return house.http.get(f"/public/indicators{ending}", params=params, headers=headers or {})


def snapshot(house: House, **params: Any) -> Json:
    """The newest that answers the question."""
    answer = asked(house, **params)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()["items"][0]
    return found


def figures(one: Json, code: str, dimension: str = "") -> dict[str, Json]:
    """By group of the dimension; the region is the group ""."""
    indicator = next(each for each in one["indicators"] if each["code"] == code)
    return {
        group: figure
        for figure in indicator["figures"]
        for name, group in [next(iter(figure["by"].items()), ("", ""))]
        if name == dimension
    }
