"""What a partner reads of the region's figures by group: small cells are held back, as in the funnel (ADR 14).

A partner's own figure is its own, exact; the backbone, which answers for the numbers, reads all that are open. What is
defined for the partners' scorecards is told by partner alone, and to each what its scorecard tells (ADR 19).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import text

from domain.groups import UNKNOWN
from domain.holding import held_back, tells
from domain.period import MONTH, Grain, months_between
from domain.rule import Rule
from domain.scorecard import Terms
from services.figures import Asked
from services.measure_shapes import Point
from services.refusals import Unprocessable
from services.transaction import Tx, Work

ORGANIZATION = "organization"
Count = Callable[[Point], float | None]
ONCE = (
    "Partners are told the region's figures by group once, for each {grain}: who subtracts one answer from another"
    " would read small groups. Ask by {grain} and without a version, or leave 'by' out. Published quarters and years by"
    " group: GET /public/indicators."
)


def withheld(tx: Work, one: Any, points: list[Point], asked: Asked, *, again: bool = False) -> list[Point]:
    """The points of the version `one`, as a partner may see them. In the caller's transaction.

    `again`: the periods are told in another way too (longer, by another version). Whoever subtracts one answer from
    another would read what each of them holds back, so a partner gets its own line alone, and is refused (422) what
    has none.
    """
    by, rule = asked.by, Rule.parse(one.rule)
    if by is None or rule.observed:
        return points
    own = frozenset({str(tx.organization_id)} if by == ORGANIZATION else ())
    if again or asked.grain != _told_by(rule):
        if by != ORGANIZATION:
            raise Unprocessable(ONCE.format(grain=_told_by(rule).code), pointer="/by")
        return [point if point.by[by] in own else _shown(point, True) for point in points]
    threshold = threshold_of(tx, one)
    cases = _cases(tx, one, asked) if rule.measure == "sum" else {}
    rows: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        rows[point.period].append(point)
    shown = [point for row in rows.values() for point in _row(row, by, _counts(rule, cases, by), threshold, own)]
    public = hidden_in_public(tx, [one.code], by, rows)
    return [
        _shown(point, True) if (one.code, point.period, point.by[by]) in public and point.by[by] not in own else point
        for point in shown
    ]


def terms_of(tx: Work) -> Terms:
    """What the agenda in use says of scorecards. In the caller's transaction."""
    return Terms.of(tx.connection.execute(_TERMS).scalar_one_or_none())


def reads_all(tx: Tx) -> bool:
    """The backbone and auditors read every partner's scorecard."""
    return tx.here.backbone or "auditor" in tx.here.roles


def of_scorecard(tx: Tx, points: list[Point], asked: Asked) -> list[Point]:
    """The points of a scorecard's figure as the caller may see them: its own, and once they are told all partners'.

    Raises Unprocessable for whoever would read all partners together, and could take others apart by it.
    """
    everybody = reads_all(tx)
    require_partner(tx, asked.by)
    if asked.by != ORGANIZATION:
        return points
    terms, today, own = terms_of(tx), tx.agenda.region().local_date(tx.now), str(tx.organization_id)

    def told(point: Point) -> bool:
        months = asked.grain.months(point.period) if asked.grain else months_between(*point.period.split(".."))
        return everybody and not any(terms.withheld(month, today) for month in months)

    return [point for point in points if point.by[ORGANIZATION] == own or told(point)]


def require_partner(tx: Tx, by: str | None) -> None:
    if by != ORGANIZATION and not reads_all(tx):
        raise Unprocessable("A scorecard's figure is told by partner: ask with by=organization.", pointer="/by")


def hidden_in_public(tx: Work, codes: Iterable[str], by: str, months: Iterable[str]) -> frozenset[tuple[str, str, str]]:
    """(code, month, group) of what the month's newest snapshot suppresses: who reads it here would find, with the
    published quarter, what is hidden beside it. Of fine groups all in a coarse one. In the caller's transaction.
    """
    rows = tx.rows(_SUPPRESSED, codes=list(codes), by=by, months=sorted(months))
    return frozenset((row.code, row.period, row.whose) for row in rows)


def threshold_of(tx: Work, one: Any) -> int:
    """From which number on a group of the indicator is told: the collaborative's, or its own where that is higher."""
    return max(int(tx.connection.execute(_THRESHOLD).scalar_one()), one.threshold or 0)


def _told_by(rule: Rule) -> Grain:
    """The one grain by which partners are told groups: disjoint periods cannot be subtracted."""
    return MONTH if not rule.distinct or MONTH in rule.grains else rule.grains[0]


def _row(row: list[Point], by: str, counts: list[Count], threshold: int, own: frozenset[str]) -> list[Point]:
    """One period. Where its total would tell the only small groups, no group is told, not even those of nobody."""

    def hidden(count: Count) -> tuple[frozenset[str], bool]:
        parts = {point.by[by]: int(count(point) or 0) for point in row}
        few = held_back(parts, threshold, own=own)
        told = tells(parts, few, threshold)
        return (frozenset(parts) - own if told else few), told

    found = [hidden(count) for count in counts]
    if any(told for _, told in found):
        rest = [] if by == ORGANIZATION else [_shown(row[0].model_copy(update={"by": {by: UNKNOWN}}), True)]
        return [*(point for point in row if point.by[by] in own), *rest]
    gone = frozenset[str]().union(*(few for few, _ in found))
    (waiting, _), (later, _) = hidden(lambda p: p.waiting), hidden(lambda p: p.not_yet_due)
    return [_shown(p, p.by[by] in gone, p.by[by] in waiting, p.by[by] in later) for p in row]


def _counts(rule: Rule, cases: dict[tuple[str, str], int], by: str) -> list[Count]:
    """The counts of people and cases of which a figure is made; of a rate also those who are not in it."""
    if rule.measure == "rate":
        return [lambda p: p.numerator, lambda p: p.denominator, lambda p: (p.denominator or 0) - (p.numerator or 0)]
    if rule.measure in {"median", "percentile"}:
        return [lambda p: p.denominator]
    if rule.measure == "sum":
        return [lambda p: cases.get((p.period, p.by[by]), 0)]
    return [lambda p: p.value]


def _shown(point: Point, gone: bool, waiting: bool = False, later: bool = False) -> Point:
    if gone:
        return Point(period=point.period, value=None, version=point.version, by=point.by, held_back=True)
    less: dict[str, None] = {"waiting": None} if waiting else {}
    less |= {"not_yet_due": None, "response_rate": None} if later else {}
    return point.model_copy(update=less)


def _cases(tx: Work, one: Any, asked: Asked) -> dict[tuple[str, str], int]:
    """How many an amount was paid for, by period and group: the amount does not say."""
    counted: Counter[tuple[str, str]] = Counter()
    months = {"start": asked.start or "", "end": asked.end or "~"}
    for row in tx.rows(_PAID[asked.by == ORGANIZATION], id=one.id, name=asked.by, **months):
        counted[asked.label(row.period), row.whose] += row.cases
    return dict(counted)


_TERMS = text(
    """
select a.body -> 'scorecards'
  from collaborative c join agenda a on a.collaborative_id = c.id and a.version = c.agenda_version
 where c.id = app.collaborative()
"""
)
# Published are the top of the taxonomy and the slugs of partners; live every term, and partners by their id.
_SUPPRESSED = text(
    """
with newest as materialized (
    select distinct on (p.period) p.period, p.body from publication p
     where p.collaborative_id = app.collaborative() and p.period = any(cast(:months as text[]))
     order by p.period, p.version desc),
hidden as (
    select i.one ->> 'code' as code, n.period, f.figure -> 'by' ->> cast(:by as text) as told
      from newest n
     cross join lateral jsonb_array_elements(n.body -> 'indicators') as i(one)
     cross join lateral jsonb_array_elements(i.one -> 'figures') as f(figure)
     where i.one ->> 'code' = any(cast(:codes as text[])) and (f.figure ->> 'suppressed')::boolean
       and f.figure -> 'by' ? cast(:by as text))
select h.code, h.period, coalesce(cast(o.id as text), t.code, h.told) as whose
  from hidden h
  left join organization o on cast(:by as text) = 'organization' and o.slug = h.told
  left join taxonomy_term t on cast(:by as text) = 'term' and (t.code = h.told or t.code like h.told || '.%')
"""
)
_THRESHOLD = text("select publication_threshold from collaborative where id = app.collaborative()")
_PAID = {
    own: text(
        f"""
select n.period, {whose} as whose, count(distinct n.event_id) as cases
  from indicator_entry n
 where n.indicator_id = :id and n.period collate "C" between :start and :end and cast(:name as text) is not null
 group by 1, 2
"""
    )
    for own, whose in (
        (True, "cast(n.organization_id as text)"),
        (False, "coalesce(n.dimensions ->> cast(:name as text), 'unknown')"),
    )
}
