"""`concert rehydrate` and `concert reconcile`: the engine follows the record, whatever was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from concert.commands.common import Json, engine, settings
from concert.failures import Failed

if TYPE_CHECKING:
    from temporalio.client import Client

    from services.transaction import Record

T = TypeVar("T")
Check = Annotated[bool, typer.Option("--check", help="Say what disagrees; change nothing.")]
Repair = Annotated[bool, typer.Option("--repair", help="Make the engine follow the record, then check.")]


def rehydrate() -> None:
    """Start the workflow of every open referral and plan that has none. A repeat changes nothing."""
    from concert.console import output, progress
    from concert.reconcile import rehydrate as run

    with progress("Starting workflows") as progressed:
        count = _with_both(lambda record, client: run(record, client, progressed))
    output().print(f"{count} open referrals and plans have their workflow.")


def reconcile(check: Check = False, repair: Repair = False, as_json: Json = False) -> None:
    """Compare record and engine (--check), or make the engine follow the record (--repair). Exit 1 if they disagree."""
    from concert.console import output, progress, show_json
    from concert.reconcile import check_invariants
    from concert.reconcile import repair as mend

    if check == repair:
        raise Failed("Say --check or --repair.", "Run: concert reconcile --help", usage=True)
    told: dict[str, Any] = {}
    if repair:
        with progress("Repairing") as progressed:
            done = _with_both(lambda record, client: mend(record, client, progressed))
        told = {
            "revived": done.revived,
            "started": done.started,
            "looked": done.looked,
            "completed": done.completed,
            "terminated": done.terminated,
        }
        if not as_json:
            output().print("Repaired: " + ", ".join(f"{number} {what}" for what, number in told.items()) + ".")
    found = _with_both(check_invariants)
    if as_json:
        show_json(told | {"holds": not found, "violations": found})
    else:
        output().print("\n".join(found) or "Record and engine agree.", markup=False, soft_wrap=True)
    if found:
        remedy = "Run: concert doctor" if repair else "Run: concert reconcile --repair"
        raise Failed(f"{len(found)} things do not hold.", remedy)


def _with_both(act: Callable[[Record, Client], Awaitable[T]]) -> T:
    """The engine's record and Temporal, which has to answer now."""
    from concert.connection import connect_now
    from concert.instance import reached

    chosen = reached(settings(), "engine_database_url", "temporal_address")

    async def story() -> T:
        try:
            client = await connect_now(chosen.temporal_address, chosen.temporal_namespace)
        except RuntimeError:
            raise Failed(f"Temporal does not answer at {chosen.temporal_address}.", "Run: concert doctor") from None
        with engine(chosen) as record:
            return await act(record, client)

    return asyncio.run(story())
