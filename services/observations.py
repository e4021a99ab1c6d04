"""Values of the whole population, as somebody observed them: entered by the backbone, with source, date and geography
(decision 32). Nothing is rewritten: a correction is a later value for the same period and geography."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from services import measure_shapes
from services.holders import is_watcher
from services.journal import new_id
from services.refusals import Forbidden, NotVisible, Unprocessable
from services.transaction import Answer, Call, Record, Tx, perform
from storage import tables

REGION = "region"
"""The geography of a figure of all counties together."""


@dataclass(frozen=True, slots=True)
class Observed:
    """`period` a month or a year; `geography` a county's FIPS code or `region`; `source` says whose figure it is."""

    period: str
    value: float
    observed_on: date
    source: str
    geography: str = REGION


def record_observation(record: Record, call: Call, code: str, seen: Observed) -> Answer[measure_shapes.Observation]:
    """Only of a population measure: performance counts itself. Only by the backbone."""

    def act(tx: Tx, _seen: None) -> measure_shapes.Observation:
        _check(tx, code, seen)
        observation_id = new_id()
        row = {
            "id": observation_id,
            "collaborative_id": tx.here.collaborative_id,
            "code": code,
            "period": seen.period,
            "geography": seen.geography,
            "value": seen.value,
            "observed_on": seen.observed_on,
            "source": seen.source,
            "recorded_by": tx.here.user_id,
            "recorded_at": tx.now,
        }
        tx.connection.execute(tables.indicator_observation.insert(), row)
        tx.audit("indicator.observe", "observation", observation_id, 1)
        return measure_shapes.Observation.model_validate(row)

    return perform(record, call, lambda _tx: None, act, measure_shapes.Observation, status=201)


def _check(tx: Tx, code: str, seen: Observed) -> None:
    row = tx.row(_INDICATOR, code=code)
    if row is None:
        raise NotVisible
    if not is_watcher(tx):
        raise Forbidden("What was observed of the whole population is the backbone's to record. You may read it.")
    if row.measures != "population":
        raise Unprocessable("This indicator counts itself from the work; nobody enters its figures.", pointer="")
    today = tx.agenda.region().local_date(tx.now)
    if seen.observed_on > today:
        raise Unprocessable("It cannot have been observed in the future.", pointer="/observed_on")
    if seen.period > today.isoformat()[: len(seen.period)]:
        raise Unprocessable("That period has not begun.", pointer="/period")
    if seen.observed_on.isoformat()[: len(seen.period)] < seen.period:
        raise Unprocessable("It was observed before its period began.", pointer="/observed_on")
    if row.unit == "ratio" and not 0 <= seen.value <= 1:
        raise Unprocessable("A share lies between 0 and 1: 41 of 100 is 0.41.", pointer="/value")
    if seen.geography != REGION and seen.geography not in row.counties:
        raise Unprocessable("The region, or the FIPS code of one of its counties.", pointer="/geography")


_INDICATOR = text(
    """
select i.measures, i.unit, coalesce(a.body -> 'counties', '{}') as counties
  from indicator i join collaborative c on c.id = i.collaborative_id
  join agenda a on a.collaborative_id = c.id and a.version = c.agenda_version
 where i.collaborative_id = app.collaborative() and i.code = :code and i.standing = 'in_force'
 order by i.effective_on desc, i.version desc limit 1
"""
)
