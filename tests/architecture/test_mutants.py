"""Broken on purpose: each check of ours must say so. What no check would notice is not guarded."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

import services.counting
import services.happenings
import services.offers
import services.requests
import services.transaction
from concert.embedded.postgres import libpq_url
from services.transaction import Call, Key, Record, Tx, Work, read
from services.verifying import verify_indicators
from storage.database import Database
from tests.architecture import holes
from tests.architecture.conftest import Connection
from tests.conftest import Cluster
from tests.house import House
from tests.services.scenes import refer

Check = Callable[[Connection], list[str]]

BROKEN: list[tuple[str, Check, str]] = [
    ("drop policy sees on message", holes.row_security, ""),
    ("alter table referral no force row level security", holes.row_security, "referral: not forced"),
    ("alter table client disable row level security", holes.row_security, "client: row security is off"),
    ("create table forgotten (id int); alter table forgotten owner to concert_owner", holes.row_security, "forgotten"),
    ("alter policy people on client using (true)", holes.open_policies, "client.people: lets every row through"),
    ("create policy extra on consent for select to public using (false)", holes.open_policies, "consent.extra"),
    ("grant select (given_name) on client to concert_engine", holes.engine_grants, "SELECT client.given_name"),
    ("grant select on message to concert_engine", holes.engine_grants, "SELECT message.body"),
    ("grant update (origin_name) on referral to concert_engine", holes.engine_grants, "UPDATE referral.origin_name"),
    ("grant execute on function app.touch(uuid, jsonb) to public", holes.functions, "touch: anybody may call it"),
    ("alter function app.disclose(uuid, uuid) reset search_path", holes.functions, "disclose: search_path is open"),
    ("alter function app.enter(text, uuid, text) owner to concert_admin", holes.functions, "enter: runs as"),
    ("alter function app.me() security definer", holes.functions, "me: runs as"),
    ("alter table task owner to concert_admin", holes.owners, "task: belongs to concert_admin"),
    ("create view everything as select * from client", holes.views, "everything: not security_invoker"),
]  # fmt: skip


@pytest.mark.parametrize(("mutation", "check", "sentence"), BROKEN, ids=[mutation[:60] for mutation, _, _ in BROKEN])
def test_a_wall_that_was_broken_is_noticed(copy: Connection, mutation: str, check: Check, sentence: str) -> None:
    before = (check(copy), holes.policies(copy), holes.triggers(copy))
    assert before[0] == []
    for statement in mutation.split("; "):
        copy.execute(statement.encode())
    said = check(copy)
    noticed = any(sentence in line for line in said) if sentence else holes.policies(copy) != before[1]
    assert noticed, said


@pytest.mark.parametrize("role", ["concert_api", "concert_engine"])
@pytest.mark.parametrize("attribute", ["bypassrls", "superuser", "createrole"])
def test_a_login_that_was_given_too_much_is_noticed(copy: Connection, role: str, attribute: str) -> None:
    """Roles belong to the whole server, so the change is taken back at once, inside a transaction."""
    with copy.transaction(force_rollback=True):
        copy.execute(f"alter role {role} {attribute}".encode())
        assert any(line.startswith(role) for line in holes.roles(copy))
    assert holes.roles(copy) == []


def test_an_owner_that_could_log_in_is_noticed(copy: Connection) -> None:
    with copy.transaction(force_rollback=True):
        copy.execute("alter role concert_owner login")
        assert holes.roles(copy) == ["concert_owner: can log in"]


def test_a_trigger_that_was_switched_off_is_noticed(copy: Connection) -> None:
    before = holes.triggers(copy)
    copy.execute("alter table event disable trigger append_only")
    assert holes.triggers(copy) != before


# ---------------------------------------------------------------------------------------------- mutants in the code


def carried(url: str, login: str) -> list[str]:
    """Who is still somebody on a pooled connection after their transaction has ended."""
    database = Database(url, pool_size=1)
    record = Record(database)
    try:
        read(record, Call(login), lambda tx: None)
        with database.transaction() as connection:
            left = connection.execute(_LEFT).one()
            seen = connection.execute(text("select count(*) from partnership")).scalar_one()
    finally:
        database.dispose()
    found = [f"{name} is carried over" for name, value in left._mapping.items() if value not in (None, False)]
    return found + (["rows are seen by nobody"] if seen else [])


_LEFT = text("select app.me(), app.person(), app.collaborative(), app.is_backbone()")


def test_a_context_that_outlives_its_transaction_is_noticed(cluster: Cluster) -> None:
    urls = cluster.database()
    assert carried(urls["api"], "maria.cap") == []
    with psycopg.connect(libpq_url(urls["admin"]), autocommit=True) as connection:
        (source,) = connection.execute("select pg_get_functiondef('app.enter'::regproc)").fetchone() or ("",)
        assert source.count(", true)") >= 4
        connection.execute(source.replace(", true)", ", false)").encode())
    assert carried(urls["api"], "maria.cap") == [
        "me is carried over", "person is carried over", "collaborative is carried over", "rows are seen by nobody"
    ]  # fmt: skip


def test_a_counter_outside_the_transaction_is_noticed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted at once, in a transaction of its own: a use case that fails afterwards leaves the number behind."""
    honest = services.counting.count
    original = services.offers.insert_offer

    def hasty(work: Work, row: dict[str, Any], *more: Any) -> None:
        before = len(work.journal.entries)
        honest(work, row, *more)
        mine, work.journal.entries = work.journal.entries[before:], work.journal.entries[:before]
        for entry in mine:
            house.sql(
                "insert into indicator_entry (id, event_id, collaborative_id, indicator_id, part, period,"
                " bucket, organization_id, dimensions, restricted, value) select uuidv7(), (select e.id from event e"
                " where not exists (select from indicator_entry n where n.event_id = e.id and n.indicator_id = %s)"
                " limit 1), %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s",
                entry["indicator_id"],
                str(entry["collaborative_id"]), entry["indicator_id"], entry["part"], entry["period"], entry["bucket"],
                entry["organization_id"], json.dumps(entry["dimensions"]), entry["restricted"], entry["value"],
            )  # fmt: skip

    def failing(*args: Any, **more: Any) -> Any:
        original(*args, **more)
        raise RuntimeError

    refer(house, "cap", "housing")
    assert verify_indicators(house.engine).holds
    with monkeypatch.context() as patch:
        patch.setattr(services.requests, "insert_offer", failing)
        with pytest.raises(RuntimeError):
            refer(house, "cap", "housing")
        assert verify_indicators(house.engine).holds, "all or nothing, as it is written"
        patch.setattr(services.happenings, "count", hasty)
        with pytest.raises(RuntimeError):
            refer(house, "cap", "housing")
    assert not verify_indicators(house.engine).holds


def test_a_replay_key_that_includes_the_attempt_is_noticed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole point of a key is that the second attempt has the same."""
    calls: list[int] = []

    def forgetful(tx: Tx, call: Call, status: int, body: dict[str, Any]) -> None:
        calls.append(1)
        assert call.key is not None
        remember(tx, replace(call, key=Key(f"{call.key.key}-{len(calls)}", call.key.fingerprint)), status, body)

    remember = services.transaction._remember
    gwen, key = house.person("gwen.housing"), uuid4().hex
    path = f"/v1/tasks/{refer(house, 'cap', 'housing').tasks[0].id}/note"
    twice = [gwen.post(path, {"text": "x"}, key).headers.get("Idempotency-Replayed") for _ in range(2)]
    assert twice == [None, "true"]
    with monkeypatch.context() as patch:
        patch.setattr(services.transaction, "_remember", forgetful)
        twice = [gwen.post(path, {"text": "x"}, key + "y").headers.get("Idempotency-Replayed") for _ in range(2)]
    assert twice == [None, None]
