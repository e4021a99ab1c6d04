"""What stands beside the figures: the story behind one, and what was decided because of it."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.calls import Commanding, Moving, Reading, TheRecord, answered, page_of, shown
from api.cursors import Keyset, Listing, Page
from api.values import Body, Code, Day, Id, LongText, QueryFlag, ShortText, Text
from domain.period import YEAR_OR_MONTH
from services import decisions, measure_shapes, observations, stories
from services.observations import Observed

Period = Annotated[str, Text(4, 7), Field(pattern=rf"^{YEAR_OR_MONTH}$")]
router = APIRouter(prefix="/v1", tags=["Indicators"])


class StoryBody(Body):
    """What lies behind your own figure of a period. Write of work and circumstances, never of a client."""

    period: Period
    text: LongText


class WordsBody(Body):
    text: LongText


class DecisionBody(Body):
    """Who does what by when, because of this figure."""

    text: LongText
    owner_organization_id: Id
    due_on: Day


class ObservationBody(Body):
    """A value of the whole population; a correction is a later one for the same period and geography."""

    value: Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False, strict=False)]
    period: Period
    observed_on: Day
    source: ShortText = Field(description="Whose figure it is, and where it is published.")
    geography: Code = Field("region", description="A county's FIPS code, or region.")


class StoryFilters(Page):
    period: Period | None = None


class DecisionFilters(Page):
    open: QueryFlag = Field(False, description="Only what is not done yet.")


@router.post(
    "/indicators/{code}/stories",
    operation_id="tell_story",
    summary="Tell the story behind your figure; a draft until you release it",
    response_model=measure_shapes.Story,
    status_code=201,
)
def tell_story(code: Code, body: StoryBody, record: TheRecord, call: Commanding) -> Response:
    return answered(stories.tell_story(record, call, code, body.period, body.text), "/v1/stories")


@router.get(
    "/indicators/{code}/stories",
    operation_id="list_stories",
    summary="Released stories of all partners and your own drafts, newest period first",
    response_model=Listing[measure_shapes.Story],
)
def list_stories(
    code: Code, record: TheRecord, call: Reading, page: Annotated[StoryFilters, Query()], keyset: Keyset
) -> Response:
    return page_of(
        call,
        page,
        keyset,
        lambda after, limit: stories.list_stories(record, call, code, period=page.period, after=after, limit=limit),
        lambda item: (item.period, item.id),
        f"stories {code}",
    )


@router.get("/stories/{story_id}", operation_id="get_story", summary="One story", response_model=measure_shapes.Story)
def get_story(story_id: Id, record: TheRecord, call: Reading) -> Response:
    return shown(stories.get_story(record, call, story_id))


@router.post(
    "/stories/{story_id}/revise",
    operation_id="revise_story",
    summary="Other words, while it is a draft",
    response_model=measure_shapes.Story,
)
def revise_story(story_id: Id, body: WordsBody, record: TheRecord, call: Moving) -> Response:
    return answered(stories.revise_story(record, call, story_id, body.text))


@router.post(
    "/stories/{story_id}/release",
    operation_id="release_story",
    summary="Let every partner read it, beside the figure",
    response_model=measure_shapes.Story,
)
def release_story(story_id: Id, record: TheRecord, call: Moving) -> Response:
    return answered(stories.release_story(record, call, story_id))


@router.post(
    "/indicators/{code}/decisions",
    operation_id="make_decision",
    summary="Record what was decided because of a figure",
    response_model=measure_shapes.Decision,
    status_code=201,
)
def make_decision(code: Code, body: DecisionBody, record: TheRecord, call: Commanding) -> Response:
    made = decisions.make_decision(record, call, code, body.text, body.owner_organization_id, body.due_on)
    return answered(made, "/v1/decisions")


@router.get(
    "/indicators/{code}/decisions",
    operation_id="list_decisions",
    summary="What was decided, due first",
    response_model=Listing[measure_shapes.Decision],
)
def list_decisions(
    code: Code, record: TheRecord, call: Reading, page: Annotated[DecisionFilters, Query()], keyset: Keyset
) -> Response:
    return page_of(
        call,
        page,
        keyset,
        lambda after, limit: decisions.list_decisions(
            record, call, code, open_only=page.open, after=after, limit=limit
        ),
        lambda item: (item.due_on, item.id),
        f"decisions {code}",
    )


@router.get(
    "/decisions/{decision_id}",
    operation_id="get_decision",
    summary="One decision",
    response_model=measure_shapes.Decision,
)
def get_decision(decision_id: Id, record: TheRecord, call: Reading) -> Response:
    return shown(decisions.get_decision(record, call, decision_id))


@router.post(
    "/decisions/{decision_id}/done",
    operation_id="finish_decision",
    summary="It is done",
    response_model=measure_shapes.Decision,
)
def finish_decision(decision_id: Id, record: TheRecord, call: Moving) -> Response:
    return answered(decisions.finish_decision(record, call, decision_id))


@router.post(
    "/indicators/{code}/observations",
    operation_id="record_observation",
    summary="Record what was observed of the whole population",
    response_model=measure_shapes.Observation,
    status_code=201,
)
def record_observation(code: Code, body: ObservationBody, record: TheRecord, call: Commanding) -> Response:
    """The backbone's, of population measures only. It is read beside its indicator."""
    seen = Observed(body.period, body.value, body.observed_on, body.source, body.geography)
    answer = answered(observations.record_observation(record, call, code, seen))
    answer.headers["Location"] = f"/v1/indicators/{code}"
    return answer
