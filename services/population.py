"""Observed values of the whole population in a snapshot: with source, date and geography (decision 32)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import text

from domain.span import Span
from services.observations import REGION
from services.published import Figure, Observed, PublishedIndicator
from services.transaction import Tx

COPIED = (
    "code", "version", "name", "definition", "kind", "unit", "direction", "strategy", "baseline", "target",
    "threshold",
)  # fmt: skip
"""What a snapshot takes over of an indicator as it is."""


def observed(tx: Tx, indicators: Iterable[Any], span: Span) -> list[PublishedIndicator]:
    """Of each population measure, for each geography, the newest value that is not of a time after the period."""
    rows = [row for row in indicators if row.rule["measure"] == "observed"]
    seen: dict[str, list[Figure]] = {row.code: [] for row in rows}
    for value in tx.rows(_NEWEST, codes=list(seen), last=span.ends_on):
        seen[value.code].append(
            Figure(
                by={} if value.geography == REGION else {"county": value.geography},
                value=value.value,
                observed=Observed(period=value.period, on=value.observed_on, source=value.source),
                suppressed=False,
                complete=None,
            )
        )
    return [
        PublishedIndicator(
            **{name: getattr(row, name) for name in COPIED},
            measure="observed",
            baseline_period=row.baseline is None,
            figures=seen[row.code],
        )
        for row in rows
    ]


_NEWEST = text(
    """
select distinct on (code, geography) code, geography, period, value, observed_on, source
  from indicator_observation
 where collaborative_id = app.collaborative() and code = any(cast(:codes as text[]))
   and cast(period || case length(period) when 4 then '-01-01' else '-01' end as date) <= :last
 order by code, geography, period collate "C" desc, seq desc
"""
)
