"""What the demonstration keeps track of: whose story each referral tells, and how the people fared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from concert.demo.moves import Clock, rests
from domain.taxonomy import akin
from seed.directory import Service
from seed.person import Client
from seed.region import Region
from seed.story import Request, clients_of


@dataclass(slots=True)
class Casebook:
    """`stories` and `seen` (as its source last saw it) are by referral id; `files` holds client ids by organization."""

    region: Region
    cast: Sequence[Request]
    clients: Sequence[Client] = ()
    stories: dict[str, Request] = field(default_factory=dict)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[tuple[str, int], str] = field(default_factory=dict)
    moves: Counter[str] = field(default_factory=Counter)
    lost_races: int = 0
    refusals: list[str] = field(default_factory=list)
    by_own_system: int = 0
    turned_away: int = 0

    def __post_init__(self) -> None:
        self.clients = clients_of(self.region, self.cast)

    def story_of(self, task: dict[str, Any]) -> Request | None:
        return self.stories.get(task["referral_id"])

    def is_rerouted(self, request: Request, task: dict[str, Any]) -> bool:
        """Whether this task is the second door of the story."""
        return request.reroute_to is not None and task["service_id"] == self.service_id(request.reroute_to)

    def service_id(self, slug: str) -> str:
        return str(self.region.service(slug).id)

    def asked(self, request: Request) -> list[Service]:
        """Whom its source asks: two partners at once, where it goes well and another one answers the same need."""
        first = self.region.service(request.service)
        alone = request.kind != "referral" or request.ending.kind != "complete" or request.on_behalf
        if alone or self.region.owner(first).confidential:
            return [first]
        return [first, *self._others(request, first)[:1]]

    def _others(self, request: Request, first: Service) -> list[Service]:
        """Open ones, whose people answer by hand, and who are not the source itself."""
        return [
            other
            for other in self.region.services
            if akin(other.term, first.term)
            and other.organization_id != first.organization_id
            and (owner := self.region.owner(other)).mode == "connected"
            and not (owner.worker or owner.confidential or owner.slug == request.source)
            and owner.slug in {each.service.partition("/")[0] for each in self.cast}
        ]

    def unfinished(self, at: Clock) -> int:
        """Stories that are not at their end yet, those that did not begin included."""
        told = sum(rests(self.stories[key], referral, at) for key, referral in self.seen.items())
        return len(self.cast) - told

    def secrets(self) -> set[str]:
        """Everything personal that was typed in: names, numbers, addresses, and what was written about people."""
        words: set[str | None] = set()
        for request in self.cast:
            client, end = self.clients[request.client], request.ending
            contact, home = client.contact, client.residence
            words |= {client.given_name, client.family_name, client.alias}
            words |= {contact.phone, contact.email, contact.hours, home.address_1}
            words |= {request.reason, request.note, end.question, end.answer, end.hold_reason}
        return {word for word in words if word}
