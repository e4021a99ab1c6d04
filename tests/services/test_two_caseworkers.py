"""Two people want the same thing at the same moment: the first has it, the other hears how it stands now."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random
from typing import Any

import httpx
import pytest

from services.invariants import violations
from services.referrals import reroute_referral, withdraw_referral
from services.refusals import Refusal
from services.tasks import accept_task, cancel_task, decline_task
from tests.house import House
from tests.services.scenes import ask_at_once, at_once, proven, refer, statuses

TIMES = 200
AT_ONCE = 100


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


def test_three_providers_who_were_asked_at_once_all_accept_at_the_same_moment_a_hundred_times(house: House) -> None:
    """One has it, two are told, nothing else remains open."""
    logins = {"faith": "naomi.faith", "housing": "gwen.housing", "level": house.caseworker("level").login}
    people = {house.region.organization(slug).id: house.person(login) for slug, login in logins.items()}
    doors = (house.other_door().id, house.service("housing", nth=1).id, house.service("level", nth=1).id)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: ask_at_once(house, "pantry", *doors), range(AT_ONCE)))
    deadlocks = house.sql("select deadlocks from pg_stat_database where datname = current_database()")
    won: Counter[Any] = Counter()

    for referral in made:
        posts = [partial(people[t.organization_id].post, f"/v1/tasks/{t.id}/accept") for t in referral.tasks]
        answers = at_once(*posts)
        assert statuses(answers) == [200, 409, 409], [answer.text for answer in answers]
        winner = next(answer.json() for answer in answers if answer.status_code == 200)
        for lost in (answer for answer in answers if answer.status_code == 409):
            assert lost.json()["code"] == "placed-elsewhere"
            assert lost.json()["current"]["state"] == "cancelled"
        won[winner["organization_id"]] += 1

    ids = [str(referral.id) for referral in made]
    states = house.sql(
        "select t.state, t.reason, count(*) from task t where t.referral_id = any(%s::uuid[]) group by 1, 2 order by 1",
        ids,
    )
    assert states == [("accepted", None, AT_ONCE), ("cancelled", "placed_elsewhere", 2 * AT_ONCE)]
    told = house.sql(
        "select kind, count(*), count(distinct referral_id) from event where referral_id = any(%s::uuid[])"
        " and kind in ('task_accepted', 'task_released') group by 1 order by 1",
        ids,
    )
    assert told == [("task_accepted", AT_ONCE, AT_ONCE), ("task_released", 2 * AT_ONCE, AT_ONCE)]
    leads = house.sql(
        "select count(*) from referral f join task t on t.referral_id = f.id and t.round = f.round"
        " where f.id = any(%s::uuid[]) and f.state = 'active' and f.asked = '{}' and t.state = 'accepted'"
        " and f.target_organization_id = t.organization_id and f.service_id = t.service_id",
        ids,
    )
    assert leads == [(AT_ONCE,)]
    ends = house.sql(
        "select count(*), count(distinct task_id) from outbox where kind = 'complete' and result = 'cancelled'"
    )
    assert ends == [(2 * AT_ONCE, 2 * AT_ONCE)]
    unsettled = house.sql(
        "select distinct facts ->> 'unsettled', settled::text from event where kind = 'task_released'"
    )
    assert unsettled == [('["acknowledge", "decide"]', "{}")]
    assert house.sql("select deadlocks from pg_stat_database where datname = current_database()") == deadlocks
    assert sum(won.values()) == AT_ONCE
    with house.engine.database.transaction() as connection:
        assert violations(connection) == []
    proven(house)


@pytest.mark.parametrize("chance", [Random(n) for n in range(3)], ids=lambda chance: "round")
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

    for _ in range(12):
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
    for _ in range(5):
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
    assert [count for _, count in closed] == [1] * 5
    proven(house)
