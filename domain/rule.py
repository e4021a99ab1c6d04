"""An indicator's rule is data that can be read aloud; this file is its whole vocabulary, and there is no other.

    {"measure": "count",    "event": "referral_created", "where": {"crosses": "yes"}}
    {"measure": "sum",      "steps": true, "fact": "answer.amount_paid", "money": true}
    {"measure": "distinct", "of": "households", "event": ["task_started"], "periods": ["month", "calendar_year"]}
    {"measure": "rate",     "clock": "acknowledge", "cohort": "requested_on"}
    {"measure": "rate",     "numerator": {"steps": true, "where": {"answer.stable": "yes"}},
                            "denominator": {"steps": true, "where": {"answer.stable": ["yes", "no"]}},
                            "cases": {"steps": true, "event": "step_opened"}}
    {"measure": "median",   "fact": "first_contact_days", "entered": "task_accepted",
                            "left": {"event": "task_failed", "where": {"contacted": "no"}}, "cohort": "accepted_on"}
    {"measure": "percentile", "p": 90, "fact": "first_contact_days"}
    {"measure": "level",    "entered": "task_waitlisted", "left": {"event": …, "where": {"from_state": "waitlisted"}}}
    {"measure": "observed"}   of the whole population: somebody observed it, no event earns it

What counts is chosen by `event`, `where` (facts of the event, recorded answers as `answer.<field>`), `term` (with all
below it), `template` and `step`; `steps: true` means steps that name this indicator in `feeds`, completed ones unless
`event` says otherwise. `credit` says whose scorecard shows it: "target" (default), "source", or "region": it counts
once, for nobody alone. `cohort` names the fact that holds the date by which the case is counted (a rate follows the
cohort of its denominator's period, decision 30); without it the event's own day. `cases` are all that could be counted:
those not yet due are shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.clock import Priority
from domain.groups import DIMENSIONS, SERVICE, UNKNOWN
from domain.ladder import Did
from domain.period import CALENDAR_YEAR, MONTH, Grain
from domain.plan import State as PlanState
from domain.reason import ReasonClass
from domain.referral import EVENT_OF, ConfirmedBy
from domain.referral import State as ReferralState
from domain.stage import Stage
from domain.task import TRANSITIONS, Outcome
from domain.task import State as TaskState

Path = tuple[str | int, ...]


class RuleError(ValueError):
    """`path` leads to the member at fault, from the rule. `named` is none of `known`, where that is what is wrong."""

    def __init__(self, path: Path, sentence: str, *, named: object = None, known: Iterable[str] = ()) -> None:
        super().__init__(f"{'.'.join(map(str, ('rule', *path)))}: {sentence}")
        self.path = path
        self.sentence = sentence
        self.named = named
        self.known = tuple(sorted(known))


@dataclass(frozen=True, slots=True)
class Selector:
    """Which events count: all that is named must hold. `feeds`: the step names the indicator itself."""

    events: frozenset[str] = frozenset()
    where: Mapping[str, frozenset[str]] = field(default_factory=dict)
    terms: tuple[str, ...] = ()
    templates: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    feeds: bool = False


NOTHING = Selector()


@dataclass(frozen=True, slots=True)
class Rule:
    """`grains`: a distinct count's own periods; all others are counted by month and folded into years."""

    measure: str
    what: Selector = NOTHING
    numerator: Selector = NOTHING
    denominator: Selector = NOTHING
    cases: Selector = NOTHING
    entered: Selector = NOTHING
    left: Selector = NOTHING
    of: str = "clients"
    clock: str | None = None
    fact: str | None = None
    money: bool = False
    p: int = 50
    grains: tuple[Grain, ...] = (MONTH,)
    by: tuple[str, ...] = ()
    credit: str = "target"
    cohort: str | None = None

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Rule:
        """Raises RuleError, which names the member at fault."""
        if not isinstance(data, Mapping):
            raise RuleError((), "has to be a mapping such as {measure: count, event: referral_created}")
        measure = data.get("measure")
        if not isinstance(measure, str) or measure not in MEMBERS:
            raise RuleError(("measure",), f"one of {', '.join(MEMBERS)}")
        _only(data, (*MEMBERS[measure], *_ALWAYS), f"measure {measure} does not take it")
        _needs(data, measure)
        given = {name: read(data[name], (name,)) for name, read in _READERS.items() if name in data}
        if "periods" in data:
            given["grains"] = _grains(data["periods"], ("periods",))
        rule = cls(measure, _selector(_chosen(data), ()) if "event" in MEMBERS[measure] else NOTHING, **given)
        _agree(rule)
        return rule

    @property
    def selectors(self) -> dict[Path, Selector]:
        """What it chooses events by, by the member that says so."""
        named = ("numerator", "denominator", "cases", "entered", "left")
        return {(): self.what} | {(name,): getattr(self, name) for name in named}

    @property
    def answers(self) -> dict[str, Path]:
        """The questions of forms whose answers it reads, and where it says so."""
        asked = {name: (*at, "where", name) for at, one in self.selectors.items() for name in one.where}
        asked |= {self.fact: ("fact",)} if self.fact else {}
        return {name.removeprefix("answer."): at for name, at in asked.items() if name.startswith("answer.")}

    @property
    def fed(self) -> bool:
        """Whether a pathway's steps feed it, by naming it."""
        return any(one.feeds for one in self.selectors.values())

    @property
    def observed(self) -> bool:
        return self.measure == "observed"

    @property
    def distinct(self) -> bool:
        return self.measure == "distinct"

    @property
    def told_by(self) -> Grain:
        """The one grain by which partners are told groups: disjoint periods cannot be subtracted."""
        return MONTH if not self.distinct or MONTH in self.grains else self.grains[0]

    def grain(self, code: str) -> Grain | None:
        return next((grain for grain in self.grains if grain.code == code), None)

    def margins(self, dimensions: Mapping[str, str]) -> list[dict[str, str]]:
        """The lines of the totals that an entry belongs to; a distinct count's entry is such a line already."""
        if self.distinct:
            return [dict(dimensions)]
        return [{}] + [{name: dimensions.get(name, UNKNOWN)} for name in self.by if name != "organization"]


_SELECTS = ("event", "where", "term", "template", "step", "steps")
_ALWAYS = ("measure", "by", "credit")
MEMBERS: dict[str, tuple[str, ...]] = {
    "count": (*_SELECTS, "cohort"),
    "sum": (*_SELECTS, "fact", "money", "cohort"),
    "distinct": (*_SELECTS, "of", "periods"),
    "rate": ("clock", "numerator", "denominator", "cases", "left", "cohort"),
    "median": ("fact", "entered", "left", "cohort"),
    "percentile": ("fact", "p", "entered", "left", "cohort"),
    "level": ("entered", "left"),
    "observed": (),
}
"""Measure → what its rule may say."""
STEP_DONE = "task_completed"
RESTATED = "task_restated"
"""A completion once more, with the answers that a correction put in place of the former."""
COUNTS_AS = {RESTATED: STEP_DONE}
"""Kinds of events that rules do not name, for they count as another."""
DECLINED = "task_declined"
CLOCKS = frozenset({"acknowledge", "decide", "first_contact"})
"""Those that are settled once in a task's life."""
OF = frozenset({"clients", "households", "organizations"})
DURATIONS = frozenset({"acknowledge_days", "decide_days", "first_contact_days", "completion_days", "handover_days"})
"""Whole business days of the service's calendar; a hand-over's of the region's where a step came before."""
COHORTS = frozenset({"requested_on", "accepted_on", "referred_on"})
_STAGES = frozenset(f"{how}_{stage}" for how in ("reached", "first") for stage in Stage if stage is not Stage.MET)
FACTS = frozenset(
    {
        "against", "by", "channel", "confirmed_by", "contact", "contacted", "crosses", "decided", "finished",
        "from_state", "kind", "of_partner", "of_request", "origin", "outcome", "priority", "reason", "reason_class",
        "to_state", *_STAGES,
    }
)  # fmt: skip
"""What every rule may ask of an event, besides `answer.<field>`."""
_YES_NO = frozenset({"yes", "no"})
_STATES = frozenset({*map(str, TaskState), *map(str, ReferralState), *map(str, PlanState)})
VALUES: dict[str, frozenset[str]] = {
    "outcome": frozenset(map(str, Outcome)),
    "confirmed_by": frozenset(map(str, ConfirmedBy)),
    "priority": frozenset(map(str, Priority)),
    "kind": frozenset({"referral", "transfer", "information", "step"}),
    "origin": frozenset({"partner", "self", "family", "walk_in", "hotline", "external"}),
    "reason_class": frozenset(map(str, ReasonClass)),
    "crosses": _YES_NO,
    "contacted": _YES_NO,
    "decided": _YES_NO,
    "finished": _YES_NO,
    "from_state": _STATES,
    "to_state": _STATES,
    **dict.fromkeys(_STAGES, frozenset({"yes"})),
}
"""What a fact may say, where the list is closed."""
EVENTS = frozenset(
    {
        *(row.event for row in TRANSITIONS.values()), *EVENT_OF.values(), "referral_created", "information_given",
        "task_requested", "task_answered_late", "demand_turned_away", "need_outcome", "referral_outcome",
        "plan_created", "plan_changed",
        "plan_consented", "plan_reviewed", "plan_closed", "plan_stop_asked", "plan_voided", "step_opened",
        "step_skipped", "step_taken_back", "step_unplaced", "referral_unplaced", "step_reroute_proposed",
        "referral_reroute_proposed", "referral_assigned", "plan_assigned",
        *(f"{noun}_{did}" for noun in ("task", "referral", "step", "plan") for did in Did),
        *(f"{noun}_{said}" for noun in ("task", "referral", "plan") for said in ("nudged", "excepted", "watched")),
        *(kind.replace("referral_", "step_") for kind in EVENT_OF.values()),
    }
)  # fmt: skip
_ANSWER = re.compile(r"answer\.[a-z][a-z0-9_]{0,62}")
_CODE = re.compile(r"[a-z][a-z0-9_]*([.-][a-z0-9_]+)*")


def word(value: object) -> str:
    """A fact as rules compare it: true and false are yes and no."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _needs(data: Mapping[str, Any], measure: str) -> None:
    if measure == "level" and "left" not in data:
        raise RuleError(("left",), "is needed: a level that nothing leaves only ever grows")
    wanted = {"sum": "fact", "median": "fact", "percentile": "fact", "level": "entered"}.get(measure)
    if wanted and wanted not in data:
        raise RuleError((wanted,), f"is needed for measure {measure}")
    if "event" in MEMBERS[measure] and not ({"event", "steps"} & set(data)):
        raise RuleError(("event",), "is needed, or steps: true: what counts?")
    if measure == "rate" and ("clock" in data) == ("denominator" in data):
        raise RuleError(("clock",), "a rate has either a clock, or a numerator and a denominator")
    if measure == "rate" and ("numerator" in data) != ("denominator" in data):
        raise RuleError(("numerator",), "numerator and denominator go together")
    if measure == "percentile" and "p" not in data:
        raise RuleError(("p",), "is needed: 90 for the time within which nine of ten were served")


def _agree(rule: Rule) -> None:
    if rule.distinct and rule.of == "organizations" and "organization" in rule.by:
        raise RuleError(("by",), "organizations are not counted by organization")
    if rule.credit == "region" and "organization" in rule.by:
        raise RuleError(("by",), "credit region belongs to no organization: leave organization out")
    if SERVICE in rule.by and not (rule.measure == "count" and rule.what.events == {DECLINED}):
        raise RuleError(("by",), f"only {DECLINED} says of which service it is: count that, or leave {SERVICE} out")
    if rule.clock and (rule.cases != NOTHING or rule.left != NOTHING):
        raise RuleError(("cases",), "a clock knows its own cases: leave cases and left out")


def _chosen(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in _SELECTS if name in data}


def _only(data: Mapping[str, Any], known: Iterable[str], why: str, at: Path = ()) -> None:
    for name in data:
        if name not in known:
            raise RuleError((*at, name), why)


def _selector(value: Any, at: Path) -> Selector:
    """From an object, or from the names of events alone."""
    if not isinstance(value, Mapping):
        return Selector(_events(value, at))
    _only(value, _SELECTS, f"what counts is chosen by {', '.join(_SELECTS)}", at)
    feeds = _flag(value.get("steps", False), (*at, "steps"))
    if not feeds and "event" not in value:
        raise RuleError((*at, "event"), "is needed, or steps: true: what counts?")
    return Selector(
        _events(value.get("event", STEP_DONE), (*at, "event")),
        _where(value.get("where", {}), (*at, "where")),
        tuple(sorted(_codes(value.get("term"), (*at, "term")))),
        _codes(value.get("template"), (*at, "template")),
        _codes(value.get("step"), (*at, "step")),
        feeds,
    )


def _events(value: Any, at: Path) -> frozenset[str]:
    names = _codes(value, at)
    if not names:
        raise RuleError(at, "names no event")
    for name in sorted(names - EVENTS):
        raise RuleError(at, f"nothing that happens is called {name!r}", named=name, known=EVENTS)
    return names


def _where(value: Any, at: Path) -> dict[str, frozenset[str]]:
    if not isinstance(value, Mapping):
        raise RuleError(at, "has to be a mapping of facts to values, such as {crosses: yes}")
    for name in value:
        if name not in FACTS and not _ANSWER.fullmatch(str(name)):
            raise RuleError((*at, name), "no such fact", named=name, known={*FACTS, "answer.<field>"})
    for name, each in value.items():
        if not all(isinstance(one, str | int | float) for one in _listed(each)):
            raise RuleError((*at, name), "has to be a word, or a list of words")
    found = {name: frozenset(map(word, _each_once(each, (*at, name)))) for name, each in value.items()}
    for name, words in found.items():
        if not words:
            raise RuleError((*at, name), "names no value: nothing would count")
        known = VALUES.get(name, words)
        if not words <= known:
            wrong = min(words - known)
            what = f"never says {wrong}; one of {', '.join(sorted(known))}"
            raise RuleError((*at, name), what, named=wrong, known=known)
    return found


def _codes(value: Any, at: Path) -> frozenset[str]:
    codes = _each_once(value, at)
    for code in codes:
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            raise RuleError(at, "has to be a code, or a list of codes")
    return frozenset(codes)


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple | set | frozenset) else [value]


def _each_once(value: Any, at: Path) -> list[Any]:
    """What is named twice would be read as two of it by whoever splits or adds up."""
    names = _listed(value)
    for place, one in enumerate(names):
        if word(one) in map(word, names[:place]):
            raise RuleError(at, f"names {word(one)} twice")
    return names


def _flag(value: Any, at: Path) -> bool:
    if not isinstance(value, bool):
        raise RuleError(at, "has to be true or false")
    return value


def _fact(value: Any, at: Path) -> str:
    if not isinstance(value, str) or (value not in DURATIONS and not _ANSWER.fullmatch(value)):
        raise RuleError(at, f"one of {', '.join(sorted(DURATIONS))}, or answer.<field>")
    return value


def _one_of(known: Iterable[str]) -> Callable[[Any, Path], str]:
    names = sorted(known)

    def read(value: Any, at: Path) -> str:
        if value not in names:
            raise RuleError(at, f"one of {', '.join(names)}", named=value, known=names)
        return str(value)

    return read


def _percent(value: Any, at: Path) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 99:
        raise RuleError(at, "a whole number from 1 to 99")
    return value


def _by(value: Any, at: Path) -> tuple[str, ...]:
    known = ("organization", *DIMENSIONS, SERVICE)
    names = _each_once(value, at)
    for name in names:
        if name not in known:
            raise RuleError(at, f"of {', '.join(known)} only")
    return tuple(name for name in known if name in names)


def _grains(value: Any, at: Path) -> tuple[Grain, ...]:
    """Names of calendars are resolved by whoever reads the agenda: here they come with their first month."""
    grains = []
    for one in _listed(value):
        if one in (MONTH.code, CALENDAR_YEAR.code):
            grains.append(Grain(one))
        elif isinstance(one, Mapping) and set(one) == {"code", "starts_in"} and one["starts_in"] in range(1, 13):
            grains.append(Grain(one["code"], one["starts_in"]))
        else:
            raise RuleError(at, "month, calendar_year, or another of the agenda's calendars")
    if not grains:
        raise RuleError(at, "names no period")
    _each_once([grain.code for grain in grains], at)
    return tuple(grains)


_READERS: dict[str, Callable[[Any, Path], Any]] = {
    "numerator": _selector,
    "denominator": _selector,
    "cases": _selector,
    "entered": _selector,
    "left": _selector,
    "of": _one_of(OF),
    "clock": _one_of(CLOCKS),
    "cohort": _one_of(COHORTS),
    "credit": _one_of(("target", "source", "region")),
    "fact": _fact,
    "money": _flag,
    "p": _percent,
    "by": _by,
}
