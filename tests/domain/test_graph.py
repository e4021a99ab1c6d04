"""The order of steps: what may wait for what, and what a circle is told as."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import graph

Order = dict[str, tuple[str, ...]]


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Any order without a circle, its steps written down in any sequence."""
    keys = [f"s{n}" for n in range(draw(st.integers(1, 14)))]
    after = {
        key: tuple(draw(st.lists(st.sampled_from(keys[:n]), unique=True)) if n else ()) for n, key in enumerate(keys)
    }
    return {key: after[key] for key in draw(st.permutations(keys))}


@given(orders())
def test_whoever_waits_only_for_earlier_ones_waits_in_no_circle(order: Order) -> None:
    assert graph.circles(order) == []
    rows = graph.layers(order)
    assert sorted(key for row in rows for key in row) == sorted(order)
    row_of = {key: n for n, row in enumerate(rows) for key in row}
    for key, ones in order.items():
        assert row_of[key] == 1 + max((row_of[one] for one in ones), default=-1)
        assert graph.before(order, key) >= set(ones)


@given(orders(), st.data())
def test_an_arrow_back_is_always_found_and_walked(order: Order, data: st.DataObject) -> None:
    """Any step that waits for itself, or for something behind it, closes a circle."""
    first = data.draw(st.sampled_from(sorted(order)))
    last = data.draw(st.sampled_from(sorted(graph.behind(order, [first]) | {first})))
    knotted = {**order, first: (*order[first], last)}
    found = graph.circles(knotted)
    assert found
    for path in found:
        assert path[0] == path[-1]
        assert len(set(path)) == len(path) - 1
        assert all(earlier in knotted[later] for earlier, later in pairwise(path))
    on_the_way = {key for path in found for key in path}
    assert on_the_way <= (graph.behind(order, [first]) | {first})


@pytest.mark.parametrize(
    ("situation", "order", "told"),
    [
        ("two wait for each other", {"a": ["b"], "b": ["a"]}, [["a", "b", "a"]]),
        ("one waits for itself", {"a": ["a"], "b": []}, [["a", "a"]]),
        ("three in a ring", {"a": ["c"], "b": ["a"], "c": ["b"]}, [["a", "b", "c", "a"]]),
        ("two rings apart", {"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}, [["a", "b", "a"], ["c", "d", "c"]]),
        ("a bridge between two rings is in none", {"a": ["b"], "b": ["a"], "m": ["a"], "c": ["d", "m"], "d": ["c"]},
         [["a", "b", "a"], ["c", "d", "c"]]),
        ("somebody who is not there", {"a": ["ghost"]}, []),
        ("the same one named twice", {"a": [], "b": ["a", "a"]}, []),
    ],
)  # fmt: skip
def test_a_circle_is_told_in_the_order_in_which_its_steps_would_open(
    situation: str, order: dict[str, list[str]], told: list[list[str]]
) -> None:
    assert graph.circles(order) == told


def test_what_is_behind_a_circle_never_opens_and_what_is_beside_it_does() -> None:
    order = {"a": ["b"], "b": ["a"], "c": ["b"], "d": ["c"], "e": []}
    assert graph.behind(order, ["a", "b"]) == {"c", "d"}
    assert graph.layers(order) == [["e"]]
