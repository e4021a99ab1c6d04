"""Who is served: a client, the household, how to reach them safely, and where they live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

AS_OF = date(2026, 7, 1)
"""The day on which the ages are true. Fixed, so that a region made next year is the same region."""


@dataclass(frozen=True, slots=True)
class Contact:
    """`safe_channels`, best first: phone, text, email, mail, in_person. Other channels must not be used.

    `hours` says when, in plain words; None: at any time of day.
    """

    safe_channels: tuple[str, ...]
    phone: str | None
    email: str | None
    hours: str | None
    voicemail_ok: bool


@dataclass(frozen=True, slots=True)
class Residence:
    """`kind`: fixed, none (no fixed place) or confidential. Only a fixed one has a street and a postal code.

    `tribal_land`: yes, no or not_asked.
    """

    kind: str
    county_fips: str
    valid_from: date
    address_1: str | None = None
    city: str | None = None
    postal_code: str | None = None
    school_district: str | None = None
    tribal_land: str = "not_asked"


@dataclass(frozen=True, slots=True)
class Member:
    """`role`: head, partner, child, grandparent, other. `valid_to` is None while the person lives there."""

    client_id: UUID
    role: str
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Household:
    id: UUID
    slug: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Client:
    """`identity`: named, alias (a chosen name and no other) or anonymous (no name at all).

    A birth date, or only a year, maybe an estimate; `birth_year` is always there. `races` are values of
    `voice.RACES`, or exactly one of `voice.UNKNOWN`. `index` counts from 0; a story refers to it.
    """

    index: int
    id: UUID
    household_id: UUID
    role: str
    identity: str
    given_name: str | None
    family_name: str | None
    alias: str | None
    birth_date: date | None
    birth_year: int
    birth_estimated: bool
    gender: str
    races: tuple[str, ...]
    language: str
    interpreter: bool
    veteran: bool | None
    contact: Contact
    residence: Residence

    @property
    def age(self) -> int:
        """In whole years on `AS_OF`; from the year alone where only that is known."""
        if self.birth_date is None:
            return AS_OF.year - self.birth_year
        had_birthday = (AS_OF.month, AS_OF.day) >= (self.birth_date.month, self.birth_date.day)
        return AS_OF.year - self.birth_year - (0 if had_birthday else 1)
