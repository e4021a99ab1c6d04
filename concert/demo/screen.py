"""The live table: referrals by state, the shared numbers, what stands still and why, what just happened."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from concert.demo.board import CLOSED, NUMBERS, SERVED, STATES, UNDECIDED, Board, Line, figure, since
from concert.demo.pace import Pace

_COLORS = {**dict.fromkeys(UNDECIDED, "yellow"), **dict.fromkeys(SERVED, "cyan"), **dict.fromkeys(CLOSED, "green")}
_BAR = 16
_WIDE = 100
_FIXED_LINES = 6


class Screen:
    """Draws a board that somebody else keeps fresh."""

    def __init__(self, console: Console, board: Board, pace: Pace, expected: int) -> None:
        self._console = console
        self._board = board
        self._pace = pace
        self._expected = expected
        self._since = time.monotonic()

    def __rich__(self) -> RenderableType:
        height = self._console.height - len(STATES) - _FIXED_LINES
        events = max(2, min(6, height // 3))
        return Group(
            self._headline(),
            Text(),
            self._two_tables(),
            Text(),
            _stalled(self._board, self._pace, max(1, height - events - 2), self._console.width),
            Text(),
            *(_event(line, self._console.width) for line in self._board.events[:events]),
        )

    def _headline(self) -> Text:
        seconds = time.monotonic() - self._since
        came = sum(self._board.states.values())
        line = Text("Concert at work", style="bold")
        line.append(f"   business day {1 + seconds / self._pace.day:.0f}", style="bold cyan")
        line.append(f"   {came} of {self._expected} requests came in   {seconds:.0f} s", style="dim")
        return line

    def _two_tables(self) -> Table:
        side_by_side = Table.grid(padding=(0, 3))
        side_by_side.add_row(self._referrals(), self._numbers())
        return side_by_side

    def _referrals(self) -> Table:
        """Columns keep their widths, so that nothing jumps while the numbers grow."""
        bar = _BAR if self._console.width >= _WIDE else 0
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True, min_width=max(map(len, STATES.values())))
        table.add_column(justify="right", min_width=3)
        table.add_column(min_width=bar)
        most = max(_BAR, *self._board.states.values(), 1)
        for state, label in STATES.items():
            n, style = self._board.states[state], _COLORS.get(state, "magenta")
            length = round(bar * n / most)
            table.add_row(Text(label, style="" if n else "dim"), Text(str(n or "·"), style), Text("█" * length, style))
        return table

    def _numbers(self) -> Table:
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, min_width=16)
        board = self._board
        for indicator in board.indicators[:NUMBERS]:
            table.add_row(Text(indicator["name"]), Text(figure(indicator), style="bold"))
        table.add_row()
        table.add_row(Text("Reminders sent"), Text(str(board.reminders), style="yellow"))
        table.add_row(Text("Escalations"), Text(str(board.escalations), style="yellow"))
        table.add_row(Text("Expired unanswered"), Text(str(board.expiries), style="red"))
        return table


def _stalled(board: Board, pace: Pace, room: int, width: int) -> RenderableType:
    """The longest overdue first; a reason is never cut where there is room for it."""
    items = board.stalled
    table = Table.grid(padding=(0, 1))
    title = Text(f"{len(items)} stand still" if items else "Nothing stands still", style="bold")
    now = datetime.now(UTC)
    shown = max(1, room - 1) if width >= _WIDE else max(1, (room - 1) // 2)
    for item in items[:shown]:
        late = since(item["limit"], now, pace.day)
        table.add_row(
            Text(item["reference"], style="dim"),
            Text(item["reason"]),
            Text(f"{late} late", style="yellow", no_wrap=True),
        )
    return Group(title, table)


def _event(line: Line, width: int) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis", style="red" if line.late else "dim")
    text.append(f"{line.who} {line.what}"[:width])
    return text


def calm_line(board: Board, seconds: float, expected: int) -> str:
    """One line of progress where nobody watches a terminal."""
    came = sum(board.states.values())
    where = (
        f"{board.total(UNDECIDED)} undecided",
        f"{board.total(SERVED)} being served",
        f"{board.states['awaiting_source']} back",
        f"{board.total(CLOSED)} closed",
        f"{len(board.stalled)} stalled",
    )
    return f"{seconds:4.0f} s  {came} of {expected} came in · {' · '.join(where)}"
