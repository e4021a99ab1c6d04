"""A record with its region, and people who act in it: what nearly every test starts from."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import psycopg
import uvloop

from concert.embedded.postgres import libpq_url
from concert.issuer import Issuer
from concert.parts import api_record, engine_record
from concert.running import close, serving
from concert.settings import Settings
from seed.compressed import adopt_clocks, compressed
from seed.directory import Service
from seed.region import Region
from services.transaction import Call, Key, Record

T = TypeVar("T")
OUTCOME = {"outcome": "need_met"}


class Person:
    """Somebody at work, over HTTP and nothing else. Every POST gets a fresh Idempotency-Key unless one is given."""

    def __init__(self, login: str, http: httpx.Client, token: str) -> None:
        self.login = login
        self.http = http
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.http.get(path, params=params, headers=self.headers)

    def post(self, path: str, body: Any = None, key: str | None = None, **headers: str) -> httpx.Response:
        headers = self.headers | {"Idempotency-Key": key or uuid4().hex} | headers
        return self.http.post(path, json={} if body is None else body, headers=headers)

    def read(self, path: str, **params: Any) -> Any:
        """The JSON of a GET that must succeed."""
        answer = self.get(path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def does(self, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON of a POST that must succeed."""
        answer = self.post(path, body, **headers)
        assert answer.status_code in (200, 201), f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def inbox(self, **params: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.read("/v1/tasks", **params)["items"]
        return items


class Loop:
    """An event loop in its own thread, for the engine's parts while a test speaks HTTP in the foreground."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="engine", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float = 60) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin it and go on; cancel what is answered to end it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def enter(self, manager: AbstractAsyncContextManager[T]) -> tuple[T, Callable[[], None]]:
        """Enter an async context; answers its value and how to leave it."""
        value: list[T] = []
        entered, leave = threading.Event(), asyncio.Event()

        async def hold() -> None:
            async with manager as inside:
                value.append(inside)
                entered.set()
                await leave.wait()

        future = asyncio.run_coroutine_threadsafe(hold(), self.loop)
        while not entered.wait(0.02):
            if future.done():
                future.result()

        def left() -> None:
            self.loop.call_soon_threadsafe(leave.set)
            future.result(30)

        return value[0], left

    def close(self) -> None:
        self.run(_end_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()


async def _end_all() -> None:
    """What still runs in the loop is cancelled and has ended, its connections closed, before the loop is."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)


@dataclass
class House:
    """One database with the region in it. `api` and `engine` are the two doors; `admin_url` is for breaking things."""

    settings: Settings
    region: Region
    api: Record
    engine: Record
    http: httpx.Client
    issuer: Issuer
    leave: Callable[[], None]
    people: dict[str, Person] = field(default_factory=dict)
    _idle: list[psycopg.Connection[Any]] = field(default_factory=list)

    @property
    def admin_url(self) -> str:
        return self.settings.admin_database_url

    def person(self, login: str) -> Person:
        if login not in self.people:
            self.people[login] = Person(login, self.http, self.issuer.sign(login))
        return self.people[login]

    def caseworker(self, slug: str) -> Person:
        """Somebody of that organization who does casework."""
        users = self.region.people_of(slug, "caseworker") or self.region.people_of(slug, "supervisor")
        return self.person(users[0].login)

    def call(self, login: str, key: str | None = None) -> Call:
        """For tests that speak to services directly."""
        return Call(login, key=Key(key or uuid4().hex, b"\0" * 32))

    def service(self, slug: str, *, nth: int = 0) -> Service:
        """A service of that organization."""
        organization = self.region.organization(slug)
        return [s for s in self.region.services if s.organization_id == organization.id][nth]

    def other_door(self) -> Service:
        """The church helps with any housing need: where what the housing authority declines may go."""
        return self.service("faith", nth=2)

    def refer(self, source: str, target: str, *, consent: bool = False, **more: Any) -> dict[str, Any]:
        """A referral from a caseworker of `source` to the first service of `target`, made over HTTP."""
        worker = self.caseworker(source)
        client = worker.does(
            "/v1/clients",
            {
                "given_name": "Rosalind",
                "family_name": "Featherstonehaugh",
                "residence": {"kind": "fixed", "county": "31157"},
            },
        )
        body: dict[str, Any] = {"service_id": str(self.service(target).id), "client_id": client["id"], **more}
        if consent:
            body["consent_id"] = self.consent(worker, client["id"], target)["id"]
        referral: dict[str, Any] = worker.does("/v1/referrals", body)
        return referral

    def consent(self, worker: Person, client_id: str, *recipients: str) -> dict[str, Any]:
        granted: dict[str, Any] = worker.does(
            "/v1/consents",
            {
                "client_id": client_id,
                "recipients": [str(self.region.organization(slug).id) for slug in recipients],
                "purpose": "To get help",
                "data_kinds": ["identity", "contact", "notes"],
                "legal_basis": "consent",
                "form": "written",
                "given_by": "Rosalind Featherstonehaugh",
                "until": "2098-01-01T00:00:00Z",
            },
        )
        return granted

    def compress(self, day_seconds: float) -> None:
        """From now on a business day takes so many seconds."""
        adopt_clocks(self.admin_url, self.region, compressed(self.region.agenda.clocks, day_seconds), day_seconds)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """As the administrator, past row security; committed."""
        with self._admin() as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def _admin(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection that is kept for the next one: to open one costs more than most statements."""
        connection = self._idle.pop() if self._idle else None
        if connection is None or self._gone(connection):
            connection = psycopg.connect(libpq_url(self.admin_url), autocommit=True)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    @staticmethod
    def _gone(connection: psycopg.Connection[Any]) -> bool:
        """Its server was killed, or ended it, since it was kept."""
        try:
            connection.execute("")
        except psycopg.OperationalError:
            connection.close()
            return True
        return False

    def close(self) -> None:
        for connection in self._idle:
            connection.close()
        self.http.close()
        self.leave()
        close(self.api)
        close(self.engine)


def open_house(settings: Settings, region: Region, loop: Loop) -> House:
    """The API on a port of its own, over a database that holds the region already."""
    api, engine = api_record(settings), engine_record(settings)
    url, leave = loop.enter(serving(settings, api))
    http = httpx.Client(base_url=url, timeout=20, trust_env=False, verify=False)  # noqa: S501 - it is plain HTTP
    return House(settings, region, api, engine, http, Issuer.open(settings.data_dir), leave)


def eventually(check: Callable[[], T], *, seconds: float = 20, pause: float = 0.05) -> T:
    """Ask again until the answer is truthy; fails with the last answer."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, f"still {found!r} after {seconds} s"
        time.sleep(pause)


def settings_for(
    data_dir: Path, urls: dict[str, str], temporal_address: str = "", namespace: str = "concert"
) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=data_dir,
        http_port=0,
        rate_limit=0,
        database_url=urls["api"],
        engine_database_url=urls["engine"],
        admin_database_url=urls["admin"],
        temporal_address=temporal_address,
        temporal_namespace=namespace,
    )
