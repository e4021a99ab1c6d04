"""The scorecard: every indicator with its newest periods, for the whole region, asked for in one question.

It reads totals by index, plus what is not folded yet: as much as was agreed on, however much happened.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sqlalchemy import text

from domain.period import MONTH
from domain.rule import Rule
from services import measure_shapes
from services.figures import Asked, series
from services.indicators import COLUMNS, shape_of
from services.margins import REGION
from services.spans import moved
from services.transaction import Call, Record, Tx, read


def get_scorecard(record: Record, call: Call, *, periods: int = 12) -> measure_shapes.Scorecard:
    """Of each indicator the version that counts today, with its last `periods` months, the running one included.

    What is counted by the year only comes with the years in which these months lie.
    """

    def look(tx: Tx) -> measure_shapes.Scorecard:
        today = tx.agenda.region().local_date(tx.now)
        start = moved(MONTH.holding(today), 1 - periods)
        rows = tx.rows(_SCORECARD, start=start)
        return measure_shapes.Scorecard(indicators=[_shown(row, start, MONTH.holding(today)) for row in rows])

    return read(record, call, look)


def _shown(row: Any, start: str, today: str) -> measure_shapes.Indicator:
    rule = Rule.parse(row.rule)
    lines = [SimpleNamespace(period=p, part=part, bucket=bucket, by=None, value=v) for p, part, bucket, v in row.lines]
    if rule.distinct:
        lines = [line for line in lines if rule.told_by.names(line.period)]
        return shape_of(row, rule).model_copy(update={"series": series(rule, lines, Asked(rule.told_by), today)})
    return shape_of(row, rule).model_copy(update={"series": series(rule, lines, Asked(MONTH, start=start), today)})


# A level needs all that entered and left before; what is counted by the year only has years for periods.
_NEEDED = """
(n.rule ->> 'measure' = 'level' or b.period >= :start or (length(b.period) = 4 and b.period >= left(:start, 4)))
"""
_SCORECARD = text(
    f"""
with now as materialized (
    select distinct on (code) {COLUMNS} from indicator
     where collaborative_id = app.collaborative() and standing = 'in_force' and app.current(effective_on, ends_on)
       and not scorecard
     order by code, effective_on desc, version desc)
select n.*, coalesce(f.lines, '[]') as lines
  from now n
  left join lateral (
    select jsonb_agg(jsonb_build_array(x.period, x.part, x.bucket, x.value)) as lines from (
        select b.period, b.part, b.bucket, sum(b.value)::bigint as value
          from ({REGION.replace(":id", "n.id")}) b
         where b.grouped_by = '' and {_NEEDED}
         group by 1, 2, 3) x) f on true
 order by n.code
"""
)
