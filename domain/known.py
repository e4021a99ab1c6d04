"""Whether what a template names is there: partners, services, terms, indicators, the strategy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from domain.pathway import Step, StepKind, Template
from domain.problem import Path, Problem, listed, meant
from domain.rule import Rule
from domain.taxonomy import akin


@dataclass(frozen=True, slots=True)
class Known:
    """Codes and names that a template may use. `services`: organization's slug → its services, name → term.

    `terms`: code → name in words. `names`: organization's slug → its name. `indicators`: code → its rule.
    """

    services: Mapping[str, Mapping[str, str]]
    names: Mapping[str, str]
    terms: Mapping[str, str]
    indicators: Mapping[str, Rule]
    strategies: frozenset[str]
    backbone: str | None = None

    def offers(self, term: str) -> bool:
        """Somebody offers the term, or one below it."""
        offered = (one for services in self.services.values() for one in services.values())
        return any(one == term or one.startswith(f"{term}.") for one in offered)


def strangers(template: Template, known: Known) -> list[Problem]:
    """Everything that the template names and that is not there, or may not own a step."""
    found: list[Problem] = []
    if template.strategy not in known.strategies:
        what = f"the agenda has no strategy {template.strategy}."
        found.append(Problem(("strategy",), what, _choose(template.strategy, known.strategies)))
    for place, goal in enumerate(template.goals):
        if goal.term not in known.terms:
            what = f"the taxonomy has no term {goal.term}."
            found.append(Problem(("goals", place, "term"), what, _near(goal.term, known.terms)))
    for place, step in enumerate(template.steps):
        found += [
            Problem(("steps", place, *path), what, remedy, step.key)
            for path, what, remedy in (*_owner(step, known), *_feeds(step, known), *_serves(template, step, known))
        ]
    return found


def _owner(step: Step, known: Known) -> Iterator[tuple[Path, str, str]]:
    owner = step.owner
    if owner.term is not None:
        if owner.term not in known.terms:
            yield ("owner", "term"), f"the taxonomy has no term {owner.term}.", _near(owner.term, known.terms)
        elif not known.offers(owner.term):
            what = f"no partner offers {owner.term}, so nobody can be matched."
            yield ("owner", "term"), what, "Choose a term that a service has, or name the lead."
    if owner.organization is None:
        return
    if owner.organization not in known.services:
        what = f"there is no partner {owner.organization}."
        yield ("owner", "organization"), what, _choose(owner.organization, known.services)
    elif owner.organization == known.backbone:
        what = f"{owner.organization} is the backbone, which does no casework."
        yield ("owner", "organization"), what, "Name a partner, a term, or the lead."
    elif owner.service is not None and owner.service not in known.services[owner.organization]:
        what = f"{owner.organization} has no service {owner.service}."
        yield ("owner", "service"), what, _choose(owner.service, known.services[owner.organization])


def _feeds(step: Step, known: Known) -> Iterator[tuple[Path, str, str]]:
    for place, code in enumerate(step.feeds):
        if code not in known.indicators:
            what = f"the agenda has no indicator {code}."
            yield ("feeds", place), what, _choose(code, known.indicators)
        elif known.indicators[code].observed:
            yield ("feeds", place), f"{code} is observed, and nothing that happens feeds it.", "Take it out."
        elif known.indicators[code].fed:
            for asked in sorted(set(known.indicators[code].answers) - {question.key for question in step.form}):
                what = f"{code} counts the answer to {asked}, and this step's form does not ask that."
                yield ("feeds", place), what, f"Ask {asked} in the form, or take {code} out."


def _serves(template: Template, step: Step, known: Known) -> Iterator[tuple[Path, str, str]]:
    """A referral settles the need that its goal is: so it has to be a request for just that."""
    owner = step.owner
    offered = owner.term or known.services.get(owner.organization or "", {}).get(owner.service or "")
    goal = next((one for one in template.goals if one.key == step.goal), None)
    if step.kind is StepKind.REFERRAL and goal is not None and offered and not akin(offered, goal.term):
        what = f"it asks for {offered}, and its goal {goal.key} is {goal.term}."
        yield ("goal",), what, "Name a goal of that need, or none."


def _choose(name: str, names: Iterable[str]) -> str:
    return meant(name, names, f"There are: {listed(sorted(names))}.")


def _near(name: str, names: Iterable[str]) -> str:
    """The taxonomy is too long to be listed."""
    return meant(name, names, "Look it up with GET /v1/taxonomy-terms, or in the agenda.")
