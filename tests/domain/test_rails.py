"""How a pathway is drawn: every step on its own rail for as long as somebody waits for it."""

from __future__ import annotations

from hypothesis import given

from domain.rails import Row, rows
from tests.domain.test_graph import Order, orders


def test_branches_fan_out_to_the_right_and_come_together_again() -> None:
    drawn = rows({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]})
    assert drawn == [
        Row("a", 0, (), (), (0,)),
        Row("b", 1, (0,), (0,), (0, 1)),
        Row("c", 0, (0,), (1,), (0, 1)),
        Row("d", 0, (0, 1), (), ()),
    ]


def test_who_waits_in_a_circle_is_not_drawn_and_nobody_waits_for_nobody() -> None:
    assert [row.key for row in rows({"a": ["b"], "b": ["a"], "c": ["ghost", "ghost"]})] == ["c"]


@given(orders())
def test_every_arrow_is_drawn_and_no_two_steps_share_a_rail_at_once(order: Order) -> None:
    drawn = rows(order)
    assert sorted(row.key for row in drawn) == sorted(order)
    rails: dict[int, str] = {}
    for row in drawn:
        assert {rails[rail] for rail in row.joins} == set(order[row.key])
        assert row.rail not in row.passing
        rails = {rail: rails[rail] for rail in row.passing} | {row.rail: row.key}
        assert set(row.below) <= set(rails)
        rails = {rail: rails[rail] for rail in row.below}
    assert rails == {}
