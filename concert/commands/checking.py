"""`concert doctor`: what on this machine would keep Concert from working."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from concert.commands.common import Json, settings
from concert.failures import Failed
from concert.settings import Settings

if TYPE_CHECKING:
    from concert.doctor import Finding


def doctor(as_json: Json = False) -> None:
    """Look at Python, packages, binaries, data directory, ports, databases and Temporal. Exit 1 if one is wrong."""
    from concert.console import show_json, show_table

    found = _examined(settings())
    if as_json:
        show_json([asdict(one) for one in found])
    else:
        rows = [("ok" if one.ok else "WRONG", one.name, one.what, one.remedy) for one in found]
        show_table(("", "What", "Found", "What to do"), rows, empty="Nothing to look at.")
    wrong = [one for one in found if not one.ok]
    if wrong:
        raise Failed(
            f"{len(wrong)} of {len(found)} things are wrong.", "Do what the last column says, then: concert doctor"
        )


def _examined(chosen: Settings) -> list[Finding]:
    """Of a running instance everything is looked at, and what it holds itself is no fault."""
    from concert.doctor import Finding, examine
    from concert.instance import directory_of, find, reached

    instance = find(chosen)
    if instance is None:
        return examine(chosen)
    where = f"{instance.http_url}, process {instance.pid}, {directory_of(chosen)}"
    findings = [Finding("concert up", True, where)]
    embedding = [one for one in examine(chosen) if one.name not in ("port", "data directory")]
    servers = [one for one in examine(reached(chosen)) if one.name.startswith(("database", "temporal"))]
    known = {one.name for one in servers}
    return findings + [replace(one) for one in embedding if one.name not in known] + servers
