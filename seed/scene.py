"""Reads the weights and words of `story.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from random import Random
from typing import Any

from seed.documents import document


@cache
def script() -> dict[str, Any]:
    text: dict[str, Any] = document("story.yaml")
    return text


def pick(random: Random, weights: Mapping[str, int]) -> str:
    return random.choices(list(weights), list(weights.values()))[0]


def closest(by_term: Mapping[str, Any], term: str, otherwise: Any) -> Any:
    """What is written for the term itself, else for the nearest term above it."""
    while term:
        if term in by_term:
            return by_term[term]
        term = term.rpartition(".")[0]
    return otherwise
