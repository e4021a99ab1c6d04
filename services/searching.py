"""Searching by words."""

from __future__ import annotations


def like(words: str | None) -> str | None:
    """The pattern for ILIKE that finds the words anywhere, as they are written; None stays None."""
    if words is None:
        return None
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
