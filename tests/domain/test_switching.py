"""What a switch to another version of the template does to a plan that people have edited meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.pathway import Goal, Owner, Step, Template, parse_step
from domain.plan import Standing, StepState
from domain.switching import Switch, switch


def step(key: str, *after: str, **more: Any) -> Step:
    return parse_step({"key": key, "title": key, "owner": "lead", "after": list(after), **more})


def template(*steps: Step, goals: tuple[Goal, ...] = ()) -> Template:
    return Template("t", "T", "", "s", 1, 0, goals, steps)


def live(*steps: Step, **states: StepState) -> dict[str, Standing]:
    return {one.key: Standing(one, states.get(one.key, StepState.WAITING)) for one in steps}


def order(steps: dict[str, Standing], found: Switch) -> dict[str, list[str]]:
    """Who waits for whom once it is done."""
    now = {key: one.step for key, one in steps.items() if key not in found.removed}
    now |= {one.key: one for one in (*found.changed, *found.added)}
    return {key: list(one.after) for key, one in now.items()}


A, B, C, D = step("a"), step("b", "a"), step("c", "b"), step("d", "c")
ROW = template(A, B, C, D)
WITHOUT_C = template(A, B, step("d", "b"))
WITH_N = template(A, B, C, step("n", "c"), step("d", "n"))


@pytest.mark.parametrize(
    ("old", "steps", "new", "told", "wanted"),
    [
        pytest.param(
            ROW, (A, B, step("d", "b")), ROW, {"dropped": {"c"}}, {"a": [], "b": ["a"], "d": ["b"]},
            id="the lead dropped c, and the version is the same",
        ),
        pytest.param(
            ROW, (A, B, step("d", "b")), WITH_N, {"dropped": {"c"}}, {"a": [], "b": ["a"], "n": ["b"], "d": ["n", "b"]},
            id="a new step comes after the one that the lead dropped",
        ),
        pytest.param(
            ROW, (A, B, C, step("d", "c", "x"), step("x", "c")), WITHOUT_C, {"own": {"x"}},
            {"a": [], "b": ["a"], "x": ["b"], "d": ["b", "x"]},
            id="an own step stood between the one that the version takes away and the next",
        ),
        pytest.param(
            ROW, (A, B, C, D, step("x", "d")), template(A), {"own": {"x"}}, {"a": [], "x": ["a"]},
            id="all that an own step waited for is taken away, one behind the other",
        ),
        pytest.param(
            WITHOUT_C, (A, B, step("d", "b")), ROW, {}, {"a": [], "b": ["a"], "c": ["b"], "d": ["c"]},
            id="a step that an earlier version took away comes back",
        ),
        pytest.param(
            WITHOUT_C, (A, B, step("d", "b")), ROW, {"dropped": {"c"}}, {"a": [], "b": ["a"], "d": ["b"]},
            id="a step that the lead had dropped does not come back",
        ),
        pytest.param(
            ROW, (A, B, C, step("d", "a")), WITH_N, {}, {"a": [], "b": ["a"], "c": ["b"], "n": ["c"], "d": ["n", "a"]},
            id="the lead moved d, and the version puts a step before it",
        ),
        pytest.param(
            ROW, (A, B, step("c"), D), ROW, {}, {"a": [], "b": ["a"], "c": [], "d": ["c"]},
            id="the lead moved c to the beginning, and the version does not speak of it",
        ),
    ],
)  # fmt: skip
def test_steps_wait_for_what_they_waited_for(
    old: Template, steps: tuple[Step, ...], new: Template, told: dict[str, Any], wanted: dict[str, list[str]]
) -> None:
    standings = live(*steps)
    sets: dict[str, Any] = {name: frozenset(keys) for name, keys in told.items()}
    found = switch(old, standings, new, **sets)
    assert order(standings, found) == wanted
    assert found.refusal() is None


def test_who_shall_do_a_step_stays_who_the_lead_named() -> None:
    housing = replace(B, owner=Owner("housing"))
    untouched = switch(ROW, live(A, housing, C, D), ROW)
    assert untouched.changed == ()
    other_words = switch(ROW, live(A, housing, C, D), template(A, replace(B, title="Better"), C, D))
    assert other_words.changed == (replace(housing, title="Better"),)
    other_owner = switch(ROW, live(A, housing, C, D), template(A, replace(B, owner=Owner("bh")), C, D))
    assert other_owner.changed == ()
    nobody_edited = switch(ROW, live(A, B, C, D), template(A, replace(B, owner=Owner("bh")), C, D))
    assert [one.owner for one in nobody_edited.changed] == [Owner("bh")]


@pytest.mark.parametrize("state", StepState)
def test_an_own_step_is_never_taken_for_the_versions(state: StepState) -> None:
    found = switch(ROW, live(A, B, C, D, step("n"), n=state), WITH_N, own=frozenset({"n"}))
    refusal = found.refusal()
    assert found.clashes == ("n",)
    assert refusal is not None
    assert refusal.code == "key-taken"
    assert "n" not in {one.key for one in (*found.added, *found.changed)}


def test_what_has_begun_stays_and_is_told_where_the_version_has_it_otherwise() -> None:
    steps = live(A, B, C, D, a=StepState.DONE, b=StepState.OPEN, c=StepState.SKIPPED)
    found = switch(ROW, steps, template(replace(A, may_skip=True), B, step("d", "b")))
    assert found.kept == ("a", "c")
    assert (found.removed, [one.key for one in found.changed]) == ((), ["d"])


def test_a_new_goal_is_taken_over_and_none_is_lost() -> None:
    home, calm = Goal("home", "A home", "housing"), Goal("calm", "Calm", "mental_health")
    serves = replace(D, goal="calm")
    found = switch(template(A, B, C, D, goals=(home,)), live(A, B, C, D), template(A, B, C, serves, goals=(calm,)),
                   goals={"home": "A home"})  # fmt: skip
    assert found.goals == (calm,)
    (goal,) = found.goals_change
    assert (goal.key, goal.was, goal.becomes) == ("calm", {}, {"name": "Calm", "term": "mental_health"})
    assert [one.goal for one in found.changed] == ["calm"]


def test_every_word_that_changes_is_told_with_what_it_was() -> None:
    form = {"key": "risk", "kind": "yes_no", "label": "At risk?"}
    newer = step("b", "a", title="Ask them", owner={"organization": "bh"}, goal="home", may_skip=True, form=[form],
                 when=[{"step": "a", "field": "risk", "one_of": ["yes"]}])  # fmt: skip
    (change,) = switch(ROW, live(A, B, C, D), template(A, newer, C, D)).steps_change
    assert (change.key, change.was) == ("b", {"title": "b", "owner": "lead"})
    assert set(change.becomes) == {"title", "owner", "goal", "may_skip", "form", "when"}


def test_a_circle_of_the_leads_order_and_the_versions_is_refused() -> None:
    moved = live(A, step("b", "a", "d"), C, step("d"))
    refusal = switch(ROW, moved, template(A, B, C, step("d", "c", "e"), step("e", "b"))).refusal()
    assert refusal is not None
    assert refusal.code == "circle"
    assert {"b", "d"} <= set(refusal.sentence.partition(": ")[2].partition(".")[0].split(", "))


def test_a_circle_through_a_step_that_has_begun_says_which_steps_and_what_to_do() -> None:
    begun = live(A, step("b", "a", "d"), C, step("d"), b=StepState.OPEN)
    refusal = switch(ROW, begun, template(A, B, C, step("d", "b"))).refusal()
    assert refusal is not None
    assert (refusal.code, "d, b, d" in refusal.sentence or "b, d, b" in refusal.sentence) == ("circle", True)
    assert "steps that have begun and stay as they are" in refusal.sentence


def test_a_goal_gets_its_new_name_where_it_is_the_same_need() -> None:
    home, quiet = Goal("home", "A home", "housing"), Goal("calm", "Quiet", "health.mental")
    of = (Goal("home", "A home that lasts", "housing"), Goal("calm", "Money", "money"))
    found = switch(template(A, goals=(home, quiet)), live(A), template(A, goals=of),
                   goals={"home": "A home", "calm": "Quiet"})  # fmt: skip
    assert found.renamed == of[:1]
    (change,) = found.goals_change
    assert (change.key, change.was, change.becomes) == ("home", {"name": "A home"}, {"name": "A home that lasts"})


RISK = {"key": "risk", "kind": "yes_no", "label": "At risk?"}
ASKING = step("a", form=[RISK])
HANGING = step("n", "a", when=[{"step": "a", "field": "risk", "one_of": ["yes"]}])


@pytest.mark.parametrize(
    ("steps", "told", "refused"),
    [
        (live(A, a=StepState.WAITING), {}, False),
        (live(A, a=StepState.OPEN), {}, True),
        (live(A, a=StepState.DONE), {}, True),
        (live(ASKING, a=StepState.DONE), {}, False),
        (live(B), {"dropped": frozenset({"a"})}, True),
    ],
    ids=["asked with the new form", "begun with the old", "done with the old", "answered", "dropped"],
)
def test_no_version_brings_a_condition_whose_answer_nobody_gives(
    steps: dict[str, Standing], told: dict[str, Any], refused: bool
) -> None:
    refusal = switch(template(A), steps, template(ASKING, HANGING), **told).refusal()
    assert (refusal is not None) == refused
    if refusal is not None:
        assert (refusal.code, "'n'" in refusal.sentence, "'risk'" in refusal.sentence) == ("condition", True, True)
