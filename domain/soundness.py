"""Whether the steps of a template make sense together. What is found names the step, its place and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from domain import graph
from domain.conditions import conditions
from domain.pathway import MONEY, Field, FieldKind, Policy, Step, StepKind, Template
from domain.problem import At, Problem, listed, meant


def problems(template: Template) -> list[Problem]:
    """All of them, in the order of the steps; none if plans may be made from it.

    Where two steps have one key nobody knows which of them is meant: what hangs on their order is asked afterwards.
    """
    clear = not any(_twice(step.key for step in template.steps))
    found = [*_doubles(template), *_goals(template)]
    found += [*_circles(template), *_days(template)] if clear else []
    for place, step in enumerate(template.steps):
        at = At(place, step.key)
        found += [
            *_predecessors(template, step, at, clear),
            *_owner(step, at),
            *_form(step, at),
            *(conditions(template, step, at) if clear else ()),
        ]
    return found


def _twice(keys: Iterable[str]) -> Iterator[tuple[int, str]]:
    """(place, key) of each key that was there before."""
    seen: Counter[str] = Counter()
    for place, key in enumerate(keys):
        if seen[key]:
            yield place, key
        seen[key] += 1


def _doubles(template: Template) -> Iterator[Problem]:
    for place, key in _twice(step.key for step in template.steps):
        yield Problem(("steps", place, "key"), "another step has this key.", "Give each step a key of its own.", key)
    for place, key in _twice(goal.key for goal in template.goals):
        yield Problem(("goals", place, "key"), f"another goal has the key {key}.", "Give each goal a key of its own.")


def _goals(template: Template) -> Iterator[Problem]:
    named = {step.goal for step in template.steps}
    known = [goal.key for goal in template.goals]
    for place, goal in enumerate(template.goals):
        if goal.key not in named:
            yield Problem(
                ("goals", place),
                f"no step serves the goal {goal.key}.",
                f"Say `goal: {goal.key}` at a step, or drop it.",
            )
    for place, step in enumerate(template.steps):
        if step.goal is not None and step.goal not in known:
            yield At(place, step.key).problem(
                f"there is no goal {step.goal}.", f"Goals of this template: {listed(known)}.", "goal"
            )


def _circles(template: Template) -> Iterator[Problem]:
    after = template.order()
    places = {step.key: place for place, step in enumerate(template.steps)}
    found = [path for path in graph.circles(after) if len(path) > 2]
    for path in found:
        yield At(places[path[0]], path[0]).problem(
            f"the steps wait for one another in a circle: {' → '.join(path)}.",
            "Take one of them out of the `after` of the next.",
            "after",
        )
    stuck = [key for path in found for key in path]
    for key in sorted(graph.behind(after, stuck), key=places.__getitem__):
        yield At(places[key], key).problem(
            "it can never be reached: it comes after steps that wait for one another.",
            "Open that circle first.",
            "after",
        )


def _days(template: Template) -> Iterator[Problem]:
    """Waiting alone must fit into the whole."""
    if template.review_every_days > template.limit_days:
        yield Problem(
            ("review_every_days",),
            f"the first review would come after the plan's limit of {template.limit_days} days.",
            "Review sooner, or give the plan more time.",
        )
    after = template.order()
    if graph.circles(after):
        return
    opens: dict[str, int] = {}
    for row in graph.layers(after):
        for key in row:
            step = template.step(key)
            opens[key] = step.opens_after_days + max((opens[one] for one in step.after if one in opens), default=0)
    for place, step in enumerate(template.steps):
        if step.opens_after_days and opens[step.key] >= template.limit_days:
            yield At(place, step.key).problem(
                f"it opens on day {opens[step.key]} at the earliest, and the plan ends on day {template.limit_days}.",
                "Open it sooner, or raise `limit_days`.",
                "opens_after_days",
            )


def _predecessors(template: Template, step: Step, at: At, clear: bool) -> Iterator[Problem]:
    known = [one.key for one in template.steps]
    for place, key in _twice(step.after):
        yield at.problem(f"it names {key} twice.", "Once is enough.", "after", place)
    for place, key in enumerate(step.after):
        if key == step.key and not clear:
            continue
        if key == step.key:
            yield at.problem("it comes after itself.", f"Take {key} out of its `after`.", "after", place)
        elif key not in known:
            yield at.problem(
                f"there is no step {key} to come after.",
                meant(key, known, f"The steps are: {listed(known)}."),
                "after",
                place,
            )


def _owner(step: Step, at: At) -> Iterator[Problem]:
    owner = step.owner
    if owner.term is not None and (owner.organization or owner.service):
        yield at.problem("its owner is a term and a partner at once.", "Keep the term, or the partner.", "owner")
    elif owner.service is not None and owner.organization is None:
        yield at.problem("it says which service, not whose.", "Add the `organization` that offers it.", "owner")
        return
    if step.kind is StepKind.REFERRAL and not step.owner.may_be_replaced:
        yield at.problem(
            "a referral asks for a service, and this owner names none.",
            "Name a service or a term as its owner, or say `kind: step`.",
            "owner",
        )
    for name, policy in (("on_decline", step.on_decline), ("on_failure", step.on_failure)):
        if policy is Policy.OTHER_PROVIDER and not step.owner.may_be_replaced:
            yield at.problem(
                "no other provider can be looked for: the owner is no service and no term.",
                "Name a service or a term as its owner, or choose lead, skip or stop.",
                name,
            )


def _form(step: Step, at: At) -> Iterator[Problem]:
    for place, key in _twice(one.key for one in step.form):
        yield at.problem(
            f"its form asks for {key} twice.", "Give each question a key of its own.", "form", place, "key"
        )
    for place, one in enumerate(step.form):
        for nth, code in _twice(choice.code for choice in one.choices):
            yield at.problem(
                f"the answer {code} of {one.key} stands there twice.", "Give each answer a code of its own.",
                "form", place, "choices", nth, "code",
            )  # fmt: skip
        yield from _question(one, at, place)


def _question(one: Field, at: At, place: int) -> Iterator[Problem]:
    path = ("form", place)
    if one.kind is FieldKind.CHOICE and len(one.choices) < 2:
        yield at.problem(
            f"{one.key} leaves no choice.", "List at least two `choices`, each with code and label.", *path
        )
    if one.kind is not FieldKind.CHOICE and one.choices:
        yield at.problem(
            f"{one.key} has choices and is a {one.kind}.", "Say `kind: choice`, or drop them.", *path, "choices"
        )
    if one.kind is not FieldKind.NUMBER:
        for name in ("minimum", "maximum", "unit"):
            if getattr(one, name) is not None:
                yield at.problem(
                    f"{one.key} is no number and has a {name}.", "Say `kind: number`, or drop it.", *path, name
                )
    elif one.unit == MONEY and one.minimum is not None and one.minimum < 0:
        yield at.problem(
            f"{one.key} allows amounts below 0.",
            "Say `minimum: 0`: what came back is entered in error.",
            *path,
            "minimum",
        )
    elif one.minimum is not None and one.maximum is not None and one.minimum > one.maximum:
        yield at.problem(
            f"{one.key} allows no number: its minimum is above its maximum.", "Turn the two round.", *path, "minimum"
        )
