"""The next read contains what was done, whoever writes and folds meanwhile; and numbers never go backwards."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from concert.running import close
from domain.task import Outcome
from services.folding import broken_seal, fold, seal
from services.indicators import get_indicator
from services.referrals import confirm_referral
from services.tasks import accept_task, complete_task
from services.transaction import Record
from services.verifying import verify_indicators
from storage.database import Database
from tests.house import House
from tests.services.scenes import numbers, proven, refer, total

WRITERS, EACH, FOLDERS = 16, 1, 3


@dataclass
class Rush:
    """Many at work on one record; `troubles` are what somebody saw and should not have.

    Who watches has a connection of its own: the writers take all of the door's, one each.
    """

    house: House
    window: Record
    over: threading.Event = field(default_factory=threading.Event)
    troubles: list[str] = field(default_factory=list)

    def met(self, record: Record, login: str) -> int:
        return int(sum(p.value or 0 for p in get_indicator(record, self.house.call(login), "needs_met").series))

    def fold(self) -> None:
        while not self.over.is_set():
            fold(self.house.engine, most=7)
            seal(self.house.engine)

    def watch(self) -> None:
        seen = 0
        while not self.over.is_set():
            now = self.met(self.window, "ruth.hub")
            if now < seen:
                self.troubles.append(f"went back from {seen} to {now}")
            seen = now

    def write(self, _: int) -> None:
        house = self.house
        for _ in range(EACH):
            referral = refer(house, "cap", "housing")
            task_id = referral.tasks[0].id
            accept_task(house.api, house.call("gwen.housing"), task_id)
            before = self.met(house.api, "gwen.housing")
            complete_task(house.api, house.call("gwen.housing"), task_id, Outcome.NEED_MET)
            if self.met(house.api, "gwen.housing") <= before:
                self.troubles.append("a completion was missing from the next read")
            confirm_referral(house.api, house.call("maria.cap"), referral.id, Outcome.NEED_MET)


def test_the_next_read_contains_the_completion_under_sixteen_writers_and_three_folders(house: House) -> None:
    rush = Rush(house, Record(Database(house.settings.database_url, pool_size=1)))
    others = [*(threading.Thread(target=rush.fold) for _ in range(FOLDERS)), threading.Thread(target=rush.watch)]
    for thread in others:
        thread.start()
    try:
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(rush.write, range(WRITERS)))
        during = verify_indicators(house.engine)
    finally:
        rush.over.set()
        for thread in others:
            thread.join()
        close(rush.window)
    assert rush.troubles == []
    assert during.differences == [], "verified in one snapshot while the folders ran"
    assert total(house, "needs_met") == WRITERS * EACH
    assert total(house, "clients_served") == WRITERS * EACH
    proven(house)
    while seal(house.engine):
        pass
    assert broken_seal(house.engine) is None


def test_a_read_is_the_same_before_and_after_the_fold(house: House) -> None:
    refer(house, "cap", "housing")
    before = {by: total(house, "referrals_sent", by=by) for by in ("organization", "county", "term")}
    ledgers = numbers(house)
    proven(house)
    assert {by: total(house, "referrals_sent", by=by) for by in before} == before
    assert numbers(house) == ledgers


def test_damage_to_a_total_an_entry_or_a_distinct_count_is_found(house: House) -> None:
    referral = refer(house, "cap", "housing")
    accept_task(house.api, house.call("gwen.housing"), referral.tasks[0].id)
    complete_task(house.api, house.call("gwen.housing"), referral.tasks[0].id, Outcome.NEED_MET)
    proven(house)
    for damage, repair in (
        ("update indicator_total set value = value + 1", "update indicator_total set value = value - 1"),
        ("update indicator_live set touches = touches + 1", "update indicator_live set touches = touches - 1"),
        ("insert into entry_unfolded select id, indicator_id from indicator_entry", "delete from entry_unfolded"),
    ):
        house.sql(damage)
        assert verify_indicators(house.engine).differences, damage
        house.sql(repair)
        assert verify_indicators(house.engine).holds
