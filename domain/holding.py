"""Holding back small numbers that could point at somebody: in what members see live, not in what is published.

A number is held back when it is small and not zero. Where a row of parts has a total that the reader can see too, one
hidden part could be computed: then the smallest other part is hidden with it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def small(value: int, threshold: int) -> bool:
    return 0 < value < threshold


def held_back(parts: Mapping[K, int], threshold: int, *, own: frozenset[K] = frozenset()) -> frozenset[K]:
    """Which parts of one row must not be shown. `own` are the reader's own, known to it anyway: they hide nothing."""
    hidden = {key for key, value in parts.items() if small(value, threshold) and key not in own}
    others = sorted((key for key, value in parts.items() if value and key not in hidden | own), key=parts.__getitem__)
    for key in others:
        total = sum(parts[each] for each in hidden)
        if not hidden or (len(hidden) > 1 and total >= threshold):
            break
        hidden.add(key)
    return frozenset(hidden)
