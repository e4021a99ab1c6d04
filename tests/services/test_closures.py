"""A provider is closed on a day that was entered after a clock had begun: nobody is reminded before it opens again."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.advance import advance_referral
from tests.house import House
from tests.services.plans import Live, load, step
from tests.services.scenes import events, refer


@pytest.fixture
def late(house: House) -> Any:
    """Its limit, and the hard one, passed a moment ago."""
    referral = refer(house, "cap", "ride")
    house.sql("update task set due_at = now(), hard_at = now() where referral_id = %s", str(referral.id))
    return referral


def close(house: House, *days: date) -> None:
    house.sql(
        "update service set closed_on = to_jsonb(%s::text[]) where id = %s",
        [day.isoformat() for day in days],
        house.service("ride").id,
    )


def today(house: House) -> date:
    (zone,) = house.sql("select zone from collaborative")[0]
    return datetime.now(ZoneInfo(zone)).date()


def listed(house: House, referral: Any) -> bool:
    items = house.person("ruth.hub").read("/v1/monitor/stalled", limit=200)["items"]
    return str(referral.id) in [item["referral_id"] for item in items]


def test_on_a_closed_day_nothing_is_said_nothing_expires_and_nothing_is_listed(house: House, late: Any) -> None:
    close(house, today(house))
    assert not listed(house, late), "before the engine has looked"
    advance_referral(house.engine, late.id)
    assert events(house, late.id) == ["referral_created", "task_requested"]
    ((due, hard, state),) = house.sql("select due_at, hard_at, state from task where referral_id = %s", str(late.id))
    assert state == "requested"
    assert due == hard > datetime.now(due.tzinfo)
    assert due.astimezone(ZoneInfo(house.sql("select zone from collaborative")[0][0])).date() > today(house)
    assert not listed(house, late)
    close(house)


def test_on_a_closed_day_a_plan_s_partner_is_not_told_that_the_step_before_stands_still(house: House) -> None:
    """Nobody else is, until the office opens again."""
    load(house, "closed_root", [
        step("ride", {"term": house.service("ride").term}),
        step("then", {"organization": "housing"}, after=["ride"]),
    ])  # fmt: skip
    plan = Live.begin(house, "closed_root")
    assert plan.step("ride")["task"]["service_id"] == str(house.service("ride").id)
    house.sql("update task set due_at = now() where action_plan_id = %s", plan.id)

    def told() -> list[str]:
        items = house.person("gwen.housing").read("/v1/monitor/stalled", limit=200)["items"]
        return [item["reason_code"] for item in items if item["action_plan_id"] == plan.id]

    assert told() == ["predecessor_stalled"]
    close(house, today(house))
    assert told() == []
    house.sql("update task set due_at = now() - interval '1 day' where action_plan_id = %s", plan.id)
    assert told() == ["predecessor_stalled"], "the day before it was open"
    close(house, *(today(house) - timedelta(days=ago) for ago in range(20)))
    assert told() == []
    house.sql("update task set due_at = now() - interval '16 days' where action_plan_id = %s", plan.id)
    assert told() == ["predecessor_stalled"], "two weeks are long enough"
    close(house)


def test_a_day_that_is_closed_later_holds_nothing_up(house: House, late: Any) -> None:
    close(house, today(house) + timedelta(days=1))
    assert listed(house, late)
    advance_referral(house.engine, late.id)
    assert "task_expired" in events(house, late.id)
    close(house)


def test_what_was_late_before_the_day_stays_late_on_it(house: House) -> None:
    """The provider had open days since."""
    referral = refer(house, "cap", "ride")
    house.sql("update task set due_at = now() - interval '3 days' where referral_id = %s", str(referral.id))
    close(house, today(house))
    assert listed(house, referral)
    advance_referral(house.engine, referral.id)
    assert "task_overdue" in events(house, referral.id)
    close(house)
