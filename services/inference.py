"""What a reader can compute: the range in which a hidden cell must lie, given all that is shown.

The reader knows every shown cell, every sum, and that no count is negative (decision 15). Two linear programs a cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from random import Random

import numpy as np

from domain.protection import Key, Table
from services.solving import Program

EPSILON = 1e-6
_REACH = 10
"""How many thresholds a hidden cell may be larger than it is: enough to tell, and it keeps the programs bounded."""
_FEW, _FRUITLESS, _UPWARD = 20, 1, 0.7
"""So few cells are asked one by one; so often a table that moves hardly any of them is tried all the same; so many of
them are moved up, because what is small has no way down.
"""


@dataclass(frozen=True, slots=True)
class Range:
    """A hidden cell lies from `low` to `high`.

    `why` bounds the width for any other choice of hidden cells: it is at most the sum of `why` over those.
    """

    low: float
    high: float
    why: dict[Key, float]

    @property
    def width(self) -> float:
        return self.high - self.low


class Reader:
    """Sees the table with the cells hidden that `hide` named last."""

    def __init__(self, table: Table, threshold: int) -> None:
        self.table, self.threshold = table, threshold
        self._needs: dict[Key, float] = {}
        self.reach = float(_REACH * threshold)
        self._program = Program(again=True)
        self._column = {key: self._program.column(value, value) for key, value in table.values.items()}
        self._keys = list(table.values)
        self._hidden: frozenset[Key] = frozenset()
        self._forget()
        for each in table.sums:
            known = table.values[each.total] - sum(table.values[part] for part in each.parts)
            coefficients = {self._column[part]: -1.0 for part in each.parts} | {self._column[each.total]: 1.0}
            self._program.row(known, known, coefficients)

    def _forget(self) -> None:
        """The least and the most that any table showed that was tried: whatever was possible stays so while more
        is hidden.
        """
        self._least_seen = np.array(list(self.table.values.values()), dtype=np.float64)
        self._most_seen = self._least_seen.copy()

    def content(self, key: Key, width: float) -> None:
        """Be content with that range of a cell, because what is public allows no wider one."""
        self._needs[key] = width

    def need(self, key: Key) -> float:
        """How wide its range has to be: the threshold, but for what is public."""
        return self._needs.get(key, float(self.threshold))

    def hide(self, hidden: Set[Key]) -> None:
        if not self._hidden <= hidden:
            self._forget()
        for key in self._hidden ^ frozenset(hidden):
            value = float(self.table.values[key])
            low, high = (0.0, value + self.reach) if key in hidden else (value, value)
            self._program.bound(self._column[key], low, high)
        self._hidden = frozenset(hidden)

    def range(self, key: Key) -> Range:
        why: dict[Key, float] = {}
        low = self._least(key, 1.0, why)
        high = -self._least(key, -1.0, why)
        return Range(low, high, why)

    def safe(self, key: Key) -> bool:
        """Whether the range is as wide as it needs to be."""
        if self._seen_apart(key):
            return True
        low = self._least(key, 1.0)
        return self._seen_apart(key) or -self._least(key, -1.0) - low >= self.need(key) - EPSILON

    def unsafe(self, keys: Iterable[Key]) -> list[Key]:
        asked = list(keys)
        self._shake(asked)
        return [key for key in asked if not self.safe(key)]

    def _shake(self, keys: list[Key]) -> None:
        """Tables that move many cells at once, as long as some become safe by it: asked one by one, a thousand cells
        of a year cost a thousand programs. No cell goes further than it needs, so that the others can move too.
        """
        random, fruitless = Random(len(keys)), 0
        open_ = [key for key in keys if not self._seen_apart(key)]
        while len(open_) > _FEW and fruitless < _FRUITLESS:
            for key in open_:
                at, up = self._column[key], random.random() < _UPWARD
                low, high = self._most_seen[at] - self.threshold, self._least_seen[at] + self.threshold
                self._program.bound(at, max(0.0, low), min(high, self.table.values[key] + self.reach))
                self._program.cost(at, random.uniform(0.5, 1.0) * (-1.0 if up else 1.0))
            self._solve()
            for key in open_:
                self._program.cost(self._column[key], 0.0)
                self._program.bound(self._column[key], 0.0, self.table.values[key] + self.reach)
            still = [key for key in open_ if not self._seen_apart(key)]
            fruitless = fruitless + 1 if len(open_) - len(still) < _FEW else 0
            open_ = still

    def _seen_apart(self, key: Key) -> bool:
        at = self._column[key]
        return bool(self._most_seen[at] - self._least_seen[at] >= self.need(key) - EPSILON)

    def _least(self, key: Key, cost: float, why: dict[Key, float] | None = None) -> float:
        self._program.cost(self._column[key], cost)
        least = self._solve()
        if why is not None:
            self._explain(why)
        self._program.cost(self._column[key], 0.0)
        return least

    def _solve(self) -> float:
        least = self._program.solve()
        values = self._program.values()
        np.minimum(self._least_seen, values, out=self._least_seen)
        np.maximum(self._most_seen, values, out=self._most_seen)
        return least

    def _explain(self, why: dict[Key, float]) -> None:
        """Reduced costs say what it was worth to show a cell: down by its value, up by the reach."""
        for key, worth in zip(self._keys, self._program.reduced(), strict=True):
            if abs(worth) > EPSILON:
                room = self.table.values[key] * worth if worth > 0 else -self.reach * worth
                why[key] = why.get(key, 0.0) + room
