"""What services answer about who there is, what they offer and what they have room for, in the manner of `shapes`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from services.shapes import Shape, described

Mode = Annotated[
    str,
    described(
        "`connected` has logins here; `by_phone` and `listed` have none: the source makes their moves.",
        "connected", "by_phone", "listed",
    ),
]  # fmt: skip


class Membership(Shape):
    """For which organization you may act, in which roles."""

    organization_id: UUID
    organization: str
    roles: list[str]


class Colleague(Shape):
    """Somebody who works in your organization. `absent_until`: the day on which they are back."""

    id: UUID
    login: str
    name: str | None
    roles: list[str]
    absent_until: date | None
    delegate_user_id: UUID | None = Field(description="Who acts for them while they are away.")


class Me(Shape):
    """You, and for whom you act in this request."""

    id: UUID
    login: str
    name: str | None
    language: str
    organization: dict[str, Any]
    roles: list[str]
    collaborative: dict[str, Any]
    memberships: list[Membership]


class Organization(Shape):
    """A partner of the collaborative."""

    id: UUID
    slug: str
    name: str
    description: str | None
    kind: str
    mode: Mode
    role: str
    email: str | None
    phone: str | None
    website: str | None


class Place(Shape):
    """A location where a service is given; a confidential one has no address."""

    id: UUID
    name: str
    confidential: bool
    address_1: str | None
    city: str | None
    county: str | None
    state_province: str | None
    postal_code: str | None


class Capacity(Shape):
    """What a service says it has room for; it holds until the end of `lapses_on`."""

    open_slots: int | None = Field(description="As stated; null: places are not counted.")
    left: int | None = Field(
        description="What is left of them: each yes since the statement took one. Of a confidential provider others"
        " read what it stated."
    )
    taking: bool
    stated_at: datetime
    lapses_on: date


class CapacityStatement(Shape):
    """What somebody of the service said."""

    open_slots: int | None
    taking: bool
    stated_at: datetime
    lapses_on: date
    stated_by: UUID


class ServiceCapacity(Shape):
    """What holds now; null: nothing was said, or it has lapsed. All statements, newest first, for its own people."""

    service_id: UUID
    capacity: Capacity | None
    statements: list[CapacityStatement] = Field([])


class Service(Shape):
    """HSDS 3 service with its locations. A confidential location has no address anywhere."""

    id: UUID
    organization_id: UUID
    organization: str
    mode: Mode
    program_id: UUID | None
    name: str
    description: str | None
    status: str
    term: str
    eligibility: str | None
    application_process: str | None
    fees: str | None
    languages: list[str]
    phone: str | None
    email: str | None
    url: str | None
    opening_hours: dict[str, Any] | None
    always_open: bool
    capacity: Capacity | None = Field(None, description="What it has room for; null: it said nothing that still holds.")
    locations: list[Place]


class Term(Shape):
    """A kind of need and of service."""

    code: str
    name: str
    parent: str | None
    sensitive: bool


class Reason(Shape):
    """Why work may end without service."""

    code: str
    reason_class: str
    name: str


class ServiceDemand(Shape):
    """What was asked of one service for people of one county. A number that is null is held back."""

    service_id: UUID
    organization_id: UUID
    name: str
    term: str
    county: str | None = Field(description="FIPS code, or unknown; null: nothing was asked of it, or it is held back.")
    offered: int | None
    no_capacity: int | None = Field(description="Declined because there was no room.")
    turned_away: int | None = Field(
        description="Not even asked: it had said that it has no room. Of several asked at once, the first counts it."
    )
    waitlisted: int | None
    held_back: list[str] = Field([], description="All of a service for sensitive needs, from the backbone.")
    capacity: Capacity | None = Field(description="What it says now.")


class RegionDemand(Shape):
    """The same for all services together. A number that is null is held back, because it is small."""

    term: str
    county: str = Field(description="FIPS code, or unknown.")
    offered: int | None
    no_capacity: int | None
    turned_away: int | None
    waitlisted: int | None
    held_back: list[str] = Field([])


class CapacityReport(Shape):
    """Where room is lacking, from `start` to `end`: worst first. The backbone reads all services, a partner its own."""

    start: str
    end: str
    threshold: int = Field(description="Smaller numbers of the region than this are held back; zero is shown.")
    services: list[ServiceDemand]
    region: list[RegionDemand]
