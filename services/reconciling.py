"""What the record has open, as the engine must know it: for starting lost workflows again and for comparing the two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from services.transaction import Record
from storage.tables.plans import OPEN_PLAN
from storage.tables.work import OPEN_REFERRAL, OPEN_TASK

BATCH = 1000


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A referral or a plan that has a workflow. `tasks`: its open ones that wait for people; a partner's own worker may
    have given up on others for good, or answered after its partnership had ended.
    """

    kind: str
    id: UUID
    tasks: frozenset[UUID]

    @property
    def workflow_id(self) -> str:
        return f"{self.kind}-{self.id}"


def open_cases(record: Record) -> Iterator[OpenCase]:
    """Every open referral and plan, oldest first, read in batches: what changes meanwhile may or may not be in it."""
    after = UUID(int=0)
    while True:
        with record.database.transaction() as connection:
            rows = connection.execute(_OPEN, {"after": after, "most": BATCH}).all()
        yield from (OpenCase(row.kind, row.id, frozenset(row.tasks)) for row in rows)
        if len(rows) < BATCH:
            return
        after = rows[-1].id


def next_open(record: Record, after: UUID, most: int) -> list[UUID]:
    """Ids of at most so many open referrals and plans after that one, in the order of ids."""
    with record.database.transaction() as connection:
        return list(connection.execute(_NEXT, {"after": after, "most": most}).scalars())


def still_open(record: Record, ids: list[UUID]) -> list[OpenCase]:
    """Those of `ids` that are open now."""
    with record.database.transaction() as connection:
        rows = connection.execute(_STILL, {"ids": ids}).all()
    return [OpenCase(row.kind, row.id, frozenset(row.tasks)) for row in rows]


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


_TASKS = f"""
array(select t.id from task t join organization o on o.id = t.organization_id
       where {{whose}} and t.{OPEN_TASK} and not (o.own_worker and o.mode = 'connected')) as tasks
"""
# A step of a plan has no workflow of its own: its plan's waits for its task.
_OF_PLAN = "t.referral_id in (select s.referral_id from plan_step s where s.action_plan_id = p.id)"
_CASES = f"""
select 'referral' as kind, f.id, {_TASKS.format(whose="t.referral_id = f.id")}
  from referral f where f.{OPEN_REFERRAL} and f.action_plan_id is null and f.id {{of}}
union all
select 'plan', p.id, {_TASKS.format(whose=_OF_PLAN)}
  from action_plan p where p.{OPEN_PLAN} and p.id {{of}}
"""
_OPEN = text(f"select * from ({_CASES.format(of='> :after')}) x order by id limit :most")
_NEXT = text(
    f"select id from (select id from referral where {OPEN_REFERRAL} and action_plan_id is null and id > :after"
    f" union all select id from action_plan where {OPEN_PLAN} and id > :after) x order by id limit :most"
)
_STILL = text(_CASES.format(of="= any(:ids)"))
_ENDED = text(f"select id, state from task where id = any(:ids) and not ({OPEN_TASK})")
_REVIVE = text("update outbox set dead = false, attempts = 0, error = null, due_at = clock_timestamp() where dead")
