"""Reading the shared numbers: totals plus what is not folded yet, in one statement,
so that no committed event is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import text

from domain import groups
from domain.period import CALENDAR_YEAR, MONTH, Grain, first_day
from domain.rule import Rule
from services import measure_shapes
from services.figures import Asked, series, shares_of_unknown
from services.margins import REGION, SPLIT
from services.refusals import NotVisible, Unprocessable
from services.sensitive import reads_exactly, told_as_one
from services.transaction import Call, Record, Tx, Work, read
from services.withholding import of_scorecard, threshold_of, withheld

DIMENSIONS = ("organization", *groups.DIMENSIONS)
RANGE = "range"
"""Instead of a period: one figure for everything from the first month to the last."""


def list_indicators(record: Record, call: Call) -> list[measure_shapes.Indicator]:
    """The collaborative's short list, current versions, without figures."""

    def look(tx: Tx) -> list[measure_shapes.Indicator]:
        return [shape_of(row, Rule.parse(row.rule)) for row in tx.rows(_CURRENT)]

    return read(record, call, look)


def get_indicator(
    record: Record,
    call: Call,
    code: str,
    *,
    start: str | None = None,
    end: str | None = None,
    by: str | None = None,
    period: str = "month",
    version: int | None = None,
) -> measure_shapes.Indicator:
    """One indicator with its series, `start` and `end` (`2026-11`) included. `by` one of DIMENSIONS.

    Each period is told by the version that stood when it began; `version` tells them all by that one, so that old
    figures stay what they were. A confidential provider's work is in no live figure but its own: row security leaves
    it out (decision 19, ADR 0005). Of the region's figures by group partners are not told the small ones, and all by
    month only (422 else): answers for overlapping periods could be subtracted (ADR 14). Of a month in a public period
    they are told the groups that its own snapshot shows. Of a scorecard's figure nobody but the partner itself is told
    what is not told yet (ADR 19). Of sensitive needs the backbone is told by term together, and what counts only such
    needs as partners are.
    """

    def look(tx: Tx) -> measure_shapes.Indicator:
        versions = in_force(tx, code)
        shown = _shown(tx, versions, version)
        grain, sensitive = _grain(tx, period), told_as_one(tx) if by else frozenset()
        found: list[measure_shapes.Point] = []
        for one in versions:
            if version is None or one.version == version:
                asked = Asked(grain, by, start, end, sensitive if by == "term" else frozenset())
                points = figures_of(tx, one, versions, asked, alone=version is not None)
                if one.scorecard:
                    found += of_scorecard(tx, points, asked)
                else:
                    exactly, again = reads_exactly(tx, one, sensitive), version is not None
                    found += points if exactly else withheld(tx, one, points, asked, again=again)
        found.sort(key=lambda point: (point.period, *point.by.values()))
        return shape_of(shown, Rule.parse(shown.rule)).model_copy(
            update={"series": found, "versions": _told(versions), **_beside(tx, shown)}
        )

    return read(record, call, look)


def region_figures(work: Work, code: str, grain: Grain) -> list[measure_shapes.Point]:
    """The whole region's open figures as they stand, each period by its version; none if no version is in force. In
    the caller's transaction, which knows its collaborative and may see more."""
    versions = work.rows(_IN_FORCE, code=code)
    told = [one for one in versions if not (rule := Rule.parse(one.rule)).distinct or grain in rule.grains]
    return [point for one in told for point in figures_of(work, one, versions, Asked(grain), alone=False)]


def standing(versions: Sequence[Any], grain: Grain | None, period: str) -> Any:
    """The version that tells a period."""
    return telling(versions, begun(grain, period))


def begun(grain: Grain | None, period: str) -> date:
    """Its first day."""
    return first_day(period.partition("..")[0]) if grain is None else grain.dates(period)[0]


def telling(versions: Sequence[Any], begun: date) -> Any:
    """The last that was in effect when the period began, else the first to come; `versions` by their day."""
    before = [one for one in versions if one.effective_on <= begun]
    return before[-1] if before else versions[0]


def in_force(tx: Work, code: str) -> list[Any]:
    """All versions in force, by the day from which they count. In the caller's transaction; raises NotVisible."""
    rows = tx.rows(_IN_FORCE, code=code)
    if not rows:
        raise NotVisible
    return rows


def _shown(tx: Work, versions: Sequence[Any], version: int | None) -> Any:
    """The version whose words are shown: the one asked for, else today's."""
    if version is None:
        today = MONTH.holding(tx.agenda.region().local_date(tx.now))
        return standing(versions, MONTH, today)
    found = [one for one in versions if one.version == version]
    if not found:
        raise Unprocessable(
            "There is no such version in force. Leave it out: the answer's `versions` lists them.", pointer="/version"
        )
    return found[0]


def _grain(tx: Work, period: str) -> Grain | None:
    """Raises Unprocessable for a calendar that the agenda does not name."""
    if period == RANGE:
        return None
    known: dict[str, Grain] = {MONTH.code: MONTH, CALENDAR_YEAR.code: CALENDAR_YEAR, **tx.agenda.calendars}
    if period not in known:
        raise Unprocessable(f"There are the periods {', '.join(known)} and {RANGE}.", pointer="/period")
    return known[period]


def figures_of(tx: Work, one: Any, versions: Sequence[Any], asked: Asked, *, alone: bool) -> list[measure_shapes.Point]:
    """Of one version, in the periods in which it stands, until it ends. In the caller's transaction."""
    rule = Rule.parse(one.rule)
    grain = _check(rule, asked)
    if rule.observed:
        return _observed(tx, one, asked) if alone or one is versions[-1] else []
    rows = tx.rows(_SERIES[asked.by], id=one.id, **_bounds(rule, grain, asked))
    today = MONTH.holding(tx.agenda.region().local_date(tx.now))
    points = series(rule, rows, asked, today)
    if rule.distinct and asked.grain is None:
        points = [point.model_copy(update={"period": f"{asked.start}..{asked.end}"}) for point in points]
    told = [p for p in points if alone or standing(versions, asked.grain, p.period) is one]
    if one.ends_on is not None:
        told = [p for p in told if begun(asked.grain, p.period) <= one.ends_on]
    return [point.model_copy(update={"version": one.version}) for point in told]


def _bounds(rule: Rule, grain: Grain, asked: Asked) -> dict[str, Any]:
    """Which periods of the ledger are needed. What was counted by month is folded; a level needs all before it too."""
    if not rule.distinct:
        start = "" if rule.measure == "level" else asked.start or ""
        return {"like": "____-__", "start": start, "end": asked.end or "~"}
    like = {MONTH.code: "____-__", CALENDAR_YEAR.code: "____"}.get(grain.code, f"{grain.code}:____")
    first = grain.holding(first_day(asked.start)) if asked.start else ""
    return {"like": like, "start": first, "end": grain.holding(first_day(asked.end)) if asked.end else "~"}


def _check(rule: Rule, asked: Asked) -> Grain:
    """The grain of the ledger that answers; raises Unprocessable where none can (decision 11)."""
    if asked.by is not None and asked.by not in rule.by:
        raise Unprocessable(counted_by(rule), pointer="/by")
    if asked.grain is None and not (asked.start and asked.end):
        raise Unprocessable("One figure for a range needs its first and its last month.", pointer="/from")
    if asked.start and asked.end and asked.start > asked.end:
        raise Unprocessable("The first month comes after the last.", pointer="/from")
    if not rule.distinct:
        return MONTH
    if asked.grain is not None:
        check_grain(rule, asked.grain)
    grains = rule.grains if asked.grain is None else (asked.grain,)
    fitting = [grain for grain in grains if _whole(grain, asked)]
    if not fitting:
        raise Unprocessable(
            "Who counts once in each month may count again in the next: months do not add up. Ask for whole periods of"
            f" {', '.join(grain.code for grain in grains)}.",
            pointer="/from",
        )
    return fitting[0]


def check_grain(rule: Rule, grain: Grain) -> None:
    """Raises Unprocessable where somebody counts once, but not by this grain."""
    if rule.distinct and grain not in rule.grains:
        told = ", ".join(each.code for each in rule.grains)
        raise Unprocessable(f"Who counts once is counted per {told} only.", pointer="/period")


def counted_by(rule: Rule) -> str:
    """Why a dimension cannot be asked for, in words."""
    if not rule.by:
        return "This indicator has one figure for the whole region: leave 'by' out."
    return f"This indicator is counted by {', '.join(rule.by)} only."


def _whole(grain: Grain, asked: Asked) -> bool:
    """Whether the range cuts none of the grain's periods; one figure needs to be exactly one of them."""
    first = grain.months(grain.holding(first_day(asked.start))) if asked.start else ()
    last = grain.months(grain.holding(first_day(asked.end))) if asked.end else ()
    uncut = (not first or first[0] == asked.start) and (not last or last[-1] == asked.end)
    return uncut and (asked.grain is not None or first == last)


def _observed(tx: Work, one: Any, asked: Asked) -> list[measure_shapes.Point]:
    """A population's figures are those of the whole region; of its parts, `observations` tell."""
    rows = [row for row in tx.rows(_OBSERVED, code=one.code) if row.geography == "region"]
    held = [row for row in rows if (asked.start or "") <= row.period[:7] and row.period[:4] <= (asked.end or "~")[:4]]
    return [measure_shapes.Point(period=row.period, value=row.value, version=one.version) for row in held]


def _beside(tx: Tx, shown: Any) -> dict[str, Any]:
    """What stands beside the figures: how much they can know, and what was observed."""
    if shown.measures == "population":
        return {
            "observations": [
                measure_shapes.Observation.model_validate(row) for row in tx.rows(_OBSERVED, code=shown.code)
            ]
        }
    row = tx.row(_PARTNERS)
    assert row is not None
    wide = 0 if tx.here.backbone else 2 * threshold_of(tx, shown)
    unknown = dict(shares_of_unknown(tx.rows(_UNKNOWN, id=shown.id), wide))
    return {
        "coverage": measure_shapes.Coverage(connected_partners=row.connected, partners=row.partners, unknown=unknown)
    }


def shape_of(row: Any, rule: Rule) -> measure_shapes.Indicator:
    values = dict(row._mapping) | {"by": list(rule.by), "baseline_period": not _has_baseline(row.baseline)}
    return measure_shapes.Indicator.model_validate(values)


def _has_baseline(baseline: Any) -> bool:
    return isinstance(baseline, dict) and baseline.get("value") is not None


def _told(versions: Sequence[Any]) -> list[measure_shapes.IndicatorVersion]:
    return [
        measure_shapes.IndicatorVersion(version=v.version, effective_on=v.effective_on, in_force=True) for v in versions
    ]


COLUMNS = """
id, code, version, name, names, kind, measures, unit, direction, definition, result, strategy,
       owner_organization_id, rule, period, threshold, baseline, target, effective_on,
       scorecard, ends_on
"""
_CURRENT = text(
    f"""
select distinct on (code) {COLUMNS} from indicator
 where collaborative_id = app.collaborative() and standing = 'in_force' and app.current(effective_on, ends_on)
   and not scorecard
 order by code, effective_on desc, version desc
"""
)
_IN_FORCE = text(
    f"""
select {COLUMNS} from indicator
 where collaborative_id = app.collaborative() and standing = 'in_force' and code = :code
 order by effective_on, version
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


def _series_sql(by: str, rows: str, keep: str) -> str:
    return f"""
select b.period, b.part, b.bucket, {by} as by, sum(b.value) as value from ({rows}) b
  join indicator i on i.id = :id
 where b.period like :like and b.period collate "C" >= :start and b.period collate "C" <= :end and {keep}
 group by 1, 2, 3, 4
"""


# An organization's figures are in the totals by owner, all others in the region's.
_SERIES = {
    None: text(_series_sql("cast(null as text)", REGION, "b.grouped_by = ''")),
    "organization": text(
        _series_sql(
            "cast(b.organization_id as text)",
            _BOTH,
            "(b.organization_id is not null or i.rule ->> 'measure' <> 'distinct') and b.dimensions = '{}'",
        )
    ),
} | {
    name: text(_series_sql(f"b.dimensions ->> '{name}'", REGION, f"b.grouped_by = '{name}'"))
    for name in groups.DIMENSIONS
}
_UNKNOWN = text(
    f"""
select d.name, sum(b.value) filter (where d.value = 'unknown') as unknown, sum(b.value) as whole from ({REGION}) b
 cross join lateral jsonb_each_text(b.dimensions) as d(name, value)
 where b.part in ('value', 'denominator', 'bucket', 'entered')
 group by 1 order by 1
"""
)
_PARTNERS = text(
    """
select count(*) as partners, count(*) filter (where o.mode = 'connected') as connected
  from partnership p join organization o on o.id = p.organization_id
 where p.collaborative_id = app.collaborative() and p.role = 'partner' and app.current(p.starts_on, p.ends_on)
"""
)
_OBSERVED = text(
    """
select distinct on (period, geography) period, geography, value, observed_on, source from indicator_observation
 where collaborative_id = app.collaborative() and code = :code
 order by period, geography, seq desc
"""
)
