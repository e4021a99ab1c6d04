"""The shared numbers: the ledger, its totals, and what makes a person count once (decisions 1 and 11)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    text,
)

from storage.tables.columns import ID, INSTANT, JSON, TEXT, metadata, plain

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
    Index("indicator_total_whole_idx", "indicator_id", "period", postgresql_where=text("dimensions = '{}'::jsonb")),
    Index("indicator_total_restricted_idx", "indicator_id", "period", postgresql_where=text("restricted")),
)

region_total = Table(
    "region_total",
    metadata,
    plain("collaborative_id", ID),
    plain("indicator_id", ID, ForeignKey("indicator.id")),
    plain("period", TEXT),
    plain("part", TEXT),
    plain("bucket", Integer),
    plain("grouped_by", TEXT),
    plain("dimensions", JSON),
    plain("value", BigInteger),
    PrimaryKeyConstraint("indicator_id", "grouped_by", "period", "part", "bucket", "dimensions"),
)

indicator_touch = Table(
    "indicator_touch",
    metadata,
    plain("event_id", ID, primary_key=True),
    plain("indicator_id", ID, ForeignKey("indicator.id"), primary_key=True),
    plain("grain", TEXT, primary_key=True),
    plain("person_id", ID, primary_key=True),
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

indicator_observation = Table(
    "indicator_observation",
    metadata,
    plain("id", ID, primary_key=True),
    plain("seq", BigInteger, Identity(always=True)),
    plain("collaborative_id", ID, ForeignKey("collaborative.id")),
    plain("code", TEXT),
    plain("period", TEXT),
    plain("geography", TEXT),
    plain("value", Double),
    plain("observed_on", Date),
    plain("source", TEXT),
    plain("recorded_by", ID, ForeignKey("user_account.id"), required=False),
    plain("recorded_at", INSTANT, server_default=text("now()")),
    Index("indicator_observation_code_idx", "collaborative_id", "code", "period", "geography", "seq"),
)
