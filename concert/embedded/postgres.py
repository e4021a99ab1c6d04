"""PostgreSQL as our child: `initdb` once, then `postgres` in the foreground of its own session."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from concert.embedded.account import Account, ordinary_account, require_entry
from concert.embedded.binaries import free_port, postgres_programs, postgres_version
from concert.embedded.child import Child, spawn
from concert.embedded.directory import (
    CannotStart,
    Lock,
    make_directory,
    outlive_leftovers,
    write_private,
)

ADMIN = "concert_admin"
LOGINS = {"admin": ADMIN, "api": "concert_api", "engine": "concert_engine"}
DATABASE = "concert"
ATTEMPTS = 4  # at a port
STATUS_LINE = 8  # of postmaster.pid, as pg_ctl reads it

# For one small machine. Statements and key values stay out of the log: they hold people's names.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "cluster_name": "concert",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "huge_pages": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}
# Only for data that nobody will miss: a crash of the machine may leave them unreadable. Commits stay
# synchronous: without that a killed server, too, forgets the last of them.
DISPOSABLE = {"fsync": "off", "full_page_writes": "off"}
# Only where every table holds a handful of rows: then to plan a statement takes longer than to run it.
SMALL = {"plan_cache_mode": "force_generic_plan"}


class EmbeddedPostgres:
    """One cluster under `data_dir`, with a database `concert` and scram passwords made for it.

    `port=0` chooses a free port at the first start and keeps it over restarts of the same object: URLs stay
    valid. `durable=False` gives up safety after a power failure for speed; a kill loses nothing either way. `small`:
    each prepared statement is planned once, as suits a handful of rows.
    """

    def __init__(self, data_dir: Path, port: int = 0, *, durable: bool = True, small: bool = False) -> None:
        self.data_dir = data_dir.expanduser().absolute()
        self.cluster = self.data_dir / "postgres"
        self.port = port
        self.durable = durable
        self.settings = SETTINGS | ({} if durable else DISPOSABLE) | (SMALL if small else {})
        self._fixed_port = bool(port)
        self._lock = Lock(self.data_dir / "postgres.lock")
        self._passwords: dict[str, str] = {}
        self._child: Child | None = None

    # ------------------------------------------------------------ what callers need to know

    @property
    def pid(self) -> int:
        """Of the postmaster; its death ends every connection."""
        return self._running().pid

    @property
    def running(self) -> bool:
        """Whether the postmaster lives; says nothing about its health."""
        return self._child is not None and self._child.running

    @property
    def admin_url(self) -> str:
        """A superuser's: for migrations and seed only."""
        return self._url("admin")

    @property
    def api_url(self) -> str:
        """Of `concert_api`, which the first migration creates with this password."""
        return self._url("api")

    @property
    def engine_url(self) -> str:
        """Of `concert_engine`, which the first migration creates with this password."""
        return self._url("engine")

    def password(self, who: str) -> str:
        """Of `admin`, `api` or `engine`: random, made with the cluster."""
        return self._passwords[who]

    async def ended(self) -> int:
        """Waits until the postmaster is gone, whoever ended it."""
        return await self._running().ended()

    # ------------------------------------------------------------ start and stop

    async def start(self) -> None:
        """Ready for connections when it returns. Running: changes nothing. Killed: recovers and goes on.

        Raises CannotStart if another instance holds the directory, if the data are of another major version,
        or if the server does not come up; the message then ends with its log.
        """
        if self.running:
            return
        make_directory(self.data_dir)
        self._lock.take()
        try:
            account = ordinary_account(self.cluster)
            if account:
                require_entry(account, self.data_dir)
            programs = await asyncio.to_thread(postgres_programs, account, self.data_dir)
            self._passwords = self._read_or_make_passwords()
            if not self.cluster.exists():
                await self._create_cluster(programs, account)
            self._require_version()
            await outlive_leftovers(self.cluster, "postgres")
            # Stale for certain: no process works here. Its pid may be a stranger's by now, and would keep
            # the server from starting.
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)
            await self._serve(programs, account)
            await asyncio.to_thread(self._create_database)
        except BaseException:
            await self.stop()
            raise

    async def kill(self) -> None:
        """As a crash would: SIGKILL; the pid is gone when it returns. For tests; `start` brings it back."""
        await self._running().stop()

    async def stop(self) -> None:
        """Ends connections, writes everything down and waits for the pid; at most about three seconds."""
        if self._child is not None:
            await self._child.stop((signal.SIGINT, 2.5), (signal.SIGQUIT, 0.5))
            self._child = None
        self._lock.release()

    # ------------------------------------------------------------ one cluster

    async def _create_cluster(self, programs: Path, account: Account | None) -> None:
        """In a folder beside it, renamed at the end: a killed `initdb` leaves nothing to stumble over."""
        new = self.data_dir / "postgres.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        owner = (account.uid, account.gid) if account else None
        if owner:
            os.chown(new, *owner)
        password_file = self.data_dir / "password"
        write_private(password_file, self._passwords["admin"], owner)
        try:
            child = await spawn(
                [
                    programs / "initdb",
                    f"--pgdata={new}",
                    f"--username={ADMIN}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--no-instructions",
                    *([] if self.durable else ["--no-sync"]),
                ],
                log=self.data_dir / "postgres.log",
                directory=self.data_dir,
                account=account,
            )
            self._child = child
            if await child.ended() != 0:
                raise CannotStart("initdb failed.", f"Its last words were:\n{child.tail()}")
        finally:
            password_file.unlink()
        self._child = None
        new.rename(self.cluster)

    def _require_version(self) -> None:
        ours = postgres_version().partition(".")[0]
        try:
            theirs = (self.cluster / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            raise CannotStart(
                f"{self.cluster} is no PostgreSQL data directory.",
                "Set CONCERT_DATA_DIR to another directory.",
            ) from None
        if theirs != ours:
            raise CannotStart(
                f"{self.cluster} holds data of PostgreSQL {theirs}; this Concert brings PostgreSQL {ours}.",
                "Dump them with the Concert that made them (PostgreSQL's own pg_dump), set CONCERT_DATA_DIR to a new "
                "directory, and read them in with psql.",
            )

    async def _serve(self, programs: Path, account: Account | None) -> None:
        """Tries again if a port is taken: another one if it may choose, else the same a moment later."""
        for attempt in range(1, ATTEMPTS + 1):
            if not self._fixed_port:
                self.port = free_port()
            settings = self.settings | {"port": str(self.port)}
            child = self._child = await spawn(
                [
                    programs / "postgres",
                    "-D",
                    self.cluster,
                    *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
                ],
                log=self.data_dir / "postgres.log",
                directory=self.cluster,
                dies_by=signal.SIGINT,  # a fast and clean shutdown, also when we are killed
                account=account,
            )
            if await self._ready(child):
                self._fixed_port = True
                return
            taken = "could not bind" in child.tail(4)
            if taken and self._fixed_port and attempt == ATTEMPTS:
                raise CannotStart(
                    f"PostgreSQL did not start on port {self.port}: another program has it.",
                    "Set CONCERT_POSTGRES_PORT to 0 or to a free port, or end that program.",
                )
            if not taken or attempt == ATTEMPTS:
                raise CannotStart(f"PostgreSQL did not start on port {self.port}.", f"Its last words:\n{child.tail()}")
            await asyncio.sleep(0.2)

    async def _ready(self, child: Child, patience: float = 60.0) -> bool:
        """True when it takes logins; False when the server has ended. Recovery may take a while.

        Its own pid file says so, which only it can write: a login might reach a stranger on the same port.
        """
        deadline = time.monotonic() + patience
        while child.running:
            with suppress(OSError):
                lines = (self.cluster / "postmaster.pid").read_text().splitlines()
                if len(lines) >= STATUS_LINE and lines[STATUS_LINE - 1].strip() == "ready":
                    return True
            if time.monotonic() > deadline:
                raise CannotStart(f"PostgreSQL gave no answer in {patience:.0f} s.", f"See {child.log}.")
            await asyncio.sleep(0.02)
        return False

    def _create_database(self) -> None:
        with self._connect("postgres") as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
            if not known:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    # ------------------------------------------------------------ passwords and URLs

    def _read_or_make_passwords(self) -> dict[str, str]:
        path = self.data_dir / "passwords.json"
        if not path.exists():
            if self.cluster.exists():
                raise CannotStart(
                    f"{path} is missing, and {self.cluster} cannot be opened without it.",
                    "Put the file back, or set CONCERT_DATA_DIR to another directory.",
                )
            write_private(path, json.dumps({who: secrets.token_urlsafe(24) for who in LOGINS}))
        passwords: dict[str, str] = json.loads(path.read_text())
        return passwords

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            make_conninfo(
                host="127.0.0.1",
                port=self.port,
                user=ADMIN,
                password=self._passwords["admin"],
                dbname=database,
                connect_timeout=10,
            ),
            autocommit=True,
        )

    def _url(self, who: str) -> str:
        self._running()
        return f"postgresql+psycopg://{LOGINS[who]}:{self._passwords[who]}@127.0.0.1:{self.port}/{DATABASE}"

    def _running(self) -> Child:
        if self._child is None:
            raise RuntimeError("the embedded PostgreSQL has not been started")
        return self._child


def libpq_url(url: str) -> str:
    """The same for psycopg and `psql`: SQLAlchemy's driver name taken out."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
