"""Holding back small numbers that could point at somebody: in what members see live, not in what is published.

A number is held back when it is small and not zero. Where a row of parts has a total that the reader can see too, one
hidden part could be computed: then the smallest other part is hidden with it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

from domain.protection import is_small

K = TypeVar("K", bound=Hashable)


def held_back(parts: Mapping[K, int], threshold: int, *, own: frozenset[K] = frozenset()) -> frozenset[K]:
    """Which parts of one row must not be shown. `own` are the reader's own, known to it anyway: they hide nothing.

    The same row is held back in the same way in every answer: among equals the name decides.
    """
    hidden = {key for key, value in parts.items() if is_small(value, threshold) and key not in own}
    others = [key for key, value in parts.items() if value and key not in hidden | own]
    for key in sorted(others, key=lambda key: (parts[key], str(key))):
        if not hidden or not tells(parts, frozenset(hidden), threshold):
            break
        hidden.add(key)
    return frozenset(hidden)


def tells(parts: Mapping[K, int], hidden: frozenset[K], threshold: int) -> bool:
    """Whether the row's total tells the hidden parts nearly: there is one, or none can be as large as the threshold.
    Everybody may know that each is one at least. If nothing else is left to hide, the whole row has to be, zeros too.
    """
    return bool(hidden) and (len(hidden) < 2 or sum(parts[key] for key in hidden) - len(hidden) < threshold - 1)
