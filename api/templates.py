"""Plan templates: the pathways that the collaborative agreed on, to be read, and to be looked at."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api import pathways
from api.calls import Reading, TheRecord
from api.values import Code, Parameters
from services import template_shapes, templates

router = APIRouter(prefix="/v1/plan-templates", tags=["Action plans"])
SVG = "image/svg+xml"
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture, in the reader's language.", "content": {SVG: {"schema": {"type": "string"}}}}
}


class Which(Parameters):
    version: int | None = Field(None, ge=1, le=9999, description="Without it the newest.")


@router.get("", operation_id="list_plan_templates", summary="The pathways, newest versions")
def list_plan_templates(record: TheRecord, call: Reading) -> list[template_shapes.PlanTemplateSummary]:
    return templates.list_templates(record, call)


# Before the route below: its code would take the ending for a part of itself.
@router.get(
    "/{code}.svg",
    operation_id="draw_plan_template",
    summary="Its steps and who waits for whom, as a picture",
    response_class=Response,
    responses=_PICTURE,
)
def draw_plan_template(code: Code, record: TheRecord, call: Reading, asked: Annotated[Which, Query()]) -> Response:
    """The same in words is in the JSON without `.svg`."""
    one = templates.get_pathway(record, call, code, asked.version)
    return Response(pathways.picture_of(one.template, one.telling), media_type=SVG)


@router.get("/{code}", operation_id="get_plan_template", summary="One pathway, step by step")
def get_plan_template(
    code: Code, record: TheRecord, call: Reading, asked: Annotated[Which, Query()]
) -> template_shapes.PlanTemplate:
    return templates.get_template(record, call, code, asked.version)
