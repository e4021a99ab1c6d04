"""What makes the engine go on and what proves what was done: outbox, commands seen, audit and its seal."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Identity, Index, Integer, LargeBinary, Table, text

from storage.tables.columns import ID, INSTANT, JSON, TEXT, metadata, plain

outbox = Table(
    "outbox",
    metadata,
    plain("id", BigInteger, Identity(always=True), primary_key=True),
    plain("kind", TEXT),
    plain("workflow_id", TEXT, required=False),
    plain("task_id", ID, required=False),
    plain("result", TEXT, required=False),
    plain("created_at", INSTANT, server_default=text("clock_timestamp()")),
    plain("due_at", INSTANT, server_default=text("clock_timestamp()")),
    plain("attempts", Integer, server_default="0"),
    plain("error", TEXT, required=False),
    plain("dead", Boolean, server_default="false"),
    plain("trace", TEXT, required=False),
    plain("event_id", ID, required=False),
    plain("taken_by", JSON, server_default="[]"),
    CheckConstraint("kind in ('complete', 'look', 'event')", name="kind"),
    CheckConstraint(
        "(kind = 'event') = (event_id is not null) and (kind = 'event') = (workflow_id is null)", name="of"
    ),
    CheckConstraint("trace ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$'", name="trace"),
    Index("outbox_due_idx", "due_at", "id", postgresql_where=text("kind <> 'event' and not dead")),
    Index("outbox_event_idx", "due_at", "id", postgresql_where=text("kind = 'event' and not dead")),
)

command = Table(
    "command",
    metadata,
    plain("user_id", ID, primary_key=True),
    plain("organization_id", ID, primary_key=True),
    plain("key", TEXT, primary_key=True),
    plain("fingerprint", LargeBinary),
    plain("status", Integer),
    plain("body", JSON),
    plain("at", INSTANT, server_default=text("clock_timestamp()")),
    Index("command_at_idx", "at"),
)

audit = Table(
    "audit",
    metadata,
    plain("id", ID, primary_key=True),
    plain("at", INSTANT, server_default=text("clock_timestamp()")),
    plain("verb", TEXT),
    plain("object_kind", TEXT),
    plain("object_id", ID),
    plain("version", Integer, required=False),
    plain("organization_id", ID, required=False),
    plain("user_id", ID, required=False),
    Index("audit_object_idx", "object_id"),
)

audit_unsealed = Table(
    "audit_unsealed",
    metadata,
    plain("audit_id", ID, primary_key=True),
)

audit_seal = Table(
    "audit_seal",
    metadata,
    plain("seq", BigInteger, primary_key=True, autoincrement=False),
    plain("audit_id", ID, unique=True),
    plain("hash", LargeBinary),
)

service_heartbeat = Table(
    "service_heartbeat",
    metadata,
    plain("role", TEXT, primary_key=True),
    plain("instance", TEXT, primary_key=True),
    plain("at", INSTANT),
)

engine_finding = Table(
    "engine_finding",
    metadata,
    plain("case_id", ID, primary_key=True),
    plain("kind", TEXT),
    plain("trouble", TEXT, primary_key=True),
    plain("code", TEXT),
    plain("restricted", Boolean),
    plain("since", INSTANT, server_default=text("clock_timestamp()")),
    plain("seen_at", INSTANT, server_default=text("clock_timestamp()")),
    CheckConstraint("kind in ('referral', 'plan')", name="kind"),
    CheckConstraint("trouble in ('failing', 'missing', 'behind', 'stray', 'unwatched')", name="trouble"),
)
