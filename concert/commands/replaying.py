"""`concert indicators replay`: what a new version would say of all that happened, before it is taken over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from concert.commands.common import Json, engine, settings
from concert.failures import Failed

if TYPE_CHECKING:
    from services.replaying import Replay

Which = Annotated[str, typer.Argument(metavar="CODE", help="An indicator of the agenda.")]
Version = Annotated[int, typer.Option("--version", min=1, help="Of its definition.")]
TakeOver = Annotated[bool, typer.Option("--take-over", help="Afterwards make it count from its day.")]


def replay(code: Which, version: Version, take_over: TakeOver = False, as_json: Json = False) -> None:
    """Recompute a version over all history and show, period by period, what differs from what stands.

    Without --take-over nothing changes. With it the version counts from its day; a repeat changes nothing.
    """
    from concert.console import output, progress, show_json
    from concert.instance import reached
    from services import replaying
    from services.refusals import NotVisible

    chosen = reached(settings(), "engine_database_url", *(("admin_database_url",) if take_over else ()))
    counted = None
    with engine(chosen) as record:
        try:
            with progress("Replaying from events") as progressed:
                found = replaying.replay(record, code, version, progressed)
        except NotVisible:
            what = f"There is no version {version} of an indicator {code!r}."
            raise Failed(what, "Look at: concert indicators; load one with: concert agenda load FILE") from None
        if take_over:
            with progress("Counting back") as progressed:
                counted = replaying.take_over(record, chosen.admin_database_url, code, version, progressed)
    if as_json:
        show_json(_as_json(found, counted))
        return
    _show(found)
    if counted is not None:
        said = f"It stands, and tells the periods from {found.from_period} on; {counted} events were counted back."
        output().print(said, markup=False, soft_wrap=True)
    elif found.standing != "in_force":
        again = f"concert indicators replay {code} --version {version} --take-over"
        said = f"Nothing was changed. Taken over, it would tell the periods from {found.from_period} on: {again}"
        output().print(said, markup=False, soft_wrap=True)


def _show(found: Replay) -> None:
    from concert.console import show_table

    rows = [(one.period, one.stands, one.would, _difference(one.stands, one.would)) for one in found.changes]
    show_table(("Period", "Stands", "Would be", "Difference"), rows, empty="Nothing was ever counted by it.")


def _difference(stands: float | None, would: float | None) -> str:
    if stands == would:
        return ""
    return "new" if stands is None else "gone" if would is None else f"{would - stands:+.12g}"


def _as_json(found: Replay, counted: int | None) -> dict[str, object]:
    return {
        "code": found.code,
        "version": found.version,
        "events": found.events,
        "from_period": found.from_period,
        "counted_back": counted,
        "changes": [{"period": one.period, "stands": one.stands, "would": one.would} for one in found.changes],
    }
