"""The teller: brings every event to its consumers, beside the relay. It needs the record only, never Temporal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from concert.consumers import CONSUMERS, Consumer
from services.outbox import delivered
from services.telling import News, claim_news, tell_later
from services.transaction import Record

log = structlog.get_logger("concert.teller")
PAUSE_SECONDS = 0.5
BATCH = 100


class Teller:
    """Several may run; each event is leased to one. A consumer that fails stops none but those that stand on it."""

    def __init__(self, record: Record, consumers: Sequence[Consumer] = CONSUMERS) -> None:
        self._record, self._consumers = record, consumers

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                while await asyncio.to_thread(self.tell_batch) == BATCH:
                    pass
            except Exception as error:  # noqa: BLE001 - the record is away: events wait in it
                log.warning("teller_waits", type=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)

    def tell_batch(self) -> int:
        """Claim a batch and tell it; answers how many were claimed."""
        claimed = claim_news(self._record, BATCH)
        done = [news.id for news in claimed if self._tell(news)]
        if done:
            delivered(self._record, done)
        return len(claimed)

    def _tell(self, news: News) -> bool:
        taken, error = set(news.taken_by), ""
        for consumer in self._consumers:
            if consumer.name in taken or not _wants(consumer, news, taken):
                continue
            try:
                consumer.take(self._record, news.event_id)
            except Exception as failed:  # noqa: BLE001 - nothing that one consumer does may stop the others
                error = f"{consumer.name} {type(failed).__name__}"
                log.warning("not_told", consumer=consumer.name, of=str(news.event_id), type=type(failed).__name__)
            else:
                taken.add(consumer.name)
        if error:
            tell_later(self._record, news, frozenset(taken), error)
        return not error


def _wants(consumer: Consumer, news: News, taken: set[str]) -> bool:
    """Its kind of event, and whoever it stands on has taken it."""
    of_its_kind = consumer.kinds is None or news.kind in consumer.kinds
    return of_its_kind and (consumer.after is None or consumer.after in taken)


async def keep_telling(record: Record) -> None:
    """Until cancelled."""
    await Teller(record).run()
