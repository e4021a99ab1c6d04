"""Which steps of a plan are ready, what is skipped, when it is over: situations, told as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.pathway import Policy, Step, parse_step
from domain.plan import (
    Standing,
    State,
    StepState,
    StepVerb,
    allowed_on_step,
    is_over,
    next_steps,
    policy,
    reordered,
    require,
    require_answers,
    state_of,
)
from domain.referral import State as Request
from domain.refusal import NotPossible
from domain.task import State as Task

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
RISK = [{"step": "screen", "field": "risk", "one_of": ["yes"]}]
FORM = [{"key": "risk", "kind": "yes_no", "label": "At risk?"}]


def step(key: str, *after: str, **more: Any) -> Step:
    return parse_step({"key": key, "title": key, "owner": "lead", "after": list(after), **more})


def done(one: Step, *, days_ago: float = 0, closed: bool = True, **answers: Any) -> Standing:
    return Standing(one, StepState.DONE, NOW - DAY * days_ago, closed, answers)


def following(*standings: Standing) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    found = next_steps({one.step.key: one for one in standings}, NOW, NOW - DAY, DAY)
    return found.skip, found.open, list(found.later)


def test_what_comes_after_nothing_opens_and_the_rest_waits() -> None:
    assert following(Standing(step("a")), Standing(step("b", "a"))) == ((), ("a",), [])


def test_two_branches_open_side_by_side_and_meet_again_when_both_are_done() -> None:
    a, b, c = step("a"), step("b", "a"), step("c", "a")
    d = Standing(step("d", "b", "c"))
    assert following(done(a), Standing(b), Standing(c), d)[1] == ("b", "c")
    assert following(done(a), done(b), Standing(c, StepState.OPEN), d)[1] == ()
    assert following(done(a), done(b), done(c), d)[1] == ("d",)


def test_a_condition_that_does_not_hold_skips_the_step_and_what_follows_goes_on_at_once() -> None:
    screen, court = step("screen"), Standing(step("court", "screen", when=RISK))
    after = Standing(step("after", "court"))
    assert following(done(screen, risk="no"), court, after) == (("court",), ("after",), [])
    assert following(done(screen, risk="yes"), court, after) == ((), ("court",), [])


def test_a_step_left_out_for_an_answer_comes_back_when_that_is_corrected() -> None:
    left_out = Standing(step("court", "screen", when=RISK), StepState.SKIPPED, NOW, unwanted=True)
    after = Standing(step("after", "court"))
    by_lead = replace(left_out, unwanted=False)
    steps = {one.step.key: one for one in (done(step("screen"), risk="yes"), left_out, after)}
    assert (next_steps(steps, NOW, NOW - DAY, DAY).back, following(*steps.values())) == (
        ("court",),
        ((), ("court",), []),
    )
    assert following(done(step("screen"), risk="no"), left_out, after) == ((), ("after",), [])
    assert following(done(step("screen"), risk="yes"), by_lead, after) == ((), ("after",), [])


def test_an_answer_that_is_asked_again_decides_nothing_until_it_is_given() -> None:
    asked_again = Standing(step("screen", form=FORM), StepState.OPEN)
    agree, court = done(step("agree", "screen")), Standing(step("court", "agree", when=RISK))
    after = Standing(step("after", "court"))
    assert following(asked_again, agree, court, after) == ((), (), [])
    left_out = replace(court, state=StepState.SKIPPED, ended_at=NOW, unwanted=True)
    steps = {one.step.key: one for one in (asked_again, agree, left_out, after)}
    assert next_steps(steps, NOW, NOW - DAY, DAY).back == ("court",), "that it had said no counts no longer"
    assert following(asked_again, agree, left_out, after) == ((), (), [])
    answered = done(asked_again.step, risk="no")
    assert following(answered, agree, court, after) == (("court",), ("after",), [])
    assert following(replace(answered, state=StepState.SKIPPED), agree, court, after) == (("court",), ("after",), [])


def test_one_no_that_was_said_is_enough_while_another_question_is_asked_again() -> None:
    both = [*RISK, {"step": "agree", "field": "funds", "one_of": ["yes"]}]
    asked_again, court = Standing(step("screen"), StepState.OPEN), Standing(step("court", "agree", when=both))
    assert following(asked_again, done(step("agree"), funds="no"), court)[0] == ("court",)
    assert following(asked_again, done(step("agree"), funds="yes"), court) == ((), (), [])


def test_what_hangs_on_a_step_that_comes_back_comes_back_with_it() -> None:
    first = [{"step": "first", "field": "x", "one_of": ["y"]}]
    screen = Standing(step("screen", "first", when=first), StepState.SKIPPED, NOW, unwanted=True)
    court = Standing(step("court", "screen", when=RISK), StepState.SKIPPED, NOW, unwanted=True)
    steps = {one.step.key: one for one in (Standing(step("first"), StepState.OPEN), court, screen)}
    assert set(next_steps(steps, NOW, NOW - DAY, DAY).back) == {"screen", "court"}
    steps["first"] = done(step("first"), x="n")
    assert next_steps(steps, NOW, NOW - DAY, DAY).back == ()


def test_who_was_never_asked_has_said_nothing_so_what_hangs_on_it_is_skipped_too() -> None:
    screen = Standing(step("screen", when=[{"step": "first", "field": "x", "one_of": ["y"]}], after=["first"]))
    court = Standing(step("court", "screen", when=RISK))
    assert following(done(step("first"), x="n"), screen, court)[0] == ("screen", "court")


def test_a_step_that_is_left_out_while_it_waits_opens_nothing_before_its_time() -> None:
    skipped = Standing(step("b", "a"), StepState.SKIPPED, NOW - DAY)
    after = Standing(step("c", "b"))
    assert following(Standing(step("a"), StepState.OPEN), skipped, after) == ((), (), [])
    assert following(done(step("a")), skipped, after) == ((), ("c",), [])
    later = Standing(step("c", "b", opens_after_days=30))
    assert following(done(step("a")), replace(skipped, ended_at=NOW - DAY * 40), later) == ((), (), ["c"])


READS = {
    "moved": {"screen": Standing(step("screen", form=FORM)), "court": Standing(step("court", when=RISK))},
    "dropped": {"court": Standing(step("court", when=RISK))},
    "asked without that question": {
        "screen": done(step("screen")),
        "court": Standing(step("court", "screen", when=RISK)),
    },
    "between": {
        "screen": Standing(step("screen", form=FORM), StepState.OPEN),
        "talk": Standing(step("talk")),
        "court": Standing(step("court", "talk", when=RISK)),
    },
}


@pytest.mark.parametrize("how", READS)
def test_no_edit_takes_the_answer_away_that_a_condition_reads(how: str) -> None:
    was = {
        "screen": Standing(step("screen", form=FORM)),
        "talk": Standing(step("talk", "screen")),
        "court": Standing(step("court", "talk", when=RISK)),
    }
    with pytest.raises(NotPossible, match="condition") as refused:
        require_answers(was, READS[how])
    assert all(f"'{one}'" in refused.value.sentence for one in ("court", "screen", "risk"))
    require_answers(READS[how], READS[how])
    answered = {"screen": done(step("screen", form=FORM), risk="yes"), "court": Standing(step("court", when=RISK))}
    require_answers(was, answered)


@pytest.mark.parametrize("state", [StepState.WAITING, StepState.SKIPPED])
def test_what_is_asked_again_stays_in_the_plan_though_a_step_was_left_out_for_its_answer(state: StepState) -> None:
    court = Standing(step("court", "agree", when=RISK), state, unwanted=state is StepState.SKIPPED)
    agree = done(step("agree", "screen"))
    was = {"screen": Standing(step("screen", form=FORM), StepState.OPEN), "agree": agree, "court": court}
    with pytest.raises(NotPossible, match="condition"):
        require_answers(was, {"agree": agree, "court": court})
    by_lead = replace(court, state=StepState.SKIPPED, unwanted=False)
    require_answers(was | {"court": by_lead}, {"agree": agree, "court": by_lead})


def test_a_follow_up_waits_for_its_day() -> None:
    later = Standing(step("later", "a", opens_after_days=30))
    assert following(done(step("a"), days_ago=29), later) == ((), (), ["later"])
    assert following(done(step("a"), days_ago=30), later) == ((), ("later",), [])


def test_a_step_that_was_dropped_holds_nobody_up() -> None:
    assert following(Standing(step("b", "gone")))[1] == ("b",)


@pytest.mark.parametrize(
    ("request_state", "reported", "skipped", "stands"),
    [
        (None, False, False, StepState.WAITING),
        (Request.ACTIVE, False, False, StepState.OPEN),
        (Request.ACTIVE, True, False, StepState.DONE),
        (Request.AWAITING_SOURCE, False, False, StepState.OPEN),
        (Request.COMPLETED, False, False, StepState.DONE),
        (Request.WITHDRAWN, False, False, StepState.SKIPPED),
        (Request.ENTERED_IN_ERROR, False, False, StepState.SKIPPED),
        (Request.WITHDRAWN, False, True, StepState.SKIPPED),
    ],
)
def test_a_step_stands_as_its_request_does(
    request_state: Request | None, reported: bool, skipped: bool, stands: StepState
) -> None:
    assert state_of(request_state, reported, skipped) is stands


def test_only_the_end_of_the_plan_waits_for_the_confirmation() -> None:
    a, b = step("a"), step("b", "a")
    assert following(done(a, closed=False), Standing(b))[1] == ("b",)
    assert not is_over({"a": done(a, closed=False)})
    assert is_over({"a": done(a)})


@pytest.mark.parametrize(
    ("task", "found"),
    [
        (Task.DECLINED, Policy.OTHER_PROVIDER),
        (Task.EXPIRED, Policy.OTHER_PROVIDER),
        (Task.FAILED, Policy.SKIP),
        (Task.CANCELLED, Policy.SKIP),
        (Task.ENTERED_IN_ERROR, Policy.LEAD),
        (None, Policy.LEAD),
    ],
)
def test_what_the_pathway_says_of_a_no_is_not_what_it_says_of_a_failure(task: Task | None, found: Policy) -> None:
    assert policy(step("a", on_decline="other_provider", on_failure="skip"), task) is found


def test_steps_never_wait_for_each_other() -> None:
    steps = [step("a"), step("b", "a"), step("c", "b")]
    with pytest.raises(NotPossible, match="circle"):
        reordered(steps, step("a", "c"))
    with pytest.raises(NotPossible, match="unknown-step"):
        reordered(steps, step("b", "nobody"))
    assert [one.key for one in reordered(steps, step("d", "a"))] == ["a", "b", "c", "d"]


def test_what_has_begun_is_not_moved_and_what_is_done_is_left_alone() -> None:
    one = step("a", may_skip=True)
    assert StepVerb.MOVE in allowed_on_step(State.ACTIVE, Standing(one), leads=True)
    assert StepVerb.MOVE not in allowed_on_step(State.ACTIVE, Standing(one, StepState.OPEN), leads=True)
    assert allowed_on_step(State.ACTIVE, done(one), leads=True) == ()
    assert allowed_on_step(State.COMPLETED, Standing(one), leads=True) == ()
    assert allowed_on_step(State.ACTIVE, Standing(one), leads=False) == ()
    with pytest.raises(NotPossible, match="not-optional"):
        require(StepVerb.SKIP, Standing(step("a")))
