"""Worker, relay and API die at random while people work: nothing lost, nothing doubled."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.faults.town import Said, Town, answers, insist, referral_of, wrong
from tests.house import OUTCOME

REFERRALS = 100
CROWD = 6
MET = [("task", "accept", {}), ("task", "start", {}), ("task", "complete", OUTCOME), ("referral", "confirm", OUTCOME)]
DECLINED = [
    ("task", "decline", {"reason_code": "full", "reason_class": "no_capacity"}),
    ("referral", "close-unmet", {"reason": "full"}),
]
WITHDRAWN = [("referral", "withdraw", {"reason": "moved_away"}), ("task", "accept", {})]
TOO_EARLY = [("task", "complete", OUTCOME), *MET]
STORIES = [MET, TOO_EARLY, DECLINED, WITHDRAWN, MET]


def live(town: Town, nth: int) -> list[Said]:
    """One referral from its request to its end, by people who repeat what was not answered."""
    source, target = town.house.caseworker("cap"), town.house.caseworker("housing")
    said = [insist(source, "/v1/referrals", referral_of(town))]
    made = said[0].answer
    for what, verb, body in STORIES[nth % len(STORIES)]:
        path = f"/v1/tasks/{made['tasks'][0]['id']}" if what == "task" else f"/v1/referrals/{made['id']}"
        said.append(insist(target if what == "task" else source, f"{path}/{verb}", body))
    return said


def kill_at_random(town: Town, over: threading.Event, seed: int) -> Counter[str]:
    """Kills one of the three and starts it again, until `over`."""
    chance, killed = random.Random(seed), Counter[str]()
    while not over.wait(chance.uniform(1.5, 4.5)):
        name = chance.choice(["api", "worker", "relay"])
        town.roles[name].kill()
        town.roles[name].start()
        killed[name] += 1
        if name == "api":
            answers(town.house.http, town.roles["api"])
    return killed


def effects(town: Town) -> Counter[tuple[str, str]]:
    """What people have done according to the record: (verb, object) with its number."""
    rows = town.house.sql(
        "select verb, object_id::text, count(*) from audit"
        " where user_id is not null and object_kind in ('task', 'referral') group by 1, 2"
    )
    return Counter({(verb, object_id): number for verb, object_id, number in rows})


def expected(said: list[Said]) -> Counter[tuple[str, str]]:
    """What they have done according to the answers; withdrawing cancels the open task too."""
    done: Counter[tuple[str, str]] = Counter()
    for one in said:
        if one.status >= 300:
            continue
        parts = one.path.split("/")[2:]
        if len(parts) == 1:
            done["referral.create", one.answer["id"]] += 1
            continue
        kind, object_id, verb = parts
        done[f"{kind.removesuffix('s')}.{verb}", object_id] += 1
        if verb == "withdraw":
            done["task.cancel", one.answer["tasks"][0]["id"]] += 1
    return done


@pytest.mark.timeout(180)
def test_a_hundred_referrals_survive_the_death_of_worker_relay_and_api_at_random(town: Town) -> None:
    before = effects(town)
    over = threading.Event()
    with ThreadPoolExecutor(CROWD + 1) as threads:
        killer = threads.submit(kill_at_random, town, over, 20260711)
        try:
            stories = list(threads.map(lambda nth: live(town, nth), range(REFERRALS)))
        finally:
            over.set()
        killed = killer.result()
    assert min(killed[name] for name in ("api", "worker", "relay")) >= 1, killed
    said = [one for story in stories for one in story]
    drained = town.quiet()

    assert Counter(one.status for one in said if one.status >= 300) == Counter({409: 2 * REFERRALS // len(STORIES)})
    done = effects(town) - before
    assert done == expected(said)
    assert replies(town, said) == [heard(one) for one in said]
    assert effects(town) == done + before
    assert wrong(town) == []
    slowest = max(one.seconds for one in said)
    print(f"killed {dict(killed)}, drained in {drained:.1f} s, slowest command {slowest:.1f} s")  # noqa: T201


def replies(town: Town, said: list[Said]) -> list[tuple[int, Any]]:
    """Everything once more, with the same keys."""
    with ThreadPoolExecutor(CROWD) as threads:
        return list(threads.map(lambda one: heard(insist(one.who, one.path, one.body, one.key)), said))


def heard(one: Said) -> tuple[int, Any]:
    """The answer without what names the single request."""
    return one.status, {name: value for name, value in one.answer.items() if name != "request_id"}
