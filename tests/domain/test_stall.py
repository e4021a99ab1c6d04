"""Why work stands still: which cause is named, whose turn it makes it, and what is said of it."""

from __future__ import annotations

import re

import pytest

from domain import plan, referral, task, watch
from domain.clock import Clock
from domain.stall import AT_ONCE, CAUSES, STALLS, Cause, Stall, Turn, explain, frees

NAMES = {"who": "The Food Bank", "target": "The Clinic", "step": "'Find a room'", "root": "The Shelter"}
NO_LIST = {Clock.HARD_LIMIT, Clock.ANSWER_LIMIT}
"""At these a request expires: nothing stands still then."""


@pytest.mark.parametrize(
    ("cause", "code", "turn", "at_once"),
    [
        (Cause.ENGINE_FAULT, "engine_fault", Turn.BACKBONE, True),
        (Cause.NO_ROOM, "no_capacity", Turn.SOURCE, True),
        (Cause.NOBODY_THERE, "owner_gone", Turn.SOURCE, True),
        (Cause.NOBODY_AT_SOURCE, "owner_gone", Turn.BACKBONE, True),
        (Cause.OWNER_GONE, "owner_gone", Turn.HOLDER, True),
        (Cause.CONSENT_ENDED, "consent_ended", Turn.SOURCE, True),
        (Cause.NO_RECORD, "consent_missing", Turn.SOURCE, False),
        (Cause.UNREADABLE, "consent_missing", Turn.SOURCE, False),
        (Cause.DECLINED_FULL, "no_capacity", Turn.HOLDER, False),
        (Cause.NOBODY_LEFT, "no_capacity", Turn.HOLDER, False),
        (Cause.OWNER_ABSENT, "owner_absent", Turn.HOLDER, False),
        (Cause.NOBODY_ASSIGNED, "nobody_assigned", Turn.HOLDER, False),
        (Cause.PREDECESSOR, "predecessor_stalled", Turn.ROOT, False),
    ],
)
def test_each_cause_says_whose_turn_it_is_and_whether_it_waits_for_a_clock(
    cause: Cause, code: str, turn: Turn, at_once: bool
) -> None:
    behind = CAUSES[cause]
    assert (behind.code, behind.turn, behind.at_once) == (code, turn, at_once)
    assert (cause in AT_ONCE) is at_once


def test_the_weightiest_cause_comes_first() -> None:
    """Without an engine nothing goes on; who has no room is not helped by an assignment; who has left needs a successor
    before anybody asks for a consent; that nobody is assigned explains least."""
    order = [CAUSES[cause].code for cause in Cause]
    for before, after in (("engine_fault", "no_capacity"), ("no_capacity", "owner_gone"), ("owner_gone",
    "consent_ended"),
                          ("consent_ended", "owner_absent"), ("owner_absent", "nobody_assigned")):  # fmt: skip
        assert order.index(before) < order.index(after)


def test_every_clock_and_every_cause_has_its_words() -> None:
    assert set(STALLS) == set(Clock) - NO_LIST
    assert set(CAUSES) == set(Cause)


@pytest.mark.parametrize("clock", [None, *STALLS])
@pytest.mark.parametrize("cause", [None, *(cause for cause in Cause if cause is not Cause.PREDECESSOR)])
def test_the_symptom_is_said_first_then_the_cause_and_what_frees_the_cause(
    clock: Clock | None, cause: Cause | None
) -> None:
    if clock is None and cause is None:
        return
    code, sentence, remedy = explain(clock, cause, NAMES)
    last = CAUSES[cause] if cause else STALLS[clock]  # type: ignore[index]
    assert (code, remedy) == (last.code, last.remedy.format(**NAMES))
    if clock:
        assert sentence.startswith(STALLS[clock].sentence.format(**NAMES))
    if cause:
        assert sentence.endswith(CAUSES[cause].sentence.format(**NAMES))
    assert sentence.endswith(".")
    assert remedy.endswith(".")
    assert not re.search(r"[{}]", sentence + remedy)


def test_a_waiting_step_names_what_it_waits_for_and_who_has_that() -> None:
    code, sentence, _ = explain(None, Cause.PREDECESSOR, NAMES)
    assert (code, sentence) == (
        "predecessor_stalled", "It cannot begin before 'Find a room' at The Shelter is done.",
    )  # fmt: skip


@pytest.mark.parametrize("one", [*STALLS.values(), *CAUSES.values()])
def test_of_a_plan_s_step_no_remedy_names_what_only_its_plan_decides(one: Stall) -> None:
    """Its request answers 409 `step-of-a-plan`; who else is asked is chosen on the plan."""
    remedy = one.of_step or one.remedy
    assert not re.search("withdraw|re-route", remedy, re.IGNORECASE)
    on_step = one.moves >= {"reassign", "skip", "drop"}
    assert on_step is bool(one.of_step) is ("{step}" in remedy) is bool(one.moves & {"withdraw", "reroute"})


def test_what_frees_it_are_verbs_that_exist() -> None:
    known = {verb.value for verbs in (task.Verb, referral.Verb, plan.Verb, plan.StepVerb, watch.Verb) for verb in verbs}
    for one in (*STALLS.values(), *CAUSES.values()):
        assert one.moves <= known, one.code


@pytest.mark.parametrize(
    ("clock", "cause", "does", "does_not"),
    [
        (Clock.ACKNOWLEDGE, None, "accept", "note"),
        (Clock.SIGN_OF_LIFE, None, "note", "accept"),
        (Clock.DECIDE, Cause.NOBODY_ASSIGNED, "assign", "complete"),
        (None, Cause.OWNER_GONE, "assign", "accept"),
        (None, Cause.NO_ROOM, "cancel", "assign"),
        (None, Cause.ENGINE_FAULT, "", "reroute"),
    ],
)
def test_only_what_frees_it_is_offered(clock: Clock | None, cause: Cause | None, does: str, does_not: str) -> None:
    assert not does or frees(clock, cause, does)
    assert not frees(clock, cause, does_not)
