"""If Concert itself is unwell, the backbone gets a mail that says so in plain words; and one when it is well again.

Every process watches, so that no death goes unseen; the record sees to it that one of them tells. If the record itself
is away, each tells by the addresses that it remembers, at most once an hour.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from concert.alarm_words import Words, letter, unwell
from concert.alarm_words import well as well_again
from concert.heart import instance
from concert.letters import envelope
from concert.post import NotSent, Post
from concert.settings import Settings
from domain.pulse import Ailment, ailments
from services.alarms import not_told, note_ailments
from services.engine import take_pulse
from services.journal import new_id
from services.mails import backbone_addresses
from services.transaction import Record

log = structlog.get_logger("concert.alarms")
PAUSE_SECONDS = 30.0
LASTING_SECONDS = 120.0
"""What passes sooner is not told."""
AGAIN_SECONDS = 3600.0
DATABASE = Ailment(
    "RecordAway",
    "The database does not answer. People cannot work; what they have done is safe.",
    "Is PostgreSQL up, can it be reached? `concert doctor` looks. Everything goes on by itself once it answers.",
)


class Watcher:
    def __init__(
        self,
        record: Record,
        post: Post,
        *,
        lasting: float = LASTING_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._record, self._post, self._lasting, self._clock = record, post, lasting, clock
        self._known: Sequence[tuple[str, str]] = ()
        self._away_since: float | None = None
        self._told_away: float | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except NotSent:
                pass  # each is in the log already
            except Exception as error:  # noqa: BLE001 - whatever ails us, watching goes on
                log.warning("watcher_stumbles", type=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)

    async def look(self) -> None:
        """Take the pulse once, and tell what lasts. Raises NotSent."""
        try:
            wrong = await asyncio.to_thread(self._ailments)
            await self._tell_back()  # before anything is noted as told
            tell, well = await asyncio.to_thread(
                note_ailments, self._record, [each.code for each in wrong], self._lasting
            )
        except SQLAlchemyError as error:
            log.warning("record_away", type=type(error).__name__)
            await self._tell_away()
            return
        if tell or well:
            await self._tell(wrong, tell, well)

    def _ailments(self) -> list[Ailment]:
        self._known = backbone_addresses(self._record)
        by_code: dict[str, Ailment] = {}
        for each in ailments(take_pulse(self._record)):
            by_code.setdefault(each.code, each)
        return list(by_code.values())

    async def _tell(self, wrong: list[Ailment], tell: list[str], well: list[str]) -> None:
        """What had not left when the mail server went away, or this process had to end, is told at the next look."""
        left, over = list(tell), list(well)
        try:
            for each in (one for one in wrong if one.code in tell):
                await self._mail(unwell(each))
                left.remove(each.code)
            for code in well:
                await self._mail(well_again(code))
                over.remove(code)
        except BaseException:
            await asyncio.to_thread(not_told, self._record, left, over)
            raise

    async def _tell_away(self) -> None:
        now = self._clock()
        self._away_since = now if self._away_since is None else self._away_since
        lately = self._told_away is not None and now - self._told_away < AGAIN_SECONDS
        if now - self._away_since >= self._lasting and not lately:
            await self._mail(unwell(DATABASE))
            self._told_away = now

    async def _tell_back(self) -> None:
        self._away_since = None
        if self._told_away is not None:
            await self._mail(well_again(DATABASE.code))
            self._told_away = None

    async def _mail(self, words: Words) -> None:
        """To each by themselves, in their language, whatever becomes of the others; if one gets it, it is told. Raises
        NotSent if nobody does.
        """
        name = new_id().hex
        failed: list[NotSent] = []
        for number, (address, language) in enumerate(self._known):
            subject, text = letter(words, language, instance())
            try:
                await self._post.send(envelope(f"{name}.{number}", self._post.sender, address, subject, text))
            except NotSent as no:
                failed.append(no)
            except ValueError:  # an address that no header can hold
                failed.append(NotSent("address", final=True))
        for each in failed:
            log.warning("alarm_not_sent", code=each.code)
        if self._known and len(failed) == len(self._known):
            raise failed[0]


async def keep_watching(settings: Settings, record: Record) -> None:
    """Until cancelled; without an SMTP server nobody could be told."""
    post = Post.of(settings)
    if post is None:
        await asyncio.Event().wait()
        return
    await Watcher(record, post, lasting=LASTING_SECONDS).run()
