"""Reading the shared numbers: totals plus what is not folded yet, in one statement,
so that no committed event is missing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import text

from domain import groups
from domain.indicator import Rule
from services import shapes
from services.margins import SPLIT
from services.refusals import NotVisible, Unprocessable
from services.transaction import Call, Record, Tx, read

DIMENSIONS = ("organization", *groups.DIMENSIONS)
After = tuple[Any, ...] | None


def list_indicators(record: Record, call: Call) -> list[shapes.Indicator]:
    """The collaborative's short list, current versions, without figures."""
    return read(
        record,
        call,
        lambda tx: [shapes.Indicator.model_validate(row) for row in tx.rows(_CURRENT, code=None)],
    )


def get_indicator(
    record: Record,
    call: Call,
    code: str,
    *,
    start: str | None = None,
    end: str | None = None,
    by: str | None = None,
    period: str = "month",
) -> shapes.Indicator:
    """One indicator with its series, `start` and `end` (`2026-11`) included. `by` one of DIMENSIONS.

    A confidential provider's work is in no live figure but its own: row security leaves it out (decision 19, ADR 0005).
    """

    def look(tx: Tx) -> shapes.Indicator:
        row = _definition(tx, code)
        rule = Rule.parse(row.rule)
        _check(rule, by, period)
        rows = tx.rows(
            _SERIES[by],
            id=row.id,
            start=start or "0000",
            end=(end or "9999") + "~",
            length=4 if period == "year" else 7,
        )
        return shapes.Indicator.model_validate(row).model_copy(update={"series": _series(rule, rows, by, period)})

    return read(record, call, look)


def indicator_events(
    record: Record, call: Call, code: str, *, period: str, after: After = None, limit: int = 50
) -> list[tuple[int, shapes.Event]]:
    """The events behind a figure that the caller may see, in order, each with its sequence number;
    `after` is (seq,).
    """

    def look(tx: Tx) -> list[tuple[int, shapes.Event]]:
        row = _definition(tx, code)
        rows = tx.rows(_EVENTS, id=row.id, period=period, after=after[0] if after else 0, limit=limit)
        return [(r.seq, shapes.Event.model_validate(r)) for r in rows]

    return read(record, call, look)


def _definition(tx: Tx, code: str) -> Any:
    row = tx.row(_CURRENT, code=code)
    if row is None:
        raise NotVisible
    return row


def _check(rule: Rule, by: str | None, period: str) -> None:
    if by is not None and by not in rule.by:
        raise Unprocessable(f"This indicator is counted by {', '.join(rule.by) or 'nothing'} only.", pointer="/by")
    if rule.measure == "distinct":
        if period not in rule.periods:
            raise Unprocessable(f"Distinct clients are counted per {', '.join(rule.periods)} only.", pointer="/period")
    elif by == "organization" and rule.credit == "region":
        raise Unprocessable("This result counts once for the region and is nobody's alone.", pointer="/by")


def _series(rule: Rule, rows: Iterable[Any], by: str | None, period: str) -> list[shapes.Point]:
    cells: dict[tuple[str, str | None], Counter[tuple[str, int]]] = defaultdict(Counter)
    for row in rows:
        cell = (row.period[:4] if period == "year" else row.period, row.by)
        cells[cell][row.part, row.bucket] += int(row.value)
    ordered = sorted(cells, key=lambda cell: (cell[0], cell[1] or ""))
    return [_point(rule, *cell, cells[cell], by) for cell in ordered]


def _point(rule: Rule, period: str, cell: str | None, parts: Counter[tuple[str, int]], by: str | None) -> shapes.Point:
    label = {by: cell if cell is not None else "unknown"} if by else {}
    if rule.measure == "rate":
        top, bottom = parts["numerator", 0], parts["denominator", 0]
        value = round(top / bottom, 4) if bottom else None
        return shapes.Point(period=period, value=value, numerator=top, denominator=bottom, by=label)
    if rule.measure == "median":
        buckets = {bucket: n for (part, bucket), n in parts.items() if part == "bucket" and n > 0}
        waiting = parts["entered", 0] - sum(buckets.values()) - parts["left", 0]
        return shapes.Point(
            period=period,
            value=median(buckets),
            denominator=sum(buckets.values()),
            waiting=max(0, waiting),
            by=label,
        )
    return shapes.Point(period=period, value=parts["value", 0], by=label)


def median(buckets: dict[int, int]) -> float | None:
    """Exact to the unit: of an even number of cases the mean of the middle two."""
    total = sum(buckets.values())
    if total == 0:
        return None
    at = [(total - 1) // 2, total // 2]
    found: list[int] = []
    seen = 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        while len(found) < 2 and at[len(found)] < seen:
            found.append(bucket)
    return sum(found) / 2


_CURRENT = text(
    """
select distinct on (code) id, code, version, name, kind, unit, direction, definition, strategy,
       owner_organization_id, rule,
       baseline, target
  from indicator
 where collaborative_id = app.collaborative() and app.current(effective_on, null)
   and (cast(:code as text) is null or code = :code)
 order by code, version desc
"""
)
_BOTH = f"""
select t.period, t.part, t.bucket, t.organization_id, t.dimensions, t.value
  from indicator_total t where t.indicator_id = :id
union all
select e.period, e.part, e.bucket, e.organization_id, m.dimensions, e.value
  from entry_unfolded u join indicator_entry e on e.id = u.entry_id join indicator i on i.id = e.indicator_id {SPLIT}
 where u.indicator_id = :id
"""


def _series_sql(by: str, keep: str) -> str:
    return f"""
select b.period, b.part, b.bucket, {by} as by, sum(b.value) as value from ({_BOTH}) b
  join indicator i on i.id = :id
 where b.period collate "C" >= :start and b.period collate "C" <= :end
   and (i.rule ->> 'measure' <> 'distinct' or length(b.period) = :length) and {keep}
 group by 1, 2, 3, 4
"""


# Of a distinct count the region has cells of its own; of all others its figure is the sum of the owners'.
_REGION = "(b.organization_id is null or i.rule ->> 'measure' <> 'distinct')"
_SERIES = {
    None: text(_series_sql("cast(null as text)", f"{_REGION} and b.dimensions = '{{}}'")),
    "organization": text(
        _series_sql(
            "cast(b.organization_id as text)",
            "(b.organization_id is not null or i.rule ->> 'measure' <> 'distinct') and b.dimensions = '{}'",
        )
    ),
} | {name: text(_series_sql(f"b.dimensions ->> '{name}'", f"b.dimensions ? '{name}'")) for name in groups.DIMENSIONS}
_EVENTS = text(
    """
select e.seq, e.id, e.at, e.occurred_at, e.kind, e.task_id, e.referral_id, e.action_plan_id, e.organization_id,
       e.acting_organization_id, e.user_id, e.on_behalf_of, e.from_state, e.to_state, e.reason
  from event e
 where e.seq > :after
   and e.id in (select n.event_id from indicator_entry n where n.indicator_id = :id and n.period like :period || '%')
 order by e.seq limit :limit
"""
)
