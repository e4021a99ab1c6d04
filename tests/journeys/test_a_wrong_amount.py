"""A thousand was typed where a hundred was paid, and the plan is over: whoever paid puts it right, and every number
follows, in the month in which it was paid.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.plan_advance import advance_plan
from tests.house import House, Person
from tests.services.plans import Live, load, step
from tests.services.scenes import at_once, numbers, proven
from tests.services.test_sums import AMOUNT

WRONG = {"outputs": {"amount": 100}, "reason": "One zero too many."}
RENT = step("pay", {"organization": "pantry"}, form=[AMOUNT], feeds=["flexible_funds_paid"])


@pytest.fixture(scope="module")
def rent(house: House) -> str:
    load(house, "rent", [RENT])
    return "rent"


@pytest.fixture
def plan(house: House, rent: str) -> Live:
    """A plan of one payment by the pantry, over as soon as that is done."""
    return Live.begin(house, rent)


def pays(house: House, plan: Live, amount: float) -> Person:
    plan.works("pay", "pantry", {"amount": amount})
    advance_plan(house.engine, UUID(plan.id))
    assert plan.read()["state"] == "completed"
    return house.caseworker("pantry")


def paid(house: House) -> float:
    """The region's amount, as the backbone reads it."""
    proven(house)
    series = house.person("ruth.hub").read("/v1/indicators/flexible_funds_paid")["series"]
    return float(sum(point["value"] or 0 for point in series))


def test_the_amount_is_put_right_and_counts_where_the_wrong_one_had(house: House, plan: Live) -> None:
    before = paid(house)
    lee = pays(house, plan, 1000)
    counted, task = numbers(house), plan.task("pay")
    assert paid(house) == before + 1000

    assert lee.read(task)["allowed_actions"] == ["correct"]
    corrected = lee.does(f"{task}/correct", WRONG)
    assert (corrected["state"], corrected["outputs"], corrected["allowed_actions"]) == (
        "completed", {"amount": 100}, ["correct"]
    )  # fmt: skip
    assert paid(house) == before + 100
    after = numbers(house)
    assert {code for code in after if after[code] != counted[code]} == {"flexible_funds_paid"}, "nothing else moves"

    again = lee.post(f"{task}/correct", WRONG)
    assert (again.status_code, again.json()["code"]) == (409, "same-answers")
    lee.does(f"{task}/correct", {"outputs": {"amount": 99.5}, "reason": "And fifty cents."})
    assert paid(house) == before + 99.5


def test_what_was_corrected_and_then_entered_in_error_counts_nowhere(house: House, rent: str) -> None:
    before = numbers(house)
    plan = Live.begin(house, rent)
    lee, task = pays(house, plan, 1000), plan.task("pay")
    lee.does(f"{task}/correct", WRONG)
    plan.edit("/void", {"reason": "The wrong family."})
    assert numbers(house) == before
    other = lee.post(f"{task}/correct", {"outputs": {"amount": 7}, "reason": "It was less."})
    assert (other.status_code, other.json()["code"], lee.read(task)["allowed_actions"]) == (409, "wrong-state", [])
    proven(house)


def test_both_sides_read_that_it_was_corrected_and_why_and_what_stands(house: House, plan: Live) -> None:
    lee = pays(house, plan, 1000)
    task, referral = plan.task("pay"), plan.step("pay")["referral_id"]
    lee.does(f"{task}/correct", WRONG)
    assert plan.lead.read(task)["outputs"] == {"amount": 100}
    for person in (lee, plan.lead):
        told = [one["kind"] for one in person.read(f"/v1/referrals/{referral}/timeline")["items"]]
        assert told[:2] == ["task_restated", "task_corrected"]
    said = [one["body"] for one in lee.read(f"/v1/referrals/{referral}/timeline")["messages"]]
    assert said == ["One zero too many."]
    events = house.person("ruth.hub").read(
        "/v1/indicators/flexible_funds_paid/events", period=f"{datetime.now(UTC):%Y-%m}"
    )["items"]
    mine = sorted(
        worth["value"] for one in events for worth in one["worth"] if one["task_id"] == task.rpartition("/")[2]
    )
    assert mine == [-100_000, 10_000, 100_000], "in cents: what was counted, taken back, and counted instead"


def test_only_whoever_did_it_corrects_it_once_it_is_done_and_with_answers_that_fit(house: House, plan: Live) -> None:
    task, lee = plan.task("pay"), house.caseworker("pantry")
    lee.does(f"{task}/accept")
    early = lee.post(f"{task}/correct", WRONG)
    assert (early.status_code, "correct" in lee.read(task)["allowed_actions"]) == (409, False)
    pays_now = lee.does(f"{task}/complete", {"outputs": {"amount": 1000}})
    assert "correct" in pays_now["allowed_actions"]
    assert plan.lead.post(f"{task}/correct", WRONG).status_code == 403, "the lead voids, it does not answer for others"
    assert house.caseworker("faith").post(f"{task}/correct", WRONG).status_code == 404
    assert house.person("ruth.hub").post(f"{task}/correct", WRONG).status_code == 403
    for outputs, pointer in (
        ({}, "/outputs/amount"),
        ({"amount": "many"}, "/outputs/amount"),
        ({"amount": 1, "x": 1}, "/outputs/x"),
    ):
        refused = lee.post(f"{task}/correct", {"outputs": outputs, "reason": "Wrong."})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer), refused.text
    assert lee.post(f"{task}/correct", {"outputs": {"amount": 1}}).status_code == 422, "why, is said always"
    assert plan.lead.read(task)["outputs"] == {"amount": 1000}


def test_of_two_who_correct_it_at_once_both_words_are_kept_and_one_amount_counts(house: House, plan: Live) -> None:
    before = paid(house)
    lee = pays(house, plan, 1000)
    task = plan.task("pay")
    words = [{"outputs": {"amount": amount}, "reason": "Wrong."} for amount in (100, 100, 200, 300)]
    answers = at_once(*(lambda body=body: lee.post(f"{task}/correct", body) for body in words))
    assert {one.status_code for one in answers} <= {200, 409}
    stands = plan.lead.read(task)["outputs"]["amount"]
    assert paid(house) == before + stands
    stale = lee.post(f"{task}/correct", WRONG, **{"If-Match": '"1"'})
    assert stale.status_code == 412


def test_a_step_that_was_left_out_because_of_a_wrong_answer_comes_back(house: House) -> None:
    asked = {"key": "risk", "kind": "yes_no", "label": "Is the home at risk?"}
    when = [{"step": "screen", "field": "risk", "one_of": ["yes"]}]
    steps = [step("screen", {"organization": "family"}, form=[asked]), step("see", after=["screen"], when=when)]
    load(house, "screened", [*steps, step("last", after=["see"])])
    plan = Live.begin(house, "screened")
    plan.works("screen", "family", {"risk": "no"})
    advance_plan(house.engine, UUID(plan.id))
    assert plan.states() == {"screen": "done", "see": "skipped", "last": "open"}
    body = {"outputs": {"risk": "yes"}, "reason": "Ticked the wrong box."}
    house.caseworker("family").does(f"{plan.task('screen')}/correct", body)
    looks = house.sql("select count(*) from outbox where kind = 'look' and workflow_id = %s", f"plan-{plan.id}")
    assert looks[0][0] >= 1, "the engine is asked to look again"
    advance_plan(house.engine, UUID(plan.id))
    assert plan.states() == {"screen": "done", "see": "open", "last": "open"}
    body = {"outputs": {"risk": "no"}, "reason": "The first answer was right."}
    house.caseworker("family").does(f"{plan.task('screen')}/correct", body)
    advance_plan(house.engine, UUID(plan.id))
    assert plan.state("see") == "open", "what was opened by an answer stays: its lead may drop it"
    proven(house)


def test_for_a_partner_on_the_phone_its_source_corrects_and_says_who_told_so(house: House) -> None:
    phoned = next(
        one.slug
        for one in house.region.organizations
        if one.mode == "by_phone" and any(service.organization_id == one.id for service in house.region.services)
    )
    maria, made = house.person("maria.cap"), house.refer("cap", phoned)
    task = f"/v1/tasks/{made['tasks'][0]['id']}"
    for verb, body in (("accept", {}), ("complete", {"outcome": "need_met", "outputs": {"nights": 2}})):
        maria.does(f"{task}/{verb}", body | {"said_by": "Ann at the desk"})
    before = numbers(house)
    body = {"outputs": {"nights": 3}, "reason": "Ann counted again."}
    assert maria.post(f"{task}/correct", body).json()["errors"][0]["pointer"] == "/said_by"
    assert maria.does(f"{task}/correct", body | {"said_by": "Ann at the desk"})["outputs"] == {"nights": 3}
    assert numbers(house) == before, "work outside a plan feeds no figure by its answers"
    proven(house)
