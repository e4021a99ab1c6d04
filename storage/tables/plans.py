"""Action plans: the pathways that the collaborative agreed on."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Integer, Table, UniqueConstraint, text

from storage.tables.columns import ID, INSTANT, JSON, TEXT, metadata, plain

plan_template = Table(
    "plan_template",
    metadata,
    plain("id", ID, primary_key=True, server_default=text("uuidv7()")),
    plain("collaborative_id", ID, ForeignKey("collaborative.id")),
    plain("code", TEXT),
    plain("version", Integer),
    plain("name", TEXT),
    plain("definition", TEXT),
    plain("strategy", TEXT),
    plain("body", JSON),
    plain("digest", TEXT),
    plain("loaded_at", INSTANT, server_default=text("now()")),
    plain("loaded_by", TEXT, required=False),
    UniqueConstraint("collaborative_id", "code", "version"),
    CheckConstraint("code ~ '^[a-z][a-z0-9_]{0,62}$'", name="code"),
    CheckConstraint("version > 0", name="version"),
    CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="digest"),
)
