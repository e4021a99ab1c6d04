"""Whether what a template names is there: partners, services, terms, indicators, the strategy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from domain.pathway import Step, Template
from domain.soundness import Path, Problem


@dataclass(frozen=True, slots=True)
class Known:
    """Codes and names that a template may use. `services`: organization's slug → its services, name → term.

    `terms`: code → name in words. `names`: organization's slug → its name.
    """

    services: Mapping[str, Mapping[str, str]]
    names: Mapping[str, str]
    terms: Mapping[str, str]
    indicators: frozenset[str]
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
            for path, what, remedy in (*_owner(step, known), *_feeds(step, known))
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


def _choose(name: str, names: Iterable[str]) -> str:
    """The one that was meant, or all of them."""
    close = get_close_matches(name, list(names), 1, 0.7)
    return f"Did you mean {close[0]}?" if close else f"There are: {', '.join(sorted(names)) or 'none'}."


def _near(name: str, names: Iterable[str]) -> str:
    """The taxonomy is too long to be listed."""
    close = get_close_matches(name, list(names), 1, 0.7)
    return f"Did you mean {close[0]}?" if close else "Look it up with GET /v1/taxonomy-terms, or in the agenda."
