"""What everybody may read without a name: published snapshots, as they were published."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from services.published import Content, Snapshot, Snapshots
from services.refusals import NotVisible
from services.transaction import Record

MOST = 36


def published(
    record: Record,
    *,
    collaborative: str | None = None,
    period: str | None = None,
    version: int | None = None,
    indicator: str | None = None,
    limit: int = 12,
) -> Snapshots:
    """Newest periods first, of each its last version unless one is asked for. Raises NotVisible."""
    with record.database.transaction() as connection:
        rows = connection.execute(
            _PUBLISHED,
            {"collaborative": collaborative, "period": period, "version": version, "limit": min(limit, MOST)},
        ).all()
    items = [_snapshot(row, indicator) for row in rows]
    named = collaborative or period or version or indicator
    if named and not any(item.indicators or item.left_out for item in items):
        raise NotVisible
    return Snapshots(items=items)


def _snapshot(row: Any, indicator: str | None) -> Snapshot:
    columns = row._mapping
    content = Content.model_validate(columns["body"])
    if indicator is not None:
        content.indicators = [one for one in content.indicators if one.code == indicator]
        content.left_out = [one for one in content.left_out if one.indicator == indicator]
        told = content.explanation
        told.changes = [one for one in told.changes if one.indicator == indicator]
        told.corrections = [one for one in told.corrections if one.indicator == indicator]
        told.in_words = [one for one in told.in_words if one.indicator == indicator]
    return Snapshot(
        **{name: getattr(content, name) for name in Content.model_fields},
        collaborative=columns["collaborative_slug"],
        **{name: columns[name] for name in Snapshot.model_fields if name in columns},
    )


_PUBLISHED = text("select * from app.published(:collaborative, :period, :version, :limit)")
