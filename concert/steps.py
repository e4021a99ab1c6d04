"""A start, told step by step: one line for each thing that is up, and a sign of life for the one that is not yet."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType

from rich.status import Status

from concert.console import errors, output

ORDER = ("PostgreSQL", "Migrations", "Temporal", "Region", "Worker", "Relay", "API")


class Steps:
    """`say` takes a line that begins with the step's name; the next name in ORDER is then under way."""

    def __init__(self) -> None:
        self._console = errors()
        self._output = output()
        self._status: Status | None = None
        self._open = ExitStack()

    def __enter__(self) -> Steps:
        if self._console.is_terminal:
            self._status = self._open.enter_context(self._console.status(f"{ORDER[0]} …"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    def say(self, line: str) -> None:
        name = line.partition(" ")[0]
        number = ORDER.index(name) + 1 if name in ORDER else 0
        mark = f"[{number}/{len(ORDER)}] " if number else ""
        self._print(mark + line)
        if self._status is not None and 0 < number < len(ORDER):
            self._status.update(f"{ORDER[number]} …")

    def tell(self, line: str) -> None:
        """Something that happened later."""
        self._print(line)

    def done(self) -> None:
        """All is up: the sign of life ends."""
        self._open.close()

    def _print(self, line: str) -> None:
        self._output.print(line, markup=False, soft_wrap=True)
        self._output.file.flush()
