"""Random regions, published in any order: who reads the snapshots learns no small count, nor does who knows the totals.

Partners read the region's open totals live (ADR 14); strangers read what is public and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from domain.protection import Sum, Table, is_small
from domain.span import span_of
from services.counts import WHOLE, Figures, Margin
from services.explaining import margin_of
from services.public_periods import Public, Terms
from services.published import Figure
from services.snapshots import compile_figures
from tests.services.attacker import ranges

TERMS = Terms(11, frozenset(), seconds=0.2)
GROUPS: list[Margin] = [("county", group) for group in "ABCDE"]
MARGINS: list[Margin] = [WHOLE, *GROUPS]
MONTHS = ("2026-07", "2026-08", "2026-09")
EVERY: Mapping[str, tuple[str, ...]] = {**{month: (month,) for month in MONTHS}, "2026-Q3": MONTHS}
ORDERS = [(*MONTHS, "2026-Q3"), ("2026-Q3", *MONTHS), ("2026-08", "2026-Q3", "2026-07", "2026-09")]
Told = dict[tuple[str, Margin], int | None]


def counted(code: str, measure: str) -> Figures:
    row = SimpleNamespace(
        id=code, code=code, version=1, name=code, definition="d", kind="how_much", unit="cases", direction="up",
        strategy="s", baseline=None, target=None, effective_on=span_of("2026-07", {}).starts_on, threshold=None,
        rule={"measure": measure},
    )  # fmt: skip
    return Figures(row, {"county": tuple("ABCDE")})


def region(random: Random) -> Figures:
    """Some groups with hardly anybody, some months with hardly anybody in the region."""
    one = counted("asked", "count")
    sizes = [random.choice([0, 1, 3, 8, 20, 40]) for _ in GROUPS]
    for month, (group, size) in product(MONTHS, zip(GROUPS, sizes, strict=True)):
        count = random.randint(0, size)
        for margin in (group, WHOLE):
            one.open.counts[month, "value", margin] += count
    return one


def published(one: Figures, order: tuple[str, ...]) -> Told:
    figures: dict[tuple[str, str, Margin], Figure] = {}
    for number, name in enumerate(order):
        public = Public(tuple(span_of(each, {}) for each in order[:number]), dict(figures))
        (made,) = compile_figures([one], span_of(name, {}), public, TERMS)
        figures |= {(name, one.row.code, margin_of(figure)): figure for figure in made.figures}
    return {(name, margin): _shown(figure) for (name, _, margin), figure in figures.items()}


def _shown(figure: Figure) -> int | None:
    return None if figure.suppressed or figure.value is None else int(figure.value)


def learned(one: Figures, told: Told, known: set[Margin]) -> dict[tuple[str, Margin], float]:
    """How wide the range is in which each small hidden count must lie."""
    counts = {(name, m): sum(one.open.counts[month, "value", m] for month in months)
              for name, months in EVERY.items() for m in MARGINS}  # fmt: skip
    sums = [Sum((name, WHOLE), tuple((name, group) for group in GROUPS)) for name in EVERY]
    sums += [Sum(("2026-Q3", margin), tuple((month, margin) for month in MONTHS)) for margin in MARGINS]
    hidden = {cell for cell in counts if told.get(cell) is None and cell[1] not in known}
    found = ranges(Table(counts, tuple(sums)), hidden)
    return {cell: high - low for cell, (low, high) in found.items() if is_small(counts[cell], TERMS.threshold)}


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_no_small_count_is_computed_by_strangers_nor_exactly_by_partners(seed: int) -> None:
    for number in range(seed, seed + 3):
        random = Random(number)
        one = region(random)
        told = published(one, random.choice(ORDERS))
        assert not [cell for cell, value in told.items() if value and is_small(value, TERMS.threshold)]
        strangers = {cell: width for cell, width in learned(one, told, set()).items() if width < TERMS.threshold - 1e-4}
        assert strangers == {}, number
        partners = {cell: width for cell, width in learned(one, told, {WHOLE}).items() if width < 1}
        assert partners == {}, number


def test_the_one_case_of_a_month_that_is_not_public_is_not_computed_from_the_quarter_around_it() -> None:
    """Nobody else lives in the other counties: what is hidden of them can hide only one, and has to."""
    one = counted("asked", "count")
    for month, count in zip(MONTHS, (88, 1, 159), strict=True):
        for margin in (GROUPS[0], WHOLE):
            one.open.counts[month, "value", margin] += count
    told = published(one, ("2026-09", "2026-07", "2026-Q3"))
    assert learned(one, told, {WHOLE})["2026-08", GROUPS[0]] >= 1
    assert [told["2026-09", group] for group in GROUPS] == [159, 0, 0, 0, 0], "nothing is hidden without need"


def rated(*shares: tuple[int, int]) -> Figures:
    one = counted("answered", "rate")
    for group, (met, of) in zip(GROUPS, shares, strict=True):
        for margin in (group, WHOLE):
            for layer, value in (("numerator", met), ("denominator", of), ("missed", of - met)):
                one.open.counts["2026-07", layer, margin] += value
    return one


def test_where_the_total_tells_the_one_who_was_missed_no_group_is_told() -> None:
    one: Any = rated((20, 20), (19, 20), (30, 30), (15, 15), (40, 40))
    (made,) = compile_figures([one], span_of("2026-07", {}), Public((), {}), TERMS)
    assert [figure.suppressed for figure in made.figures if figure.by] == [True] * len(GROUPS)
