"""Two records of different sizes, asked the same in turn: a busy moment meets both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from services.transaction import Record

WARMING = 5
"""Rounds that do not count."""
Ask = Callable[[Record], float]
"""Answers how long it took, in milliseconds."""


def timed(ask: Callable[[Record], object]) -> Ask:
    """By the clock on the wall."""

    def taken(record: Record) -> float:
        since = time.perf_counter()
        ask(record)
        return (time.perf_counter() - since) * 1000

    return taken


def medians(
    questions: Mapping[str, Ask], sides: Mapping[int, Mapping[str, Any]], rounds: int
) -> dict[str, dict[int, float]]:
    """In milliseconds, by question and size. `sides`: by size, each with its `record`."""
    times: dict[str, dict[int, list[float]]] = {name: {size: [] for size in sides} for name in questions}
    for number in range(WARMING + rounds):
        for name, ask in questions.items():
            for size, side in sides.items():
                taken = ask(side["record"])
                if number >= WARMING:
                    times[name][size].append(taken)
    return {name: {size: statistics.median(each) for size, each in by.items()} for name, by in times.items()}
