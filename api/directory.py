"""The directory: who there is, what they offer, and the agenda's short lists."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.calls import Commanding, Reading, TheRecord, answered, page_of, shown
from api.cursors import Keyset, Listing, Page
from api.values import Body, Code, Day, Id, QueryFlag, ShortText, Whole
from services import agreed, capacities, directory, directory_shapes, measure_shapes

router = APIRouter(prefix="/v1", tags=["Directory"])


class ServiceFilters(Page):
    taxonomy: Code | None = None
    q: ShortText | None = None
    taking: QueryFlag | None = Field(None, description="Those that can be asked now, or those that have no room.")


class CapacityBody(Body):
    """What the service has room for, until when."""

    open_slots: Annotated[int, Whole(0, 9999)] | None = Field(None, description="Null: not counted.")
    taking: bool = True
    lapses_on: Day = Field(description="The last day on which it holds.")


class AdoptBody(Body):
    """`commitments`: codes of the agenda's strategies."""

    version: Annotated[int, Whole(1, 1_000_000)] | None = Field(
        None, description="The one that was read and signed: refused where another stands by now."
    )
    commitments: list[Code] = Field(default=[], max_length=30)


@router.get(
    "/organizations",
    operation_id="list_organizations",
    summary="Organizations of the collaborative",
    response_model=Listing[directory_shapes.Organization],
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
    response_model=Listing[directory_shapes.Service],
)
def list_services(
    record: TheRecord, call: Reading, page: Annotated[ServiceFilters, Query()], keyset: Keyset
) -> Response:
    return page_of(
        call,
        page,
        keyset,
        lambda after, limit: directory.list_services(
            record, call, taxonomy=page.taxonomy, q=page.q, taking=page.taking, after=after, limit=limit
        ),
        lambda item: (item.name, item.id),
        "services",
    )


@router.post(
    "/services/{service_id}/capacity",
    operation_id="state_capacity",
    summary="Say what a service has room for",
    status_code=201,
    response_model=directory_shapes.ServiceCapacity,
)
def state_capacity(service_id: Id, body: CapacityBody, record: TheRecord, call: Commanding) -> Response:
    said = (body.open_slots, body.taking, body.lapses_on)
    answer = answered(capacities.state_capacity(record, call, service_id, *said))
    answer.headers["Location"] = f"/v1/services/{service_id}/capacity"
    return answer


@router.get(
    "/services/{service_id}/capacity",
    operation_id="get_capacity",
    summary="What a service has room for",
    response_model=directory_shapes.ServiceCapacity,
)
def get_capacity(service_id: Id, record: TheRecord, call: Reading) -> Response:
    return shown(capacities.get_capacity(record, call, service_id))


@router.get("/agenda", operation_id="get_agenda", summary="What the partners agreed on")
def get_agenda(record: TheRecord, call: Reading) -> measure_shapes.Agenda:
    return agreed.get_agenda(record, call)


@router.post(
    "/agenda/adopt",
    operation_id="adopt_agenda",
    summary="Our organization adopts the agenda as it stands, with what it commits itself to",
    response_model=measure_shapes.Adoption,
    status_code=201,
)
def adopt_agenda(body: AdoptBody, record: TheRecord, call: Commanding) -> Response:
    answer = answered(agreed.adopt_agenda(record, call, body.commitments, body.version))
    answer.headers["Location"] = "/v1/agenda"
    return answer


@router.get("/taxonomy-terms", operation_id="list_taxonomy_terms", summary="The kinds of need and service")
def list_taxonomy_terms(record: TheRecord, call: Reading) -> list[directory_shapes.Term]:
    return directory.list_terms(record, call)


@router.get("/reasons", operation_id="list_reasons", summary="Why work may end without service")
def list_reasons(record: TheRecord, call: Reading) -> list[directory_shapes.Reason]:
    return directory.list_reasons(record, call)
