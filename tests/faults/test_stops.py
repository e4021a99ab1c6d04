"""Processes that stand still for a while and then go on as if nothing had happened: what they do late has no effect."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from seed.compressed import adopt_clocks
from tests.faults.test_network import close_one, end, statuses
from tests.faults.town import Town, insist, referral_of, wrong
from tests.house import eventually

DAY = 0.4
"""Seconds of a business day: the hard limit of 14 is then at 5.6 s."""


@contextmanager
def short_days(town: Town) -> Iterator[None]:
    town.house.compress(DAY)
    try:
        yield
    finally:
        adopt_clocks(town.house.admin_url, town.house.region, town.house.region.agenda.clocks)


def leased(town: Town) -> int:
    """Messages that some relay has claimed and has not delivered."""
    query = "select count(*) from outbox where due_at > clock_timestamp() + interval '15 s'"
    found: int = town.house.sql(query)[0][0]
    return found


def test_what_a_relay_delivers_after_another_one_did_it_changes_nothing(town: Town) -> None:
    """The first relay stops with messages in its hands; its lease ends, a second one delivers, the first goes on."""
    ids = [close_one(town)]
    eventually(lambda: statuses(town, ids) == ["COMPLETED"], seconds=40, pause=0.2)
    town.quiet()
    first = town.roles["relay"]
    os.kill(town.temporal.pid, signal.SIGSTOP)
    try:
        ids += [close_one(town) for _ in range(4)]
        eventually(lambda: leased(town) >= 4)
        first.freeze()
    finally:
        os.kill(town.temporal.pid, signal.SIGCONT)
    second = town.role("relay")
    try:
        town.house.sql("update outbox set due_at = clock_timestamp()")
        town.quiet()
        eventually(lambda: set(statuses(town, ids)) == {"COMPLETED"}, seconds=30, pause=0.2)
        first.thaw()
        ids += [close_one(town) for _ in range(4)]
        time.sleep(2)
        town.quiet()
        eventually(lambda: set(statuses(town, ids)) == {"COMPLETED"}, seconds=30, pause=0.2)
        assert first.running
        assert second.running
    finally:
        first.thaw()
        end([second])
    assert wrong(town) == []


@pytest.mark.timeout(120)
def test_a_worker_that_stands_still_over_deadlines_reminds_and_expires_once_when_it_goes_on(town: Town) -> None:
    worker, source = town.roles["worker"], town.house.caseworker("cap")
    with short_days(town):
        made = [insist(source, "/v1/referrals", referral_of(town)).answer["id"] for _ in range(5)]
        time.sleep(1)
        second = town.role("worker")
        try:
            for pause in (2, 4):
                worker.freeze()
                time.sleep(pause)
                worker.thaw()
                time.sleep(0.5)
            worker.freeze()
            eventually(lambda: set(states(town, made)) == {"awaiting_source"}, seconds=30)
            worker.thaw()
            time.sleep(1)
        finally:
            worker.thaw()
            end([second])
    rows = town.house.sql(
        "select referral_id, kind, to_state, facts ->> 'clock', facts ->> 'rung', count(*) from event"
        " where referral_id = any(%s::uuid[]) and task_id is not null group by 1, 2, 3, 4, 5 having count(*) > 1",
        made,
    )
    assert rows == [], "reminded or expired twice"
    expired = town.house.sql(
        "select count(*) from event where to_state = 'expired' and referral_id = any(%s::uuid[])", made
    )
    assert expired == [(5,)]
    town.quiet()
    assert wrong(town) == []


def states(town: Town, ids: list[str]) -> list[str]:
    return [row[0] for row in town.house.sql("select state from referral where id = any(%s::uuid[])", ids)]
