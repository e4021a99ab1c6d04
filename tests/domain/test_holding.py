"""A small number is not shown, nor one that would let somebody compute it; zero is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.holding import held_back, tells


@pytest.mark.parametrize(
    ("parts", "hidden"),
    [
        ({"a": 30, "b": 20}, ""),
        ({"a": 30, "b": 0}, ""),
        ({"a": 0, "b": 0}, ""),
        ({"a": 30, "b": 3, "c": 50}, "ab"),  # b alone would follow from the total
        ({"a": 3, "b": 4, "c": 50, "d": 90}, "abc"),  # 7 together says too much about each
        ({"a": 6, "b": 7, "c": 50}, "ab"),
        ({"a": 5, "b": 6, "c": 50}, "abc"),  # each is one at least: 11 together are hardly two of ten
        ({"b": 20, "a": 20, "c": 3}, "ac"),  # of equals always the same one
        ({"a": 3}, "a"),
        ({"a": 3, "b": 0}, "a"),
        ({"a": 10, "b": 11}, "ab"),
        ({}, ""),
    ],
)
def test_what_is_held_back(parts: dict[str, int], hidden: str) -> None:
    assert held_back(parts, 11) == set(hidden)


def test_ones_own_numbers_are_shown_and_hide_nobody_elses() -> None:
    assert held_back({"a": 3, "b": 50}, 11, own=frozenset("a")) == set()
    assert held_back({"a": 3, "b": 4, "c": 50}, 11, own=frozenset("a")) == {"b", "c"}


@given(st.dictionaries(st.integers(0, 12), st.integers(0, 40), max_size=12), st.integers(1, 20))
def test_from_the_total_and_what_is_shown_nobody_computes_a_small_number(parts: dict[int, int], threshold: int) -> None:
    hidden = held_back(parts, threshold)
    assert not [key for key, value in parts.items() if 0 < value < threshold and key not in hidden]
    left = sum(parts[key] for key in hidden)
    whole = hidden == {key for key, value in parts.items() if value}
    assert not hidden or whole or (len(hidden) > 1 and left - len(hidden) >= threshold - 1)
    assert tells(parts, hidden, threshold) == (bool(hidden) and (len(hidden) < 2 or left - len(hidden) < threshold - 1))
