"""Whether the steps of a template make sense together. What is found names the step, its place and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from domain import graph
from domain.pathway import Condition, Field, FieldKind, Policy, Step, StepKind, Template

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """`path` is the place in the template's body: `("steps", 3, "after", 0)`. `step` is None above the steps."""

    path: Path
    what: str
    remedy: str
    step: str | None = None

    def __str__(self) -> str:
        return f"{f'step {self.step}: ' if self.step else ''}{self.what} {self.remedy}"


def problems(template: Template) -> list[Problem]:
    """All of them, in the order of the steps; none if plans may be made from it."""
    found = [*_doubles(template), *_goals(template), *_circles(template), *_days(template)]
    for place, step in enumerate(template.steps):
        at = _At(place, step.key)
        found += [
            *_predecessors(template, step, at),
            *_owner(step, at),
            *_form(step, at),
            *_conditions(template, step, at),
        ]
    return found


@dataclass(frozen=True, slots=True)
class _At:
    place: int
    step: str

    def problem(self, what: str, remedy: str, *path: str | int) -> Problem:
        return Problem(("steps", self.place, *path), what, remedy, self.step)


def order(template: Template) -> dict[str, tuple[str, ...]]:
    """As `domain.graph` takes it."""
    return {step.key: step.after for step in template.steps}


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
            yield _At(place, step.key).problem(
                f"there is no goal {step.goal}.", f"Goals of this template: {_listed(known)}.", "goal"
            )


def _circles(template: Template) -> Iterator[Problem]:
    after = order(template)
    places = {step.key: place for place, step in enumerate(template.steps)}
    found = [path for path in graph.circles(after) if len(path) > 2]
    for path in found:
        yield _At(places[path[0]], path[0]).problem(
            f"the steps wait for one another in a circle: {' → '.join(path)}.",
            "Take one of them out of the `after` of the next.",
            "after",
        )
    stuck = [key for path in found for key in path]
    for key in sorted(graph.behind(after, stuck), key=places.__getitem__):
        yield _At(places[key], key).problem(
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
    after = order(template)
    if graph.circles(after):
        return
    opens: dict[str, int] = {}
    for row in graph.layers(after):
        for key in row:
            step = template.step(key)
            opens[key] = step.opens_after_days + max((opens[one] for one in step.after if one in opens), default=0)
    for place, step in enumerate(template.steps):
        if step.opens_after_days and opens[step.key] >= template.limit_days:
            yield _At(place, step.key).problem(
                f"it opens on day {opens[step.key]} at the earliest, and the plan ends on day {template.limit_days}.",
                "Open it sooner, or raise `limit_days`.",
                "opens_after_days",
            )


def _predecessors(template: Template, step: Step, at: _At) -> Iterator[Problem]:
    known = {one.key for one in template.steps}
    for place, key in _twice(step.after):
        yield at.problem(f"it names {key} twice.", "Once is enough.", "after", place)
    for place, key in enumerate(step.after):
        if key == step.key:
            yield at.problem("it comes after itself.", f"Take {key} out of its `after`.", "after", place)
        elif key not in known:
            yield at.problem(f"there is no step {key} to come after.", _did_you_mean(key, known), "after", place)


def _owner(step: Step, at: _At) -> Iterator[Problem]:
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


def _form(step: Step, at: _At) -> Iterator[Problem]:
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


def _question(one: Field, at: _At, place: int) -> Iterator[Problem]:
    path = ("form", place)
    if one.kind is FieldKind.CHOICE and len(one.choices) < 2:
        yield at.problem(
            f"{one.key} leaves no choice.", "List at least two `choices`, each with code and label.", *path
        )
    if one.kind is not FieldKind.CHOICE and one.choices:
        yield at.problem(f"{one.key} has choices and is none.", "Say `kind: choice`, or drop them.", *path, "choices")
    if one.kind is not FieldKind.NUMBER:
        for name in ("minimum", "maximum", "unit"):
            if getattr(one, name) is not None:
                yield at.problem(
                    f"{one.key} is no number and has a {name}.", "Say `kind: number`, or drop it.", *path, name
                )
    elif one.minimum is not None and one.maximum is not None and one.minimum > one.maximum:
        yield at.problem(
            f"{one.key} allows no number: its minimum is above its maximum.", "Turn the two round.", *path, "minimum"
        )


def _conditions(template: Template, step: Step, at: _At) -> Iterator[Problem]:
    earlier = graph.before(order(template), step.key)
    steps = {one.key: one for one in template.steps}
    for place, one in enumerate(step.when):
        if one.step not in steps:
            yield at.problem(f"there is no step {one.step}.", _did_you_mean(one.step, steps), "when", place, "step")
        elif one.step not in earlier:
            yield at.problem(
                f"its condition reads {one.step}, which need not have ended before it.",
                f"Let it come after {one.step}, or read an earlier step.",
                "when", place, "step",
            )  # fmt: skip
        else:
            yield from _answers(steps[one.step], one, at, place)
    yield from _never(steps, step, at)


def _answers(read: Step, one: Condition, at: _At, place: int) -> Iterator[Problem]:
    asked = read.question(one.field)
    if asked is None:
        known = [question.key for question in read.form]
        what = f"the form of {read.key} does not ask for {one.field}."
        yield at.problem(what, f"It asks for: {_listed(known)}.", "when", place, "field")
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


def _codes(asked: Field, one: Condition, at: _At, place: int) -> Iterator[Problem]:
    if asked.kind is FieldKind.DATE:
        yield at.problem(
            f"{asked.key} is a date, and conditions do not read dates.", "Ask a yes_no too.", "when", place
        )
        return
    if not one.one_of:
        what = f"{asked.key} is answered with a code, not with a number."
        yield at.problem(what, f"Say `one_of` with some of: {_listed(asked.codes)}.", "when", place)
    for nth, code in enumerate(one.one_of):
        if code not in asked.codes:
            what = f"{code} is no answer to {asked.key}."
            yield at.problem(what, f"The answers are: {_listed(asked.codes)}.", "when", place, "one_of", nth)


def _amounts(asked: Field, one: Condition, at: _At, place: int) -> Iterator[Problem]:
    if one.one_of:
        yield at.problem(f"{asked.key} is a number.", "Say `at_least` or `at_most`.", "when", place, "one_of")
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


def _never(steps: dict[str, Step], step: Step, at: _At) -> Iterator[Problem]:
    """Conditions that exclude one another, also through the conditions of the steps that they read."""
    allowed: dict[tuple[str, str], set[str]] = {}
    told: dict[tuple[str, str], str] = {}
    for place, holder, one in _all_conditions(steps, step):
        if not one.one_of:
            continue
        key = (one.step, one.field)
        if key in allowed and not allowed[key] & set(one.one_of):
            yield at.problem(
                f"it can never be reached: {told[key]} and {holder} want different answers to {one.step}.{one.field}.",
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


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), 1, 0.7)
    return f"Did you mean {close[0]}?" if close else f"The steps are: {_listed(known)}."
