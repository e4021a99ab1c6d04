"""What every command begins with, and the options that several share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from concert.failures import Failed
from concert.settings import Settings

if TYPE_CHECKING:
    from services.transaction import Call, Record

T = TypeVar("T")
WATCH_SECONDS = 2.0
"""Between two looks of a `--watch`."""
Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
As = Annotated[
    str | None, typer.Option("--as", metavar="LOGIN", help="Who looks; default: the backbone's first login.")
]
From = Annotated[str | None, typer.Option("--from", metavar="MONTH", help="First month, such as 2026-11.")]
To = Annotated[str | None, typer.Option("--to", metavar="MONTH", help="Last month.")]


def require_months(command: str, *months: str | None) -> None:
    """Raises Failed (wrong usage) for what is no month."""
    from domain.period import is_month

    if not all(month is None or is_month(month) for month in months):
        raise Failed("A month is written as 2026-11.", f"Run: concert {command} --help", usage=True)


def require_file(what: str, example: str, *files: Path | None) -> None:
    """Raises Failed (wrong usage) for `-`, which names none."""
    if Path("-") in files:
        raise Failed(f"{what} into a file, and - names none.", f"Name one: {example}", usage=True)


def settings() -> Settings:
    """Read once a command; configures logging by them."""
    from concert.logs import configure

    found = Settings()
    configure(found.log_level)
    return found


@contextmanager
def people(chosen: Settings) -> Iterator[Record]:
    """People's door to the record, under row security."""
    with _record(chosen.database_url) as record:
        yield record


@contextmanager
def engine(chosen: Settings) -> Iterator[Record]:
    """The engine's door to the record."""
    with _record(chosen.engine_database_url) as record:
        yield record


@contextmanager
def _record(url: str) -> Iterator[Record]:
    """For a moment: a few connections, and nobody is woken, because relays poll too."""
    from services.transaction import Record
    from storage.database import Database

    database = Database(url, pool_size=8, application="concert command")
    try:
        database.check_role()
        yield Record(database)
    finally:
        database.dispose()


def caller(chosen: Settings, login: str | None) -> Call:
    """Nobody is signed in at a terminal: somebody is named, or it is the backbone, which sees what it may see."""
    from services.people import first_of_backbone
    from services.transaction import Call

    if login is None and chosen.engine_database_url:
        with engine(chosen) as record:
            login = first_of_backbone(record)
    if login is None:
        raise Failed("Nobody at the backbone has a login.", "Say who looks with --as LOGIN; run: concert logins")
    return Call(login)


def watching(look: Callable[[], T], show: Callable[[T], object], away: Callable[[str], object]) -> None:
    """Look and show again and again until Ctrl-C, which is how it ends and no failure.

    `away` is told in a line when the record does not answer; the next look tries again.
    """
    from sqlalchemy.exc import SQLAlchemyError

    with suppress(KeyboardInterrupt):
        while True:
            try:
                show(look())
            except SQLAlchemyError:
                away("The record does not answer. Run: concert doctor")
            sleep(WATCH_SECONDS)
