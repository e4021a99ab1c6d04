"""What two small mistakes would do, and that it would be seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy

import concert.relay
import services.transaction
from concert.connection import connect
from services.outbox import Message
from services.requests import Request, create_referral
from services.transaction import Call, Key, Record
from storage.database import Database
from tests.faults.proxy import Proxy
from tests.faults.test_network import close_one, referrals, statuses
from tests.faults.town import Town
from tests.house import eventually


def runs_after_a_late_look(town: Town) -> int:
    """A closed referral's look is delivered once more, as a relay does that died before it wrote down its delivery."""
    workflow_id = close_one(town)
    eventually(lambda: statuses(town, [workflow_id]) == ["COMPLETED"], pause=0.2)

    async def late() -> int:
        client = await connect(town.temporal.address, "concert")
        before = await run_of(client, workflow_id)
        await concert.relay.deliver(client, Message(0, "look", workflow_id, None, None, 0))
        return 1 if await run_of(client, workflow_id) == before else 2

    return asyncio.run(late())


async def run_of(client: Client, workflow_id: str) -> str | None:
    return (await client.get_workflow_handle(workflow_id).describe()).run_id


def test_a_late_look_starts_no_second_workflow(town: Town) -> None:
    assert runs_after_a_late_look(town) == 1


def test_without_reject_duplicate_it_would(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    class Careless:
        ALLOW_DUPLICATE = REJECT_DUPLICATE = WorkflowIDReusePolicy.ALLOW_DUPLICATE

    monkeypatch.setattr(concert.relay, "WorkflowIDReusePolicy", Careless)
    assert runs_after_a_late_look(town) == 2


def referrals_after_a_cut(town: Town) -> int:
    """One command whose connection is cut right after its COMMIT: how many referrals it makes."""
    proxy = Proxy(town.loop, town.postgres.port)
    through = town.environment["CONCERT_DATABASE_URL"].replace(f":{town.postgres.port}/", f":{proxy.port}/")
    record, before = Record(Database(through, pool_size=2)), referrals(town)
    call = Call(town.house.caseworker("cap").login, key=Key(uuid4().hex, b"\0" * 32))
    request = Request(service_id=town.house.service("housing").id, client_id=known_client(town))
    try:
        proxy.cut_commits = 1
        create_referral(record, call, request)
        assert proxy.cut == 1
    finally:
        record.database.dispose()
        proxy.close()
    return referrals(town) - before


def known_client(town: Town) -> Any:
    return town.house.caseworker("cap").does("/v1/clients", {"given_name": "Rosalind", "family_name": "F."})["id"]


def test_a_command_that_is_tried_again_after_a_cut_happens_once(town: Town) -> None:
    assert referrals_after_a_cut(town) == 1


def test_with_a_key_that_includes_the_attempt_it_would_happen_twice(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = count()
    enter, remember = services.transaction._enter, services.transaction._remember
    keyed: list[Call] = []

    def enter_anew(connection: Any, call: Call) -> Any:
        assert call.key is not None
        keyed.append(replace(call, key=Key(f"{call.key.key}-{next(attempts)}", call.key.fingerprint)))
        return enter(connection, keyed[-1])

    def remember_anew(tx: Any, call: Call, *rest: Any) -> None:
        remember(tx, keyed[-1], *rest)

    changed: dict[str, Callable[..., Any]] = {"_enter": enter_anew, "_remember": remember_anew}
    for name, function in changed.items():
        monkeypatch.setattr(services.transaction, name, function)
    assert referrals_after_a_cut(town) == 2
