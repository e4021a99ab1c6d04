"""Connections to the record, and the refusal to use a role that row security cannot bind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

from psycopg import OperationalError
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import ConnectionPoolEntry

from storage.patience import Patient

# No connection outlives its purpose: a black-holed one ends by these, not by somebody noticing.
_OPTIONS = (
    "-c statement_timeout=8s -c lock_timeout=5s -c idle_in_transaction_session_timeout=15s -c jit=off -c timezone=UTC"
)
TCP: dict[str, Any] = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
_ON_THE_WAY = 2
"""Seconds that an answer may take beyond the statement's own limit."""


class UnsafeRole(Exception):
    """The login could see past row security (superuser, BYPASSRLS, owner of the tables), or is for the other door."""


class Database:
    """One pool of connections for one login role. `pool_size` is the most that are open at once."""

    def __init__(
        self, url: str, *, pool_size: int = 16, statement_seconds: int = 8, application: str = "concert"
    ) -> None:
        self.url = url
        options = _OPTIONS.replace("statement_timeout=8s", f"statement_timeout={statement_seconds}s")
        self.engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_recycle=1800,
            pool_use_lifo=True,
            hide_parameters=True,
            connect_args={"options": options, "application_name": application, **TCP},
        )
        patience = statement_seconds + _ON_THE_WAY

        def connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> Patient:
            connection = Patient.connect(*arguments, **options)
            connection.patience = patience
            return connection

        event.listen(self.engine, "do_connect", connect)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Commits when the block ends, rolls back when it raises."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """One consistent view for long reading: without limits of time, and nothing may be written."""
        with self.engine.connect() as plain:
            driver: Any = plain.connection.driver_connection
            usual, driver.patience = driver.patience, None
            try:
                connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                with connection.begin():
                    connection.execute(text("set local statement_timeout = 0"))
                    yield connection
            finally:
                driver.patience = usual

    def check_role(self, *, people: bool | None = None) -> None:
        """Raises UnsafeRole, with the pool closed, unless row security binds this login.

        `people`: whether it has to be people's login (True) or the engine's (False).
        """
        with self.transaction() as connection:
            row = connection.execute(text(ROLE)).one()
        if people is not None and row.people is not None and row.people != people:
            self.dispose()
            other, variable = (
                ("concert_api", "CONCERT_DATABASE_URL") if people else ("concert_engine", "CONCERT_ENGINE_DATABASE_URL")
            )
            raise UnsafeRole(f"The database login {row.rolname!r} is not the one for this: {variable} takes {other}.")
        if row.rolsuper or row.rolbypassrls or row.owns:
            self.dispose()
            raise UnsafeRole(
                f"The database login {row.rolname!r} can see past row security (superuser, BYPASSRLS or table owner)."
                " Use the logins that 'concert migrate' makes: concert_api and concert_engine."
            )

    def psycopg_url(self) -> str:
        """The same address for psycopg itself (LISTEN, COPY)."""
        return make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)

    def dispose(self) -> None:
        """Closes what is idle now, and what a thread still uses when it gives it back. Used again, it connects anew and
        keeps nothing.
        """
        event.listen(self.engine.pool, "checkin", _close)  # the pool that follows takes it over
        self.engine.dispose()


def _close(_connection: Any, entry: ConnectionPoolEntry) -> None:
    entry.close()


ROLE: LiteralString = """
select r.rolname, r.rolsuper, r.rolbypassrls,
       exists (select from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
                and pg_has_role(current_user, c.relowner, 'member')) as owns,
       (select has_function_privilege(f.oid, 'execute') from pg_proc f join pg_namespace n on n.oid = f.pronamespace
         where n.nspname = 'app' and f.proname = 'enter') as people
  from pg_roles r where r.rolname = current_user
"""


def is_away(error: BaseException) -> bool:
    """Whether nobody answered who could say yes or no: a refused password is an answer, waiting does not change it."""
    original: Any = getattr(error, "orig", error)
    connection = getattr(original, "pgconn", None)
    return isinstance(original, OperationalError) and not (connection is not None and connection.used_password)


def sqlstate(error: BaseException) -> str | None:
    """The five-character code behind a database error, None where there is none."""
    original: Any = getattr(error, "orig", error)
    return getattr(original, "sqlstate", None)
