"""Nobody computes a hidden cell from a published table."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.protection import Protection, Sum, Table
from services.suppressing import protect
from tests.services.attacker import ranges, recovered
from tests.services.tables import random_table

T = 11


def region(**counties: int) -> Table:
    return Table({"all": sum(counties.values()), **counties}, (Sum("all", tuple(counties)),))


def test_on_200_random_tables_an_attacker_recovers_no_hidden_cell_closer_than_the_threshold() -> None:
    """Every fourth of each shape is chosen with care, the others in haste: both are safe. The bench takes its time."""
    open_to_attack = 0
    for seed in range(200):
        name, table = random_table(seed)
        found = protect(table, T, 0.0 if seed // 6 % 4 else 1.0)
        assert found.small == {key for key, value in table.values.items() if 1 <= value <= 10}
        assert not found.exposed
        assert recovered(table, found.hidden, T) == {}, f"{name}, seed {seed}"
        open_to_attack += seed // 6 % 4 == 1 and bool(recovered(table, found.small, T))
    assert open_to_attack > 25, "the attacker can attack: hiding the small cells alone does not stop them"


def test_a_table_without_small_cells_is_shown_whole() -> None:
    assert protect(region(a=11, b=40, c=0), T).hidden == frozenset()


def test_zero_is_shown_and_helps_to_hide_where_it_is_cheapest() -> None:
    found = protect(region(a=0, b=30, c=9), T)
    assert found.small == {"c"}
    assert len(found.complement) == 1
    assert found.best


def test_one_small_county_takes_one_other_with_it() -> None:
    found = protect(region(a=5, b=30, c=60), T)
    assert found.hidden == {"a", "b"}, "the smaller of the two that would do"
    assert ranges(region(a=5, b=30, c=60), found.hidden) == {"a": (0, 35), "b": (0, 35)}


def test_two_small_counties_that_hide_each_other_too_closely_take_a_third() -> None:
    found = protect(region(a=3, b=4, c=60, d=80), T)
    assert found.hidden == {"a", "b", "c"}, "a and b alone lie between 0 and 7"


def test_a_region_with_few_cases_shows_neither_them_nor_their_sum() -> None:
    table = region(a=3, b=4)
    assert protect(table, T).hidden == {"all", "a", "b"}


def test_a_withheld_cell_is_hidden_whatever_its_size_and_cannot_be_computed() -> None:
    counties = region(a=50, b=30, c=60)
    table = Table(counties.values, counties.sums, withheld=frozenset({"a"}))
    found = protect(table, T)
    assert found.withheld == {"a"}
    assert found.complement == {"b"}


def test_a_quarter_gives_away_no_month_that_was_hidden_before() -> None:
    values = {"m1": 40, "m2": 5, "m3": 30, "q": 75}
    table = Table(values, (Sum("q", ("m1", "m2", "m3")),), known=frozenset({"m1", "m3"}))
    found = protect(table, T)
    assert found.hidden == {"m2", "q"}
    assert not found.exposed


def test_months_that_were_never_published_cost_nothing_unless_they_are_small() -> None:
    values = {"m1": 40, "m2": 50, "m3": 30, "q": 120}
    months = (Sum("q", ("m1", "m2", "m3")),)
    large = Table(values, months, known=frozenset({"m1", "m2"}), unseen=frozenset({"m3"}))
    assert protect(large, T).complement == frozenset(), "30 may be computed"
    small = Table(values | {"m3": 5, "q": 95}, months, known=frozenset({"m1", "m2"}), unseen=frozenset({"m3"}))
    assert protect(small, T).complement == {"q"}


def test_what_is_public_already_is_said_to_be_exposed_and_never_to_be_safe() -> None:
    values = {"m1": 40, "m2": 5, "m3": 30, "q": 75}
    table = Table(values, (Sum("q", ("m1", "m2", "m3")),), known=frozenset({"m1", "m3", "q"}))
    assert protect(table, T).exposed == {"m2"}


def test_what_nothing_can_hide_costs_no_other_cell_and_what_can_be_left_open_is() -> None:
    values = {"m1": 40, "m2": 5, "m3": 30, "q": 75, "all": 145, "b": 80, "c": 60}
    sums = (Sum("q", ("m1", "m2", "m3")), Sum("all", ("m2", "b", "c")))
    told = protect(Table(values, sums, known=frozenset({"m1", "m3", "q"})), T)
    assert told.hidden == told.exposed == {"m2"}, "everybody can subtract: b and c need not go for it"
    nearly = {"m1": 40, "m2": 5, "m3": 3, "q": 48, "all": 145, "b": 80, "c": 60}
    found = protect(Table(nearly, sums, known=frozenset({"m1", "q"}), unseen=frozenset({"m3"})), T)
    assert found.exposed == {"m2", "m3"}
    assert found.complement == {"b", "c"}, "that they lie between 0 and 8 everybody knows; more than that nobody"
    assert ranges(Table(nearly, sums), found.hidden)["m2"] == (0, 8)


def test_the_threshold_is_a_setting() -> None:
    assert protect(region(a=5, b=30, c=60), 5).hidden == frozenset()
    assert protect(region(a=5, b=30, c=60), 31).small == {"a", "b"}


def test_without_time_to_choose_well_it_hides_more_and_never_less() -> None:
    for seed in range(12):
        _, table = random_table(seed)
        hasty, careful = protect(table, T, 0.0), protect(table, T, 2.0)
        assert recovered(table, hasty.hidden, T) == {}
        assert careful.best
        assert len(hasty.complement) >= len(careful.complement)


def test_a_table_beyond_our_patience_is_hidden_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.suppressing.PATIENCE", -1.0)
    assert protect(region(a=5, b=30, c=60), T, 0.0).hidden == {"all", "a", "b", "c"}


def test_people_who_count_in_two_counties_give_nothing_away_to_one_who_knows_how_many_they_are() -> None:
    table = Table({"all": 90, "a": 5, "b": 30, "c": 60}, (Sum("all", ("a", "b", "c")),))
    found = protect(table, T)
    assert found.hidden == {"a", "b"}
    assert recovered(table, found.hidden, T) == {}


COUNTS = st.lists(st.one_of(st.integers(0, 12), st.integers(0, 200)), min_size=4, max_size=12)


@settings(max_examples=60, deadline=None)
@given(COUNTS, st.integers(2, 20), st.data())
def test_whatever_the_counts_nothing_small_is_shown_or_derivable(
    counts: list[int], threshold: int, data: st.DataObject
) -> None:
    half = len(counts) // 2
    cells = [f"c{n}" for n in range(len(counts))]
    values: dict[str, int] = dict(zip(cells, counts, strict=True))
    values |= {"left": sum(counts[:half]), "right": sum(counts[half:]), "all": sum(counts)}
    sums = (Sum("left", tuple(cells[:half])), Sum("right", tuple(cells[half:])), Sum("all", ("left", "right")))
    withheld = frozenset(data.draw(st.sets(st.sampled_from(cells), max_size=2)))
    table = Table(values, sums, withheld=withheld)
    found: Protection = protect(table, threshold, 0.2)
    shown = set(values) - found.hidden
    assert all(not 0 < values[key] < threshold for key in shown)
    assert not shown & withheld
    assert not found.exposed
    assert recovered(table, found.hidden, threshold) == {}
