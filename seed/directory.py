"""What stands in the directory, under the names that HSDS 3 (Open Referral) has for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from seed.hours import Hours


@dataclass(frozen=True, slots=True)
class Organization:
    """`mode`: connected, by_phone, listed. `task_queue`: its own where its own system answers (`worker`).

    `confidential`: a victim-service provider, which has no location. `part2`: under 42 CFR Part 2.
    """

    id: UUID
    slug: str
    name: str
    kind: str
    mode: str
    description: str
    email: str
    website: str
    year_incorporated: int
    confidential: bool
    part2: bool
    one_person: bool
    worker: bool
    task_queue: str


@dataclass(frozen=True, slots=True)
class Partnership:
    """The organization's part in the collaborative: since when, and to which strategies it is committed."""

    id: UUID
    organization_id: UUID
    valid_from: date
    agenda_version: int
    adopted_on: date | None
    commitments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Program:
    id: UUID
    slug: str
    organization_id: UUID
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Service:
    """`slug` is `organization/service`. Ages in years, both ends included. `counties`: FIPS codes served."""

    id: UUID
    slug: str
    organization_id: UUID
    program_id: UUID
    name: str
    description: str
    status: str
    email: str
    application_process: str
    eligibility_description: str
    fees_description: str
    minimum_age: int | None
    maximum_age: int | None
    for_veterans: bool
    languages: tuple[str, ...]
    term: str
    counties: tuple[str, ...]
    hours: Hours

    def serves(self, county_fips: str, age: int, veteran: bool) -> bool:
        """What the rules on paper say; whether there is room is the partner's to answer."""
        old_enough = self.minimum_age is None or age >= self.minimum_age
        young_enough = self.maximum_age is None or age <= self.maximum_age
        belongs = veteran or not self.for_veterans
        return county_fips in self.counties and old_enough and young_enough and belongs


@dataclass(frozen=True, slots=True)
class Location:
    """A place that may be shown to everybody. Latitude and longitude in degrees."""

    id: UUID
    slug: str
    organization_id: UUID
    name: str
    location_type: str
    address_1: str
    city: str
    county_fips: str
    state_province: str
    postal_code: str
    country: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class ServiceAtLocation:
    id: UUID
    service_id: UUID
    location_id: UUID


@dataclass(frozen=True, slots=True)
class Phone:
    """`service_id` is None for the organization's main number."""

    id: UUID
    organization_id: UUID
    service_id: UUID | None
    number: str
    type: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who works here. `service_account`: a partner's own system, no person."""

    id: UUID
    login: str
    name: str
    email: str
    languages: tuple[str, ...]
    service_account: bool


@dataclass(frozen=True, slots=True)
class Membership:
    """One role of one user in one organization; a person may hold several."""

    id: UUID
    user_id: UUID
    organization_id: UUID
    role: str
    valid_from: date
