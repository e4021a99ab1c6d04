"""Somebody runs the demonstration for the first time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from concert.demo.casebook import Casebook
from concert.demo.cast import KINDS, cast
from concert.embedded import temporary_directory
from domain.taxonomy import akin
from seed.region import Region, build_region

DEMO = [sys.executable, "-m", "concert.demo"]


def left_behind(temporary: Path) -> list[Path]:
    return list(temporary.glob("concert-*"))


@pytest.fixture
def temporary() -> Iterator[Path]:
    """PostgreSQL can enter it also when we are root, whoever runs the tests and how."""
    with temporary_directory() as directory:
        yield directory


def test_a_short_demonstration_closes_its_loops_and_proves_it(temporary: Path) -> None:
    run = subprocess.run(
        [*DEMO, "--referrals", "8", "--json"],
        capture_output=True,
        text=True,
        timeout=110,
        env=os.environ | {"TMPDIR": str(temporary)},
        check=False,
    )

    said = json.loads(run.stdout)
    broken = [check for check in said["verification"] if not check["holds"]]
    assert (run.returncode, broken) == (0, []), f"{broken}\n{run.stderr}"
    assert said["holds"]
    assert len(said["verification"]) == 9
    assert sum(said["states"].values()) == said["referrals"] == 8
    assert min(said["reminders"], said["escalations"], said["expiries"]) > 0
    assert said["by_own_system"] > 0
    plans = next(check for check in said["verification"] if check["promise"] == "Every plan is closed or explained")
    assert plans["detail"].startswith("1 closed, 2 open with a reason, of 3")
    assert said["indicators"]["loops_closed"][0]["value"] > 0
    assert all(each["why"] for each in said["open"])
    assert left_behind(temporary) == []


def test_who_stops_the_demonstration_gets_the_terminal_back_within_five_seconds(temporary: Path) -> None:
    with subprocess.Popen(
        [*DEMO, "--referrals", "4"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"},
    ) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if "came in" in line:
                break
        asked = time.monotonic()
        run.send_signal(signal.SIGINT)
        said = run.stdout.read()
        assert run.wait(20) == 130
        took = time.monotonic() - asked

    assert took < 5
    assert "Stopped. Nothing is left behind." in said
    assert "Traceback" not in said
    assert left_behind(temporary) == []


def test_even_a_short_demonstration_shows_every_kind_of_ending() -> None:
    played = cast(build_region(7), 14)

    assert len(played) == 14
    assert {request.ending.kind for request in played} >= set(KINDS)
    assert any(request.service.startswith("clinic/") for request in played)
    assert any(request.on_behalf for request in played)
    assert any(request.kind == "information" for request in played)


def test_some_families_are_asked_for_at_two_partners_at_once(the_region: Region) -> None:
    book = Casebook(the_region, cast(the_region, 60))
    pairs = [asked for asked in map(book.asked, book.cast) if len(asked) > 1]
    assert pairs
    for first, other in pairs:
        assert first.organization_id != other.organization_id
        assert akin(first.term, other.term)
        assert not any(the_region.owner(each).confidential for each in (first, other))
