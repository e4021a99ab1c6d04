"""Large and many plans, small enough for every run; `python -m bench.plans` shows the real sizes."""

from __future__ import annotations

from bench.plans import at_once, fifty, load, steps
from concert.reconcile import check_invariants
from tests.house import House
from tests.workflows.room import Room

WARNING_EVENTS, WARNING_BYTES = 10_240, 10_000_000
"""Where Temporal begins to warn; it ends a workflow at five times that."""


def test_fifty_steps_with_diamonds_stay_far_below_the_engines_limits(room: Room, house: House) -> None:
    load(house.admin_url, house.region, "fifty", steps(50))
    size = room.loop.run(fifty(house.api, house.region, room.client), 300)
    assert size.events < WARNING_EVENTS / 10
    assert size.bytes < WARNING_BYTES / 10


def test_four_plans_at_once_all_finish(room: Room, house: House) -> None:
    load(house.admin_url, house.region, "ten", steps(7))
    size = room.loop.run(at_once(house.api, house.region, room.client, 4), 300)
    assert size.plans == 4


def test_nothing_of_a_plan_is_told_twice(room: Room, house: House) -> None:
    assert room.loop.run(check_invariants(house.engine, room.client), 120) == []
