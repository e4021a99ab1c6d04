"""Action plans in the record alone: no engine runs; what it would do is asked for directly."""

from __future__ import annotations

from uuid import UUID

import pytest

from services.plan_advance import advance_plan
from tests.house import House
from tests.services.plans import Live, load, step


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
