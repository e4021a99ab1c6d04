"""What may go wrong without anything being broken, in words, each with the command to run next."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any


class Failed(Exception):
    """A command did not do what was asked. `remedy` says what to run or set; `usage`: the call itself was wrong."""

    def __init__(self, what: str, remedy: str, *, usage: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.usage = usage


DOCTOR = "Run: concert doctor"
_NOT_MIGRATED = frozenset({"42P01", "3F000", "42883", "42703", "42501"})
_NO_SPACE = "The disk is full."


def explain(error: BaseException) -> Failed | None:
    """The failure in words; None for what nobody expected. By class name first: nothing is imported for it."""
    if isinstance(error, Failed):
        return error
    for kind in type(error).__mro__:
        if found := _KNOWN.get(f"{kind.__module__.partition('.')[0]}.{kind.__name__}"):
            return found(error)
    return None


def _cannot_start(error: Any) -> Failed:
    return Failed(error.what, error.remedy)


def _refused(error: Any) -> Failed:
    if error.code == "unauthenticated":
        return Failed("That login is unknown, was revoked, or has no current membership.", "Run: concert logins")
    return Failed(error.detail, "Run: concert --help")


def _settings(error: Any) -> Failed:
    wrong = [f"CONCERT_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors()]
    return Failed(
        "; ".join(wrong), "Correct it in the environment or in .env; the README lists every setting.", usage=True
    )


def _database(error: Any) -> Failed:
    original = getattr(error, "orig", error)
    state = getattr(original, "sqlstate", None)
    connection = getattr(original, "pgconn", None)
    if state is None and connection is not None and connection.used_password:
        state = "28P01"  # a refusal to connect carries no code
    if state in _NOT_MIGRATED:
        return Failed("The database has not the shape that this Concert expects.", "Run: concert migrate")
    if state == "53100":
        return Failed("The database's disk is full.", DOCTOR)
    if state in ("28P01", "28000"):
        return Failed("The database refuses the login or its password.", DOCTOR)
    if state == "3D000":
        return Failed("The server has no database of that name.", DOCTOR)
    return Failed(f"The database does not answer{f' ({state})' if state else ''}.", DOCTOR)


def _temporal(error: Any) -> Failed:
    if getattr(getattr(error, "status", None), "name", "") == "NOT_FOUND":
        return Failed(
            "Temporal has no such namespace.",
            "Make it (temporal operator namespace create), or set CONCERT_TEMPORAL_NAMESPACE.",
        )
    return Failed("Temporal does not answer.", DOCTOR)


def _system(error: Any) -> Failed | None:
    if error.errno == errno.ENOSPC:
        return Failed(_NO_SPACE, DOCTOR)
    if error.errno in (errno.EACCES, errno.EPERM):
        return Failed(f"{error.filename or 'A file'} may not be opened: {error.strerror}.", DOCTOR)
    return None


_KNOWN: dict[str, Callable[[Any], Failed | None]] = {
    "concert.CannotStart": _cannot_start,
    "services.Refusal": _refused,
    "concert.Refused": lambda error: Failed(f"The API refused: {error}", DOCTOR),
    "storage.UnsafeRole": lambda error: Failed(str(error), "Run: concert migrate"),
    "seed.AnotherRegion": lambda error: Failed(str(error), "Run: concert seed --seed with the seed that made it"),
    "pydantic_core.ValidationError": _settings,
    "pydantic_settings.SettingsError": lambda error: Failed(str(error), "Correct the environment or .env.", usage=True),
    "sqlalchemy.DBAPIError": _database,
    "sqlalchemy.TimeoutError": _database,
    "psycopg.Error": _database,
    "temporalio.RPCError": _temporal,
    "builtins.OSError": _system,
}
