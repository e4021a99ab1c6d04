"""What is written down about a client: the file, and the release. The bodies of two requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from seed.directory import Organization
from seed.person import Client
from seed.story import Request

_MAJORITY = 19
_HEALTH = frozenset({"clinic", "public_health", "behavioral_health", "dental"})


def needs_consent(request: Request, source: Organization) -> bool:
    """A victim-service provider refers nobody without a release; the others may, and then share the need only."""
    return request.consent is not None or source.confidential


def client_body(client: Client) -> dict[str, Any]:
    """As the API takes it; an anonymous client has hardly anything."""
    exact = client.birth_date.isoformat() if client.birth_date else None
    home, contact = client.residence, client.contact
    return {
        "identity": client.identity,
        "given_name": client.given_name,
        "family_name": client.family_name,
        "alias": client.alias,
        "birth_date": exact,
        "birth_year": None if exact else client.birth_year,
        "birth_estimated": client.birth_estimated,
        "language": client.language,
        "interpreter": client.interpreter,
        "contact": {
            "safe_channels": list(contact.safe_channels),
            "phone": contact.phone,
            "email": contact.email,
            "hours": contact.hours,
            "voicemail_ok": contact.voicemail_ok,
        },
        "demographics": {"gender": client.gender, "races": list(client.races), "veteran": client.veteran},
        "residence": {
            "kind": home.kind,
            "county": home.county_fips,
            "address": home.address_1,
            "postal_code": home.postal_code,
            "school_district": home.school_district,
            "tribal_land": home.tribal_land,
            "starts_on": home.valid_from.isoformat(),
        },
    }


def consent_body(
    client: Client, request: Request, source: Organization, client_id: str, recipients: Sequence[str]
) -> dict[str, Any]:
    """The release that this source needs, to these partners, for half a year."""
    strict = source.confidential or source.part2
    name = " ".join(part for part in (client.given_name, client.family_name) if part)
    return {
        "client_id": client_id,
        "recipients": list(recipients),
        "purpose": "To get the help that was asked for",
        "data_kinds": ["identity", "contact", "notes"],
        "legal_basis": _basis(source),
        "form": request.consent or ("written" if strict else "verbal"),
        "given_by": name or client.alias or "The client",
        "capacity": "parent" if client.role == "child" or _is_young(client) else "client",
        "until": (datetime.now(UTC) + timedelta(days=180)).isoformat(),
    }


def _is_young(client: Client) -> bool:
    """Perhaps under the age of majority."""
    year = client.birth_date.year if client.birth_date else client.birth_year
    return datetime.now(UTC).year - year <= _MAJORITY


def _basis(source: Organization) -> str:
    if source.confidential:
        return "vawa"
    if source.part2:
        return "part2"
    return "hipaa" if source.kind in _HEALTH else "ferpa" if source.kind == "school_service_unit" else "consent"
