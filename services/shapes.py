"""What services answer and the API shows: one definition of each shape, also of what is stored for a replay.

Ids are UUIDv7, times RFC 3339 in UTC. `version` is the ETag; `allowed_actions` are the verbs that this caller may use now.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True, extra="ignore")


class Page(Shape, Generic[T]):
    """One page of a list; `next_cursor` null on the last."""

    items: list[T]
    next_cursor: str | None = None


class BallInCourt(Shape):
    organization_id: UUID
    user_id: UUID | None = None


class Task(Shape):
    id: UUID
    kind: str
    title: str
    state: str
    priority: str
    organization_id: UUID
    source_organization_id: UUID
    assigned_to: UUID | None
    referral_id: UUID | None
    action_plan_id: UUID | None
    step_key: str | None
    service_id: UUID | None
    client_id: UUID | None = None
    outcome: str | None
    reason: str | None
    ball_in_court: BallInCourt | None
    clock: str | None
    due_at: datetime | None
    call_now: str | None = Field(None, description="Urgent and closed now: whom to phone instead of waiting.")
    created_at: datetime
    updated_at: datetime
    version: int
    allowed_actions: list[str]


class Referral(Shape):
    id: UUID
    reference: str
    kind: str
    state: str
    priority: str
    origin: str
    client_id: UUID | None = None
    household_id: UUID | None = None
    need_id: UUID | None
    term: str | None
    county: str | None
    service_id: UUID | None
    source_organization_id: UUID
    target_organization_id: UUID
    consent_id: UUID | None = None
    outcome: str | None
    confirmed_by: str | None
    ball_in_court: BallInCourt | None
    clock: str | None
    due_at: datetime | None
    tasks: list[Task]
    created_at: datetime
    updated_at: datetime
    version: int
    allowed_actions: list[str]


class Message(Shape):
    """Something said about a referral. `body` is null where the caller may not read it (no consent, or it was revoked)."""

    id: UUID
    kind: str
    at: datetime
    organization_id: UUID
    user_id: UUID | None
    body: str


class Event(Shape):
    id: UUID
    at: datetime
    occurred_at: datetime
    kind: str
    task_id: UUID | None
    referral_id: UUID | None
    action_plan_id: UUID | None
    organization_id: UUID | None
    acting_organization_id: UUID | None
    user_id: UUID | None
    on_behalf_of: UUID | None = None
    from_state: str | None
    to_state: str | None
    reason: str | None


class Timeline(Shape):
    """Newest first."""

    items: list[Event]
    messages: list[Message]


class Residence(Shape):
    kind: str
    county: str | None = None
    address: str | None = None
    postal_code: str | None = None
    school_district: str | None = None
    tribal_land: str | None = None
    starts_on: date | None = None


class Client(Shape):
    id: UUID
    organization_id: UUID
    identity: str
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
    id: UUID
    identity: str
    given_name: str | None
    family_name: str | None
    alias: str | None
    birth_date: date | None


class HouseholdMember(Shape):
    client_id: UUID
    role: str
    starts_on: date


class Household(Shape):
    id: UUID
    organization_id: UUID
    name: str | None
    members: list[HouseholdMember]
    created_at: datetime
    version: int


class PossibleDuplicate(Shape):
    id: UUID
    given_name: str | None
    family_name: str | None
    birth_date: date | None


class Need(Shape):
    id: UUID
    organization_id: UUID
    client_id: UUID | None = None
    household_id: UUID | None = None
    term: str
    outcome: str | None
    outcome_by: str | None
    created_at: datetime
    version: int


class Consent(Shape):
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
    co_signers: list[str] = []
    valid_from: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    created_at: datetime
    version: int


class Membership(Shape):
    organization_id: UUID
    organization: str
    roles: list[str]


class Me(Shape):
    id: UUID
    login: str
    name: str | None
    language: str
    organization: dict[str, Any]
    roles: list[str]
    collaborative: dict[str, Any]
    memberships: list[Membership]


class Organization(Shape):
    id: UUID
    slug: str
    name: str
    description: str | None
    kind: str
    mode: str
    role: str
    email: str | None
    phone: str | None
    website: str | None


class Place(Shape):
    id: UUID
    name: str
    confidential: bool
    address_1: str | None
    city: str | None
    county: str | None
    state_province: str | None
    postal_code: str | None


class Service(Shape):
    """HSDS 3 service with its locations. A confidential location has no address anywhere."""

    id: UUID
    organization_id: UUID
    organization: str
    mode: str
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
    locations: list[Place]


class Term(Shape):
    code: str
    name: str
    parent: str | None
    sensitive: bool


class Reason(Shape):
    code: str
    reason_class: str
    name: str


class Stalled(Shape):
    """One piece of work that nobody has moved within its limit. `limit` is when it was due, `level` how far it climbed."""

    kind: str
    id: UUID
    referral_id: UUID | None
    reference: str | None
    title: str
    ball_in_court: BallInCourt
    since: datetime
    limit: datetime
    level: str
    reason_code: str
    reason: str
    remedy: str
    version: int
    allowed_actions: list[str]


class Point(Shape):
    period: str
    value: float | None
    numerator: int | None = None
    denominator: int | None = None
    waiting: int | None = Field(None, description="Medians: accepted and still waiting for the first contact.")
    suppressed: bool = False
    by: dict[str, str] = {}


class Indicator(Shape):
    code: str
    version: int
    name: str
    kind: str
    unit: str
    direction: str
    definition: str
    strategy: str
    owner_organization_id: UUID
    rule: dict[str, Any]
    baseline: Any | None
    target: Any | None
    series: list[Point] = []
