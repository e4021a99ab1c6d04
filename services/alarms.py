"""What the backbone was told of an engine that is unwell. Of many processes that watch, one tells, once."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import text

from services.transaction import Record


def note_ailments(record: Record, codes: Iterable[str], lasting: float) -> tuple[list[str], list[str]]:
    """What is wrong now, and no more. Answers (to be told now, to be told as well again): each to one caller only.

    Nothing that lasted, or was gone, for less than `lasting` seconds: what comes and goes keeps its peace.
    """
    with record.database.transaction() as connection:
        connection.execute(_ONE_AT_A_TIME)
        connection.execute(_BEGUN, {"codes": list(codes)})
        connection.execute(_GONE, {"codes": list(codes)})
        tell = connection.execute(_TELL, {"lasting": lasting}).scalars().all()
        connection.execute(_FORGET)
        well = connection.execute(_WELL, {"lasting": lasting}).scalars().all()
    return sorted(tell), sorted(well)


def not_told(record: Record, told: list[str], well: list[str]) -> None:
    """The mail did not leave: whoever looks next tells it."""
    with record.database.transaction() as connection:
        connection.execute(_UNTELL, {"codes": told})
        connection.execute(_STILL, {"codes": well})


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
    " and since <= clock_timestamp() - make_interval(secs => :lasting) returning code"
)
_FORGET = text("delete from alarm where told_at is null and ended_at is not null")
_WELL = text("delete from alarm where ended_at <= clock_timestamp() - make_interval(secs => :lasting) returning code")
_UNTELL = text("update alarm set told_at = null where code = any(cast(:codes as text[]))")
_STILL = text(
    "insert into alarm (code, since, told_at, ended_at)"
    " select c, clock_timestamp(), clock_timestamp(), to_timestamp(0) from unnest(cast(:codes as text[])) c"
    " on conflict do nothing"
)
