"""What an event earns. An indicator's rule is data that can be read aloud; this file is its whole vocabulary.

    {"measure": "count",    "event": "referral_created"}
    {"measure": "count",    "event": "need_outcome", "where": {"outcome": ["need_met"]}}
    {"measure": "rate",     "clock": "acknowledge"}
    {"measure": "distinct", "event": ["task_started"], "periods": ["month"], "by": ["county"]}
    {"measure": "median",   "fact": "first_contact_days", "entered": "task_accepted", "left": ["task_failed"]}

`credit` says whose scorecard shows it: "target" (default), "source", or "region": it counts once, for nobody alone.
`cohort` names the fact that holds the date by which
the case is counted (a rate follows the cohort of its denominator's period, decision 30); without it the event's own
day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from domain.groups import DIMENSIONS, UNKNOWN

MEASURES = frozenset({"count", "rate", "distinct", "median"})
_KEYS = frozenset(
    {"measure", "event", "where", "clock", "periods", "by", "fact", "entered", "left", "credit", "cohort"}
)
_CHOICES = {
    "credit": frozenset({"target", "source", "region"}),
    "periods": frozenset({"month", "year"}),
    "by": frozenset({"organization", *DIMENSIONS}),
}


@dataclass(frozen=True, slots=True)
class Rule:
    measure: str
    events: frozenset[str] = frozenset()
    where: Mapping[str, frozenset[str]] = field(default_factory=dict)
    clock: str | None = None
    fact: str | None = None
    entered: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    periods: tuple[str, ...] = ("month",)
    by: tuple[str, ...] = ()
    credit: str = "target"
    cohort: str | None = None

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Rule:
        """Raises ValueError that names the member at fault."""
        unknown = set(data) - _KEYS
        if unknown:
            raise ValueError(f"rule: unknown member {min(unknown)!r}")
        measure = data.get("measure")
        if measure not in MEASURES:
            raise ValueError(f"rule.measure: one of {', '.join(sorted(MEASURES))}")
        needed = {"count": "event", "distinct": "event", "rate": "clock", "median": "fact"}[measure]
        if needed not in data:
            raise ValueError(f"rule.{needed}: required for measure {measure}")
        for member, choices in _CHOICES.items():
            if not _names(data.get(member)) <= choices:
                raise ValueError(f"rule.{member}: of {', '.join(sorted(choices))} only")
        where = {fact: frozenset(values) for fact, values in data.get("where", {}).items()}
        return cls(
            measure,
            _names(data.get("event")),
            where,
            data.get("clock"),
            data.get("fact"),
            _names(data.get("entered")),
            _names(data.get("left")),
            tuple(data.get("periods", ("month",))),
            tuple(data.get("by", ())),
            data.get("credit", "target"),
            data.get("cohort"),
        )

    def margins(self, dimensions: Mapping[str, str]) -> list[dict[str, str]]:
        """The lines of the totals that an entry belongs to; a distinct count's entry is such a line already."""
        if self.measure == "distinct":
            return [dict(dimensions)]
        return [{}] + [{name: dimensions.get(name, UNKNOWN)} for name in self.by if name != "organization"]


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

    `timed` False: it enters no rate and no median.
    """

    id: str
    kind: str
    day: date
    organization_id: str | None
    source_organization_id: str
    person_id: str | None
    settled: Mapping[str, str]
    facts: Mapping[str, Any]
    dimensions: Mapping[str, str]
    timed: bool = True


@dataclass(frozen=True, slots=True)
class Earned:
    """One line of the ledger. `period` is `2026-11` or `2026`; `bucket` a whole number of units (durations only)."""

    indicator_id: str
    part: str
    period: str
    organization_id: str | None
    dimensions: Mapping[str, str]
    bucket: int = 0
    value: int = 1


@dataclass(frozen=True, slots=True)
class Touch:
    """This event makes a person count in one published grain of a distinct indicator."""

    indicator_id: str
    period: str
    organization_id: str | None
    dimensions: Mapping[str, str]
    person_id: str


def earn(indicators: Iterable[Indicator], event: Event) -> tuple[list[Earned], list[Touch]]:
    """All that one event earns, by all indicators. Pure: the same event always earns the same."""
    earned: list[Earned] = []
    touched: list[Touch] = []
    for indicator in indicators:
        if indicator.rule.measure == "distinct":
            touched += _touches(indicator, event)
        else:
            earned += _additive(indicator, event)
    return earned, touched


def period_of(day: date, kind: str) -> str:
    return f"{day.year:04d}" if kind == "year" else f"{day.year:04d}-{day.month:02d}"


def _names(value: str | Iterable[str] | None) -> frozenset[str]:
    if value is None:
        return frozenset()
    return frozenset({value} if isinstance(value, str) else value)


def _holds(rule: Rule, event: Event) -> bool:
    return event.kind in rule.events and all(str(event.facts.get(f)) in ok for f, ok in rule.where.items())


def _parts(rule: Rule, event: Event) -> list[tuple[str, int]]:
    """(part, bucket) pairs."""
    if rule.measure == "count":
        return [("value", 0)] if _holds(rule, event) else []
    if not event.timed:
        return []
    if rule.measure == "rate":
        result = event.settled.get(rule.clock or "")
        return {"met": [("denominator", 0), ("numerator", 0)], "missed": [("denominator", 0)]}.get(result or "", [])
    parts: list[tuple[str, int]] = []
    if rule.fact is not None and rule.fact in event.facts:
        parts.append(("bucket", int(event.facts[rule.fact])))
    if event.kind in rule.entered:
        parts.append(("entered", 0))
    if event.kind in rule.left and event.facts.get("contacted") is False:
        parts.append(("left", 0))
    return parts


def _additive(indicator: Indicator, event: Event) -> list[Earned]:
    rule = indicator.rule
    cohort = event.facts.get(rule.cohort) if rule.cohort else None
    day = date.fromisoformat(str(cohort)) if cohort else event.day
    owner = {"source": event.source_organization_id, "target": event.organization_id, "region": None}[rule.credit]
    return [
        Earned(indicator.id, part, period_of(day, "month"), owner, event.dimensions, bucket)
        for part, bucket in _parts(rule, event)
    ]


def _touches(indicator: Indicator, event: Event) -> list[Touch]:
    rule = indicator.rule
    if event.person_id is None or not _holds(rule, event):
        return []
    grains: list[tuple[str | None, dict[str, str]]] = [(None, {})]
    for name in rule.by:
        if name == "organization":
            grains.append((event.organization_id, {}))
        elif name in event.dimensions:
            grains.append((None, {name: event.dimensions[name]}))
    return [
        Touch(indicator.id, period_of(event.day, kind), organization, dimensions, event.person_id)
        for kind in rule.periods
        for organization, dimensions in grains
    ]
