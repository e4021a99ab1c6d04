"""Published snapshots of closed periods: what everybody may read, as it was published."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Integer, Table, UniqueConstraint

from storage.tables.columns import ID, INSTANT, JSON, TEXT, metadata, plain

publication = Table(
    "publication",
    metadata,
    plain("id", ID, primary_key=True),
    plain("collaborative_id", ID, ForeignKey("collaborative.id")),
    plain("period", TEXT),
    plain("version", Integer),
    plain("starts_on", Date),
    plain("ends_on", Date),
    plain("published_at", INSTANT),
    plain("published_by", ID, ForeignKey("user_account.id")),
    plain("threshold", Integer),
    plain("agenda_version", Integer),
    plain("up_to", BigInteger),
    plain("body", JSON),
    UniqueConstraint("collaborative_id", "period", "version"),
    CheckConstraint("version > 0", name="version"),
    CheckConstraint("threshold > 1", name="threshold"),
    CheckConstraint("ends_on >= starts_on", name="ends_on"),
)
