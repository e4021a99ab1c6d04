"""Quiet hours and the day's digest, by the region's clocks: over midnight, and over a change of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from domain.quiet import Quiet, digest_at, gathered_at

DENVER = "America/Denver"
NIGHT, NOON = Quiet(time(20), time(7), DENVER), Quiet(time(12), time(13), DENVER)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("quiet", "ready", "goes_out"),
    [
        (NIGHT, "2026-11-27T18:00", "2026-11-27T18:00"),  # 11 in the morning
        (NIGHT, "2026-11-28T02:59", "2026-11-28T02:59"),  # a minute to eight in the evening
        (NIGHT, "2026-11-28T03:00", "2026-11-28T14:00"),  # eight: until seven
        (NIGHT, "2026-11-28T08:00", "2026-11-28T14:00"),  # after midnight: the same morning
        (NIGHT, "2026-11-28T14:00", "2026-11-28T14:00"),
        (NIGHT, "2026-11-01T05:00", "2026-11-01T14:00"),  # the night in which clocks go back
        (NOON, "2026-11-27T19:30", "2026-11-27T20:00"),
    ],
)
def test_mail_waits_until_the_quiet_hours_are_over(quiet: Quiet, ready: str, goes_out: str) -> None:
    assert quiet.over(utc(ready)).astimezone(UTC) == utc(goes_out)


@pytest.mark.parametrize(
    ("now", "goes_out"),
    [
        ("2026-11-27T14:00", "2026-11-27T15:00"),
        ("2026-11-27T14:59:30", "2026-11-28T15:00"),  # that one is full
        ("2026-11-27T15:00", "2026-11-28T15:00"),
    ],
)
def test_a_digest_goes_out_at_eight(now: str, goes_out: str) -> None:
    assert digest_at(utc(now), time(8), DENVER).astimezone(UTC) == utc(goes_out)


@pytest.mark.parametrize(
    ("now", "at", "goes_out"),
    [
        ("2026-11-01T07:10", time(1, 30), "2026-11-01T07:30"),  # 01:10, before the clocks go back
        ("2026-11-01T07:40", time(1, 30), "2026-11-02T08:30"),
        ("2026-11-01T08:10", time(1, 30), "2026-11-02T08:30"),  # 01:10 once more
        ("2027-03-14T08:10", time(2, 30), "2027-03-14T09:00"),  # 02:30 never shows
        ("2027-03-14T09:00", time(2, 30), "2027-03-15T08:30"),
    ],
)
def test_on_the_night_in_which_the_clocks_change_there_is_one_digest_and_none_is_in_the_past(
    now: str, at: time, goes_out: str
) -> None:
    assert digest_at(utc(now), at, DENVER).astimezone(UTC) == utc(goes_out)


def test_an_agenda_may_say_other_hours() -> None:
    assert Quiet.parse({"from": "21:30", "until": "06:00"}, DENVER) == Quiet(time(21, 30), time(6), DENVER)


@pytest.mark.parametrize(
    ("happened", "now", "out"),
    [
        ("12:00:00", "12:00:01", "12:02:00"),
        ("12:00:59", "12:00:59", "12:02:00"),
        ("12:00:59", "12:01:01", "12:02:00"),
        ("12:00:00", "12:01:31", "12:03:00"),
        ("11:00:00", "12:00:20", "12:02:00"),
    ],
)
def test_what_happened_at_once_is_gathered_until_a_full_minute(happened: str, now: str, out: str) -> None:
    """The last two were told late."""
    day = "2026-03-04T{}+00:00"
    at, told, wanted = (datetime.fromisoformat(day.format(clock)) for clock in (happened, now, out))
    assert gathered_at(at, told) == wanted
