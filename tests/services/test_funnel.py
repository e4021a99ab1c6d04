"""How far requests come, by group: every request once in each stage, whatever was offered again or taken back."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from tests.house import OUTCOME, House, Person
from tests.services.scenes import organization_id, proven, task_of

FUNNEL = "/v1/equity/funnel"
STAGES = ("offered", "acknowledged", "accepted", "served", "met")
FULL = {"reason_code": "full", "reason_class": "no_capacity"}
ERROR = {"reason": "The wrong family."}


@pytest.fixture(scope="module")
def exact(house: House) -> House:
    """A collaborative that holds nothing back, so that the numbers themselves can be looked at."""
    house.sql("update collaborative set publication_threshold = 1")
    return house


def groups(house: House, login: str = "ruth.hub", **asked: Any) -> dict[str | None, list[dict[str, Any]]]:
    return {group["group"]: group["stages"] for group in house.person(login).read(FUNNEL, **asked)["groups"]}


def counts(house: House, group: str | None = None, **asked: Any) -> tuple[int, ...]:
    found = groups(house, **asked).get(group)
    return tuple(stage["requests"] for stage in found) if found else (0,) * 5


def grown(before: tuple[int, ...], after: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(b - a for a, b in zip(before, after, strict=True))


def does(house: House, made: dict[str, Any], *verbs: str) -> None:
    gwen, bodies = house.person("gwen.housing"), {"complete": OUTCOME, "decline": FULL}
    for verb in verbs:
        gwen.does(f"{task_of(made)}/{verb}", bodies.get(verb))


def again(house: House, made: dict[str, Any]) -> dict[str, Any]:
    """The same request, offered once more to the same service."""
    moved: dict[str, Any] = house.person("maria.cap").does(
        f"/v1/referrals/{made['id']}/reroute", {"service_id": made["service_id"]}
    )
    return moved


def void(house: House, path: str) -> None:
    house.person("maria.cap").does(f"{path}/void", ERROR)


@pytest.mark.parametrize(
    ("verbs", "reached"),
    [
        ((), (1, 0, 0, 0, 0)),
        (("acknowledge",), (1, 1, 0, 0, 0)),
        (("decline",), (1, 1, 0, 0, 0)),
        (("accept",), (1, 1, 1, 0, 0)),
        (("acknowledge", "accept", "start"), (1, 1, 1, 1, 0)),
        (("accept", "complete"), (1, 1, 1, 1, 1)),
    ],
)
def test_a_request_counts_in_every_stage_that_it_reached(
    exact: House, verbs: tuple[str, ...], reached: tuple[int, ...]
) -> None:
    before = counts(exact)
    does(exact, exact.refer("cap", "housing"), *verbs)
    assert grown(before, counts(exact)) == reached
    proven(exact)


def test_offered_twice_it_is_one_request_and_two_offers_of_the_partner(exact: House) -> None:
    housing = str(organization_id(exact, "housing"))
    before, partner = counts(exact), counts(exact, housing, by="organization")
    made = exact.refer("cap", "housing")
    does(exact, made, "acknowledge", "decline")
    moved = again(exact, made)
    does(exact, moved, "accept", "complete")
    assert grown(before, counts(exact)) == (1, 1, 1, 1, 1)
    assert grown(partner, counts(exact, housing, by="organization")) == (2, 2, 1, 1, 1)
    proven(exact)


def test_what_is_entered_in_error_is_taken_back_unless_another_offer_came_as_far(exact: House) -> None:
    before = counts(exact)
    made = exact.refer("cap", "housing")
    first = task_of(made)
    does(exact, made, "accept")
    exact.person("gwen.housing").does(f"{first}/fail", {"reason": "full"})
    moved = again(exact, made)
    second = task_of(moved)
    does(exact, moved, "acknowledge")
    assert grown(before, counts(exact)) == (1, 1, 1, 0, 0)
    void(exact, first)
    assert grown(before, counts(exact)) == (1, 1, 0, 0, 0), "the second offer was seen, nobody said yes to it"
    does(exact, moved, "accept")
    assert grown(before, counts(exact)) == (1, 1, 1, 0, 0)
    void(exact, second)
    assert grown(before, counts(exact)) == (0, 0, 0, 0, 0)
    proven(exact)
    third = again(exact, made)
    does(exact, third, "acknowledge")
    assert grown(before, counts(exact)) == (1, 1, 0, 0, 0)
    void(exact, f"/v1/referrals/{made['id']}")
    assert counts(exact) == before
    proven(exact)


def _truth(house: House, referral_ids: list[str]) -> tuple[int, ...]:
    """From the tasks themselves: which stages the requests have reached, by any offer that stands."""
    rows = house.sql(
        "select f.id, bool_or(true), bool_or(t.acknowledged_at is not null), bool_or(t.accepted_at is not null),"
        " bool_or(t.first_contact_at is not null),"
        " bool_or(coalesce(f.outcome_client, f.outcome_source, f.outcome_task) = 'need_met')"
        " from task t join referral f on f.id = t.referral_id"
        " where t.state <> 'entered_in_error' and f.state <> 'entered_in_error' and f.id = any(%s::uuid[])"
        " group by f.id",
        referral_ids,
    )
    return tuple(sum(bool(row[stage + 1]) for row in rows) for stage in range(5))


def _act(house: House, random: Random, made: dict[str, Any]) -> None:
    """Whatever comes to somebody's mind; what is not possible is refused."""
    gwen, maria = house.person("gwen.housing"), house.person("maria.cap")
    now = maria.read(f"/v1/referrals/{made['id']}")
    task = random.choice(now["tasks"])
    said: list[tuple[Person, str, Any]] = [
        (gwen, f"/v1/tasks/{task['id']}/acknowledge", None),
        (gwen, f"/v1/tasks/{task['id']}/accept", None),
        (gwen, f"/v1/tasks/{task['id']}/decline", FULL),
        (gwen, f"/v1/tasks/{task['id']}/contact", {"result": "reached", "channel": "phone"}),
        (gwen, f"/v1/tasks/{task['id']}/complete", {"outcome": random.choice(["need_met", "unmet"])}),
        (gwen, f"/v1/tasks/{task['id']}/cancel", {"reason": "full"}),
        (maria, f"/v1/tasks/{task['id']}/void", ERROR),
        (maria, f"/v1/referrals/{made['id']}/reroute", {"service_id": made["service_id"]}),
        (maria, f"/v1/referrals/{made['id']}/reroute", {"service_id": made["service_id"]}),
        (maria, f"/v1/referrals/{made['id']}/confirm", {"outcome": random.choice(["need_met", "unmet"])}),
        (maria, f"/v1/referrals/{made['id']}/close-unmet", {"reason": "full"}),
    ]
    person, path, body = random.choice(
        said + ([(maria, f"/v1/referrals/{made['id']}/void", ERROR)] * (random.random() < 0.1))
    )
    assert person.post(path, body).status_code in (200, 409, 422)


@pytest.mark.parametrize("seed", range(2))
def test_after_any_story_the_stages_are_what_the_offers_say(exact: House, seed: int) -> None:
    random, before = Random(seed), counts(exact)
    requests = [exact.refer("cap", "housing") for _ in range(3)]
    for _ in range(60):
        _act(exact, random, random.choice(requests))
    ids = [made["id"] for made in requests]
    assert grown(before, counts(exact)) == _truth(exact, ids)
    proven(exact)
    for made in requests:
        exact.person("maria.cap").post(f"/v1/referrals/{made['id']}/void", ERROR)
    assert counts(exact) == before
    proven(exact)


def test_what_is_still_open_is_shown_apart_from_what_is_lost(exact: House) -> None:
    def around(stage: str) -> Counter[str]:
        found = next(each for each in groups(exact)[None] if each["stage"] == stage)
        return Counter({name: found[name] for name in ("still_open", "lost")})

    before = {stage: around(stage) for stage in STAGES[:4]}
    waiting, lost = exact.refer("cap", "housing"), exact.refer("cap", "housing")
    does(exact, lost, "decline")
    exact.person("maria.cap").does(f"/v1/referrals/{lost['id']}/close-unmet", {"reason": "full"})
    served = exact.refer("cap", "housing")
    does(exact, served, "accept", "start")
    assert waiting["state"] == "active"
    assert around("offered") - before["offered"] == {"still_open": 1}
    assert around("acknowledged") - before["acknowledged"] == {"lost": 1}
    assert around("accepted") - before["accepted"] == Counter()
    assert around("served") - before["served"] == {"still_open": 1}
    whole = groups(exact)[None]
    for stage, after in pairwise(whole):
        assert stage["requests"] == after["requests"] + stage["still_open"] + stage["lost"]


def test_a_request_belongs_to_the_month_in_which_it_was_asked_for_however_late_it_is_recorded_and_answered(
    exact: House,
) -> None:
    asked = {"from": "2026-03", "to": "2026-03"}
    before = counts(exact, **asked)
    made = exact.refer("cap", "housing", occurred_at="2026-03-10T18:00:00Z")
    does(exact, made, "accept")
    assert grown(before, counts(exact, **asked)) == (1, 1, 1, 0, 0)


DEMOGRAPHICS = [
    ("race", "hispanic_or_latino", {"demographics": {"races": ["hispanic_or_latino"]}}),
    ("race", "multiple", {"demographics": {"races": ["white", "asian"]}}),
    ("age_band", "25-34", {"birth_year": 1996}),
    ("language", "es", {"language": "es"}),
    ("county", "31045", {"residence": {"kind": "fixed", "county": "31045"}}),
    ("county", "unknown", {}),
    ("race", "unknown", {}),
]


@pytest.mark.parametrize(("by", "group", "client"), DEMOGRAPHICS)
def test_every_group_has_its_funnel(exact: House, by: str, group: str, client: dict[str, Any]) -> None:
    before = counts(exact, group, by=by)
    body = {"service_id": str(exact.service("housing").id), "client": {"identity": "alias", "alias": "J."} | client}
    made = exact.person("maria.cap").does("/v1/referrals", body)
    does(exact, made, "accept", "complete")
    assert grown(before, counts(exact, group, by=by)) == (1, 1, 1, 1, 1)
    found = list(groups(exact, by=by))
    assert found[0] is None
    assert found[-1] == "unknown", "always shown, and last"
    parts = [counts(exact, each, by=by) for each in found[1:]]
    assert tuple(map(sum, zip(*parts, strict=True))) == counts(exact), "every request is in one group"


def test_neither_a_phone_number_given_nor_anothers_confidential_work_is_in_it(exact: House) -> None:
    before = counts(exact)
    exact.refer("cap", "housing", kind="information")
    hidden = exact.refer("cap", "shelter", consent=True)
    exact.person("carmen.shelter").does(f"{task_of(hidden)}/accept")
    assert counts(exact) == before
    proven(exact)


@pytest.mark.parametrize("login", ["ruth.hub", "edith.hub", "maria.cap", "lupe.pantry"])
def test_small_numbers_are_held_back_but_from_the_partner_whose_own_they_are(exact: House, login: str) -> None:
    exact.refer("cap", "legal")
    exact.sql("update collaborative set publication_threshold = 1000000")
    try:
        by_county = groups(exact, login, by="county")
        by_partner = groups(exact, "gwen.housing", by="organization")
    finally:
        exact.sql("update collaborative set publication_threshold = 1")
    for stages in by_county.values():
        for stage in stages:
            assert stage["held_back"] or stage["requests"] == 0
            if stage["held_back"]:
                assert not any(stage[each] for each in ("requests", "share", "still_open", "lost", "lost_share"))
    own = by_partner.pop(str(organization_id(exact, "housing")))
    assert own[0]["requests"] > 0
    assert all(stages[0]["held_back"] for stages in by_partner.values())


def test_it_is_drawn_for_people_and_refuses_what_it_cannot_count(exact: House) -> None:
    exact.refer("cap", "housing")
    ruth = exact.person("ruth.hub")
    picture = ruth.get(f"{FUNNEL}.svg", by="county")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")
    assert "Scotts Bluff" in picture.text
    for asked in ({"by": "shoe_size"}, {"from": "2026-12", "to": "2026-01"}, {"from": "2020-01"}):
        assert ruth.get(FUNNEL, **asked).status_code == 422
        assert ruth.get(f"{FUNNEL}.svg", **asked).status_code == 422
