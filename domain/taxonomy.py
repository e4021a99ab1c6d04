"""Terms of the taxonomy: a code, its parent before the last dot."""

from __future__ import annotations


def akin(one: str, other: str) -> bool:
    """The same term, or one above the other."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")
