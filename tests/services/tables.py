"""Random tables with margins, of the kinds that a region publishes."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from random import Random

from domain.protection import Sum, Table

Values = dict[Hashable, int]


def around(rng: Random, mean: float) -> int:
    """A count that scatters around its mean as counts of independent people do."""
    product, count, limit = rng.random(), 0, math.exp(-mean)
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def two_way(rng: Random, rows: int, columns: int, mean: float) -> Table:
    """Counties by age bands: a few towns, many rural counties with hardly anybody."""
    values: Values = {}
    for row in range(rows):
        size = mean * rng.choice((0.05, 0.2, 1, 1, 4))
        for column in range(columns):
            values[row, column] = around(rng, size)
    for row in range(rows):
        values[row, "all"] = sum(values[row, column] for column in range(columns))
    for column in (*range(columns), "all"):
        values["all", column] = sum(values[row, column] for row in range(rows))
    across = [Sum((r, "all"), tuple((r, c) for c in range(columns))) for r in (*range(rows), "all")]
    down = [Sum(("all", c), tuple((r, c) for r in range(rows))) for c in (*range(columns), "all")]
    return Table(values, (*across, *down))


def hierarchy(rng: Random, mean: float) -> Table:
    """The region, its parts, their counties, and the same total by age band: tables that share a margin."""
    values: Values = {}
    sums: list[Sum] = []
    parts = [f"part{n}" for n in range(3)]
    for part in parts:
        counties: list[Hashable] = [(part, n) for n in range(rng.randint(2, 5))]
        for county in counties:
            values[county] = around(rng, mean * rng.choice((0.1, 0.5, 1, 3)))
        values[part] = sum(values[county] for county in counties)
        sums.append(Sum(part, tuple(counties)))
    values["region"] = sum(values[part] for part in parts)
    sums.append(Sum("region", tuple(parts)))
    left = values["region"]
    bands: list[Hashable] = [f"band{n}" for n in range(5)]
    for band in bands[:-1]:
        values[band] = rng.randint(0, left // 2)
        left -= values[band]
    values[bands[-1]] = left
    return Table(values, (*sums, Sum("region", tuple(bands))))


def rates(rng: Random, mean: float) -> Table:
    """Met and missed make the denominator, for each county and for the region."""
    values: Values = {}
    sums: list[Sum] = []
    counties = range(8)
    for county in counties:
        values["met", county] = around(rng, mean * rng.choice((0.2, 1, 2)))
        values["missed", county] = around(rng, mean * rng.choice((0.05, 0.2, 0.5)))
        values["due", county] = values["met", county] + values["missed", county]
    for layer in ("met", "missed", "due"):
        values[layer, "all"] = sum(values[layer, county] for county in counties)
        sums.append(Sum((layer, "all"), tuple((layer, county) for county in counties)))
    sums += [Sum(("due", c), (("met", c), ("missed", c))) for c in (*counties, "all")]
    return Table(values, tuple(sums))


def quarter(rng: Random, mean: float) -> Table:
    """Three months of counties, and the quarter that they make."""
    values: Values = {}
    sums: list[Sum] = []
    months, counties = ("m1", "m2", "m3"), range(5)
    sizes = [mean * rng.choice((0.1, 0.4, 1, 3)) for _ in counties]
    for month in months:
        for county in counties:
            values[month, county] = around(rng, sizes[county])
    for county in counties:
        values["q", county] = sum(values[month, county] for month in months)
        sums.append(Sum(("q", county), tuple((month, county) for month in months)))
    for period in (*months, "q"):
        values[period, "all"] = sum(values[period, county] for county in counties)
        sums.append(Sum((period, "all"), tuple((period, county) for county in counties)))
    return Table(values, (*sums, Sum(("q", "all"), tuple((month, "all") for month in months))))


SHAPES: dict[str, Callable[[Random], Table]] = {
    "11 counties × 5 age bands": lambda rng: two_way(rng, 11, 5, rng.choice((3, 8, 20, 60))),
    "4 × 4": lambda rng: two_way(rng, 4, 4, rng.choice((4, 10, 25))),
    "6 × 3": lambda rng: two_way(rng, 6, 3, rng.choice((4, 10, 25))),
    "region, parts, counties; age bands": lambda rng: hierarchy(rng, rng.choice((5, 12, 30))),
    "rates of 8 counties": lambda rng: rates(rng, rng.choice((6, 15, 40))),
    "3 months × 5 counties, quarter": lambda rng: quarter(rng, rng.choice((4, 10, 25))),
}


def random_table(seed: int) -> tuple[str, Table]:
    """The seed's own table and the name of its shape."""
    names = list(SHAPES)
    name = names[seed % len(names)]
    return name, SHAPES[name](Random(seed))
