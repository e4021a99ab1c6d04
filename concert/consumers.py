"""Who hears of every event, through the outbox. A further one is one more entry here; no service is touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from domain.notice import HEARS
from services.mails import mail_event
from services.noticing import notice_event, tidy_feeds
from services.transaction import Record


@dataclass(frozen=True, slots=True)
class Consumer:
    """`take` is told of an event at least once; a repeat changes nothing. `kinds` of events it wants
    (None: all), `after` whom. Who is on the list is no process's choice: what one has told is told.
    """

    name: str
    kinds: frozenset[str] | None
    take: Callable[[Record, UUID], None]
    after: str | None = None


CONSUMERS = (
    Consumer("tidy", None, tidy_feeds),
    Consumer("notices", frozenset(HEARS), notice_event),
    Consumer("mail", frozenset(HEARS), mail_event, after="notices"),
)
