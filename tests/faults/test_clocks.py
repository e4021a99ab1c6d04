"""Machines whose clocks are wrong: the record's order is by sequence, and its deadlines are by its own clock."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.faults.test_stops import DAY, short_days, states
from tests.faults.town import Town, insist, referral_of, wrong
from tests.house import eventually

HOUR, DAYS = 3600.0, 2 * 24 * 3600.0
HARD_LIMIT = 14 * DAY


@pytest.mark.timeout(120)
def test_with_every_clock_wrong_order_is_by_sequence_and_deadlines_by_the_databases_clock(town: Town) -> None:
    """Two APIs, an hour fast and an hour slow, a worker two days fast, a relay two days slow."""
    town.quiet()
    for name in ("worker", "relay"):
        town.roles[name].kill()
    roles = [town.role("worker", clock=DAYS), town.role("relay", clock=-DAYS)]
    fast, early = town.api(clock=HOUR)
    slow, late = town.api(clock=-HOUR)
    try:
        told = a_question_and_its_answer(town, early, late)
        assert_in_order(town, told)
        assert_expires_in_time(town, early)
        assert all(role.running for role in roles), [role.last_words() for role in roles]
    finally:
        for http in (early, late):
            http.close()
        for role in (*roles, fast, slow):
            role.kill()
        town.whole()
    town.quiet()
    assert wrong(town) == []


def a_question_and_its_answer(town: Town, early: httpx.Client, late: httpx.Client) -> dict[str, Any]:
    """Moves that alternate between the two APIs; the last of them by the slow one."""
    source, target = town.house.caseworker("cap"), town.house.caseworker("housing")
    made: dict[str, Any] = insist(source, "/v1/referrals", referral_of(town), http=early).answer
    task = f"/v1/tasks/{made['tasks'][0]['id']}"
    for verb, http in (("acknowledge", late), ("accept", early), ("start", late)):
        assert insist(target, f"{task}/{verb}", http=http).status == 200
    return made


def assert_in_order(town: Town, made: dict[str, Any]) -> None:
    items = town.house.caseworker("cap").read(f"/v1/referrals/{made['id']}/timeline")["items"]
    states = [item["to_state"] for item in items if item["task_id"] and item["to_state"]]
    assert states == ["in_progress", "accepted", "acknowledged", "requested"], "newest first"
    times = [item["at"] for item in items]
    assert times == sorted(times, reverse=True)


def assert_expires_in_time(town: Town, http: httpx.Client) -> None:
    with short_days(town):
        made = insist(town.house.caseworker("cap"), "/v1/referrals", referral_of(town), http=http).answer
        eventually(lambda: states(town, [made["id"]]) == ["awaiting_source"], seconds=40)
    took = town.house.sql(
        "select extract(epoch from e.at - t.created_at), extract(epoch from clock_timestamp() - t.created_at)"
        " from task t join event e on e.task_id = t.id and e.to_state = 'expired' where t.referral_id = %s",
        made["id"],
    )[0]
    assert HARD_LIMIT <= float(took[0]) < HARD_LIMIT + 10
    assert float(took[1]) < 60
