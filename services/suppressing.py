"""Which cells of a published table are hidden, so that no small count is shown or can be computed.

Small cells are hidden, then as few others as make every hidden cell's range at least the threshold wide. The choice is
an integer program that learns from the reader: whenever a hidden cell can be computed too closely, the reader's dual
solution says which cells would have widened it. A quick choice by linear programs alone comes first; it stands when
time runs out. Whatever is chosen, the reader has tried it.

Where what is public lets nobody hide a small cell well enough, it is hidden as well as hiding everything would: more
than that helps nobody, so nothing else goes for its sake.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Set

from domain.protection import Key, Protection, Table
from services.inference import EPSILON, Reader
from services.solving import INFINITY, NoSolution, Program

PATIENCE = 30.0
"""Seconds of processor time for the first choice in one table."""


def protect(table: Table, threshold: int, seconds: float = 5.0) -> Protection:
    """`seconds` of processor time at most go into hiding fewer cells; safety never depends on them."""
    until = time.process_time() + seconds
    found = [_protect(part, threshold, until) for part in table.parts()]
    return Protection(
        small=_union(each.small for each in found),
        withheld=_union(each.withheld for each in found),
        complement=_union(each.complement for each in found),
        exposed=_union(each.exposed for each in found),
        best=all(each.best for each in found),
    )


def _union(sets: Iterable[frozenset[Key]]) -> frozenset[Key]:
    return frozenset(key for each in sets for key in each)


def _protect(table: Table, threshold: int, until: float) -> Protection:
    small = table.small(threshold)
    withheld = (table.withheld | table.unseen) - small
    forced = small | withheld
    careless = table.unseen - small - table.withheld
    if not forced - careless:
        return Protection(small, withheld, frozenset())
    reader = Reader(table, threshold)
    free = frozenset(table.values) - table.known
    exposed, narrow = _exposed(reader, forced, careless, free)
    spared = careless | narrow
    chosen = _thinned(reader, forced, spared, _quick(reader, forced, spared, free), until)
    hidden, best = _fewest(reader, forced, spared, chosen, free, until)
    return Protection(small, withheld, hidden - forced, exposed, best)


def _exposed(
    reader: Reader, forced: frozenset[Key], careless: frozenset[Key], free: frozenset[Key]
) -> tuple[frozenset[Key], frozenset[Key]]:
    """Cells that could be computed even with everything hidden: (of those that have to be, of the others). Nothing is
    exposed unless something was public before.

    The reader is content with the range that the former have then. The others may be hidden for their sake and need no
    protection themselves.
    """
    if not reader.table.known:
        return frozenset(), frozenset()
    reader.hide(free)
    bare = frozenset(reader.unsafe(sorted(free - careless, key=str)))
    for key in sorted(bare & forced, key=str):
        reader.content(key, max(0.0, reader.range(key).width - EPSILON))
    return bare & forced, bare - forced


def cost(reader: Reader, key: Key) -> float:
    """One a cell; among equals, rather a small one."""
    return 1.0 + min(0.5, reader.table.values[key] / 10_000)


def _quick(reader: Reader, forced: Set[Key], spared: Set[Key], free: Set[Key]) -> frozenset[Key]:
    """A safe choice, cell by cell: the cheapest change of the table that moves the cell far enough.

    A table too large for our patience is hidden whole, which is what all safety rests on.
    """
    hidden = set(forced)
    latest = time.process_time() + PATIENCE
    mover = _Mover(reader, free)
    mover.allow(hidden)
    while True:
        reader.hide(hidden)
        unsafe = reader.unsafe(sorted(hidden - spared, key=lambda key: (reader.table.values[key], str(key))))
        if not unsafe:
            return frozenset(hidden)
        for key in unsafe:
            if time.process_time() > latest:
                return frozenset(free | hidden)
            moved = mover.move(key) - hidden
            mover.allow(moved)
            hidden |= moved


class _Mover:
    """Two tables that a reader could not tell from the real one, as far apart in one cell as the threshold."""

    def __init__(self, reader: Reader, free: Set[Key]) -> None:
        self._reader, self._program = reader, Program()
        self._moves: dict[Key, list[int]] = {}
        for key, value in reader.table.values.items():
            highs = (reader.reach, value, reader.reach, value) if key in free else (0, 0, 0, 0)
            self._moves[key] = [self._program.column(0.0, high, self._price(key)) for high in highs]
        for each in reader.table.sums:
            for up, down in ((0, 1), (2, 3)):
                row = {self._moves[part][up]: -1.0 for part in each.parts}
                row |= {self._moves[part][down]: 1.0 for part in each.parts}
                row |= {self._moves[each.total][up]: 1.0, self._moves[each.total][down]: -1.0}
                self._program.row(0.0, 0.0, row)
        self._apart = self._program.row(float(reader.threshold), INFINITY, {})

    def _price(self, key: Key) -> float:
        return cost(self._reader, key) / self._reader.threshold

    def allow(self, keys: Iterable[Key]) -> None:
        """Hidden already: moving them costs nothing."""
        for key in keys:
            for column in self._moves[key]:
                self._program.cost(column, 0.0)

    def move(self, key: Key) -> set[Key]:
        signs, far = (1.0, -1.0, -1.0, 1.0), self._reader.threshold / self._reader.need(key)
        for column, sign in zip(self._moves[key], signs, strict=True):
            self._program.coefficient(self._apart, column, sign * far)
        self._program.solve()
        values = self._program.values()
        for column in self._moves[key]:
            self._program.coefficient(self._apart, column, 0.0)
        return {each for each, columns in self._moves.items() if any(values[c] > EPSILON for c in columns)}


def _thinned(
    reader: Reader, forced: Set[Key], spared: Set[Key], hidden: frozenset[Key], until: float
) -> frozenset[Key]:
    """Show again what is not needed, the dearest first."""
    first: list[Key] = sorted(forced - spared, key=str)
    for key in sorted(hidden - forced, key=lambda key: (-cost(reader, key), str(key))):
        if time.process_time() > until:
            break
        fewer = hidden - {key}
        reader.hide(fewer)
        broken = next((each for each in [*first, *(fewer - forced - spared)] if not reader.safe(each)), None)
        if broken is None:
            hidden = fewer
        elif broken in forced:
            first.remove(broken)
            first.insert(0, broken)
    return hidden


def _fewest(
    reader: Reader, forced: Set[Key], spared: Set[Key], chosen: frozenset[Key], free: Set[Key], until: float
) -> tuple[frozenset[Key], bool]:
    """(the fewest cells, True), or (`chosen`, False) when time runs out before they are found."""
    master = Program()
    column = {
        key: master.column(1.0 if key in forced else 0.0, 1.0, cost(reader, key), whole=True)
        for key in sorted(set(free) | forced, key=str)
    }
    limit = sum(cost(reader, key) for key in chosen)
    while (left := until - time.process_time()) > 0:
        try:
            least = master.solve(left)
        except NoSolution:
            break
        if least > limit - 0.01:
            return chosen, True
        values = master.values()
        hidden = frozenset(key for key, number in column.items() if values[number] > 0.5)
        reader.hide(hidden)
        if not _learn(reader, master, column, hidden - spared):
            return hidden, True
    return chosen, False


def _learn(reader: Reader, master: Program, column: dict[Key, int], hidden: Iterable[Key]) -> bool:
    """Tell the program why hidden cells are not safe; False: they all are."""
    learned = False
    for key in reader.unsafe(sorted(hidden, key=str)):
        found = reader.range(key)
        if found.width < reader.need(key) - EPSILON:
            room = {each: min(worth, reader.threshold) for each, worth in found.why.items() if each in column}
            row = {column[each]: worth for each, worth in room.items()}
            row[column[key]] = row.get(column[key], 0.0) - reader.need(key)
            master.row(0.0, INFINITY, row)
            learned = True
    return learned
