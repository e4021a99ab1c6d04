# ruff: noqa: INP001, T201 - a script for the image, no package; its output is its purpose
"""Prints the installed packages that running Concert does not need, one a line.

Needed is what `concert` requires, and what that requires in turn. Markers for other systems are not weighed: what they
name is not installed here.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distributions, requires

KEPT = {"pip"}  # takes the others away
REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)\s*(?:\[(?P<extras>[^]]*)])?(?P<rest>.*)")
ONLY_FOR = re.compile(r"extra\s*==\s*[\"']([^\"']+)")


def canonical(name: str) -> str:
    """As package indexes compare names."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def needed(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> None:
    """Adds (package, extras) and everything beneath it to `seen`; passes over what is not installed."""
    if (name, extras) in seen:
        return
    try:
        lines = requires(name) or []
    except PackageNotFoundError:
        return
    seen.add((name, extras))
    for match in filter(None, map(REQUIREMENT.match, lines)):
        only_for = set(map(canonical, ONLY_FOR.findall(match["rest"])))
        if not only_for or only_for & extras:
            asked = frozenset(map(canonical, filter(None, (match["extras"] or "").split(","))))
            needed(canonical(match["name"]), asked, seen)


def main() -> None:
    seen: set[tuple[str, frozenset[str]]] = set()
    needed("concert", frozenset(), seen)
    installed = {canonical(distribution.name) for distribution in distributions()}
    print("\n".join(sorted(installed - {name for name, _ in seen} - KEPT)))


if __name__ == "__main__":
    main()
