"""A region as rows of the record's tables, in an order in which every reference finds what it refers to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seed.agenda import Agenda, agenda_body, collaborative_columns, indicator_columns
from seed.directory import Organization, Service, User
from seed.ids import id_of
from seed.pathway import pathways
from seed.region import Region
from services.adopting import row_of

Row = dict[str, Any]
NIGHT_LINE = "line/listening"
"""Answers at every hour and knows whom to wake: the number to call when a service is closed."""


def rows_of(region: Region) -> Iterator[tuple[str, list[Row]]]:
    """Table by table. Dictionaries and lists are JSON columns."""
    yield "collaborative", [_collaborative(region)]
    yield "agenda", [_agenda(region)]
    yield "organization", [_organization(region, one) for one in region.organizations]
    yield "partnership", _partnerships(region)
    yield "adoption", _adoptions(region)
    yield "program", _programs(region)
    yield "taxonomy_term", _terms(region.agenda)
    yield "service", [_service(region, one) for one in region.services]
    yield "location", _locations(region)
    yield "service_at_location", _places(region)
    yield "reason", _reasons(region)
    yield "indicator", _indicators(region)
    yield "plan_template", _templates(region)
    yield "user_account", [_user(one) for one in region.users]
    yield "membership", _memberships(region)


def _collaborative(region: Region) -> Row:
    agreed = region.agenda.collaborative
    return collaborative_columns(agreed) | {
        "id": region.collaborative_id,
        "slug": agreed.slug,
        "agenda_version": region.agenda.version,
    }


def _agenda(region: Region) -> Row:
    """`counties` are by FIPS code; codes are what stands in dimensions."""
    text = region.agenda
    body = agenda_body(text) | {"counties": {county.fips: county.name for county in region.counties}}
    return {
        "collaborative_id": region.collaborative_id,
        "version": text.version,
        "name": text.name,
        "adopted_on": text.adopted_on,
        "body": body,
    }


def _adoptions(region: Region) -> list[Row]:
    return [
        {
            "collaborative_id": region.collaborative_id,
            "agenda_version": region.agenda.version,
            "organization_id": one.organization_id,
            "adopted_on": one.adopted_on,
            "commitments": list(one.commitments),
        }
        for one in region.partnerships
        if one.adopted_on
    ]


def _organization(region: Region, one: Organization) -> Row:
    return {
        "id": one.id,
        "slug": one.slug,
        "name": one.name,
        "description": one.description,
        "kind": one.kind,
        "mode": one.mode,
        "email": one.email,
        "phone": _main_number(region, one),
        "website": one.website,
        "confidential": one.confidential,
        "part2": one.part2,
        "own_worker": one.worker,
    }


def _partnerships(region: Region) -> list[Row]:
    return [
        {
            "collaborative_id": region.collaborative_id,
            "organization_id": one.organization_id,
            "role": "backbone" if _is_backbone(region, one.organization_id) else "partner",
            "starts_on": one.valid_from,
            "commitments": list(one.commitments),
        }
        for one in region.partnerships
    ]


def _is_backbone(region: Region, organization_id: object) -> bool:
    return bool(region.organization(region.agenda.collaborative.backbone).id == organization_id)


def _programs(region: Region) -> list[Row]:
    return [
        {
            "id": one.id,
            "organization_id": one.organization_id,
            "name": one.name,
            "description": one.description,
            "part2": region.organization_by_id(one.organization_id).part2,
        }
        for one in region.programs
    ]


def _terms(agenda: Agenda) -> list[Row]:
    return [
        {
            "code": one.code,
            "name": one.name,
            "names": {"es": one.name_es},
            "parent": one.parent,
            "sensitive": one.sensitive,
        }
        for one in agenda.terms
    ]


def _service(region: Region, one: Service) -> Row:
    owner = region.owner(one)
    own_line = _own_line(region, one)
    return {
        "id": one.id,
        "organization_id": one.organization_id,
        "program_id": one.program_id,
        "name": one.name,
        "description": one.description,
        "status": one.status,
        "eligibility": one.eligibility_description,
        "application_process": one.application_process,
        "fees": one.fees_description,
        "languages": list(one.languages),
        "term": one.term,
        "email": one.email,
        "phone": own_line or _main_number(region, owner),
        "url": f"{owner.website}/{one.slug.partition('/')[2]}",
        "opening_hours": one.hours.weekly or None,
        "always_open": one.hours.always_open,
        "on_call_phone": own_line or _own_line(region, region.service(NIGHT_LINE)),
    }


def _main_number(region: Region, one: Organization) -> str:
    phones = (phone for phone in region.phones if phone.service_id is None)
    return next(phone.number for phone in phones if phone.organization_id == one.id)


def _own_line(region: Region, one: Service) -> str | None:
    return next((phone.number for phone in region.phones if phone.service_id == one.id), None)


def _locations(region: Region) -> list[Row]:
    return [
        {
            "id": one.id,
            "organization_id": one.organization_id,
            "name": one.name,
            "address_1": one.address_1,
            "city": one.city,
            "county": one.county_fips,
            "state_province": one.state_province,
            "postal_code": one.postal_code,
            "country": one.country,
            "latitude": one.latitude,
            "longitude": one.longitude,
        }
        for one in region.locations
    ]


def _places(region: Region) -> list[Row]:
    pairs = region.service_at_locations
    return [{"service_id": pair.service_id, "location_id": pair.location_id} for pair in pairs]


def _reasons(region: Region) -> list[Row]:
    return [
        {
            "collaborative_id": region.collaborative_id,
            "code": one.code,
            "class": one.reason_class,
            "name": one.name,
            "names": {"es": one.name_es},
        }
        for one in region.agenda.reasons
    ]


def _indicators(region: Region) -> list[Row]:
    return [
        indicator_columns(one)
        | {
            "id": id_of(region.seed, "indicator", f"{one.code}/{one.version}"),
            "collaborative_id": region.collaborative_id,
            "owner_organization_id": region.organization(one.owner).id,
        }
        for one in region.agenda.indicators
    ]


def _templates(region: Region) -> list[Row]:
    return [
        {
            "id": id_of(region.seed, "plan_template", f"{one.code}/{one.version}"),
            "collaborative_id": region.collaborative_id,
            **row_of(one),
        }
        for one in pathways(region)
    ]


def _user(one: User) -> Row:
    """The subject of a token from the development issuer is the login."""
    return {
        "id": one.id,
        "subject": one.login,
        "login": one.login,
        "name": one.name,
        "email": one.email,
        "language": one.languages[0],
        "service_account": one.service_account,
    }


def _memberships(region: Region) -> list[Row]:
    return [
        {
            "id": one.id,
            "user_id": one.user_id,
            "organization_id": one.organization_id,
            "role": one.role,
            "starts_on": one.valid_from,
        }
        for one in region.memberships
    ]
