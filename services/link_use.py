"""Using up the one-use link of a mail: in the transaction of the move that it makes, never before and never after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.holders import Holder, who_acts
from services.refusals import Conflict
from services.rows import Locked
from services.transaction import Tx


def use_link(tx: Tx, locked: Locked, link_id: UUID) -> None:
    """In the caller's transaction, under the task's lock. Raises Conflict if it is over, or the work has moved."""
    values = {"id": link_id, "task": locked.t["id"], "state": locked.task.state.value}
    if with_a_colleague(tx, locked.t) or tx.row(_USE, **values) is None:
        raise Conflict("This link has done its work, or the request has moved since it was sent.", code="link-over")
    tx.audit("link.use", "mail_link", link_id)


def with_a_colleague(tx: Tx, task: Mapping[str, Any]) -> bool:
    """Whether it was given to somebody who is there, and the caller does not stand in for them."""
    holder = who_acts(tx, Holder(task["organization_id"], task["assigned_to"]))
    return holder.user_id not in (None, tx.here.user_id)


_USE = text(
    "update mail_link set used_at = clock_timestamp() where id = :id and used_at is null and task_id = :task"
    " and task_state = :state and expires_at > clock_timestamp() returning id"
)
