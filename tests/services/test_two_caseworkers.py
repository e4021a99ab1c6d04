"""Two people want the same thing at the same moment: the first has it, the other hears how it stands now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random
from typing import Any

import httpx
import pytest

from services.referrals import reroute_referral, withdraw_referral
from services.refusals import Refusal
from services.tasks import accept_task, cancel_task, decline_task
from tests.house import House
from tests.services.scenes import at_once, proven, refer, statuses

TIMES = 200


def test_two_caseworkers_accept_the_same_task_at_the_same_moment_two_hundred_times(house: House) -> None:
    gwen, hector = house.person("gwen.housing"), house.person("hector.housing")
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: refer(house, "cap", "housing"), range(TIMES)))
    entries_before = house.sql("select count(*) from indicator_entry")[0][0]

    for referral in made:
        path = f"/v1/tasks/{referral.tasks[0].id}/accept"
        answers = at_once(partial(gwen.post, path), partial(hector.post, path))
        assert statuses(answers) == [200, 409], [answer.text for answer in answers]
        won, lost = sorted(answers, key=lambda answer: answer.status_code)
        assert won.json()["state"] == "accepted"
        assert lost.json()["current"] == {"state": "accepted", "version": won.json()["version"]}
        assert lost.headers["content-type"] == "application/problem+json"

    twice = house.sql(
        "select task_id, count(*) from event where kind = 'task_accepted' group by 1 having count(*) <> 1"
    )
    assert twice == []
    assert house.sql("select count(*) from event where kind = 'task_accepted'") == [(TIMES,)]
    each = house.sql(
        "select i.code, n.part, sum(n.value)::int, count(*) from indicator_entry n"
        " join indicator i on i.id = n.indicator_id"
        " join event e on e.id = n.event_id where e.kind = 'task_accepted' group by 1, 2 order by 1, 2"
    )
    assert {(code, part) for code, part, _, _ in each} >= {
        ("acknowledged_in_time", "denominator"),
        ("acknowledged_in_time", "numerator"),
        ("days_to_first_contact", "entered"),
        ("decided_in_time", "denominator"),
        ("decided_in_time", "numerator"),
        ("funnel_accepted", "value"),
    }
    of_cases = [line for line in each if line[0] != "partners_active"]
    assert {(value, entries) for _, _, value, entries in of_cases} == {(TIMES, TIMES)}
    assert house.sql("select count(*) from indicator_entry") == [(entries_before + sum(line[3] for line in each),)]
    proven(house)


@pytest.mark.parametrize("chance", [Random(n) for n in range(4)], ids=lambda chance: "round")
def test_source_and_target_move_the_same_referral_at_once_and_nobody_ever_hears_of_a_deadlock(
    house: House, chance: Random
) -> None:
    """Withdraw locks the referral and all its tasks, accept one: the one lock order keeps them apart (decision 10)."""
    source, target = "maria.cap", "gwen.housing"
    elsewhere = house.other_door().id
    deadlocks = house.sql("select deadlocks from pg_stat_database where datname = current_database()")

    def attempt(act: Any) -> str:
        try:
            act()
        except Refusal as refusal:
            return str(refusal.status)
        return "200"

    for _ in range(50):
        referral = refer(house, "cap", "housing")
        task_id = referral.tasks[0].id
        moves = [
            partial(withdraw_referral, house.api, house.call(source), referral.id, "cannot_say"),
            partial(accept_task, house.api, house.call(target), task_id),
            partial(decline_task, house.api, house.call("hector.housing"), task_id, "full", "no_capacity"),
            partial(cancel_task, house.api, house.call("dale.cap"), task_id, "cannot_say"),
            partial(reroute_referral, house.api, house.call("jolene.cap"), referral.id, elsewhere),
        ]
        chance.shuffle(moves)
        answers = at_once(*(partial(attempt, act) for act in moves[:4]))
        assert set(answers) <= {"200", "409", "403"}, answers
        assert "200" in answers
    twice = house.sql(
        "select task_id from event where kind in ('task_declined', 'task_cancelled') group by 1 having count(*) > 1"
    )
    assert twice == []
    assert house.sql("select deadlocks from pg_stat_database where datname = current_database()") == deadlocks


def test_one_of_two_confirmations_closes_the_loop(house: House) -> None:
    maria, dale, gwen = house.person("maria.cap"), house.person("dale.cap"), house.person("gwen.housing")
    for _ in range(10):
        referral = refer(house, "cap", "housing")
        task = f"/v1/tasks/{referral.tasks[0].id}"
        gwen.does(f"{task}/accept")
        gwen.does(f"{task}/complete", {"outcome": "need_met"})
        path = f"/v1/referrals/{referral.id}/confirm"
        answers: list[httpx.Response] = at_once(
            partial(maria.post, path, {"outcome": "need_met"}), partial(dale.post, path, {"outcome": "unmet"})
        )
        assert statuses(answers) == [200, 409]
    closed = house.sql("select referral_id, count(*) from event where kind = 'referral_closed' group by 1")
    assert [count for _, count in closed] == [1] * 10
    proven(house)
