"""What lies behind a stall, who is asked to act, and who is told: read by the list, and by whoever must reach one
person."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.advance import engine_work
from services.blocking import blocked
from services.holders import Holder
from tests.house import House
from tests.services.plans import Live, load, step
from tests.services.scenes import organization_id, refer, task_of

FAULT = (
    "insert into engine_finding (case_id, kind, trouble, code, restricted)"
    " values (%s, 'referral', 'failing', 'broken', false)"
)


def user(house: House, login: str) -> UUID:
    found: UUID = house.sql("select id from user_account where login = %s", login)[0][0]
    return found


def listed(house: House, login: str, **filters: Any) -> dict[str, dict[str, Any]]:
    items = house.person(login).read("/v1/monitor/stalled", limit=200, **filters)["items"]
    return {item["id"]: item for item in items}


def late(house: House, referral: Any) -> str:
    task = task_of(referral).rpartition("/")[2]
    house.sql("update task set due_at = now() - interval '1 hour' where id = %s", task)
    return task


def blocks(house: House, kind: str, id_: Any, referral: Any) -> Holder | None:
    """As the engine asks."""
    with house.engine.database.transaction() as connection:
        found = blocked(engine_work(connection, referral.id), kind, UUID(str(id_)))
        return found.by if found else None


@pytest.fixture
def hectors(house: House) -> Iterator[Any]:
    """A request that hector has, past its limit; afterwards he is back at work."""
    referral = refer(house, "cap", "housing")
    gwen = house.person("gwen.housing")
    gwen.does(f"{task_of(referral)}/assign", {"user_id": str(user(house, "hector.housing"))})
    late(house, referral)
    yield referral
    house.sql(
        "update membership set ends_on = null, absent_until = null, delegate_user_id = null where user_id = %s",
        user(house, "hector.housing"),
    )


@pytest.mark.parametrize(
    ("change", "code", "reached"),
    [
        ("absent_until = null", "not_acknowledged", "hector.housing"),
        ("absent_until = current_date + 9", "owner_absent", None),
        ("absent_until = current_date - 2", "not_acknowledged", "hector.housing"),
        ("absent_until = (now() at time zone 'America/Denver')::date", "not_acknowledged", "hector.housing"),
        ("absent_until = current_date + 9, delegate_user_id = :gwen", "not_acknowledged", "gwen.housing"),
        ("ends_on = current_date - 2", "owner_gone", None),
        ("ends_on = current_date - 2, delegate_user_id = :gwen", "owner_gone", None),
    ],
)
def test_whoever_can_act_is_reached_and_nobody_who_is_not_there(
    house: House, hectors: Any, change: str, code: str, reached: str | None
) -> None:
    gwen = str(user(house, "gwen.housing"))
    hector = user(house, "hector.housing")
    house.sql(f"update membership set {change.replace(':gwen', repr(gwen))} where user_id = %s", hector)
    task = task_of(hectors).rpartition("/")[2]
    for login in ("ruth.hub", "maria.cap", "gwen.housing"):
        item = listed(house, login)[task]
        expected = str(user(house, reached)) if reached else None
        assert (item["reason_code"], item["ball_in_court"]["user_id"]) == (code, expected), login
    holder = Holder(organization_id(house, "housing"), user(house, reached) if reached else None)
    assert blocks(house, "task", task, hectors) == holder


def test_a_delegate_who_is_away_too_stands_in_for_nobody(house: House, hectors: Any) -> None:
    hector, gwen = user(house, "hector.housing"), user(house, "gwen.housing")
    house.sql("update membership set absent_until = current_date + 9 where user_id in (%s, %s)", hector, gwen)
    house.sql("update membership set delegate_user_id = %s where user_id = %s", gwen, hector)
    item = listed(house, "ruth.hub")[task_of(hectors).rpartition("/")[2]]
    assert (item["reason_code"], item["ball_in_court"]["user_id"]) == ("owner_absent", None)
    house.sql("update membership set absent_until = null where user_id = %s", gwen)


def test_who_holds_it_up_is_known_before_anything_is_late_and_nobody_does_once_it_is_over(house: House) -> None:
    referral = refer(house, "cap", "housing")
    path, gwen = task_of(referral), house.person("gwen.housing")
    task = path.rpartition("/")[2]
    housing, cap = organization_id(house, "housing"), organization_id(house, "cap")
    maria = user(house, "maria.cap")
    assert blocks(house, "task", task, referral) == Holder(housing, None)
    gwen.does(f"{path}/request-info", {"question": "How many people?"})
    assert blocks(house, "task", task, referral) == Holder(cap, maria)
    assert blocks(house, "referral", referral.id, referral) is None
    gwen.does(f"{path}/decline", {"reason_code": "client_declined", "reason_class": "client"})
    assert blocks(house, "task", task, referral) is None
    assert blocks(house, "referral", referral.id, referral) == Holder(cap, maria)
    house.person("maria.cap").does(f"/v1/referrals/{referral.id}/close-unmet", {"reason": "client_declined"})
    assert blocks(house, "referral", referral.id, referral) is None


def test_the_list_is_filtered_by_what_whose_why_and_how_far(house: House) -> None:
    referral = refer(house, "cap", "pantry")
    task = late(house, referral)
    house.sql("update task set rung = 2 where id = %s", task)
    pantry = str(organization_id(house, "pantry"))
    for filters, found in (
        ({"kind": "task"}, True), ({"kind": "step"}, False), ({"organization_id": pantry}, True),
        ({"organization_id": str(organization_id(house, "cap"))}, False), ({"reason_code": "not_acknowledged"}, True),
        ({"reason_code": "owner_gone"}, False), ({"level": "supervisor"}, True), ({"level": "owner"}, False),
        ({"excepted": "true"}, False), ({"excepted": "false"}, True),
    ):  # fmt: skip
        assert (task in listed(house, "ruth.hub", **filters)) is found, filters
    assert house.person("ruth.hub").get("/v1/monitor/stalled", kind="ghost").status_code == 422


def climbing(*to: str) -> dict[str, Any]:
    return {"rungs": [{"to": one, "after": number} for number, one in enumerate(to)]}


SLOW, STEEP = climbing("owner", "owner", "supervisor"), climbing("owner", "backbone")


@pytest.fixture
def agreed(house: House) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Lets the region agree on ladders; afterwards those of before hold."""
    this = "version = (select agenda_version from collaborative)"

    def agree(ladders: dict[str, Any]) -> None:
        house.sql(
            f"update agenda set body = jsonb_set(body, '{{ladder}}', %s::jsonb) where {this}", json.dumps(ladders)
        )
        house.sql("update collaborative set revision = revision + 1")

    before = house.sql(f"select body -> 'ladder' from agenda where {this}")[0][0]
    yield agree
    agree(before)
    house.sql("update service set ladder = '{}'")


@pytest.mark.parametrize(
    ("agenda", "service", "priority", "rung", "level"),
    [
        ({"routine": SLOW}, {"routine": STEEP}, "urgent", 2, "backbone"),
        ({"routine": SLOW, "urgent": SLOW}, {"routine": STEEP}, "urgent", 2, "owner"),
        ({"routine": SLOW, "urgent": SLOW}, {"urgent": STEEP}, "urgent", 2, "backbone"),
        ({"routine": SLOW}, None, "urgent", 2, "owner"),
        ({"routine": SLOW}, None, "routine", 3, "supervisor"),
        ({"routine": STEEP}, None, "routine", 20, "backbone"),
        ({"urgent": STEEP}, None, "routine", 2, "supervisor"),
        ({}, {"routine": STEEP}, "routine", 0, "owner"),
        ({}, None, "urgent", 3, "backbone"),
    ],
)
def test_it_is_found_by_the_level_that_it_shows(
    house: House, agreed: Any, agenda: dict[str, Any], service: Any, priority: str, rung: int, level: str
) -> None:
    agreed(agenda)
    referral = refer(house, "cap", "pantry", priority=priority)
    task = late(house, referral)
    house.sql("update task set rung = %s where id = %s", rung, task)
    if service:
        house.sql(
            "update service set ladder = %s::jsonb where id = %s", json.dumps(service), house.service("pantry").id
        )
    assert listed(house, "ruth.hub")[task]["level"] == level
    found = {each for each in ("owner", "supervisor", "backbone") if task in listed(house, "ruth.hub", level=each)}
    assert found == {level}


def test_what_the_backbone_lets_rest_is_listed_apart_until_its_day(house: House) -> None:
    referral = refer(house, "cap", "pantry")
    task = late(house, referral)
    rests = "update task set excepted_until = now() + interval '%s days' where id = %s"
    house.sql(rests.replace("%s days", "3 days"), task)
    assert task not in listed(house, "ruth.hub")
    item = listed(house, "ruth.hub", excepted="true")[task]
    assert item["excepted_until"]
    house.sql(rests.replace("%s days", "-1 days"), task)
    assert task in listed(house, "ruth.hub")
    assert task not in listed(house, "ruth.hub", excepted="true")


@pytest.fixture
def failing(house: House) -> Iterator[str]:
    """A referral past its date, one rung up, whose workflow fails as well."""
    referral = refer(house, "cap", "housing")
    no = {"reason_code": "full", "reason_class": "no_capacity"}
    house.person("gwen.housing").does(f"{task_of(referral)}/decline", no)
    house.sql("update referral set due_at = now() - interval '1 hour', rung = 1 where id = %s", referral.id)
    house.sql(FAULT, referral.id)
    yield str(referral.id)
    house.sql("delete from engine_finding")


@pytest.mark.parametrize(("owner", "status"), [(None, 200), ("jolene.cap", 409)])
def test_beside_a_fault_of_the_engine_escalate_is_offered_where_it_is_accepted(
    house: House, failing: str, owner: str | None, status: int
) -> None:
    """The supervisor of its source may still hear that the date has passed, unless it is hers."""
    if owner:
        house.sql("update referral set assigned_to = %s where id = %s", user(house, owner), failing)
    ruth, path = house.person("ruth.hub"), f"/v1/referrals/{failing}"
    places = [listed(house, "ruth.hub")[failing], ruth.read(path)]
    assert places[0]["reason_code"] == "engine_fault"
    assert ["escalate" in one["allowed_actions"] for one in places] == [status == 200] * 2
    assert ruth.post(f"{path}/escalate").status_code == status


def test_a_fault_of_the_engine_does_not_rest(house: House, failing: str) -> None:
    """Nothing is mended by waiting."""
    until = (datetime.now(UTC) + timedelta(days=80)).date().isoformat()
    house.person("ruth.hub").does(f"/v1/referrals/{failing}/except", {"reason": "weather", "until": until})
    assert failing in listed(house, "ruth.hub")
    assert failing not in listed(house, "ruth.hub", excepted="true")


@pytest.mark.parametrize("clock", ["source", "task"])
def test_nor_does_what_waits_behind_it_rest_whoever_looks(house: House, clock: str) -> None:
    code = f"fault_behind_{clock}"
    load(house, code, [
        step("first", {"organization": "housing"}),
        step("second", {"organization": "legal"}, after=["first"]),
    ])  # fmt: skip
    plan = Live.begin(house, code)
    ((referral,),) = house.sql("select id from referral where action_plan_id = %s", plan.id)
    rests = "due_at = now() - interval '1 hour', excepted_until = now() + interval '9 days'"
    if clock == "source":
        no = {"reason_code": "full", "reason_class": "no_capacity"}
        house.person("gwen.housing").does(f"{plan.task('first')}/decline", no)
        house.sql(f"update referral set {rests} where id = %s", referral)
    else:
        house.sql(f"update task set {rests} where referral_id = %s", referral)

    def behind() -> dict[str, list[str]]:
        seen = {}
        for login in ("ruth.hub", "maria.cap", "priya.legal"):
            items = listed(house, login, kind="step").values()
            seen[login] = [item["step_key"] for item in items if item["action_plan_id"] == plan.id]
        return seen

    assert behind() == {"ruth.hub": [], "maria.cap": [], "priya.legal": []}
    house.sql(FAULT, referral)
    try:
        assert behind() == {"ruth.hub": ["second"], "maria.cap": ["second"], "priya.legal": ["second"]}
    finally:
        house.sql("delete from engine_finding")


@pytest.mark.parametrize("login", ["maria.cap", "ruth.hub"])
def test_beside_a_fault_of_the_engine_a_nudge_is_offered_where_it_is_accepted(
    house: House, failing: str, login: str
) -> None:
    """Also of a referral that waits for its task: who has that is nudged there."""
    running = refer(house, "cap", "housing")
    house.sql(FAULT, str(running.id))
    person, items = house.person(login), listed(house, login)
    assert items[str(running.id)]["reason_code"] == items[failing]["reason_code"] == "engine_fault"
    for path in (f"/v1/referrals/{running.id}", task_of(running), f"/v1/referrals/{failing}"):
        places = [person.read(path), *filter(None, [items.get(path.rpartition("/")[2])])]
        offered = {"nudge" in one["allowed_actions"] for one in places}
        assert {person.post(f"{path}/nudge").status_code == 200} == offered, path


def test_an_exception_rests_what_it_names_and_the_engine_goes_on_with_the_rest(house: House) -> None:
    referral = refer(house, "cap", "pantry")
    task = late(house, referral)
    house.sql("update referral set excepted_until = now() + interval '3 days' where id = %s", str(referral.id))
    assert task in listed(house, "ruth.hub")


def test_a_consent_that_ended_is_told_until_another_takes_its_place(house: House) -> None:
    maria, gwen = house.person("maria.cap"), house.person("gwen.housing")
    made = house.refer("cap", "housing", consent=True)
    task = made["tasks"][0]["id"]
    gwen.does(f"/v1/tasks/{task}/request-info", {"question": "How many people?"})
    assert task not in listed(house, "ruth.hub")
    maria.does(f"/v1/consents/{made['consent_id']}/revoke")
    for login in ("ruth.hub", "maria.cap", "gwen.housing"):
        item = listed(house, login)[task]
        assert (item["symptom"], item["reason_code"]) == (None, "consent_ended"), login
        assert item["ball_in_court"]["organization_id"] == str(organization_id(house, "cap"))
    consent = house.consent(maria, made["client_id"], "housing")["id"]
    maria.does(f"/v1/tasks/{task}/answer", {"text": "Four.", "consent_id": consent})
    assert task not in listed(house, "ruth.hub")


def test_a_waiting_step_names_its_root_as_far_as_its_reader_may_see(house: House) -> None:
    load(house, "named_root", [
        step("first", {"organization": "family"}),
        step("second", {"organization": "legal"}, after=["first"]),
    ])  # fmt: skip
    live = Live.begin(house, "named_root")
    task = live.step("first")["task"]["id"]
    house.sql("update task set due_at = now() - interval '1 hour' where id = %s", task)
    seen = {}
    for login in ("ruth.hub", "maria.cap", "priya.legal", "tess.family", "gwen.housing"):
        items = listed(house, login, kind="step").values()
        seen[login] = next((item for item in items if item["action_plan_id"] == live.id), None)
    assert seen["gwen.housing"] is None, "no part of the plan is theirs"
    assert seen["tess.family"] is None, "theirs is what it waits for"
    for login, kind, root in (
        ("ruth.hub", "task", task),
        ("maria.cap", "task", task),
        ("priya.legal", "action_plan", live.id),
    ):
        item = seen[login]
        assert item is not None, login
        assert (item["step_key"], item["root"]["kind"], item["root"]["id"]) == ("second", kind, root)
        assert item["root"]["step_key"] == "first"
        family = str(organization_id(house, "family"))
        assert item["root"]["organization_id"] == item["ball_in_court"]["organization_id"] == family
        assert "'Do first' at Cedar Root Family Center" in item["reason"]
        assert item["allowed_actions"] == (["move", "drop"] if login == "maria.cap" else []), login


def test_of_a_confidential_provider_s_step_its_partners_are_told_nothing(house: House) -> None:
    load(house, "hidden_root", [
        step("first", {"organization": "shelter"}),
        step("second", {"organization": "legal"}, after=["first"]),
    ])  # fmt: skip
    live = Live.begin(house, "hidden_root")
    house.sql("update task set due_at = now() - interval '1 hour' where action_plan_id = %s", live.id)
    plans = {
        login: [item for item in listed(house, login).values() if item["action_plan_id"] == live.id]
        for login in ("maria.cap", "priya.legal", "ruth.hub", "carmen.shelter")
    }
    assert sorted(item["kind"] for item in plans["maria.cap"]) == ["step", "task"]
    assert plans["priya.legal"] == plans["ruth.hub"] == []
    assert [item["kind"] for item in plans["carmen.shelter"]] == ["task"]
