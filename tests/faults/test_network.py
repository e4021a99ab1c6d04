"""The network between the parts fails in the ways in which networks fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import httpx
import pytest

from concert.connection import connect
from tests.faults.proxy import Proxy
from tests.faults.town import Role, Town, insist, referral_of, wrong
from tests.house import OUTCOME, eventually

LONGEST = 20.0
"""Seconds after which nobody may still be waiting for a silent database."""


@contextmanager
def api_behind(town: Town) -> Iterator[tuple[Proxy, httpx.Client]]:
    """One more API, which reaches PostgreSQL through a proxy."""
    proxy = Proxy(town.loop, town.postgres.port)
    through = town.environment["CONCERT_DATABASE_URL"].replace(f":{town.postgres.port}/", f":{proxy.port}/")
    role, http = town.api(CONCERT_DATABASE_URL=through)
    try:
        yield proxy, http
    finally:
        http.close()
        role.kill()
        proxy.close()


def referrals(town: Town) -> int:
    found: int = town.house.sql("select count(*) from referral")[0][0]
    return found


def test_a_connection_cut_right_after_commit_doubles_nothing_and_the_person_gets_the_answer(town: Town) -> None:
    caseworker, before = town.house.caseworker("cap"), referrals(town)
    with api_behind(town) as (proxy, http):
        for _ in range(4):
            proxy.cut_commits = 1
            key, body = uuid4().hex, referral_of(town)
            said = insist(caseworker, "/v1/referrals", body, key, http)
            again = caseworker.post("/v1/referrals", body, key)
            assert (said.status, again.status_code) == (201, 201)
            assert again.headers["Idempotency-Replayed"] == "true"
            assert again.json() == said.answer
        assert proxy.cut >= 4
    assert referrals(town) == before + 4


def test_connections_that_are_reset_cost_a_repeat_at_most(town: Town) -> None:
    caseworker, before = town.house.caseworker("cap"), referrals(town)
    with api_behind(town) as (proxy, http), ThreadPoolExecutor(5) as threads:
        work = [
            threads.submit(insist, caseworker, "/v1/referrals", referral_of(town), uuid4().hex, http) for _ in range(10)
        ]
        while not all(each.done() for each in work):
            time.sleep(0.3)
            proxy.reset()
        said = [each.result() for each in work]
    assert {one.status for one in said} == {201}
    assert len({one.answer["id"] for one in said}) == 10
    assert referrals(town) == before + 10


@pytest.mark.timeout(120)
def test_a_silent_database_holds_nobody_past_the_timeout(town: Town) -> None:
    caseworker, before = town.house.caseworker("cap"), referrals(town)
    with api_behind(town) as (proxy, http):
        assert caseworker_reads(town, http) == 200
        proxy.hold()
        since, body, key = time.monotonic(), referral_of(town), uuid4().hex
        headers = caseworker.headers | {"Idempotency-Key": key}
        with ThreadPoolExecutor(3) as threads:
            waiting = [threads.submit(http.post, "/v1/referrals", json=body, headers=headers) for _ in range(3)]
            answers = [each.result() for each in waiting]
        waited = time.monotonic() - since
        assert {answer.status_code for answer in answers} == {503}
        assert all("Retry-After" in answer.headers for answer in answers)
        assert waited < LONGEST
        proxy.heal()
        assert insist(caseworker, "/v1/referrals", body, key, http).status == 201
        print(f"503 after {waited:.1f} s of silence")  # noqa: T201
    assert referrals(town) == before + 1


def caseworker_reads(town: Town, http: httpx.Client) -> int:
    return http.get("/v1/tasks", headers=town.house.caseworker("cap").headers).status_code


@contextmanager
def engine_behind(town: Town) -> Iterator[Proxy]:
    """Worker and relay reach Temporal through a proxy; the usual ones are gone meanwhile."""
    for name in ("worker", "relay"):
        town.roles[name].kill()
    proxy = Proxy(town.loop, town.temporal.port)
    roles = [town.role(name, CONCERT_TEMPORAL_ADDRESS=f"127.0.0.1:{proxy.port}") for name in ("worker", "relay")]
    try:
        yield proxy
        assert all(role.running for role in roles), [role.last_words() for role in roles]
    finally:
        end(roles)
        proxy.close()
        town.whole()


def end(roles: list[Role]) -> None:
    for role in roles:
        role.kill()


def close_one(town: Town) -> str:
    """A referral from request to closed loop; answers its workflow's id."""
    source, target = town.house.caseworker("cap"), town.house.caseworker("housing")
    made = insist(source, "/v1/referrals", referral_of(town)).answer
    task = f"/v1/tasks/{made['tasks'][0]['id']}"
    assert insist(target, f"{task}/accept").status == 200
    assert insist(target, f"{task}/complete", OUTCOME).status == 200
    assert insist(source, f"/v1/referrals/{made['id']}/confirm", OUTCOME).status == 200
    return f"referral-{made['id']}"


@pytest.mark.timeout(120)
def test_engine_parts_cut_off_from_temporal_catch_up_when_they_reach_it_again(town: Town) -> None:
    with engine_behind(town) as proxy:
        ids = [close_one(town) for _ in range(3)]
        town.quiet()
        proxy.hold()
        ids += [close_one(town) for _ in range(5)]
        time.sleep(7)
        assert town.waiting() > 0
        proxy.heal()
        for _ in range(5):
            ids.append(close_one(town))
            proxy.reset()
            time.sleep(0.2)
        since = time.monotonic()
        town.quiet(60)
        eventually(lambda: set(statuses(town, ids)) == {"COMPLETED"}, seconds=60, pause=0.3)
        print(f"caught up {time.monotonic() - since:.1f} s after the network was back")  # noqa: T201
    assert wrong(town) == []


def statuses(town: Town, ids: list[str]) -> list[str]:
    async def ask() -> list[str]:
        client = await connect(town.temporal.address, "concert")
        runs = [await client.get_workflow_handle(each).describe() for each in ids]
        return [run.status.name if run.status else "none" for run in runs]

    return asyncio.run(ask())
