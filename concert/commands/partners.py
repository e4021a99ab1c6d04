"""`concert partners`: the partners' scorecards, as somebody named may read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concert.commands.common import As, From, Json, To, caller, people, require_file, require_months, settings
from concert.failures import Failed

if TYPE_CHECKING:
    from services.partner_shapes import PartnerFigure, Partners, PartnerScorecard

CsvFile = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write all figures there as CSV.")]
XlsxFile = Annotated[Path | None, typer.Option("--xlsx", metavar="FILE", help="Write a workbook there.")]
NAME = 24
"""Characters of a partner's name: the table fits a hundred columns."""
COLUMNS = ("Partner", "Ack'd", "Decided", "Contact", "Days", "Yes", "No", "Exp.", "Done", "Met", "Open", "Late")


def partners(
    start: From = None, end: To = None, as_login: As = None, as_json: Json = False, csv: CsvFile = None,
    xlsx: XlsxFile = None,
) -> None:  # fmt: skip
    """Each partner's scorecard beside the median of all: in time, answers, results, and what stands open."""
    from concert.console import output, show_json, show_table

    found = _found(start, end, as_login)
    _write(found, csv, xlsx)
    if as_json:
        show_json(found.model_dump(mode="json"))
        return
    rows = [_row(one) for one in found.partners if one.scorecard]
    show_table(COLUMNS, [*rows, _median(found)] if rows else [], empty="No partner has a scorecard here.")
    output().print("\n" + "\n".join(_told(found)), markup=False, soft_wrap=True)


def _found(start: str | None, end: str | None, login: str | None) -> Partners:
    from concert.instance import reached
    from services.partners import get_partners
    from services.refusals import Unprocessable

    require_months("partners", start, end)
    chosen = reached(settings(), "database_url")
    call = caller(chosen, login)
    with people(chosen) as record:
        try:
            return get_partners(record, call, start=start, end=end)
        except Unprocessable as refusal:
            raise Failed(refusal.detail, "Run: concert partners --help", usage=True) from None


def _write(found: Partners, csv: Path | None, xlsx: Path | None) -> None:
    from api.partner_tables import csv_of, xlsx_of

    require_file("The figures go", "--csv partners.csv", csv, xlsx)
    if csv is not None and xlsx is not None and csv.resolve() == xlsx.resolve():
        raise Failed("Table and workbook cannot be the same file.", "Name two: --csv a.csv --xlsx a.xlsx", usage=True)
    for path, write in ((csv, csv_of), (xlsx, xlsx_of)):
        if path is not None:
            try:
                path.write_bytes(write(found))
            except OSError as error:
                raise Failed(f"{path} cannot be written: {error.strerror}.", "Name another file.") from None


def _row(one: PartnerScorecard) -> tuple[object, ...]:
    """`·` where a figure is held back or not told yet; `*` behind one from few cases."""
    of = {figure.code: figure for figure in one.figures}
    load = one.load
    return (
        one.name if len(one.name) <= NAME else f"{one.name[: NAME - 1]}…",
        *(_share(of.get(code)) for code in ("acknowledged_in_time", "decided_in_time", "contacted_in_time")),
        _days(of.get("days_to_completion")),
        _count(of, "tasks_accepted"),
        _count(of, "declined_"),
        _count(of, "tasks_expired"),
        _count(of, "tasks_completed"),
        _count(of, "outcome_need_met"),
        load.open if load else "",
        load.past_limit if load else "",
    )


def _share(one: PartnerFigure | None) -> str:
    if one is None or one.value is None:
        return "·"
    return f"{one.value:.0%}" + ("*" if one.few else "")


def _days(one: PartnerFigure | None) -> str:
    """The median, and how long nine of ten took at most."""
    if one is None or one.value is None:
        return "·"
    return f"{one.value:g}/{one.p90:g}" + ("*" if one.few else "")


def _count(of: dict[str, PartnerFigure], prefix: str) -> str:
    values = [one.value for code, one in of.items() if code.startswith(prefix) and one.value is not None]
    return f"{sum(values):g}" if values else "·"


def _median(found: Partners) -> tuple[object, ...]:
    of = {one.code: one for one in found.collaborative}

    def share(code: str) -> str:
        value = of[code].value if code in of else None
        return "·" if value is None else f"{value:.0%}"

    def plain(code: str) -> str:
        value = of[code].value if code in of else None
        return "·" if value is None else f"{value:g}"

    rates = (share(code) for code in ("acknowledged_in_time", "decided_in_time", "contacted_in_time"))
    done = plain("days_to_completion"), plain("tasks_accepted"), "", plain("tasks_expired"), plain("tasks_completed")
    return ("Median of the partners", *rates, *done, plain("outcome_need_met"), "", "")


def _told(found: Partners) -> list[str]:
    said = [f"{found.range.period}. Days: median/nine of ten. * few cases; · too few, or not told yet."]
    if not found.range.shown:
        later = f"from {found.range.shown_from} on" if found.range.shown_from else "never: everybody was learning"
        said.append(f"Others than the partner itself are told these months {later}.")
    said += [f"{one.organization}, {one.service}: declined {one.declined} times for lack of room."
             for one in found.no_capacity_by_service]  # fmt: skip
    return said + [f"{one.name}: {one.note}" for one in found.partners if one.note]
