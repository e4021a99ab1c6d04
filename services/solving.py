"""Linear and mixed-integer programs, solved by HiGHS. Imported late: it costs a tenth of a second."""

from __future__ import annotations

from collections.abc import Mapping

import highspy
import numpy as np
from numpy.typing import NDArray

INFINITY = highspy.kHighsInf
_CHOOSE, _PRIMAL = 0, 4
_ENOUGH = frozenset({highspy.HighsModelStatus.kOptimal})


class NoSolution(Exception):
    """None exists, or none was found in time."""


class Program:
    """Minimize costs · x within the columns' and the rows' bounds. Columns and rows are numbered from 0.

    Solving again after a change starts from the last solution. `again`: mostly the costs change from one to the next,
    where the primal simplex goes on from (a year's table in half the time).
    """

    def __init__(self, *, again: bool = False) -> None:
        self._highs = highspy.Highs()  # type: ignore[no-untyped-call]  # it comes without types
        for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 1)):
            self._highs.setOptionValue(option, value)
        self._again = again
        self._columns = 0
        self._new: list[tuple[float, float, float, bool]] = []

    def column(self, low: float, high: float, cost: float = 0.0, *, whole: bool = False) -> int:
        """A new unknown; answers its number."""
        number, self._columns = self._columns, self._columns + 1
        self._new.append((low, high, cost, whole))
        return number

    def row(self, low: float, high: float, coefficients: Mapping[int, float]) -> int:
        """A new condition; answers its number."""
        self._add_columns()
        columns = np.array(list(coefficients), dtype=np.int32)
        values = np.array(list(coefficients.values()), dtype=np.float64)
        self._highs.addRow(low, high, len(columns), columns, values)
        return self._highs.getNumRow() - 1

    def bound(self, column: int, low: float, high: float) -> None:
        self._add_columns()
        self._highs.changeColBounds(column, low, high)

    def cost(self, column: int, cost: float) -> None:
        self._add_columns()
        self._highs.changeColCost(column, cost)

    def coefficient(self, row: int, column: int, value: float) -> None:
        self._add_columns()
        self._highs.changeCoeff(row, column, value)

    def _add_columns(self) -> None:
        """The new ones together: one by one they took longer than to solve most programs."""
        if not self._new:
            return
        first, count = self._columns - len(self._new), len(self._new)
        lows, highs, costs = (np.array([new[n] for new in self._new], dtype=np.float64) for n in range(3))
        nothing = np.array([], dtype=np.int32), np.array([], dtype=np.float64)
        self._highs.addCols(count, costs, lows, highs, 0, np.zeros(count, dtype=np.int32), *nothing)
        whole = np.array([first + n for n, new in enumerate(self._new) if new[3]], dtype=np.int32)
        if len(whole):
            self._highs.changeColsIntegrality(len(whole), whole, np.full(len(whole), highspy.HighsVarType.kInteger))
        self._new.clear()

    def solve(self, seconds: float = 10.0) -> float:
        """The least cost; raises NoSolution."""
        self._add_columns()
        if not (self._again and self._run(_PRIMAL, seconds)) and not self._run(_CHOOSE, seconds):
            raise NoSolution
        return float(self._highs.getInfo().objective_function_value)

    def _run(self, strategy: int, seconds: float) -> bool:
        self._highs.setOptionValue("simplex_strategy", strategy)
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + max(seconds, 0.01))
        self._highs.run()
        if self._highs.getModelStatus() in _ENOUGH:
            return True
        self._highs.clearSolver()
        return False

    def values(self) -> NDArray[np.float64]:
        """Of the last solution, by column."""
        return np.asarray(self._highs.getSolution().col_value)

    def reduced(self) -> NDArray[np.float64]:
        """Reduced costs of the last solution, by column; of linear programs only."""
        return np.asarray(self._highs.getSolution().col_dual)
