"""Clients and households. A record belongs to the organization that made it; others have copies, by consent only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services import client_shapes
from services.consents import PART2_NOTICE
from services.journal import new_id
from services.refusals import NotVisible, Unprocessable
from services.rows import require_casework
from services.searching import like
from services.transaction import Answer, Call, Record, Tx, perform, read
from storage import tables


@dataclass(frozen=True, slots=True)
class Residence:
    """`kind` fixed, none or confidential; a confidential or missing home has no address."""

    kind: str
    county: str | None = None
    address: str | None = None
    postal_code: str | None = None
    school_district: str | None = None
    tribal_land: str | None = None
    starts_on: date | None = None


@dataclass(frozen=True, slots=True)
class NewClient:
    """`identity` named, alias or anonymous; the birth date may be a year or an estimate (decision 23)."""

    identity: str = "named"
    given_name: str | None = None
    family_name: str | None = None
    alias: str | None = None
    birth_date: date | None = None
    birth_year: int | None = None
    birth_estimated: bool = False
    language: str | None = None
    interpreter: bool = False
    contact: dict[str, Any] = field(default_factory=dict)
    demographics: dict[str, Any] = field(default_factory=dict)
    residence: Residence | None = None


def create_client(record: Record, call: Call, client: NewClient) -> Answer[client_shapes.Client]:
    def act(tx: Tx, _seen: None) -> client_shapes.Client:
        return client_view(tx, insert_client(tx, client))

    def fill(tx: Tx, _seen: None, body: dict[str, Any]) -> dict[str, Any]:
        return client_view(tx, UUID(body["id"])).model_dump(mode="json")

    return perform(
        record,
        call,
        lambda _tx: None,
        act,
        client_shapes.Client,
        fill=fill,
        status=201,
        stores=lambda body: {"id": str(body.id)},
    )


def get_client(record: Record, call: Call, client_id: UUID) -> client_shapes.Client:
    return read(record, call, lambda tx: client_view(tx, client_id))


def list_clients(
    record: Record, call: Call, *, q: str | None = None, after: tuple[Any, ...] | None = None, limit: int = 50
) -> list[client_shapes.ClientSummary]:
    """The caller's own organization's clients in the order in which they were recorded; `q` searches the names.

    `after` is (id,).
    """

    def look(tx: Tx) -> list[client_shapes.ClientSummary]:
        require_casework(tx)
        rows = tx.rows(_LIST, me=tx.here.organization_id, q=like(q), after=after[0] if after else None, limit=limit)
        return [client_shapes.ClientSummary.model_validate(row) for row in rows]

    return read(record, call, look)


def insert_client(tx: Tx, client: NewClient, at: str = "") -> UUID:
    """In the caller's transaction; audited."""
    require_casework(tx)
    _check(tx, client, at)
    client_id = new_id()
    tx.connection.execute(
        tables.client.insert().values(
            id=client_id,
            organization_id=tx.here.organization_id,
            person_id=client_id,
            identity=client.identity,
            given_name=client.given_name,
            family_name=client.family_name,
            alias=client.alias,
            birth_date=client.birth_date,
            birth_year=client.birth_year,
            birth_estimated=client.birth_estimated,
            language=client.language,
            interpreter=client.interpreter,
            contact=client.contact,
            demographics=client.demographics,
            created_by=tx.here.user_id,
            created_at=tx.now,
        )
    )
    if client.residence is not None:
        _insert_residence(tx, client_id, client.residence)
    tx.audit("client.create", "client", client_id, 1)
    return client_id


def client_view(tx: Tx, client_id: UUID) -> client_shapes.Client:
    """In the caller's transaction. Raises NotVisible, Forbidden; a copy vanishes with the consent that made it."""
    row = tx.row(_GET, id=client_id)
    if row is None:
        raise NotVisible
    require_casework(tx)
    values = dict(row._mapping)
    home = {name[2:]: values.pop(name) for name in list(values) if name.startswith("r_")}
    values["residence"] = home if home["kind"] else None
    values["disclosure_notice"] = PART2_NOTICE if values.pop("from_part2") else None
    return client_shapes.Client.model_validate(values)


def _check(tx: Tx, client: NewClient, at: str) -> None:
    """`at`: where in the request the client stands, for the pointers."""
    wanted = {"named": ("given_name", "family_name"), "alias": ("alias",), "anonymous": ()}[client.identity]
    if wanted and not any(getattr(client, name) for name in wanted):
        raise Unprocessable(
            f"A client of identity {client.identity!r} needs {' or '.join(wanted)}.", pointer=f"{at}/{wanted[0]}"
        )
    if client.identity == "anonymous" and (client.given_name or client.family_name):
        raise Unprocessable(
            "An anonymous client has no name here. Leave it out, or say that the client is named.",
            pointer=f"{at}/identity",
        )
    born, today = client.birth_date, tx.agenda.region().local_date(tx.now)
    if client.birth_year is not None and client.birth_year > today.year:
        raise Unprocessable("Nobody is born in the future. Correct the year.", pointer=f"{at}/birth_year")
    if born is not None and born > today:
        raise Unprocessable("Nobody is born in the future. Correct the date.", pointer=f"{at}/birth_date")
    if born is not None and client.birth_year not in (None, born.year):
        raise Unprocessable("Birth date and birth year contradict each other.", pointer=f"{at}/birth_year")
    home = client.residence
    if home is not None and home.starts_on is not None and home.starts_on > today:
        raise Unprocessable(
            "A residence is recorded once somebody lives there. Correct the day.", pointer=f"{at}/residence/starts_on"
        )
    if home is not None and home.kind != "fixed" and (home.address or home.postal_code):
        raise Unprocessable("Only a fixed residence has an address.", pointer=f"{at}/residence/address")


def _insert_residence(tx: Tx, client_id: UUID, home: Residence) -> None:
    tx.connection.execute(
        tables.client_residence.insert().values(
            id=new_id(),
            client_id=client_id,
            organization_id=tx.here.organization_id,
            kind=home.kind,
            county=home.county,
            address=home.address,
            postal_code=home.postal_code,
            school_district=home.school_district,
            tribal_land=home.tribal_land,
            starts_on=home.starts_on or tx.agenda.region().local_date(tx.now),
        )
    )


_GET = text(
    """
select c.id, c.organization_id, c.identity, c.given_name, c.family_name, c.alias, c.birth_date, c.birth_year,
       c.birth_estimated, c.language, c.interpreter, c.contact, c.demographics, c.origin_organization_id, c.created_at,
       c.version, r.kind as r_kind, r.county as r_county, r.address as r_address, r.postal_code as r_postal_code,
       r.school_district as r_school_district, r.tribal_land as r_tribal_land, r.starts_on as r_starts_on,
       coalesce((select o.part2 from organization o where o.id = c.origin_organization_id), false) as from_part2
  from client c
  left join lateral (select * from client_residence x where x.client_id = c.id and x.ends_on is null
                      order by x.starts_on desc, x.id desc limit 1) r on true
 where c.id = :id
"""
)
_LIST = text(
    """
select id, identity, given_name, family_name, alias, birth_date from client
 where organization_id = :me and (cast(:after as uuid) is null or id > :after)
   and (cast(:q as text) is null or concat_ws(' ', given_name, family_name, alias) ilike :q)
 order by id limit :limit
"""
)
