"""What a partner reads of the region's figures by group: small cells are held back, as in the funnel (ADR 14).

A partner's own figure is its own, exact; the backbone, which answers for the numbers, reads all that are open. What is
defined for the partners' scorecards is told by partner alone, and to each what its scorecard tells (ADR 19).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from domain.holding import held_back
from domain.period import months_between
from domain.rule import Rule
from domain.scorecard import Terms
from services.figures import Asked
from services.refusals import Unprocessable
from services.shapes import Point
from services.transaction import Tx, Work

ORGANIZATION = "organization"


def withheld(tx: Work, one: Any, points: list[Point], asked: Asked) -> list[Point]:
    """The points of the version `one`, as a partner may see them. In the caller's transaction."""
    by, rule = asked.by, Rule.parse(one.rule)
    if by is None or rule.observed:
        return points
    threshold = max(tx.connection.execute(_THRESHOLD).scalar_one(), one.threshold or 0)
    own = frozenset({str(tx.organization_id)} if by == ORGANIZATION else ())
    cases = _cases(tx, one, asked) if rule.measure == "sum" else {}
    rows: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        rows[point.period].append(point)

    def hidden(row: list[Point], count: Callable[[Point], float | None]) -> frozenset[str]:
        return held_back({point.by[by]: int(count(point) or 0) for point in row}, threshold, own=own)

    shown: list[Point] = []
    for row in rows.values():
        gone: frozenset[str] = frozenset()
        for count in _counts(rule, cases, by):
            gone |= hidden(row, count)
        waiting, later = hidden(row, lambda p: p.waiting), hidden(row, lambda p: p.not_yet_due)
        shown += [_shown(p, p.by[by] in gone, p.by[by] in waiting, p.by[by] in later) for p in row]
    return shown


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


def _counts(rule: Rule, cases: dict[tuple[str, str], int], by: str) -> list[Callable[[Point], float | None]]:
    """The counts of people and cases of which a figure is made."""
    if rule.measure == "rate":
        return [lambda p: p.numerator, lambda p: p.denominator]
    if rule.measure in {"median", "percentile"}:
        return [lambda p: p.denominator]
    if rule.measure == "sum":
        return [lambda p: cases.get((p.period, p.by[by]), 0)]
    return [lambda p: p.value]


def _shown(point: Point, gone: bool, waiting: bool, later: bool) -> Point:
    if gone:
        return Point(period=point.period, value=None, version=point.version, by=point.by, held_back=True)
    less: dict[str, None] = {"waiting": None} if waiting else {}
    less |= {"not_yet_due": None, "response_rate": None} if later else {}
    return point.model_copy(update=less)


def _cases(tx: Work, one: Any, asked: Asked) -> dict[tuple[str, str], int]:
    """How many an amount was paid for, by period and group: the amount does not say."""
    counted: Counter[tuple[str, str]] = Counter()
    for row in tx.rows(_PAID[asked.by == ORGANIZATION], id=one.id, name=asked.by):
        if asked.holds(row.period):
            counted[asked.label(row.period), row.whose] += row.cases
    return dict(counted)


_TERMS = text(
    """
select a.body -> 'scorecards'
  from collaborative c join agenda a on a.collaborative_id = c.id and a.version = c.agenda_version
 where c.id = app.collaborative()
"""
)
_THRESHOLD = text("select publication_threshold from collaborative where id = app.collaborative()")
_PAID = {
    own: text(
        f"""
select n.period, {whose} as whose, count(distinct n.event_id) as cases
  from indicator_entry n where n.indicator_id = :id and cast(:name as text) is not null group by 1, 2
"""
    )
    for own, whose in (
        (True, "cast(n.organization_id as text)"),
        (False, "coalesce(n.dimensions ->> cast(:name as text), 'unknown')"),
    )
}
