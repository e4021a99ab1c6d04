"""Bringing a database to the current shape: `migrate`. Repeating it changes nothing; two at once wait for each
other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

_HERE = Path(__file__).parent


def migrate(admin_url: str, api_password: str, engine_password: str) -> None:
    """Create roles, upgrade to head as concert_owner, and set both login passwords.

    `admin_url` needs CREATEROLE and the right to create schemas in the database; it need not be superuser.
    """
    engine = create_engine(admin_url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            run_file(connection, "0001_roles")
            _set_password(connection, "concert_api", api_password)
            _set_password(connection, "concert_engine", engine_password)
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(7305002)"))
            connection.execute(text("grant usage, create on schema public to concert_owner"))
            connection.execute(text("create schema if not exists app authorization concert_owner"))
            connection.execute(text("set local role concert_owner"))
            command.upgrade(_config(connection), "head")
    finally:
        engine.dispose()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def run_file(connection: Connection, name: str) -> None:
    """Run one file of plain SQL, statements and all, in the caller's transaction."""
    _driver(connection).execute((_HERE / "sql" / f"{name}.sql").read_bytes())


def _set_password(connection: Connection, role: str, password: str) -> None:
    statement = sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(password))
    _driver(connection).execute(statement)


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver
