"""What the record has open, as the engine must know it: for starting lost workflows again and for comparing the two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from services.transaction import Record
from storage.tables.work import OPEN_REFERRAL, OPEN_TASK

BATCH = 1000


@dataclass(frozen=True, slots=True)
class OpenReferral:
    """`tasks`: its open ones that wait for people; a partner's own worker may have given up on others for good."""

    id: UUID
    tasks: frozenset[UUID]

    @property
    def workflow_id(self) -> str:
        return f"referral-{self.id}"


def open_referrals(record: Record) -> Iterator[OpenReferral]:
    """Every open referral, oldest first, read in batches: what changes meanwhile may or may not be in it."""
    after = UUID(int=0)
    while True:
        with record.database.transaction() as connection:
            rows = connection.execute(_OPEN, {"after": after, "most": BATCH}).all()
        yield from (OpenReferral(row.id, frozenset(row.tasks)) for row in rows)
        if len(rows) < BATCH:
            return
        after = rows[-1].id


def count_open(record: Record) -> int:
    with record.database.transaction() as connection:
        return int(connection.execute(_COUNT).scalar_one())


def still_open(record: Record, ids: list[UUID]) -> dict[UUID, OpenReferral]:
    """Those of `ids` that are open now."""
    with record.database.transaction() as connection:
        rows = connection.execute(_STILL, {"ids": ids}).all()
    return {row.id: OpenReferral(row.id, frozenset(row.tasks)) for row in rows}


def ended_tasks(record: Record, ids: list[UUID]) -> dict[UUID, str]:
    """The state of those tasks of `ids` that have ended."""
    with record.database.transaction() as connection:
        return {row.id: row.state for row in connection.execute(_ENDED, {"ids": ids})}


def revive(record: Record) -> int:
    """Put messages that were given up back into the queue; answers how many."""
    with record.database.transaction() as connection:
        revived = connection.execute(_REVIVE).rowcount
    if revived:
        record.wake()
    return revived


_COLUMNS = f"""
f.id, array(select t.id from task t join organization o on o.id = t.organization_id
             where t.referral_id = f.id and t.{OPEN_TASK} and not (o.own_worker and o.mode = 'connected')) as tasks
"""
_OPEN = text(f"select {_COLUMNS} from referral f where f.{OPEN_REFERRAL} and f.id > :after order by f.id limit :most")
_COUNT = text(f"select count(*) from referral where {OPEN_REFERRAL}")
_STILL = text(f"select {_COLUMNS} from referral f where f.{OPEN_REFERRAL} and f.id = any(:ids)")
_ENDED = text(f"select id, state from task where id = any(:ids) and not ({OPEN_TASK})")
_REVIVE = text("update outbox set dead = false, attempts = 0, error = null, due_at = clock_timestamp() where dead")
