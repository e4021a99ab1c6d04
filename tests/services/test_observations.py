"""Values of the whole population: the backbone's to record, with source, date and geography; never rewritten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.house import House

SEEN = {"value": 12.4, "period": "2025", "observed_on": "2026-09-15", "source": "American Community Survey"}


@pytest.fixture(scope="module")
def code(house: House) -> str:
    """An indicator of the population, such as an agenda may have one."""
    house.sql(
        "update indicator set measures = 'population', rule = '{\"measure\": \"observed\"}' where code = 'needs_met'"
    )
    return "needs_met"


def record(house: House, code: str, login: str = "ruth.hub", **more: Any) -> Any:
    return house.person(login).post(f"/v1/indicators/{code}/observations", SEEN | more)


def shown(house: House, code: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = house.person("maria.cap").read(f"/v1/indicators/{code}")["observations"]
    return found


def test_what_the_backbone_observed_everybody_reads_and_a_correction_stands_in_its_place(
    house: House, code: str
) -> None:
    assert record(house, code).status_code == 201
    assert record(house, code, geography="31157", value=15).status_code == 201
    assert record(house, code, value=12.1, source="The same, corrected").status_code == 201
    stand = {(each["period"], each["geography"]): each["value"] for each in shown(house, code)}
    assert stand == {("2025", "region"): 12.1, ("2025", "31157"): 15}
    assert house.sql("select count(*) from indicator_observation where code = %s", code) == [(3,)]


@pytest.mark.parametrize("login", ["maria.cap", "edith.hub", "carmen.shelter"])
def test_nobody_else_records_one(house: House, code: str, login: str) -> None:
    assert record(house, code, login).status_code == 403


def test_what_counts_itself_is_entered_by_nobody(house: House) -> None:
    assert record(house, "referrals_sent").status_code == 422
    assert record(house, "no_such").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"geography": "06037"}, "/geography"),
        ({"period": "2098"}, "/period"),
        ({"period": "2026", "observed_on": "2025-12-31"}, "/observed_on"),
        ({"period": "2026-02", "observed_on": "2026-01-31"}, "/observed_on"),
        ({"observed_on": (datetime.now(UTC).date() + timedelta(days=3)).isoformat()}, "/observed_on"),
        ({"value": "much"}, "/value"),
        ({"source": ""}, "/source"),
    ],
)
def test_it_says_of_where_and_when_it_is(house: House, code: str, wrong: dict[str, Any], pointer: str) -> None:
    answer = record(house, code, **wrong)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize("value", [41, 1.01, -0.1])
def test_a_share_is_not_told_in_percent(house: House, value: float) -> None:
    answer = record(house, "rent_burdened", value=value)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/value")


def test_the_same_twice_is_one(house: House, code: str) -> None:
    path, ruth = f"/v1/indicators/{code}/observations", house.person("ruth.hub")
    first, again = (ruth.post(path, SEEN | {"period": "2024"}, key="seen-twice") for _ in range(2))
    assert again.json() == first.json()
    assert house.sql("select count(*) from indicator_observation where period = '2024'") == [(1,)]
