"""The postman: sends what is due, beside the relay. A server that is away delays mail and loses none."""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import UUID

import structlog

from api.links import Links
from concert.letters import written
from concert.parts import links_of
from concert.post import NotSent, Post
from concert.settings import Settings
from services.mails import Letter, Refusal, claim_letter, send_later, sent
from services.transaction import Record

log = structlog.get_logger("concert.postman")
PAUSE_SECONDS = 1.0
HANDS = 4
"""So many letters at once: one whose server thinks for minutes does not hold up the others."""


class Postman:
    """Several may run: each letter is leased to one. Without `links` or an address, letters have no one-use links."""

    def __init__(self, record: Record, post: Post, links: Links | None = None, public_url: str = "") -> None:
        self._record, self._post = record, post
        self._link = partial(_url, links, public_url) if links and public_url else None

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as hands:
            for _ in range(HANDS):
                hands.create_task(self._work())

    async def _work(self) -> None:
        while True:
            try:
                while await self.deliver():
                    pass
            except Exception as error:  # noqa: BLE001 - mostly the record is away; whatever it is, mail waits in it
                log.warning("postman_waits", type=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)

    async def deliver(self) -> bool:
        """Send one letter that is due; answers whether there was one."""
        letter = await asyncio.to_thread(claim_letter, self._record)
        if letter is not None:
            await self._send(letter)
        return letter is not None

    async def _send(self, letter: Letter) -> None:
        try:
            await self._post.send(written(letter, self._post.sender, self._link))
        except NotSent as no:
            await self._later(letter, no)
        except ValueError:  # an address that no header can hold
            await self._later(letter, NotSent("address", Refusal.FINAL))
        else:
            await asyncio.to_thread(sent, self._record, letter)

    async def _later(self, letter: Letter, no: NotSent) -> None:
        log.warning("not_sent", mail=str(letter.id), code=no.code, refusal=no.refusal.value)
        await asyncio.to_thread(send_later, self._record, letter, no.code, no.refusal)


def _url(links: Links, public_url: str, link_id: UUID) -> str:
    return f"{public_url}/act/{links.sign(link_id)}"


async def keep_posting(settings: Settings, record: Record) -> None:
    """Until cancelled; without an SMTP server nothing is sent: letters wait for a relay that has one."""
    post = Post.of(settings)
    if post is None:
        log.warning("no_mail_is_sent", setting="CONCERT_SMTP_URL")
        await asyncio.Event().wait()
        return
    await Postman(record, post, links_of(settings), settings.public_url).run()
