"""How a pathway is drawn, on paper or in a terminal: one row a step, and rails on the left that say who waits for whom.

Each step stands on a rail. The rail runs down until the last step that waits for it, and is free for another then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`joins`: the rails that lead into the step. `passing`: those that run past it; `below`: those that go on
    after it, its own among them if somebody waits for it.
    """

    key: str
    rail: int
    joins: tuple[int, ...]
    passing: tuple[int, ...]
    below: tuple[int, ...]


def rows(after: Mapping[str, Iterable[str]]) -> list[Row]:
    """Top to bottom: each step below all that it comes after, otherwise in the order of `after`.

    Names of nobody and repetitions are passed over; steps that wait in a circle are left out.
    """
    order = _order(after)
    known = {key: [one for one in dict.fromkeys(after[key]) if one in after] for key in order}
    last = {one: key for key in order for one in known[key]}
    rails: dict[int, str] = {}
    drawn: list[Row] = []
    for key in order:
        joins = sorted(rail for rail, one in rails.items() if one in known[key])
        passing = tuple(sorted(rail for rail, one in rails.items() if last[one] != key))
        free = [rail for rail in joins if rail not in passing]
        rail = free[0] if free else _first_free(passing, joins)
        rails = {rail: one for rail, one in rails.items() if last[one] != key}
        if key in last:
            rails[rail] = key
        drawn.append(Row(key, rail, tuple(joins), passing, tuple(sorted(rails))))
    return drawn


def _order(after: Mapping[str, Iterable[str]]) -> list[str]:
    placed: dict[str, None] = {}
    left = list(after)
    while left:
        ready = next((key for key in left if all(one in placed or one not in after for one in after[key])), None)
        if ready is None:
            break
        placed[ready] = None
        left.remove(ready)
    return list(placed)


def _first_free(passing: Iterable[int], joins: Iterable[int]) -> int:
    """Right of what leads into it, so that branches fan out to the right; the leftmost such."""
    taken = set(passing) | set(joins)
    least = max(joins, default=-1) + 1
    return next(rail for rail in range(least, least + len(taken) + 1) if rail not in taken)
