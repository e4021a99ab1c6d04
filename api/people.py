"""My colleagues: who they are, who is away, and who acts for them."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.calls import Commanding, Reading, TheRecord, answered, page_of
from api.cursors import Keyset, Listing, Page
from api.values import Body, Day, Id
from services import colleagues, directory_shapes

router = APIRouter(prefix="/v1/people", tags=["Directory"])


class AbsenceBody(Body):
    """`until`: the day on which they are back; null: they are back."""

    until: Day | None
    delegate_user_id: Id | None = None


@router.get(
    "",
    operation_id="list_people",
    summary="Who works in my organization, and who is away",
    response_model=Listing[directory_shapes.Colleague],
)
def list_people(record: TheRecord, call: Reading, page: Annotated[Page, Query()], keyset: Keyset) -> Response:
    return page_of(
        call,
        page,
        keyset,
        lambda after, limit: colleagues.list_people(record, call, after, limit),
        lambda item: (item.id,),
        "people",
    )


@router.post(
    "/{user_id}/absence",
    operation_id="set_absence",
    summary="Away until a day, and who acts meanwhile",
    response_model=directory_shapes.Colleague,
)
def set_absence(user_id: Id, body: AbsenceBody, record: TheRecord, call: Commanding) -> Response:
    return answered(colleagues.set_absence(record, call, user_id, body.until, body.delegate_user_id))
