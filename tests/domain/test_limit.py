"""How long something may take: one amount, and a refusal that names the field."""

from __future__ import annotations

import pytest

from domain.limit import Limit


@pytest.mark.parametrize(
    "shape",
    [{"business_days": 2}, {"opening_hours": 4.5}, {"days": 30}, {"hours": 0.25}, {"seconds": 5}],
)
def test_a_limit_reads_back_as_it_was_written(shape: dict[str, float]) -> None:
    assert Limit.parse(shape).as_json() == shape


@pytest.mark.parametrize(
    ("situation", "shape", "named"),
    [
        ("no amount", {}, "limit"),
        ("two amounts", {"days": 1, "hours": 1}, "limit"),
        ("an unknown kind", {"weeks": 1}, "weeks"),
        ("an unknown kind beside a known one", {"days": 1, "weeks": 1}, "weeks"),
        ("nothing", {"days": None}, "days"),
        ("zero", {"business_days": 0}, "business_days"),
        ("less than nothing", {"seconds": -1}, "seconds"),
        ("half a business day", {"business_days": 1.5}, "business_days"),
        ("half a day", {"days": 0.5}, "days"),
        ("a text", {"hours": "4"}, "hours"),
        ("a truth value", {"days": True}, "days"),
        ("not a number", {"hours": float("nan")}, "hours"),
        ("without end", {"opening_hours": float("inf")}, "opening_hours"),
        ("longer than anybody means", {"business_days": 3_651}, "business_days"),
        ("longer than a computer counts", {"seconds": 10**400}, "seconds"),
        ("a list", [1], "limit"),
        ("a number", 3, "limit"),
    ],
)
def test_what_is_no_limit_is_refused_by_the_name_of_its_field(situation: str, shape: object, named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}:"):
        Limit.parse(shape)


def test_a_refusal_never_repeats_the_value() -> None:
    with pytest.raises(ValueError, match="hours") as refused:
        Limit.parse({"hours": "Maria Example"})
    assert "Maria" not in str(refused.value)


def test_only_days_hours_and_seconds_run_while_the_service_is_closed() -> None:
    assert [Limit(days=1).by_the_wall, Limit(hours=1).by_the_wall, Limit(seconds=1).by_the_wall] == [True] * 3
    assert [Limit(business_days=1).by_the_wall, Limit(opening_hours=1).by_the_wall] == [False] * 2
