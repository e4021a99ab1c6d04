"""Whom reminders reach, when, and when they stop: tables of situations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.calendar import Calendar
from domain.clock import Clock, Limits, Moment, Priority, Told, rested, rung_at
from domain.ladder import DEFAULT, Ladder, Rung, ladder_of
from domain.limit import Limit
from domain.quiet import Quiet
from domain.watch import climb_by_hand

DENVER = ZoneInfo("America/Denver")
NIGHT = Quiet.parse({"from": "20:00", "until": "07:00"}, "America/Denver")
NOON = Quiet.parse({"from": "12:00", "until": "13:00"}, "America/Denver")
ALWAYS = Calendar("America/Denver", {}, always_open=True)
STEEP = {"rungs": [{"to": "owner", "after": 0}, {"to": "backbone", "after": 0.25}]}


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=DENVER).astimezone(UTC)


@pytest.mark.parametrize(
    ("quiet", "at", "moved", "situation"),
    [
        (NIGHT, "2026-07-14T19:59", None, "just before the evening"),
        (NIGHT, "2026-07-14T20:00", "2026-07-15T07:00", "as the evening begins"),
        (NIGHT, "2026-07-14T23:30", "2026-07-15T07:00", "before midnight"),
        (NIGHT, "2026-07-15T00:00", "2026-07-15T07:00", "at midnight"),
        (NIGHT, "2026-07-15T06:59", "2026-07-15T07:00", "just before the morning"),
        (NIGHT, "2026-07-15T07:00", None, "as the morning begins"),
        (NIGHT, "2026-11-01T00:30", "2026-11-01T07:00", "the night in which the clock is put back"),
        (NIGHT, "2027-03-14T03:30", "2027-03-14T07:00", "the night in which it is put forward"),
        (NOON, "2026-07-14T12:30", "2026-07-14T13:00", "within one day"),
        (NOON, "2026-07-14T11:59", None, "before hours within one day"),
        (NOON, "2026-07-14T13:00", None, "after hours within one day"),
    ],
)
def test_nobody_is_reminded_in_quiet_hours(quiet: Quiet, at: str, moved: str | None, situation: str) -> None:
    assert quiet.over(local(at)) == local(moved or at), situation


@pytest.mark.parametrize("shape", [{"from": "20:00", "until": "20:00"}, {"from": "8 pm", "until": "07:00"}])
def test_quiet_hours_that_are_none_are_refused(shape: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"quiet hours|isoformat"):
        Quiet.parse(shape, "America/Denver")


@pytest.mark.parametrize(
    ("rung", "ladder", "due", "at"),
    [
        (0, DEFAULT, "2026-07-14T15:00", "2026-07-14T15:00"),
        (1, DEFAULT, "2026-07-14T15:00", "2026-07-14T21:00"),
        (1, DEFAULT.quietened(NIGHT), "2026-07-14T15:00", "2026-07-15T07:00"),
        (2, DEFAULT.quietened(NIGHT), "2026-07-14T15:00", "2026-07-15T13:00"),
        (3, DEFAULT.quietened(NIGHT), "2026-07-14T15:00", "2026-07-15T15:00"),
        (0, DEFAULT.quietened(NIGHT), "2026-07-14T22:00", "2026-07-14T22:00"),
        (4, DEFAULT, "2026-07-14T15:00", "2026-07-16T15:00"),
        (5, DEFAULT, "2026-07-14T15:00", None),
        (1, Ladder.parse(STEEP), "2026-07-14T15:00", "2026-07-14T18:00"),
        (2, Ladder.parse(STEEP), "2026-07-14T15:00", None),
        (1, Ladder.parse(STEEP | {"quiet": False}, NIGHT), "2026-07-14T18:00", "2026-07-14T21:00"),
        (1, Ladder.parse(STEEP, NIGHT), "2026-07-14T18:00", "2026-07-15T07:00"),
    ],
)
def test_when_a_rung_is_due(rung: int, ladder: Ladder, due: str, at: str | None) -> None:
    """A limit of twelve hours by the wall."""
    found = rung_at(rung, local(due), Limit(hours=12), ALWAYS, ladder)
    assert found == (local(at) if at else None)


@pytest.mark.parametrize(
    ("rung", "last", "told", "at"),
    [
        (1, 0, "2026-07-14T15:00", "2026-07-15T07:00"),
        (1, 0, "2026-07-20T09:00", "2026-07-20T15:00"),
        (1, 0, "2026-07-20T15:00", "2026-07-21T07:00"),
        (2, 0, "2026-07-20T09:00", "2026-07-21T07:00"),
        (2, 1, "2026-07-20T09:00", "2026-07-20T15:00"),
        (4, 3, "2026-07-20T09:00", "2026-07-21T09:00"),
        (4, 3, "2026-07-15T15:00", "2026-07-16T15:00"),
        (5, 4, "2026-07-20T09:00", None),
    ],
)
def test_whoever_is_told_late_has_the_ladder_s_own_time_before_the_next_hears(
    rung: int, last: int, told: str, at: str | None
) -> None:
    """Due on the 14th at three; a limit of twelve hours by the wall, and nobody is reminded at night."""
    due, ladder = local("2026-07-14T15:00"), DEFAULT.quietened(NIGHT)
    found = rung_at(rung, due, Limit(hours=12), ALWAYS, ladder, Told(last, local(told)))
    assert found == (local(at) if at else None)


@pytest.mark.parametrize("rungs", [[], [("supervisor", 0)], [("owner", 1)], [("owner", 0), ("backbone", 0)],
                                   [("owner", 0), ("backbone", 1), ("supervisor", 2)]])  # fmt: skip
def test_what_does_not_begin_with_the_owner_or_does_not_climb_is_no_ladder(rungs: list[tuple[str, float]]) -> None:
    with pytest.raises(ValueError, match=r"rung|climbs"):
        Ladder.parse({"rungs": [{"to": to, "after": after} for to, after in rungs]})


R: dict[str, Any] = {"rungs": [{"to": "owner", "after": 0}, {"to": "supervisor", "after": 3}]}
U: dict[str, Any] = {"rungs": [{"to": "owner", "after": 0}, {"to": "supervisor", "after": 1}]}
S: dict[str, Any] = {"rungs": [{"to": "owner", "after": 0}, {"to": "supervisor", "after": 9}]}


@pytest.mark.parametrize(
    ("priority", "agenda", "service", "after"),
    [
        ("routine", {}, None, 0.5),
        ("urgent", {}, {}, 0.5),
        ("routine", {"routine": R}, {}, 3),
        ("urgent", {"routine": R}, {}, 3),
        ("urgent", {"routine": R, "urgent": U}, {}, 1),
        ("routine", {"routine": R, "urgent": U}, {"routine": S}, 9),
        ("urgent", {"routine": R, "urgent": U}, {"routine": S}, 1),
        ("urgent", {"routine": R}, {"routine": S}, 9),
        ("urgent", {"routine": R, "urgent": U}, {"urgent": S}, 9),
    ],
)
def test_the_services_ladder_before_the_agendas_and_the_priority_before_both(
    priority: str, agenda: dict[str, Any], service: dict[str, Any] | None, after: float
) -> None:
    assert ladder_of(priority, agenda, service, None).rungs[1].after == after


def test_the_sources_clocks_climb_by_the_regions_ladder() -> None:
    own, regional = Ladder.parse(S), Ladder.parse(R)
    now = local("2026-07-14T15:00")
    at = Moment(now, now, ALWAYS, Limits.of(Priority.ROUTINE), ALWAYS, own, regional)
    assert (at.ladder_of(Clock.DECIDE), at.ladder_of(Clock.ANSWER)) == (own, regional)


@pytest.mark.parametrize(
    ("excepted", "at"),
    [(None, "2026-07-14T15:00"), ("2026-07-13T08:00", "2026-07-14T15:00"), ("2026-07-20T08:00", "2026-07-20T08:00")],
)
def test_while_an_exception_stands_a_limit_passes_at_its_end(excepted: str | None, at: str) -> None:
    assert rested(local("2026-07-14T15:00"), local(excepted) if excepted else None) == local(at)


@pytest.mark.parametrize(
    ("rung", "to"), [(0, "owner"), (1, "owner"), (2, "supervisor"), (3, "backbone"), (5, "backbone"), (9, "backbone")]
)
def test_how_far_it_has_climbed(rung: int, to: str) -> None:
    assert DEFAULT.reached(rung) == to


@pytest.mark.parametrize(
    ("rung", "did"), [(0, "overdue"), (1, "escalated"), (2, "escalated"), (3, "reminded"), (4, "reminded")]
)
def test_each_rung_says_whether_anybody_new_hears(rung: int, did: str) -> None:
    assert DEFAULT.did(rung) == did


def test_whoever_owes_it_may_be_reminded_before_anybody_above_hears() -> None:
    ladder = Ladder.parse({"rungs": [*R["rungs"][:1], {"to": "owner", "after": 1}, {"to": "backbone", "after": 2}]})
    assert [ladder.did(rung) for rung in range(3)] == ["overdue", "reminded", "escalated"]


@pytest.mark.parametrize(
    ("rung", "reached", "next_one"),
    [
        (1, {"supervisor", "backbone"}, 1),
        (1, {"backbone"}, 2),
        (1, set(), None),
        (2, {"supervisor", "backbone"}, 2),
        (3, {"owner", "supervisor", "backbone"}, None),
        (4, {"owner", "supervisor", "backbone"}, None),
        (5, {"owner", "supervisor", "backbone"}, None),
    ],
)
def test_by_hand_it_goes_to_the_next_who_was_not_told(rung: int, reached: set[str], next_one: int | None) -> None:
    assert climb_by_hand(DEFAULT, rung, lambda to: Rung(to).value in reached) == next_one


@pytest.mark.parametrize(("rung", "told", "next_one"), [(1, {1}, 2), (1, {1, 2}, None), (1, {3}, 1), (2, {3}, None)])
def test_nor_to_whom_a_later_rung_had_told_before_it_climbed_again(
    rung: int, told: set[int], next_one: int | None
) -> None:
    assert climb_by_hand(DEFAULT, rung, lambda _: True, told) == next_one
