"""A family needs five agencies, in an order, with hand-overs: the whole plan over HTTP while the engine runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from temporalio.client import Client

from concert.reconcile import check_invariants, rehydrate, repair
from tests.house import House, Loop, eventually
from tests.services.plans import Live, load, step
from tests.services.scenes import organization_id

YES_NO = {"kind": "yes_no", "label": "Is it so?"}
SCREENING = [
    {"key": "housing_risk", **YES_NO},
    {"key": "children", "kind": "number", "label": "How many children?", "minimum": 0, "maximum": 20},
]


@pytest.fixture(scope="module")
def crisis(house: House) -> str:
    """Twelve steps: listen, screen, then housing and family side by side, and both meet again."""
    load(
        house,
        "crisis",
        [
            step("listen", may_skip=True),
            step("screen", {"organization": "family"}, after=["listen"], form=SCREENING),
            step("find_room", {"term": "food.pantry"}, after=["screen"], kind="referral", goal="food",
                 on_decline="other_provider"),
            step("see_landlord", {"organization": "housing"}, after=["screen"],
                 when=[{"step": "screen", "field": "housing_risk", "one_of": ["yes"]}]),
            step("sign_lease", {"organization": "housing"}, after=["see_landlord"]),
            step("move_in", {"organization": "housing"}, after=["sign_lease"]),
            step("court", {"organization": "legal"}, after=["screen"],
                 when=[{"step": "screen", "field": "children", "at_least": 3}]),
            step("visit", {"organization": "family"}, after=["screen"]),
            step("parents", {"organization": "family"}, after=["visit"]),
            step("shots", {"organization": "health"}, after=["visit"]),
            step("budget", after=["move_in", "parents", "court"]),
            step("thank", after=["budget", "shots", "find_room"]),
        ],
        goals=[{"key": "food", "name": "Food on the table", "term": "food"},
               {"key": "home", "name": "A home that lasts", "term": "housing"}],
    )  # fmt: skip
    return "crisis"


def _opens(plan: Live, key: str) -> None:
    eventually(lambda: plan.state(key) == "open")


@pytest.mark.usefixtures("engine")
def test_twelve_steps_over_five_partners_from_the_pathway_to_the_outcome_of_each_goal(
    house: House, crisis: str
) -> None:
    plan = Live.begin(house, crisis)
    assert plan.states() == dict.fromkeys(plan.states(), "waiting") | {"listen": "open"}
    plan.works("listen", "cap")
    _opens(plan, "screen")

    tess = house.caseworker("family")
    tess.does(f"{plan.task('screen')}/accept")
    for outputs, pointer in (
        ({"housing_risk": "perhaps", "children": 2}, "/outputs/housing_risk"),
        ({"housing_risk": "yes"}, "/outputs/children"),
        ({"housing_risk": "yes", "children": 40}, "/outputs/children"),
        ({"housing_risk": "yes", "children": 2, "pets": 1}, "/outputs/pets"),
        ({"housing_risk": ["Rosalind"], "children": 2}, "/outputs/housing_risk"),
        ({"housing_risk": "yes", "children": "Rosalind has two"}, "/outputs/children"),
        ({"housing_risk": "yes", "children": None}, "/outputs/children"),
    ):
        refused = tess.post(f"{plan.task('screen')}/complete", {"outputs": outputs})
        assert refused.status_code == 422, refused.text
        assert refused.json()["errors"][0]["pointer"] == pointer
        assert "Rosalind" not in refused.text
    tess.does(f"{plan.task('screen')}/complete", {"outputs": {"housing_risk": "yes", "children": 2}})

    eventually(lambda: plan.states()["visit"] == "open")
    states = plan.states()
    assert (states["find_room"], states["see_landlord"], states["visit"]) == ("open", "open", "open")
    assert states["court"] == "skipped"
    assert plan.step("court")["skipped_because"] == "condition"

    first = plan.step("find_room")
    asked = next(o.slug for o in house.region.organizations if str(o.id) == first["organization_id"])
    decline = {"reason_code": "full", "reason_class": "no_capacity"}
    worker = house.caseworker(asked)
    worker.does(f"/v1/tasks/{first['task']['id']}/decline", decline)
    again = eventually(lambda: _other(plan, "find_room", first["organization_id"]))
    assert again["task"]["id"] != first["task"]["id"]
    owner = next(o for o in house.region.organizations if str(o.id) == again["organization_id"])
    if owner.mode == "connected":
        plan.works("find_room", owner.slug, outcome="need_met")
    else:
        for verb, body in (("accept", {}), ("complete", {"outcome": "need_met"})):
            plan.lead.does(f"{plan.task('find_room')}/{verb}", body | {"said_by": "Front desk"})
    plan.lead.does(f"/v1/referrals/{again['referral_id']}/confirm", {"outcome": "need_met"})

    plan.works("see_landlord", "housing")
    _opens(plan, "sign_lease")
    plan.edit("/steps", {"key": "furniture", "title": "Bring beds and a table", "after": ["sign_lease"],
                         "before": ["budget"], "organization_id": str(organization_id(house, "faith"))})  # fmt: skip
    plan.edit("/steps/shots/reassign", {"organization_id": str(organization_id(house, "clinic"))})
    stale = plan.lead.post(f"{plan.path}/steps/budget/move", {"after": []}, **{"If-Match": '"1"'})
    assert stale.status_code == 412
    assert plan.lead.post(f"{plan.path}/steps/budget/move", {"after": []}).status_code == 428
    assert tess.post(f"{plan.path}/steps/budget/move", {"after": []}, **{"If-Match": "*"}).status_code == 403

    for key, slug in (("sign_lease", "housing"), ("move_in", "housing"), ("visit", "family"), ("parents", "family"),
                      ("shots", "clinic"), ("furniture", "faith"), ("budget", "cap"), ("thank", "cap")):  # fmt: skip
        _opens(plan, key)
        plan.works(key, slug)

    eventually(lambda: set(plan.states().values()) == {"done", "skipped"})
    early = plan.lead.post(f"{plan.path}/close", {"outcomes": {"food": "need_met"}}, **{"If-Match": "*"})
    assert early.json()["errors"][0]["pointer"] == "/outcomes/home"
    closed = plan.edit("/close", {"outcomes": {"food": "need_met", "home": "partly_met"}})
    assert closed["state"] == "completed"
    assert {goal["key"]: goal["outcome"] for goal in closed["goals"]} == {"food": "need_met", "home": "partly_met"}
    kinds = [event["kind"] for event in plan.lead.read(f"{plan.path}/timeline")["items"]]
    for kind in ("plan_created", "step_opened", "step_skipped", "plan_step_added", "plan_step_reassigned",
                 "referral_rerouted", "plan_closed"):  # fmt: skip
        assert kind in kinds
    before = plan.lead.read(f"{plan.path}/versions/1")
    assert "furniture" not in [one["key"] for one in before["steps"]]
    eventually(lambda: house.sql("select count(*) = 0 from outbox")[0][0])


def _other(plan: Live, key: str, organization: str) -> Any:
    one = plan.step(key)
    return one if one["organization_id"] not in (None, organization) and one["task"] else None


@pytest.fixture
def temporal_client(house: House, engine: Callable[[], None], loop: Loop) -> Client:
    async def connect() -> Client:
        return await Client.connect(house.settings.temporal_address, namespace=house.settings.temporal_namespace)

    return loop.run(connect())


@pytest.mark.parametrize("way", ["rehydrate", "repair"])
def test_the_engine_loses_a_plan_in_the_middle_and_the_partners_notice_nothing(
    house: House, crisis: str, temporal_client: Client, loop: Loop, way: str
) -> None:
    plan = Live.begin(house, crisis)
    plan.works("listen", "cap")
    _opens(plan, "screen")
    plan.works("screen", "family", {"housing_risk": "no", "children": 5})
    eventually(lambda: plan.states()["court"] == "open")
    before = house.sql("select id, state, version from task where action_plan_id = %s order by id", plan.id)

    async def lose() -> None:
        await temporal_client.get_workflow_handle(f"plan-{plan.id}").terminate("lost")

    loop.run(lose())
    plan.works("visit", "family")
    if way == "rehydrate":
        loop.run(rehydrate(house.engine, temporal_client))
    else:
        assert loop.run(repair(house.engine, temporal_client)).left == ()
    _opens(plan, "parents")
    after = house.sql("select id, state, version from task where action_plan_id = %s order by id", plan.id)
    done = plan.body["steps"]
    assert [row for row in after if row in before] == [row for row in before if row[0] != _task_id(done, "visit")]
    doubled = "select step_key from task where action_plan_id = %s group by step_key, round having count(*) > 1"
    assert house.sql(doubled, plan.id) == []

    plan.works("court", "legal")
    plan.works("parents", "family")
    plan.edit("/close", {"outcomes": {"food": "unmet", "home": "unmet"}, "reason": "moved_away"})
    eventually(lambda: plan.read()["state"] == "closed_early")
    assert set(plan.states().values()) <= {"done", "skipped", "waiting"}
    assert loop.run(check_invariants(house.engine, temporal_client)) == []


def _task_id(steps: list[dict[str, Any]], key: str) -> Any:
    from uuid import UUID

    return UUID(next(one["task"]["id"] for one in steps if one["key"] == key))
