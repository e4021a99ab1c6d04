"""One thing that is wrong with a template: where, what, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """`path` is the place in the template's body: `("steps", 3, "after", 0)`. `step` is None above the steps."""

    path: Path
    what: str
    remedy: str
    step: str | None = None

    def __str__(self) -> str:
        return f"{f'step {self.step}: ' if self.step else ''}{self.what} {self.remedy}"


@dataclass(frozen=True, slots=True)
class At:
    place: int
    step: str

    def problem(self, what: str, remedy: str, *path: str | int) -> Problem:
        return Problem(("steps", self.place, *path), what, remedy, self.step)


def listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def meant(name: str, known: Iterable[str], otherwise: str) -> str:
    """The name that was probably meant; `otherwise` if none is near."""
    close = get_close_matches(name, list(known), 1, 0.7)
    return f"Did you mean {close[0]}?" if close else otherwise
