"""A rule is a small closed vocabulary: what it cannot say is refused, at the place where it stands."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from domain.indicator import Event, Indicator, earn
from domain.period import Grain
from domain.rule import EVENTS, Rule, RuleError

GOOD: list[dict[str, Any]] = [
    {"measure": "count", "event": "referral_created"},
    {"measure": "count", "event": "need_outcome", "where": {"outcome": ["need_met"]}, "term": "food"},
    {"measure": "count", "steps": True, "template": "housing", "step": "sign_lease"},
    {"measure": "sum", "steps": True, "fact": "answer.paid", "money": True, "by": ["county"]},
    {"measure": "distinct", "event": ["task_started"], "of": "households", "periods": ["month", "calendar_year"]},
    {"measure": "distinct", "event": "task_started", "periods": [{"code": "state_year", "starts_in": 7}]},
    {"measure": "rate", "clock": "acknowledge", "cohort": "requested_on"},
    {"measure": "rate", "numerator": {"event": "task_completed", "where": {"crosses": "yes"}},
     "denominator": "task_completed", "cases": "task_requested"},
    {"measure": "median", "fact": "first_contact_days", "entered": "task_accepted",
     "left": {"event": "task_failed", "where": {"contacted": False}}},
    {"measure": "percentile", "p": 90, "fact": "handover_days"},
    {"measure": "level", "entered": "task_waitlisted", "left": {"event": "task_started"}},
    {"measure": "observed"},
]  # fmt: skip


@pytest.mark.parametrize("rule", GOOD, ids=lambda rule: "-".join(map(str, rule.values()))[:50])
def test_what_the_vocabulary_says_is_understood(rule: dict[str, Any]) -> None:
    assert Rule.parse(rule).measure == rule["measure"]


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "rule.measure"),
    ({"measure": "average"}, "rule.measure"),
    ({"measure": "count"}, "rule.event"),
    ({"measure": "count", "event": []}, "rule.event"),
    ({"measure": "count", "event": "referral_made"}, "rule.event"),
    ({"measure": "count", "event": "task_started", "clock": "decide"}, "rule.clock"),
    ({"measure": "count", "event": "task_started", "where": {"income": "low"}}, "rule.where.income"),
    ({"measure": "count", "event": "task_started", "where": {"answer.Ü": "x"}}, "rule.where.answer"),
    ({"measure": "count", "event": "task_started", "where": {"outcome": []}}, "rule.where.outcome"),
    ({"measure": "count", "event": "task_started", "where": "outcome"}, "rule.where"),
    ({"measure": "count", "event": "task_started", "term": "Food!"}, "rule.term"),
    ({"measure": "count", "steps": "yes"}, "rule.steps"),
    ({"measure": "count", "steps": False}, "rule.event"),
    ({"measure": "count", "event": "task_started", "by": ["gender"]}, "rule.by"),
    ({"measure": "count", "event": "task_started", "credit": "nobody"}, "rule.credit"),
    ({"measure": "count", "event": "task_started", "credit": "region", "by": ["organization"]}, "rule.by"),
    ({"measure": "count", "event": "task_started", "cohort": "born_on"}, "rule.cohort"),
    ({"measure": "sum", "steps": True}, "rule.fact"),
    ({"measure": "sum", "steps": True, "fact": "income"}, "rule.fact"),
    ({"measure": "sum", "steps": True, "fact": "answer.paid", "money": 1}, "rule.money"),
    ({"measure": "distinct", "event": "task_started", "of": "cats"}, "rule.of"),
    ({"measure": "distinct", "event": "task_started", "periods": []}, "rule.periods"),
    ({"measure": "distinct", "event": "task_started", "periods": ["week"]}, "rule.periods"),
    ({"measure": "distinct", "event": "task_started", "of": "organizations", "by": ["organization"]}, "rule.by"),
    ({"measure": "rate"}, "rule.clock"),
    ({"measure": "rate", "clock": "acknowledge", "denominator": "task_started"}, "rule.clock"),
    ({"measure": "rate", "denominator": "task_started"}, "rule.numerator"),
    ({"measure": "rate", "numerator": "task_started"}, "rule.clock"),
    ({"measure": "rate", "clock": "hard_limit"}, "rule.clock"),
    ({"measure": "rate", "clock": "decide", "cases": "task_requested"}, "rule.cases"),
    ({"measure": "rate", "numerator": {"event": "x"}, "denominator": "task_started"}, "rule.numerator.event"),
    ({"measure": "rate", "numerator": {"where": {}}, "denominator": "task_started"}, "rule.numerator.event"),
    ({"measure": {"count": 1}}, "rule.measure"),
    ({"measure": ["count"]}, "rule.measure"),
    ({"measure": "median", "fact": {"age": 1}}, "rule.fact"),
    ({"measure": "median"}, "rule.fact"),
    ({"measure": "median", "fact": "age"}, "rule.fact"),
    ({"measure": "percentile", "fact": "handover_days"}, "rule.p"),
    ({"measure": "percentile", "fact": "handover_days", "p": 100}, "rule.p"),
    ({"measure": "percentile", "fact": "handover_days", "p": True}, "rule.p"),
    ({"measure": "level", "left": "task_started"}, "rule.entered"),
    ({"measure": "level", "entered": {"event": "task_started", "who": "x"}, "left": "task_failed"}, "rule.entered.who"),
    ({"measure": "observed", "event": "task_started"}, "rule.event"),
    ({"measure": "count", "event": "task_started", "by": ["county", "county"]}, "rule.by"),
    ({"measure": "level", "entered": "task_waitlisted"}, "rule.left"),
    ({"measure": "count", "event": "need_outcome", "where": {"outcome": "met"}}, "rule.where.outcome"),
    ({"measure": "count", "event": "task_completed", "where": {"crosses": "maybe"}}, "rule.where.crosses"),
    ({"measure": "count", "event": "task_declined", "where": {"from_state": "reqested"}}, "rule.where.from_state"),
    ({"measure": "count", "event": "task_declined", "where": {"from_state": [["requested"]]}}, "rule.where.from_state"),
    ({"measure": "count", "event": "task_accepted", "where": {"first_accepted": "yess"}}, "rule.where.first_accepted"),
    (
        {"measure": "count", "event": "task_accepted", "where": {"answer.stable": {"a": "b"}}},
        "rule.where.answer.stable",
    ),
    ({"measure": "count", "event": "referral_created", "where": {"kind": ["referral", "call"]}}, "rule.where.kind"),
    ({"measure": "count", "event": "referral_created", "where": {"origin": "phone"}}, "rule.where.origin"),
    ({"measure": "count", "event": "referral_created", "where": {"priority": "high"}}, "rule.where.priority"),
    (
        {"measure": "count", "event": "task_completed", "where": {"confirmed_by": "backbone"}},
        "rule.where.confirmed_by",
    ),
    ({"measure": "count", "event": ["task_started", "task_started"]}, "rule.event"),
    ({"measure": "count", "event": "need_outcome", "where": {"outcome": ["unmet", "unmet"]}}, "rule.where.outcome"),
    ({"measure": "distinct", "event": "task_started", "periods": ["month", "month"]}, "rule.periods"),
    (
        {
            "measure": "distinct",
            "event": "task_started",
            "periods": [{"code": "state_year", "starts_in": 7}, {"code": "state_year", "starts_in": 8}],
        },
        "rule.periods",
    ),
]


@pytest.mark.parametrize(("rule", "place"), BAD, ids=[str(rule)[:60] for rule, _ in BAD])
def test_what_it_does_not_know_is_refused_at_its_place(rule: dict[str, Any], place: str) -> None:
    with pytest.raises(RuleError) as refused:
        Rule.parse(rule)
    assert str(refused.value).startswith(place)
    assert refused.value.sentence


def test_every_event_that_the_record_writes_can_be_counted() -> None:
    """And no rule waits for an event that nobody writes."""
    root = Path(__file__).parents[2]
    code = "\n".join(file.read_text() for part in ("domain", "services") for file in (root / part).glob("*.py"))
    written = set(re.findall(r'Happened\(\s*"([a-z_]+)"', code)) | set(re.findall(r'kind = "([a-z_]+)" if', code))
    assert written - EVENTS == set()


def event(kind: str = "task_completed", *, facts: dict[str, Any] | None = None, **more: Any) -> Event:
    given: dict[str, Any] = {
        "id": "e", "kind": kind, "day": date(2026, 11, 24), "organization_id": "org", "source_organization_id": "src",
        "person_id": "person", "household_key": "home", "settled": {}, "facts": facts or {},
        "dimensions": {"county": "31157", "term": "food.pantry"},
    }  # fmt: skip
    return Event(**given | more)


def earned(rule: dict[str, Any], *events: Event, code: str = "it") -> list[tuple[Any, ...]]:
    """(part, period, owner, bucket, value) of every line."""
    indicator = Indicator("id", code, Rule.parse(rule))
    lines = [line for one in events for line in earn([indicator], one)[0]]
    return [(line.part, line.period, line.organization_id, line.bucket, line.value) for line in lines]


def touched(rule: dict[str, Any], one: Event) -> list[tuple[Any, ...]]:
    found = earn([Indicator("id", "it", Rule.parse(rule))], one)[1]
    return [(each.person_id, each.period, each.organization_id, dict(each.dimensions)) for each in found]


def test_a_term_counts_with_all_below_it_and_with_nothing_beside_it() -> None:
    rule = {"measure": "count", "event": "task_completed", "term": "food"}
    assert len(earned(rule, event())) == 1
    assert earned(rule, event(dimensions={"term": "foodways"})) == []
    assert earned({**rule, "term": "food.pantry.mobile"}, event()) == []


def test_a_step_counts_for_the_indicators_that_it_names() -> None:
    rule = {"measure": "count", "steps": True}
    done = event(facts={"feeds": ["it", "other"], "template": "housing", "step": "lease"})
    assert len(earned(rule, done)) == 1
    assert earned(rule, done, code="else") == []
    assert earned(rule, event(facts={"feeds": None})) == []
    assert earned({**rule, "step": "search"}, done) == []
    assert earned({**rule, "template": "reentry"}, done) == []


def test_an_answer_that_was_not_given_is_no_answer() -> None:
    rule = {"measure": "count", "event": "task_completed", "where": {"answer.stable": ["yes", "None"]}}
    assert earned(rule, event()) == []
    assert len(earned(rule, event(facts={"answer.stable": "yes"}))) == 1
    assert len(earned(rule, event(facts={"answer.stable": True}))) == 1


@pytest.mark.parametrize(
    ("paid", "cents"),
    [(123.45, 12345), (0.005, 1), (100, 10000), (0.1 + 0.2, 30), (-20, -2000), ("100", None), (True, None), (0, None)],
)
def test_money_is_counted_in_cents_and_what_is_no_number_not_at_all(paid: Any, cents: int | None) -> None:
    rule = {"measure": "sum", "event": "task_completed", "fact": "answer.paid", "money": True}
    lines = earned(rule, event(facts={"answer.paid": paid}))
    assert lines == ([] if cents is None else [("value", "2026-11", "org", 0, cents)])


def test_a_household_counts_once_by_its_key_in_every_period_and_group() -> None:
    rule = {
        "measure": "distinct", "of": "households", "event": "task_completed", "by": ["county", "organization"],
        "periods": ["month", {"code": "state_year", "starts_in": 7}],
    }  # fmt: skip
    cells = touched(rule, event())
    assert {whom for whom, *_ in cells} == {"home"}
    assert sorted(cells, key=str) == sorted(
        [
            ("home", period, owner, dimensions)
            for period in ("2026-11", "state_year:2027")
            for owner, dimensions in ((None, {}), ("org", {}), (None, {"county": "31157"}))
        ],
        key=str,
    )
    assert touched(rule, event(household_key=None)) == []


def test_work_for_an_absent_partner_makes_nobody_count_twice_for_the_region() -> None:
    rule = {"measure": "distinct", "event": "task_completed", "by": ["organization"]}
    assert touched(rule, event(organization_id=None)) == [("person", "2026-11", None, {})]


def test_a_rate_of_two_choices_counts_both_in_the_cohort_of_the_case() -> None:
    rule = {
        "measure": "rate", "numerator": {"event": "task_completed", "where": {"crosses": True}},
        "denominator": "task_completed", "cohort": "requested_on",
    }  # fmt: skip
    late = event(facts={"crosses": "yes", "requested_on": "2026-09-30"})
    assert earned(rule, late) == [("numerator", "2026-09", "org", 0, 1), ("denominator", "2026-09", "org", 0, 1)]
    assert [line[0] for line in earned(rule, event(facts={"crosses": "no"}))] == ["denominator"]


def test_a_clock_knows_its_cases_and_those_who_left_without_an_answer() -> None:
    rule = {"measure": "rate", "clock": "acknowledge"}
    assert [line[0] for line in earned(rule, event("task_requested"))] == ["cases"]
    assert [line[0] for line in earned(rule, event("task_cancelled", facts={"unsettled": ["acknowledge"]}))] == ["left"]
    assert earned(rule, event("task_requested", timed=False)) == []


def test_a_level_counts_who_came_and_who_went() -> None:
    rule = {
        "measure": "level", "entered": "task_waitlisted",
        "left": {"event": ["task_started", "task_failed"], "where": {"from_state": "waitlisted"}},
    }  # fmt: skip
    events = (
        event("task_waitlisted"),
        event("task_started", facts={"from_state": "waitlisted"}),
        event("task_started", facts={"from_state": "accepted"}),
    )
    assert [line[0] for line in earned(rule, *events)] == ["entered", "left"]


def test_what_is_observed_is_earned_by_nothing() -> None:
    assert all(earned({"measure": "observed"}, event(kind)) == [] for kind in EVENTS)


def test_margins_are_the_whole_and_each_group_by_itself() -> None:
    rule = Rule.parse({"measure": "count", "event": "task_started", "by": ["race", "county", "organization"]})
    assert rule.margins({"county": "31157", "term": "food"}) == [{}, {"county": "31157"}, {"race": "unknown"}]
    once = Rule.parse({"measure": "distinct", "event": "task_started", "by": ["county"]})
    assert once.margins({"county": "31157"}) == [{"county": "31157"}]
    assert once.grain("month") == Grain("month")
