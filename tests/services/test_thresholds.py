"""A new threshold protects anew, once: publishing again with nothing new makes no further version."""

from __future__ import annotations

from tests.house import House
from tests.journeys.published import publish, serve

SPREAD = {"31157": 14, "31013": 12, "31045": 16, "31161": 3}


def test_the_version_after_a_new_threshold_is_the_last_one(house: House) -> None:
    for county, people in SPREAD.items():
        for _ in range(people):
            serve(house, county)
    assert publish(house).status_code == 201
    for threshold in (14, 5):
        house.sql("update collaborative set publication_threshold = %s, revision = revision + 1", threshold)
        assert publish(house).status_code == 201
        assert publish(house).status_code == 200, threshold
