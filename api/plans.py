"""Action plans: made, read, changed while they run, and closed by their lead. Every edit needs If-Match."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.calls import Commanding, Moving, Reading, TheRecord, answered, page_of, shown
from api.clients import ClientBody
from api.cursors import Keyset, Listing, Page
from api.referrals import FollowerBody
from api.values import Body, Choice, Code, Day, Id, LongText, ShortText, Whole, named
from domain.clock import Priority
from domain.plan import State
from domain.referral import ConfirmedBy
from domain.task import Outcome
from services import following, plan_closing, plan_consents, plan_edits, plan_shapes, plans, switching

router = APIRouter(prefix="/v1/action-plans", tags=["Action plans"])
Key = Annotated[str, Field(strict=True, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
Version = Annotated[int, Whole(1, 1_000_000)]
Outcomes = Annotated[dict[Key, Annotated[Outcome, Choice]], Field(max_length=50)]
By = Literal["client", "source"]
Policy = Literal["other_provider", "lead", "skip", "stop"]


class ActionPlanBody(Body):
    """Begin a pathway for one client or household. Your organization leads it."""

    template: Code
    template_version: Version | None = Field(None, description="The newest without it.")
    client_id: Id | None = None
    client: ClientBody | None = None
    household_id: Id | None = None
    consent_id: Id | None = Field(None, description="Names the partners that may know who it is.")
    priority: Annotated[Priority, Choice] = Priority.ROUTINE
    due_on: Day | None = Field(None, description="By when all is to be done; the template's limit without it.")


class PlanFilters(Page):
    state: Annotated[State, named(State)] | None = None


class OwnerBody(Body):
    """Name one; none: the lead does it."""

    organization_id: Id | None = None
    service_id: Id | None = None
    term: Code | None = None

    def whose(self) -> plan_edits.Whose:
        return plan_edits.Whose(self.organization_id, self.service_id, self.term)


class StepBody(OwnerBody):
    """A step that no template has: this family needs it."""

    key: Key
    title: ShortText = Field(description="A verb and what is done; nothing about the client.")
    kind: Literal["step", "referral"] = "step"
    after: list[Key] = Field(default=[], max_length=50)
    before: list[Key] = Field(default=[], max_length=50, description="Waiting steps that shall come after it.")
    may_skip: bool = False
    goal: Key | None = None
    opens_after_days: Annotated[int, Whole(0, 3650)] = 0
    on_decline: Policy = "lead"
    on_failure: Policy = "lead"


class PlaceBody(Body):
    after: list[Key] = Field(max_length=50, description="It comes after these from now on.")


class SkipBody(Body):
    reason: LongText | None = Field(None, description="For the lead's own record.")


class SwitchBody(Body):
    version: Version | None = Field(None, description="The newest without it.")


class PlanConsentBody(Body):
    """Recorded with POST /v1/consents. It stands for the one before: name all partners that may know who it is."""

    consent_id: Id


class ReviewBody(Body):
    """Once the plan is over, only what the client says: `by` client."""

    outcomes: Outcomes = Field(default={}, description="By goal, where something came of it already.")
    by: By = "source"
    note: LongText | None = None


class ClosePlanBody(Body):
    outcomes: Outcomes = Field(default={}, description="By goal; each goal needs one in the end.")
    by: By = "source"
    reason: Code | None = Field(None, description="Needed before all steps are done.")


class VoidPlanBody(Body):
    reason: LongText


NO_REASON = SkipBody()
NEWEST = SwitchBody()
NOTHING = ReviewBody()
PLAN = plan_shapes.ActionPlan


@router.post("", operation_id="create_action_plan", summary="Begin a plan", status_code=201, response_model=PLAN)
def create_action_plan(body: ActionPlanBody, record: TheRecord, call: Commanding) -> Response:
    new = plans.NewPlan(
        template=body.template,
        template_version=body.template_version,
        client_id=body.client_id,
        client=body.client.asked() if body.client else None,
        household_id=body.household_id,
        consent_id=body.consent_id,
        priority=body.priority.value,
        due_on=body.due_on,
    )
    return answered(plans.create_plan(record, call, new), "/v1/action-plans")


@router.get(
    "",
    operation_id="list_action_plans",
    summary="Plans that my organization leads or works on, newest first",
    response_model=Listing[plan_shapes.ActionPlanSummary],
)
def list_action_plans(
    record: TheRecord, call: Reading, page: Annotated[PlanFilters, Query()], keyset: Keyset
) -> Response:
    return page_of(
        call,
        page,
        keyset,
        lambda after, limit: plans.list_plans(record, call, state=page.state, after=after, limit=limit),
        lambda item: (item.created_at, item.id),
        "action plans",
    )


@router.get("/{plan_id}", operation_id="get_action_plan", summary="Read a plan with its steps", response_model=PLAN)
def get_action_plan(plan_id: Id, record: TheRecord, call: Reading) -> Response:
    return shown(plans.get_plan(record, call, plan_id))


@router.get("/{plan_id}/timeline", operation_id="get_action_plan_timeline", summary="What happened, newest first")
def get_action_plan_timeline(plan_id: Id, record: TheRecord, call: Reading) -> plan_shapes.PlanTimeline:
    return plans.plan_timeline(record, call, plan_id)


@router.get(
    "/{plan_id}/versions/{version}",
    operation_id="get_action_plan_version",
    summary="What the plan was at a version",
    response_model=plan_shapes.PlanVersion,
)
def get_action_plan_version(
    plan_id: Id, version: Annotated[int, Whole(1, 1_000_000, text=True)], record: TheRecord, call: Reading
) -> Response:
    return shown(plans.get_version(record, call, plan_id, version))


@router.post("/{plan_id}/steps", operation_id="add_step", summary="Add a step", status_code=201, response_model=PLAN)
def add_step(plan_id: Id, body: StepBody, record: TheRecord, call: Moving) -> Response:
    new = plan_edits.NewStep(
        key=body.key,
        title=body.title,
        whose=body.whose(),
        kind=body.kind,
        after=tuple(body.after),
        before=tuple(body.before),
        may_skip=body.may_skip,
        goal=body.goal,
        opens_after_days=body.opens_after_days,
        on_decline=body.on_decline,
        on_failure=body.on_failure,
    )
    return answered(plan_edits.add_step(record, call, plan_id, new), "/v1/action-plans")


@router.delete("/{plan_id}/steps/{key}", operation_id="drop_step", summary="Drop a step", response_model=PLAN)
def drop_step(plan_id: Id, key: Key, record: TheRecord, call: Moving) -> Response:
    return answered(plan_edits.drop_step(record, call, plan_id, key))


@router.post(
    "/{plan_id}/steps/{key}/reassign",
    operation_id="reassign_step",
    summary="Somebody else does it",
    response_model=PLAN,
)
def reassign_step(plan_id: Id, key: Key, body: OwnerBody, record: TheRecord, call: Moving) -> Response:
    return answered(plan_edits.reassign_step(record, call, plan_id, key, body.whose()))


@router.post("/{plan_id}/steps/{key}/skip", operation_id="skip_step", summary="Leave it out", response_model=PLAN)
def skip_step(plan_id: Id, key: Key, record: TheRecord, call: Moving, body: SkipBody = NO_REASON) -> Response:
    return answered(plan_edits.skip_plan_step(record, call, plan_id, key, body.reason))


@router.post("/{plan_id}/steps/{key}/move", operation_id="move_step", summary="Another order", response_model=PLAN)
def move_step(plan_id: Id, key: Key, body: PlaceBody, record: TheRecord, call: Moving) -> Response:
    return answered(plan_edits.move_step(record, call, plan_id, key, body.after))


@router.get(
    "/{plan_id}/switch-preview",
    operation_id="preview_switch",
    summary="What a newer version of the template would change",
)
def preview_switch(
    plan_id: Id,
    record: TheRecord,
    call: Reading,
    version: Annotated[int, Whole(1, 1_000_000, text=True), Query(description="The newest without it.")] | None = None,
) -> plan_shapes.SwitchPreview:
    return switching.preview_switch(record, call, plan_id, version)


@router.post("/{plan_id}/switch", operation_id="switch_action_plan", summary="Take it over", response_model=PLAN)
def switch_action_plan(plan_id: Id, record: TheRecord, call: Moving, body: SwitchBody = NEWEST) -> Response:
    return answered(switching.switch_plan(record, call, plan_id, body.version))


@router.post(
    "/{plan_id}/consent", operation_id="consent_action_plan", summary="The family signed since", response_model=PLAN
)
def consent_action_plan(plan_id: Id, body: PlanConsentBody, record: TheRecord, call: Moving) -> Response:
    return answered(plan_consents.consent_plan(record, call, plan_id, body.consent_id))


@router.post("/{plan_id}/review", operation_id="review_action_plan", summary="We looked at it", response_model=PLAN)
def review_action_plan(plan_id: Id, record: TheRecord, call: Moving, body: ReviewBody = NOTHING) -> Response:
    return answered(plan_closing.review_plan(record, call, plan_id, body.outcomes, body.note, ConfirmedBy(body.by)))


@router.post("/{plan_id}/close", operation_id="close_action_plan", summary="Close the plan", response_model=PLAN)
def close_action_plan(plan_id: Id, body: ClosePlanBody, record: TheRecord, call: Moving) -> Response:
    return answered(plan_closing.close_plan(record, call, plan_id, body.outcomes, body.reason, ConfirmedBy(body.by)))


@router.post("/{plan_id}/void", operation_id="void_action_plan", summary="Entered in error", response_model=PLAN)
def void_action_plan(plan_id: Id, body: VoidPlanBody, record: TheRecord, call: Moving) -> Response:
    return answered(plan_closing.void_plan(record, call, plan_id, body.reason))


@router.post("/{plan_id}/assign", operation_id="assign_action_plan", summary="Who follows it", response_model=PLAN)
def assign_action_plan(plan_id: Id, body: FollowerBody, record: TheRecord, call: Moving) -> Response:
    return answered(following.assign_plan(record, call, plan_id, body.user_id))
