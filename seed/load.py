"""Writes a region into the record: the directory, the agenda, and the people who work there. Never a client.

The tables are addressed by name: `storage` is open to services only, and what the seed writes belongs to the
steward of the directory, for whom there is no use case yet.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, column, create_engine, table, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.pool import NullPool

from seed.region import Region
from seed.rows import Row, rows_of


class AnotherRegion(Exception):
    """The record already holds this collaborative, made from another seed; it cannot become this one."""


def load_region(admin_url: str, region: Region) -> None:
    """Write the region as concert_steward, all of it or nothing.

    A repeat changes nothing, not even what was edited since. Raises AnotherRegion. `admin_url` is the login
    that migrates: it may become the steward.
    """
    engine = create_engine(admin_url, poolclass=NullPool, hide_parameters=True)
    try:
        with engine.begin() as connection:
            connection.execute(text("set local role concert_steward"))
            _refuse_another(connection, region)
            begun = _has_indicators(connection, region)
            for name, rows in rows_of(region):
                standing = {"standing": "proposed"} if name == "indicator" and begun else {}
                _add(connection, name, [row | standing for row in rows])
    finally:
        engine.dispose()


def keys_used(admin_url: str, region: Region) -> frozenset[str]:
    """The seed's Idempotency-Keys that the record knows already, of whichever agency, whoever left since."""
    engine = create_engine(admin_url, poolclass=NullPool, hide_parameters=True)
    try:
        with engine.begin() as connection:
            connection.execute(text("set local role concert_identity"))
            found = text("select key from command where user_id = any(:users) and starts_with(key, 'seed-')")
            return frozenset(connection.execute(found, {"users": [one.id for one in region.users]}).scalars())
    finally:
        engine.dispose()


def _refuse_another(connection: Connection, region: Region) -> None:
    slug = region.agenda.collaborative.slug
    found: UUID | None = connection.execute(
        text("select id from collaborative where slug = :slug"), {"slug": slug}
    ).scalar()
    if found is not None and found != region.collaborative_id:
        raise AnotherRegion(f"The record holds {slug} from another seed. Use that seed, or an empty database.")


def _has_indicators(connection: Connection, region: Region) -> bool:
    """Then there may be a history, and whatever is new counts only after it was counted back: `indicators replay`."""
    found = text("select exists (select from indicator where collaborative_id = :id)")
    return bool(connection.execute(found, {"id": region.collaborative_id}).scalar())


def _add(connection: Connection, name: str, rows: list[Row]) -> None:
    """What is there stays as it is."""
    json = JSONB(none_as_null=True)
    shape = table(name, *(column(key, json) if _is_json(key, rows) else column(key) for key in rows[0]))
    connection.execute(insert(shape).values(rows).on_conflict_do_nothing())


def _is_json(key: str, rows: list[Row]) -> bool:
    return any(isinstance(row[key], dict | list) for row in rows)
