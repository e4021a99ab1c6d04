"""What on this machine would keep Concert from working, and what to do about it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx
import psycopg

from concert.embedded.account import OPEN_PLACE, may_enter, ordinary_account
from concert.embedded.binaries import installed_postgres, postgres_version, temporal_program
from concert.embedded.directory import CannotStart, holder
from concert.embedded.postgres import libpq_url
from concert.instance import find
from concert.settings import Settings
from storage.database import ROLE

OURS = ("domain", "storage", "services", "activities", "workflows", "api", "seed", "concert")
ROOM = 1024**3  # bytes; the embedded servers start with about 100 MB and grow
OLDEST_POSTGRES = 18  # uuidv7()
REGION = "America/Denver"  # of the seeded region


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `what` was found, and `remedy`, which is empty if it is in order."""

    name: str
    ok: bool
    what: str
    remedy: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Looks at everything and changes nothing; connects only where settings name a server. Never raises."""
    return [
        _python(),
        *_packages(),
        *_requirements(),
        *_programs(settings),
        *_data_directory(settings),
        _time_zones(),
        *_ports(settings),
        *_databases(settings),
        *_temporal(settings),
        _mail(settings),
    ]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    fits = sys.version_info >= (3, 11)
    return Finding("python", fits, version, "" if fits else "Install Python 3.11 or newer and run `make` again.")


def _packages() -> list[Finding]:
    return list(_strangers()) or [Finding("packages", True, "no other distribution uses our names")]


def _requirements() -> Iterator[Finding]:
    """What is declared against what is installed."""
    wrong = [said for each in requires("concert") or [] if (said := _unmet(each))]
    if wrong:
        yield Finding("requirements", False, "; ".join(wrong), "Run `make clean` and the command again.")
    else:
        yield Finding("requirements", True, "all installed, in the versions that are asked for")


def _unmet(requirement: str) -> str:
    """What is wrong with one, in words. Of bounds we use `>=` and `<` only."""
    declared, _, marker = requirement.partition(";")
    if "extra" in marker:
        return ""
    name = re.match(r"[A-Za-z0-9._-]+", declared)
    assert name is not None
    try:
        found = version(name[0])
    except PackageNotFoundError:
        return f"{name[0]} is missing"
    for bound, than in re.findall(r"(>=|<)\s*([\d.]+)", declared):
        if (_numbers(found) < _numbers(than)) == (bound == ">="):
            return f"{name[0]} is {found}, not {bound}{than}"
    return ""


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", release)[:4])


def _strangers() -> Iterator[Finding]:
    """Our package names are flat: another distribution of that name silently overwrites or hides ours."""
    home = Path(__file__).resolve().parents[1]
    owners = packages_distributions()
    for name in OURS:
        strangers = {owner for owner in owners.get(name, []) if owner != "concert"}
        spec = find_spec(name)
        places = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
        if strangers:
            yield Finding(
                "packages",
                False,
                f"`{name}` also belongs to the distribution {', '.join(sorted(strangers))}",
                f"pip uninstall {' '.join(sorted(strangers))}, then run `make clean` and the command again.",
            )
        elif home / name not in [place.resolve() for place in places]:
            found = places[0] if places else "nowhere"
            yield Finding("packages", False, f"`{name}` is found in {found}, not in {home}", "Run `make clean`.")


def _programs(settings: Settings) -> Iterator[Finding]:
    if settings.embeds_postgres:
        yield _program("postgres", lambda: installed_postgres() / "postgres")
    if settings.embeds_temporal:
        yield _program("temporal", temporal_program)


def _program(name: str, locate: Callable[[], Path]) -> Finding:
    try:
        answer = subprocess.run([locate(), "--version"], capture_output=True, text=True, timeout=20, check=True)
    except CannotStart as missing:
        return Finding(name, False, missing.what, missing.remedy)
    except (OSError, subprocess.SubprocessError) as failure:
        return Finding(name, False, f"does not run: {failure}", "Run `make clean` and the command again.")
    return Finding(name, True, answer.stdout.strip())


def _data_directory(settings: Settings) -> Iterator[Finding]:
    if not (settings.embeds_postgres or settings.embeds_temporal):
        return
    directory = settings.data_dir.expanduser().absolute()
    place = next(folder for folder in (directory, *directory.parents) if folder.exists())
    elsewhere = "Set CONCERT_DATA_DIR to a directory that you can write."
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        yield Finding("data directory", False, f"{place} cannot be written", elsewhere)
    elif pid := holder(directory / "lock"):
        yield Finding("data directory", False, f"process {pid} is using {directory}", f"Stop it: kill {pid}")
    elif (account := ordinary_account(directory / "postgres")) and (closed := may_enter(account, place)):
        yield Finding("data directory", False, f"as root, PostgreSQL may not enter {closed}", OPEN_PLACE)
    else:
        yield Finding("data directory", True, str(directory))
    yield from _data_version(directory)
    free = shutil.disk_usage(place).free
    yield Finding(
        "disk",
        free >= ROOM,
        f"{free / ROOM:.1f} GiB free",
        "" if free >= ROOM else "Make room, at least 1 GiB.",
    )


def _data_version(directory: Path) -> Iterator[Finding]:
    try:
        theirs = (directory / "postgres" / "PG_VERSION").read_text().strip()
        ours = postgres_version().partition(".")[0]
    except (OSError, CannotStart):
        return
    if theirs != ours:
        yield Finding(
            "data version",
            False,
            f"{directory} holds data of PostgreSQL {theirs}, this Concert brings {ours}",
            "Dump them with the Concert that made them (PostgreSQL's own pg_dump), set CONCERT_DATA_DIR to a new"
            " directory, and read them in with psql.",
        )


def _time_zones() -> Finding:
    try:
        ZoneInfo(REGION)
    except ZoneInfoNotFoundError:
        return Finding("time zones", False, f"{REGION} is unknown", "pip install tzdata, or apt-get install tzdata")
    return Finding("time zones", True, f"{REGION} is known")


def _ports(settings: Settings) -> Iterator[Finding]:
    asked = {"CONCERT_HTTP_PORT": (settings.http_host, settings.http_port)}
    if settings.embeds_postgres:
        asked["CONCERT_POSTGRES_PORT"] = ("127.0.0.1", settings.postgres_port)
    if settings.embeds_temporal:
        asked["CONCERT_TEMPORAL_PORT"] = ("127.0.0.1", settings.temporal_port)
    for name, (host, port) in asked.items():
        if not port:
            continue
        try:
            with socket.create_server((host, port)):
                yield Finding("port", True, f"{host}:{port} is free")
        except OSError as refusal:
            if name == "CONCERT_HTTP_PORT" and _is_ours(settings, host, port):
                yield Finding("port", True, f"{host}:{port} is where Concert's API answers")
                continue
            yield Finding("port", False, f"{host}:{port}: {refusal.strerror}", f"Set {name} to 0 or to a free port.")


def _is_ours(settings: Settings, host: str, port: int) -> bool:
    """What runs in our data directory; where the servers are not ours to run, whatever serves Concert's metrics. Any
    other program that listens there is in the way.
    """
    if settings.embeds_postgres:
        running = find(settings)
        return running is not None and httpx.URL(running.http_url).port == port
    try:
        return "concert_up" in httpx.get(f"http://{host}:{port}/metrics", timeout=3, trust_env=False).text
    except httpx.HTTPError:
        return False


def _databases(settings: Settings) -> Iterator[Finding]:
    """The API's and the engine's logins must stay under row security; the administrator's need not."""
    if url := settings.database_url:
        yield _database("database (API)", url, "CONCERT_DATABASE_URL", bound=True)
    if url := settings.engine_database_url:
        yield _database("database (engine)", url, "CONCERT_ENGINE_DATABASE_URL", bound=True)
    if url := settings.admin_database_url:
        yield _database("database (admin)", url, "CONCERT_ADMIN_DATABASE_URL", bound=False)


def _database(name: str, url: str, setting: str, *, bound: bool) -> Finding:
    try:
        with psycopg.connect(libpq_url(url), connect_timeout=5) as connection:
            version = connection.info.server_version // 10000
            row = connection.execute(ROLE).fetchone()
    except (psycopg.Error, ValueError) as failure:
        return Finding(name, False, str(failure).strip().splitlines()[0], f"Start the server, or correct {setting}.")
    role, superuser, bypasses, owns, _ = row or ("?", False, False, False, None)
    if version < OLDEST_POSTGRES:
        return Finding(name, False, f"PostgreSQL {version}", f"Concert needs PostgreSQL {OLDEST_POSTGRES} or newer.")
    if bound and (superuser or bypasses or owns):
        why = "is a superuser" if superuser else "bypasses row security" if bypasses else "owns tables"
        return Finding(name, False, f"the role {role} {why}", f"Let {setting} name the login that migrations made.")
    return Finding(name, True, f"PostgreSQL {version}, role {role}")


def _temporal(settings: Settings) -> Iterator[Finding]:
    """Asked with Temporal's own command: the SDK, once loaded, can abort the interpreter at its exit."""
    address, namespace = settings.temporal_address, settings.temporal_namespace
    if not address:
        return
    what = f"{address}, namespace {namespace}"
    try:
        command: list[str | Path] = [temporal_program(), "operator", "namespace", "describe", namespace]
        command += [f"--address={address}", "--command-timeout=5s"]
        environment = {"HOME": "/nonexistent"}  # nobody's profile
        subprocess.run(command, capture_output=True, text=True, timeout=20, check=True, env=environment)
    except CannotStart as missing:
        yield Finding("temporal", False, missing.what, missing.remedy)
    except (OSError, subprocess.SubprocessError) as failure:
        words = str(getattr(failure, "stderr", "") or failure).strip().splitlines()
        yield Finding(
            "temporal",
            False,
            f"{what}: {words[-1].strip() if words else 'no answer'}",
            "Start it, make the namespace, or correct CONCERT_TEMPORAL_ADDRESS or _NAMESPACE.",
        )
    else:
        yield Finding("temporal", True, what)


def _mail(settings: Settings) -> Finding:
    """Whether anybody hears by mail. Without a server that is a choice; one that does not answer is not."""
    from concert.post import Post

    post = Post.of(settings)
    if post is None:
        return Finding("mail", True, "none is sent, not even when Concert is unwell (CONCERT_SMTP_URL is empty)")
    try:
        socket.create_connection((post.host, post.port), timeout=5).close()
    except OSError as refusal:
        what = f"{post.host}:{post.port} does not answer ({type(refusal).__name__})"
        return Finding("mail", False, what, "Start the SMTP server, or correct CONCERT_SMTP_URL.")
    if not settings.public_url:
        return Finding("mail", True, f"goes to {post.host}:{post.port}, without links (CONCERT_PUBLIC_URL is empty)")
    return Finding("mail", True, f"goes to {post.host}:{post.port}")
