"""What the backbone was told of an engine that is unwell. Of many processes that watch, one tells, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, TextClause, text

from services.transaction import Record


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """What is told. The same `code` at another time is another one: `since` is when it was first noted."""

    code: str
    since: datetime


def note_ailments(
    record: Record, codes: Iterable[str], lasting: float
) -> tuple[Sequence[Occurrence], Sequence[Occurrence]]:
    """What is wrong now, and no more. Answers (to be told now, to be told as well again): each to one caller only.

    Nothing that lasted, or was gone, for less than `lasting` seconds: what comes and goes keeps its peace.
    """
    with record.database.transaction() as connection:
        connection.execute(_ONE_AT_A_TIME)
        connection.execute(_BEGUN, {"codes": list(codes)})
        connection.execute(_GONE, {"codes": list(codes)})
        tell = _found(connection, _TELL, lasting)
        connection.execute(_FORGET)
        well = _found(connection, _WELL, lasting)
    return tell, well


def _found(connection: Connection, which: TextClause, lasting: float) -> Sequence[Occurrence]:
    return sorted(Occurrence(row.code, row.since) for row in connection.execute(which, {"lasting": lasting}))


def not_told(record: Record, told: Iterable[Occurrence], well: Iterable[Occurrence]) -> None:
    """The mail did not leave: whoever looks next tells it, as the same occurrence."""
    over = list(well)
    with record.database.transaction() as connection:
        connection.execute(_UNTELL, {"codes": [each.code for each in told]})
        connection.execute(_STILL, {"codes": [each.code for each in over], "since": [each.since for each in over]})


_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(7305004)")
_BEGUN = text(
    "insert into alarm (code, since) select unnest(cast(:codes as text[])), clock_timestamp()"
    " on conflict (code) do update set ended_at = null"
)
_GONE = text(
    "update alarm set ended_at = clock_timestamp() where code <> all(cast(:codes as text[])) and ended_at is null"
)
_TELL = text(
    "update alarm set told_at = clock_timestamp() where told_at is null and ended_at is null"
    " and since <= clock_timestamp() - make_interval(secs => :lasting) returning code, since"
)
_FORGET = text("delete from alarm where told_at is null and ended_at is not null")
_WELL = text(
    "delete from alarm where ended_at <= clock_timestamp() - make_interval(secs => :lasting) returning code, since"
)
_UNTELL = text("update alarm set told_at = null where code = any(cast(:codes as text[]))")
_STILL = text(
    "insert into alarm (code, since, told_at, ended_at)"
    " select c, s, clock_timestamp(), to_timestamp(0)"
    " from unnest(cast(:codes as text[]), cast(:since as timestamptz[])) as x (c, s)"
    " on conflict do nothing"
)
