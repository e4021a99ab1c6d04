"""A step's form and conditions: which answers it takes, when it happens, and that it reads back as it was written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.answers import refuse_plain
from domain.clock import Clock
from domain.limit import Limit
from domain.pathway import (
    Choice,
    Condition,
    Field,
    FieldKind,
    Goal,
    Owner,
    Policy,
    Step,
    StepKind,
    Template,
)
from domain.soundness import problems

COLD = Field("cold", FieldKind.YES_NO, "Cold?")
FUEL = Field("fuel", FieldKind.CHOICE, "Fuel", choices=(Choice("gas", "Gas"), Choice("wood", "Wood", "Leña")))
ROOMS = Field("rooms", FieldKind.NUMBER, "Rooms", minimum=0, maximum=9, unit="rooms")
ASKED = Field("asked_on", FieldKind.DATE, "Day", required=False)
LISTEN = Step("listen", "Listen", Owner(), form=(COLD, FUEL, ROOMS, ASKED))
WHOLE = {"cold": "yes", "fuel": "gas", "rooms": 3}


@pytest.mark.parametrize(
    ("situation", "outputs", "wrong"),
    [
        ("everything that is required", WHOLE, []),
        ("and what is not", WHOLE | {"asked_on": "2026-11-24"}, []),
        ("nothing at all", {}, ["cold", "fuel", "rooms"]),
        ("an answer that nobody asked for", WHOLE | {"name": "Ann"}, ["name"]),
        ("yes as a truth value", WHOLE | {"cold": True}, ["cold"]),
        ("a choice that there is not", WHOLE | {"fuel": "coal"}, ["fuel"]),
        ("a number as a text", WHOLE | {"rooms": "3"}, ["rooms"]),
        ("a truth value as a number", WHOLE | {"rooms": True}, ["rooms"]),
        ("not a number", WHOLE | {"rooms": float("nan")}, ["rooms"]),
        ("without end", WHOLE | {"rooms": float("inf")}, ["rooms"]),
        ("longer than a computer counts", WHOLE | {"rooms": 10**400}, ["rooms"]),
        ("too few", WHOLE | {"rooms": -1}, ["rooms"]),
        ("exactly the least", WHOLE | {"rooms": 0}, []),
        ("too many", WHOLE | {"rooms": 10}, ["rooms"]),
        ("a day that is none", WHOLE | {"asked_on": "2026-02-30"}, ["asked_on"]),
        ("a day in another order", WHOLE | {"asked_on": "24.11.2026"}, ["asked_on"]),
        ("a moment for a day", WHOLE | {"asked_on": "2026-11-24T10:00:00"}, ["asked_on"]),
        ("a list", WHOLE | {"fuel": ["gas"]}, ["fuel"]),
        ("an object", WHOLE | {"cold": {"Ann": 1}, "rooms": {}, "asked_on": []}, ["asked_on", "cold", "rooms"]),
        ("left out by its name", WHOLE | {"asked_on": None, "fuel": None}, ["fuel"]),
    ],
)
def test_completing_a_step_takes_the_answers_that_its_form_asks_for(
    situation: str, outputs: dict[str, Any], wrong: list[str]
) -> None:
    said = LISTEN.refuse(outputs)
    assert sorted(field for field, _ in said) == wrong
    assert all("Ann" not in sentence and "coal" not in sentence for _, sentence in said)


@pytest.mark.parametrize(
    ("said", "fits"),
    [(2, True), (2.5, True), (True, True), ("landlord", True), ("2026-11-24", True), ("Ann Brook", False), ("", False),
     ("a" * 65, False), (None, False), ([1], False), ({"a": 1}, False), (float("nan"), False), (10**400, False)],
)  # fmt: skip
def test_work_without_a_form_records_numbers_and_codes_and_no_text(said: Any, fits: bool) -> None:
    wrong = refuse_plain({"given": said})
    assert [key for key, _ in wrong] == ([] if fits else ["given"])
    assert "Ann" not in str(wrong)
    assert refuse_plain({"Ann Brook": 1, "": 2}) != []


@pytest.mark.parametrize(
    ("condition", "answers", "holds"),
    [
        (Condition("listen", "cold", ("yes",)), {"cold": "yes"}, True),
        (Condition("listen", "cold", ("yes",)), {"cold": "no"}, False),
        (Condition("listen", "fuel", ("gas", "wood")), {"fuel": "wood"}, True),
        (Condition("listen", "rooms", at_least=3), {"rooms": 3}, True),
        (Condition("listen", "rooms", at_least=3), {"rooms": 2}, False),
        (Condition("listen", "rooms", at_least=0), {"rooms": 0}, True),
        (Condition("listen", "rooms", at_most=3), {"rooms": 3}, True),
        (Condition("listen", "rooms", at_least=2, at_most=3), {"rooms": 4}, False),
        (Condition("listen", "rooms", at_most=3), {}, False),
        (Condition("skipped", "cold", ("yes",)), {"cold": "yes"}, False),
    ],
)
def test_a_condition_holds_by_what_was_answered_and_by_nothing_else(
    condition: Condition, answers: dict[str, Any], holds: bool
) -> None:
    assert condition.holds({"listen": answers}) is holds


def test_a_template_reads_back_as_it_was_written() -> None:
    step = Step(
        "heat",
        "Keep the heat on",
        Owner("fuel", "Propane"),
        es="Calor",
        kind=StepKind.REFERRAL,
        after=("listen",),
        when=(Condition("listen", "cold", ("yes",)), Condition("listen", "rooms", at_least=0)),
        clocks={Clock.DECIDE: Limit(days=2)},
        feeds=("needs_met",),
        may_skip=True,
        on_decline=Policy.OTHER_PROVIDER,
        on_failure=Policy.STOP,
        goal="warm",
        opens_after_days=3,
    )
    template = Template(
        "winter", "Winter", "Heat.", "s", 90, 30, (Goal("warm", "Warm", "housing"),), (LISTEN, step), version=4
    )
    assert Template.parse(template.body()) == template
    assert problems(template) == []
    assert step.limits()["urgent"] == {"decide": {"days": 2}}
    assert Template.parse(template.body() | {"version": 5}).digest == template.digest
    assert Template.parse(template.body() | {"limit_days": 91}).digest != template.digest


def template_of(after: dict[str, tuple[str, ...]]) -> Template:
    steps = tuple(Step(key, key, Owner(), after=ones, goal="g") for key, ones in after.items())
    return Template("t", "T", "T", "s", 90, 30, (Goal("g", "G", "food"),), steps, version=1)


@st.composite
def orders(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    keys = [f"s{n}" for n in range(draw(st.integers(2, 12)))]
    return {
        key: tuple(draw(st.lists(st.sampled_from(keys[:n]), unique=True)) if n else ()) for n, key in enumerate(keys)
    }


@given(orders())
def test_any_order_without_a_circle_is_sound(after: dict[str, tuple[str, ...]]) -> None:
    assert problems(template_of(after)) == []


@given(orders(), st.data())
def test_any_arrow_back_is_refused_with_the_path(after: dict[str, tuple[str, ...]], data: st.DataObject) -> None:
    last = data.draw(st.sampled_from([key for key, ones in after.items() if ones] or ["s1"]))
    first = data.draw(st.sampled_from(after[last] or ("s0",)))
    bent = {**after, last: (*after[last], *(() if first in after[last] else (first,))), first: (*after[first], last)}
    (told, *_) = problems(template_of(bent))
    assert "in a circle" in told.what
    assert {first, last} <= set(told.what.rstrip(".").partition(": ")[2].split(" → "))
