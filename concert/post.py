"""Handing mail over to an SMTP server. What it answers becomes a code: an answer may repeat an address."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from concert.settings import Settings

SECONDS = 10.0
"""So long may the server take for each answer."""
LONGEST_SECONDS = 45.0
"""Of handing one letter over, all its answers together: shorter than a letter's lease."""


class NotSent(Exception):
    """`final`: the server will say the same of this letter whenever it is asked."""

    def __init__(self, code: str, *, final: bool) -> None:
        super().__init__(code)
        self.code, self.final = code, final


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

    async def send(self, message: EmailMessage) -> None:
        """Raises NotSent."""
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await self._hand_over(message)
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPDataError) as error:
            raise NotSent(_code(error), final=_lasting(error)) from None
        except aiosmtplib.SMTPNotSupported as error:  # an address beyond ASCII: the reader's, unless it is our own
            raise NotSent(_code(error), final=self.sender.isascii()) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise NotSent(_code(error), final=False) from None

    async def _hand_over(self, message: EmailMessage) -> None:
        server = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.user,
            password=self.password,
            use_tls=self.tls,
            start_tls=None if self.tls or not self.insists else True,
            timeout=SECONDS,
        )
        async with server:
            try:
                await server.send_message(message)
            except asyncio.CancelledError:
                server.close()  # without a goodbye, for whose answer we should wait
                raise


def _code(error: BaseException) -> str:
    number = getattr(error, "code", None)
    return f"{type(error).__name__} {number}" if isinstance(number, int) else type(error).__name__


def _lasting(error: BaseException) -> bool:
    """Whether every answer was a refusal for good (5xx); 4xx asks to come again."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(each.code >= 500 for each in error.recipients)
    return isinstance(error, aiosmtplib.SMTPResponseException) and error.code >= 500
