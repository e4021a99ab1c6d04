"""`concert publish`: the figures of a closed period, for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from concert.commands.common import As, Json, caller, people, settings
from concert.failures import Failed

if TYPE_CHECKING:
    from services.published import Content, Figure, Publication
    from services.transaction import Answer, Call

Period = Annotated[str, typer.Argument(metavar="PERIOD", help="Such as 2026-11, 2026-Q3, 2026 or state_year:2027.")]
Preview = Annotated[bool, typer.Option("--preview", help="Show what would be published; publish nothing.")]


def publish(period: Period, preview: Preview = False, as_login: As = None, as_json: Json = False) -> None:
    """Publish a closed period, or its next version; --preview shows it first. The backbone's move."""
    from concert.console import progress
    from concert.instance import reached
    from services import publications
    from services.refusals import Unprocessable
    from services.transaction import Answer

    chosen = reached(settings(), "database_url")
    call = caller(chosen, as_login)
    with people(chosen) as record:
        try:
            with progress("Hiding what could point at somebody") as hiding:
                if preview:
                    found: Content | Answer[Publication] = publications.preview(record, call, period, hiding)
                else:
                    found = publications.publish(record, _once(call), period, hiding)
        except Unprocessable as refusal:
            mistyped = isinstance(refusal, publications.NotAPeriod)
            remedy = "Run: concert publish --help" if mistyped else "Run: concert indicators"
            raise Failed(refusal.detail, remedy, usage=mistyped) from None
    if isinstance(found, Answer):
        _say(found, as_json)
    else:
        _show(found, as_json)


def _say(answer: Answer[Publication], as_json: bool) -> None:
    from concert.console import output, show_json

    made = answer.body
    if as_json:
        show_json(made.model_dump(mode="json"))
        return
    if answer.status == 200:
        output().print(f"Nothing in {made.period} changed: version {made.version} stands.")
        return
    output().print(
        f"Published {made.period}, version {made.version}: {made.figures} figures, {made.suppressed} suppressed,"
        f" {made.changes} changed. Everybody reads them at GET /public/indicators."
    )


def _once(call: Call) -> Call:
    """Each run is a command of its own."""
    from dataclasses import replace

    from services.transaction import Key

    return replace(call, key=Key(uuid4().hex, b"concert publish".ljust(32, b"\0")))


def _show(content: Content, as_json: bool) -> None:
    from concert.console import output, show_json, show_table

    if as_json:
        show_json(content.model_dump(mode="json"))
        return
    rows = [
        (one.code, *(next(iter(figure.by.items()), ("", "region"))), *_told(figure))
        for one in content.indicators
        for figure in one.figures
    ]
    columns = ("Indicator", "By", "Group", "Figure", "Of", "Remark")
    show_table(columns, rows, empty="No indicator counted anything in that period.")
    for left in content.left_out:
        by = f" by {left.by}" if left.by else ""
        output().print(f"Not in it: {left.indicator}{by}. {left.reason}", markup=False)
    output().print(f"\n{content.explanation.sentence}\nNothing was published.", markup=False)


def _told(figure: Figure) -> tuple[str, str, str]:
    if figure.suppressed:
        return "", "", "suppressed"
    if figure.observed:
        return f"{figure.value:g}", "", f"{figure.observed.source}, {figure.observed.on}"
    value = "" if figure.value is None else f"{figure.value:g}"
    cases = "" if figure.denominator is None else str(figure.denominator)
    return value, cases, "" if figure.complete else "without confidential work"
