"""Broken on purpose: each check of ours must say so. What no check would notice is not guarded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.architecture import holes
from tests.architecture.conftest import Connection

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
