"""The exact events behind a figure, each with what it is worth there, so that they add up to the figure.

Whoever may not see an event hears what such events are worth together, and nothing of each: the walls of an event do
not fall because it was counted (ADR 13). Nor may they where it is of a group: to whoever tries the groups one by one,
each event listed would say of which it is. Of a group too small for other partners they hear nothing (ADR 14).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.groups import DIMENSIONS, GROUPS, SENSITIVE, UNKNOWN
from domain.period import CALENDAR_YEAR, MONTH, Grain
from domain.rule import Rule, Selector
from services import measure_shapes
from services.figures import Asked
from services.indicators import check_grain, counted_by, figures_of, in_force, standing
from services.refusals import Unprocessable
from services.sensitive import reads_exactly, told_as_one
from services.transaction import Call, Record, Tx, read
from services.withholding import reads_all, require_partner, withheld

ORGANIZATION = "organization"
_REASONS = frozenset({"reason", "reason_class"})
"""Why somebody said no: beside what services state of their room, it tells the need."""
_OF_FIGURE = frozenset({"value", "numerator", "denominator", "bucket"})
"""Parts that make the figure itself: who began, left or is not due yet may be held back where the figure is not."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure as the series shows it: `by` and `value` are the group, `period` its name there."""

    period: str
    by: str | None = None
    value: str | None = None
    version: int | None = None


def events_behind(
    record: Record, call: Call, code: str, figure: Figure, after: tuple[Any, ...] | None = None, limit: int = 50
) -> measure_shapes.EventsBehind:
    """In the order in which they were recorded; `after` is (event_id,). A level's events are all until its period."""

    def look(tx: Tx) -> measure_shapes.EventsBehind:
        one, grain = _version(tx, code, figure)
        rule = Rule.parse(one.rule)
        check_grain(rule, grain)
        if one.scorecard:
            require_partner(tx, figure.by)
        sensitive = told_as_one(tx)
        exactly = reads_exactly(tx, one, sensitive)
        values = {"id": one.id, **_periods(rule, grain, figure.period), **_group(rule, figure, sensitive)}
        told = _told_of(rule, figure)
        rows = tx.rows(_EVENTS[told], **values, after=after[0] if after else None, limit=limit)
        small = figure.by is not None and (
            _as_one(rule, figure, sensitive) or _withheld(tx, code, one, grain, figure, exactly)
        )
        together = not tx.here.backbone or told is not Told.NOTHING
        others = [] if small else tx.rows(_OTHERS[told], **values, together=together)
        return measure_shapes.EventsBehind(
            items=[measure_shapes.CountedEvent.model_validate(row) for row in rows],
            others=_worth(row for row in others if exactly or figure.by is None or row.part in _OF_FIGURE),
            held_back=small,
            next_cursor=None,
        )

    return read(record, call, look)


class Told(StrEnum):
    """What it says of somebody that an event is behind the figure."""

    NOTHING = "nothing"
    ANSWER = "answer"
    NEED = "need"
    PERSON = "person"


def _told_of(rule: Rule, figure: Figure) -> Told:
    if figure.by in GROUPS:
        return Told.PERSON
    amount = {(rule.fact or "").removeprefix("answer.")} if rule.money else set()
    if set(rule.answers) - amount:
        return Told.ANSWER
    needs = figure.by == "term" or rule.fed or any(map(_says_need, rule.selectors.values()))
    return Told.NEED if needs else Told.NOTHING


def _says_need(chosen: Selector) -> bool:
    return bool(chosen.terms or chosen.templates or chosen.steps or _REASONS & set(chosen.where))


def _as_one(rule: Rule, figure: Figure, sensitive: frozenset[str]) -> bool:
    """Whether the series tells the group only together with others; or not even so, as nothing would add up."""
    return figure.by == "term" and (figure.value in sensitive or (rule.distinct and figure.value == SENSITIVE))


def _withheld(tx: Tx, code: str, one: Any, grain: Grain, figure: Figure, exactly: bool) -> bool:
    """Whether what others' events are worth is not the reader's to know."""
    if one.scorecard:
        return not reads_all(tx) and figure.value != str(tx.organization_id)
    return not exactly and _small(tx, code, one, grain, figure)


def _small(tx: Tx, code: str, one: Any, grain: Grain, figure: Figure) -> bool:
    """Whether the series holds this group back from the reader, or does not tell it at all: then its events would."""
    months = grain.months(figure.period)
    as_one = told_as_one(tx) if figure.by == "term" else frozenset()
    asked = Asked(grain, figure.by, months[0], months[-1], as_one)
    points = figures_of(tx, one, in_force(tx, code), asked, alone=True)
    try:
        told = withheld(tx, one, points, asked, again=figure.version is not None)
    except Unprocessable:
        return True
    named = (figure.period, {figure.by: figure.value})
    return all(point.held_back for point in told if (point.period, point.by) == named)


def _worth(rows: Iterable[Any]) -> list[measure_shapes.Worth]:
    return [measure_shapes.Worth.model_validate(row) for row in rows]


def _version(tx: Tx, code: str, figure: Figure) -> tuple[Any, Grain]:
    """The version that tells the period, or the one asked for."""
    versions: Sequence[Any] = in_force(tx, code)
    grains = {grain.code: grain for grain in (MONTH, CALENDAR_YEAR, *tx.agenda.calendars.values())}
    grain = next((one for one in grains.values() if one.names(figure.period)), None)
    if grain is None:
        raise Unprocessable(
            "A period is named as in the series: 2026-11, 2026, or a calendar's year.", pointer="/period"
        )
    if figure.version is None:
        return standing(versions, grain, figure.period), grain
    found = [one for one in versions if one.version == figure.version]
    if not found:
        raise Unprocessable("There is no such version in force.", pointer="/version")
    return found[0], grain


def _periods(rule: Rule, grain: Grain, period: str) -> dict[str, str]:
    """From which to which name of the ledger's own periods; text in the order of bytes."""
    if rule.distinct:
        return {"first": period, "last": period}
    months = grain.months(period)
    return {"first": "" if rule.measure == "level" else months[0], "last": months[-1]}


def _group(rule: Rule, figure: Figure, sensitive: frozenset[str]) -> dict[str, Any]:
    """Which entries belong to the group asked for. A distinct count has cells of its own for each."""
    if (figure.by is None) != (figure.value is None):
        raise Unprocessable("'by' and 'value' go together: a dimension and one of its groups.", pointer="/value")
    if figure.by is not None and figure.by not in rule.by:
        raise Unprocessable(counted_by(rule), pointer="/by")
    nobody = figure.by == ORGANIZATION and figure.value == UNKNOWN
    owner = _id(figure.value) if figure.by == ORGANIZATION and not nobody else None
    name = figure.by if figure.by in DIMENSIONS else None
    cell = "{}" if name is None else None
    together = figure.by == "term" and figure.value == SENSITIVE
    return {
        "distinct": rule.distinct,
        "owner": owner,
        "nobody": nobody,
        "region": rule.distinct and figure.by != ORGANIZATION,
        "name": name,
        "values": sorted(sensitive) if together else [figure.value],
        "unknown": figure.value == UNKNOWN,
        "cell": cell,
    }


def _id(value: str | None) -> UUID:
    try:
        return UUID(value or "")
    except ValueError:
        raise Unprocessable("An organization is named by its id.", pointer="/value") from None


# One condition for both questions. A distinct count's entry is a cell: its dimensions are those of the group alone.
_CHOSEN = """
n.indicator_id = :id and n.period collate "C" between :first and :last
   and (cast(:owner as uuid) is null or n.organization_id = :owner)
   and (not :region or n.organization_id is null)
   and (not :nobody or (n.organization_id is null and not :distinct))
   and (not n.restricted or cast(:owner as uuid) is not null)
   and (cast(:name as text) is null or n.dimensions ->> :name = any(cast(:values as text[]))
        or (not :distinct and :unknown and n.dimensions ->> :name is null))
   and (not :distinct or cast(:cell as text) is null or n.dimensions = cast(:cell as jsonb))
"""
_SOURCE = "e.source_organization_id = (select app.me())"
_OWN_WORK = "(e.organization_id = (select app.me()) and e.task_id is not null)"
_NO_GOAL = "(e.referral_id is not null or e.kind <> 'need_outcome')"
_SENSITIVE = """
(exists (select from referral r where r.id = e.referral_id and r.sensitive)
 or exists (select from taxonomy_term x where x.code = e.dimensions ->> 'term' and x.sensitive))"""
# To whom it may be told: who recorded it knows all of it; of their own work those who do it know what was needed and
# what they answered; the backbone what was paid, and no sensitive need (decision 18). What came of a plan's goal,
# others read in the plan, where they see it.
_KNOWN = {
    Told.NOTHING: f"({_SOURCE} or {_NO_GOAL})",
    Told.ANSWER: f"({_SOURCE} or {_OWN_WORK})",
    Told.NEED: f"({_SOURCE} or {_OWN_WORK} or (select app.is_backbone()) and {_NO_GOAL} and not {_SENSITIVE})",
    Told.PERSON: _SOURCE,
}
_EVENTS = {
    told: text(
        f"""
select e.id, e.at, e.occurred_at, e.kind, e.task_id, e.referral_id, e.action_plan_id, e.organization_id,
       e.acting_organization_id, e.user_id, e.on_behalf_of, e.from_state, e.to_state, w.worth,
       case when not (select app.is_backbone()) or {_SOURCE} or not {_SENSITIVE} then e.reason end as reason
  from (
    select x.event_id, jsonb_agg(jsonb_build_object(
               'organization_id', x.organization_id, 'part', x.part, 'bucket', x.bucket, 'value', x.value)
               order by x.part, x.bucket) as worth
      from (
        select n.event_id, n.organization_id, n.part, n.bucket, sum(n.value)::bigint as value from indicator_entry n
         where {_CHOSEN} and (cast(:after as uuid) is null or n.event_id > :after)
         group by 1, 2, 3, 4) x
     group by x.event_id) w
  join event e on e.id = w.event_id
 where {known}
 order by e.id limit :limit
"""
    )
    for told, known in _KNOWN.items()
}
_OTHERS = {
    told: text(
        f"""
select case when :together then null else n.organization_id end as organization_id, n.part, n.bucket,
       sum(n.value)::bigint as value, count(distinct n.event_id) as events
  from indicator_entry n
 where {_CHOSEN} and not exists (select from event e where e.id = n.event_id and {known})
 group by 1, 2, 3 order by 1, 2, 3
"""
    )
    for told, known in _KNOWN.items()
}
