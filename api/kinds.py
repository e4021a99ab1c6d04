"""The catalogue of problems: every `type` that the API answers, what it means, what a caller does next."""

from collections.abc import Mapping

from fastapi import APIRouter
from pydantic import BaseModel

from services.refusals import NotVisible


class Kind(BaseModel):
    """One kind of problem as `GET /problems/{code}` explains it; `remedy` says what a caller does next."""

    code: str
    status: int
    title: str
    remedy: str

    @property
    def type(self) -> str:
        return f"/problems/{self.code}"


def _kind(status: int, code: str, title: str, remedy: str) -> Kind:
    return Kind(code=code, status=status, title=title, remedy=remedy)


_ALL = (
    _kind(400, "bad-request", "Bad request", "Compare the request with the description of this operation."),
    _kind(
        400,
        "malformed-json",
        "The body is not readable JSON",
        "Send one JSON value in UTF-8, without a byte order mark.",
    ),
    _kind(400, "duplicate-name", "A name occurs twice in one object", "Send each name of an object once."),
    _kind(400, "too-deep", "The body is nested too deeply", "Nest objects and lists at most 64 deep."),
    _kind(
        400,
        "bad-header",
        "A header is not acceptable",
        "Send headers without line breaks, each at most once.",
    ),
    _kind(
        400,
        "idempotency-key-missing",
        "Idempotency-Key required",
        "Send the header Idempotency-Key with a new random value, such as a UUID, and the"
        " same value again when you repeat the same request.",
    ),
    _kind(
        400,
        "idempotency-key-invalid",
        "Idempotency-Key not usable",
        "Send one Idempotency-Key of 1 to 255 visible ASCII characters without blanks.",
    ),
    _kind(
        400,
        "if-match-invalid",
        "If-Match not usable",
        "Send the ETag as it was received, with its quotes and without W/.",
    ),
    _kind(
        400,
        "bad-cursor",
        "The cursor is not valid here",
        "Use next_cursor of the same list with the same filters, or begin without a cursor.",
    ),
    _kind(401, "unauthenticated", "Not signed in", "Send a valid token as Authorization: Bearer."),
    _kind(403, "forbidden", "Not yours to do", "Look at allowed_actions; ask whoever holds the ball."),
    _kind(
        404,
        "not-found",
        "Not found",
        "There is nothing here that you may see. Check the id, or ask who shared it with you.",
    ),
    _kind(405, "method-not-allowed", "Method not allowed", "Use a method that the header Allow lists."),
    _kind(408, "too-slow", "The body did not arrive in time", "Send the request again."),
    _kind(
        409,
        "conflict",
        "Not possible in the current state",
        "Read current, the state as it stands now, and decide again.",
    ),
    _kind(412, "stale", "Somebody changed it first", "Read it again and send its new ETag in If-Match."),
    _kind(413, "too-large", "The body is too large", "Send at most 1 MiB."),
    _kind(
        415,
        "media-type",
        "Media type not supported",
        "Send Content-Type: application/json, in UTF-8 and uncompressed.",
    ),
    _kind(422, "invalid", "Some fields need attention", "Correct what errors points at."),
    _kind(422, "key-reused", "Idempotency-Key already used", "Use a new Idempotency-Key for another request."),
    _kind(428, "precondition-required", "If-Match required", "Read it first and send its ETag in If-Match."),
    _kind(429, "too-many", "Too many requests", "Wait as many seconds as Retry-After says."),
    _kind(
        500,
        "internal",
        "Something went wrong here",
        "Repeat it once with the same Idempotency-Key; then tell whoever runs Concert the request_id.",
    ),
    _kind(
        503,
        "unavailable",
        "Not available at the moment",
        "Repeat the same request after Retry-After seconds. With the same Idempotency-Key it is done "
        "once, even if this attempt got through.",
    ),
)
KINDS: Mapping[str, Kind] = {kind.code: kind for kind in _ALL}
BY_STATUS: Mapping[int, Kind] = {kind.status: kind for kind in reversed(_ALL)}

router = APIRouter(prefix="/problems", tags=["Admin"])


@router.get("", operation_id="list_problems", summary="Every kind of problem and what to do about it")
async def list_problems() -> list[Kind]:
    return list(KINDS.values())


@router.get("/{code}", operation_id="explain_problem", summary="What a problem's type means and what to do about it")
async def explain_problem(code: str) -> Kind:
    if code not in KINDS:
        raise NotVisible
    return KINDS[code]
