"""Publishing the figures of a closed period: the backbone's move. What was published is open to everybody."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.calls import Commanding, Reading, TheRecord, answered, page_of, shown
from api.cursors import Keyset, Listing, Page
from api.values import Body, Id, Text
from services import publications
from services.published import Publication

router = APIRouter(prefix="/v1/publications", tags=["Indicators"])
PeriodName = Annotated[
    str,
    Text(4, 80),
    Field(description="A month (2026-11), a quarter (2026-Q3), a year (2026), another calendar's year (code:2027)."),
]


class PublicationBody(Body):
    period: PeriodName


@router.post(
    "",
    operation_id="publish_period",
    summary="Publish a closed period, or its next version",
    status_code=201,
    response_model=Publication,
    responses={200: {"model": Publication, "description": "The last version stands: nothing would differ from it."}},
)
def publish_period(body: PublicationBody, record: TheRecord, call: Commanding) -> Response:
    """Takes some seconds: every small figure is hidden, and as few others as keep anybody from computing it."""
    return answered(publications.publish(record, call, body.period), "/v1/publications")


@router.get(
    "",
    operation_id="list_publications",
    summary="What was published, newest first",
    response_model=Listing[Publication],
)
def list_publications(record: TheRecord, call: Reading, page: Annotated[Page, Query()], keyset: Keyset) -> Response:
    return page_of(
        call,
        page,
        keyset,
        lambda after, limit: publications.list_publications(record, call, after, limit),
        lambda item: (item.published_at, item.id),
        "publications",
    )


@router.get(
    "/{publication_id}",
    operation_id="get_publication",
    summary="That a period was published; its figures are public",
    response_model=Publication,
)
def get_publication(publication_id: Id, record: TheRecord, call: Reading) -> Response:
    return shown(publications.get_publication(record, call, publication_id))
