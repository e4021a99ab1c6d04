"""A local SMTP server that keeps what it is given: what mail is tested against."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from concert.post import Post
from tests.house import House

FULL = "452 4.2.2 mailbox full"
NOBODY = "550 5.1.1 no such user"
LINK = re.compile(r"\S*/act/(\S+)")


class Box:
    """`answer`: what it says, after `pause` seconds, to every letter with `about` in its subject; all but 250 is a
    refusal and keeps nothing; None: it keeps the letter first, and then hangs up without a word. Others it keeps at
    once. `utf8`: whether it takes addresses beyond ASCII. `refused`: addresses for which it takes nothing, and what it
    says then. `begun`: letters of that kind that it has begun to take.
    """

    def __init__(self) -> None:
        self.got: list[tuple[str, EmailMessage]] = []
        self.answer: str | None = "250 OK"
        self.about = ""
        self.utf8 = True
        self.refused: dict[str, str] = {}
        self.pause = 0.0
        self.begun = 0
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd calls it so
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        if self.about in str(message["Subject"]):
            self.begun += 1
            if self.answer is None:
                self.got += [(to, message) for to in envelope.rcpt_tos]
            await asyncio.sleep(self.pause)
            if self.answer is None:
                server.transport.abort()
                return "250 OK"
            if not self.answer.startswith("250"):
                return self.answer
        self.got += [(to, message) for to in envelope.rcpt_tos]
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        return [message for to, message in self.got if to == address]

    def words(self) -> str:
        """Everything that was ever sent, headers and all."""
        return "\n".join(str(message) for _, message in self.got)

    def empty(self) -> None:
        self.got.clear()


class Server(Controller):
    """Remembers who called: it forgets who is still connected, and the interpreter complains of them later."""

    def __init__(self, box: Box, port: int) -> None:
        super().__init__(box, hostname="127.0.0.1", port=port, enable_SMTPUTF8=box.utf8)
        self.calls: list[SMTP] = []

    def factory(self) -> SMTP:
        call: SMTP = super().factory()  # type: ignore[no-untyped-call]
        self.calls.append(call)
        return call

    async def hang_up(self) -> None:
        assert self.server is not None
        self.server.close()
        await asyncio.sleep(0.1)  # who was given up on may only now be let in
        for call in self.calls:
            if isinstance(call.transport, asyncio.Transport):
                call.transport.abort()
        await asyncio.sleep(0)


@contextmanager
def opened(box: Box, port: int = 0) -> Iterator[Box]:
    controller = Server(box, port or _free())
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        asyncio.run_coroutine_threadsafe(controller.hang_up(), controller.loop).result(5)
        controller.stop()


def _free() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def post_of(house: House, box: Box) -> Post:
    post = Post.of(house.settings.model_copy(update={"smtp_url": f"smtp://127.0.0.1:{box.port}"}))
    assert post is not None
    return post


def text_of(message: EmailMessage) -> str:
    body = message.get_content()
    assert isinstance(body, str)
    return body


def token_of(message: EmailMessage) -> str | None:
    found = LINK.search(text_of(message))
    return found[1] if found else None
