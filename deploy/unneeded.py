# ruff: noqa: INP001, T201 - a script for the image, no package; its output is its purpose
"""Prints the installed packages that running Concert does not need, one a line.

Needed is what `concert` requires, and what that requires in turn, for this Python on this machine.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distributions, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

KEPT = {"pip"}  # takes the others away


def needed(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> None:
    """Adds (package, extras) and everything beneath it to `seen`; passes over what is not installed."""
    if (name, extras) in seen:
        return
    try:
        lines = requires(name) or []
    except PackageNotFoundError:
        return
    seen.add((name, extras))
    for requirement in map(Requirement, lines):
        if applies(requirement, extras):
            needed(canonicalize_name(requirement.name), frozenset(requirement.extras), seen)


def applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    """Whether it holds here: always without a marker, else if the marker is true with one of the extras."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""})


def main() -> None:
    seen: set[tuple[str, frozenset[str]]] = set()
    needed("concert", frozenset(), seen)
    installed = {canonicalize_name(distribution.name) for distribution in distributions()}
    print("\n".join(sorted(installed - {name for name, _ in seen} - KEPT)))


if __name__ == "__main__":
    main()
