"""The outbox: what the engine must still be told. Claimed by a lease, delivered at least once (decision 3)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from services.transaction import Record

LEASE_SECONDS = 30
ATTEMPTS_BEFORE_DEAD = 6
"""Of answers that will not change (a malformed message); an engine that is away is asked for ever."""


@dataclass(frozen=True, slots=True)
class Message:
    """`kind` complete or look; events have consumers of their own (`services.telling`). Ids and codes only.

    `trace`: of what decided it, where somebody traces.
    """

    id: int
    kind: str
    workflow_id: str
    task_id: UUID | None
    result: str | None
    attempts: int
    trace: str | None = None


def claim(record: Record, most: int = 100) -> list[Message]:
    """Take up to `most` due messages, oldest first, for the length of a lease; several relays may claim at once."""
    with record.database.transaction() as connection:
        rows = connection.execute(_CLAIM, {"most": most, "lease": LEASE_SECONDS}).all()
    return [Message(*row) for row in sorted(rows)]


def delivered(record: Record, ids: list[int]) -> None:
    with record.database.transaction() as connection:
        connection.execute(_DELIVERED, {"ids": ids})


def postpone(record: Record, message: Message, error: str, *, final: bool) -> bool:
    """Try again later, with back-off; `final` errors count towards the dead letters: True, if it is one now.
    `error` is a code, never a text.
    """
    dead = final and message.attempts + 1 >= ATTEMPTS_BEFORE_DEAD
    wait = min(30.0, 0.5 * 2**message.attempts) if final else 2.0
    with record.database.transaction() as connection:
        connection.execute(
            _POSTPONE,
            {"id": message.id, "error": error, "dead": dead, "wait": wait, "step": 1 if final else 0},
        )
    return dead


def depth(record: Record) -> tuple[int, float, int]:
    """(waiting, age of the oldest in seconds, dead letters)."""
    with record.database.transaction() as connection:
        row = connection.execute(_DEPTH).one()
    return row.waiting, float(row.age or 0.0), row.dead


_CLAIM = text(
    """
update outbox o set due_at = clock_timestamp() + make_interval(secs => :lease)
  from (select id from outbox where kind <> 'event' and not dead and due_at <= clock_timestamp()
         order by due_at, id limit :most for update skip locked) due
 where o.id = due.id
returning o.id, o.kind, o.workflow_id, o.task_id, o.result, o.attempts, o.trace
"""
)
_DELIVERED = text("delete from outbox where id = any(:ids)")
_POSTPONE = text(
    "update outbox set due_at = clock_timestamp() + make_interval(secs => :wait), attempts = attempts + :step,"
    " error = :error, dead = :dead where id = :id"
)
_DEPTH = text(
    "select count(*) filter (where not dead) as waiting, count(*) filter (where dead) as dead,"
    " extract(epoch from clock_timestamp() - min(created_at) filter (where not dead)) as age from outbox"
)
