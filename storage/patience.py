"""A connection that waits only so long: `statement_timeout` is kept by a server that may be silent itself."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import errors


class Patient(psycopg.Connection[tuple[Any, ...]]):
    """Gives one exchange `patience` seconds (None: for ever), then closes itself and raises OperationalError.

    A peer that accepts bytes and answers nothing (stopped, or black-holed behind a pooler) would otherwise hold the
    caller, its thread and its place in the pool for ever, because TCP sees nothing wrong.
    """

    patience: float | None = 10.0

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except errors._WaitTimeout:  # noqa: SLF001 - the only name that it has
            self.close()
            raise errors.ConnectionException("the database did not answer in time") from None
