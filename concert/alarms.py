"""If Concert itself is unwell, the backbone gets a mail that says so in plain words; and one when it is well again.

Every process watches, so that no death goes unseen; the record sees to it that one of them tells. If the record itself
is away, each tells by the addresses that it remembers, at most once an hour.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from hashlib import sha256

import structlog
from sqlalchemy.exc import SQLAlchemyError

from concert.alarm_words import Words, letter, unwell
from concert.alarm_words import well as well_again
from concert.heart import instance
from concert.letters import envelope
from concert.post import NotSent, Post
from concert.settings import Settings
from domain.pulse import Ailment, ailments
from services.alarms import Occurrence, not_told, note_ailments
from services.engine import take_pulse
from services.journal import new_id
from services.mails import Reader, Refusal, backbone_addresses
from services.transaction import Record

log = structlog.get_logger("concert.alarms")
PAUSE_SECONDS = 30.0
LASTING_SECONDS = 120.0
"""What passes sooner is not told."""
AGAIN_SECONDS = 3600.0
ANSWER_SECONDS = 60.0
"""For a mail server that has an alarm's mail: watching goes on sooner than for a letter."""
MOST_TRIES = 2
"""Of one mail to one address that perhaps arrived."""
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
        self._known: Sequence[Reader] = ()
        self._away_since: float | None = None
        self._told_away: float | None = None
        self._away = ""

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

    async def _tell(self, wrong: list[Ailment], tell: Sequence[Occurrence], well: Sequence[Occurrence]) -> None:
        """Each whatever becomes of the others. What had not left when the mail server went away, or this process had
        to end, is told at the next look.
        """
        by_code = {each.code: each for each in wrong}
        left, over = list(tell), list(well)
        failed: NotSent | None = None
        try:
            for each in tell:
                failed = await self._told(each, unwell(by_code[each.code]), left) or failed
            for each in well:
                failed = await self._told(each, well_again(each.code), over) or failed
        finally:
            if left or over:
                await asyncio.to_thread(not_told, self._record, left, over)
        if failed:
            raise failed

    async def _told(self, what: Occurrence, words: Words, left: list[Occurrence]) -> NotSent | None:
        try:
            await self._mail(f"{what.code} {what.since.timestamp()}", words)
        except NotSent as no:
            return no
        left.remove(what)
        return None

    async def _tell_away(self) -> None:
        now = self._clock()
        self._away_since = now if self._away_since is None else self._away_since
        lately = self._told_away is not None and now - self._told_away < AGAIN_SECONDS
        if now - self._away_since >= self._lasting and not lately:
            self._away = self._away or new_id().hex
            await self._mail(self._away, unwell(DATABASE))
            self._told_away, self._away = now, ""

    async def _tell_back(self) -> None:
        self._away_since = None
        if self._told_away is not None:
            self._away = self._away or new_id().hex
            await self._mail(self._away, well_again(DATABASE.code))
            self._told_away, self._away = None, ""

    async def _mail(self, what: str, words: Words) -> None:
        """To each by themselves, in their language, at once, so that nobody waits for another's server; if one gets it,
        or perhaps has it, it is told. `what` happened: told again, it is the same letter. Raises NotSent if nobody
        does.
        """
        answers = await asyncio.gather(*(self._send(what, words, each) for each in self._known))
        failed = [each for each in answers if each is not None]
        for each in failed:
            log.warning("alarm_not_sent", code=each.code, refusal=each.refusal.value)
        lost = [each for each in failed if each.refusal is not Refusal.PERHAPS]
        if lost and len(lost) == len(self._known):
            raise lost[0]

    async def _send(self, what: str, words: Words, to: Reader) -> NotSent | None:
        """What perhaps arrived is sent once more: of an alarm, two are better than none."""
        subject, text = letter(words, to.language, to.zone, instance())
        name = sha256(f"{what}\n{subject}\n{to.address}".encode()).hexdigest()[:32]
        perhaps: NotSent | None = None
        for _ in range(MOST_TRIES):
            try:
                message = envelope(name, self._post.sender, to.address, subject, text)
                await self._post.send(message, patience=ANSWER_SECONDS)
            except NotSent as no:
                if no.refusal is not Refusal.PERHAPS:
                    return perhaps or no
                perhaps = no
            except ValueError:  # an address that no header can hold
                return NotSent("address", Refusal.FINAL)
            else:
                return None
        return perhaps


async def keep_watching(settings: Settings, record: Record) -> None:
    """Until cancelled; without an SMTP server nobody could be told."""
    post = Post.of(settings)
    if post is None:
        await asyncio.Event().wait()
        return
    await Watcher(record, post, lasting=LASTING_SECONDS).run()
