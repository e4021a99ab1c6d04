"""The common agenda: what the partners want to be true, what they promised, how soon, and what they count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from seed.documents import document
from seed.hours import Hours, opening_hours

Clocks = dict[str, dict[str, dict[str, float]]]
"""`{"routine": {clock: {"business_days": 1}}, "urgent": {…}}`, as `domain.clock.Limits.of` takes it."""


@dataclass(frozen=True, slots=True)
class Collaborative:
    """`country`, `subdivision`: whose public holidays. Published counts under `suppress_below` are hidden."""

    slug: str
    name: str
    description: str
    backbone: str
    time_zone: str
    country: str
    subdivision: str
    hours: Hours
    languages: tuple[str, ...]
    age_of_majority: int
    suppress_below: int


@dataclass(frozen=True, slots=True)
class Period:
    """A named year; `starts_in` is its first month."""

    code: str
    name: str
    starts_in: int


@dataclass(frozen=True, slots=True)
class Result:
    code: str
    name: str
    name_es: str


@dataclass(frozen=True, slots=True)
class Strategy:
    """`result` is the code of the population result that it contributes to."""

    code: str
    name: str
    definition: str
    result: str


@dataclass(frozen=True, slots=True)
class Term:
    """A need, Open Eligibility style. `sensitive` is inherited from the parent."""

    code: str
    parent: str | None
    name: str
    name_es: str
    sensitive: bool


@dataclass(frozen=True, slots=True)
class Reason:
    """Why work ended without success; `reason_class` is a value of `domain.reason.ReasonClass`."""

    code: str
    reason_class: str
    name: str
    name_es: str


@dataclass(frozen=True, slots=True)
class IndicatorSpec:
    """`kind`: how_much, how_well, better_off. `owner`: whose it is (slug). `rule`: for `domain.indicator`."""

    code: str
    name: str
    definition: str
    kind: str
    strategy: str
    unit: str
    direction: str
    owner: str
    rule: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Agenda:
    version: int
    name: str
    adopted_on: date
    collaborative: Collaborative
    periods: tuple[Period, ...]
    results: tuple[Result, ...]
    strategies: tuple[Strategy, ...]
    clocks: Clocks
    reasons: tuple[Reason, ...]
    terms: tuple[Term, ...]
    indicators: tuple[IndicatorSpec, ...]

    def term(self, code: str) -> Term:
        return next(term for term in self.terms if term.code == code)

    def reason(self, code: str) -> Reason:
        return next(reason for reason in self.reasons if reason.code == code)


@cache
def agenda() -> Agenda:
    """The agenda that `agenda.yaml` and `taxonomy.yaml` write down; the same for every seed."""
    text = document("agenda.yaml")
    return Agenda(
        version=text["agenda"]["version"],
        name=text["agenda"]["name"],
        adopted_on=text["agenda"]["adopted_on"],
        collaborative=_collaborative(text["collaborative"]),
        periods=tuple(Period(**row) for row in text["calendars"]),
        results=tuple(Result(row["code"], row["name"], row["es"]) for row in text["results"]),
        strategies=tuple(Strategy(**row) for row in text["strategies"]),
        clocks=text["clocks"],
        reasons=tuple(Reason(row["code"], row["class"], row["name"], row["es"]) for row in text["reasons"]),
        terms=_terms(document("taxonomy.yaml")),
        indicators=tuple(IndicatorSpec(**row) for row in text["indicators"]),
    )


def _collaborative(row: dict[str, Any]) -> Collaborative:
    shaped = {"holidays", "opening_hours", "languages"}
    rest = {name: value for name, value in row.items() if name not in shaped}
    return Collaborative(
        **rest,
        **row["holidays"],
        hours=opening_hours(row["opening_hours"]),
        languages=tuple(row["languages"]),
    )


def _terms(rows: list[dict[str, Any]]) -> tuple[Term, ...]:
    terms: dict[str, Term] = {}
    for row in rows:
        code = row["code"]
        parent = code.rpartition(".")[0] or None
        sensitive = row.get("sensitive", False) or (parent is not None and terms[parent].sensitive)
        terms[code] = Term(code, parent, row["name"], row["es"], sensitive)
    return tuple(terms.values())
