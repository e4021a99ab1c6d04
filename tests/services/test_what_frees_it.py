"""What an item of the list of stalled work offers is accepted and frees it; whatever else its cause names does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.stall import CAUSES
from domain.watch import Verb as WatchVerb
from tests.house import OUTCOME, House, Person
from tests.services.plans import Live, load, step
from tests.services.scenes import no_partner, organization_id
from tests.services.test_capacities import state
from tests.services.test_escalating import user

Item = dict[str, Any]
FULL = {"reason_code": "full", "reason_class": "no_capacity"}


@pytest.fixture(autouse=True)
def as_it_was(house: House) -> Iterator[None]:
    yield
    as_new(house)


LEAVING = ("jolene.cap", "hector.housing")
CLOSES = "pantry"
"""An agency that everybody leaves."""


def leaves(house: House, login: str) -> None:
    house.sql("update membership set ends_on = current_date - 2 where user_id = %s", user(house, login))


def late(house: House, made: Any) -> str:
    house.sql("update task set due_at = now() - interval '1 hour' where referral_id = %s", made["id"])
    return str(made["tasks"][0]["id"])


def followed(house: House, made: Any, login: str) -> None:
    """By somebody who then leaves."""
    house.sql("update referral set assigned_to = %s where id = %s", user(house, login), made["id"])
    leaves(house, login)


def asked(house: House, made: Any) -> str:
    task = str(made["tasks"][0]["id"])
    house.person("gwen.housing").does(f"/v1/tasks/{task}/request-info", {"question": "How many people?"})
    return task


def no_room(house: House) -> str:
    made = house.refer("cap", "housing")
    state(house, "housing", taking=False)
    return str(made["tasks"][0]["id"])


def consent_ended(house: House) -> str:
    made = house.refer("cap", "housing", consent=True)
    house.person("maria.cap").does(f"/v1/consents/{made['consent_id']}/revoke")
    return str(made["tasks"][0]["id"])


def no_record(house: House) -> str:
    made = house.refer("cap", "housing")
    house.person("gwen.housing").does(f"/v1/tasks/{made['tasks'][0]['id']}/accept")
    return late(house, made)


def unreadable(house: House) -> str:
    made = house.refer("cap", "housing")
    asked(house, made)
    return late(house, made)


def worker_left(house: House) -> str:
    made = house.refer("cap", "housing")
    task = str(made["tasks"][0]["id"])
    house.sql("update task set assigned_to = %s where id = %s", user(house, "hector.housing"), task)
    leaves(house, "hector.housing")
    return task


def asker_left(house: House) -> str:
    made = house.refer("cap", "housing")
    followed(house, made, "jolene.cap")
    return asked(house, made)


def caller_left(house: House) -> str:
    made = house.refer("cap", next(one.slug for one in house.region.organizations if one.mode == "by_phone"))
    followed(house, made, "jolene.cap")
    return str(made["tasks"][0]["id"])


def chooser_left(house: House) -> str:
    made = house.refer("cap", "housing")
    followed(house, made, "jolene.cap")
    house.person("gwen.housing").does(f"/v1/tasks/{made['tasks'][0]['id']}/decline", FULL)
    return str(made["id"])


def begun(house: House, owner: Any = "housing", lead: str = "cap", **more: Any) -> Live:
    code = f"frees_{house.sql('select count(*) from plan_template')[0][0]}"
    whose = {"organization": owner} if isinstance(owner, str) else owner
    load(house, code, [step("listen", whose, **more), step("then", {"organization": "family"}, after=["listen"])])
    return Live.begin(house, code, lead)


def leader_left(house: House) -> str:
    plan = begun(house)
    house.sql("update action_plan set assigned_to = %s where id = %s", user(house, "jolene.cap"), plan.id)
    leaves(house, "jolene.cap")
    return plan.id


def step_without_record(house: House) -> str:
    plan = begun(house)
    house.person("gwen.housing").does(f"{plan.task('listen')}/accept")
    house.sql("update task set due_at = now() - interval '1 hour' where action_plan_id = %s", plan.id)
    return plan.task("listen").rpartition("/")[2]


def closes(house: House) -> None:
    house.sql(
        "update membership set ends_on = current_date - 2 where organization_id = %s", organization_id(house, CLOSES)
    )


def everybody_left(house: House) -> str:
    made = house.refer("cap", CLOSES)
    task = str(made["tasks"][0]["id"])
    worker = user(house, house.caseworker(CLOSES).login)
    house.sql("update task set assigned_to = %s where id = %s", worker, task)
    closes(house)
    return task


def left_unseen(house: House) -> str:
    made = house.refer("cap", CLOSES)
    closes(house)
    return str(made["tasks"][0]["id"])


def left_accepted(house: House) -> str:
    made = house.refer("cap", CLOSES)
    task = str(made["tasks"][0]["id"])
    house.caseworker(CLOSES).does(f"/v1/tasks/{task}/accept")
    house.sql("update task set assigned_to = null where id = %s", task)
    closes(house)
    return task


def left_too_long(house: House) -> str:
    made = house.refer("cap", CLOSES)
    closes(house)
    return late(house, made)


def step_left(house: House) -> str:
    plan = begun(house, CLOSES)
    closes(house)
    return plan.task("listen").rpartition("/")[2]


def step_full(house: House) -> str:
    plan = begun(house, {"term": house.service("housing").term})
    one = plan.step("listen")["task"]
    slug = next(each.slug for each in house.region.organizations if str(each.id) == one["organization_id"])
    assert slug == "housing"
    state(house, slug, taking=False)
    return str(one["id"])


def step_declined(house: House, **more: Any) -> str:
    plan = begun(house, **more)
    house.person("gwen.housing").does(f"{plan.task('listen')}/decline", FULL)
    house.sql("update referral set due_at = now() - interval '1 hour' where action_plan_id = %s", plan.id)
    return str(plan.step("listen")["referral_id"])


def step_declined_that_may_be_skipped(house: House) -> str:
    return step_declined(house, may_skip=True)


AT_WORK = "contact start hold waitlist complete fail cancel"
# situation: (what makes it, its cause, what is offered to who asked or leads, what to who was asked)
SITUATIONS: dict[str, tuple[Callable[[House], str], str, str, str]] = {
    "there is no room": (no_room, "no_capacity", "cancel void withdraw", "accept decline cancel"),
    "the consent has ended": (consent_ended, "consent_ended", "cancel void consent", "cancel"),
    "no consent tells who it is": (no_record, "consent_missing", "cancel void consent", AT_WORK),
    "no consent lets the answer be read": (
        unreadable,
        "consent_missing",
        "answer cancel void withdraw consent",
        "cancel",
    ),
    "who works on it has left": (worker_left, "owner_gone", "void", "assign"),
    "who would answer has left": (asker_left, "owner_gone", "void assign", ""),
    "who calls the partner has left": (caller_left, "owner_gone", "void assign", ""),
    "who would choose has left": (chooser_left, "owner_gone", "void assign", ""),
    "who leads the plan has left": (leader_left, "owner_gone", "void assign", ""),
    "whoever works on it has left, and everybody else": (everybody_left, "owner_gone", "cancel void withdraw", ""),
    "everybody has left and nobody had it": (left_unseen, "owner_gone", "cancel void withdraw", ""),
    "it was accepted and everybody has left": (left_accepted, "owner_gone", "cancel void withdraw", ""),
    "everybody has left and its limit passed": (
        left_too_long,
        "owner_gone",
        "cancel void withdraw",
        "",
    ),
    "everybody has left who would do a step": (step_left, "owner_gone", "cancel void reassign drop", ""),
    "there is no room for a step": (step_full, "no_capacity", "cancel void reassign drop", "accept decline cancel"),
    "a step was declined": (step_declined, "no_capacity", "close-unmet void reassign drop", ""),
    "one was that may be skipped": (
        step_declined_that_may_be_skipped,
        "no_capacity",
        "close-unmet void reassign skip drop",
        "",
    ),
    "no consent tells who a step is for": (step_without_record, "consent_missing", "cancel void consent", AT_WORK),
}


ERRS = "there is no room"
"""Where it is tried that entered in error ends a stall: it ends every one."""


def found(person: Person, id_: str) -> Item | None:
    items = person.read("/v1/monitor/stalled", limit=200)["items"]
    return next((one for one in items if one["id"] == id_), None)


def routes(item: Item) -> list[str]:
    """Where a verb may be one's, in the order that the description of `allowed_actions` gives."""
    paths = [f"/v1/tasks/{item['id']}"] if item["kind"] == "task" else []
    paths += [f"/v1/referrals/{item['referral_id']}"] if item["referral_id"] else []
    plan = f"/v1/action-plans/{item['action_plan_id']}"
    paths += [plan] if item["action_plan_id"] else []
    return paths + ([f"{plan}/steps/{item['step_key']}"] if item["step_key"] else [])


def offers(person: Person, path: str) -> list[str]:
    plan, _, key = path.partition("/steps/")
    shown = person.get(plan).json()
    if key:
        shown = next((one for one in shown.get("steps", ()) if one["key"] == key), {})
    return list(shown.get("allowed_actions", ()))


BODIES: dict[str, Any] = {
    "decline": FULL,
    "cancel": {"reason": "client_declined"},
    "fail": {"reason": "client_declined"},
    "withdraw": {"reason": "client_declined"},
    "close-unmet": {"reason": "full"},
    "void": {"reason": "Entered twice."},
    "contact": {"result": "reached", "channel": "phone"},
    "hold": {"reason": "Waits for papers.", "resume_on": "2098-01-01"},
    "complete": OUTCOME,
    "answer": {"text": "Four."},
}


def body_of(house: House, person: Person, item: Item, verb: str) -> Any:
    if verb == "reassign":
        return {"organization_id": str(organization_id(house, "family"))}
    if verb == "assign":
        return {"user_id": str(user(house, person.login))}
    given = BODIES.get(verb, {})
    return given | {"consent_id": new_consent(house, item)} if verb in ("consent", "answer") else given


def new_consent(house: House, item: Item) -> str:
    client = house.sql(
        "select coalesce(f.client_id, p.client_id) from referral f left join action_plan p on p.id = f.action_plan_id"
        " where f.id = %s",
        item["referral_id"],
    )
    return str(house.consent(house.person("maria.cap"), str(client[0][0]), "housing")["id"])


def posted(house: House, person: Person, item: Item, path: str, verb: str) -> int:
    version = person.get(path.partition("/steps/")[0]).headers.get("etag", '"1"')
    headers = {"If-Match": version} if path.startswith("/v1/action-plans") else {}
    if verb == "drop":
        keys = {"Idempotency-Key": uuid4().hex}
        return person.http.delete(path, headers=person.headers | keys | headers).status_code
    return person.post(f"{path}/{verb}", body_of(house, person, item, verb), **headers).status_code


@pytest.mark.parametrize("login", ["maria.cap", "gwen.housing"])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_is_offered_is_accepted_and_frees_it(house: House, situation: str, login: str) -> None:
    make, code, source, target = SITUATIONS[situation]
    person = house.person(login)
    wanted = set((source if login == "maria.cap" else target).split())
    beside = {verb.value for verb in WatchVerb if verb is not WatchVerb.ASSIGN}
    item = found(house.person("ruth.hub"), make(house))
    assert item is not None
    for verb in sorted(named(item) - wanted):
        for path in routes(item):
            status = posted(house, person, item, path, verb)
            assert status in (403, 404, 409, 422) or still(house, item["id"]) == code, (verb, path, status)
    for verb in sorted(wanted if situation == ERRS else wanted - {"void"}):
        as_new(house)
        item = found(house.person("ruth.hub"), make(house))
        assert item is not None
        assert item["reason_code"] == code
        mine = found(person, item["id"])
        assert mine is not None
        assert set(mine["allowed_actions"]) - beside == wanted
        offering = [path for path in routes(item) if verb in offers(person, path)]
        assert posted(house, person, item, offering[0], verb) == 200, (verb, offering)
        assert still(house, item["id"]) != code, verb
    if not wanted:
        mine = found(person, item["id"])
        assert set(mine["allowed_actions"] if mine else ()) <= beside


def named(item: Item) -> frozenset[str]:
    """The moves of its cause, which its remedy tells from others of the same code."""
    said = [(words, one.moves) for one in CAUSES.values() for words in (one.of_step, one.remedy) if words]
    return next(moves for words, moves in said if item["remedy"].startswith(words.partition("{")[0]))


@pytest.mark.parametrize("make", [step_left, step_full, step_declined])
def test_the_remedy_of_a_step_and_of_what_waits_behind_it_is_done_on_its_plan(
    house: House, make: Callable[[House], str]
) -> None:
    """On its request both verbs are refused: 409 `step-of-a-plan`."""
    maria, id_ = house.person("maria.cap"), make(house)
    item = found(maria, id_)
    assert item is not None
    waits = next(
        one for one in maria.read("/v1/monitor/stalled", kind="step", limit=200)["items"]
        if one["action_plan_id"] == item["action_plan_id"]
    )  # fmt: skip
    for one, step_ in ((item, "the step"), (waits, "'Do listen'")):
        assert f"re-assign {step_}" in one["remedy"].replace("Re-assign", "re-assign")
        assert not re.search("withdraw|re-route", one["remedy"])


def test_where_everybody_left_the_source_is_asked_and_hears_that_nobody_there_can_move_it(house: House) -> None:
    task, maria = left_unseen(house), house.person("maria.cap")
    cap, hub = organization_id(house, "cap"), organization_id(house, "hub")
    for login in ("maria.cap", "ruth.hub"):
        item = found(house.person(login), task)
        assert item is not None
        assert (item["symptom"], item["ball_in_court"]["organization_id"]) == (None, str(cap))
        assert "can sign in any more" in item["reason"]
        assert "withdraw" in item["remedy"]
        assert house.person(login).read(f"/v1/tasks/{task}")["ball_in_court"]["organization_id"] == str(cap)
        assert ("nudge" in item["allowed_actions"]) == (login == "ruth.hub")
    assert maria.post(f"/v1/tasks/{task}/nudge").json()["code"] == "own-turn"
    house.person("ruth.hub").does(f"/v1/tasks/{task}/nudge")
    as_new(house)
    assert found(maria, task) is None
    made = house.refer(CLOSES, "housing")
    asked(house, made)
    closes(house)
    item = found(house.person("ruth.hub"), str(made["tasks"][0]["id"]))
    assert item is not None
    assert (item["reason_code"], item["ball_in_court"]["organization_id"]) == ("owner_gone", str(hub))
    assert "who takes over" in item["remedy"]


def test_a_plan_whose_lead_nobody_works_at_any_more_is_the_backbone_s_to_see_to(house: House) -> None:
    plan = begun(house, lead=CLOSES)
    assert found(house.person("ruth.hub"), plan.id) is None
    closes(house)
    item = found(house.person("ruth.hub"), plan.id)
    assert item is not None
    assert (item["reason_code"], item["symptom"]) == ("owner_gone", None)
    assert item["ball_in_court"]["organization_id"] == str(organization_id(house, "hub"))
    assert "who takes over" in item["remedy"]
    for login in ("ruth.hub", "gwen.housing"):
        shown = house.person(login).read(f"/v1/action-plans/{plan.id}")
        assert shown["ball_in_court"]["organization_id"] == str(organization_id(house, "hub")), login


def test_a_plan_whose_follower_left_is_the_lead_s_in_its_view_too(house: House) -> None:
    """Though a step is another's turn: the list names the plan by itself."""
    id_, cap = leader_left(house), str(organization_id(house, "cap"))
    for login in ("ruth.hub", "maria.cap", "gwen.housing"):
        person = house.person(login)
        item = found(person, id_)
        shown = person.read(f"/v1/action-plans/{id_}")
        assert shown["ball_in_court"]["organization_id"] == cap, login
        assert item is not None
        assert item["ball_in_court"]["organization_id"] == cap
        assert ("nudge" in item["allowed_actions"]) == ("nudge" in shown["allowed_actions"]) == (login == "ruth.hub")
    house.person("ruth.hub").does(f"/v1/action-plans/{id_}/nudge")
    ((to,),) = house.sql("select facts ->> 'to' from event where action_plan_id = %s and kind = 'plan_nudged'", id_)
    assert to == cap


def test_a_step_that_waits_for_a_partner_by_phone_names_that_partner(house: House) -> None:
    phone = next(one.slug for one in house.region.organizations if one.mode == "by_phone")
    plan = begun(house, phone)
    house.sql("update task set due_at = now() - interval '1 hour' where action_plan_id = %s", plan.id)
    items = house.person("maria.cap").read("/v1/monitor/stalled", kind="step", limit=200)["items"]
    (item,) = [one for one in items if one["action_plan_id"] == plan.id]
    name = house.region.organization(phone).name
    assert f"{name} has not said" in item["reason"]
    assert item["remedy"].startswith(f"Call {name}")


def test_while_a_plan_s_follower_is_away_its_open_step_keeps_the_ball(house: House) -> None:
    plan, follower = begun(house), user(house, "jolene.cap")
    house.sql("update action_plan set assigned_to = %s where id = %s", follower, plan.id)
    house.sql("update membership set absent_until = current_date + 9 where user_id = %s", follower)
    for login in ("ruth.hub", "maria.cap", "gwen.housing"):
        shown = house.person(login).read(f"/v1/action-plans/{plan.id}")
        assert shown["ball_in_court"]["organization_id"] == str(organization_id(house, "housing")), login
        assert found(house.person(login), plan.id) is None


def test_a_proposal_that_is_offered_is_taken(house: House) -> None:
    ruth = house.person("ruth.hub")
    item = found(ruth, SITUATIONS[ERRS][0](house))
    assert item is not None
    assert "propose-reroute" in item["allowed_actions"]
    referral = f"/v1/referrals/{item['referral_id']}"
    ruth.does(f"{referral}/propose-reroute", {"service_id": str(house.other_door().id)})
    assert [one["service_id"] for one in house.person("maria.cap").read(referral)["proposals"]] == [
        str(house.other_door().id)
    ]


def test_what_a_partner_by_phone_has_not_said_is_not_said_of_who_asked(house: House) -> None:
    made = house.refer("cap", next(one.slug for one in house.region.organizations if one.mode == "by_phone"))
    item = found(house.person("maria.cap"), late(house, made))
    assert item is not None
    source, target = (house.region.organization(slug).name for slug in ("cap", item_owner(house, made)))
    assert item["reason"].startswith(f"{target} has not said")
    assert source not in item["reason"]


def item_owner(house: House, made: Any) -> str:
    owner = made["tasks"][0]["organization_id"]
    return next(one.slug for one in house.region.organizations if str(one.id) == owner)


def test_an_exception_of_a_plan_rests_the_plan_and_not_what_waits_for_late_work(house: House) -> None:
    plan, ruth = begun(house), house.person("ruth.hub")
    house.sql("update task set due_at = now() - interval '1 hour' where action_plan_id = %s", plan.id)
    house.sql("update action_plan set due_at = now() - interval '1 hour' where id = %s", plan.id)
    kinds = {one["kind"] for one in ruth.read("/v1/monitor/stalled")["items"]}
    assert kinds == {"action_plan", "task", "step"}
    until = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    ruth.does(f"/v1/action-plans/{plan.id}/except", {"reason": "weather", "until": until})
    assert {one["kind"] for one in ruth.read("/v1/monitor/stalled")["items"]} == {"task", "step"}


def test_who_is_no_partner_any_more_is_nobody_who_could_be_asked(house: House) -> None:
    """The church alone helps with what the housing authority said no to."""
    made, ruth = house.refer("cap", "housing"), house.person("ruth.hub")
    no = {"reason_code": "over_income", "reason_class": "ineligible"}
    house.person("gwen.housing").does(f"/v1/tasks/{made['tasks'][0]['id']}/decline", no)
    house.sql("update referral set due_at = now() - interval '1 hour' where id = %s", made["id"])
    assert still(house, made["id"]) == "source_has_not_chosen"
    with no_partner(house, "faith"):
        item = found(ruth, made["id"])
    assert item is not None
    assert (item["symptom"], item["reason_code"]) == ("source_has_not_chosen", "no_capacity")


@pytest.mark.parametrize("change", ["own_worker = true", "mode = 'connected'"])
def test_a_system_that_answers_is_not_deserted(house: House, change: str) -> None:
    task = left_unseen(house)
    closed = organization_id(house, CLOSES)
    house.sql(f"update organization set {change} where id = %s", closed)
    try:
        assert (found(house.person("maria.cap"), task) is None) is (change == "own_worker = true")
    finally:
        house.sql("update organization set own_worker = false where id = %s", closed)


def as_new(house: House) -> None:
    """What earlier situations left would only make the list longer."""
    house.sql(
        "set session_replication_role = replica; delete from task; delete from referral; delete from plan_step;"
        " delete from plan_partner; delete from plan_goal; delete from action_plan;"
        " set session_replication_role = origin"
    )
    house.sql("delete from service_capacity")
    house.sql("update membership set ends_on = null where user_id = any(%s)", [user(house, one) for one in LEAVING])
    house.sql("update membership set ends_on = null where organization_id = %s", organization_id(house, CLOSES))


def still(house: House, id_: str) -> str | None:
    item = found(house.person("ruth.hub"), id_)
    return item["reason_code"] if item else None
