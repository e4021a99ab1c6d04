"""What services answer about clients, their households, needs and consents, in the manner of `shapes`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from services.shapes import Shape, WhatCame, described


class Residence(Shape):
    """Where the client lives, from a day on."""

    kind: Annotated[str, described("Only a fixed one has an address.", "fixed", "none", "confidential")]
    county: str | None = None
    address: str | None = None
    postal_code: str | None = None
    school_district: str | None = None
    tribal_land: str | None = None
    starts_on: date | None = None


class Client(Shape):
    """A client as one organization knows them."""

    id: UUID
    organization_id: UUID
    identity: Annotated[str, described("How the client is known.", "named", "alias", "anonymous")]
    given_name: str | None
    family_name: str | None
    alias: str | None
    birth_date: date | None
    birth_year: int | None
    birth_estimated: bool
    language: str | None
    interpreter: bool
    contact: dict[str, Any]
    demographics: dict[str, Any]
    residence: Residence | None
    origin_organization_id: UUID | None
    disclosure_notice: str | None = Field(None, description="42 CFR Part 2: goes with every disclosure.")
    created_at: datetime
    version: int


class ClientSummary(Shape):
    """Enough to recognize a client of one's own."""

    id: UUID
    identity: Annotated[str, described("How the client is known.", "named", "alias", "anonymous")]
    given_name: str | None
    family_name: str | None
    alias: str | None
    birth_date: date | None


class HouseholdMember(Shape):
    client_id: UUID
    role: str
    starts_on: date


class Household(Shape):
    """People who are served together."""

    id: UUID
    organization_id: UUID
    name: str | None
    members: list[HouseholdMember]
    created_at: datetime
    version: int


class PossibleDuplicate(Shape):
    """Another record of your organization that may be the same person; the likeliest first."""

    id: UUID
    given_name: str | None
    family_name: str | None
    alias: str | None
    birth_date: date | None
    birth_year: int | None
    likeness: float = Field(description="From 0 to 1. It is a hint: look at both records before you link them.")
    because: list[str] = Field(
        description="Of same_name, similar_name, names_swapped, same_birth_date, birth_day_and_month_swapped,"
        " same_birth_year."
    )


class ClientLink(Shape):
    """Two records of your organization are of one person. Both stay as they are; they count as one."""

    id: UUID
    client_id: UUID | None = None
    other_client_id: UUID | None = Field(None, description="Null where it is a copy whose consent has ended.")
    made_at: datetime
    made_by: UUID
    revoked_at: datetime | None
    revoked_by: UUID | None


class Need(Shape):
    """What a client or household lacks; it may exist without any service."""

    id: UUID
    organization_id: UUID
    client_id: UUID | None = None
    household_id: UUID | None = None
    term: str
    outcome: WhatCame | None
    outcome_by: Annotated[str, described("Whose word it is.", "client", "source", "task")] | None
    created_at: datetime
    version: int


class Consent(Shape):
    """Who may disclose what to whom, for what, until when."""

    id: UUID
    organization_id: UUID
    client_id: UUID | None = None
    recipients: list[UUID]
    purpose: str
    data_kinds: list[str]
    legal_basis: str
    form: str
    given_by: str | None = None
    capacity: str
    co_signers: list[str] = Field([])
    valid_from: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    created_at: datetime
    version: int
