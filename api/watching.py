"""What may be done with work without moving it: nudge, escalate, let it rest, watch it again, propose."""

from typing import Annotated

from fastapi import APIRouter, Response

from api.calls import Moving, TheRecord, answered
from api.values import Body, Choice, Day, Id, LongText
from domain.watch import Exempt
from services import nudges, plan_shapes, proposing, shapes

router = APIRouter(prefix="/v1", tags=["Monitor"])
TASK, REFERRAL, PLAN = shapes.Task, shapes.Referral, plan_shapes.ActionPlan


class ExceptBody(Body):
    """`text` is read by the organizations that work on it, and never about the client."""

    reason: Annotated[Exempt, Choice]
    until: Day
    text: LongText | None = None

    def rest(self) -> nudges.Rest:
        return nudges.Rest(self.reason, self.until, self.text)


class ProposalBody(Body):
    service_id: Id
    text: LongText | None = None


@router.post("/tasks/{task_id}/nudge", operation_id="nudge_task", summary="Ask who blocks it", response_model=TASK)
def nudge_task(task_id: Id, record: TheRecord, call: Moving) -> Response:
    return answered(nudges.nudge_task(record, call, task_id))


@router.post(
    "/tasks/{task_id}/escalate", operation_id="escalate_task", summary="Tell the next above", response_model=TASK
)
def escalate_task(task_id: Id, record: TheRecord, call: Moving) -> Response:
    return answered(nudges.escalate_task(record, call, task_id))


@router.post(
    "/tasks/{task_id}/except", operation_id="except_task", summary="Let it rest until a day", response_model=TASK
)
def except_task(task_id: Id, body: ExceptBody, record: TheRecord, call: Moving) -> Response:
    return answered(nudges.except_task(record, call, task_id, body.rest()))


@router.post("/tasks/{task_id}/watch", operation_id="watch_task", summary="The exception is over", response_model=TASK)
def watch_task(task_id: Id, record: TheRecord, call: Moving) -> Response:
    return answered(nudges.watch_task_again(record, call, task_id))


@router.post(
    "/referrals/{referral_id}/nudge", operation_id="nudge_referral", summary="Ask its source", response_model=REFERRAL
)
def nudge_referral(referral_id: Id, record: TheRecord, call: Moving) -> Response:
    return answered(nudges.nudge_referral(record, call, referral_id))


@router.post(
    "/referrals/{referral_id}/escalate",
    operation_id="escalate_referral",
    summary="Tell the next above",
    response_model=REFERRAL,
)
def escalate_referral(referral_id: Id, record: TheRecord, call: Moving) -> Response:
    return answered(nudges.escalate_referral(record, call, referral_id))


@router.post(
    "/referrals/{referral_id}/except",
    operation_id="except_referral",
    summary="Let it rest until a day",
    response_model=REFERRAL,
)
def except_referral(referral_id: Id, body: ExceptBody, record: TheRecord, call: Moving) -> Response:
    return answered(nudges.except_referral(record, call, referral_id, body.rest()))


@router.post(
    "/referrals/{referral_id}/watch",
    operation_id="watch_referral",
    summary="The exception is over",
    response_model=REFERRAL,
)
def watch_referral(referral_id: Id, record: TheRecord, call: Moving) -> Response:
    return answered(nudges.watch_referral_again(record, call, referral_id))


@router.post(
    "/referrals/{referral_id}/propose-reroute",
    operation_id="propose_reroute",
    summary="Propose another service",
    response_model=REFERRAL,
)
def propose_reroute(referral_id: Id, body: ProposalBody, record: TheRecord, call: Moving) -> Response:
    return answered(proposing.propose_reroute(record, call, referral_id, body.service_id, body.text))


@router.post(
    "/action-plans/{plan_id}/nudge", operation_id="nudge_action_plan", summary="Ask its lead", response_model=PLAN
)
def nudge_action_plan(plan_id: Id, record: TheRecord, call: Moving) -> Response:
    return answered(nudges.nudge_plan(record, call, plan_id))


@router.post(
    "/action-plans/{plan_id}/escalate",
    operation_id="escalate_action_plan",
    summary="Tell the next above",
    response_model=PLAN,
)
def escalate_action_plan(plan_id: Id, record: TheRecord, call: Moving) -> Response:
    return answered(nudges.escalate_plan(record, call, plan_id))


@router.post(
    "/action-plans/{plan_id}/except",
    operation_id="except_action_plan",
    summary="Let it rest until a day",
    response_model=PLAN,
)
def except_action_plan(plan_id: Id, body: ExceptBody, record: TheRecord, call: Moving) -> Response:
    return answered(nudges.except_plan(record, call, plan_id, body.rest()))


@router.post(
    "/action-plans/{plan_id}/watch",
    operation_id="watch_action_plan",
    summary="The exception is over",
    response_model=PLAN,
)
def watch_action_plan(plan_id: Id, record: TheRecord, call: Moving) -> Response:
    return answered(nudges.watch_plan_again(record, call, plan_id))
