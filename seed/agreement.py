"""Reads a common agenda as somebody wrote it, and tells everything that is wrong with it at once, line by line.

Two questions: does the file have the form of an agenda, and does what it says hold together? Whether the owners are in
the record is asked when it is loaded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path as File
from re import fullmatch
from typing import Any
from zoneinfo import available_timezones

from holidays import list_supported_countries

from domain.clock import Clock, Priority
from domain.groups import DIMENSIONS, SERVICE
from domain.ladder import Ladder, Rung
from domain.limit import Limit
from domain.moves import NO_RESPONSE
from domain.pathway import MONEY
from domain.period import CALENDAR_YEAR, MONTH
from domain.quiet import Quiet
from domain.reason import ReasonClass
from domain.rule import DURATIONS, Rule, RuleError
from seed.agenda import (
    Agenda,
    agenda_body,
    agenda_of,
    calendars_of,
    collaborative_columns,
    figures_of,
    indicator_columns,
    rule_of,
)
from seed.documents import document
from seed.forms import code, day, either, entries, flag, listing, members, number, one_of, text, whole
from seed.hours import opening_hours
from seed.marked import Path, Sheet, read, read_file
from services.amending import Amendment

NAMED = {
    "indicators": ("indicator", "code"), "strategies": ("strategy", "code"), "results": ("result", "code"),
    "reasons": ("reason", "code"), "calendars": ("calendar", "code"),
}  # fmt: skip
COUNTRY = "US"
KINDS = ("how_much", "how_well", "better_off")
SCORED = ("count", "rate", "median")
"""What a scorecard can show of a range of months: what adds up."""
RATIO, DAYS = "ratio", "business_days"
_RESERVED = frozenset({MONTH.code, "range", "year"})


def _limit(sheet: Sheet, path: Path, value: Any) -> None:
    try:
        Limit.parse(value)
    except ValueError as error:
        said = str(error).removeprefix("limit: ")
        sheet.slip(path, f"`{path[-1]}` is no limit: {said}.", "Write, for example, {business_days: 2}.")


def _zone(sheet: Sheet, path: Path, value: Any) -> None:
    if value not in available_timezones():
        sheet.slip(path, "there is no such time zone.", "Write its name, such as America/Denver.")


def _holidays(sheet: Sheet, path: Path, value: Any) -> None:
    """Of a country and a part of it whose holidays are known."""
    _HOLIDAYS(sheet, path, value)
    if sheet.spoiled(path):
        return
    if value["country"] != COUNTRY:
        sheet.slip((*path, "country"), f"only holidays of {COUNTRY} are kept.", f"Write {COUNTRY}.")
    elif value["subdivision"] not in list_supported_countries()[COUNTRY]:
        what = f"{COUNTRY} has no part `{value['subdivision']}`."
        sheet.slip((*path, "subdivision"), what, "Write its two letters, such as NE.")


def _language(sheet: Sheet, path: Path, value: Any) -> None:
    if not isinstance(value, str) or not fullmatch("[a-z]{2}", value):
        sheet.slip(path, "this is no language.", "Write its two letters, such as en.")


def _since(sheet: Sheet, path: Path, value: Any) -> None:
    day()(sheet, path, value)
    if isinstance(value, date) and not 2000 <= value.year <= 2100:
        sheet.slip(path, f"`{path[-1]}` lies outside 2000 to 2100.", "Look at the year.")


def _hours(sheet: Sheet, path: Path, value: Any) -> None:
    try:
        opening_hours(value)
    except (ValueError, AttributeError, IndexError):
        sheet.slip(path, "these are no opening hours.", 'Write "mon-fri 08:00-17:00", parts joined by `;`, or "24/7".')


def _span(sheet: Sheet, path: Path, value: Any) -> None:
    """Of a baseline: words are fine, but what looks like a month has to be one."""
    text(40)(sheet, path, value)
    looks = fullmatch(r"(\d{4})-(\d{1,2})", value) if isinstance(value, str) else None
    if looks and not 1 <= int(looks[2]) <= 12:
        sheet.slip(path, "there is no such month.", 'Write "2025-10", "2025", or the span in words.')


def _ladder(sheet: Sheet, path: Path, value: Any) -> None:
    """That it begins with its owner, at the limit, and climbs."""
    _LADDER(sheet, path, value)
    if sheet.spoiled(path):
        return
    try:
        Ladder.parse(value)
    except ValueError as error:
        sheet.slip((*path, "rungs"), f"this is no ladder: {error}.", "Correct the order of its rungs.")


def _quiet(sheet: Sheet, path: Path, value: Any) -> None:
    _QUIET(sheet, path, value)
    if sheet.spoiled(path):
        return
    try:
        Quiet.parse(value, "UTC")
    except ValueError:
        sheet.slip(path, "these are no quiet hours.", 'Write {from: "20:00", until: "07:00"}, in quotes.')


def _clock(sheet: Sheet, path: Path, value: Any) -> None:
    if not isinstance(value, str) or not fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        sheet.slip(path, "this is no time of day.", 'Write "08:00", in quotes.')


def _nothing_or(check: Any) -> Any:
    def checked(sheet: Sheet, path: Path, value: Any) -> None:
        if value is not None:
            check(sheet, path, value)

    return checked


def _rule(sheet: Sheet, path: Path, value: Any) -> None:
    """Only that it is there and has members; `Rule` reads it with everything around it."""
    if not isinstance(value, dict):
        sheet.slip(path, "`rule` must have members.", "Write, for example, {measure: count, event: referral_created}.")


_HOLIDAYS = members({"country": text(2), "subdivision": text(6)})
_COLLABORATIVE = members(
    {
        "slug": code("-"), "name": text(), "description": text(1000, lines=True), "backbone": code("-"),
        "time_zone": _zone, "holidays": _holidays, "opening_hours": _hours,
        "languages": listing(_language, 1, 20), "age_of_majority": whole(14, 25), "suppress_below": whole(2, 1000),
    }
)  # fmt: skip
_CALENDAR = members({"code": code(), "name": text(), "starts_in": whole(1, 12)})
_RESULT = members({"code": code(), "name": text(), "es": text()})
_STRATEGY = members({"code": code(), "name": text(), "result": code(), "definition": text(1000, lines=True)})
_REASON = members({"code": code(), "class": one_of(ReasonClass), "name": text(), "es": text()})
_BASELINE = members({"value": number(), "period": _span, "source": text(300)})
_TARGET = members({"value": number(), "by": day()})
_INDICATOR = members(
    {
        "code": code(), "version": whole(1, 9999), "effective_on": _since, "name": text(80), "es": text(80),
        "definition": text(1000, lines=True), "kind": one_of(KINDS), "unit": code(),
        "direction": one_of(("up", "down")), "owner": code("-"), "period": code(), "baseline": _nothing_or(_BASELINE),
        "target": _nothing_or(_TARGET), "rule": _rule,
    },
    {
        "strategy": code(), "result": code(), "measures": one_of(("performance", "population")),
        "by": listing(one_of(("organization", *DIMENSIONS)), 0, 7), "threshold": whole(2, 1000), "ends_on": day(),
    },
)  # fmt: skip
_RUNG = members({"to": one_of(Rung), "after": number()})
_LADDER = members({"rungs": listing(_RUNG, 1, 12)}, {"quiet": flag()})
_QUIET = members({"from": text(5), "until": text(5)})
_NAMED = members({"code": code()})
_FIGURE = members(
    {"code": code(), "name": text(80), "es": text(80), "definition": text(1000, lines=True), "unit": code(),
     "rule": _rule},
    {"version": whole(1, 9999), "effective_on": _since, "by": listing(one_of(("organization", SERVICE)), 1, 2)},
)  # fmt: skip
_SCORECARDS = members(
    {
        "begin_on": _since, "partner_first_days": whole(0, 60), "least_cases": whole(2, 100), "strategy": code(),
        "effective_on": _since,
        "figures": listing(either(lambda one: isinstance(one, dict) and len(one) < 2, _NAMED, _FIGURE), 1, 60),
    }
)  # fmt: skip
_AGENDA = members(
    {
        "collaborative": _COLLABORATIVE,
        "agenda": members({"version": whole(1, 9999), "adopted_on": day(), "name": text()}),
        "calendars": listing(_CALENDAR, 0, 20), "results": listing(_RESULT, 1, 30),
        "strategies": listing(_STRATEGY, 1, 30),
        "clocks": members(dict.fromkeys(map(str, Priority), entries(map(str, Clock), _limit))),
        "reasons": listing(_REASON, 1, 200), "indicators": listing(_INDICATOR, 1, 200), "scorecards": _SCORECARDS,
    },
    {"ladder": entries(map(str, Priority), _ladder), "quiet_hours": _quiet, "digest_at": _clock},
)  # fmt: skip


class NotAgreed(Exception):
    """An agenda of ours cannot be read: a bug of the file that is shipped."""


def read_agenda(file: File) -> tuple[Sheet, Agenda | None]:
    """The agenda, or None and why not: `sheet.slips`."""
    return _judge(read_file(file, NAMED))


@cache
def agenda() -> Agenda:
    """The agenda that `agenda.yaml` and `taxonomy.yaml` write down; the same for every seed."""
    sheet, found = _judge(read(files("seed").joinpath("agenda.yaml").read_bytes(), "seed/agenda.yaml", NAMED))
    if found is None:
        raise NotAgreed("\n".join(map(str, sheet.slips)))
    return found


def amendment_of(found: Agenda) -> Amendment:
    """As the record takes it."""
    return Amendment(
        slug=found.collaborative.slug,
        collaborative=collaborative_columns(found.collaborative),
        backbone=found.collaborative.backbone,
        version=found.version,
        name=found.name,
        adopted_on=found.adopted_on,
        body=agenda_body(found),
        reasons=[
            {"code": one.code, "class": one.reason_class, "name": one.name, "names": {"es": one.name_es}}
            for one in found.reasons
        ],
        indicators=[(one.place, indicator_columns(one) | {"owner": one.owner}) for one in found.indicators],
    )


def _judge(sheet: Sheet) -> tuple[Sheet, Agenda | None]:
    if sheet.value is not None:
        _AGENDA(sheet, (), sheet.value)
    if isinstance(sheet.value, dict):
        _hold_together(sheet, sheet.value)
    if sheet.slips:
        return sheet, None
    return sheet, agenda_of(sheet.value, document("taxonomy.yaml"))


def _hold_together(sheet: Sheet, value: Mapping[str, Any]) -> None:
    """Of whatever has its form."""
    for part in ("calendars", "results", "strategies", "reasons"):
        _once_each(sheet, part, _items(sheet, value, part))
    _known(sheet, _items(sheet, value, "strategies"), "strategies", "result", _codes(value, "results"))
    _clocks(sheet, value)
    _reasons(sheet, value)
    for place, one in _items(sheet, value, "calendars"):
        if one["code"] in _RESERVED or (one["code"] == CALENDAR_YEAR.code and one["starts_in"] != 1):
            path = ("calendars", place, "code")
            sheet.slip(path, f"`{one['code']}` means something else here.", "Call the calendar by another name.")
    counted: list[tuple[Path, dict[str, Any]]] = [
        (("indicators", place), one) for place, one in _items(sheet, value, "indicators")
    ]
    counted += _figures(sheet, value)
    _versions(sheet, counted)
    for at, one in counted:
        _indicator(sheet, at, one, value)


def _items(sheet: Sheet, value: Mapping[str, Any], part: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Those of a list that have their form, with their places."""
    rows = value.get(part)
    for place, one in enumerate(rows if isinstance(rows, list) else []):
        if not sheet.spoiled((part, place)):
            yield place, one


def _codes(value: Mapping[str, Any], part: str) -> list[str]:
    rows = value.get(part)
    return [str(one.get("code")) for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []


def _once_each(sheet: Sheet, part: str, items: Iterator[tuple[int, dict[str, Any]]]) -> None:
    seen: Counter[str] = Counter()
    for place, one in items:
        if seen[one["code"]]:
            sheet.slip((part, place, "code"), f"`{one['code']}` is there already.", "Give each a code of its own.")
        seen[one["code"]] += 1


def _known(sheet: Sheet, items: Iterator[tuple[int, dict[str, Any]]], part: str, member: str, known: list[str]) -> None:
    for place, one in items:
        if one.get(member) is not None and one[member] not in known:
            sheet.slip((part, place, member), f"there is no {member} `{one[member]}`.", _choose(one[member], known))


def _clocks(sheet: Sheet, value: Mapping[str, Any]) -> None:
    """Urgent work may leave a clock to the routine one; routine names them all."""
    clocks = value.get("clocks")
    routine = clocks.get("routine") if isinstance(clocks, dict) else None
    if isinstance(routine, dict):
        for name in map(str, Clock):
            if name not in routine:
                path = ("clocks", "routine", name)
                sheet.slip(path, f"the clock `{name}` has no limit.", f"Add {name}: {{business_days: …}}.")


def _reasons(sheet: Sheet, value: Mapping[str, Any]) -> None:
    found = {one["class"] for _, one in _items(sheet, value, "reasons")}
    if sheet.spoiled(("reasons",)) or not isinstance(value.get("reasons"), list):
        return
    for name in map(str, ReasonClass):
        if name not in found:
            sheet.slip(("reasons",), f"no reason has the class `{name}`.", "Add one: somebody will need it.")


def _figures(sheet: Sheet, value: Mapping[str, Any]) -> list[tuple[Path, dict[str, Any]]]:
    """Those that the scorecards define themselves, as whole indicators; what they name has to be on the short list."""
    if "scorecards" not in value or sheet.spoiled(("scorecards",)) or sheet.spoiled(("collaborative",)):
        return []
    strategies, listed = _codes(value, "strategies"), _codes(value, "indicators")
    said, at = value["scorecards"], ("scorecards", "figures")
    if said["strategy"] not in strategies:
        what = f"there is no strategy `{said['strategy']}`."
        sheet.slip(("scorecards", "strategy"), what, _choose(said["strategy"], strategies))
        return []
    if said["begin_on"].day != 1:
        sheet.slip(("scorecards", "begin_on"), "it begins in the middle of a month.", "Begin on the first of one.")
    defined = figures_of(value)
    own = {place for place, _ in defined}
    for place, one in enumerate(said["figures"]):
        if place not in own and one["code"] not in listed:
            what = f"there is no indicator `{one['code']}` on the short list."
            sheet.slip((*at, place, "code"), what, "Define the figure here: name, es, definition, unit, rule.")
        elif place in own and one["code"] in listed:
            what = f"`{one['code']}` is on the short list already."
            sheet.slip((*at, place, "code"), what, f"Write {{code: {one['code']}}} alone, or another code.")
    return [((*at, place), one) for place, one in defined]


def _versions(sheet: Sheet, indicators: list[tuple[Path, dict[str, Any]]]) -> None:
    known: dict[str, list[tuple[int, date]]] = {}
    for path, one in indicators:
        earlier = known.setdefault(one["code"], [])
        if any(version == one["version"] for version, _ in earlier):
            sheet.slip((*path, "version"), f"version {one['version']} is there already.", "Number it one higher.")
        elif any((version < one["version"]) != (since < one["effective_on"]) for version, since in earlier):
            sheet.slip((*path, "effective_on"), "a higher version has to take effect later.", "Correct one of the two.")
        earlier.append((one["version"], one["effective_on"]))


def _indicator(sheet: Sheet, path: Path, one: dict[str, Any], value: Mapping[str, Any]) -> None:
    population = one.get("measures") == "population"
    if not population and "strategy" not in one:
        sheet.slip((*path, "strategy"), "no strategy is named.", "Say which strategy it serves.")
    if population and "result" not in one:
        sheet.slip((*path, "result"), "no result is named.", "Say of which result this is the measure.")
    for member, part in (("strategy", "strategies"), ("result", "results")):
        _known(sheet, iter([(int(path[-1]), one)]), str(path[0]), member, _codes(value, part))
    if one["effective_on"].day != 1:
        sheet.slip((*path, "effective_on"), "it begins in the middle of a month.", "Begin on the first of one.")
    if one.get("ends_on") and one["ends_on"] <= one["effective_on"]:
        sheet.slip((*path, "ends_on"), "it ends before it has begun.", "Name a later day, or leave it out.")
    calendars = {MONTH.code, CALENDAR_YEAR.code, *_codes(value, "calendars")}
    if one["period"] not in calendars:
        sheet.slip((*path, "period"), f"there is no calendar `{one['period']}`.", _choose(one["period"], calendars))
    _aims(sheet, path, one)
    rule = _read_rule(sheet, path, one, value)
    if rule is not None:
        _fits(sheet, path, one, rule, _codes(value, "reasons"))


def _aims(sheet: Sheet, path: Path, one: dict[str, Any]) -> None:
    baseline, target = one["baseline"], one["target"]
    if target and target["by"] <= one["effective_on"]:
        sheet.slip((*path, "target", "by"), "the target lies before the definition.", "Name a later day.")
    for name, aim in (("baseline", baseline), ("target", target)):
        if aim and one["unit"] == RATIO and not 0 <= aim["value"] <= 1:
            sheet.slip((*path, name, "value"), "a share lies between 0 and 1.", "41 of 100 is 0.41.")
    if not baseline or not target:
        return
    if (target["value"] > baseline["value"]) != (one["direction"] == "up"):
        better = "above" if one["direction"] == "up" else "below"
        what = f"`direction` is {one['direction']}, and the target is not {better} the baseline."
        sheet.slip((*path, "target", "value"), what, "Correct the direction or the value.")


def _read_rule(sheet: Sheet, path: Path, one: dict[str, Any], value: Mapping[str, Any]) -> Rule | None:
    try:
        return Rule.parse(rule_of(one, calendars_of(value)))
    except RuleError as error:
        here = (*path, "by") if error.path[:1] == ("by",) and "by" in one else (*path, "rule", *error.path)
        what = f"`{'.'.join(map(str, ('rule', *error.path)))}`: {error.sentence}."
        sheet.slip(here, what, _choose(error.named, error.known) if error.known else "Correct it here.")
        return None


def _fits(sheet: Sheet, path: Path, one: dict[str, Any], rule: Rule, reasons: list[str]) -> None:
    """What the rule counts and what is said about it."""
    if rule.observed != (one.get("measures") == "population"):
        what = "a population measure is observed, and nothing else is."
        sheet.slip((*path, "rule", "measure"), what, "Use {measure: observed} with measures: population, or neither.")
    if rule.distinct and rule.grain(one["period"]) is None:
        what = f"who counts once is not counted by {one['period']}."
        sheet.slip((*path, "period"), what, "Name it among the rule's periods, or choose another.")
    if one.get("scorecard") and rule.measure not in SCORED:
        what = f"a scorecard does not show measure {rule.measure}."
        remedy = "Use count, rate or median; beside a median stands the 90th percentile."
        sheet.slip((*path, "rule", "measure"), what, remedy)
    for member, what in _nonsense(rule, one["unit"]):
        sheet.slip((*path, "rule", member), f"`rule.{member}` {what}.", "Say what is meant.")
    wanted = _unit(rule)
    if wanted and one["unit"] != wanted:
        sheet.slip((*path, "unit"), f"such a figure is told as {wanted}.", f"Write unit: {wanted}.")
    for place, selector in rule.selectors.items():
        for reason in sorted(selector.where.get("reason", frozenset()) - {NO_RESPONSE, *reasons}):
            said = f"there is no reason `{reason}`."
            sheet.slip((*path, "rule", *place, "where", "reason"), said, _choose(reason, reasons))
        for term in selector.terms:
            if term not in _terms():
                said = f"the taxonomy has no term `{term}`."
                sheet.slip((*path, "rule", *place, "term"), said, _choose(term, _terms()))


def _nonsense(rule: Rule, unit: str) -> Iterator[tuple[str, str]]:
    """What can be read, and would tell nothing. Only asked of a file: a rule in the record goes on being read."""
    if rule.measure == "level" and rule.entered == rule.left:
        yield "left", "is the same as `entered`, so that it is always 0"
    if rule.measure == "rate" and rule.clock is None and rule.numerator == rule.denominator:
        yield "numerator", "is the same as `denominator`, so that it is always 1"
    if rule.money and rule.fact in DURATIONS:
        yield "money", "says that days are money"
    for place, one in rule.selectors.items():
        if {"of_partner", "of_request"} & set(one.where) and one.events != {"referral_outcome"}:
            yield str([*place, "where"][0]), "asks what only referral_outcome says: count that, by of_partner"
    if rule.measure == "sum" and unit == MONEY and not rule.money:
        yield "fact", "adds up dollars, and not their cents: add money: true"


def _unit(rule: Rule) -> str | None:
    """The unit that follows from the rule; None where people choose it."""
    if rule.measure == "rate":
        return RATIO
    if rule.money:
        return MONEY
    return DAYS if rule.measure in ("median", "percentile") and rule.fact in DURATIONS else None


@cache
def _terms() -> frozenset[str]:
    return frozenset(row["code"] for row in document("taxonomy.yaml"))


def _choose(value: object, known: Any) -> str:
    names = sorted(known)
    close = get_close_matches(str(value), names, 1, 0.7)
    return f"Did you mean {close[0]}?" if close else f"There are: {', '.join(names[:20])}."
