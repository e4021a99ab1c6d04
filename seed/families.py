"""Clients in their households, recorded by caseworkers of the region through the same services that people use."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from uuid import UUID

from seed.people import clients, households
from seed.person import Client, Household
from seed.region import Region
from services.clients import NewClient, Residence, create_client
from services.households import Member, create_household
from services.refusals import Forbidden, Unauthenticated
from services.transaction import Call, Key, Record

Progressed = Callable[[int, int], None]


def load_families(
    record: Record,
    region: Region,
    n: int,
    progressed: Progressed = lambda _done, _total: None,
    *,
    known: frozenset[str] = frozenset(),
) -> None:
    """The first `n` clients of the region, each household with one agency.
    A repeat changes nothing: the keys are known.

    What `known` keys recorded is not asked for again: who recorded it may have left, or moved to another agency. In the
    name of somebody who left, or does no casework any more, nothing is recorded.
    """
    people = {client.id: client for client in clients(region.seed, n)}
    agencies = _agencies(region)
    done = 0
    for position, household in enumerate(households(region.seed, n)):
        login = agencies[position % len(agencies)]
        if _key(region.seed, household.slug) not in known:
            with suppress(Unauthenticated, Forbidden):
                _load(record, region.seed, login, household, people)
        done += len(household.members)
        progressed(done, n)


def _agencies(region: Region) -> list[str]:
    """One caseworker of each connected partner that is not confidential."""
    open_ones = [o for o in region.organizations if o.mode == "connected" and not o.confidential]
    workers = [region.people_of(o.slug, "caseworker") for o in open_ones]
    return [found[0].login for found in workers if found]


def _load(record: Record, seed: int, login: str, household: Household, people: dict[UUID, Client]) -> None:
    known: dict[UUID, UUID] = {}
    for member in household.members:
        answer = create_client(
            record, _call(login, seed, f"client-{member.client_id}"), asked(people[member.client_id])
        )
        known[member.client_id] = answer.body.id
    members = tuple(Member(known[m.client_id], m.role, m.valid_from) for m in household.members)
    create_household(record, _call(login, seed, household.slug), None, members)


def asked(client: Client) -> NewClient:
    """What a caseworker would type of this client."""
    contact = client.contact
    home = client.residence
    said = {
        "safe_channels": list(contact.safe_channels),
        "phone": contact.phone,
        "email": contact.email,
        "hours": contact.hours,
        "voicemail_ok": contact.voicemail_ok,
    }
    return NewClient(
        identity=client.identity,
        given_name=client.given_name,
        family_name=client.family_name,
        alias=client.alias,
        birth_date=client.birth_date,
        birth_year=client.birth_year,
        birth_estimated=client.birth_estimated,
        language=client.language,
        interpreter=client.interpreter,
        contact={name: value for name, value in said.items() if value not in (None, [])},
        demographics={"gender": client.gender, "races": list(client.races), "veteran": client.veteran},
        residence=Residence(
            kind=home.kind,
            county=home.county_fips,
            address=home.address_1,
            postal_code=home.postal_code,
            school_district=home.school_district,
            tribal_land=home.tribal_land,
            starts_on=home.valid_from,
        ),
    )


def _call(login: str, seed: int, what: str) -> Call:
    key = _key(seed, what)
    return Call(login, key=Key(key, sha256(key.encode()).digest()))


def _key(seed: int, what: str) -> str:
    return f"seed-{seed}-{what}"
