"""The common agenda: what the partners want to be true, what they promised, how soon, and what they count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from domain.period import CALENDAR_YEAR
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
    """One version. `kind`: how_much, how_well, better_off. `owner`: whose it is (slug). `rule`: for `domain.rule`.

    `scorecard`: defined for the partners' scorecards, not on the short list. `place`: where it stands in its file.
    """

    place: tuple[str | int, ...]

    code: str
    version: int
    effective_on: date
    name: str
    name_es: str
    definition: str
    kind: str
    unit: str
    direction: str
    owner: str
    period: str
    rule: dict[str, Any]
    baseline: dict[str, Any] | None
    target: dict[str, Any] | None
    result: str | None
    strategy: str | None = None
    measures: str = "performance"
    threshold: int | None = None
    ends_on: date | None = None
    scorecard: bool = False


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
    scorecards: dict[str, Any]
    ladder: dict[str, Any] = field(default_factory=dict)
    quiet_hours: dict[str, str] | None = None
    digest_at: str | None = None

    def term(self, code: str) -> Term:
        return next(term for term in self.terms if term.code == code)

    def reason(self, code: str) -> Reason:
        return next(reason for reason in self.reasons if reason.code == code)


def agenda_of(text: Mapping[str, Any], taxonomy: list[dict[str, Any]]) -> Agenda:
    """From a file that was found to be right."""
    calendars = calendars_of(text)
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
        terms=_terms(taxonomy),
        indicators=tuple(_indicator(place, row, calendars, text["strategies"]) for place, row in indicators_of(text)),
        scorecards=_scorecards(text["scorecards"]),
        ladder=text.get("ladder", {}),
        quiet_hours=text.get("quiet_hours"),
        digest_at=text.get("digest_at"),
    )


def indicators_of(text: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """The short list, then what the scorecards define, each with where it stands."""
    for place, row in enumerate(text["indicators"]):
        yield ("indicators", place), row
    for place, row in figures_of(text):
        yield ("scorecards", "figures", place), row


def figures_of(text: Mapping[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """The figures that the scorecards define themselves, with their places, as whole indicators."""
    said = text["scorecards"]
    filled = {
        "version": 1, "effective_on": said["effective_on"], "kind": "how_well", "strategy": said["strategy"],
        "direction": "up", "owner": text["collaborative"]["backbone"], "period": "month", "by": ["organization"],
        "baseline": None, "target": None, "scorecard": True,
    }  # fmt: skip
    return [(place, filled | one) for place, one in enumerate(said["figures"]) if set(one) != {"code"}]


def _scorecards(said: Mapping[str, Any]) -> dict[str, Any]:
    """As the record keeps it: figures by code, in their order."""
    return {
        "begin_on": said["begin_on"].isoformat(),
        "partner_first_days": said["partner_first_days"],
        "least_cases": said["least_cases"],
        "figures": list(dict.fromkeys(one["code"] for one in said["figures"])),
    }


def _indicator(
    place: tuple[str | int, ...],
    row: Mapping[str, Any],
    calendars: Mapping[str, int],
    strategies: list[dict[str, Any]],
) -> IndicatorSpec:
    """A performance measure contributes to its strategy's result."""
    result = next((one["result"] for one in strategies if one["code"] == row.get("strategy")), None)
    plain = {name: value for name, value in row.items() if name not in ("by", "es")}
    return IndicatorSpec(
        **plain
        | {
            "place": place,
            "result": row.get("result", result),
            "name_es": row["es"],
            "rule": rule_of(row, calendars),
            "baseline": _dated(row["baseline"]),
            "target": _dated(row["target"]),
        }
    )


def _dated(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """As JSON keeps it."""
    if given is None:
        return None
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in given.items()}


def calendars_of(value: Mapping[str, Any]) -> dict[str, int]:
    rows = value.get("calendars")
    return {str(one.get("code")): one.get("starts_in", 0) for one in rows} if isinstance(rows, list) else {}


def rule_of(one: Mapping[str, Any], calendars: Mapping[str, int]) -> dict[str, Any]:
    """The rule as the record keeps it: with its groups, and with the first months of its calendars."""
    rule = dict(one["rule"])
    if "by" in one:
        rule["by"] = one["by"]
    if isinstance(rule.get("periods"), list):
        rule["periods"] = [
            {"code": name, "starts_in": calendars[name]}
            if isinstance(name, str) and name in calendars and name != CALENDAR_YEAR.code
            else name
            for name in rule["periods"]
        ]
    return rule


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


def agenda_body(text: Agenda) -> dict[str, Any]:
    """What the file says of an agenda version besides its indicators and reasons, as JSON."""
    return {
        "clocks": text.clocks,
        "results": [{"code": one.code, "name": one.name, "es": one.name_es} for one in text.results],
        "strategies": [
            {"code": one.code, "name": one.name, "definition": one.definition, "result": one.result}
            for one in text.strategies
        ],
        "calendars": [{"code": one.code, "name": one.name, "starts_in": one.starts_in} for one in text.periods],
        "languages": list(text.collaborative.languages),
        "scorecards": text.scorecards,
        "ladder": text.ladder,
        "quiet_hours": text.quiet_hours,
        "digest_at": text.digest_at,
    }


def collaborative_columns(one: Collaborative) -> dict[str, Any]:
    """What the file says of the collaborative itself, by columns of the record."""
    return {
        "name": one.name,
        "description": one.description,
        "zone": one.time_zone,
        "subdivision": one.subdivision,
        "opening_hours": one.hours.weekly,
        "age_of_majority": one.age_of_majority,
        "publication_threshold": one.suppress_below,
    }


def indicator_columns(one: IndicatorSpec) -> dict[str, Any]:
    """What the file says of an indicator, by columns of the record; whose it is, who adds it knows."""
    columns = asdict(one)
    del columns["owner"], columns["place"]
    return columns | {"names": {"es": columns.pop("name_es")}}
