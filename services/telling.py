"""The outbox, as those read it who want to hear of events: claimed by a lease, taken once by each consumer.

Delivered at least once: a consumer that dies after its commit hears of the event again, and does nothing then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from services.outbox import ATTEMPTS_BEFORE_DEAD, LEASE_SECONDS
from services.transaction import Record


@dataclass(frozen=True, slots=True)
class News:
    """An event to be told. `kind` is the event's, `taken_by` the consumers that have it already."""

    id: int
    event_id: UUID
    kind: str
    attempts: int
    taken_by: frozenset[str]


def claim_news(record: Record, most: int = 100) -> list[News]:
    """Up to `most` due events, oldest first, for the length of a lease."""
    with record.database.transaction() as connection:
        rows = connection.execute(_CLAIM, {"most": most, "lease": LEASE_SECONDS}).all()
    return [News(row.id, row.event_id, row.event_kind, row.attempts, frozenset(row.taken_by)) for row in sorted(rows)]


def tell_later(record: Record, news: News, taken_by: frozenset[str], error: str) -> None:
    """Who has it keeps it; the others hear again, with back-off, until it is a dead letter."""
    values = {
        "id": news.id,
        "taken": json.dumps(sorted(taken_by)),
        "error": error,
        "dead": news.attempts + 1 >= ATTEMPTS_BEFORE_DEAD,
        "wait": min(30.0, 0.5 * 2**news.attempts),
    }
    with record.database.transaction() as connection:
        connection.execute(_LATER, values)


_CLAIM = text(
    """
with due as (
    select id from outbox where kind = 'event' and not dead and due_at <= clock_timestamp()
     order by due_at, id limit :most for update skip locked)
update outbox o set due_at = clock_timestamp() + make_interval(secs => :lease)
  from due join outbox x on x.id = due.id join event e on e.id = x.event_id
 where o.id = due.id
returning o.id, o.event_id, e.kind as event_kind, o.attempts, o.taken_by
"""
)
_LATER = text(
    "update outbox set due_at = clock_timestamp() + make_interval(secs => :wait), attempts = attempts + 1,"
    " taken_by = cast(:taken as jsonb), error = :error, dead = :dead where id = :id"
)
