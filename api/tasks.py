"""The inbox and its verbs: one route a verb, one transition each. The answer to a verb is the task."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field, WithJsonSchema

from api.calls import Commanding, Moving, Reading, TheRecord, answered, page_of, shown
from api.cursors import Keyset, Listing, Page
from api.values import Body, Choice, Code, Day, Id, Instant, LongText, Name, QueryFlag, named
from domain.reason import ReasonClass
from domain.task import ENDED, ContactResult, Outcome, State
from services import following, lists, shapes, tasks
from services.moving import Said

router = APIRouter(prefix="/v1/tasks", tags=["Inbox"])


Output = Annotated[
    Any, WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "boolean"}, {"type": "string", "maxLength": 64}]})
]
"""Checked by the form of the task, which says what is wrong with which answer."""


class VerbBody(Body):
    """`occurred_at`: when it happened, now without it. `said_by`: who at a partner without login said so."""

    occurred_at: Instant | None = None
    said_by: Name | None = None

    def said(self) -> Said:
        return Said(self.occurred_at, self.said_by)


class DeclineBody(VerbBody):
    reason_code: Code
    reason_class: Annotated[ReasonClass, Choice]
    text: LongText | None = None


class QuestionBody(VerbBody):
    question: LongText


class AnswerBody(VerbBody):
    text: LongText
    consent_id: Id | None = Field(None, description="A consent recorded since, that lets the target read the answer.")


class HoldBody(VerbBody):
    reason: LongText
    resume_on: Day


class CompleteBody(VerbBody):
    """`outcome` may be left out for a plain step of a plan only; `outputs` answer the task's `form`, if it has one."""

    outcome: Annotated[Outcome, Choice] | None = None
    outputs: dict[Code, Output] = Field(default={}, max_length=50)


class CorrectBody(Body):
    """`outputs`: all answers as they should have been, also those that were right. `reason`: what was wrong."""

    outputs: dict[Code, Output] = Field(max_length=50)
    reason: LongText
    said_by: Name | None = None


class ReasonBody(VerbBody):
    reason: Code
    text: LongText | None = None


class VoidBody(VerbBody):
    reason: LongText


class ContactBody(VerbBody):
    result: Annotated[ContactResult, Choice]
    channel: Literal["phone", "text", "email", "mail", "in_person", "video"]


class NoteBody(VerbBody):
    text: LongText


class AssignBody(VerbBody):
    user_id: Id


class ReassignBody(Body):
    """`to_user_id` null: to nobody; it shows as unassigned."""

    from_user_id: Id
    to_user_id: Id | None


class Inbox(Page):
    state: Annotated[State, named(State)] | None = None
    mine: QueryFlag = False
    unassigned: QueryFlag = False
    overdue: QueryFlag = False


NOTHING = VerbBody()


@router.get(
    "",
    operation_id="list_tasks",
    summary="My organization's inbox, oldest due first",
    response_model=Listing[shapes.Task],
)
def list_tasks(record: TheRecord, call: Reading, page: Annotated[Inbox, Query()], keyset: Keyset) -> Response:
    ended = page.state in ENDED
    return page_of(
        call,
        page,
        keyset,
        lambda after, limit: lists.list_tasks(
            record,
            call,
            state=page.state,
            mine=page.mine,
            unassigned=page.unassigned,
            overdue=page.overdue,
            after=after,
            limit=limit,
        ),
        lambda item: (item.created_at if ended else item.due_at, item.id),
        "tasks",
    )


@router.post(
    "/reassign",
    operation_id="reassign_tasks",
    summary="A colleague leaves: hand on all their open work",
    response_model=shapes.Reassigned,
)
def reassign_tasks(body: ReassignBody, record: TheRecord, call: Commanding) -> Response:
    return answered(following.reassign(record, call, body.from_user_id, body.to_user_id))


@router.get("/{task_id}", operation_id="get_task", summary="Read a task", response_model=shapes.Task)
def get_task(task_id: Id, record: TheRecord, call: Reading) -> Response:
    return shown(tasks.get_task(record, call, task_id))


@router.post("/{task_id}/acknowledge", operation_id="acknowledge_task", summary="I saw it", response_model=shapes.Task)
def acknowledge_task(task_id: Id, record: TheRecord, call: Moving, body: VerbBody = NOTHING) -> Response:
    return answered(tasks.acknowledge_task(record, call, task_id, body.said()))


@router.post("/{task_id}/accept", operation_id="accept_task", summary="We will do it", response_model=shapes.Task)
def accept_task(task_id: Id, record: TheRecord, call: Moving, body: VerbBody = NOTHING) -> Response:
    return answered(tasks.accept_task(record, call, task_id, body.said()))


@router.post("/{task_id}/decline", operation_id="decline_task", summary="We cannot do it", response_model=shapes.Task)
def decline_task(task_id: Id, record: TheRecord, call: Moving, body: DeclineBody) -> Response:
    return answered(
        tasks.decline_task(record, call, task_id, body.reason_code, body.reason_class, body.text, body.said())
    )


@router.post(
    "/{task_id}/request-info",
    operation_id="request_info",
    summary="Something is missing",
    response_model=shapes.Task,
)
def request_info(task_id: Id, record: TheRecord, call: Moving, body: QuestionBody) -> Response:
    return answered(tasks.request_info(record, call, task_id, body.question, body.said()))


@router.post(
    "/{task_id}/answer",
    operation_id="answer_task",
    summary="Here is what was missing",
    response_model=shapes.Task,
)
def answer_task(task_id: Id, record: TheRecord, call: Moving, body: AnswerBody) -> Response:
    return answered(tasks.answer_task(record, call, task_id, body.text, body.consent_id, body.said()))


@router.post("/{task_id}/start", operation_id="start_task", summary="Service has begun", response_model=shapes.Task)
def start_task(task_id: Id, record: TheRecord, call: Moving, body: VerbBody = NOTHING) -> Response:
    return answered(tasks.start_task(record, call, task_id, body.said()))


@router.post("/{task_id}/hold", operation_id="hold_task", summary="On hold until a day", response_model=shapes.Task)
def hold_task(task_id: Id, record: TheRecord, call: Moving, body: HoldBody) -> Response:
    return answered(tasks.hold_task(record, call, task_id, body.reason, body.resume_on, body.said()))


@router.post("/{task_id}/waitlist", operation_id="waitlist_task", summary="On our waitlist", response_model=shapes.Task)
def waitlist_task(task_id: Id, record: TheRecord, call: Moving, body: VerbBody = NOTHING) -> Response:
    return answered(tasks.waitlist_task(record, call, task_id, body.said()))


@router.post(
    "/{task_id}/reconfirm",
    operation_id="reconfirm_task",
    summary="Still on our waitlist",
    response_model=shapes.Task,
)
def reconfirm_task(task_id: Id, record: TheRecord, call: Moving, body: VerbBody = NOTHING) -> Response:
    return answered(tasks.reconfirm_task(record, call, task_id, body.said()))


@router.post("/{task_id}/resume", operation_id="resume_task", summary="The hold is over", response_model=shapes.Task)
def resume_task(task_id: Id, record: TheRecord, call: Moving, body: VerbBody = NOTHING) -> Response:
    return answered(tasks.resume_task(record, call, task_id, body.said()))


@router.post(
    "/{task_id}/complete",
    operation_id="complete_task",
    summary="Done, and what came of it",
    response_model=shapes.Task,
)
def complete_task(task_id: Id, record: TheRecord, call: Moving, body: CompleteBody) -> Response:
    return answered(tasks.complete_task(record, call, task_id, body.outcome, body.outputs, body.said()))


@router.post(
    "/{task_id}/correct",
    operation_id="correct_task",
    summary="What we recorded was wrong",
    response_model=shapes.Task,
)
def correct_task(task_id: Id, record: TheRecord, call: Moving, body: CorrectBody) -> Response:
    return answered(tasks.correct_task(record, call, task_id, body.outputs, body.reason, body.said_by))


@router.post("/{task_id}/fail", operation_id="fail_task", summary="It came to nothing", response_model=shapes.Task)
def fail_task(task_id: Id, record: TheRecord, call: Moving, body: ReasonBody) -> Response:
    return answered(tasks.fail_task(record, call, task_id, body.reason, body.text, body.said()))


@router.post("/{task_id}/cancel", operation_id="cancel_task", summary="No longer wanted", response_model=shapes.Task)
def cancel_task(task_id: Id, record: TheRecord, call: Moving, body: ReasonBody) -> Response:
    return answered(tasks.cancel_task(record, call, task_id, body.reason, body.text, body.said()))


@router.post("/{task_id}/void", operation_id="void_task", summary="Entered in error", response_model=shapes.Task)
def void_task(task_id: Id, record: TheRecord, call: Moving, body: VoidBody) -> Response:
    return answered(tasks.void_task(record, call, task_id, body.reason, body.said()))


@router.post(
    "/{task_id}/contact",
    operation_id="contact_task",
    summary="We tried to reach the client",
    response_model=shapes.Task,
)
def contact_task(task_id: Id, record: TheRecord, call: Moving, body: ContactBody) -> Response:
    return answered(tasks.contact_task(record, call, task_id, body.result, body.channel, body.said()))


@router.post("/{task_id}/note", operation_id="note_task", summary="How it stands", response_model=shapes.Task)
def note_task(task_id: Id, record: TheRecord, call: Moving, body: NoteBody) -> Response:
    return answered(tasks.note_task(record, call, task_id, body.text, body.said()))


@router.post("/{task_id}/assign", operation_id="assign_task", summary="Who does it", response_model=shapes.Task)
def assign_task(task_id: Id, record: TheRecord, call: Moving, body: AssignBody) -> Response:
    return answered(tasks.assign_task(record, call, task_id, body.user_id, body.said()))
