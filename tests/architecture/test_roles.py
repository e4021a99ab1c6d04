"""Who may log in, as whom functions run, and the refusal to start as somebody whom the walls do not bind."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import text

from concert.embedded.postgres import libpq_url
from concert.parts import api_record
from services.transaction import Call, Record, read
from storage.database import Database, UnsafeRole
from tests.architecture import holes
from tests.architecture.conftest import Connection
from tests.conftest import Cluster
from tests.house import settings_for


def test_the_owner_cannot_log_in_and_the_logins_see_nothing_past_the_walls(admin: Connection) -> None:
    assert holes.roles(admin) == []
    assert holes.owners(admin) == []


def test_functions_that_see_more_run_as_their_one_narrow_role_and_nobody_else_calls_them(admin: Connection) -> None:
    assert holes.functions(admin) == []


def test_the_schemas_are_closed_to_strangers(admin: Connection) -> None:
    rows = admin.execute(
        """
select n.nspname, r.rolname from pg_namespace n, pg_roles r
 where n.nspname in ('public', 'app') and r.rolname in ('concert_api', 'concert_engine', 'concert_steward')
   and has_schema_privilege(r.oid, n.oid, 'create')
"""
    ).fetchall()
    assert rows == []


@pytest.mark.parametrize("login", ["api", "engine"])
def test_the_logins_that_migrate_makes_may_start(urls: dict[str, str], login: str) -> None:
    database = Database(urls[login], pool_size=1)
    database.check_role()
    database.dispose()


def test_what_is_in_use_when_the_pool_ends_or_after_is_closed_when_it_comes_back(urls: dict[str, str]) -> None:
    database = Database(urls["api"], pool_size=1)
    with database.transaction() as connection:
        driver = connection.connection.driver_connection
        database.dispose()
        assert driver is not None
        assert not driver.closed
    assert driver.closed
    with database.transaction() as connection:
        again = connection.connection.driver_connection
        connection.execute(text("select 1"))
    assert again is not None
    assert again.closed, "whoever goes on connects anew, and keeps nothing"


@pytest.mark.parametrize(
    ("login", "people", "takes"), [("engine", True, "concert_api"), ("api", False, "concert_engine")]
)
def test_each_door_refuses_the_others_login(urls: dict[str, str], login: str, people: bool, takes: str) -> None:
    database = Database(urls[login], pool_size=1)
    with pytest.raises(UnsafeRole, match=takes):
        database.check_role(people=people)


def test_the_api_refuses_to_start_as_the_administrator(cluster: Cluster, urls: dict[str, str]) -> None:
    with pytest.raises(UnsafeRole, match="past row security"):
        api_record(settings_for(cluster.directory, urls | {"api": urls["admin"]}))


@pytest.mark.parametrize(
    "attributes",
    ["bypassrls", "in role concert_owner", "in role concert_owner noinherit"],
)
def test_the_api_refuses_to_start_as_somebody_who_could_step_round_the_walls(
    admin: Connection, urls: dict[str, str], attributes: str
) -> None:
    admin.execute(f"create role intruder login password 'open-sesame' {attributes}".encode())
    try:
        database = Database(urls["api"].replace("concert_api", "intruder"), pool_size=1)
        url = database.engine.url.set(username="intruder", password="open-sesame")
        database.dispose()
        guarded = Database(url.render_as_string(hide_password=False), pool_size=1)
        with pytest.raises(UnsafeRole):
            guarded.check_role()
        guarded.dispose()
    finally:
        admin.execute("drop role intruder")


def test_the_owner_of_the_tables_sees_no_row_itself(admin: Connection) -> None:
    """FORCE binds even concert_owner: there is no policy for it."""
    with admin.transaction():
        admin.execute("set local role concert_owner")
        for table in ("organization", "user_account", "service"):
            assert admin.execute(f"select count(*) from {table}".encode()).fetchone() == (0,), table


def test_without_a_caller_the_apis_login_sees_nothing(urls: dict[str, str]) -> None:
    with psycopg.connect(libpq_url(urls["api"])) as connection:
        rows = connection.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
            " and has_table_privilege(oid, 'select') and relname <> 'alembic_version'"
        ).fetchall()
        assert len(rows) > 20
        for (table,) in rows:
            assert connection.execute(f"select count(*) from {table}".encode()).fetchone() == (0,), table


def test_a_caller_cannot_name_an_organization_that_is_not_theirs(urls: dict[str, str], admin: Connection) -> None:
    from services.refusals import Unauthenticated

    (other,) = admin.execute("select id from organization where slug = 'housing'").fetchone() or (None,)
    record = Record(Database(urls["api"], pool_size=1))
    with pytest.raises(Unauthenticated):
        read(record, Call("maria.cap", other), lambda tx: tx.here)
    record.database.dispose()
