"""Clients, their needs and their consents."""

from enum import StrEnum
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, Field

from api.calls import Commanding, Moving, Reading, TheRecord, answered, page_of, shown
from api.cursors import Keyset, Listing, Page
from api.values import Body, Choice, Code, Day, Id, Instant, Name, Parameters, ShortText, Text, Year, refusal
from domain.groups import RACES, UNSAID
from services import client_shapes, clients, consents, duplicates, households, links, needs

router = APIRouter(prefix="/v1", tags=["Referrals"])


def _race(code: str) -> str:
    """Groups of the shared numbers: a code outside the list would count as nobody."""
    if code not in RACES and code not in UNSAID:
        raise refusal("race", "This is none of the list: see the description of this operation.")
    return code


class Identity(StrEnum):
    NAMED = "named"
    ALIAS = "alias"
    ANONYMOUS = "anonymous"


_STATES = r"(0[124-689]|1[0-35-9]|2\d|3\d|4[0-24-9]|5[013-6]|60|66|69|7[28])"
County = Annotated[str, Field(strict=True, pattern=rf"^{_STATES}(00[1-9]|0[1-9]\d|[1-9]\d\d)$")]
Language = Annotated[str, Field(strict=True, max_length=35, pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
"""A language tag (BCP 47): `es`, `zh-Hant`."""
Race = Annotated[str, Field(strict=True, json_schema_extra={"enum": [*sorted(RACES), *UNSAID]}), AfterValidator(_race)]


class ResidenceBody(Body):
    kind: Literal["fixed", "none", "confidential"]
    county: County | None = Field(None, description="FIPS code: two digits of the state, three of the county.")
    address: ShortText | None = None
    postal_code: Annotated[str, Text(3, 12)] | None = None
    school_district: ShortText | None = None
    tribal_land: ShortText | None = None
    starts_on: Day | None = None


class ReachBody(Body):
    safe_channels: list[Literal["phone", "text", "email", "mail", "in_person"]] = Field(default=[], max_length=5)
    phone: Annotated[str, Text(3, 40)] | None = None
    email: Annotated[str, Text(3, 200)] | None = None
    hours: ShortText | None = Field(None, description="When to call, in the client's words.")
    voicemail_ok: bool | None = None


class DemographicsBody(Body):
    gender: Code | None = None
    races: list[Race] = Field(default=[], max_length=12, description="As many as the client names.")
    veteran: bool | None = None


class ClientBody(Body):
    """A client as far as known: `named`, `alias` or `anonymous`; a year or an estimate will do for the birth date."""

    identity: Annotated[Identity, Choice] = Identity.NAMED
    given_name: Name | None = None
    family_name: Name | None = None
    alias: Name | None = None
    birth_date: Day | None = None
    birth_year: Year | None = None
    birth_estimated: bool = False
    language: Language | None = None
    interpreter: bool = False
    contact: ReachBody = ReachBody()
    demographics: DemographicsBody = DemographicsBody()
    residence: ResidenceBody | None = None

    def asked(self) -> clients.NewClient:
        plain = self.model_dump(exclude={"identity", "contact", "demographics", "residence"})
        return clients.NewClient(
            identity=self.identity.value,
            contact=self.contact.model_dump(mode="json", exclude_defaults=True),
            demographics=self.demographics.model_dump(mode="json", exclude_defaults=True),
            residence=clients.Residence(**self.residence.model_dump()) if self.residence else None,
            **plain,
        )


class MemberBody(Body):
    client_id: Id
    role: Literal["head", "partner", "child", "grandparent", "other"]
    starts_on: Day | None = None


class HouseholdBody(Body):
    name: Name | None = None
    members: list[MemberBody] = Field(min_length=1, max_length=30)


class ClientFilters(Page):
    q: ShortText | None = Field(None, description="Words of the name.")


class LinkBody(Body):
    """Another record of my organization that is of the same person."""

    client_id: Id


class NeedBody(Body):
    """What a client, or a household as a whole, lacks: name one of the two."""

    client_id: Id | None = None
    household_id: Id | None = None
    term: Code


class NeedFilters(Parameters):
    client_id: Id | None = None
    household_id: Id | None = None


class ConsentBody(Body):
    """What the client agreed to. It can be revoked at any moment."""

    client_id: Id
    recipients: list[Id] = Field(min_length=1, max_length=50)
    purpose: ShortText
    data_kinds: list[Literal["identity", "contact", "demographics", "notes"]] = Field(min_length=1, max_length=4)
    legal_basis: Literal["hipaa", "ferpa", "part2", "vawa", "consent"]
    form: Literal["written", "verbal", "electronic"]
    given_by: Name
    capacity: Literal["client", "parent", "guardian", "representative"] = "client"
    co_signers: list[Name] = Field(default=[], max_length=5)
    valid_from: Instant | None = None
    until: Instant | None = None


@router.post(
    "/clients",
    operation_id="create_client",
    summary="Record a client",
    status_code=201,
    response_model=client_shapes.Client,
)
def create_client(body: ClientBody, record: TheRecord, call: Commanding) -> Response:
    return answered(clients.create_client(record, call, body.asked()), "/v1/clients")


@router.get(
    "/clients",
    operation_id="list_clients",
    summary="My organization's clients, by name or all",
    response_model=Listing[client_shapes.ClientSummary],
)
def list_clients(record: TheRecord, call: Reading, page: Annotated[ClientFilters, Query()], keyset: Keyset) -> Response:
    return page_of(
        call,
        page,
        keyset,
        lambda after, limit: clients.list_clients(record, call, q=page.q, after=after, limit=limit),
        lambda item: (item.id,),
        "clients",
    )


@router.post(
    "/households",
    operation_id="create_household",
    summary="Record a household",
    status_code=201,
    response_model=client_shapes.Household,
)
def create_household(body: HouseholdBody, record: TheRecord, call: Commanding) -> Response:
    members = tuple(households.Member(**member.model_dump()) for member in body.members)
    return answered(households.create_household(record, call, body.name, members), "/v1/households")


@router.get(
    "/households/{household_id}",
    operation_id="get_household",
    summary="Read a household",
    response_model=client_shapes.Household,
)
def get_household(household_id: Id, record: TheRecord, call: Reading) -> Response:
    return shown(households.get_household(record, call, household_id))


@router.get(
    "/clients/{client_id}", operation_id="get_client", summary="Read a client", response_model=client_shapes.Client
)
def get_client(client_id: Id, record: TheRecord, call: Reading) -> Response:
    return shown(clients.get_client(record, call, client_id))


@router.get(
    "/clients/{client_id}/possible-duplicates",
    operation_id="list_possible_duplicates",
    summary="Records of my organization that may be the same person",
)
def list_possible_duplicates(client_id: Id, record: TheRecord, call: Reading) -> list[client_shapes.PossibleDuplicate]:
    return duplicates.possible_duplicates(record, call, client_id)


@router.post(
    "/clients/{client_id}/links",
    operation_id="link_clients",
    summary="Two records are of one person",
    status_code=201,
    response_model=client_shapes.ClientLink,
)
def link_clients(client_id: Id, body: LinkBody, record: TheRecord, call: Commanding) -> Response:
    return answered(links.link_clients(record, call, client_id, body.client_id), f"/v1/clients/{client_id}/links")


@router.get("/clients/{client_id}/links", operation_id="list_client_links", summary="The links of a client")
def list_links(client_id: Id, record: TheRecord, call: Reading) -> list[client_shapes.ClientLink]:
    return links.list_links(record, call, client_id)


@router.get(
    "/clients/{client_id}/links/{link_id}",
    operation_id="get_client_link",
    summary="Read a link",
    response_model=client_shapes.ClientLink,
)
def get_link(client_id: Id, link_id: Id, record: TheRecord, call: Reading) -> Response:
    return shown(links.get_link(record, call, client_id, link_id))


@router.post(
    "/clients/{client_id}/links/{link_id}/revoke",
    operation_id="revoke_client_link",
    summary="They are two persons after all",
    response_model=client_shapes.ClientLink,
)
def revoke_link(client_id: Id, link_id: Id, record: TheRecord, call: Commanding) -> Response:
    return answered(links.revoke_link(record, call, client_id, link_id))


@router.post(
    "/needs", operation_id="create_need", summary="Record a need", status_code=201, response_model=client_shapes.Need
)
def create_need(body: NeedBody, record: TheRecord, call: Commanding) -> Response:
    return answered(needs.create_need(record, call, body.term, body.client_id, body.household_id), "/v1/needs")


@router.get("/needs", operation_id="list_needs", summary="The needs of a client or of a household")
def list_needs(record: TheRecord, call: Reading, filters: Annotated[NeedFilters, Query()]) -> list[client_shapes.Need]:
    return needs.list_needs(record, call, filters.client_id, filters.household_id)


@router.get("/needs/{need_id}", operation_id="get_need", summary="Read a need", response_model=client_shapes.Need)
def get_need(need_id: Id, record: TheRecord, call: Reading) -> Response:
    return shown(needs.get_need(record, call, need_id))


@router.post(
    "/consents",
    operation_id="create_consent",
    summary="Record a consent",
    status_code=201,
    response_model=client_shapes.Consent,
)
def create_consent(body: ConsentBody, record: TheRecord, call: Commanding) -> Response:
    consent = consents.Consent(
        client_id=body.client_id,
        recipients=tuple(body.recipients),
        purpose=body.purpose,
        data_kinds=tuple(dict.fromkeys(body.data_kinds)),
        legal_basis=body.legal_basis,
        form=body.form,
        given_by=body.given_by,
        capacity=body.capacity,
        co_signers=tuple(body.co_signers),
        valid_from=body.valid_from,
        valid_until=body.until,
    )
    return answered(consents.create_consent(record, call, consent), "/v1/consents")


@router.get(
    "/consents/{consent_id}",
    operation_id="get_consent",
    summary="Read a consent",
    response_model=client_shapes.Consent,
)
def get_consent(consent_id: Id, record: TheRecord, call: Reading) -> Response:
    return shown(consents.get_consent(record, call, consent_id))


@router.post(
    "/consents/{consent_id}/revoke",
    operation_id="revoke_consent",
    summary="Revoke a consent",
    response_model=client_shapes.Consent,
)
def revoke_consent(consent_id: Id, record: TheRecord, call: Moving) -> Response:
    return answered(consents.revoke_consent(record, call, consent_id))
