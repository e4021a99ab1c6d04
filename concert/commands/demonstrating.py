"""`concert demo`: a whole region at work, on servers of its own, ending with the verification."""

from __future__ import annotations

from typing import Annotated

import typer

from concert.commands.common import Json, settings
from concert.commands.directory import SEED

Referrals = Annotated[int, typer.Option("--referrals", min=1, max=500, help="How many requests come in.")]
Families = Annotated[int, typer.Option("--plans", min=0, max=50, help="How many families get a plan.")]
Seed = Annotated[int, typer.Option("--seed", help="The same number gives the same region and requests.")]


def demo(referrals: Referrals = 60, plans: Families = 3, seed: Seed = SEED, as_json: Json = False) -> None:
    """Show a region at work, on servers of its own in a temporary directory. Exit 0 only if everything holds."""
    from concert.demo.main import run_demo

    settings()
    status = run_demo(referrals, seed, as_json, plans)
    if status:
        raise typer.Exit(status)
