"""The partners' scorecards: each partner's figures beside the median of all, from the totals (decision 35, ADR 19).

A partner reads its own as they happen. The backbone reads a month's a few days after it, and none of the quarter in
which everybody learned. What stands open now is asked of the record itself, and is the backbone's at once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.groups import SERVICE
from domain.period import MONTH, months_between
from domain.rule import Rule
from domain.scorecard import LEARNING, LEAST_PARTNERS, Terms, middle
from services import partner_shapes as shapes
from services import sensitive
from services.figures import Parts, buckets_of, median, percentile
from services.indicators import standing
from services.loads import loads
from services.refusals import NotVisible
from services.spans import months_asked, moved
from services.transaction import Call, Record, Tx, read
from services.withholding import reads_all, terms_of

TREND = 6
NEWEST_AT_MOST = 3
"""Months back: a month is told to all sixty days after its end at the latest."""
Months = tuple[str, ...]
_ABSENT = "It works outside of Concert: others record for it, and nothing of that is its scorecard."
_WALLED = "A confidential provider: its work is in no figure that others read, its open work neither."
_OWN_WALLED = "With the confidential work that nobody else reads in it; the medians are without."


@dataclass(frozen=True, slots=True)
class Scored:
    """One figure: all versions in force, and how the newest is made."""

    code: str
    versions: Sequence[Any]
    rule: Rule

    @property
    def newest(self) -> Any:
        return self.versions[-1]


@dataclass(frozen=True, slots=True)
class Made:
    """One figure of one partner in some months, as it is."""

    value: float | None
    p90: float | None = None
    cases: int | None = None
    met: int | None = None
    missed: int | None = None
    not_yet_due: int | None = None
    waiting: int | None = None

    def whole(self) -> dict[str, Any]:
        return self.of_a_month() | {
            "met": self.met,
            "missed": self.missed,
            "not_yet_due": self.not_yet_due,
            "waiting": self.waiting,
        }

    def of_a_month(self) -> dict[str, Any]:
        return {"value": self.value, "p90": self.p90, "cases": self.cases}


@dataclass(slots=True)
class Sums:
    """What the totals say, by (organization, code, month): open work, and behind the wall the reader's own.

    Organizations are text here, as thousands of keys are compared.
    """

    open: dict[tuple[str, str, str], Parts] = field(default_factory=lambda: defaultdict(Counter))
    walled: dict[tuple[str, str, str], Parts] = field(default_factory=lambda: defaultdict(Counter))

    def of(self, organization: str, code: str, months: Sequence[str], *, own: bool = False) -> Parts:
        kinds = (self.open, self.walled) if own and self.walled else (self.open,)
        those = [cell for month in months for kind in kinds if (cell := kind.get((organization, code, month)))]
        if len(those) == 1:
            return those[0]
        found: Parts = Counter()
        for cell in those:
            found.update(cell)
        return found


def get_partners(
    record: Record,
    call: Call,
    *,
    start: str | None = None,
    end: str | None = None,
    organization_id: UUID | None = None,
    trend: int = TREND,
) -> shapes.Partners:
    """Figures of the months `start` to `end` together, and of the last `trend` months one by one.

    A partner sees its own line and the medians, backbone and auditors see all. Raises NotVisible for another's line.
    """

    def look(tx: Tx) -> shapes.Partners:
        everybody = reads_all(tx)
        if not everybody and organization_id not in (None, tx.here.organization_id):
            raise NotVisible
        terms = terms_of(tx)
        today = tx.agenda.region().local_date(tx.now)
        last = end or (_newest(terms, today) if everybody else MONTH.holding(today))
        first, last = months_asked(tx, start or moved(last, 1 - trend), last)
        reading = _Reading(tx, terms, today, everybody, months_between(first, last), trend)
        return reading.answer(organization_id if everybody else tx.here.organization_id)

    return read(record, call, look)


def _newest(terms: Terms, today: date) -> str:
    """The newest month that is told to everybody; before there is one, the running month."""
    running = MONTH.holding(today)
    return next(
        (month for by in range(NEWEST_AT_MOST + 1) if not terms.withheld(month := moved(running, -by), today)), running
    )


class _Reading:
    """One answer in the making, in one transaction."""

    def __init__(self, tx: Tx, terms: Terms, today: date, everybody: bool, months: tuple[str, ...], trend: int) -> None:
        self.tx, self.terms, self.today, self.everybody = tx, terms, today, everybody
        self.months = months
        self.trend = months_between(moved(months[-1], 1 - trend), months[-1])
        self.scored = _scored(tx, terms)
        self.sums = _sums(tx, self.scored, sorted({*self.months, *self.trend}))
        self.partners = tx.rows(_PARTNERS)
        self.made: dict[tuple[str, str, Months, bool], Made] = {}
        self.shown: dict[Months, bool] = {}
        self.counted: dict[tuple[str, Months], float] = {}
        self.compared = [str(one.id) for one in self.partners if one.mode == "connected" and not one.confidential]

    def answer(self, organization_id: UUID | None) -> shapes.Partners:
        lines = [one for one in self.partners if organization_id in (None, one.id)]
        if organization_id is not None and self.everybody and not lines:
            raise NotVisible
        standing_open = loads(self.tx, organization_id)
        return shapes.Partners(
            start=self.months[0],
            end=self.months[-1],
            least_cases=self.terms.least_cases,
            least_partners=LEAST_PARTNERS,
            begin_on=self.terms.begin_on,
            range=self._told(self.months),
            months=[self._told((month,)) for month in self.trend],
            meanings=[_meaning(one) for one in self.scored],
            collaborative=[self._median(one) for one in self.scored],
            partners=[self._line(one, standing_open) for one in lines],
            no_capacity_by_service=self._declines(organization_id),
        )

    def _told(self, months: Sequence[str]) -> shapes.Told:
        """A range is told once all its months are: else the months that are not could be computed from it."""
        name = months[0] if len(months) == 1 else f"{months[0]}..{months[-1]}"
        reasons = [self.terms.withheld(month, self.today) for month in months]
        why = next((reason for reason in (LEARNING, *reasons) if reason in reasons and reason), None)
        later = self.terms.shown_from(months[-1]) if why and why != LEARNING else None
        return shapes.Told(period=name, shown=why is None, withheld=why, shown_from=later)

    def _line(self, one: Any, standing_open: Mapping[UUID, shapes.Load]) -> shapes.PartnerScorecard:
        own = one.id == self.tx.here.organization_id
        line = shapes.PartnerScorecard(organization_id=one.id, name=one.name, mode=one.mode, scorecard=False)
        if one.mode != "connected":
            return line.model_copy(update={"note": _ABSENT})
        if one.confidential and not own:
            return line.model_copy(update={"note": _WALLED})
        walled = own and any(organization == str(one.id) for organization, _, _ in self.sums.walled)
        return line.model_copy(
            update={
                "scorecard": True,
                "note": _OWN_WALLED if walled else None,
                "figures": [self._figure(str(one.id), figure, own) for figure in self.scored],
                "load": standing_open.get(one.id) or shapes.Load(open=0, undecided=0, serving=0, past_limit=0),
            }
        )

    def _figure(self, organization: str, figure: Scored, own: bool) -> shapes.PartnerFigure:
        trend = [
            shapes.Trend(period=month, **self._read(organization, figure, (month,), own, Made.of_a_month))
            for month in self.trend
        ]
        told = self._read(organization, figure, self.months, own, Made.whole)
        return shapes.PartnerFigure(code=figure.code, trend=trend, **told)

    def _read(
        self, organization: str, figure: Scored, months: Months, own: bool, tell: Callable[[Made], dict[str, Any]]
    ) -> dict[str, Any]:
        """As the reader may see it: nothing of what is not told yet, no judgement from few cases."""
        if not own and not self._shown(months):
            return {}
        made = self._made(organization, figure, months, own)
        few = self.terms.few(made.cases)
        if few and not own:
            return tell(replace(made, value=None, p90=None, met=None, missed=None)) | {"held_back": True}
        return tell(made) | {"few": few}

    def _made(self, organization: str, figure: Scored, months: Months, own: bool = False) -> Made:
        key = (organization, figure.code, months, own)
        if key not in self.made:
            self.made[key] = _made_of(figure.rule, self.sums.of(organization, figure.code, months, own=own))
        return self.made[key]

    def _shown(self, months: Months) -> bool:
        if months not in self.shown:
            self.shown[months] = self._told(months).shown
        return self.shown[months]

    def _median(self, figure: Scored) -> shapes.Median:
        trend = []
        for month in self.trend:
            value, p90, _ = self._middle(figure, (month,))
            trend.append(shapes.Trend(period=month, value=value, p90=p90))
        value, p90, partners = self._middle(figure, self.months)
        return shapes.Median(code=figure.code, value=value, p90=p90, partners=partners, trend=trend)

    def _middle(self, figure: Scored, months: Months) -> tuple[float | None, float | None, int]:
        """The median over the partners with enough cases, its 90th percentile, and of how many partners. Of open work
        alone: the same for whoever reads."""
        if not self._shown(months):
            return None, None, 0
        made = [self._made(one, figure, months) for one in self.compared if self._enough(one, figure, months)]
        values = [one.value for one in made if one.value is not None]
        middled = middle(values)
        tails = [one.p90 for one in made if one.p90 is not None]
        return middled, middle(tails), 0 if middled is None else len(values)

    def _enough(self, organization: str, figure: Scored, months: Months) -> bool:
        """Of a rate or a time those with enough cases of it; of a count those of whom enough was counted at all."""
        if figure.rule.measure == "count":
            return self._counted(organization, months) >= self.terms.least_cases
        return (self._made(organization, figure, months).cases or 0) >= self.terms.least_cases

    def _counted(self, organization: str, months: Months) -> float:
        """Of all counts together."""
        if (organization, months) not in self.counted:
            counts = [one for one in self.scored if one.rule.measure == "count"]
            values = (self._made(organization, one, months).value or 0 for one in counts)
            self.counted[organization, months] = sum(values)
        return self.counted[organization, months]

    def _declines(self, organization_id: UUID | None) -> list[shapes.Declines]:
        """From the totals too: a decline's entry says of which service it is."""
        ids = [str(v.id) for one in self.scored if SERVICE in one.rule.by for v in one.versions]
        if not ids or not (self._told(self.months).shown or organization_id == self.tx.here.organization_id):
            return []
        asked = {"organization": organization_id, "named": sensitive.NAME[0]}
        as_one = sorted(sensitive.terms(self.tx)) if self.everybody else []
        rows = self.tx.rows(_DECLINES, ids=ids, months=list(self.months), as_one=as_one, **asked)
        return [shapes.Declines.model_validate(row) for row in rows]


def _made_of(rule: Rule, parts: Parts) -> Made:
    """The figure itself, whoever reads it: as `services.figures` makes one point of it, without its series."""
    if rule.measure == "rate":
        met, cases = parts["numerator", 0], parts["denominator", 0]
        begun = parts["cases", 0]
        later = max(0, begun - parts["left", 0] - cases) if begun else None
        return Made(
            round(met / cases, 4) if cases else None, cases=cases, met=met, missed=cases - met, not_yet_due=later
        )
    if rule.measure == "median":
        buckets = buckets_of(parts)
        cases = sum(buckets.values())
        waiting = max(0, parts["entered", 0] - cases - parts["left", 0])
        return Made(median(buckets), percentile(buckets, 90), cases=cases, waiting=waiting)
    value = parts["value", 0]
    return Made(value / 100 if rule.money else float(value))


def _meaning(one: Scored) -> shapes.Meaning:
    row = one.newest
    return shapes.Meaning(
        code=one.code, version=row.version, name=row.name, names=row.names, measure=one.rule.measure, unit=row.unit,
        definition=row.definition,
    )  # fmt: skip


def _scored(tx: Tx, terms: Terms) -> list[Scored]:
    """In the agenda's order; a figure that counts nothing yet is left out."""
    versions: dict[str, list[Any]] = defaultdict(list)
    for row in tx.rows(_FIGURES, codes=list(terms.figures)):
        versions[row.code].append(row)
    return [Scored(code, v, Rule.parse(v[-1].rule)) for code in terms.figures if (v := versions.get(code))]


def _sums(tx: Tx, scored: Sequence[Scored], months: list[str]) -> Sums:
    """Each month is told by the version that stood when it began."""
    code_of = {(str(standing(one.versions, MONTH, month).id), month): one.code for one in scored for month in months}
    ids = sorted({id_ for id_, _ in code_of})
    sums = Sums()
    for organization, indicator, month, part, bucket, restricted, value in tx.rows(_SUMS, ids=ids, months=months):
        code = code_of.get((indicator, month))
        if code is not None:
            kind = sums.walled if restricted else sums.open
            kind[organization, code, month][part, bucket] += value
    return sums


_FIGURES = text(
    """
select id, code, version, name, names, unit, definition, rule, effective_on from indicator
 where collaborative_id = app.collaborative() and standing = 'in_force' and code = any(:codes)
 order by effective_on, version
"""
)
_PARTNERS = text(
    """
select o.id, o.name, o.mode, o.confidential
  from partnership p join organization o on o.id = p.organization_id
 where p.collaborative_id = app.collaborative() and p.role = 'partner' and app.current(p.starts_on, p.ends_on)
 order by o.name, o.id
"""
)
# Whole lines of the totals by an index of their own, and what is not folded yet: an entry is in the whole as it is.
_SUMS = text(
    """
select cast(b.organization_id as text), cast(b.indicator_id as text), b.period, b.part, b.bucket, b.restricted,
       cast(sum(b.value) as bigint)
  from (
    select t.organization_id, t.indicator_id, t.period, t.part, t.bucket, t.restricted, t.value from indicator_total t
     where t.indicator_id = any(cast(:ids as uuid[])) and t.period = any(:months) and t.dimensions = cast('{}' as jsonb)
    union all
    select e.organization_id, e.indicator_id, e.period, e.part, e.bucket, e.restricted, e.value
      from entry_unfolded u join indicator_entry e on e.id = u.entry_id
     where u.indicator_id = any(cast(:ids as uuid[])) and e.period = any(:months)) b
 where b.organization_id is not null
 group by b.organization_id, b.indicator_id, b.period, b.part, b.bucket, b.restricted
"""
)
_DECLINES = text(
    """
select case when k.sensitive then null else s.id end as service_id,
       case when k.sensitive then :named else s.name end as service,
       o.id as organization_id, o.name as organization, sum(b.value) as declined
  from (
    select t.dimensions ->> 'service' as service, t.value from indicator_total t
     where t.indicator_id = any(cast(:ids as uuid[])) and t.period = any(:months) and t.dimensions ? 'service'
    union all
    select e.dimensions ->> 'service', e.value from entry_unfolded u join indicator_entry e on e.id = u.entry_id
     where u.indicator_id = any(cast(:ids as uuid[])) and e.period = any(:months)) b
  join service s on s.id = cast(nullif(b.service, 'unknown') as uuid) join organization o on o.id = s.organization_id
 cross join lateral (select s.term = any(cast(:as_one as text[])) as sensitive) k
 where cast(:organization as uuid) is null or o.id = :organization
 group by 1, 2, 3, 4 having sum(b.value) > 0
 order by 5 desc, 2, 1
"""
)
