"""`concert engine`: how the engine is, as the backbone sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from concert.commands.common import As, Json, caller, people, settings

if TYPE_CHECKING:
    from services.engine_shapes import Engine


def engine(as_login: As = None, as_json: Json = False) -> None:
    """How the engine is: what waits, who gives signs of life, which workflows fail, and what to do about it."""
    from concert.console import output, show_json, show_table
    from concert.instance import reached
    from services.engine import get_engine

    chosen = reached(settings(), "database_url")
    call = caller(chosen, as_login)
    with people(chosen) as record:
        found = get_engine(record, call)
    if as_json:
        show_json(found.model_dump(mode="json"))
        return
    show_table(("What", "How it is"), _rows(found), empty="")
    lines = [f"{each.code}: {each.reason} {each.remedy}" for each in found.ailments]
    lines += [f"{each.kind} {each.id} {each.trouble} ({each.code}) since {each.since:%Y-%m-%d %H:%M} UTC"
              for each in found.findings]  # fmt: skip
    lines = lines or ["All is well."]
    if not chosen.smtp_url:
        lines.append("No mail is sent, not even when Concert is unwell: set CONCERT_SMTP_URL.")
    output().print("\n" + "\n".join(lines), markup=False, soft_wrap=True)


def _rows(found: Engine) -> list[tuple[str, str]]:
    outbox, ledger, audit, database = found.outbox, found.ledger, found.audit, found.database
    connections = f"{database.connections} of {database.most_connections} connections"
    size = f"{database.size_bytes / 1_000_000:.0f} MB"
    return [
        ("Outbox", f"{outbox.waiting} waiting, oldest {outbox.oldest_seconds:.1f} s, {outbox.dead} given up"),
        ("Ledger", f"{ledger.waiting} to be folded, oldest {ledger.oldest_seconds:.1f} s"),
        ("Audit", f"{audit.waiting} to be sealed, oldest {audit.oldest_seconds:.1f} s"),
        *((each.role.capitalize(), _seen(each.alive, each.last_seen_at)) for each in found.processes),
        ("Database", f"answers in {database.ping_ms:.1f} ms, {connections}, {size}"),
    ]


def _seen(alive: int, last: object) -> str:
    if alive:
        return f"{alive} alive"
    return f"silent since {last:%Y-%m-%d %H:%M} UTC" if last else "never seen"
