"""Tables with margins, as they are published: which cells are small, and which sums tie the cells together.

A cell of 1 to threshold − 1 is small: it is never shown. What else must be hidden, so that nobody can compute it from
what is shown, is decided in `services/suppressing.py`. Zero may be shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Key = Any
"""Whatever names a cell: hashable, and compared only."""


def step_above(largest: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50 … that is not below `largest`."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power >= largest:
                return factor * power
        power *= 10


def rounded(amount: int, step: int) -> int:
    """To the nearest multiple. With a step that no single part exceeds, whichever of them comes or goes moves the sum
    by nothing or by one step: two sums never give one part away.
    """
    return (amount + step // 2) // step * step


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum that every reader knows: `total` is the sum of `parts`.

    Where the values do not add up (a person counts in two counties), the reader is taken to know the difference too:
    that is more than anybody knows, so what is safe then is safe.
    """

    total: Key
    parts: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Cells and their sums. `withheld` are never shown and nobody may compute them, whatever their size; `unseen` are
    not shown either, but only small ones matter; `known` are public already, for good.
    """

    values: Mapping[Any, int]
    sums: tuple[Sum, ...] = ()
    withheld: frozenset[Key] = frozenset()
    known: frozenset[Key] = frozenset()
    unseen: frozenset[Key] = frozenset()

    def small(self, threshold: int) -> frozenset[Key]:
        """Cells that may not be shown for their own size."""
        return frozenset(key for key, value in self.values.items() if is_small(value, threshold)) - self.known

    def parts(self) -> Iterable[Table]:
        """Tables that no sum ties to one another, each to be protected by itself."""
        for keys in _groups(self):
            sums = tuple(each for each in self.sums if each.total in keys)
            values = {key: self.values[key] for key in self.values if key in keys}
            yield Table(values, sums, self.withheld & keys, self.known & keys, self.unseen & keys)


@dataclass(frozen=True, slots=True)
class Protection:
    """What is hidden: `small` cells, those `withheld` or unseen anyway, and the `complement` that hides them.

    `exposed`: small or withheld cells that no hiding can protect any more, because of what was public before; what
    uncertainty there can be about them, there is.
    `best`: no other choice hides fewer cells.
    """

    small: frozenset[Key]
    withheld: frozenset[Key]
    complement: frozenset[Key]
    exposed: frozenset[Key] = frozenset()
    best: bool = field(default=True, compare=False)

    @property
    def hidden(self) -> frozenset[Key]:
        return self.small | self.withheld | self.complement


def is_small(value: int, threshold: int) -> bool:
    return 0 < value < threshold


def _groups(table: Table) -> list[set[Key]]:
    """Keys that are tied together by sums, directly or not."""
    owner: dict[Key, set[Key]] = {key: {key} for key in table.values}
    for each in table.sums:
        together = owner[each.total]
        for part in each.parts:
            other = owner[part]
            if other is not together:
                small, large = sorted((other, together), key=len)
                large |= small
                owner.update(dict.fromkeys(small, large))
                together = large
    return list({id(group): group for group in owner.values()}.values())
