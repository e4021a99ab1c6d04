"""What stands between a mail's link and its page: programs that check or rewrite links, and refusals as a page."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.act import said
from api.act_words import FAILED, MANY, UNCLEAR, UNKNOWN, Said
from api.problems import MEDIA_TYPE

_HERE = "/act/"


class ActShell:
    """ASGI middleware, the outermost: below `/act` a slash at the end changes nothing, HEAD is GET without its body,
    and whatever was refused, anywhere, is said as a page: people come here with a browser.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(_HERE):
            await self._app(scope, receive, send)
            return
        silent, refused = scope["method"] == "HEAD", False

        async def send_page(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and _is_problem(message["headers"]):
                refused = True
                page = said(_words(message["status"]), "en", message["status"])
                names = {name for name, _ in page.raw_headers}
                others = [(name, value) for name, value in message["headers"] if name.lower() not in names]
                await send({**message, "headers": [*page.raw_headers, *others]})
                await send({"type": "http.response.body", "body": b"" if silent else page.body})
            elif message["type"] == "http.response.body" and silent and not refused:
                await send({**message, "body": b""})
            elif not refused:
                await send(message)

        asked = {**scope, "path": scope["path"].rstrip("/"), "method": "GET" if silent else scope["method"]}
        await self._app(asked, receive, send_page)


def _is_problem(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(MEDIA_TYPE.encode()) for name, value in headers)


def _words(status: int) -> Said:
    if status == 404:
        return UNKNOWN
    if status == 429:
        return MANY
    return FAILED if status >= 500 else UNCLEAR
