"""A live plan goes over to another version of its template: what that version changes, and nothing else. Pure.

Three are compared: the version that the plan follows, the plan as it is, the version that it shall follow. Where the
plan differs from the first its lead has edited it, and the edit stays. What has begun stays as it is; what was left out
by its condition never began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

from domain import graph
from domain.pathway import Goal, Step, Template, step_body
from domain.plan import Standing, Standings, StepState, lost_answer
from domain.refusal import NotPossible

After = Callable[[str], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Change:
    """What a step or a goal is told to be, where that differs: by name, as JSON. `was` is empty for what is new."""

    key: str
    was: Mapping[str, Any]
    becomes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Switch:
    """What it would do. `kept`: begun already, so they stay, though the version has them otherwise or not at all.

    `clashes`: steps of this plan alone under a key that the version uses for another one. `lost`: a condition whose
    answer nobody gives in this plan: (step, the step that it reads, the question). `circle`: steps, each after
    the next.
    """

    added: tuple[Step, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[Step, ...] = ()
    kept: tuple[str, ...] = ()
    clashes: tuple[str, ...] = ()
    goals: tuple[Goal, ...] = ()
    renamed: tuple[Goal, ...] = ()
    steps_change: tuple[Change, ...] = ()
    goals_change: tuple[Change, ...] = ()
    circle: tuple[str, ...] = ()
    lost: tuple[str, str, str] | None = None

    def refusal(self) -> NotPossible | None:
        if self.clashes:
            return NotPossible(
                "key-taken",
                "The plan has a step of its own under a key that the version uses for another one. Drop yours, and add"
                " it again under another key. Where it has ended already, the version needs another key for its own.",
            )
        if self.circle:
            return NotPossible(
                "circle",
                f"In that version's order these steps would wait for each other for ever: {', '.join(self.circle)}."
                " Part of it is this plan's own order, or that of steps that have begun and stay as they are. Move"
                " those that have not begun, or stay with the version that you have.",
            )
        if self.lost is not None:
            key, reads, asked = self.lost
            return NotPossible(
                "condition",
                f"In that version '{key}' hangs on what '{reads}' answers to '{asked}', and in this plan nobody is"
                f" asked that: '{reads}' was dropped, or has begun with the form of before. Stay with the version that"
                " you have, and add by hand what the family needs of the newer one.",
            )
        return None


def switch(
    old: Template,
    steps: Standings,
    new: Template,
    *,
    own: frozenset[str] = frozenset(),
    dropped: frozenset[str] = frozenset(),
    goals: Mapping[str, str] = MappingProxyType({}),
) -> Switch:
    """`own`: steps of this plan alone; `dropped`: the template's steps that its lead took out; `goals`: the plan's, by
    name. A goal gets the version's name where it means the same need."""
    base, newer = _by_key(old), _by_key(new)
    waiting = {key: one.step for key, one in steps.items() if one.state is StepState.WAITING or one.unwanted}
    removed = tuple(key for key in waiting if key not in newer and key not in own)
    added = {key: step for key, step in newer.items() if key not in steps and key not in dropped}
    merged = {
        key: _merged(base.get(key, step), step, newer[key]) if key in newer and key not in own else step
        for key, step in waiting.items()
        if key not in removed
    }
    there = (set(steps) - set(removed)) | set(added)
    before = _before(newer, {key: one.step for key, one in steps.items()}, base)
    after = {key: replace(step, after=_bridged(step, there, before)) for key, step in (merged | added).items()}
    changed = tuple(step for key, step in after.items() if key in waiting and step != waiting[key])
    order = {key: one.step.after for key, one in steps.items() if key in there} | {k: s.after for k, s in after.items()}
    now = {key: replace(one, step=after.get(key, one.step)) for key, one in steps.items() if key in there}
    now |= {key: Standing(after[key]) for key in added}
    fresh = tuple(goal for goal in new.goals if goal.key not in goals)
    terms = {goal.key: goal.term for goal in old.goals}
    renamed = tuple(
        goal
        for goal in new.goals
        if goals.get(goal.key, goal.name) != goal.name and terms.get(goal.key, goal.term) == goal.term
    )
    return Switch(
        added=tuple(after[key] for key in added),
        removed=removed,
        changed=changed,
        kept=tuple(key for key in steps if key not in waiting and key not in own and newer.get(key) != base.get(key)),
        clashes=tuple(key for key in steps if key in own and key in newer),
        goals=fresh,
        renamed=renamed,
        steps_change=tuple(_change(waiting.get(step.key), step) for step in after.values() if step in changed)
        + tuple(_change(None, after[key]) for key in added),
        goals_change=tuple(Change(goal.key, {}, {"name": goal.name, "term": goal.term}) for goal in fresh)
        + tuple(Change(goal.key, {"name": goals[goal.key]}, {"name": goal.name}) for goal in renamed),
        circle=tuple(next(iter(graph.circles(order)), ())),
        lost=lost_answer(steps, now),
    )


def _by_key(template: Template) -> dict[str, Step]:
    return {step.key: step for step in template.steps}


def _merged(base: Step, live: Step, new: Step) -> Step:
    """Each word of the step by itself: the lead's where the lead changed it, else the version's."""
    words = {each.name for each in fields(Step)} - {"after"}
    taken = {word: getattr(new, word) for word in words if getattr(live, word) == getattr(base, word)}
    ours = [key for key in live.after if key not in base.after]
    not_any_more = set(base.after) - set(live.after)
    after = [key for key in new.after if key not in not_any_more] + ours
    return replace(live, **taken, after=tuple(dict.fromkeys(after)))


def _before(*told: Mapping[str, Step]) -> After:
    """What a step that is gone came after, as the first says that knows it."""
    return lambda key: next((known[key].after for known in told if key in known), ())


def _bridged(step: Step, there: set[str], before: After) -> tuple[str, ...]:
    """What it comes after, where for each that is gone stands what that one came after, and so on."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    left = list(step.after)
    while left:
        key = left.pop(0)
        if key in there:
            found[key] = None
        elif key not in seen:
            seen.add(key)
            left = [*before(key), *left]
    return tuple(found)


def _change(was: Step | None, becomes: Step) -> Change:
    old = step_body(was) if was else {}
    new = step_body(becomes)
    names = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
    return Change(becomes.key, {n: old[n] for n in names if n in old}, {n: new[n] for n in names if n in new})
