"""A person's feed, and what they want to hear of."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.calls import Commanding, Moving, Reading, TheRecord, answered, page_of, shown
from api.cursors import Keyset, Listing, Page
from api.values import Body, Choice, Id, QueryFlag, named
from domain.notice import Topic, Way
from services import notice_shapes as shapes
from services import notices

router = APIRouter(prefix="/v1/notices", tags=["Inbox"])


class Asked(Page):
    unread: QueryFlag | None = Field(None, description="`true`: only what was not read yet.")
    kind: Annotated[Topic | None, named(Topic)] = Field(None, description="Only of this kind.")


class ChoiceBody(Body):
    kind: Annotated[Topic, Choice, named(Topic)]
    way: Annotated[Way, Choice, named(Way)] = Field(
        description="`mail`: also an e-mail at once; `digest`: one a day, and at once what is urgent."
    )


@router.get(
    "",
    operation_id="list_notices",
    summary="Your feed, newest first; what asks for work is gone once it has moved",
    response_model=Listing[shapes.Notice],
)
def list_notices(record: TheRecord, call: Reading, asked: Annotated[Asked, Query()], keyset: Keyset) -> Response:
    kind = asked.kind.value if asked.kind else None
    return page_of(
        call,
        asked,
        keyset,
        lambda after, limit: notices.list_notices(
            record, call, unread=asked.unread, kind=kind, after=after, limit=limit
        ),
        lambda item: (item.id,),
        "notices",
    )


@router.get(
    "/choices",
    operation_id="get_notice_choices",
    summary="What you hear of, and how",
    response_model=shapes.NoticeChoices,
)
def get_notice_choices(record: TheRecord, call: Reading) -> Response:
    return shown(notices.get_choices(record, call))


@router.post(
    "/choices",
    operation_id="choose_notices",
    summary="Choose how you hear of one kind of news",
    response_model=shapes.NoticeChoices,
)
def choose_notices(record: TheRecord, call: Commanding, body: ChoiceBody) -> Response:
    return answered(notices.choose_notices(record, call, body.kind, body.way))


@router.post(
    "/read-all",
    operation_id="read_all_notices",
    summary="Mark everything in your feed as read",
    response_model=shapes.NoticesRead,
)
def read_all_notices(record: TheRecord, call: Commanding) -> Response:
    return answered(notices.read_all_notices(record, call))


@router.post(
    "/{notice_id}/read",
    operation_id="read_notice",
    summary="Mark one as read",
    response_model=shapes.Notice,
)
def read_notice(record: TheRecord, call: Moving, notice_id: Id) -> Response:
    return answered(notices.read_notice(record, call, notice_id))
