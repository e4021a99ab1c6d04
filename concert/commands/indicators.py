"""`concert indicators`: what the backbone looks at, under the eyes of somebody named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from concert.commands.common import As, From, Json, To, caller, engine, people, require_months, settings
from concert.failures import Failed
from concert.settings import Settings

if TYPE_CHECKING:
    from services.measure_shapes import Indicator, Point
    from services.verifying import Verification

Code = Annotated[str, typer.Argument(metavar="CODE", help="One of those that `concert indicators` prints.")]
By = Annotated[
    str | None, typer.Option("--by", help="organization, county, term, age_band, race, ethnicity, language.")
]
Period = Annotated[str, typer.Option("--period", help="month, a calendar of the agenda, or range.")]
Version = Annotated[int | None, typer.Option("--version", min=1, help="Tell every period by this version.")]
Full = Annotated[bool, typer.Option("--full", help="Believe no earlier proof: recompute every event.")]

indicators = typer.Typer(help="The shared numbers: list them, show one, prove them all.", invoke_without_command=True)


@indicators.callback()
def listed(context: typer.Context, as_login: As = None, as_json: Json = False) -> None:
    """The collaborative's short list, each with its newest figure."""
    if context.invoked_subcommand is not None:
        return
    from concert.console import show_json, show_table
    from services.indicators import get_indicator, list_indicators

    chosen = _chosen()
    call = caller(chosen, as_login)
    with people(chosen) as record:
        found = [get_indicator(record, call, one.code) for one in list_indicators(record, call)]
    if as_json:
        show_json({"items": [one.model_dump(mode="json") for one in found]})
        return
    rows = [(one.code, one.name, one.unit, *_newest(one)) for one in found]
    show_table(("Code", "Name", "Unit", "Period", "Figure"), rows, empty="No indicator is agreed on. Run: concert seed")


@indicators.command()
def show(
    code: Code, start: From = None, end: To = None, by: By = None, period: Period = "month", version: Version = None,
    as_login: As = None, as_json: Json = False,
) -> None:  # fmt: skip
    """One indicator: its definition, what it is measured against, and its figures."""
    from concert.console import output, show_json, show_table
    from services.indicators import DIMENSIONS, get_indicator
    from services.naming import names_of
    from services.refusals import NotVisible, Unprocessable

    if by is not None and by not in DIMENSIONS:
        raise Failed(f"--by takes {', '.join(DIMENSIONS)}.", "Run: concert indicators show --help", usage=True)
    require_months("indicators show", start, end)
    chosen = _chosen()
    call = caller(chosen, as_login)
    with people(chosen) as record:
        try:
            one = get_indicator(record, call, code, start=start, end=end, by=by, period=period, version=version)
            names = names_of(record, call, by).of
        except NotVisible:
            raise Failed(f"There is no indicator {code!r}.", "Run: concert indicators") from None
        except Unprocessable as refusal:
            raise Failed(refusal.detail, "Run: concert indicators show --help", usage=True) from None
    if as_json:
        show_json(one.model_dump(mode="json"))
        return
    output().print("\n".join(_about(one)) + "\n", markup=False, soft_wrap=True)
    rows = [
        (
            p.period,
            *((names.get(code, code) for code in p.by.values()) if by else ()),
            _figure(one, p),
            p.numerator,
            p.denominator,
            _open(p),
            p.version,
        )
        for p in one.series
    ]
    columns = ("Period", *((by.capitalize(),) if by else ()), "Figure", "Numerator", "Of", "Still open", "Version")
    show_table(columns, rows, empty="No figures yet.")


def _about(one: Indicator) -> list[str]:
    """What it says, whom it serves, and how far anybody is held to it."""
    said = [f"{one.name} (version {one.version}, {one.unit})", one.definition]
    said.append(f"Serves {one.result}" + (f" by {one.strategy}" if one.strategy else ""))
    if one.baseline_period:
        said.append("Baseline period: nobody is held to a target yet.")
    else:
        target, baseline = one.target or {}, one.baseline or {}
        until = f"; target {target['value']:g} by {target['by']}" if target else "; no target yet"
        said.append(f"Baseline {baseline['value']:g} ({baseline['period']}){until}")
    if one.coverage is not None:
        unknown = ", ".join(f"{name} {share:.0%}" for name, share in one.coverage.unknown.items())
        partners = f"{one.coverage.connected_partners} of {one.coverage.partners} partners work in Concert"
        said.append(f"Coverage: {partners}" + (f"; unknown: {unknown}" if unknown else ""))
    return said


def _figure(one: Indicator, point: Point) -> str:
    """As people say it: whole counts without a point, shares in hundredths."""
    if point.value is None:
        return "held back" if point.held_back else ""
    return f"{point.value:.0%}" if one.unit == "ratio" else f"{point.value:g}"


def _open(point: Point) -> int | None:
    """Cases that nobody can judge yet."""
    return point.not_yet_due if point.not_yet_due is not None else point.waiting


@indicators.command()
def verify(full: Full = False, as_json: Json = False) -> None:
    """Prove every number: what events earn, ledger and totals must say the same. Exit 1 if they differ.

    What was proven before is compared by checksum, later events are recomputed.
    """
    from concert.console import output, progress, show_json
    from services.verifying import prove_indicators

    with engine(_chosen("engine_database_url")) as record, progress("Recomputing from events") as progressed:
        found = prove_indicators(record, progressed, full=full)
    if as_json:
        show_json(found.as_dict())
    elif found.holds:
        output().print(_held(found))
    if not found.holds:
        first = "" if as_json else "\n" + "\n".join(found.differences[:20])
        raise Failed(
            f"{len(found.differences)} differences between events and numbers.{first}", "Run: concert reconcile --check"
        )


def _held(found: Verification) -> str:
    known = f" after {found.before} proven by {found.since:%Y-%m-%d %H:%M} UTC" if found.since else ""
    told = f"It holds: {found.events} events{known}, {found.entries} entries and {found.totals} totals agree."
    return told if found.marked else f"{told} No mark was set: the record was written to without a pause."


def _newest(one: Indicator) -> tuple[str, object]:
    if not one.series:
        return "", ""
    point = one.series[-1]
    return point.period, _figure(one, point)


def _chosen(*needed: str) -> Settings:
    from concert.instance import reached

    return reached(settings(), *(needed or ("database_url",)))
