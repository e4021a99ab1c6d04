"""Who I am."""

from fastapi import APIRouter, Response

from api.calls import Reading, TheRecord, shown
from services import directory_shapes, people

router = APIRouter(prefix="/v1", tags=["Directory"])


@router.get("/me", operation_id="get_me", summary="Who I am", response_model=directory_shapes.Me)
def get_me(record: TheRecord, call: Reading) -> Response:
    return shown(people.get_me(record, call))
