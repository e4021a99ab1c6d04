"""What an event earns. Pure: the same event always earns the same, under every version of every indicator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from domain.period import MONTH
from domain.rule import NOTHING, Rule, Selector, word


@dataclass(frozen=True, slots=True)
class Indicator:
    """One version. `in_force` False: it counts what happens from now on, while its history is still being added."""

    id: str
    code: str
    rule: Rule
    in_force: bool = True


@dataclass(frozen=True, slots=True)
class Event:
    """An event as the counters see it: codes and opaque ids only. `day` is its occurred date in the region.

    `facts` hold its states and its reason too. `timed` False: it enters no rate of a clock and no duration.
    """

    id: str
    kind: str
    day: date
    organization_id: str | None
    source_organization_id: str
    person_id: str | None
    household_key: str | None
    settled: Mapping[str, str]
    facts: Mapping[str, Any]
    dimensions: Mapping[str, str]
    timed: bool = True


@dataclass(frozen=True, slots=True)
class Earned:
    """One line of the ledger, in the groups of its event. `period` is a month; `bucket` a whole number of units
    (durations only).
    """

    indicator_id: str
    part: str
    period: str
    organization_id: str | None
    bucket: int = 0
    value: int = 1


@dataclass(frozen=True, slots=True)
class Touch:
    """This event makes somebody count in one published grain of a distinct indicator; `person_id` is whom: a person,
    a household's key, or an organization."""

    indicator_id: str
    period: str
    organization_id: str | None
    dimensions: Mapping[str, str]
    person_id: str


def earn(indicators: Iterable[Indicator], event: Event) -> tuple[list[Earned], list[Touch]]:
    """All that one event earns, by all indicators."""
    earned: list[Earned] = []
    touched: list[Touch] = []
    for indicator in indicators:
        if indicator.rule.distinct:
            touched += _touches(indicator, event)
        else:
            earned += _additive(indicator, event)
    return earned, touched


def holds(what: Selector, event: Event, code: str) -> bool:
    """Whether the event is among those chosen; `code` is the indicator's, for steps that feed it."""
    if event.kind not in what.events:
        return False
    if what.feeds and code not in (event.facts.get("feeds") or ()):
        return False
    if what.templates and event.facts.get("template") not in what.templates:
        return False
    if what.steps and event.facts.get("step") not in what.steps:
        return False
    if what.terms and not any(_within(event.dimensions.get("term", ""), term) for term in what.terms):
        return False
    return all(fact in event.facts and word(event.facts[fact]) in ok for fact, ok in what.where.items())


def _within(term: str, above: str) -> bool:
    """A term's code begins with its parent's: `food.pantry` is within `food`."""
    return term == above or term.startswith(above + ".")


Part = tuple[str, int, int]
"""Part, bucket and value of a line."""


def _parts(indicator: Indicator, event: Event) -> list[Part]:
    rule, code = indicator.rule, indicator.code
    if rule.measure == "count":
        return [("value", 0, 1)] if holds(rule.what, event, code) else []
    if rule.measure == "sum":
        amount = _amount(rule, event) if holds(rule.what, event, code) else 0
        return [("value", 0, amount)] if amount else []
    if rule.clock is not None:
        return _clock_parts(rule.clock, event) if event.timed else []
    parts: list[Part] = []
    if rule.fact is not None and event.timed and rule.fact in event.facts:
        parts.append(("bucket", int(event.facts[rule.fact]), 1))
    if rule.fact is not None and not event.timed:
        return []
    named = ("numerator", "denominator", "cases", "entered", "left")
    return parts + [(part, 0, 1) for part in named if _chosen(getattr(rule, part), event, code)]


def _chosen(what: Selector, event: Event, code: str) -> bool:
    return what != NOTHING and holds(what, event, code)


_BEGINS = {"acknowledge": "task_requested", "decide": "task_requested", "first_contact": "task_accepted"}
"""Where every case of a clock begins, so that those not yet due can be shown."""


def _clock_parts(clock: str, event: Event) -> list[Part]:
    settled = {"met": ("denominator", "numerator"), "missed": ("denominator",)}.get(event.settled.get(clock, ""), ())
    parts = [(part, 0, 1) for part in settled]
    if event.kind == _BEGINS.get(clock):
        parts.append(("cases", 0, 1))
    if clock in (event.facts.get("unsettled") or ()):
        parts.append(("left", 0, 1))
    return parts


def _amount(rule: Rule, event: Event) -> int:
    """A whole number; of money, cents. What is no number counts nothing."""
    value = event.facts.get(rule.fact or "")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int((Decimal(str(value)) * (100 if rule.money else 1)).quantize(Decimal(1), ROUND_HALF_UP))


def _additive(indicator: Indicator, event: Event) -> list[Earned]:
    rule = indicator.rule
    parts = _parts(indicator, event)
    if not parts:
        return []
    cohort = event.facts.get(rule.cohort) if rule.cohort else None
    period = MONTH.holding(date.fromisoformat(str(cohort)) if cohort else event.day)
    owner = {"source": event.source_organization_id, "target": event.organization_id, "region": None}[rule.credit]
    return [Earned(indicator.id, part, period, owner, bucket, value) for part, bucket, value in parts]


def _touches(indicator: Indicator, event: Event) -> list[Touch]:
    rule = indicator.rule
    subjects = {"clients": event.person_id, "households": event.household_key, "organizations": event.organization_id}
    whom = subjects[rule.of]
    if whom is None or not holds(rule.what, event, indicator.code):
        return []
    cells: list[tuple[str | None, dict[str, str]]] = [(None, {})]
    for name in rule.by:
        if name != "organization":
            cells.append((None, {name: event.dimensions[name]}))
        elif event.organization_id is not None:
            cells.append((event.organization_id, {}))
    return [
        Touch(indicator.id, grain.holding(event.day), organization, dimensions, whom)
        for grain in rule.grains
        for organization, dimensions in cells
    ]
