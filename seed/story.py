"""The requests of the demonstration: who needs what, who asks whom, and what will come of it.

The same seed and region give the same stream, and a longer one begins like a shorter one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from random import Random

from domain.taxonomy import akin
from seed.directory import Organization, Service
from seed.ending import Ending, ending, kind_of
from seed.ids import chance
from seed.people import clients
from seed.person import Client
from seed.region import Region
from seed.scene import closest, pick, script

_EVERYBODY = 10_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """One request for one need of one client.

    `client` is an index into `clients(seed, …)`; `source` an organization's slug; `service` and `reroute_to`
    slugs of services. `kind`: referral, or information (a listed organization: its number is handed out).
    `on_behalf`: the target is reached by phone, so the source records its moves. `consent` is the form in
    which it was given; None: the target sees the need only. `reroute_to` is set where the ending declines and
    there is another door for the same need.
    """

    number: int
    kind: str
    client: int
    source: str
    service: str
    term: str
    priority: str
    origin: str
    reason: str
    note: str | None
    consent: str | None
    on_behalf: bool
    ending: Ending
    reroute_to: str | None = None


@dataclass(frozen=True, slots=True)
class _Visit:
    """Somebody at a partner's desk, and what the other partners could do."""

    region: Region
    random: Random
    number: int
    client: Client
    source: Organization
    offered: Sequence[Service]


def requests(region: Region, n: int) -> Iterator[Request]:
    """The first `n` requests of the region's seed."""
    return (_request(visit) for visit in islice(_visits(region), n))


def clients_of(region: Region, asked: Sequence[Request]) -> list[Client]:
    """The clients that the requests refer to by index, and those between them."""
    return list(clients(region.seed, max((request.client for request in asked), default=-1) + 1))


def _visits(region: Region) -> Iterator[_Visit]:
    arrivals = clients(region.seed, _EVERYBODY)
    known: list[tuple[Client, Organization]] = []
    number = 0
    for turn in count():
        random = chance(region.seed, "request", turn)
        client, source = _who(region, random, arrivals, known)
        offered = _offered(region, client, source)
        if offered and (client.role != "child" or random.randrange(100) < script()["children_percent"]):
            known.append((client, source))
            yield _Visit(region, random, number, client, source, offered)
            number += 1


def _who(
    region: Region, random: Random, arrivals: Iterator[Client], known: Sequence[tuple[Client, Organization]]
) -> tuple[Client, Organization]:
    """Two in three are new; who comes back mostly comes back to the same door."""
    source = region.organization(pick(random, script()["sources"]))
    if not known or random.random() < 0.66:
        return next(arrivals), source
    client, before = random.choice(known)
    return client, before if random.random() < 0.6 else source


def _offered(region: Region, client: Client, source: Organization) -> list[Service]:
    """What others offer to somebody of this age who lives there."""
    return [
        service
        for service in region.services
        if service.organization_id != source.id
        and service.serves(client.residence.county_fips, client.age, bool(client.veteran))
        and _plausible(service.term, client.age)
    ]


def _plausible(term: str, age: int) -> bool:
    youngest, oldest = closest(script()["ages"], term, (0, 120))
    return bool(youngest <= age <= oldest)


def _request(visit: _Visit) -> Request:
    random, kind = visit.random, kind_of(visit.region.seed, visit.number)
    service = _choice(visit, kind)
    owner = visit.region.owner(service)
    urgent = random.randrange(100) < closest(script()["urgent"], service.term, 0)
    doors = _other_doors(visit, service) if kind == "decline_reroute" else []
    informed = owner.mode == "listed"
    end = ending(random, visit.region.agenda, "information" if informed else kind)
    return Request(
        number=visit.number,
        kind="information" if informed else "referral",
        client=visit.client.index,
        source=visit.source.slug,
        service=service.slug,
        term=service.term,
        priority="urgent" if urgent else "routine",
        origin=pick(random, script()["origins"]),
        reason=random.choice(script()["reasons"][service.term]),
        note=random.choice(script()["notes"]),
        consent=_consent(random, visit.source),
        on_behalf=owner.mode == "by_phone",
        ending=end if doors or end.kind != "decline_reroute" else end.without_another_door(),
        reroute_to=random.choice(doors) if doors and not informed else None,
    )


def _choice(visit: _Visit, kind: str) -> Service:
    """First the category, so that a partner with many services is not asked for everything.

    A request that is to find another door asks for something that has one, if there is such a thing.
    """
    offered = visit.offered
    if kind == "decline_reroute":
        offered = [service for service in offered if _other_doors(visit, service)] or offered
    weights = script()["categories"]
    present = {_category(service) for service in offered}
    category = pick(visit.random, {name: weight for name, weight in weights.items() if name in present})
    inside = [service for service in offered if _category(service) == category]
    modes = [script()["modes"][visit.region.owner(service).mode] for service in inside]
    return visit.random.choices(inside, modes)[0]


def _category(service: Service) -> str:
    return service.term.partition(".")[0]


def _consent(random: Random, source: Organization) -> str | None:
    strict = source.confidential or source.part2
    form = pick(random, script()["written_only" if strict else "consents"])
    return None if form == "none" else form


def _other_doors(visit: _Visit, asked: Service) -> list[str]:
    """Services of other connected partners that answer the same need: of its very term, else of one above or below."""
    others = [
        other
        for other in visit.offered
        if akin(other.term, asked.term)
        and other.organization_id != asked.organization_id
        and visit.region.owner(other).mode == "connected"
    ]
    return [other.slug for other in others if other.term == asked.term] or [other.slug for other in others]
