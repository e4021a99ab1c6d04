"""The page behind a mail's one-use link: what is asked, and the answer. Plain HTML; opening it changes nothing."""

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from jinja2 import Environment, FileSystemLoader

from api.act_words import DONE, OVER, PAGE, UNKNOWN, Said, when
from api.calls import TheRecord
from api.links import Links
from api.shell import passer_by
from services.acting import Deed, LinkOver, LinkUnknown, Preview, ReasonMissing, act_by_link, preview_link

router = APIRouter(prefix="/act", tags=["Inbox"], dependencies=[Depends(passer_by)])
HTML = "text/html"
_PAGES = Path(__file__).parent / "pages"
_STYLE = (_PAGES / "style.css").read_text()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_TEMPLATES = Environment(loader=FileSystemLoader(_PAGES), autoescape=True, trim_blocks=True)
_LONGEST_FORM = 2000


def _page(description: str) -> dict[str, Any]:
    return {"description": description, "content": {HTML: {}}}


_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: _page("The page."),
    404: _page("Forged, cut or unknown."),
    410: _page("Used, expired, moved meanwhile, or its reader has left: says what to do."),
}
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "deed": {"type": "string", "enum": [deed.value for deed in Deed]},
                        "reason": {"type": "string", "description": "To decline: one of GET /v1/reasons."},
                    },
                    "required": ["deed"],
                }
            }
        },
    }
}


async def _form(request: Request) -> dict[str, str]:
    body = (await request.body())[:_LONGEST_FORM]
    try:
        return dict(parse_qsl(body.decode("utf-8"), max_num_fields=10))
    except ValueError:
        return {}


Form = Annotated[dict[str, str], Depends(_form)]


@router.get(
    "/{token}",
    operation_id="preview_link",
    summary="What a mail's link asks, as a page",
    response_class=Response,
    responses=_ANSWERS,
)
def preview(request: Request, record: TheRecord, token: str) -> Response:
    """Never the client. Opening it changes nothing: programs that check mail open every link."""
    return _answer(request, token, lambda link_id: _asked(preview_link(record, link_id)))


@router.post(
    "/{token}",
    operation_id="act_by_link",
    summary="Acknowledge, accept or decline by a mail's link, once",
    response_class=Response,
    responses={**_ANSWERS, 422: _page("Something is missing: the page again, which says what.")},
    openapi_extra=_FORM,
)
def act(request: Request, record: TheRecord, token: str, form: Form) -> Response:
    """As the person whom the mail was sent to. The same once more is answered in the same way."""

    def decided(link_id: UUID) -> Response:
        if form.get("deed") not in set(Deed):
            return _asked(preview_link(record, link_id), status=422, wrong="deed_missing")
        deed = Deed(form["deed"])
        try:
            behind = act_by_link(record, link_id, deed, form.get("reason") if deed is Deed.DECLINE else None)
        except ReasonMissing:
            return _asked(preview_link(record, link_id), status=422, wrong="reason_missing")
        return said(DONE[_language(behind.language)][deed], behind.language, 200)

    return _answer(request, token, decided)


def _answer(request: Request, token: str, decide: Callable[[UUID], Response]) -> Response:
    links: Links | None = request.app.state.links
    link_id = links.read(token) if links else None
    if link_id is None:
        return said(UNKNOWN, "en", 404)
    try:
        return decide(link_id)
    except LinkUnknown:
        return said(UNKNOWN, "en", 404)
    except LinkOver as over:
        return said(OVER[_language(over.language)][over.why], over.language, 410)


def _language(code: str) -> str:
    return code if code in PAGE else "en"


def said(words: Said, language: str, status: int) -> Response:
    heading, sentence, then = words
    return _html("page.html", language, status, heading=heading, sentence=sentence, next=then)


def _asked(shown: Preview, *, status: int = 200, wrong: str = "") -> Response:
    language = _language(shown.language)
    due = when(shown.due_at, shown.zone, language) if shown.due_at else ""
    return _html("act.html", language, status, shown=shown, due=due, wrong=PAGE[language].get(wrong, ""))


def _html(template: str, language: str, status: int, **values: Any) -> Response:
    known = _language(language)
    page = _TEMPLATES.get_template(template)
    text = page.render(language=known, words=PAGE[known], style=_STYLE, **values)
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
    return Response(text, status, headers, f"{HTML}; charset=utf-8")
