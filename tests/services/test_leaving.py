"""A caseworker leaves, or is away for a while: nothing of what they had is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from concert.teller import Teller
from services.advance import advance_referral
from services.clients import NewClient
from tests.house import House, Person
from tests.services.plans import Live, load, step
from tests.services.scenes import at_once, no_partner, refer, statuses, task_of

SOON = (datetime.now(UTC) + timedelta(days=10)).date().isoformat()


@pytest.fixture(scope="module")
def jolene(house: House) -> Person:
    """The supervisor of maria and dale."""
    return house.person("jolene.cap")


@pytest.fixture(scope="module")
def ids(house: House, jolene: Person) -> dict[str, str]:
    return {one["login"]: one["id"] for one in jolene.read("/v1/people")["items"]}


def owned(house: House, user_id: str) -> int:
    """Tasks, referrals and plans that are open and theirs."""
    return int(
        house.sql(
            "select (select count(*) from task where assigned_to = %s and due_at is not null)"
            " + (select count(*) from referral where assigned_to = %s and state in ('active', 'awaiting_source'))"
            " + (select count(*) from action_plan where assigned_to = %s and state = 'active')",
            *[user_id] * 3,
        )[0][0]
    )


def test_all_that_a_caseworker_leaves_behind_goes_to_a_colleague_in_one_go(
    house: House, jolene: Person, ids: dict[str, str]
) -> None:
    """Thirty tasks, five referrals that she follows, and a plan with its first step."""
    maria, dale = ids["maria.cap"], ids["dale.cap"]
    load(house, "left", [step("listen")])
    Live.begin(house, "left")
    client = NewClient(identity="anonymous")
    tasks = [str(refer(house, "health", "cap", client=client).tasks[0].id) for _ in range(30)]
    for _ in range(5):
        refer(house, "cap", "housing", login="maria.cap", client=client)
    house.sql("update task set assigned_to = %s where id = any(%s::uuid[])", maria, tasks)
    before = owned(house, maria)
    answer = jolene.does("/v1/tasks/reassign", {"from_user_id": maria, "to_user_id": dale})
    assert answer == {"reassigned": before, "left": 0}
    assert before >= 37
    assert (owned(house, maria), owned(house, dale)) == (0, before)
    told = house.sql("select facts ->> 'from_user', facts ->> 'to_user' from event where kind like '%%\\_assigned'")
    assert told == [(maria, dale)] * before
    audited = house.sql(
        "select count(*) from audit where verb in ('task.assign', 'referral.assign', 'plan.plan_assigned')"
    )
    assert audited == [(before,)]
    again = jolene.does("/v1/tasks/reassign", {"from_user_id": maria, "to_user_id": dale})
    assert again == {"reassigned": 0, "left": 0}
    back = jolene.does("/v1/tasks/reassign", {"from_user_id": dale, "to_user_id": None})
    assert back["reassigned"] == before


@pytest.mark.parametrize(("login", "status"), [("maria.cap", 403), ("gwen.housing", 403), ("ruth.hub", 422)])
def test_only_a_supervisor_of_their_agency_hands_it_on(
    house: House, ids: dict[str, str], login: str, status: int
) -> None:
    """Ruth runs the backbone, and nobody of that id works there."""
    body = {"from_user_id": ids["maria.cap"], "to_user_id": ids["dale.cap"]}
    assert house.person(login).post("/v1/tasks/reassign", body).status_code == status


def test_it_goes_to_somebody_else_who_works_here(house: House, jolene: Person, ids: dict[str, str]) -> None:
    gwen = house.person("gwen.housing").read("/v1/me")["id"]
    for to, pointer in ((gwen, "/to_user_id"), (ids["maria.cap"], "/to_user_id")):
        refused = jolene.post("/v1/tasks/reassign", {"from_user_id": ids["maria.cap"], "to_user_id": to})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)


def test_two_who_hand_it_on_at_once_and_one_who_declines_meanwhile(
    house: House, jolene: Person, ids: dict[str, str]
) -> None:
    """Each task is assigned once more than it was; what was declined stays declined."""
    maria, dale = ids["maria.cap"], ids["dale.cap"]
    made = [refer(house, "health", "cap", client=NewClient(identity="anonymous")) for _ in range(4)]
    house.sql("update task set assigned_to = %s where id = any(%s::uuid[])", maria, [str(m.tasks[0].id) for m in made])
    decline = {"reason_code": "full", "reason_class": "no_capacity"}
    hand_on = {"from_user_id": maria, "to_user_id": dale}
    answers = at_once(
        lambda: jolene.post("/v1/tasks/reassign", hand_on),
        lambda: jolene.post("/v1/tasks/reassign", hand_on),
        lambda: house.person("dale.cap").post(f"{task_of(made[3])}/decline", decline),
    )
    assert statuses(answers) == [200, 200, 200]
    assert owned(house, maria) == 0
    times = house.sql(
        "select count(*) from event where kind = 'task_assigned' and task_id = any(%s::uuid[]) group by task_id",
        [str(m.tasks[0].id) for m in made],
    )
    assert {count for (count,) in times} == {1}
    assert house.person("dale.cap").read(task_of(made[3]))["state"] == "declined"


def test_who_is_away_names_a_colleague_who_hears_instead(house: House, jolene: Person, ids: dict[str, str]) -> None:
    maria, ruth = house.person("maria.cap"), house.person("ruth.hub")
    away = {"until": SOON, "delegate_user_id": ids["dale.cap"]}
    said = maria.does(f"/v1/people/{ids['maria.cap']}/absence", away)
    assert (said["absent_until"], said["delegate_user_id"]) == (SOON, ids["dale.cap"])
    made = refer(house, "health", "cap", client=NewClient(identity="anonymous"))
    house.sql("update task set assigned_to = %s where referral_id = %s", ids["maria.cap"], str(made.id))
    ruth.does(f"{task_of(made)}/nudge")
    assert person_told(house, made, "task_nudged") == ids["dale.cap"]
    house.sql("update task set due_at = now() - interval '1 minute' where referral_id = %s", str(made.id))
    advance_referral(house.engine, UUID(str(made.id)))
    assert told(house, made, "task_overdue") == ["dale.cap"]
    back = jolene.does(f"/v1/people/{ids['maria.cap']}/absence", {"until": None})
    assert (back["absent_until"], back["delegate_user_id"]) == (None, None)
    ruth.does(f"{task_of(made)}/nudge")
    assert person_told(house, made, "task_nudged") == ids["maria.cap"]


def test_a_supervisor_who_stands_in_is_not_told_twice(house: House, jolene: Person, ids: dict[str, str]) -> None:
    """Owner away, the supervisor acts for them: the supervisor's rung is somebody who has heard it."""
    away = {"until": SOON, "delegate_user_id": ids["jolene.cap"]}
    jolene.does(f"/v1/people/{ids['dale.cap']}/absence", away)
    made = refer(house, "health", "cap", client=NewClient(identity="anonymous"))
    house.sql(
        "update task set assigned_to = %s, rung = 1, due_at = now() - interval '1 hour' where referral_id = %s",
        ids["dale.cap"],
        str(made.id),
    )
    house.caseworker("health").does(f"{task_of(made)}/escalate")
    rows = house.sql(
        "select facts ->> 'to' from event where kind = 'task_escalated' and referral_id = %s", str(made.id)
    )
    assert rows == [("backbone",)]
    jolene.does(f"/v1/people/{ids['dale.cap']}/absence", {"until": None})


def test_who_has_left_is_not_nudged_their_agency_is(house: House, ids: dict[str, str]) -> None:
    made = refer(house, "health", "cap", client=NewClient(identity="anonymous"))
    house.sql("update task set assigned_to = %s where referral_id = %s", ids["dale.cap"], str(made.id))
    house.sql("update user_account set revoked_at = now() where id = %s", ids["dale.cap"])
    house.person("ruth.hub").does(f"{task_of(made)}/nudge")
    house.sql("update user_account set revoked_at = null where id = %s", ids["dale.cap"])
    assert person_told(house, made, "task_nudged") is None


def test_where_everybody_has_left_the_source_is_nudged_and_where_nobody_has_begun_nobody(house: House) -> None:
    made = refer(house, "cap", "health", client=NewClient(identity="anonymous"))
    ruth = house.person("ruth.hub")
    cap, health = (house.region.organization(slug).id for slug in ("cap", "health"))
    house.sql("update membership set starts_on = current_date + 1 where organization_id = %s", health)
    refused = ruth.post(f"{task_of(made)}/nudge")
    left = "starts_on = current_date - 9, ends_on = current_date - 2"
    house.sql(f"update membership set {left} where organization_id = %s", health)
    to_source = ruth.post(f"{task_of(made)}/nudge")
    house.sql("update membership set ends_on = null where organization_id = %s", health)
    assert (refused.status_code, refused.json()["code"]) == (409, "nobody-there")
    assert to_source.status_code == 200, to_source.text
    told = house.sql("select facts ->> 'to' from event where kind = 'task_nudged' and referral_id = %s", str(made.id))
    assert told == [(str(cap),)]


@pytest.mark.parametrize("slug", ["health", "clinic"])
def test_of_an_agency_whose_partnership_has_ended_all_is_listed_at_once_and_nobody_there_is_nudged(
    house: House, slug: str
) -> None:
    """None of them can sign in: it is as if they had all left. The clinic's system is no partner's, either."""
    made = refer(house, "cap", slug, client=NewClient(identity="anonymous"))
    owed = refer(house, slug, "cap", client=NewClient(identity="anonymous"))
    maria, ruth, above = house.person("maria.cap"), house.person("ruth.hub"), house.caseworker(slug)
    maria.does(f"{task_of(owed)}/request-info", {"question": "How many people?"})
    cap, agency, hub = (str(house.region.organization(slug).id) for slug in ("cap", slug, "hub"))
    began = house.sql("select starts_on from partnership where organization_id = %s", agency)[0][0]
    try:
        house.sql("update partnership set starts_on = current_date + 2 where organization_id = %s", agency)
        refused = maria.post(f"{task_of(made)}/nudge")
        assert "nudge" not in maria.read(task_of(made))["allowed_actions"]
        left = "starts_on = current_date - 9, ends_on = current_date - 2"
        house.sql(f"update partnership set {left} where organization_id = %s", agency)
        assert above.get("/v1/me").status_code == 401
        items = {one["referral_id"]: one for one in ruth.read("/v1/monitor/stalled", limit=200)["items"]}
        own_turn = maria.post(f"{task_of(made)}/nudge")
        ruth.does(f"{task_of(made)}/nudge")
    finally:
        sets = "update partnership set starts_on = %s, ends_on = null where organization_id = %s"
        house.sql(sets, began, agency)
    assert [(one.status_code, one.json()["code"]) for one in (refused, own_turn)] == [
        (409, "nobody-there"),
        (409, "own-turn"),
    ]
    for one, ball in ((made, cap), (owed, hub)):
        item = items[str(one.id)]
        assert (item["symptom"], item["reason_code"]) == (None, "owner_gone")
        assert "can sign in any more" in item["reason"]
        assert item["ball_in_court"]["organization_id"] == ball
    assert "partnership has ended, it has to be renewed first" in items[str(owed.id)]["remedy"], "else nobody gets in"
    assert house.sql(
        "select facts ->> 'to' from event where kind = 'task_nudged' and referral_id = %s", str(made.id)
    ) == [(cap,)]


def test_an_agency_that_only_its_system_answers_for_is_gone_with_its_partnership(house: House) -> None:
    """Nobody worked there who could have left."""
    made = refer(house, "cap", "clinic", client=NewClient(identity="anonymous"))
    ruth = house.person("ruth.hub")
    people = [
        row[0] for row in house.sql("select id from user_account where login like '%%.clinic' and not service_account")
    ]
    only = "update user_account set service_account = %s where id = any(%s)"

    def listed() -> bool:
        items = ruth.read("/v1/monitor/stalled", limit=200)["items"]
        return str(made.id) in {one["referral_id"] for one in items}

    house.sql(only, True, people)
    try:
        assert not listed()
        with no_partner(house, "clinic"):
            assert listed()
    finally:
        house.sql(only, False, people)


@pytest.mark.parametrize(("agency", "above", "gone"), [("cap", "jolene", "dale"), ("clinic", "felix", "system")])
def test_to_somebody_whose_login_was_revoked_or_who_is_a_system_nothing_goes(
    house: House, agency: str, above: str, gone: str
) -> None:
    """Whoever takes work, or stands in, is a person who can sign in."""
    above, nobody = f"{above}.{agency}", str(next(u.id for u in house.region.users if u.login == f"{gone}.{agency}"))
    boss, client = house.person(above), NewClient(identity="anonymous")
    at_work = next(each["id"] for each in boss.read("/v1/people")["items"] if each["login"] != above)
    load(house, f"by_{agency}", [step("listen")])
    plan = Live.begin(house, f"by_{agency}", agency)
    doors = {
        f"{task_of(refer(house, 'health', agency, client=client))}/assign": "user_id",
        f"/v1/referrals/{refer(house, agency, 'housing', login=above, client=client).id}/assign": "user_id",
        f"/v1/action-plans/{plan.id}/assign": "user_id",
    }
    bodies: list[tuple[str, dict[str, Any], str]] = [(path, {name: nobody}, f"/{name}") for path, name in doors.items()]
    bodies.append(("/v1/tasks/reassign", {"from_user_id": at_work, "to_user_id": nobody}, "/to_user_id"))
    away = {"until": SOON, "delegate_user_id": nobody}
    bodies.append((f"/v1/people/{at_work}/absence", away, "/delegate_user_id"))
    revoked = "update user_account set revoked_at = {} where login = 'dale.cap'"
    house.sql(revoked.format("now()"))
    try:
        assert nobody not in {each["id"] for each in boss.read("/v1/people")["items"]}
        for path, body, pointer in bodies:
            refused = boss.post(path, body)
            assert refused.status_code == 422, (path, refused.text)
            assert refused.json()["errors"][0]["pointer"] == pointer
    finally:
        house.sql(revoked.format("null"))


def test_absence_is_said_by_the_person_or_who_is_above_and_the_delegate_is_a_colleague(
    house: House, jolene: Person, ids: dict[str, str]
) -> None:
    path, gwen = f"/v1/people/{ids['dale.cap']}/absence", house.person("gwen.housing")
    assert house.person("maria.cap").post(path, {"until": SOON}).status_code == 403
    assert gwen.post(path, {"until": SOON}).status_code == 404
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"until": "2020-01-01"}, "/until"),
        ({"until": SOON, "delegate_user_id": ids["dale.cap"]}, "/delegate_user_id"),
        ({"until": SOON, "delegate_user_id": gwen.read("/v1/me")["id"]}, "/delegate_user_id"),
        ({"until": None, "delegate_user_id": ids["maria.cap"]}, "/delegate_user_id"),
    ]
    for body, pointer in wrong:
        refused = jolene.post(path, body)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer), body


def test_colleagues_are_those_of_my_own_agency(house: House, jolene: Person) -> None:
    items = jolene.read("/v1/people", limit=2)["items"] + jolene.read("/v1/people")["items"]
    assert {one["login"].rpartition(".")[2] for one in items} == {"cap"}
    assert {"caseworker"} < {role for one in items for role in one["roles"]}


def person_told(house: House, made: Any, kind: str) -> str | None:
    rows = house.sql(
        "select facts ->> 'person' from event where referral_id = %s and kind = %s order by seq desc limit 1",
        str(made.id),
        kind,
    )
    person: str | None = rows[0][0]
    return person


def told(house: House, made: Any, kind: str) -> list[str]:
    """Who reads of it in their feed."""
    while Teller(house.engine).tell_batch():
        pass
    rows = house.sql(
        "select u.login from notice n join user_account u on u.id = n.user_id join event e on e.id = n.event_id"
        " where e.referral_id = %s and e.kind = %s",
        str(made.id),
        kind,
    )
    return [row[0] for row in rows]
