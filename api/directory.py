"""The directory: who there is, what they offer, and the agenda's short lists."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.calls import Commanding, Reading, TheRecord, answered, page_of
from api.cursors import Keyset, Listing, Page
from api.values import Body, Code, ShortText
from services import agreed, directory, shapes

router = APIRouter(prefix="/v1", tags=["Directory"])


class ServiceFilters(Page):
    taxonomy: Code | None = None
    q: ShortText | None = None


class AdoptBody(Body):
    """`commitments`: codes of the agenda's strategies."""

    commitments: list[Code] = Field(default=[], max_length=30)


@router.get(
    "/organizations",
    operation_id="list_organizations",
    summary="Organizations of the collaborative",
    response_model=Listing[shapes.Organization],
)
def list_organizations(record: TheRecord, call: Reading, page: Annotated[Page, Query()], keyset: Keyset) -> Response:
    return page_of(
        call,
        page,
        keyset,
        lambda after, limit: directory.list_organizations(record, call, after, limit),
        lambda item: (item.name, item.id),
        "organizations",
    )


@router.get(
    "/services",
    operation_id="list_services",
    summary="Services, by term or by words",
    response_model=Listing[shapes.Service],
)
def list_services(
    record: TheRecord, call: Reading, page: Annotated[ServiceFilters, Query()], keyset: Keyset
) -> Response:
    return page_of(
        call,
        page,
        keyset,
        lambda after, limit: directory.list_services(
            record, call, taxonomy=page.taxonomy, q=page.q, after=after, limit=limit
        ),
        lambda item: (item.name, item.id),
        "services",
    )


@router.get("/agenda", operation_id="get_agenda", summary="What the partners agreed on")
def get_agenda(record: TheRecord, call: Reading) -> shapes.Agenda:
    return agreed.get_agenda(record, call)


@router.post(
    "/agenda/adopt",
    operation_id="adopt_agenda",
    summary="Our organization adopts the agenda as it stands, with what it commits itself to",
    response_model=shapes.Adoption,
    status_code=201,
)
def adopt_agenda(body: AdoptBody, record: TheRecord, call: Commanding) -> Response:
    return answered(agreed.adopt_agenda(record, call, body.commitments))


@router.get("/taxonomy-terms", operation_id="list_taxonomy_terms", summary="The kinds of need and service")
def list_taxonomy_terms(record: TheRecord, call: Reading) -> list[shapes.Term]:
    return directory.list_terms(record, call)


@router.get("/reasons", operation_id="list_reasons", summary="Why work may end without service")
def list_reasons(record: TheRecord, call: Reading) -> list[shapes.Reason]:
    return directory.list_reasons(record, call)
