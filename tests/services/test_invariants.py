"""What must hold is checked by breaking it: a day of work shows nothing wrong, and each kind of damage is named."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from concert.connection import connect
from concert.reconcile import check_invariants, repair
from services.folding import fold, seal
from services.invariants import check_record, violations
from tests.house import OUTCOME, House, Loop


def served(house: House) -> str:
    """A referral that was accepted, started and completed, and that its source still has to confirm; its id."""
    made = house.refer("cap", "housing", consent=True)
    worker = house.caseworker("housing")
    for verb, body in (("accept", None), ("start", None), ("complete", OUTCOME)):
        worker.does(f"/v1/tasks/{made['tasks'][0]['id']}/{verb}", body)
    return str(made["id"])


def told(house: House, loop: Loop, patience: float = 10.0) -> list[str]:
    """What is found wrong in record and engine."""

    async def ask() -> list[str]:
        client = await connect(house.settings.temporal_address, house.settings.temporal_namespace)
        return await check_invariants(house.engine, client, patience=patience)

    return loop.run(ask())


@pytest.mark.usefixtures("engine")
def test_a_day_of_work_breaks_nothing(house: House, loop: Loop) -> None:
    maria, gwen = house.caseworker("cap"), house.caseworker("housing")
    full = house.sql("select code, class from reason where class = 'no_capacity' limit 1")[0]
    maria.does(f"/v1/referrals/{served(house)}/confirm", OUTCOME)
    declined = house.refer("cap", "housing")
    gwen.does(f"/v1/tasks/{declined['tasks'][0]['id']}/decline", {"reason_code": full[0], "reason_class": full[1]})
    again = {"service_id": str(house.service("housing").id)}
    maria.does(f"/v1/referrals/{declined['id']}/reroute", again)
    maria.does(f"/v1/referrals/{house.refer('cap', 'housing')['id']}/withdraw", {"reason": full[0]})
    maria.does(f"/v1/referrals/{served(house)}/void", {"reason": "The wrong family."})
    house.refer("cap", "cap", finished={"outcome": "need_met"})
    house.refer("cap", "housing", kind="information")
    served(house)
    assert told(house, loop) == []


@pytest.mark.usefixtures("engine")
def test_a_lost_workflow_is_missed_and_started_again(house: House, loop: Loop) -> None:
    made = house.refer("cap", "housing")
    assert told(house, loop) == []

    async def lose() -> list[str]:
        client = await connect(house.settings.temporal_address, house.settings.temporal_namespace)
        await client.get_workflow_handle(f"referral-{made['id']}").terminate()
        found = await check_invariants(house.engine, client, patience=0)
        done = await repair(house.engine, client)
        assert (done.left, done.started, done.terminated) == ((), 1, 0)
        assert (await repair(house.engine, client)).started == 0
        return found

    assert [each for each in loop.run(lose()) if made["id"] in each and "no running workflow" in each]
    assert told(house, loop) == []


@pytest.mark.usefixtures("engine")
def test_a_workflow_that_runs_for_a_closed_referral_is_named_and_ended(house: House, loop: Loop) -> None:
    made = house.refer("cap", "housing")
    assert told(house, loop) == []
    house.sql(
        f"set session_replication_role = replica; update referral set state = 'withdrawn' where id = '{made['id']}'"
    )
    try:
        assert [each for each in told(house, loop, patience=1) if made["id"] in each and "a workflow runs" in each]

        async def mend() -> tuple[int, int]:
            client = await connect(house.settings.temporal_address, house.settings.temporal_namespace)
            done = await repair(house.engine, client, patience=1)
            return done.terminated, done.started

        assert loop.run(mend()) == (1, 0)
    finally:
        house.sql(
            f"set session_replication_role = replica; update referral set state = 'active' where id = '{made['id']}'"
        )


BREAKS = {
    "I3 task .* leaves on_hold": "update event set from_state = 'on_hold' where kind = 'task_started'",
    "I3 task .* its events end with": "update task set state = 'failed' where state = 'completed'",
    "I3 referral .* was offered": "update referral set rounds = rounds + 1",
    "I3 referral .* are asked at once": "update referral set asked = array[target_organization_id]",
    "I3 referral .* is followed by 1": "update event set version = 1 where kind = 'referral_closed'",
    "I3 task .* is followed by 9": "update event set version = 9 where kind = 'task_accepted'",
    "I4 referral .* nobody's turn": "update referral set clock = null where state = 'active' and reported",
    "I4 referral .* no next deadline": "update referral set look_at = null",
    "I4 referral .* nobody looked": "update referral set look_at = clock_timestamp() - interval '2 minutes'",
    "I4 referral .* the next look at it is still ahead": (
        "update referral set due_at = clock_timestamp() - interval '2 minutes' where clock is not null"
    ),
    "I4 a message was given up: look for referral-x": (
        "insert into outbox (kind, workflow_id, dead) values ('look', 'referral-x', true)"
    ),
    "I4 a message was given up: event 0.* \\(mail KeyError\\)": (
        "insert into outbox (kind, event_id, dead, error)"
        " values ('event', '01a21b34-299b-764e-b240-b181162a915d', true, 'mail KeyError')"
    ),
    "I6 task .* and 2 audit records": "delete from audit where verb = 'task.accept'",
    "I6 task .* is audited 2 times": "update audit set version = 3 where verb = 'task.accept'",
    "I6 referral .* audit records": "delete from audit where verb = 'referral.create'",
    "I6 audit record .* neither sealed": "delete from audit_unsealed; delete from audit_seal",
}


@pytest.mark.parametrize("violation", BREAKS)
def test_damage_is_named(violation: str, house: House) -> None:
    if not house.sql("select 1 from referral where reported and state = 'active'"):
        house.caseworker("cap").does(f"/v1/referrals/{served(house)}/confirm", OUTCOME)
        served(house)
    engine = create_engine(house.admin_url, poolclass=NullPool)
    with engine.connect() as connection:
        before = violations(connection)
        connection.execute(text("set session_replication_role = replica"))
        for statement in BREAKS[violation].split("; "):
            connection.execute(text(statement))
        after = violations(connection)
        connection.rollback()
    assert before == []
    assert [each for each in after if re.match(violation, each)], after


def test_a_counter_that_was_edited_and_an_audit_that_was_edited_are_named(house: House) -> None:
    served(house)
    while fold(house.engine) + seal(house.engine):
        pass
    edits = {
        "I2 the totals": ("indicator_total", "value = value + {}", "true"),
        "I6 the audit's chain": ("audit", "at = at + interval '{} hour'", "verb = 'task.accept'"),
    }
    for violation, (table, change, which) in edits.items():
        edit = f"set session_replication_role = replica; update {table} set {change} where {which}"
        house.sql(edit.format(1))
        try:
            assert [each for each in check_record(house.engine) if each.startswith(violation)]
        finally:
            house.sql(edit.format(-1))
    assert check_record(house.engine) == []
