"""The two applications that are compared, each started as it would be in production, on embedded servers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
import psycopg
from temporalio.client import Client, WorkflowExecutionStatus

from bench.processes import each_ms, tree_ms
from concert.embedded import EmbeddedPostgres, EmbeddedTemporal
from concert.embedded.postgres import libpq_url
from concert.issuer import Issuer

ROOT = Path(__file__).parent.parent
CONCERT = (sys.executable, "-c", "from concert.cli import main; main()")
CASTS_EACH = 4
"""People of one thread: so many that the API's limit of requests a second for one caller is never met."""

Cast = dict[str, Any]
Times = dict[str, float]


class Side(Protocol):
    """One application that runs."""

    name: str
    port: int

    def casts(self, number: int) -> list[Cast]:
        """People and bodies for so many lifecycles side by side (see bench/clients.py)."""

    def times(self) -> Times:
        """CPU milliseconds of each part since it began."""

    async def settled(self, referrals: list[str]) -> dict[str, float]:
        """Waits until nothing is left to do; figures of the engine, per referral."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(command: tuple[str, ...], environment: dict[str, str], log: Path) -> Iterator[int]:
    """A child with its output in `log`; asked to end, then killed after ten seconds. Gives its pid."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield child.pid
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def done(*words: str, environment: dict[str, str]) -> str:
    """What one command of Concert printed; its failure ends the benchmark with its own words."""
    command = (*CONCERT, *words)
    child = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
    if child.returncode:
        raise SystemExit(f"concert {' '.join(words)} failed:\n{child.stderr[-2000:]}")
    return child.stdout


async def answers(url: str, log: Path, patience: float = 180.0) -> None:
    """Waits for a 2xx."""
    deadline = time.monotonic() + patience
    async with httpx.AsyncClient() as client:
        while time.monotonic() < deadline:
            with suppress(httpx.HTTPError):
                if (await client.get(url)).is_success:
                    return
            await asyncio.sleep(0.1)
    words = await asyncio.to_thread(log.read_text)
    raise SystemExit(f"{url} did not answer. The end of {log.name}:\n{words[-2000:]}")


class Backends:
    """PostgreSQL's processes, told apart by the login that they serve."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres
        self._connection = psycopg.connect(libpq_url(postgres.admin_url), autocommit=True)

    def times(self, logins: tuple[str, ...]) -> Times:
        """`postgres`: everything, ended processes included; `postgres LOGIN`: its connections that live now."""
        query = "select pid, usename from pg_stat_activity where usename = any(%s)"
        owners: dict[int, str] = dict(self._connection.execute(query, [list(logins)]).fetchall())
        spent = {"postgres": tree_ms(self._postgres.pid)} | {f"postgres {login}": 0.0 for login in logins}
        for pid, milliseconds in each_ms(owners).items():
            spent[f"postgres {owners[pid]}"] += milliseconds
        return spent

    def ordinary_services(self) -> dict[str, str]:
        """By organization: connected, no worker of its own, nothing that needs a consent first."""
        query = """select distinct on (o.id) o.id::text, s.id::text from organization o
            join service s on s.organization_id = o.id join taxonomy_term t on t.code = s.term
            where o.mode = 'connected' and s.status = 'active'
            and not (o.confidential or o.part2 or o.own_worker or t.sensitive) order by o.id, s.id"""
        return dict(self._connection.execute(query).fetchall())


@dataclass
class Plain:
    """bench/plain/app.py on the same PostgreSQL, in a database of its own."""

    backends: Backends
    port: int
    pid: int
    name: str = "plain"

    def casts(self, number: int) -> list[Cast]:
        source, target, thing = (f"00000000-0000-7000-8000-{n:012}" for n in (1, 2, 3))
        body = {"client_id": thing, "service_id": thing, "target_organization_id": target}
        cast = {
            "source": {"X-Organization": source},
            "target": {"X-Organization": target},
            "create": body | {"priority": "routine", "reason": "Two months behind with the rent."},
            "inbox": "/v1/tasks",
        }
        return [cast] * number

    def times(self) -> Times:
        return {"api": tree_ms(self.pid)} | self.backends.times(())

    async def settled(self, referrals: list[str]) -> dict[str, float]:  # noqa: ARG002 - nothing to wait for
        return {}


@asynccontextmanager
async def plain(postgres: EmbeddedPostgres, logs: Path) -> AsyncIterator[Side]:
    """The plain application, in a new and empty database."""
    with psycopg.connect(libpq_url(postgres.admin_url), autocommit=True) as connection:
        connection.execute("drop database if exists plain with (force)")
        connection.execute("create database plain")
    port, log = free_port(), logs / "plain.log"
    where = ("--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--log-level", "warning")
    command = (sys.executable, "-m", "uvicorn", "--factory", "bench.plain.app:create", *where)
    url = postgres.admin_url.rpartition("/")[0] + "/plain"
    with running(command, {"PLAIN_DATABASE_URL": url}, log) as pid:
        await answers(f"http://127.0.0.1:{port}/openapi.json", log)
        yield Plain(Backends(postgres), port, pid)


@dataclass
class Concert:
    """`concert api`, `worker` and `relay` as three processes, Temporal and PostgreSQL as two more."""

    backends: Backends
    temporal: EmbeddedTemporal
    client: Client
    issuer: Issuer
    port: int
    pids: dict[str, int]
    name: str = "concert"
    people: list[dict[str, Any]] = field(default_factory=list)

    def casts(self, number: int) -> list[Cast]:
        """Caseworkers of connected partners in turn, each asking a service of the next organization."""
        base = f"http://127.0.0.1:{self.port}"
        with httpx.Client(base_url=base, timeout=30) as http:
            services = self._services(http)
            people = [person for person in self.people if person["organization_id"] in services]
            return [self._cast(http, people, services, n) for n in range(number)]

    def times(self) -> Times:
        engine = tree_ms(self.pids["worker"]) + tree_ms(self.pids["relay"])
        own = {"api": tree_ms(self.pids["api"]), "worker + relay": engine, "temporal": tree_ms(self.temporal.pid)}
        return own | self.backends.times(("concert_api", "concert_engine"))

    async def settled(self, referrals: list[str]) -> dict[str, float]:
        """Every workflow has ended; history events and state transitions, mean for one referral."""
        events = transitions = 0
        deadline = time.monotonic() + 180
        for referral in referrals:
            handle = self.client.get_workflow_handle(f"referral-{referral}")
            while True:
                with suppress(Exception):  # not started yet
                    found = await handle.describe()
                    if found.status == WorkflowExecutionStatus.COMPLETED:
                        break
                if time.monotonic() > deadline:
                    raise SystemExit(f"The workflow of {referral} has not ended in three minutes.")
                await asyncio.sleep(0.1)
            events += found.history_length
            transitions += found.raw_description.workflow_execution_info.state_transition_count
        return {"events": events / len(referrals), "transitions": transitions / len(referrals)}

    def _cast(self, http: httpx.Client, people: list[dict[str, Any]], services: dict[str, str], n: int) -> Cast:
        source = people[n % len(people)]
        others = [person for person in people if person["organization_id"] != source["organization_id"]]
        target = others[n % len(others)]
        client = http.post(
            "/v1/clients",
            headers=self._headers(source) | {"Idempotency-Key": f"bench-{os.urandom(8).hex()}"},
            json={"given_name": "Bench", "family_name": f"Client {n}", "birth_date": "1990-05-01"},
        )
        client.raise_for_status()
        return {
            "source": self._headers(source),
            "target": self._headers(target),
            "create": {
                "client_id": client.json()["id"],
                "service_id": services[target["organization_id"]],
                "priority": "routine",
                "reason": "Two months behind with the rent.",
            },
            "inbox": "/v1/tasks",
        }

    def _services(self, http: httpx.Client) -> dict[str, str]:
        """One service of each organization that is asked without more ado; fills in people's organizations."""
        for person in self.people:
            me = http.get("/v1/me", headers=self._headers(person))
            me.raise_for_status()
            person["organization_id"] = me.json()["organization"]["id"]
        return self.backends.ordinary_services()

    def _headers(self, person: dict[str, Any]) -> dict[str, str]:
        token = person.setdefault("token", self.issuer.sign(person["login"]))
        return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def concert(postgres: EmbeddedPostgres, logs: Path) -> AsyncIterator[Concert]:
    """Concert with a fresh seeded record, on Temporal's development server with its state in a file."""
    from storage.migrations import migrate

    passwords = postgres.password("api"), postgres.password("engine")
    await asyncio.to_thread(migrate, postgres.admin_url, *passwords)
    async with AsyncExitStack() as stack:
        temporal = EmbeddedTemporal(postgres.data_dir)
        await temporal.start()
        stack.push_async_callback(temporal.stop)
        port = free_port()
        environment = {
            "CONCERT_DATA_DIR": str(postgres.data_dir),
            "CONCERT_DATABASE_URL": postgres.api_url,
            "CONCERT_ENGINE_DATABASE_URL": postgres.engine_url,
            "CONCERT_ADMIN_DATABASE_URL": postgres.admin_url,
            "CONCERT_TEMPORAL_ADDRESS": temporal.address,
            "CONCERT_HTTP_PORT": str(port),
            "CONCERT_LOG_LEVEL": "WARNING",
            "CONCERT_RATE_LIMIT": "0",
        }
        await asyncio.to_thread(done, "seed", environment=environment)
        people = json.loads(await asyncio.to_thread(done, "logins", "--json", environment=environment))
        pids = {
            role: stack.enter_context(running((*CONCERT, role), environment, logs / f"{role}.log"))
            for role in ("worker", "relay", "api")
        }
        await answers(f"http://127.0.0.1:{port}/readyz", logs / "api.log")
        client = await Client.connect(temporal.address, namespace="concert")
        issuer = Issuer.open(postgres.data_dir)
        caseworkers = [person for person in people if "caseworker" in person["roles"]]
        yield Concert(Backends(postgres), temporal, client, issuer, port, pids, people=caseworkers)
