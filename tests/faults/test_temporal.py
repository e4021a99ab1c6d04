"""The engine goes away: nobody who works with people notices."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from concert.connection import connect
from tests.faults.town import ROOT, Said, Town, insist, referral_of, wrong
from tests.house import OUTCOME, eventually

ROUNDS, CROWD = 12, 4


def closed_loop(town: Town) -> list[Said]:
    """A referral from request to closed loop: five moves."""
    source, target = town.house.caseworker("cap"), town.house.caseworker("housing")
    said = [insist(source, "/v1/referrals", referral_of(town))]
    task = f"/v1/tasks/{said[0].answer['tasks'][0]['id']}"
    for verb, body in (("accept", {}), ("start", {}), ("complete", OUTCOME)):
        said.append(insist(target, f"{task}/{verb}", body))
    said.append(insist(source, f"/v1/referrals/{said[0].answer['id']}/confirm", OUTCOME))
    return said


def open_referral(town: Town) -> dict[str, Any]:
    made: dict[str, Any] = insist(town.house.caseworker("cap"), "/v1/referrals", referral_of(town)).answer
    return made


def moves(town: Town, rounds: int = ROUNDS) -> list[Said]:
    with ThreadPoolExecutor(CROWD) as threads:
        return [one for said in threads.map(lambda _: closed_loop(town), range(rounds)) for one in said]


async def executions(client: Client) -> dict[str, list[WorkflowExecutionStatus | None]]:
    """Every run that Temporal knows, by workflow id."""
    found: dict[str, list[WorkflowExecutionStatus | None]] = {}
    async for run in client.list_workflows(""):
        found.setdefault(run.id, []).append(run.status)
    return found


def running_now(town: Town) -> set[str]:
    async def ask() -> set[str]:
        client = await connect(town.temporal.address, "concert")
        return {key for key, runs in (await executions(client)).items() if WorkflowExecutionStatus.RUNNING in runs}

    return asyncio.run(ask())


def open_in_record(town: Town) -> set[str]:
    """Of the whole town: other tests were here before and left work."""
    rows = town.house.sql(
        "select 'referral-' || id from referral where state in ('active', 'awaiting_source') and action_plan_id is null"
        " union all select 'plan-' || id from action_plan where state = 'active'"
    )
    return {row[0] for row in rows}


def test_with_temporal_killed_every_move_is_answered_and_the_engine_catches_up_by_itself(town: Town) -> None:
    """How fast it is answered is for `bench/outage.py`."""
    moves(town, 4)
    waits = [open_referral(town) for _ in range(5)]
    asyncio.run(town.temporal.kill())
    meanwhile = moves(town)
    waits += [open_referral(town) for _ in range(5)]
    assert town.waiting() >= ROUNDS, "the record remembers what the engine must be told"

    since = time.monotonic()
    asyncio.run(town.temporal.start())
    town.quiet()
    ids = {f"referral-{each['id']}" for each in waits}
    eventually(lambda: ids <= running_now(town) and running_now(town) == open_in_record(town), seconds=60)
    caught_up = time.monotonic() - since

    assert Counter((one.status, one.tries) for one in meanwhile) == {(201, 1): ROUNDS, (200, 1): 4 * ROUNDS}
    print(f"caught up {caught_up:.1f} s after its start")  # noqa: T201
    assert wrong(town) == []


@pytest.mark.timeout(150)
def test_with_temporals_file_deleted_rehydrate_brings_every_workflow_back_and_no_task_opens_twice(town: Town) -> None:
    from concert.reconcile import rehydrate

    waits = [open_referral(town) for _ in range(10)]
    town.quiet()
    events = town.house.sql("select count(*) from event")
    tasks = town.house.sql("select id from task order by id")
    asyncio.run(town.temporal.kill())
    for left in town.temporal.directory.glob("temporal.db*"):
        left.unlink()
    asyncio.run(town.temporal.start())
    assert running_now(town) == set()

    async def bring_back() -> None:
        await rehydrate(town.house.engine, await connect(town.temporal.address, "concert"))

    since = time.monotonic()
    command = [sys.executable, "-m", "tests.faults.roles", "0", "rehydrate"]
    done = subprocess.run(command, env=town.environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    asyncio.run(bring_back())
    eventually(lambda: running_now(town) == open_in_record(town), seconds=60)
    print(f"rehydrated {len(open_in_record(town))} referrals in {time.monotonic() - since:.1f} s")  # noqa: T201
    assert town.house.sql("select count(*) from event") == events, "partners notice nothing"
    assert town.house.sql("select id from task order by id") == tasks

    target, source = town.house.caseworker("housing"), town.house.caseworker("cap")
    for made in waits:
        task = f"/v1/tasks/{made['tasks'][0]['id']}"
        for verb, body in (("accept", {}), ("complete", OUTCOME)):
            assert insist(target, f"{task}/{verb}", body).status == 200
        assert insist(source, f"/v1/referrals/{made['id']}/confirm", OUTCOME).status == 200
    town.quiet()
    ids = {f"referral-{each['id']}" for each in waits}
    eventually(lambda: not ids & running_now(town), seconds=30)
    assert wrong(town) == []
