"""`concert stalled`: what stands still, as a table, once or for as long as somebody watches."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from concert.commands.common import As, Json, caller, people, settings, watching
from concert.failures import Failed

if TYPE_CHECKING:
    from rich.table import Table

    from services.stalled import Wanted
    from services.stalled_shapes import Stalled
    from services.transaction import Call, Record

PAGE = 200
KINDS = ("task", "referral", "action_plan", "step")
COLUMNS = (
    "Referral or plan",
    "What",
    "Whose turn",
    "Since (UTC)",
    "Was due (UTC)",
    "Reached",
    "Cause",
    "Why",
    "What frees it",
)

Watch = Annotated[bool, typer.Option("--watch", help="Look again every two seconds, until Ctrl-C.")]
Kind = Annotated[str | None, typer.Option("--kind", help=f"{', '.join(KINDS)}.")]
Organization = Annotated[
    str | None, typer.Option("--organization", metavar="SLUG", help="Whose turn it is: its short name.")
]


def stalled(
    watch: Watch = False, kind: Kind = None, organization: Organization = None, as_login: As = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """What stands still, whose turn it is, why, and what would free it; longest overdue first.

    With --watch and --json: one line of JSON for each look.
    """
    from concert.console import show_json, show_table
    from concert.instance import reached
    from services.directory import list_organizations

    if kind is not None and kind not in KINDS:
        raise Failed(f"--kind takes {', '.join(KINDS)}.", "Run: concert stalled --help", usage=True)
    chosen = reached(settings(), "database_url")
    call = caller(chosen, as_login)
    with people(chosen) as record:
        everybody = list_organizations(record, call, None, 1000)
        names = {one.id: one.name for one in everybody}
        wanted = _wanted(kind, organization, {one.slug: one.id for one in everybody})
        if watch:
            _watch(lambda: _read(record, call, wanted), names, as_json)
        elif as_json:
            show_json(_body(_read(record, call, wanted)))
        else:
            show_table(COLUMNS, _rows(_read(record, call, wanted), names), empty="Nothing stands still.")


def _wanted(kind: str | None, slug: str | None, known: Mapping[str, Any]) -> Wanted:
    from services.stalled import Wanted

    if slug is not None and slug not in known:
        raise Failed(f"There is no organization {slug!r}.", f"There are: {', '.join(sorted(known))}.", usage=True)
    return Wanted(kind=kind, organization_id=known[slug] if slug else None)


def _read(record: Record, call: Call, wanted: Wanted) -> list[Stalled]:
    from services.stalled import list_stalled

    items: list[Stalled] = []
    while page := list_stalled(record, call, (items[-1].limit, items[-1].id) if items else None, PAGE, wanted):
        items += page
    return items


def _watch(look: Callable[[], list[Stalled]], names: Mapping[Any, str], as_json: bool) -> None:
    """A line of JSON for each look; drawn again in place on a terminal; else one table after the other."""
    from rich.live import Live

    from concert.console import errors, output, table

    console = output()

    def drawn(items: list[Stalled]) -> Table:
        return table(COLUMNS, _rows(items, names), title=f"{len(items)} stand still")

    if as_json:
        watching(look, lambda items: _line(_body(items)), errors().print)
    elif console.is_terminal:
        with Live(console=console, auto_refresh=False, screen=True) as live:
            draw = partial(live.update, refresh=True)
            watching(look, lambda items: draw(drawn(items)), draw)
    else:
        watching(look, lambda items: console.print(drawn(items)), errors().print)


def _line(body: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(body, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _body(items: Sequence[Stalled]) -> dict[str, Any]:
    return {"items": [item.model_dump(mode="json") for item in items]}


def _rows(items: Sequence[Stalled], names: Mapping[Any, str]) -> list[tuple[object, ...]]:
    return [
        (
            i.reference,
            i.title,
            names.get(i.ball_in_court.organization_id, ""),
            f"{i.since:%Y-%m-%d %H:%M}",
            f"{i.limit:%Y-%m-%d %H:%M}",
            i.level,
            (i.cause or "").replace("_", " "),
            i.reason,
            i.remedy,
        )
        for i in items
    ]
