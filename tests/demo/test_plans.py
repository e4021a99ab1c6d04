"""What the families of the demonstration say, and when their plans may rest."""

from __future__ import annotations

from typing import Any

import pytest

from concert.demo.plans import answers, why

FORM: list[dict[str, Any]] = [
    {"key": "risk", "kind": "choice", "choices": [{"code": "none"}, {"code": "notice"}]},
    {"key": "shutoff", "kind": "yes_no"},
    {"key": "months", "kind": "number", "minimum": 1},
    {"key": "moved_on", "kind": "date"},
]


def step(state: str, opens_at: str | None = None) -> dict[str, Any]:
    return {"state": state, "opens_at": opens_at}


def plan(*steps: dict[str, Any], state: str = "active") -> dict[str, Any]:
    return {"state": state, "steps": list(steps)}


def test_each_family_gives_another_answer_that_the_form_allows() -> None:
    first, second = answers(FORM, 0), answers(FORM, 1)
    assert (first["risk"], second["risk"]) == ("none", "notice")
    assert (first["shutoff"], first["months"]) == ("no", 1)
    assert len(first["moved_on"]) == 10


@pytest.mark.parametrize(
    ("seen", "rests"),
    [
        ({}, False),
        (plan(step("open")), False),
        (plan(step("done"), step("waiting")), False),
        (plan(step("open"), step("waiting", "2027-01-05T00:00:00Z")), False),
        (plan(step("done"), step("waiting", "2027-01-05T00:00:00Z")), True),
        (plan(step("waiting"), state="closed_early"), True),
    ],
)
def test_a_plan_rests_when_it_is_closed_or_waits_for_a_day_to_come(seen: dict[str, Any], rests: bool) -> None:
    assert bool(why(seen)) == rests
