"""The land: eleven real counties, and invented towns and streets in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random

from seed.documents import document


@dataclass(frozen=True, slots=True)
class Town:
    name: str
    county_fips: str
    postal_code: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class County:
    """`fips` has five digits, the state's two first. `people` is a weight, not a count."""

    fips: str
    name: str
    people: int
    school_district: str
    towns: tuple[Town, ...]


@cache
def counties() -> tuple[County, ...]:
    return tuple(
        County(
            row["fips"],
            row["name"],
            row["people"],
            row["school_district"],
            tuple(Town(county_fips=row["fips"], **town) for town in row["towns"]),
        )
        for row in document("region.yaml")["counties"]
    )


@cache
def streets() -> tuple[str, ...]:
    return tuple(document("region.yaml")["streets"])


def town_called(name: str) -> Town:
    return next(town for county in counties() for town in county.towns if town.name == name)


def some_county(random: Random) -> County:
    """More people, more often."""
    return random.choices(counties(), [county.people for county in counties()])[0]


def some_address(random: Random) -> str:
    return f"{random.randrange(101, 2990)} {random.choice(streets())}"
