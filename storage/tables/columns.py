"""Two ways to make a column, so that every column is marked: `personal` (about a client or a person) or `plain`.

The mark becomes the column's comment in Postgres; a test refuses columns without one and grants that ignore it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, DateTime, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

ID = Uuid()
IDS = ARRAY(Uuid())
INSTANT = DateTime(timezone=True)
JSON = JSONB()
MAYBE_JSON = JSONB(none_as_null=True)
"""For a column that may be without: None is SQL's null, not JSON's."""
TEXT = Text()


def plain(name: str, kind: Any, *items: SchemaItem, required: bool = True, **options: Any) -> Column[Any]:
    """A column without personal data: ids, codes, times, counts."""
    options.setdefault("nullable", not required)
    return Column(name, kind, *items, comment="plain", info={"personal": False}, **options)


def personal(name: str, kind: Any, *items: SchemaItem, required: bool = False, **options: Any) -> Column[Any]:
    """A column that says something about a person. The engine's role has no grant on it."""
    options.setdefault("nullable", not required)
    return Column(name, kind, *items, comment="personal", info={"personal": True}, **options)
