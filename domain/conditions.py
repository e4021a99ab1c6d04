"""Whether the conditions of a step can be asked, and can ever hold."""

from __future__ import annotations

from collections.abc import Iterator

from domain import graph
from domain.pathway import Condition, Field, FieldKind, Step, Template
from domain.problem import At, Problem, listed, meant


def conditions(template: Template, step: Step, at: At) -> Iterator[Problem]:
    earlier = graph.before(template.order(), step.key)
    steps = {one.key: one for one in template.steps}
    for place, one in enumerate(step.when):
        if one.step not in steps:
            yield at.problem(
                f"there is no step {one.step}.",
                meant(one.step, steps, f"The steps are: {listed(steps)}."),
                "when",
                place,
                "step",
            )
        elif one.step == step.key:
            yield at.problem(
                "its condition reads its own answers.", "Read what an earlier step asks.", "when", place, "step"
            )
        elif one.step not in earlier:
            yield at.problem(
                f"its condition reads {one.step}, which need not have ended before it.",
                f"Let it come after {one.step}, or read an earlier step.",
                "when", place, "step",
            )  # fmt: skip
        else:
            yield from _answers(steps[one.step], one, at, place)
    yield from _never(steps, step, at)


def _answers(read: Step, one: Condition, at: At, place: int) -> Iterator[Problem]:
    asked = read.question(one.field)
    if asked is None:
        known = [question.key for question in read.form]
        what = f"the form of {read.key} does not ask for {one.field}."
        yield at.problem(what, f"It asks for: {listed(known)}.", "when", place, "field")
        return
    if not asked.required:
        what = f"its condition reads {read.key}.{asked.key}, which may be left unanswered."
        yield at.problem(what, "Make that answer required.", "when", place, "field")
    limits = one.at_least is not None or one.at_most is not None
    if bool(one.one_of) == limits:
        what = "a condition needs either `one_of`, or `at_least` and `at_most`."
        yield at.problem(what, "Say which answers let the step happen.", "when", place)
    else:
        yield from (_codes if asked.kind is not FieldKind.NUMBER else _amounts)(asked, one, at, place)


def _codes(asked: Field, one: Condition, at: At, place: int) -> Iterator[Problem]:
    if asked.kind is FieldKind.DATE:
        yield at.problem(
            f"{asked.key} is a date, and conditions do not read dates.", "Ask a `yes_no` too.", "when", place
        )
        return
    if not one.one_of:
        what = f"{asked.key} is answered with a code, not with a number."
        yield at.problem(what, f"Say `one_of` with some of: {listed(asked.codes)}.", "when", place)
    for nth, code in enumerate(one.one_of):
        if code not in asked.codes:
            what = f"{code} is no answer to {asked.key}."
            yield at.problem(what, f"The answers are: {listed(asked.codes)}.", "when", place, "one_of", nth)


def _amounts(asked: Field, one: Condition, at: At, place: int) -> Iterator[Problem]:
    if one.one_of:
        what = f"{asked.key} is answered with a number, and `one_of` takes codes."
        yield at.problem(what, "Say `at_least`, `at_most` or both.", "when", place, "one_of")
    elif _beyond(asked, one):
        yield at.problem(
            f"no answer to {asked.key} is within its limits and this condition's too.",
            "Correct the limit here, or the question's minimum and maximum.",
            "when", place,
        )  # fmt: skip


def _beyond(asked: Field, one: Condition) -> bool:
    lowest = max((one.at_least, asked.minimum), key=lambda n: float("-inf") if n is None else n)
    highest = min((one.at_most, asked.maximum), key=lambda n: float("inf") if n is None else n)
    return lowest is not None and highest is not None and lowest > highest


def _never(steps: dict[str, Step], step: Step, at: At) -> Iterator[Problem]:
    """Conditions that exclude one another, also through the conditions of the steps that they read."""
    allowed: dict[tuple[str, str], set[str]] = {}
    told: dict[tuple[str, str], str] = {}
    for place, holder, one in _all_conditions(steps, step):
        if not one.one_of:
            continue
        key = (one.step, one.field)
        if key in allowed and not allowed[key] & set(one.one_of):
            who = "its conditions" if told[key] == holder == step.key else f"{told[key]} and {holder}"
            yield at.problem(
                f"it can never be reached: {who} want different answers to {one.step}.{one.field}.",
                "Change one of the two conditions.",
                "when", place,
            )  # fmt: skip
            return
        allowed[key] = allowed.get(key, set(one.one_of)) & set(one.one_of)
        told.setdefault(key, holder)


def _all_conditions(steps: dict[str, Step], step: Step) -> Iterator[tuple[int, str, Condition]]:
    """(place of the step's own condition that leads to it, whose condition it is, the condition)."""
    seen: set[str] = {step.key}
    waiting = [(place, step.key, one) for place, one in enumerate(step.when)]
    for place, holder, one in waiting:
        yield place, holder, one
        if one.step in steps and one.step not in seen:
            seen.add(one.step)
            waiting += [(place, one.step, more) for more in steps[one.step].when]
