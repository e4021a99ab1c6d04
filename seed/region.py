"""The region: its partners, what they offer, where and when, and the people who work there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from seed.agenda import Agenda
from seed.agreement import agenda
from seed.directory import (
    Location,
    Membership,
    Organization,
    Partnership,
    Phone,
    Program,
    Service,
    ServiceAtLocation,
    User,
)
from seed.documents import document
from seed.entry import Entry, Numbers
from seed.ids import chance, id_of
from seed.places import County, counties


@dataclass(frozen=True)
class Region:
    """Everything that a fresh record is loaded with, in the order in which rows may refer to one another."""

    seed: int
    collaborative_id: UUID
    agenda: Agenda
    counties: tuple[County, ...]
    organizations: tuple[Organization, ...]
    partnerships: tuple[Partnership, ...]
    programs: tuple[Program, ...]
    services: tuple[Service, ...]
    locations: tuple[Location, ...]
    service_at_locations: tuple[ServiceAtLocation, ...]
    phones: tuple[Phone, ...]
    users: tuple[User, ...]
    memberships: tuple[Membership, ...]

    def organization(self, slug: str) -> Organization:
        return self._by_slug[slug]

    def service(self, slug: str) -> Service:
        return next(service for service in self.services if service.slug == slug)

    def owner(self, service: Service) -> Organization:
        """The organization that offers the service."""
        return self.organization_by_id(service.organization_id)

    def organization_by_id(self, organization_id: UUID) -> Organization:
        return next(one for one in self.organizations if one.id == organization_id)

    def people_of(self, slug: str, role: str) -> tuple[User, ...]:
        """Who holds the role at the organization, in the order of the directory."""
        organization = self.organization(slug)
        ids = {m.user_id for m in self.memberships if m.organization_id == organization.id and m.role == role}
        return tuple(user for user in self.users if user.id in ids)

    @cached_property
    def _by_slug(self) -> dict[str, Organization]:
        return {organization.slug: organization for organization in self.organizations}


def build_region(seed: int) -> Region:
    """The same seed gives the same region, ids included. Names and logins are the same for every seed."""
    partners = [Entry(seed, row) for row in _partner_rows()]
    numbers = Numbers(chance(seed, "phones"))
    return Region(
        seed=seed,
        collaborative_id=id_of(seed, "collaborative", agenda().collaborative.slug),
        agenda=agenda(),
        counties=counties(),
        organizations=tuple(partner.organization() for partner in partners),
        partnerships=tuple(partner.partnership() for partner in partners),
        programs=tuple(program for partner in partners for program in partner.programs()),
        services=tuple(service for partner in partners for service in partner.services()),
        locations=tuple(location for partner in partners for location in partner.locations()),
        service_at_locations=tuple(row for partner in partners for row in partner.service_at_locations()),
        phones=tuple(phone for partner in partners for phone in partner.phones(numbers)),
        users=tuple(user for partner in partners for user in partner.users()),
        memberships=tuple(row for partner in partners for row in partner.memberships()),
    )


def _partner_rows() -> Iterator[Mapping[str, Any]]:
    for name in document("region.yaml")["partners"]:
        yield from document(f"partners/{name}.yaml")
