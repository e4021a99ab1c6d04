"""What a partner reads of the region's figures by group: small cells are held back, as in the funnel (ADR 14).

A partner's own figure is its own, exact; the backbone, which answers for the numbers, reads all that are open, and what
counts nothing but sensitive needs as a partner does. What is defined for the partners' scorecards is told by partner
alone, and to each what its scorecard tells (ADR 19).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from domain.groups import UNKNOWN
from domain.holding import held_back, tells
from domain.period import months_between
from domain.rule import Rule
from domain.scorecard import Terms
from services.beside import Beside, read_beside
from services.figures import Asked
from services.measure_shapes import Point
from services.refusals import Unprocessable
from services.transaction import Tx, Work

ORGANIZATION = "organization"
Count = Callable[[Point], float | None]
ONCE = (
    "The region's figures by group are told once, for each {grain}: who subtracts one answer from another would read"
    " small groups. Ask by {grain} and without a version, or leave 'by' out. Published quarters and years by group: GET"
    " /public/indicators."
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
    if again or asked.grain != rule.told_by:
        if by != ORGANIZATION:
            raise Unprocessable(ONCE.format(grain=rule.told_by.code), pointer="/by")
        return [point for point in points if point.by[by] in own]
    threshold = threshold_of(tx, one)
    cases = _cases(tx, one, asked) if rule.measure == "sum" else {}
    rows: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        rows[point.period].append(point)
    grain, counts = rule.told_by, _counts(rule, cases, by)
    public = read_beside(tx, {one.code: one.version}, by, {period: grain.dates(period) for period in rows})
    return [
        point
        for period, row in rows.items()
        for point in _row(row, by, counts, threshold, own, public[one.code, period])
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


def threshold_of(tx: Work, one: Any) -> int:
    """From which number on a group of the indicator is told: the collaborative's, or its own where that is higher."""
    return max(region_threshold(tx), one.threshold or 0)


def region_threshold(tx: Work) -> int:
    return int(tx.connection.execute(_THRESHOLD).scalar_one())


def _row(
    row: list[Point], by: str, counts: list[Count], threshold: int, own: frozenset[str], public: Beside
) -> list[Point]:
    """One period. Where its total would tell the only small groups, no group is told, not even those of nobody. Where
    a line's would, or what is public hides the line, it is told as one that is held back, whoever is in it.
    """
    lines = public.lines(by, (point.by[by] for point in row))
    summed = [(None, [point.by[by] for point in row]), *((line, each) for line, each in lines.items() if len(each) > 1)]

    def hidden(count: Count) -> tuple[set[str], set[str | None]]:
        """Groups, and lines of which no group can be told; None is the whole row."""
        few: set[str] = set()
        told: set[str | None] = set()
        value = {point.by[by]: int(count(point) or 0) for point in row}
        for line, groups in summed:
            parts = {group: value[group] for group in groups}
            small = held_back(parts, threshold, own=own)
            if tells(parts, small, threshold):
                told.add(line)
                small = frozenset(parts) - own
            few |= small
        return few, told

    found = [hidden(count) for count in counts]
    closed = {line for _, told in found for line in told} | public.hidden
    mine = [point for point in row if point.by[by] in own]
    if public.untold or None in closed:
        return [*mine, *([] if by == ORGANIZATION else [_held_back(row, by, UNKNOWN)])]
    gone = {group for few, _ in found for group in few}
    waiting, later = hidden(lambda p: p.waiting)[0], hidden(lambda p: p.not_yet_due)[0]
    waiting |= {group for line in public.waiting for group in lines.get(line, ())}
    shown = [
        _shown(p, p.by[by] in gone, p.by[by] in waiting, p.by[by] in later)
        for p in row
        if p.by[by] not in own and public.line(by, p.by[by]) not in closed
    ]
    return [*mine, *shown, *(_held_back(row, by, line) for line in closed - own if line is not None)]


def _held_back(row: list[Point], by: str, group: str) -> Point:
    return _shown(row[0].model_copy(update={"by": {by: group}}), True)


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
    """How many an amount was paid for, by period and group: the amount does not say. What was taken back is none."""
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
_THRESHOLD = text("select publication_threshold from collaborative where id = app.collaborative()")
_PAID = {
    own: text(
        f"""
select n.period, {whose} as whose,
       greatest(0, count(*) filter (where n.value > 0) - count(*) filter (where n.value < 0)) as cases
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
