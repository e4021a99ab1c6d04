"""Somebody who wants the hidden cells: knows what is shown, every sum, and that no count is negative.

Written without the engine's programs: one linear program for a whole table, with a copy of all unknowns for every
wanted cell and direction, and the shown cells moved to the right-hand side.
"""

from __future__ import annotations

from collections.abc import Set

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import block_diag, csr_array

from domain.protection import Key, Table

FAR = 1e6


def ranges(table: Table, hidden: Set[Key], wanted: Set[Key] | None = None) -> dict[Key, tuple[float, float]]:
    """Between what and what each hidden cell must lie, or each of those that are `wanted`."""
    unknown = sorted(hidden, key=str)
    goals = [number for number, key in enumerate(unknown) if wanted is None or key in wanted]
    if not goals:
        return {}
    equations, right = _equations(table, unknown)
    copies = 2 * len(goals)
    cost = np.zeros(copies * len(unknown))
    for nth, number in enumerate(goals):
        cost[2 * nth * len(unknown) + number] = 1.0
        cost[(2 * nth + 1) * len(unknown) + number] = -1.0
    many = block_diag([equations] * copies, format="csr")
    found = linprog(cost, A_eq=many, b_eq=np.tile(right, copies), bounds=(0, FAR), method="highs")
    assert found.x is not None, found.message
    tables = found.x.reshape(copies, len(unknown))
    return {unknown[number]: (tables[2 * n, number], tables[2 * n + 1, number]) for n, number in enumerate(goals)}


def recovered(
    table: Table, hidden: Set[Key], threshold: int, wanted: Set[Key] | None = None
) -> dict[Key, tuple[float, float]]:
    """The hidden cells, or the `wanted` of them, that lie in a range narrower than the threshold."""
    found = ranges(table, hidden, wanted)
    return {key: (low, high) for key, (low, high) in found.items() if high - low < threshold - 1e-4}


def _equations(table: Table, unknown: list[Key]) -> tuple[csr_array, np.ndarray]:
    at = {key: number for number, key in enumerate(unknown)}
    rows, right = [], []
    for each in table.sums:
        row, side = np.zeros(len(unknown)), 0.0
        gap = table.values[each.total] - sum(table.values[part] for part in each.parts)
        for key, sign in ((each.total, 1.0), *((part, -1.0) for part in each.parts)):
            if key in at:
                row[at[key]] += sign
            else:
                side -= sign * table.values[key]
        if row.any():
            rows.append(row)
            right.append(side + gap)
    if not rows:
        return csr_array((0, len(unknown))), np.zeros(0)
    return csr_array(np.array(rows)), np.array(right)
