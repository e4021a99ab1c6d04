"""A month at work, compressed, with the real engine: what stands still is listed within a tick, with whose turn it
is, why and
what frees it, and nothing else ever is. The table is in `situations.py`, what people do in `month.py`."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest

from domain.clock import Clock
from tests.house import House, eventually
from tests.journeys.month import DOINGS, Month, Seen
from tests.journeys.situations import MONTH, STALLS, WAITS, Situation

pytestmark = pytest.mark.timeout(300)
TICK = 5.0
SHORT, LONG = 2.0, 3_600.0
RUNNING = [clock.value for clock in Clock if clock not in (Clock.HARD_LIMIT, Clock.ANSWER_LIMIT)]


Key = tuple[str, str, str | None]
Listed = dict[Key, dict[str, Any]]


def listed(house: House, login: str, **filters: Any) -> Listed:
    """Everything that this person is shown, by kind, id (a step's is its plan's) and step."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = house.person(login).read("/v1/monitor/stalled", limit=100, **filters, **cursor)
        items += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    found = {_key(item): item for item in items}
    assert len(found) == len(items), "nothing is listed twice"
    return found


def _key(item: dict[str, Any]) -> Key:
    if item["kind"] == "step":
        return "step", item["action_plan_id"], item["step_key"]
    return item["kind"], item["id"], None


class Watch:
    """The backbone looks again and again while people work; when it first saw each item, by the record's clock."""

    def __init__(self, house: House, month: Month) -> None:
        self.house, self.month = house, month
        self.began = self._now()
        self.first_seen: dict[Key, datetime] = {}
        self.found: Listed = {}
        self.ever: Listed = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def until(self, wanted: Collection[Key], seconds: float) -> None:
        eventually(lambda: set(wanted) <= set(self.found) or None, seconds=seconds, pause=0.2)

    def stop(self) -> None:
        self._over.set()
        self._thread.join(20)

    def _look(self) -> None:
        while not self._over.wait(0.5):
            self.month.sweep()
            found, now = listed(self.house, "ruth.hub"), self._now()
            for key in found:
                self.first_seen.setdefault(key, now)
            self.ever |= found
            self.found = found

    def _now(self) -> datetime:
        (now,) = self.house.sql("select clock_timestamp()")[0]
        assert isinstance(now, datetime)
        return now


@pytest.fixture(scope="module")
def month(house: House, engine: Any) -> Month:
    return Month(house)


@pytest.fixture(scope="module")
def watch(house: House, month: Month) -> Iterator[Watch]:
    watching = Watch(house, month)
    yield watching
    watching.stop()


@pytest.fixture(scope="module")
def looked_for(month: Month, watch: Watch) -> dict[str, Seen]:
    """Everything has happened; waiting for the limits costs once."""
    seen: dict[str, Seen] = {}
    month.clocks(**dict.fromkeys(RUNNING, LONG), hard_limit=LONG, answer_limit=LONG)
    for each in (*WAITS, *(one for one in STALLS if one.name in AT_ONCE)):
        seen[each.name] = DOINGS[each.name](month)
    month.clocks(**dict.fromkeys(RUNNING, SHORT))
    for each in STALLS:
        if each.name not in AT_ONCE:
            seen[each.name] = DOINGS[each.name](month)
    return seen


AT_ONCE = {
    "left_the_agency", "login_revoked", "asker_left", "chooser_left", "leader_left", "takes_nobody", "no_slots",
    "consent_revoked", "consent_ran_out", "engine_fails", "engine_fails_plan", "step_owner_left", "step_behind_owner",
}  # fmt: skip
"""What needs no clock is made to happen where every clock has an hour left."""


def _expected(seen: dict[str, Seen]) -> dict[Key, Situation]:
    """What the backbone must be shown."""
    return {(one.kind, seen[one.name].id, seen[one.name].key): one for one in STALLS if not one.hidden}


@pytest.fixture(scope="module")
def shown(watch: Watch, looked_for: dict[str, Seen]) -> Listed:
    """What the backbone reads once everything that is expected is there, and nothing more has come."""
    wanted = _expected(looked_for)
    with suppress(AssertionError):
        watch.until(wanted, seconds=4 * TICK)
    time.sleep(0.5)
    watch.stop()
    taken_back = {
        key: watch.ever[key] for key, one in wanted.items() if one.code == "engine_fault" and key in watch.ever
    }
    found = taken_back | watch.found
    assert [one.name for key, one in wanted.items() if key not in found] == []
    return found


def test_the_month_has_every_kind_and_a_way_to_come_about() -> None:
    assert {one.name for one in MONTH} == set(DOINGS)
    assert len(STALLS) >= 40
    assert len(WAITS) >= 14


@pytest.mark.parametrize("one", [s for s in STALLS if not s.hidden], ids=lambda one: one.name)
def test_the_backbone_is_told_why_whose_turn_it_is_and_what_frees_it(
    house: House, looked_for: dict[str, Seen], shown: Listed, one: Situation
) -> None:
    seen = looked_for[one.name]
    item = shown[one.kind, seen.id, seen.key]
    turn = {"source": seen.source, "lead": seen.source, "target": seen.target, "backbone": "hub"}[one.ball]
    assert item["reason_code"] == one.code, item
    assert item["ball_in_court"]["organization_id"] == str(house.region.organization(turn).id), item
    assert one.remedy in item["remedy"], item
    assert item["reason"].endswith(".")
    assert item["cause"] in (None, one.code)


def test_each_is_listed_within_a_tick_of_its_limit(watch: Watch, looked_for: dict[str, Seen], shown: Listed) -> None:
    """Of what stood still before the watch began, nobody can tell."""
    late = {}
    for key, one in _expected(looked_for).items():
        limit = datetime.fromisoformat(shown[key]["limit"])
        if limit > watch.began:
            late[one.name] = (watch.first_seen[key] - limit).total_seconds()
    assert len(late) >= 20
    assert {name: seconds for name, seconds in late.items() if seconds > TICK} == {}


def test_not_one_item_too_many(looked_for: dict[str, Seen], shown: Listed) -> None:
    wanted = _expected(looked_for)
    assert [item for key, item in shown.items() if key not in wanted] == []


@pytest.mark.parametrize("one", [s for s in STALLS if s.ball != "backbone"], ids=lambda one: one.name)
def test_the_partners_concerned_see_it_too(
    house: House, looked_for: dict[str, Seen], shown: Listed, one: Situation
) -> None:
    seen = looked_for[one.name]
    sides = {seen.source} | ({seen.target} if house.region.people_of(seen.target, "caseworker") else set())
    for slug in sides if one.kind in ("task", "referral") else {seen.source}:
        item = _of(house, slug).get((one.kind, seen.id, seen.key))
        assert item is not None, slug
        assert item["reason_code"] == one.code, (slug, item)


_read: dict[str, Listed] = {}


def _of(house: House, slug: str) -> Listed:
    if slug not in _read:
        _read[slug] = listed(house, house.caseworker(slug).login)
    return _read[slug]
