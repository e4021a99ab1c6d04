"""`concert engine`: how the engine is, as the backbone sees it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from concert.commands.common import As, Json, caller, people, settings, watching
from concert.failures import Failed

if TYPE_CHECKING:
    from rich.console import RenderableType

    from services.engine_shapes import Engine

Watch = Annotated[bool, typer.Option("--watch", help="Draw it again every two seconds, until Ctrl-C.")]


def engine(as_login: As = None, as_json: Json = False, watch: Watch = False) -> None:
    """How the engine is: what waits, who gives signs of life, which workflows fail, and what to do about it.

    Exit 1 if it is unwell.
    """
    from concert.console import output, show_json
    from concert.instance import reached
    from services.engine import get_engine

    if watch and as_json:
        raise Failed("--watch draws for people, --json is read once.", "Say one of them.", usage=True)
    chosen = reached(settings(), "database_url")
    call = caller(chosen, as_login)
    with people(chosen) as record:
        if watch:
            _watch(lambda: get_engine(record, call), bool(chosen.smtp_url))
            return
        found = get_engine(record, call)
    if as_json:
        show_json(found.model_dump(mode="json"))
    else:
        output().print(_drawn(found, bool(chosen.smtp_url)), soft_wrap=True)
    if found.ailments:
        codes = ", ".join(dict.fromkeys(each.code for each in found.ailments))
        raise Failed(f"The engine is unwell: {codes}.", "Each has its entry under Alarms in docs/runbook.md.")


def _watch(look: Callable[[], Engine], mails: bool) -> None:
    """Drawn again in place."""
    from rich.live import Live

    from concert.console import output

    with Live(console=output(), auto_refresh=False) as live:
        draw = partial(live.update, refresh=True)
        watching(look, lambda found: draw(_drawn(found, mails)), draw)


def _drawn(found: Engine, mails: bool) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from concert.console import table

    lines = [f"{each.code}: {each.reason} {each.remedy}" for each in found.ailments]
    lines += [f"{each.kind} {each.id} {each.trouble} ({each.code}) since {each.since:%Y-%m-%d %H:%M} UTC"
              for each in found.findings]  # fmt: skip
    lines = lines or ["All is well."]
    if not mails:
        lines.append("No mail is sent, not even when Concert is unwell: set CONCERT_SMTP_URL.")
    return Group(table(("What", "How it is"), _rows(found)), Text("\n" + "\n".join(lines)))


def _rows(found: Engine) -> list[tuple[str, str]]:
    outbox, ledger, audit, mail = found.outbox, found.ledger, found.audit, found.mail
    database = found.database
    connections = f"{database.connections} of {database.most_connections} connections"
    size = f"{database.size_bytes / 1_000_000:.0f} MB"
    return [
        ("Outbox", f"{outbox.waiting} waiting, oldest {outbox.oldest_seconds:.1f} s, {outbox.dead} given up"),
        ("Ledger", f"{ledger.waiting} to be folded, oldest {ledger.oldest_seconds:.1f} s"),
        ("Audit", f"{audit.waiting} to be sealed, oldest {audit.oldest_seconds:.1f} s"),
        ("Mail", f"{mail.waiting} that do not leave, oldest {mail.oldest_seconds:.1f} s"),
        *((each.role.capitalize(), _seen(each.alive, each.last_seen_at)) for each in found.processes),
        ("Database", f"answers in {database.ping_ms:.1f} ms, {connections}, {size}"),
    ]


def _seen(alive: int, last: object) -> str:
    if alive:
        return f"{alive} alive"
    return f"silent since {last:%Y-%m-%d %H:%M} UTC" if last else "never seen"
