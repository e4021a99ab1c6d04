"""Action plans in the record alone: no engine runs; what it would do is asked for directly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy.event import listen, remove

from concert.embedded.postgres import libpq_url
from services.invariants import check_record
from services.plan_advance import advance_plan
from services.plans import get_plan
from tests.house import House, eventually
from tests.services.plans import Live, load, step
from tests.services.scenes import no_partner, numbers, organization_id, proven


@pytest.fixture(scope="module")
def two_steps(house: House) -> str:
    load(
        house,
        "two_steps",
        [step("listen"), step("rent", {"organization": "housing"}, after=["listen"])],
        goals=[{"key": "home", "name": "A home", "term": "housing"}],
    )
    return "two_steps"


def test_a_plan_goes_from_its_template_to_the_outcome_of_its_goal(house: House, two_steps: str) -> None:
    plan = Live.begin(house, two_steps)
    assert plan.states() == {"listen": "open", "rent": "waiting"}
    plan.works("listen", "cap")
    advance_plan(house.engine, UUID(plan.id))
    assert plan.states() == {"listen": "done", "rent": "open"}
    plan.works("rent", "housing")
    progress = advance_plan(house.engine, UUID(plan.id))
    assert not progress.over
    assert plan.read()["ball_in_court"]["organization_id"] == plan.body["organization_id"]
    closed = plan.edit("/close", {"outcomes": {"home": "need_met"}})
    assert (closed["state"], closed["goals"][0]["outcome"]) == ("completed", "need_met")
    assert advance_plan(house.engine, UUID(plan.id)).over


def advance(house: House, plan: Live) -> None:
    advance_plan(house.engine, UUID(plan.id))


def declined(house: House, plan: Live, key: str, slug: str) -> None:
    body = {"reason_code": "full", "reason_class": "no_capacity"}
    house.caseworker(slug).does(f"{plan.task(key)}/decline", body)
    advance(house, plan)


def test_a_step_without_success_follows_its_policy_and_else_the_lead_decides(house: House) -> None:
    load(
        house,
        "policies",
        [
            step("skips", {"organization": "housing"}, on_decline="skip"),
            step("leads", {"organization": "housing"}),
            step("alone", {"organization": "legal", "service": house.service("legal").name},
                 on_decline="other_provider"),
            step("stops", {"organization": "housing"}, on_decline="stop"),
            step("after", after=["stops"]),
        ],
    )  # fmt: skip
    plan = Live.begin(house, "policies")
    declined(house, plan, "skips", "housing")
    assert plan.step("skips")["skipped_because"] == "declined"
    declined(house, plan, "leads", "housing")
    assert plan.step("leads")["ball_in_court"]["organization_id"] == plan.body["organization_id"]
    declined(house, plan, "alone", "legal")
    assert plan.step("alone")["ball_in_court"]["organization_id"] == plan.body["organization_id"]
    declined(house, plan, "stops", "housing")
    assert plan.read()["stop_asked_by"] == "stops"
    assert plan.body["ball_in_court"]["organization_id"] == plan.body["organization_id"]
    plan.edit("/steps/stops/reassign", {"organization_id": str(organization_id(house, "family"))})
    assert plan.read()["stop_asked_by"] is None
    plan.works("stops", "family")
    advance(house, plan)
    assert plan.state("after") == "open"


def test_work_that_fails_follows_its_own_policy_not_that_of_a_no(house: House) -> None:
    load(
        house,
        "fails",
        [
            step("skips", {"organization": "housing"}, on_failure="skip", on_decline="stop"),
            step("next", after=["skips"]),
            step("cancelled", {"organization": "housing"}, on_failure="skip"),
            step("stops", {"organization": "housing"}, on_failure="stop"),
            step("behind", after=["stops"]),
            step("last", after=["next", "cancelled"]),
        ],
    )
    plan, gwen = Live.begin(house, "fails"), house.caseworker("housing")
    for key, verb in (("skips", "fail"), ("cancelled", "cancel"), ("stops", "fail")):
        gwen.does(f"{plan.task(key)}/accept")
        gwen.does(f"{plan.task(key)}/{verb}", {"reason": "moved_away"})
        advance(house, plan)
        advance(house, plan)
    assert plan.states() == {
        "skips": "skipped", "next": "open", "cancelled": "skipped", "stops": "open", "behind": "waiting",
        "last": "waiting",
    }  # fmt: skip
    assert {plan.step(key)["skipped_because"] for key in ("skips", "cancelled")} == {"failed"}
    assert plan.body["stop_asked_by"] == "stops"
    told = [(one["kind"], one["changed"].get("why")) for one in plan.lead.read(f"{plan.path}/timeline")["items"]]
    assert told.count(("step_skipped", "failed")) == 2
    plan.edit("/steps/stops/reassign", {})
    for key in ("next", "stops", "behind", "last"):
        plan.works(key, "cap")
        advance(house, plan)
    assert plan.read()["state"] == "completed"
    assert not [wrong for wrong in check_record(house.engine) if plan.id in wrong]


def test_a_plan_that_asked_to_be_stopped_goes_on_when_its_lead_closes_that_request_as_unmet(house: House) -> None:
    steps = [step("first", {"organization": "housing"}, on_decline="stop"), step("then", after=["first"])]
    load(house, "goes_on", steps)
    plan = Live.begin(house, "goes_on")
    declined(house, plan, "first", "housing")
    advance(house, plan)
    assert (plan.read()["stop_asked_by"], plan.states()["then"]) == ("first", "waiting")
    plan.lead.does(f"/v1/referrals/{plan.step('first')['referral_id']}/close-unmet", {"reason": "full"})
    advance(house, plan)
    assert (plan.read()["stop_asked_by"], plan.states()) == (None, {"first": "done", "then": "open"})


@pytest.mark.parametrize("answer", ["close-unmet", "skip"])
def test_of_two_steps_that_ask_to_be_stopped_the_second_asks_when_the_first_is_answered(
    house: House, answer: str
) -> None:
    """Nothing opens between the two."""
    both = [step(key, {"organization": "housing"}, on_decline="stop", may_skip=True) for key in ("first", "second")]
    code = f"two_stops_{answer.replace('-', '_')}"
    load(house, code, [*both, step("then", after=["first"])])
    plan = Live.begin(house, code)
    for key in ("first", "second"):
        declined(house, plan, key, "housing")
        advance(house, plan)
    assert plan.read()["stop_asked_by"] == "first"
    if answer == "skip":
        plan.edit("/steps/first/skip", {})
    else:
        plan.lead.does(f"/v1/referrals/{plan.step('first')['referral_id']}/close-unmet", {"reason": "full"})
        advance(house, plan)
    assert (plan.read()["stop_asked_by"], plan.states()["then"]) == ("second", "waiting")
    plan.lead.does(f"/v1/referrals/{plan.step('second')['referral_id']}/close-unmet", {"reason": "full"})
    advance(house, plan)
    assert (plan.read()["stop_asked_by"], plan.states()["then"]) == (None, "open")


def test_a_service_of_the_backbones_is_nobodys_next_provider(house: House) -> None:
    """The directory lists it; it is passed over, and the lead is asked."""
    load(house, "next", [step("home", {"term": "housing"}, on_decline="other_provider")])
    plan = Live.begin(house, "next")
    asked = next(one for one in house.region.organizations if str(one.id) == plan.step("home")["organization_id"])
    role = "update partnership set role = %s where role = %s and not organization_id = any(%s)"
    kept = [house.region.organization(slug).id for slug in ("hub", "cap", asked.slug)]
    house.sql(role, "backbone", "partner", kept)
    try:
        while plan.read() and plan.step("home")["task"]["state"] == "requested":
            whose = plan.step("home")["task"]["organization_id"]
            declined(house, plan, "home", "cap" if whose == str(kept[1]) else asked.slug)
    finally:
        house.sql(role, "partner", "backbone", kept)
    said = house.sql("select kind from event where action_plan_id = %s and kind like %s", plan.id, "%unplaced")
    assert said == [("step_unplaced",)]


def test_what_a_voided_plan_had_finished_is_entered_in_error_too(house: House) -> None:
    load(house, "voided_whole", [step("done", {"organization": "housing"}), step("last", after=["done"])])
    plan = Live.begin(house, "voided_whole")
    plan.works("done", "housing")
    task = plan.task("done")
    plan.edit("/void", {"reason": "The wrong family."})
    shown = house.caseworker("housing").read(task)
    assert (shown["state"], shown["allowed_actions"]) == ("entered_in_error", [])
    proven(house)


def test_nobody_offers_what_is_needed_and_the_lead_hears_it_at_once(house: House) -> None:
    load(house, "nobody", [step("none", {"term": "emergency.clothing"}), step("next", after=["none"])])
    house.sql("insert into taxonomy_term (code, name) values ('emergency.clothing', 'Coats') on conflict do nothing")
    plan = Live.begin(house, "nobody")
    one = plan.step("none")
    assert (one["state"], one["task"], one["ball_in_court"]["organization_id"]) == (
        "open",
        None,
        plan.body["organization_id"],
    )
    plan.edit("/steps/none/reassign", {"service_id": str(house.service("thrift").id)})
    assert plan.step("none")["task"]["state"] == "requested"
    plan.edit("/steps/none/reassign", {})
    assert plan.step("none")["organization_id"] == plan.body["organization_id"]
    plan.works("none", "cap")
    advance(house, plan)
    assert plan.state("next") == "open"


def test_a_step_for_who_is_no_partner_any_more_asks_nobody_and_its_lead_decides(house: House) -> None:
    load(house, "parted", [step("listen"), step("then", {"organization": "housing"}, after=["listen"])])
    plan = Live.begin(house, "parted")
    with no_partner(house, "housing"):
        plan.works("listen", "cap")
        advance(house, plan)
    one = plan.step("then")
    assert (one["state"], one["task"]) == ("open", None)
    assert one["ball_in_court"]["organization_id"] == plan.body["organization_id"]


def test_a_plan_changes_under_way_and_its_history_keeps_what_it_was(house: House) -> None:
    load(house, "changing", [step("one"), step("two", after=["one"], may_skip=True), step("three", after=["two"]),
                             step("four", after=["three"])])  # fmt: skip
    plan = Live.begin(house, "changing")
    version = plan.body["version"]
    plan.edit("/steps/four/move", {"after": ["one"]})
    circle = plan.lead.post(f"{plan.path}/steps/one/move", {"after": ["three"]}, **{"If-Match": "*"})
    assert circle.status_code == 409
    plan.edit("/steps/two/skip", {"reason": "They have one already."})
    plan.works("one", "cap")
    advance(house, plan)
    assert plan.states() == {"one": "done", "two": "skipped", "three": "open", "four": "open"}
    answer = plan.lead.http.request(
        "DELETE",
        f"{plan.path}/steps/three",
        headers=plan.lead.headers | {"Idempotency-Key": "drop-" + plan.id, "If-Match": f'"{plan.body["version"]}"'},
    )
    assert answer.status_code == 200, answer.text
    assert "three" not in plan.states()
    was = plan.lead.read(f"{plan.path}/versions/{version}")
    assert {one["key"]: one.get("after", []) for one in was["steps"]}["four"] == ["three"]
    newest = plan.read()["version"]
    assert plan.lead.get(f"{plan.path}/versions/{newest}").status_code == 200
    assert plan.lead.get(f"{plan.path}/versions/{newest + 1}").status_code == 404, "it has not been yet"
    notes = plan.lead.read(f"{plan.path}/timeline")["notes"]
    assert [note["body"] for note in notes] == ["They have one already."]
    edits: dict[str, Any] = {"skip": {}, "move": {"after": []}, "reassign": {}}
    for verb, body in edits.items():
        past = plan.lead.post(f"{plan.path}/steps/one/{verb}", body, **{"If-Match": "*"})
        assert past.status_code == 409, verb
    plan.works("four", "cap")
    advance(house, plan)
    assert plan.read()["state"] == "completed"
    assert check_record(house.engine) == []


def test_what_follows_a_step_left_out_early_still_waits_for_those_before_it(house: House) -> None:
    load(house, "early", [step("a"), step("b", after=["a"], may_skip=True), step("c", after=["b"])])
    plan = Live.begin(house, "early")
    plan.edit("/steps/b/skip")
    assert plan.states() == {"a": "open", "b": "skipped", "c": "waiting"}
    plan.works("a", "cap")
    advance(house, plan)
    assert plan.state("c") == "open"


def test_an_edit_that_takes_a_conditions_answer_away_is_refused_and_says_which(house: House) -> None:
    form = [{"key": "risk", "kind": "yes_no", "label": "Risk?"}]
    when = [{"step": "ask", "field": "risk", "one_of": ["yes"]}]
    load(house, "reads", [step("ask", form=form), step("act", after=["ask"], when=when)])
    plan = Live.begin(house, "reads")
    headers = {"If-Match": f'"{plan.body["version"]}"'}
    moved = plan.lead.post(f"{plan.path}/steps/act/move", {"after": []}, **headers)
    keys = {"Idempotency-Key": "reads-" + plan.id}
    dropped = plan.lead.http.request("DELETE", f"{plan.path}/steps/ask", headers=plan.lead.headers | keys | headers)
    for refused in (moved, dropped):
        assert (refused.status_code, refused.json()["code"]) == (409, "condition")
        assert "'act'" in refused.json()["detail"]
        assert "'ask'" in refused.json()["detail"]
    assert plan.states() == {"ask": "open", "act": "waiting"}
    plan.works("ask", "cap", {"risk": "yes"})
    advance(house, plan)
    assert plan.state("act") == "open"


@pytest.mark.parametrize("how", ["revoked", "ended"])
def test_no_plan_begins_on_a_consent_that_holds_no_more(house: House, two_steps: str, how: str) -> None:
    maria = house.caseworker("cap")
    client = maria.does("/v1/clients", {"given_name": "Ana", "family_name": "Brook"})["id"]
    consent = house.consent(maria, client, "housing")["id"]
    if how == "revoked":
        maria.does(f"/v1/consents/{consent}/revoke")
    else:
        house.sql("update consent set valid_from = now() - interval '2 days', valid_until = now() - interval '1 day'"
                  " where id = %s", consent)  # fmt: skip
    answer = maria.post("/v1/action-plans", {"template": two_steps, "client_id": client, "consent_id": consent})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/consent_id")


def test_a_newer_template_is_shown_as_a_difference_and_changes_only_what_has_not_begun(house: House) -> None:
    load(house, "newer", [step("one"), step("two", after=["one"]), step("three", after=["two"])])
    plan = Live.begin(house, "newer")
    plan.edit("/steps", {"key": "ours", "title": "Something of our own", "after": ["two"]})
    load(house, "newer", [step("one", may_skip=True), step("two", {"organization": "housing"}, after=["one"]),
                          step("four", after=["two"])], version=2)  # fmt: skip
    preview = plan.lead.read(f"{plan.path}/switch-preview")
    assert preview == {
        "template_version": 2,
        "added": ["four"],
        "removed": ["three"],
        "changed": ["two"],
        "kept": ["one"],
        "clashes": [],
        "refused": None,
        "steps": [
            {"key": "two", "was": {"owner": "lead"}, "becomes": {"owner": {"organization": "housing"}}},
            {"key": "four", "was": {}, "becomes": preview["steps"][1]["becomes"]},
        ],
        "goals": [],
    }
    assert preview["steps"][1]["becomes"]["after"] == ["two"]
    assert plan.read()["template_version"] == 1
    switched = plan.edit("/switch")
    assert switched["template_version"] == 2
    assert set(plan.states()) == {"one", "two", "four", "ours"}
    assert plan.step("two")["organization_id"] == str(organization_id(house, "housing"))


def test_a_plan_past_its_date_or_its_review_is_stalled_and_says_why(house: House, two_steps: str) -> None:
    plan = Live.begin(house, two_steps)
    house.sql("update action_plan set due_at = now() - interval '1 hour', next_review_at = now() - interval '2 hours'"
              " where id = %s", plan.id)  # fmt: skip
    advance(house, plan)
    assert stands(plan)["reason_code"] == "review_due", "it passed first"
    assert "plan_overdue" in [one["kind"] for one in plan.lead.read(f"{plan.path}/timeline")["items"]]
    plan.edit("/review", {"outcomes": {"home": "partly_met"}, "note": "Better."})
    assert plan.read()["goals"][0]["outcome"] == "partly_met"
    assert stands(plan)["reason_code"] == "plan_past_date"


def stands(plan: Live) -> dict[str, Any]:
    """The one item by which the plan is listed."""
    items = plan.lead.read("/v1/monitor/stalled", limit="200")["items"]
    (item,) = [one for one in items if one["id"] == plan.id]
    return dict(item)


def test_a_plan_of_which_two_dates_passed_at_once_stands_on_one_page(house: House, two_steps: str) -> None:
    plan = Live.begin(house, two_steps)
    house.sql(
        "update action_plan set due_at = at, next_review_at = at from (select now() - interval '9 years' as at) x"
        " where id = %s",
        plan.id,
    )
    assert stands(plan)["reason_code"] == "plan_past_date"
    page = plan.lead.read("/v1/monitor/stalled", limit="1")
    assert [(one["id"], one["reason_code"]) for one in page["items"]] == [(plan.id, "plan_past_date")]
    rest = plan.lead.read("/v1/monitor/stalled", limit="200", cursor=page["next_cursor"])["items"]
    assert plan.id not in [one["id"] for one in rest]


def test_a_review_is_missing_since_the_one_before(house: House, two_steps: str) -> None:
    plan = Live.begin(house, two_steps)
    late = "update action_plan set next_review_at = now() where id = %s"
    house.sql(late, plan.id)
    begun = house.sql("select created_at from action_plan where id = %s", plan.id)[0][0]
    assert datetime.fromisoformat(stands(plan)["since"]) == begun
    for _ in range(2):
        plan.edit("/review", {"outcomes": {"home": "partly_met"}})
    house.sql(late, plan.id)
    reviewed = "select max(at) from event where action_plan_id = %s and kind = 'plan_reviewed'"
    for login in ("maria.cap", "ruth.hub"):
        items = house.person(login).read("/v1/monitor/stalled", limit="200", kind="action_plan")["items"]
        (item,) = [one for one in items if one["id"] == plan.id]
        assert datetime.fromisoformat(item["since"]) == house.sql(reviewed, plan.id)[0][0], login


def test_a_plan_for_the_wrong_family_takes_back_all_that_it_counted(house: House, two_steps: str) -> None:
    before = numbers(house)
    plan = Live.begin(house, two_steps)
    plan.works("listen", "cap")
    advance(house, plan)
    plan.works("rent", "housing")
    advance(house, plan)
    plan.edit("/close", {"outcomes": {"home": "need_met"}})
    assert numbers(house) != before
    plan.edit("/void", {"reason": "The wrong family."})
    assert plan.read()["state"] == "entered_in_error"
    assert [(goal["outcome"], goal["outcome_by"]) for goal in plan.body["goals"]] == [(None, None)]
    assert numbers(house) == before
    proven(house)


def test_a_repeated_beginning_makes_one_plan(house: House, two_steps: str) -> None:
    maria = house.caseworker("cap")
    body: dict[str, object] = {"template": two_steps, "client": {"given_name": "Ana", "family_name": "Brook"}}
    first, second = (maria.post("/v1/action-plans", body, key="twice") for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"template": "no_such_pathway"}, "/template"),
        ({"template_version": 99}, "/template"),
        ({"client_id": "01890000-0000-7000-8000-000000000001"}, "/client_id"),
        ({"due_on": "2001-01-01"}, "/due_on"),
    ],
)
def test_a_slip_at_the_beginning_is_pointed_at(
    house: House, two_steps: str, body: dict[str, object], pointer: str
) -> None:
    asked = {"template": two_steps, "client": {"given_name": "Ana", "family_name": "Brook"}} | body
    if "client_id" in body:
        asked.pop("client")
    answer = house.caseworker("cap").post("/v1/action-plans", asked)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_fifty_steps_with_diamonds_are_read_in_one_statement(house: House) -> None:
    steps = [step("s0")]
    for n in range(1, 49, 3):
        before = steps[-1]["key"]
        steps += [step(f"a{n}", {"organization": "housing"}, after=[before]), step(f"b{n}", after=[before]),
                  step(f"c{n}", after=[f"a{n}", f"b{n}"])]  # fmt: skip
    steps.append(step("last", after=[steps[-1]["key"]]))
    load(house, "fifty", steps)
    plan = Live.begin(house, "fifty")
    assert len(plan.body["steps"]) == 50
    asked: list[str] = []
    engine = house.api.database.engine

    def count(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    listen(engine, "before_cursor_execute", count)
    try:
        get_plan(house.api, house.call(plan.lead.login), UUID(plan.id))
    finally:
        remove(engine, "before_cursor_execute", count)
    assert len([one for one in asked if "app.enter" not in one]) == 1, asked


def test_what_a_step_recorded_is_said_where_the_numbers_can_count_it(house: House) -> None:
    form = [{"key": "risk", "kind": "yes_no", "label": "Risk?"}, {"key": "rooms", "kind": "number", "label": "Rooms?"}]
    load(
        house,
        "facts",
        [step("ask", form=form, feeds=["needs_met"]), step("act", {"organization": "housing"}, after=["ask"])],
    )
    plan = Live.begin(house, "facts")
    plan.works("ask", "cap", {"risk": "yes", "rooms": 2.5})
    advance(house, plan)
    plan.works("act", "housing")
    facts = dict(
        house.sql(
            "select kind || ' ' || (facts ->> 'step'), facts from event"
            " where action_plan_id = %s and kind in ('task_completed', 'task_accepted')",
            plan.id,
        )
    )
    done = facts["task_completed ask"]
    assert {name: done[name] for name in ("template", "feeds", "answer.risk", "answer.rooms")} == {
        "template": "facts",
        "feeds": ["needs_met"],
        "answer.risk": "yes",
        "answer.rooms": 2.5,
    }
    assert facts["task_accepted act"]["handover_days"] == 0
    assert "handover_days" not in facts["task_accepted ask"]


def test_a_follow_up_opens_by_itself_on_its_day(house: House) -> None:
    load(house, "follow", [step("serve"), step("ask_again", after=["serve"], opens_after_days=30)])
    plan = Live.begin(house, "follow")
    plan.works("serve", "cap")
    progress = advance_plan(house.engine, UUID(plan.id))
    assert plan.step("ask_again")["opens_at"] is not None
    assert progress.look_in is not None
    assert plan.state("ask_again") == "waiting"
    house.sql("update task set moved_at = now() - interval '31 days' where action_plan_id = %s", plan.id)
    advance(house, plan)
    assert plan.state("ask_again") == "open"


def test_a_step_that_was_an_error_opens_again_while_the_plan_lives_else_it_is_left_out(
    house: House,
) -> None:
    load(house, "an_error", [step("a"), step("b")])
    maria, found, mine = house.caseworker("cap"), [], []
    for over in (False, True):
        plan = Live.begin(house, "an_error")
        mine.append(plan.id)
        tasks = {one["key"]: one["task"]["id"] for one in plan.body["steps"]}
        for key in ("a", "b") if over else ("a",):
            maria.does(f"/v1/tasks/{tasks[key]}/accept")
            maria.does(f"/v1/tasks/{tasks[key]}/complete")
        advance_plan(house.engine, UUID(plan.body["id"]))
        maria.does(f"/v1/tasks/{tasks['a']}/void", {"reason": "The wrong family."})
        advance_plan(house.engine, UUID(plan.body["id"]))
        shown = maria.read(f"/v1/action-plans/{plan.body['id']}")
        found.append((shown["state"], next(one["state"] for one in shown["steps"] if one["key"] == "a")))
    assert found == [("active", "open"), ("completed", "skipped")]
    assert not [wrong for wrong in check_record(house.engine) if "audit" in wrong or any(one in wrong for one in mine)]


def test_an_answer_that_was_wrong_is_given_anew_and_the_step_that_it_left_out_comes_back(house: House) -> None:
    asks = {"key": "afraid", "kind": "yes_no", "label": "Is anybody afraid?"}
    when = [{"step": "listen", "field": "afraid", "one_of": ["yes"]}]
    load(
        house,
        "corrected",
        [
            step("listen", form=[asks]),
            step("safety", {"organization": "housing"}, after=["listen"], when=when),
            step("last", after=["safety"]),
        ],
    )
    plan = Live.begin(house, "corrected")
    plan.works("listen", "cap", {"afraid": "no"})
    advance(house, plan)
    assert plan.states() == {"listen": "done", "safety": "skipped", "last": "open"}
    plan.lead.does(f"{plan.task('listen')}/void", {"reason": "The wrong box."})
    advance(house, plan)
    plan.edit("/steps/listen/reassign", {})
    plan.works("listen", "cap", {"afraid": "yes"})
    advance(house, plan)
    assert plan.states() == {"listen": "done", "safety": "open", "last": "open"}
    told = [one["kind"] for one in plan.lead.read(f"{plan.path}/timeline")["items"]]
    assert told.count("step_taken_back") == 1
    assert not [wrong for wrong in check_record(house.engine) if plan.id in wrong]


def test_the_familys_word_on_a_step_stands_above_the_leads_on_its_goal(house: House) -> None:
    rent = {"organization": "housing", "service": house.service("housing").name}
    home = {"key": "home", "name": "A home", "term": "housing"}
    load(house, "said_at_a_step", [step("rent", rent, kind="referral", goal="home")], goals=[home])
    plan = Live.begin(house, "said_at_a_step")
    plan.works("rent", "housing", outcome="need_met")
    referral, need = plan.step("rent")["referral_id"], f"/v1/needs/{plan.body['goals'][0]['need_id']}"
    plan.lead.does(f"/v1/referrals/{referral}/confirm", {"outcome": "unmet", "by": "client"})
    plan.edit("/review", {"outcomes": {"home": "need_met"}, "by": "source"})
    said = plan.lead.read(need)
    assert (said["outcome"], said["outcome_by"]) == ("unmet", "client")
    proven(house)


@pytest.mark.parametrize("last", ["review", "close"])
def test_the_familys_word_on_a_goal_stands_above_the_leads_whoever_speaks_last(house: House, last: str) -> None:
    code = f"voices_{last}"
    load(house, code, [step("listen")], goals=[{"key": "home", "name": "A home", "term": "housing"}])
    before = numbers(house)
    plan = Live.begin(house, code)

    def stands() -> tuple[Any, ...]:
        goal = plan.read()["goals"][0]
        need = plan.lead.read(f"/v1/needs/{goal['need_id']}")
        assert (need["outcome"], need["outcome_by"]) == (goal["outcome"], goal["outcome_by"])
        return goal["outcome"], goal["outcome_by"]

    plan.edit("/review", {"outcomes": {"home": "unmet"}, "by": "source"})
    assert stands() == ("unmet", "source")
    plan.edit("/review", {"outcomes": {"home": "partly_met"}, "by": "client"})
    plan.edit("/review", {"outcomes": {"home": "need_met"}, "by": "client"})
    assert stands() == ("need_met", "client"), "its later word replaces its own"
    said = {"outcomes": {"home": "unmet"}}
    plan.edit(
        "/review" if last == "review" else "/close", said if last == "review" else said | {"reason": "moved_away"}
    )
    assert stands() == ("need_met", "client")
    kept = house.sql("select outcome_client, outcome_source from plan_goal where action_plan_id = %s", plan.id)
    assert kept == [("need_met", "unmet")], "what differs is all kept"
    now = numbers(house)
    assert sum(now["needs_met"].values()) > sum(before["needs_met"].values())
    assert now.get("needs_unmet") == before.get("needs_unmet")
    proven(house)
    plan.edit("/void", {"reason": "The wrong family."})
    assert numbers(house) == before


@pytest.mark.parametrize(("days_ago", "asked"), [(40, "open"), (10, "waiting")])
def test_what_follows_work_told_late_is_counted_from_when_it_was_done(house: House, days_ago: int, asked: str) -> None:
    code = f"told_{days_ago}"
    load(
        house,
        code,
        [step("assess"), step("court", {"organization": "legal"}, after=["assess"]),
         step("ask_again", after=["assess"], opens_after_days=30)],
    )  # fmt: skip
    plan = Live.begin(house, code)
    told, task = datetime.now(UTC) - timedelta(days=days_ago), plan.task("assess")
    _older(house, plan)
    for verb in ("accept", "complete"):
        plan.lead.does(f"{task}/{verb}", {"occurred_at": told.isoformat()})
    advance(house, plan)
    assert datetime.fromisoformat(plan.step("assess")["ended_at"]) == told
    assert (plan.state("court"), plan.state("ask_again")) == ("open", asked)
    opens_at = plan.step("ask_again")["opens_at"]
    assert asked == "open" or datetime.fromisoformat(opens_at) == told + timedelta(days=30)
    court = plan.task("court")
    house.caseworker("legal").does(f"{court}/accept")
    ((handed_over_at, facts),) = house.sql(
        "select f.handed_over_at, e.facts from event e join referral f on f.id = e.referral_id"
        " where e.kind = 'task_accepted' and e.task_id = %s",
        court.rpartition("/")[2],
    )
    assert handed_over_at == told
    assert facts["handover_days"] > days_ago // 2, "in business days, of which some may be holidays"


def _older(house: House, plan: Live) -> None:
    """As if the plan had been made fifty days ago."""
    ago = " - interval '50 days'"
    for table, columns in (
        ("action_plan", ["created_at"]),
        ("referral", ["created_at", "requested_at"]),
        ("task", ["created_at", "requested_at", "moved_at", "clock_started_at"]),
    ):
        moved = ", ".join(f"{each} = {each}{ago}" for each in columns)
        owner = "id" if table == "action_plan" else "action_plan_id"
        house.sql(f"set session_replication_role = replica; update {table} set {moved} where {owner} = '{plan.id}'")


def _drop(plan: Live, key: str) -> tuple[int, Any]:
    headers = plan.lead.headers | {"If-Match": "*", "Idempotency-Key": uuid4().hex}
    answer = plan.lead.http.delete(f"{plan.path}/steps/{key}", headers=headers)
    return answer.status_code, answer.json().get("code")


def test_while_a_question_is_asked_again_nobody_is_asked_for_what_hangs_on_it_nor_left_out(house: House) -> None:
    asks = [{"key": key, "kind": "yes_no", "label": "Is it so?"} for key in ("afraid", "rent_due")]
    hangs = {key: [{"step": "listen", "field": key, "one_of": ["yes"]}] for key in ("afraid", "rent_due")}
    load(
        house,
        "asked_again",
        [
            step("listen", form=asks),
            step("agree", after=["listen"]),
            step("safety", {"organization": "housing"}, after=["agree"], when=hangs["afraid"]),
            step("rent", {"organization": "housing"}, after=["agree"], when=hangs["rent_due"]),
            step("funds", {"organization": "legal"}, after=["rent"]),
        ],
    )
    plan = Live.begin(house, "asked_again")
    plan.works("listen", "cap", {"afraid": "yes", "rent_due": "no"})
    advance(house, plan)
    plan.lead.does(f"{plan.task('listen')}/void", {"reason": "The wrong boxes."})
    plan.works("agree", "cap")
    advance(house, plan)
    waiting = {"listen": "open", "agree": "done", "safety": "waiting", "rent": "waiting", "funds": "waiting"}
    assert plan.states() == waiting
    assert _drop(plan, "listen") == (409, "condition")
    plan.edit("/steps/listen/reassign", {})
    plan.works("listen", "cap", {"afraid": "yes", "rent_due": "no"})
    advance(house, plan)
    answered = {"listen": "done", "agree": "done", "safety": "open", "rent": "skipped", "funds": "open"}
    assert plan.states() == answered
    plan.lead.does(f"{plan.task('listen')}/void", {"reason": "The wrong boxes."})
    assert _drop(plan, "listen") == (409, "condition"), "before the engine looked, too"
    assert not [wrong for wrong in check_record(house.engine) if plan.id in wrong]


def test_a_new_step_says_one_owner_and_a_referral_what_it_asks_for(house: House, two_steps: str) -> None:
    plan = Live.begin(house, two_steps)
    legal, service = str(organization_id(house, "legal")), str(house.service("housing").id)
    hub = str(organization_id(house, "hub"))
    slips: list[tuple[dict[str, str], str]] = [
        ({"organization_id": hub}, "/organization_id"),
        ({"kind": "referral"}, "/service_id"),
        ({"organization_id": legal, "service_id": service}, "/service_id"),
        ({"organization_id": legal, "term": "housing"}, "/term"),
        ({"kind": "referral", "term": "food.pantry", "goal": "home"}, "/goal"),
        ({"kind": "referral", "service_id": str(house.service("pantry").id), "goal": "home"}, "/goal"),
        ({"organization_id": legal, "on_failure": "other_provider"}, "/on_failure"),
    ]
    for slip, pointer in slips:
        body = {"key": "extra", "title": "Do more"} | slip
        answer = plan.lead.post(f"{plan.path}/steps", body, **{"If-Match": f'"{plan.body["version"]}"'})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), slip
    plan.edit("/steps", {"key": "twice", "title": "Do more", "after": ["listen"] * 2, "before": ["rent"] * 2})
    assert (plan.step("twice")["after"], plan.step("rent")["after"]) == (["listen"], ["listen", "twice"])
    plan.edit("/steps/twice/move", {"after": ["listen"] * 2})
    told = [one["changed"] for one in plan.lead.read(f"{plan.path}/timeline")["items"] if one["step_key"] == "twice"]
    assert [(one["after"], one.get("before")) for one in told] == [(["listen"], None), (["listen"], ["rent"])]
    for key, fits in ("asks", {"kind": "referral", "service_id": service}), ("talks", {"organization_id": legal}):
        plan.edit("/steps", {"key": key, "title": "Do more", "goal": "home"} | fits)
    for whose, pointer in (
        ({"service_id": str(house.service("pantry").id)}, "/service_id"),
        ({"term": "food.pantry"}, "/term"),
        ({"organization_id": legal}, "/service_id"),
        ({"organization_id": hub}, "/organization_id"),
    ):
        answer = plan.lead.post(f"{plan.path}/steps/asks/reassign", whose, **{"If-Match": "*"})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), whose
    assert plan.step("asks")["service_id"] == service
    plan.edit("/steps/asks/reassign", {})
    assert plan.step("asks")["organization_id"] == plan.body["organization_id"], "the lead may always do it itself"


@pytest.mark.parametrize("edit", ["close", "reassign"])
def test_an_edit_that_waited_for_a_partner_s_move_comes_after_it(house: House, edit: str) -> None:
    """The partner's yes is under way when the lead edits: it was not before what is on the record."""
    load(house, f"waits_{edit}", [step("a", {"organization": "housing"}), step("b", after=["a"])])
    plan, gwen = Live.begin(house, f"waits_{edit}"), house.person("gwen.housing")
    task, version, referral = plan.task("a"), plan.read()["version"], plan.step("a")["referral_id"]
    path, body = {
        "close": (f"{plan.path}/close", {"reason": "plan_changed"}),
        "reassign": (f"{plan.path}/steps/a/reassign", {"organization_id": str(organization_id(house, "family"))}),
    }[edit]
    with ThreadPoolExecutor(2) as pool, psycopg.connect(libpq_url(house.admin_url)) as holder:
        holder.execute("select from referral where id = %s for update", [referral])
        yes = pool.submit(gwen.post, f"{task}/accept")
        eventually(lambda: waiting(house) == 1)
        edited = pool.submit(lambda: plan.lead.post(path, body, **{"If-Match": f'"{version}"'}))
        eventually(lambda: waiting(house) == 2)
        holder.commit()
        assert (yes.result().status_code, edited.result().status_code) == (200, 200), edited.result().text
    ((accepted, at),) = house.sql(
        "select max(at) filter (where kind = 'task_accepted'), max(at) filter (where task_id is null)"
        " from event where task_id = %s or action_plan_id = %s",
        task.rpartition("/")[2],
        plan.id,
    )
    assert accepted < at


def waiting(house: House) -> int:
    """How many wait for a lock in this house."""
    query = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    return int(house.sql(query)[0][0])
