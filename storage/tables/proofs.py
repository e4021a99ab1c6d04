"""How far the shared numbers are proven: what `concert indicators verify` leaves behind for its next run."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Numeric, Table

from storage.tables.columns import ID, INSTANT, TEXT, metadata, plain

verified_mark = Table(
    "verified_mark",
    metadata,
    plain("seq", BigInteger, primary_key=True, autoincrement=False),
    plain("at", INSTANT),
    plain("basis", TEXT),
    plain("events", BigInteger),
    plain("events_sum", Numeric),
    plain("touches_sum", Numeric),
)

verified_figure = Table(
    "verified_figure",
    metadata,
    plain("indicator_id", ID, ForeignKey("indicator.id"), primary_key=True),
    plain("period", TEXT, primary_key=True),
    plain("entries", BigInteger),
    plain("ledger_sum", Numeric),
)
