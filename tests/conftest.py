"""One PostgreSQL for each test process; one migrated and seeded template, copied for each house."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import settings
from sqlalchemy import Engine, event
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from concert.embedded import EmbeddedPostgres, EmbeddedTemporal, temporary_directory
from concert.embedded.postgres import libpq_url
from concert.running import running
from seed.load import load_region
from seed.region import Region, build_region
from storage.migrations import migrate
from storage.patience import Patient
from tests.house import House, Loop, open_house, settings_for

SEED = 7
settings.register_profile("concert", max_examples=50)
settings.load_profile("concert")
MEMORY = Path("/dev/shm")  # noqa: S108 - only a directory of our own in it is used
ROOM = 8 * 2**30
LONG = (("faults",), ("demo",), ("workflows", "services"), ("journeys",), ("api",), ("cli",))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Nobody will miss what the tests write, and on some disks to make a database's files takes longer than all that is
    asked of it: where there is room they are kept in memory. Who sets TMPDIR has decided otherwise.
    """
    if "TMPDIR" in os.environ or not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM:
        return
    if not os.access(MEMORY, os.W_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return
    directory = Path(tempfile.mkdtemp(prefix="concert-tests-", dir=MEMORY))
    directory.chmod(0o711)  # what is in it has doors of its own
    os.environ["TMPDIR"], tempfile.tempdir = str(directory), None
    config.add_cleanup(lambda: shutil.rmtree(directory, ignore_errors=True))


@dataclass
class Cluster:
    """A running server with the template database `concert`, and how many copies were made of it."""

    server: EmbeddedPostgres
    directory: Path
    made: int = 0

    def database(self) -> dict[str, str]:
        """A fresh copy of the seeded record; its three URLs."""
        self.made += 1
        name = f"house{self.made}"
        with psycopg.connect(libpq_url(self.server.admin_url), autocommit=True, dbname="postgres") as connection:
            connection.execute(f"create database {name} template concert strategy file_copy".encode())
        urls = {"api": self.server.api_url, "engine": self.server.engine_url, "admin": self.server.admin_url}
        return {login: url.removesuffix("/concert") + f"/{name}" for login, url in urls.items()}


@pytest.fixture(scope="session")
def the_region() -> Region:
    return build_region(SEED)


@event.listens_for(Engine, "connect")
def plan_once(connection: psycopg.Connection[Any], _: object) -> None:
    """Each house asks what others have asked, of a handful of rows: to plan a statement takes longer than to run it."""
    if isinstance(connection, Patient):
        connection.prepare_threshold = 0


@pytest.fixture(scope="session")
def cluster(the_region: Region) -> Iterator[Cluster]:
    with temporary_directory() as directory:
        server = EmbeddedPostgres(directory, durable=False, small=True)
        asyncio.run(server.start())
        try:
            migrate(server.admin_url, server.password("api"), server.password("engine"))
            load_region(server.admin_url, the_region)
            yield Cluster(server, directory)
        finally:
            asyncio.run(server.stop())


NAMESPACES = ("t1", "t2", "t3")


@pytest.fixture(scope="module")
def temporal() -> Iterator[EmbeddedTemporal]:
    """The module's own, for as long as it needs one: it starts in half a second, and costs as long as it runs. Each
    engine gets a namespace of its own, so that they never meet.
    """
    with temporary_directory() as directory:
        server = EmbeddedTemporal(directory, namespaces=NAMESPACES)
        asyncio.run(server.start())
        try:
            yield server
        finally:
            asyncio.run(server.kill())
            asyncio.run(server.stop())


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    opened = Loop()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def house(cluster: Cluster, the_region: Region, loop: Loop) -> Iterator[House]:
    """The module's own record, with the API answering on a port; no engine runs."""
    opened = open_house(settings_for(cluster.directory, cluster.database()), the_region, loop)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def namespaces() -> Iterator[str]:
    return iter(NAMESPACES)


@pytest.fixture(scope="module")
def engine(
    house: House, temporal: EmbeddedTemporal, namespaces: Iterator[str], loop: Loop
) -> Iterator[Callable[[], None]]:
    """Worker, relay and folder running for the module's house (and an API on a port). Calling it stops them early."""
    namespace = next(namespaces)
    house.settings = house.settings.model_copy(
        update={"temporal_address": temporal.address, "temporal_namespace": namespace}
    )
    _, leave = loop.enter(running(house.settings, say=lambda _: None))
    left: list[bool] = []

    def stop() -> None:
        if not left:
            left.append(True)
            leave()

    yield stop
    stop()


class OneTown(LoadFileScheduling):
    """Each process takes file after file, whatever `--dist` says; all tests of faults go to one, so that only one town
    is built.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "tests/faults" if nodeid.startswith("tests/faults/") else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneTown:
    return OneTown(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """In a fresh clone each process would compile every test, and all that the tests import. So each begins to read
    at another file, and finds the rest compiled by the others. What cannot be imported is told when it is collected.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker or session.config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    files = sorted(Path(__file__).parent.rglob("test_*.py"))
    first = len(files) * int(worker.removeprefix("gw")) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for file in files[first:] + files[:first]:
        with suppress(Exception):
            import_module(".".join(file.relative_to(session.config.rootpath).with_suffix("").parts))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits most and cannot be divided comes first: the rest fills the time beside it, short files at the end.
    Folders that stand together are mixed evenly, so that what waits has beside it what computes.
    """
    files: dict[str, dict[str, int]] = {}
    for item in items:
        folder, file = _place(item)
        seen = files.setdefault(folder, {})
        seen.setdefault(file, len(seen))

    def turn(item: pytest.Item) -> tuple[int, float]:
        folder, file = _place(item)
        group = next((n for n, folders in enumerate(LONG) if folder in folders), len(LONG))
        return group, files[folder][file] / len(files[folder]) if group < len(LONG) else 0

    items.sort(key=turn)


def _place(item: pytest.Item) -> tuple[str, str]:
    """The folder of its file, and the file."""
    file = item.nodeid.partition("::")[0]
    return file.split("/")[-2], file


def pytest_collection_finish() -> None:
    """All that was imported and collected stays: nobody has to look through it for garbage again and again."""
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """The SDK's runtime sometimes aborts the interpreter at its exit; a moment's pause avoids it."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        import time

        time.sleep(0.2)
