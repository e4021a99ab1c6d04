"""What partners say about figures, and what was decided because of them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, Table, text

from storage.tables.columns import ID, INSTANT, TEXT, metadata, personal, plain

story = Table(
    "story",
    metadata,
    plain("id", ID, primary_key=True),
    plain("collaborative_id", ID, ForeignKey("collaborative.id")),
    plain("organization_id", ID, ForeignKey("organization.id")),
    plain("indicator_code", TEXT),
    plain("period", TEXT),
    personal("body", TEXT, required=True),
    plain("released_at", INSTANT, required=False),
    plain("released_by", ID, ForeignKey("user_account.id"), required=False),
    plain("created_by", ID, ForeignKey("user_account.id")),
    plain("created_at", INSTANT),
    plain("version", Integer, server_default="1"),
    CheckConstraint("period ~ '^[0-9]{4}(-[0-9]{2})?$'", name="period"),
    CheckConstraint("(released_at is null) = (released_by is null)", name="release"),
    Index("story_indicator_idx", "collaborative_id", "indicator_code", text("period desc"), text("id desc")),
)

decision = Table(
    "decision",
    metadata,
    plain("id", ID, primary_key=True),
    plain("collaborative_id", ID, ForeignKey("collaborative.id")),
    plain("organization_id", ID, ForeignKey("organization.id")),
    plain("indicator_code", TEXT),
    personal("body", TEXT, required=True),
    plain("owner_organization_id", ID, ForeignKey("organization.id")),
    plain("due_on", Date),
    plain("done_at", INSTANT, required=False),
    plain("done_by", ID, ForeignKey("user_account.id"), required=False),
    plain("created_by", ID, ForeignKey("user_account.id")),
    plain("created_at", INSTANT),
    plain("version", Integer, server_default="1"),
    CheckConstraint("(done_at is null) = (done_by is null)", name="done"),
    Index("decision_indicator_idx", "collaborative_id", "indicator_code", "due_on", "id"),
)
