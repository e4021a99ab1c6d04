"""What plans cost the engine: history events and bytes of large, many and long ones.

    python -m bench.plans [--plans 200] [--reviews 24]

Fifty steps with diamonds; many plans at once; a plan of two years with a review every month, each day compressed to a
split second. Embedded servers in a temporary directory; partners work through services. All must finish.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from temporalio.client import Client

from concert.embedded import EmbeddedTemporal, temporary_directory
from concert.embedded.postgres import EmbeddedPostgres, libpq_url
from concert.parts import api_record
from concert.running import close, running
from concert.settings import Settings
from domain.pathway import Template
from seed.compressed import adopt_clocks
from seed.load import load_region
from seed.region import Region, build_region
from services import plan_closing, plans, tasks
from services.clients import NewClient
from services.plan_shapes import ActionPlan
from services.refusals import Stale
from services.transaction import Call, Key, Record
from storage.migrations import migrate

LEAD = "maria.cap"
WORKERS = {"housing": "gwen.housing", "family": "tess.family", "cap": LEAD}
DAY_SECONDS = 0.02
PATIENCE = 600.0


@dataclass(frozen=True, slots=True)
class Size:
    name: str
    plans: int
    events: int
    bytes: int
    seconds: float


def steps(many: int, **more: Any) -> list[dict[str, Any]]:
    """Diamonds: one step, two side by side after it, one after both, and so on."""
    made: list[dict[str, Any]] = [_step("s0", "lead")]
    while len(made) < many - 1:
        last, n = made[-1]["key"], len(made)
        made += [
            _step(f"a{n}", {"organization": "housing"}, last),
            _step(f"b{n}", {"organization": "family"}, last),
            _step(f"c{n}", "lead", f"a{n}", f"b{n}"),
        ]
    made = made[: many - 1]
    return [*made, _step("last", "lead", made[-1]["key"], **more)]


def _step(key: str, owner: Any, *after: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "title": f"Do {key}", "owner": owner, "after": list(after), **more}


def load(admin_url: str, region: Region, code: str, body: list[dict[str, Any]], review_every_days: int = 0) -> None:
    template = {
        "code": code,
        "version": 1,
        "name": code,
        "definition": "For a measurement.",
        "strategy": "whole_family",
        "limit_days": 3650,
        "review_every_days": review_every_days,
        "goals": [],
        "steps": body,
    }
    parsed = Template.parse(template).body() | {"review_every_days": review_every_days}
    text = json.dumps(parsed)
    with psycopg.connect(libpq_url(admin_url), autocommit=True) as connection:
        connection.execute(
            "insert into plan_template (collaborative_id, code, version, name, definition, strategy, body, digest)"
            " values (%s, %s, 1, %s, 'For a measurement.', 'whole_family', %s::jsonb, %s)",
            [region.collaborative_id, code, code, text, hashlib.sha256(text.encode()).hexdigest()],
        )


def call(login: str) -> Call:
    return Call(login, key=Key(uuid4().hex, b"\0" * 32), if_match=None)


def edit(version: int) -> Call:
    return Call(LEAD, key=Key(uuid4().hex, b"\0" * 32), if_match=frozenset({version}))


def begin(record: Record, template: str) -> ActionPlan:
    client = NewClient(given_name="Ana", family_name="Brook")
    return plans.create_plan(record, call(LEAD), plans.NewPlan(template, client=client)).body


def work(record: Record, region: Region, plan_id: UUID) -> bool:
    """Everybody does what is open; answers whether the plan is over."""
    owners = {organization.id: organization.slug for organization in region.organizations}
    seen = plans.get_plan(record, call(LEAD), plan_id)
    for step in seen.steps:
        if step.task is not None and step.state == "open" and step.task.state == "requested":
            login = WORKERS[owners[step.task.organization_id]]
            tasks.accept_task(record, call(login), step.task.id)
            tasks.complete_task(record, call(login), step.task.id, None)
    return seen.state != "active"


async def finish(record: Record, region: Region, ids: list[UUID]) -> None:
    left = set(ids)
    until = time.monotonic() + PATIENCE
    while left:
        for plan_id in list(left):
            if await asyncio.to_thread(work, record, region, plan_id):
                left.discard(plan_id)
        if time.monotonic() > until:
            raise TimeoutError(f"{len(left)} plans did not finish")
        await asyncio.sleep(0.05)


async def measured(client: Client, name: str, ids: list[UUID], seconds: float) -> Size:
    events, size = 0, 0
    for plan_id in ids:
        handle = client.get_workflow_handle(f"plan-{plan_id}")
        assert await asyncio.wait_for(handle.result(), 60) == "completed", plan_id
        info = (await handle.describe()).raw_description.workflow_execution_info
        events, size = max(events, info.history_length), max(size, info.history_size_bytes)
    return Size(name, len(ids), events, size, seconds)


async def fifty(record: Record, region: Region, client: Client) -> Size:
    since = time.monotonic()
    ids = [(await asyncio.to_thread(begin, record, "fifty")).id]
    await finish(record, region, ids)
    return await measured(client, "50 steps with diamonds", ids, time.monotonic() - since)


async def at_once(record: Record, region: Region, client: Client, many: int) -> Size:
    since = time.monotonic()
    ids = [(await asyncio.to_thread(begin, record, "ten")).id for _ in range(many)]
    await finish(record, region, ids)
    return await measured(client, f"{many} plans of 10 steps at once", ids, time.monotonic() - since)


async def two_years(record: Record, region: Region, client: Client, reviews: int) -> Size:
    """Each review is due, is reminded of, and is recorded; then the last step, which waited all the time, ends it."""
    since = time.monotonic()
    plan = await asyncio.to_thread(begin, record, "long")
    for _ in range(reviews):
        await asyncio.sleep(30 * DAY_SECONDS * 1.5)
        now = await asyncio.to_thread(plans.get_plan, record, call(LEAD), plan.id)
        await asyncio.to_thread(_review, record, now.id)
    await finish(record, region, [plan.id])
    return await measured(client, f"two years, {reviews} reviews", [plan.id], time.monotonic() - since)


def _review(record: Record, plan_id: UUID) -> None:
    """A reminder may come between reading and writing: then it is read again, as people do."""
    while True:
        version = plans.get_plan(record, call(LEAD), plan_id).version
        try:
            plan_closing.review_plan(record, edit(version), plan_id, {})
            return
        except Stale:
            continue


async def measure(many: int, reviews: int, tell: Callable[[Size], object]) -> list[Size]:
    region = build_region(7)
    sizes: list[Size] = []
    with temporary_directory() as directory:
        postgres, temporal = EmbeddedPostgres(directory, durable=False), EmbeddedTemporal(directory)
        await postgres.start()
        await temporal.start()
        try:
            settings = await asyncio.to_thread(_prepared, directory, postgres, temporal, region)
            record = api_record(settings)
            async with running(settings, say=lambda _: None):
                client = await Client.connect(temporal.address, namespace=settings.temporal_namespace)
                doings: list[Callable[[], Awaitable[Size]]] = [
                    lambda: fifty(record, region, client),
                    lambda: at_once(record, region, client, many),
                    lambda: two_years(record, region, client, reviews),
                ]
                for doing in doings:
                    sizes.append(await doing())
                    tell(sizes[-1])
            close(record)
        finally:
            await temporal.stop()
            await postgres.stop()
    return sizes


def _prepared(directory: Path, postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, region: Region) -> Settings:
    migrate(postgres.admin_url, postgres.password("api"), postgres.password("engine"))
    load_region(postgres.admin_url, region)
    adopt_clocks(postgres.admin_url, region, region.agenda.clocks, DAY_SECONDS)
    load(postgres.admin_url, region, "fifty", steps(50))
    load(postgres.admin_url, region, "ten", steps(10))
    load(postgres.admin_url, region, "long", steps(3, opens_after_days=800), review_every_days=30)
    return Settings(
        _env_file=None,
        data_dir=directory,
        http_port=0,
        rate_limit=0,
        database_url=postgres.api_url,
        engine_database_url=postgres.engine_url,
        admin_database_url=postgres.admin_url,
        temporal_address=temporal.address,
    )


def row(size: Size) -> str:
    return f"{size.name:<34}{size.plans:>6}{size.events:>9}{size.bytes:>11}{size.seconds:>9.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="History sizes of action plans.")
    parser.add_argument("--plans", type=int, default=200)
    parser.add_argument("--reviews", type=int, default=24)
    asked = parser.parse_args()
    print(f"{'what':<34}{'plans':>6}{'events':>9}{'bytes':>11}{'seconds':>9}   (events, bytes: the largest history)")
    asyncio.run(measure(asked.plans, asked.reviews, lambda size: print(row(size), flush=True)))


if __name__ == "__main__":
    main()
