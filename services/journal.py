"""Everything that a decision appends, written in one statement:
events, ledger, audit, outbox, messages, the command seen.

Appending never waits for a stranger: no row here is shared with another transaction (decision 1).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from opentelemetry.trace import get_current_span
from sqlalchemy import Connection, TextClause, text
from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A UUIDv7: ids made later sort later, so indexes grow at one end."""
    return uuid7()


def trace() -> str | None:
    """Of which trace the current work is, as W3C's traceparent says it; None while nobody traces."""
    span = get_current_span().get_span_context()
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}" if span.is_valid else None


def workflow_of(f: Mapping[str, Any]) -> str:
    """The workflow that a referral's messages are for: its plan's where it is a step, else its own."""
    return f"plan-{f['action_plan_id']}" if f["action_plan_id"] else f"referral-{f['id']}"


@dataclass(slots=True)
class Journal:
    """Rows as dictionaries of column names; missing columns are null."""

    events: list[dict[str, Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    audit: list[dict[str, Any]] = field(default_factory=list)
    outbox: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    commands: list[dict[str, Any]] = field(default_factory=list)

    def look(self, workflow_id: str) -> None:
        """Ask the workflow to read the record again; starts it if there is none. Once per transaction is enough."""
        if not any(row["workflow_id"] == workflow_id and row["kind"] == "look" for row in self.outbox):
            self.outbox.append({"kind": "look", "workflow_id": workflow_id, "trace": trace()})

    def complete(self, workflow_id: str, task_id: UUID, result: str) -> None:
        """End the task's activity; `result` is its state, a code."""
        message = {"kind": "complete", "workflow_id": workflow_id, "task_id": task_id, "result": result}
        self.outbox.append({**message, "trace": trace()})

    def write(self, connection: Connection) -> None:
        """In the caller's transaction, after everything that may still refuse."""
        rows = {name: json.dumps(appended, default=str) for name in _INSERTS if (appended := getattr(self, name))}
        if rows:
            connection.execute(_append(tuple(rows)), rows)


_EVENT = (
    "id uuid, collaborative_id uuid, kind text, at timestamptz, occurred_at timestamptz, day date, referral_id uuid,"
    " task_id uuid, action_plan_id uuid, need_id uuid, version integer, organization_id uuid,"
    " source_organization_id uuid,"
    " acting_organization_id uuid, user_id uuid, on_behalf_of uuid, person_id uuid, household_key uuid,"
    " from_state text, to_state text,"
    " reason text, settled jsonb, facts jsonb, dimensions jsonb, reverses jsonb, restricted boolean"
)
EVENT_NAMES = ", ".join(part.split()[0] for part in _EVENT.split(", "))
_ENTRY = (
    "event_id uuid, collaborative_id uuid, indicator_id uuid, part text, period text, bucket integer,"
    " organization_id uuid, dimensions jsonb, restricted boolean, value bigint"
)
_AUDIT = "verb text, object_kind text, object_id uuid, version integer, organization_id uuid, user_id uuid"
_OUTBOX = "kind text, workflow_id text, task_id uuid, result text, trace text"
_MESSAGE = (
    "id uuid, referral_id uuid, task_id uuid, action_plan_id uuid, kind text, organization_id uuid,"
    " reader_organization_id uuid, user_id uuid,"
    " about_client boolean, consent_id uuid, body text, at timestamptz"
)
_COMMAND = "user_id uuid, organization_id uuid, key text, fingerprint bytea, status integer, body jsonb"


def _names(columns: str) -> str:
    return ", ".join(part.split()[0] for part in columns.split(", "))


def _insert(table: str, columns: str, rows: str, id: str = "") -> str:  # noqa: A002 - the column is called so
    """`id`: how the record itself makes one, where the rows bring none."""
    names = _names(columns)
    into, chosen = (f"id, {names}", f"{id}, {names}") if id else (names, names)
    given = f"json_to_recordset(cast(:{rows} as json)) as x({columns})"
    return f"{rows} as (insert into {table} ({into}) select {chosen} from {given})"


_INSERTS = {
    "events": _insert("event", _EVENT, "events"),
    "entries": _insert("indicator_entry", _ENTRY, "entries", "uuidv7()"),
    "audit": _insert("audit", _AUDIT, "audit", "uuidv7()"),
    "outbox": _insert("outbox", _OUTBOX, "outbox"),
    "messages": _insert("message", _MESSAGE, "messages"),
    "commands": _insert("command", _COMMAND, "commands"),
}


@lru_cache
def _append(names: tuple[str, ...]) -> TextClause:
    """Only tables that get rows are named: each costs time, and the engine has no right to name what people say."""
    return text(f"with {', '.join(_INSERTS[name] for name in names)} select 1")
