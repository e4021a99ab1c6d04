"""The shared numbers: the ledger, its totals, and what makes a person count once (decisions 1 and 11)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, Table, text

from storage.tables.columns import ID, JSON, TEXT, metadata, plain

KEY = (
    "collaborative_id",
    "indicator_id",
    "period",
    "part",
    "bucket",
    "organization_id",
    "dimensions",
    "restricted",
)

indicator_entry = Table(
    "indicator_entry",
    metadata,
    plain("id", ID, primary_key=True),
    plain("event_id", ID, ForeignKey("event.id")),
    plain("collaborative_id", ID),
    plain("indicator_id", ID, ForeignKey("indicator.id")),
    plain("part", TEXT),
    plain("period", TEXT),
    plain("bucket", Integer),
    plain("organization_id", ID, required=False),
    plain("dimensions", JSON),
    plain("restricted", Boolean),
    plain("value", BigInteger),
    Index(
        "indicator_entry_key",
        "event_id",
        "indicator_id",
        "part",
        "period",
        "bucket",
        "organization_id",
        "dimensions",
        "restricted",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
    Index("indicator_entry_indicator_id_idx", "indicator_id", "period"),
)

entry_unfolded = Table(
    "entry_unfolded",
    metadata,
    plain("entry_id", ID, ForeignKey("indicator_entry.id"), primary_key=True),
    plain("indicator_id", ID),
    Index("entry_unfolded_indicator_id_idx", "indicator_id"),
)

indicator_total = Table(
    "indicator_total",
    metadata,
    plain("collaborative_id", ID),
    plain("indicator_id", ID, ForeignKey("indicator.id")),
    plain("period", TEXT),
    plain("part", TEXT),
    plain("bucket", Integer),
    plain("organization_id", ID, required=False),
    plain("dimensions", JSON),
    plain("restricted", Boolean),
    plain("value", BigInteger),
    Index(
        "indicator_total_key",
        "indicator_id",
        "period",
        "part",
        "bucket",
        "organization_id",
        "dimensions",
        "restricted",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
)

indicator_touch = Table(
    "indicator_touch",
    metadata,
    plain("event_id", ID, primary_key=True),
    plain("indicator_id", ID, ForeignKey("indicator.id"), primary_key=True),
    plain("grain", TEXT, primary_key=True),
    plain("person_id", ID),
    plain("step", Integer),
)

indicator_live = Table(
    "indicator_live",
    metadata,
    plain("indicator_id", ID, ForeignKey("indicator.id"), primary_key=True),
    plain("grain", TEXT, primary_key=True),
    plain("person_id", ID, primary_key=True),
    plain("touches", Integer),
    Index("indicator_live_person_id_idx", "person_id", postgresql_where=text("touches > 0")),
)
