"""The catalogue of a migrated record is what the tables in `storage` say, mark by mark and check by check."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from concert.embedded.postgres import libpq_url
from storage.tables import metadata
from tests.architecture import holes
from tests.architecture.conftest import Connection
from tests.conftest import Cluster

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def drawn(cluster: Cluster) -> Iterator[Connection]:
    """A database made from the metadata alone, without a migration."""
    url = cluster.server.admin_url.removesuffix("/concert") + "/drawn"
    with psycopg.connect(libpq_url(cluster.server.admin_url), autocommit=True, dbname="postgres") as connection:
        connection.execute("create database drawn")
    engine = create_engine(url, poolclass=NullPool)
    metadata.create_all(engine)
    engine.dispose()
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        yield connection


def test_every_column_says_whether_it_is_personal() -> None:
    unmarked = [
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if not isinstance(column.info.get("personal"), bool)
    ]
    assert unmarked == []


def test_the_mark_in_the_catalogue_is_the_mark_in_the_metadata(admin: Connection) -> None:
    said = {
        f"{table.name}.{column.name}": "personal" if column.info["personal"] else "plain"
        for table in metadata.tables.values()
        for column in table.columns
    }
    assert holes.marks(admin) == said


@pytest.mark.parametrize(
    "column",
    [
        "client.given_name", "client.family_name", "client.alias", "client.birth_date", "client.contact",
        "client.demographics", "client_residence.address", "consent.given_by", "message.body", "user_account.name",
        "referral.origin_name", "household.name",
    ],
)  # fmt: skip
def test_what_names_or_reaches_a_person_is_personal(admin: Connection, column: str) -> None:
    assert holes.marks(admin)[column] == "personal"


def test_autogenerate_would_write_no_migration(urls: dict[str, str]) -> None:
    engine = create_engine(urls["admin"], poolclass=NullPool)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        found = [one for one in compare_metadata(context, metadata) if "alembic_version" not in str(one)]
    engine.dispose()
    assert found == []


_COLUMNS = """
select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' null:' || (not a.attnotnull)
       || ' default:' || coalesce(pg_get_expr(d.adbin, d.adrelid), '-') || ' identity:' || a.attidentity::text
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
 where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> 'alembic_version'
"""
_CONSTRAINTS = """
select c.relname || ' ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
  from pg_constraint k join pg_class c on c.oid = k.conrelid
 where c.relnamespace = 'public'::regnamespace and c.relname <> 'alembic_version' and k.contype <> 'n'
"""
_INDEXES = "select indexdef from pg_indexes where schemaname = 'public' and tablename <> 'alembic_version'"


@pytest.mark.parametrize("what", [_COLUMNS, _CONSTRAINTS, _INDEXES], ids=["columns", "constraints", "indexes"])
def test_a_migrated_record_and_one_drawn_from_the_metadata_are_the_same(
    admin: Connection, drawn: Connection, what: str
) -> None:
    """Autogenerate sees neither CHECKs nor expressions in indexes: Postgres prints both, and we compare."""
    migrated, wanted = ({row[0] for row in one.execute(what.encode()).fetchall()} for one in (admin, drawn))
    assert migrated - wanted == set(), "only in the migrated record"
    assert wanted - migrated == set(), "only in the metadata"
    assert len(migrated) > 20


@pytest.mark.parametrize("kind", ["policies", "triggers"])
def test_the_walls_stand_as_they_were_last_agreed(admin: Connection, kind: str) -> None:
    """A policy or a trigger changes together with the file that people read; `RENEW=1 pytest …` writes that again."""
    file = HERE / f"{kind}.txt"
    now = "\n".join(getattr(holes, kind)(admin)) + "\n"
    if os.environ.get("RENEW"):
        file.write_text(now)
    assert now.splitlines() == file.read_text().splitlines()


def test_every_row_is_behind_a_forced_policy(admin: Connection) -> None:
    assert holes.row_security(admin) == []


def test_no_policy_of_people_lets_everything_through(admin: Connection) -> None:
    assert holes.open_policies(admin) == []


def test_no_view_goes_round_the_policies(admin: Connection) -> None:
    assert holes.views(admin) == []


def test_the_engine_is_granted_no_personal_column(admin: Connection) -> None:
    assert holes.engine_grants(admin) == []


@pytest.mark.parametrize(
    "table", ["client", "client_residence", "client_link", "household", "household_member", "consent"]
)
def test_the_engine_does_not_even_see_that_a_client_exists(admin: Connection, table: str) -> None:
    granted = admin.execute(
        "select has_any_column_privilege('concert_engine', %s, 'select, insert, update')", [table]
    ).fetchone()
    assert granted == (False,)


@pytest.mark.parametrize(
    "table", ["event", "indicator_entry", "audit", "audit_seal", "message", "plan_template", "publication"]
)
def test_nobody_was_granted_to_rewrite_history(admin: Connection, table: str) -> None:
    rewritten = admin.execute(
        "select r from unnest(array['concert_api', 'concert_engine', 'concert_steward']) r"
        " where has_any_column_privilege(r, %s, 'update') or has_table_privilege(r, %s, 'delete')",
        [table, table],
    ).fetchall()
    assert rewritten == []
