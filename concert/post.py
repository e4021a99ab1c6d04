"""Handing mail over to an SMTP server. What it answers becomes a code: an answer may repeat an address."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from concert.settings import Settings
from services.mails import Refusal

SECONDS = 10.0
"""So long may the server take for each answer."""
LONGEST_SECONDS = 45.0
"""Of all its answers together, until it is given the letter."""
ANSWER_SECONDS = 600.0
"""From then on, as RFC 5321 wants it: whoever gives up sooner sends again what has arrived. With the above, shorter
than a letter's lease."""


class NotSent(Exception):
    def __init__(self, code: str, refusal: Refusal) -> None:
        super().__init__(code)
        self.code, self.refusal = code, refusal


@dataclass(frozen=True, slots=True, repr=False)
class Post:
    """A server that takes mail. With TLS from the first byte (`tls`), or as soon as it offers it; never without if it
    `insists`.
    """

    host: str
    port: int
    user: str | None
    password: str | None
    tls: bool
    insists: bool
    sender: str

    @classmethod
    def of(cls, settings: Settings) -> Post | None:
        """None where no mail is sent."""
        if not settings.smtp_url:
            return None
        url = urlsplit(settings.smtp_url)
        tls = url.scheme == "smtps"
        return cls(
            host=url.hostname or "localhost",
            port=url.port or (465 if tls else 587),
            user=unquote(url.username) if url.username else None,
            password=unquote(url.password) if url.password else None,
            tls=tls,
            insists=parse_qs(url.query).get("tls") == ["required"],
            sender=settings.mail_from,
        )

    async def send(self, message: EmailMessage, *, patience: float | None = None) -> None:
        """`patience`: seconds for the answer once the server has the letter; None: ANSWER_SECONDS. Raises NotSent."""
        server = self._server()
        server.patience = ANSWER_SECONDS if patience is None else patience
        try:
            async with asyncio.timeout(LONGEST_SECONDS) as server.limit:
                await _hand_over(server, message)
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPDataError) as error:
            raise NotSent(_code(error), _refusal(error)) from None
        except aiosmtplib.SMTPNotSupported as error:  # an address beyond ASCII: the reader's, unless it is our own
            raise NotSent(_code(error), Refusal.FINAL if self.sender.isascii() else Refusal.AGAIN) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise NotSent(_code(error), Refusal.PERHAPS if server.has_it else Refusal.AGAIN) from None

    def _server(self) -> _Server:
        return _Server(
            hostname=self.host,
            port=self.port,
            username=self.user,
            password=self.password,
            use_tls=self.tls,
            start_tls=None if self.tls or not self.insists else True,
            timeout=SECONDS,
        )


class _Server(aiosmtplib.SMTP):
    """`has_it`: it was given the letter, and has not refused it. From DATA on, as what it does with that word we
    cannot tell from what it does with the letter."""

    limit: asyncio.Timeout
    patience: float
    has_it = False

    async def data(self, message: str | bytes, /, **_limit: Any) -> aiosmtplib.SMTPResponse:
        self.has_it = True
        self.limit.reschedule(asyncio.get_running_loop().time() + self.patience)
        try:
            answer = await super().data(message, timeout=None)
        except aiosmtplib.SMTPDataError:
            self.has_it = False
            raise
        self.limit.reschedule(None)  # it is sent, however long the goodbye takes
        return answer


async def _hand_over(server: _Server, message: EmailMessage) -> None:
    async with server:
        try:
            await server.send_message(message)
        except asyncio.CancelledError:
            server.close()  # without a goodbye, for whose answer we should wait
            raise


def _code(error: BaseException) -> str:
    number = getattr(error, "code", None)
    return f"{type(error).__name__} {number}" if isinstance(number, int) else type(error).__name__


def _refusal(error: aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPDataError) -> Refusal:
    """For good if every answer was (5xx); 4xx asks to come again."""
    if isinstance(error, aiosmtplib.SMTPDataError):
        return Refusal.FINAL if error.code >= 500 else Refusal.AGAIN
    return Refusal.FINAL if all(each.code >= 500 for each in error.recipients) else Refusal.READER
