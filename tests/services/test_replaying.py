"""A new version of a definition: compared first, taken over while people work; the old figures stay what they were."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

import services.counting
import services.happenings
from services import replaying
from services.refusals import NotVisible
from services.replaying import replay, take_over
from services.verifying import verify_indicators
from tests.house import OUTCOME, House
from tests.services.scenes import at_once, proven, refer, series, task_of

MONTH = datetime.now(UTC).strftime("%Y-%m")
COUNT = {"measure": "count", "event": ["referral_created", "task_accepted"], "by": ["county"], "credit": "source"}
DISTINCT = {"measure": "distinct", "event": ["task_accepted"], "periods": ["month"], "by": ["county"]}


def propose(house: House, code: str, rule: dict[str, Any]) -> int:
    """The next version of the indicator, from this month on; answers its number."""
    import json

    ((version,),) = house.sql(
        "insert into indicator (id, collaborative_id, code, version, name, definition, kind, unit, direction, strategy,"
        " result, owner_organization_id, rule, effective_on, standing)"
        " select uuidv7(), collaborative_id, code, version + 1, name, definition, kind, unit, direction, strategy,"
        " result, owner_organization_id, %s::jsonb, %s::date, 'proposed' from indicator where code = %s"
        " order by version desc limit 1 returning version",
        json.dumps(rule), f"{MONTH}-01", code,
    )  # fmt: skip
    house.sql("update collaborative set revision = revision + 1")
    return int(version)


def accepted(house: House) -> None:
    referral = refer(house, "cap", "housing")
    house.person("gwen.housing").does(f"{task_of(referral)}/accept")


def test_a_replay_shows_what_would_differ_and_changes_nothing(house: House) -> None:
    accepted(house)
    version = propose(house, "referrals_sent", COUNT)
    before = series(house, "referrals_sent")[MONTH, None]["value"]
    seen: list[tuple[int, int]] = []
    found = replay(house.engine, "referrals_sent", version, lambda *at: seen.append(at))
    (change,) = [one for one in found.changes if one.period == MONTH]
    assert (change.stands, change.would) == (before, before + 1)
    assert seen[-1][0] == seen[-1][1] > 0
    assert series(house, "referrals_sent")[MONTH, None]["value"] == before
    proven(house)


@pytest.mark.parametrize(("code", "rule"), [("loops_closed", COUNT), ("clients_served", DISTINCT)])
def test_a_version_that_is_taken_over_tells_its_periods_and_the_old_one_can_still_be_asked(
    house: House, code: str, rule: dict[str, Any]
) -> None:
    accepted(house)
    version = propose(house, code, rule)
    old = series(house, code).get((MONTH, None), {}).get("value")
    would = {one.period: one.would for one in replay(house.engine, code, version).changes}[MONTH]
    assert would
    assert take_over(house.engine, house.admin_url, code, version) > 0
    proven(house)
    now = series(house, code)[MONTH, None]
    assert (now["value"], now["version"]) == (would, version)
    assert series(house, code, version=1).get((MONTH, None), {}).get("value") == old
    accepted(house)
    assert series(house, code)[MONTH, None]["value"] == would + (2 if code == "loops_closed" else 1)
    proven(house)
    entries = house.sql("select count(*) from indicator_entry")
    assert take_over(house.engine, house.admin_url, code, version) == 0
    assert house.sql("select count(*) from indicator_entry") == entries


def test_a_take_over_that_was_cut_off_goes_on_and_shows_nothing_half(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        accepted(house)
    version = propose(house, "needs_unmet", COUNT)
    monkeypatch.setattr(replaying, "CHUNK", 4)
    told: list[int] = []

    def cut(done: int, _total: int) -> None:
        told.append(done)
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_over(house.engine, house.admin_url, "needs_unmet", version, cut)
    assert series(house, "needs_unmet") == {}
    accepted(house)
    proven(house)
    would = {one.period: one.would for one in replay(house.engine, "needs_unmet", version).changes}[MONTH]
    take_over(house.engine, house.admin_url, "needs_unmet", version)
    assert series(house, "needs_unmet")[MONTH, None]["value"] == would
    proven(house)


def test_people_work_while_a_version_is_taken_over_and_nothing_is_lost(house: House) -> None:
    version = propose(house, "reported_unconfirmed", COUNT)
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            referral = refer(house, "cap", "housing")
            house.person("gwen.housing").does(f"{task_of(referral)}/accept")
            house.person("maria.cap").does(f"/v1/referrals/{referral.id}/void", {"reason": "The wrong family."})

    def manage() -> None:
        try:
            time.sleep(0.3)
            take_over(house.engine, house.admin_url, "reported_unconfirmed", version)
            time.sleep(0.3)
        finally:
            over.set()

    at_once(work, work, manage)
    proven(house)


def test_whoever_read_the_agenda_before_is_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody is in the middle of a request when the version begins: it is counted by it all the same."""
    version = propose(house, "decided_in_time", COUNT)
    honest: Callable[..., Any] = services.counting.count
    begun, go = threading.Event(), threading.Event()

    def slow(*given: Any) -> None:
        begun.set()
        go.wait(6)
        honest(*given)

    monkeypatch.setattr(services.happenings, "count", slow)
    writer = threading.Thread(target=refer, args=(house, "cap", "housing"))
    writer.start()
    assert begun.wait(10)
    monkeypatch.setattr(services.happenings, "count", honest)
    taking = threading.Thread(target=take_over, args=(house.engine, house.admin_url, "decided_in_time", version))
    taking.start()
    taking.join(0.7)
    assert taking.is_alive(), "it waits"
    go.set()
    writer.join(10)
    taking.join(20)
    assert not taking.is_alive()
    assert verify_indicators(house.engine).differences == []
    assert house.sql("select standing from indicator where code = 'decided_in_time' and version = %s", version) == [
        ("in_force",)
    ]


def test_a_version_that_nobody_proposed_is_not_there(house: House) -> None:
    with pytest.raises(NotVisible):
        replay(house.engine, "referrals_sent", 99)
    with pytest.raises(NotVisible):
        take_over(house.engine, house.admin_url, "no_such_code", 1)


def test_a_replay_of_the_version_that_stands_differs_in_nothing(house: House) -> None:
    accepted(house)
    task = task_of(refer(house, "cap", "housing"))
    house.person("gwen.housing").does(f"{task}/accept")
    house.person("gwen.housing").does(f"{task}/complete", OUTCOME)
    for code in ("acknowledged_in_time", "households_served", "days_to_first_contact", "waitlisted", "partners_active"):
        found = replay(house.engine, code, 1)
        assert [one for one in found.changes if one.stands != one.would] == [], code


def test_a_replay_tells_what_everybody_is_told_and_nothing_of_confidential_work(house: House) -> None:
    """Beside the live figure, a figure of all work would say how much the shelter did."""
    for _ in range(2):
        made = house.refer("shelter", "housing", consent=True)
        house.person("gwen.housing").does(f"{task_of(made)}/accept")
    folded = False
    for _ in range(2):
        for code in ("referrals_sent", "acknowledged_in_time", "partners_active"):
            shown = {period: point["value"] for (period, _), point in series(house, code, version=1).items()}
            found = replay(house.engine, code, 1)
            assert {one.period: one.would for one in found.changes} == shown, (code, folded)
            assert {one.period: one.stands for one in found.changes} == shown, (code, folded)
        proven(house)
        folded = True
