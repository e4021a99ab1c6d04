"""What the terminal shows: tables and JSON on standard output, progress and errors on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

WIDE = 200
"""Columns where no terminal says how many: nothing is cut in a file or a pipe."""


def output() -> Console:
    """rich itself honours NO_COLOR."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def errors() -> Console:
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDE)


def show_json(value: Any) -> None:
    """Plain JSON, one document."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """`empty` says in words that there is nothing. Cells are text: markup in a name stays as it was written."""
    output().print(table(columns, rows) if rows else empty)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None) -> Table:
    drawn = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return drawn


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar while somebody watches; the value is called with (done, total)."""
    console = errors()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A sign of life on work that cannot say how far it is."""
    console = errors()
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield
