"""Tables for spreadsheets; of published figures one row a figure. No cell is ever a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import xlsxwriter

from services.published import Figure, PublishedIndicator, Snapshot, Snapshots

COLUMNS = (
    "collaborative", "period", "starts_on", "ends_on", "version", "published_at", "indicator", "name", "kind", "unit",
    "dimension", "group", "value", "numerator", "denominator", "suppressed", "complete", "baseline_period", "waiting",
    "waiting_share", "observed_period", "observed_on", "source", "left_out",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NO_TIME = datetime(1980, 1, 1, tzinfo=UTC)
"""As in a ZIP file without times: a workbook does not say when somebody asked for it."""
Cell = str | int | float | None
Row = Sequence[Cell]


def csv_of(found: Snapshots) -> bytes:
    """UTF-8, a header, one row a figure; an empty cell where there is no value."""
    return csv_table(COLUMNS, _rows(found))


def xlsx_of(found: Snapshots) -> bytes:
    """Two sheets: the figures, and how to read them."""
    return xlsx_book([("Figures", COLUMNS, _rows(found))], _notes(found))


def csv_table(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_inert(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def xlsx_book(sheets: Iterable[tuple[str, Sequence[str], Iterable[Row]]], notes: Iterable[str]) -> bytes:
    """Each sheet with its name and its columns; the notes on a last one. The same again is the same byte for byte."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(file, options)
    book.set_properties({"created": _NO_TIME})
    bold = book.add_format({"bold": True})
    for name, columns, rows in sheets:
        sheet = book.add_worksheet(name)
        sheet.write_row(0, 0, columns, bold)
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(number, column, _inert(cell))
                elif cell is not None:
                    sheet.write_number(number, column, cell)
        sheet.freeze_panes(1, 0)
    said = book.add_worksheet("Notes")
    for number, note in enumerate(notes):
        said.write_string(number, 0, _inert(note))
    book.close()
    return file.getvalue()


def _inert(cell: Cell) -> str:
    """As text that no spreadsheet takes for a formula. Numbers are ours and stay as they are."""
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(_FORMULA) else cell
    return "" if cell is None else str(cell)


def _rows(found: Snapshots) -> Iterator[tuple[Cell, ...]]:
    for snapshot in found.items:
        for one in snapshot.indicators:
            for figure in one.figures:
                told = (*_of_figure(figure), _word(one.baseline_period), *_beside(figure), "")
                yield (*_of_snapshot(snapshot), *_of_indicator(one), *told)
        for left in snapshot.left_out:
            nothing = [""] * (len(COLUMNS) - 9)
            yield (
                *_of_snapshot(snapshot),
                left.indicator,
                left.name,
                *nothing,
                f"By {left.by}: {left.reason}" if left.by else left.reason,
            )


def _of_snapshot(one: Snapshot) -> tuple[Cell, ...]:
    days = (one.starts_on.isoformat(), one.ends_on.isoformat())
    return (one.collaborative, one.period, *days, one.version, one.published_at.isoformat())


def _of_indicator(one: PublishedIndicator) -> tuple[Cell, ...]:
    return (one.code, one.name, one.kind, one.unit)


def _of_figure(one: Figure) -> tuple[Cell, ...]:
    dimension, group = next(iter(one.by.items()), ("", ""))
    told = (_word(one.suppressed), "" if one.complete is None else _word(one.complete))
    return (dimension, group, one.value, one.numerator, one.denominator, *told)


def _beside(one: Figure) -> tuple[Cell, ...]:
    seen = (one.observed.period, one.observed.on.isoformat(), one.observed.source) if one.observed else ("", "", "")
    return (one.waiting, one.waiting_share, *seen)


def _word(flag: bool) -> str:
    return "yes" if flag else "no"


def _notes(found: Snapshots) -> Iterator[str]:
    for snapshot in found.items:
        yield f"{snapshot.collaborative_name}: {snapshot.period}, version {snapshot.version}"
        yield snapshot.explanation.sentence
        covers = snapshot.coverage
        yield f"Partners: {covers.connected} connected, {covers.by_phone} by phone, {covers.listed} listed."
        yield covers.confidential
        yield from snapshot.method
        for left in snapshot.left_out:
            yield f"{left.indicator} is not {f'told by {left.by}' if left.by else 'in it'}. {left.reason}"
        for one in snapshot.indicators:
            yield f"{one.code}: {one.definition}"
