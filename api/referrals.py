"""Referrals: made, read and moved by the referral source."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.calls import Commanding, Moving, Reading, TheRecord, answered, page_of, shown
from api.clients import ClientBody
from api.cursors import Keyset, Listing, Page
from api.values import Body, Choice, Code, Id, Instant, LongText, ShortText, named
from domain.clock import Priority
from domain.referral import ConfirmedBy, State
from domain.task import Outcome
from services import following, lists, referrals, requests, shapes

router = APIRouter(prefix="/v1/referrals", tags=["Referrals"])
By = Literal["client", "source"]
Several = Annotated[list[Id], Field(min_length=2, max_length=5)]


class FinishedBody(Body):
    outcome: Annotated[Outcome, Choice]
    occurred_at: Instant | None = None


class ReferralBody(Body):
    """Ask another agency for a service. Concert is not for emergencies: for those, phone."""

    service_id: Id | None = None
    service_ids: Several | None = Field(None, description="Ask these at once, instead of one: the first yes has it.")
    client_id: Id | None = None
    client: ClientBody | None = None
    household_id: Id | None = None
    need_id: Id | None = None
    priority: Annotated[Priority, Choice] = Priority.ROUTINE
    kind: Literal["referral", "transfer", "information"] = "referral"
    origin: Literal["partner", "self", "family", "walk_in", "hotline", "external"] = "partner"
    origin_name: ShortText | None = None
    reason: LongText | None = Field(None, description="For the target; shared with consent only.")
    note: LongText | None = None
    consent_id: Id | None = None
    occurred_at: Instant | None = None
    finished: FinishedBody | None = Field(None, description="My own work, done already: recorded in one call.")
    anyway: bool = Field(False, description="Ask also a service that said it has no room.")


class ReferralFilters(Page):
    state: Annotated[State, named(State)] | None = None
    role: Literal["source", "target"] | None = None


class SaidBody(Body):
    """`occurred_at`: when it happened; now without it."""

    occurred_at: Instant | None = None


class WithdrawBody(SaidBody):
    reason: Code
    text: LongText | None = None


class RerouteBody(SaidBody):
    service_id: Id | None = None
    service_ids: Several | None = Field(None, description="Ask these at once, instead of one: the first yes has it.")
    consent_id: Id | None = None
    anyway: bool = Field(False, description="Ask also a service that said it has no room.")


class ConfirmBody(SaidBody):
    """`by` client: what the client said, which counts most; accepted after the closing too, as is the source's own word
    where only time had closed the loop."""

    outcome: Annotated[Outcome, Choice]
    by: By = "source"


class CloseBody(SaidBody):
    reason: Code


class ReferralConsentBody(Body):
    """Recorded with POST /v1/consents. It stands for the one before, and names everybody who is asked or has it."""

    consent_id: Id


class FollowerBody(Body):
    user_id: Id


class MistakeBody(Body):
    reason: LongText


@router.post(
    "",
    operation_id="create_referral",
    summary="Refer a client",
    status_code=201,
    response_model=shapes.Referral,
)
def create_referral(body: ReferralBody, record: TheRecord, call: Commanding) -> Response:
    plain = body.model_dump(exclude={"client", "finished", "priority", "service_ids"})
    finished = body.finished
    request = requests.Request(
        client=body.client.asked() if body.client else None,
        finished=requests.Finished(finished.outcome, finished.occurred_at) if finished else None,
        priority=body.priority.value,
        service_ids=tuple(body.service_ids or ()),
        **plain,
    )
    return answered(requests.create_referral(record, call, request), "/v1/referrals")


@router.get(
    "",
    operation_id="list_referrals",
    summary="My organization's referrals, newest first",
    response_model=Listing[shapes.Referral],
)
def list_referrals(
    record: TheRecord, call: Reading, page: Annotated[ReferralFilters, Query()], keyset: Keyset
) -> Response:
    return page_of(
        call,
        page,
        keyset,
        lambda after, limit: lists.list_referrals(
            record, call, state=page.state, role=page.role, after=after, limit=limit
        ),
        lambda item: (item.created_at, item.id),
        "referrals",
    )


@router.get("/{referral_id}", operation_id="get_referral", summary="Read a referral", response_model=shapes.Referral)
def get_referral(referral_id: Id, record: TheRecord, call: Reading) -> Response:
    return shown(referrals.get_referral(record, call, referral_id))


@router.get("/{referral_id}/timeline", operation_id="get_timeline", summary="What happened, newest first")
def get_timeline(referral_id: Id, record: TheRecord, call: Reading) -> shapes.Timeline:
    return lists.timeline(record, call, referral_id)


@router.post(
    "/{referral_id}/withdraw",
    operation_id="withdraw_referral",
    summary="Take it back",
    response_model=shapes.Referral,
)
def withdraw_referral(referral_id: Id, body: WithdrawBody, record: TheRecord, call: Moving) -> Response:
    return answered(
        referrals.withdraw_referral(record, call, referral_id, body.reason, body.text, occurred_at=body.occurred_at)
    )


@router.post(
    "/{referral_id}/reroute",
    operation_id="reroute_referral",
    summary="Ask another service",
    response_model=shapes.Referral,
)
def reroute_referral(referral_id: Id, body: RerouteBody, record: TheRecord, call: Moving) -> Response:
    several = body.service_ids or ()
    return answered(
        referrals.reroute_referral(
            record,
            call,
            referral_id,
            body.service_id,
            body.consent_id,
            several,
            anyway=body.anyway,
            occurred_at=body.occurred_at,
        )
    )


@router.post(
    "/{referral_id}/confirm",
    operation_id="confirm_referral",
    summary="Close the loop, or pass on what the client says later",
    response_model=shapes.Referral,
)
def confirm_referral(referral_id: Id, body: ConfirmBody, record: TheRecord, call: Moving) -> Response:
    return answered(
        referrals.confirm_referral(
            record, call, referral_id, body.outcome, ConfirmedBy(body.by), occurred_at=body.occurred_at
        )
    )


@router.post(
    "/{referral_id}/close-unmet",
    operation_id="close_referral_unmet",
    summary="Nobody could help: the need stays unmet",
    response_model=shapes.Referral,
)
def close_unmet(referral_id: Id, body: CloseBody, record: TheRecord, call: Moving) -> Response:
    return answered(referrals.close_unmet(record, call, referral_id, body.reason, occurred_at=body.occurred_at))


@router.post(
    "/{referral_id}/consent",
    operation_id="consent_referral",
    summary="The client signed since, or again",
    response_model=shapes.Referral,
)
def consent_referral(referral_id: Id, body: ReferralConsentBody, record: TheRecord, call: Moving) -> Response:
    return answered(referrals.consent_referral(record, call, referral_id, body.consent_id))


@router.post(
    "/{referral_id}/void",
    operation_id="void_referral",
    summary="Entered in error",
    response_model=shapes.Referral,
)
def void_referral(referral_id: Id, body: MistakeBody, record: TheRecord, call: Moving) -> Response:
    return answered(referrals.void_referral(record, call, referral_id, body.reason))


@router.post(
    "/{referral_id}/assign", operation_id="assign_referral", summary="Who follows it", response_model=shapes.Referral
)
def assign_referral(referral_id: Id, body: FollowerBody, record: TheRecord, call: Moving) -> Response:
    return answered(following.assign_referral(record, call, referral_id, body.user_id))
