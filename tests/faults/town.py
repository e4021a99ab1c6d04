"""A whole Concert in processes of its own, and people who insist: what every test of faults starts from."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from concert.connection import connect
from concert.embedded import EmbeddedPostgres, EmbeddedTemporal
from concert.embedded.binaries import free_port
from tests.faults.forked import fork
from tests.house import House, Loop, Person, eventually

ROOT = Path(__file__).parents[2]
PATIENCE = 40.0
"""Seconds for which a client repeats a command that was not answered."""


class Role:
    """`api`, `worker` or `relay` as a child that dies with us."""

    program = "tests.faults.roles"

    def __init__(self, name: str, directory: Path, environment: dict[str, str], *, clock: float = 0) -> None:
        self.name = name
        self.log = directory / f"{name}-{uuid4().hex[:6]}.log"
        self.environment = environment
        self.clock = clock
        self.child: BaseProcess | None = None

    @property
    def pid(self) -> int:
        assert self.child is not None
        assert self.child.pid is not None
        return self.child.pid

    @property
    def running(self) -> bool:
        return self.child is not None and self.child.is_alive()

    def start(self) -> None:
        if not self.running:
            self.child = fork(self.program, self.clock, self.name, self.environment, log=self.log, directory=ROOT)

    def kill(self) -> None:
        """kill -9; it is gone when this returns."""
        if self.child is not None:
            self.child.kill()
            self.child.join()

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""


@dataclass(frozen=True)
class Said:
    """A command and what was answered to it in the end."""

    who: Person
    path: str
    body: Any
    key: str
    status: int
    answer: Any
    seconds: float
    tries: int


@dataclass
class Town:
    """`house` is the record and its people; its HTTP goes to the API's own process."""

    house: House
    postgres: EmbeddedPostgres
    temporal: EmbeddedTemporal
    loop: Loop
    directory: Path
    environment: dict[str, str]
    roles: dict[str, Role] = field(default_factory=dict)

    # ------------------------------------------------------------ processes

    def role(self, name: str, *, clock: float = 0, **environment: str) -> Role:
        """One more process of that role, started; the caller ends it."""
        role = Role(name, self.directory, self.environment | environment, clock=clock)
        role.start()
        return role

    def api(self, *, clock: float = 0, **environment: str) -> tuple[Role, httpx.Client]:
        """One more API on a port of its own, and a client for it, once it answers."""
        port = free_port()
        role = self.role("api", clock=clock, CONCERT_HTTP_PORT=str(port), **environment)
        http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=40, trust_env=False)
        answers(http, role)
        return role, http

    def whole(self) -> None:
        """Everything runs and answers, whatever the test before has done."""
        asyncio.run(self.postgres.start())
        asyncio.run(self.temporal.start())
        for role in self.roles.values():
            role.start()
        answers(self.house.http, self.roles["api"])
        for name in ("worker", "relay"):
            eventually(lambda name=name: self.beats(self.roles[name]), seconds=30)  # type: ignore[misc]

    def beats(self, role: Role) -> bool:
        """Whether a worker or relay has reached the record."""
        assert role.running, role.last_words()
        query = "select exists (select from service_heartbeat where instance like %s)"
        return bool(self.house.sql(query, f"%:{role.pid}")[0][0])

    # ------------------------------------------------------------ quiet

    def waiting(self) -> int:
        found: int = self.house.sql("select count(*) from outbox where not dead")[0][0]
        return found

    def quiet(self, seconds: float = 60) -> float:
        """Wait until nothing is left to deliver, fold or seal; answers how long it took."""
        since = time.monotonic()
        eventually(lambda: self.house.sql(_QUIET)[0][0], seconds=seconds, pause=0.1)
        return time.monotonic() - since


def answers(http: httpx.Client, role: Role, seconds: float = 30) -> None:
    def ready() -> bool:
        assert role.running, role.last_words()
        try:
            return http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    eventually(ready, seconds=seconds)


def insist(who: Person, path: str, body: Any = None, key: str | None = None, http: httpx.Client | None = None) -> Said:
    """As a good client does: the same command with the same key until it is answered by something else than 5xx."""
    body = {} if body is None else body
    key = key or uuid4().hex
    since, tries = time.monotonic(), 0
    while True:
        tries += 1
        try:
            headers = who.headers | {"Idempotency-Key": key}
            answer = (http or who.http).post(path, json=body, headers=headers)
            if answer.status_code < 500:
                seconds = time.monotonic() - since
                return Said(who, path, body, key, answer.status_code, answer.json(), seconds, tries)
        except httpx.TransportError:
            pass
        assert time.monotonic() < since + PATIENCE, f"{path} was never answered"
        time.sleep(0.1)


def referral_of(town: Town, source: str = "cap", target: str = "housing", **more: Any) -> dict[str, Any]:
    """What a caseworker of `source` sends to refer a client of whom nothing was known."""
    return {
        "service_id": str(town.house.service(target).id),
        "client": {"given_name": "Rosalind", "family_name": "Featherstonehaugh"},
        **more,
    }


def wrong(town: Town) -> list[str]:
    """What does not hold now that it is quiet: of the record alone, and between record and engine."""
    from concert.reconcile import check_invariants

    town.house.engine.database.engine.dispose()  # what it holds may be from before a restart

    async def ask() -> list[str]:
        return await check_invariants(town.house.engine, await connect(town.temporal.address, "concert"))

    return asyncio.run(ask())


_QUIET = """
select not exists (select from outbox where not dead) and not exists (select from entry_unfolded)
   and not exists (select from audit_unsealed)
"""
