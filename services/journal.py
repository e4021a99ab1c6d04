"""Everything that a decision appends, written in one statement:
events, ledger, audit, outbox, messages, the command seen.

Appending never waits for a stranger: no row here is shared with another transaction (decision 1).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text
from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A UUIDv7: ids made later sort later, so indexes grow at one end."""
    return uuid7()


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
            self.outbox.append({"kind": "look", "workflow_id": workflow_id})

    def complete(self, workflow_id: str, task_id: UUID, result: str) -> None:
        """End the task's activity; `result` is its state, a code."""
        self.outbox.append({"kind": "complete", "workflow_id": workflow_id, "task_id": task_id, "result": result})

    def write(self, connection: Connection) -> None:
        """In the caller's transaction, after everything that may still refuse."""
        values = {name: _json(getattr(self, name)) for name in self.__slots__}
        if self.messages or self.commands:
            connection.execute(_WRITE, values)
        elif any(value != "[]" for value in values.values()):
            connection.execute(_WRITE_AS_ENGINE, {name: values[name] for name in _ENGINE_WRITES})


def _json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, default=str) if rows else "[]"


_EVENT = (
    "id uuid, collaborative_id uuid, kind text, at timestamptz, occurred_at timestamptz, day date, referral_id uuid,"
    " task_id uuid, action_plan_id uuid, need_id uuid, version integer, organization_id uuid,"
    " source_organization_id uuid,"
    " acting_organization_id uuid, user_id uuid, on_behalf_of uuid, person_id uuid, from_state text, to_state text,"
    " reason text, settled jsonb, facts jsonb, dimensions jsonb, reverses jsonb, restricted boolean"
)
_ENTRY = (
    "event_id uuid, collaborative_id uuid, indicator_id uuid, part text, period text, bucket integer,"
    " organization_id uuid, dimensions jsonb, restricted boolean, value bigint"
)
_AUDIT = "verb text, object_kind text, object_id uuid, version integer, organization_id uuid, user_id uuid"
_OUTBOX = "kind text, workflow_id text, task_id uuid, result text"
_MESSAGE = (
    "id uuid, referral_id uuid, task_id uuid, kind text, organization_id uuid, reader_organization_id uuid,"
    " user_id uuid,"
    " about_client boolean, consent_id uuid, body text, at timestamptz"
)
_COMMAND = "user_id uuid, organization_id uuid, key text, fingerprint bytea, status integer, body jsonb"


def _names(columns: str) -> str:
    return ", ".join(part.split()[0] for part in columns.split(", "))


_ENGINE_WRITES = ("events", "entries", "audit", "outbox")
_APPEND = f"""
with e as (insert into event ({_names(_EVENT)})
           select {_names(_EVENT)} from jsonb_to_recordset(cast(:events as jsonb)) as x({_EVENT})),
     i as (insert into indicator_entry (id, {_names(_ENTRY)})
           select uuidv7(), {_names(_ENTRY)} from jsonb_to_recordset(cast(:entries as jsonb)) as x({_ENTRY})),
     a as (insert into audit (id, {_names(_AUDIT)})
           select uuidv7(), {_names(_AUDIT)} from jsonb_to_recordset(cast(:audit as jsonb)) as x({_AUDIT})),
     o as (insert into outbox ({_names(_OUTBOX)})
           select {_names(_OUTBOX)} from jsonb_to_recordset(cast(:outbox as jsonb)) as x({_OUTBOX}))
"""
_WRITE_AS_ENGINE = text(f"{_APPEND}select 1")
"""What people say, and which commands they sent, are tables that the engine has no right to: it must not name them."""
_WRITE = text(
    f"""{_APPEND},
     m as (insert into message ({_names(_MESSAGE)})
           select {_names(_MESSAGE)} from jsonb_to_recordset(cast(:messages as jsonb)) as x({_MESSAGE})),
     c as (insert into command ({_names(_COMMAND)})
           select {_names(_COMMAND)} from jsonb_to_recordset(cast(:commands as jsonb)) as x({_COMMAND}))
select 1
"""
)
