"""The equity funnel: offered, acknowledged, accepted, served, need met, by group, and what is lost between (ADR 0014).

Read from the totals of the stages' indicators and from what is not folded yet, in one statement; requests that are
still open are shown apart, because nobody lost them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from domain import groups
from domain.holding import held_back, tells
from domain.stage import Stage
from services import measure_shapes
from services.margins import SPLIT
from services.refusals import Unprocessable
from services.spans import months_asked, span
from services.transaction import Call, Record, Tx, read
from services.withholding import hidden_in_public

DIMENSIONS = ("organization", *groups.DIMENSIONS)
UNKNOWN = groups.UNKNOWN
ONCE = (
    "Partners are told the funnel by group for one month at a time: who subtracts one answer from another would read"
    " small groups. Ask from and to the same month, or leave 'by' out. Published quarters and years by group: GET"
    " /public/indicators, the funnel's stages are indicators there."
)
Cells = Mapping[str | None, Mapping[Stage, int]]
"""Group → stage → how many; None is everybody."""


def equity_funnel(
    record: Record, call: Call, *, start: str | None = None, end: str | None = None, by: str | None = None
) -> measure_shapes.Funnel:
    """Requests recorded in the months `start` to `end`, followed to whatever has happened since.

    `by` one of DIMENSIONS; by organization each offer counts for the partner that was asked. Numbers below the
    collaborative's threshold are held back from everybody but the partner whose own they are. Partners are told groups
    of one month at a time, of more months their own line alone: answers for overlapping months could be subtracted.
    """

    def look(tx: Tx) -> measure_shapes.Funnel:
        own = frozenset({str(tx.here.organization_id)} if by == "organization" else ())
        once = by is not None and not tx.here.backbone
        asked = (start or end, end or start, 1) if once else (start, end)
        first, last = months_asked(tx, *asked)
        if once and not own and first != last:
            raise Unprocessable(ONCE, pointer="/from")
        values = {"start": first, "end": last, **span(tx, first, last)}
        reached, waiting = _read(tx, by, values)
        threshold: int = tx.connection.execute(_THRESHOLD).scalar_one()
        if once and first != last:
            reached = {key: found for key, found in reached.items() if key is None or key in own}
        public = _hidden_in_public(tx, by, first) if once and by else {}
        rows = _groups(reached, waiting, threshold, own, public)
        return measure_shapes.Funnel(start=first, end=last, by=by, threshold=threshold, groups=rows)

    return read(record, call, look)


def _read(tx: Tx, by: str | None, values: dict[str, Any]) -> tuple[Cells, Cells]:
    if by is not None and by not in DIMENSIONS:
        raise Unprocessable(f"The funnel is counted by {', '.join(DIMENSIONS)}.", pointer="/by")
    reached: dict[str | None, dict[Stage, int]] = defaultdict(dict)
    waiting: dict[str | None, dict[Stage, int]] = defaultdict(dict)
    for whose in [None] if by is None else [None, by]:
        prefix = "partner" if whose == "organization" else "funnel"
        for row in tx.rows(_FUNNEL[whose], prefix=f"{prefix}\\_%", **values):
            kind = reached if row.reached else waiting
            kind[row.whose if whose is None else row.whose or UNKNOWN][Stage(row.stage)] = int(row.requests)
    if by is not None and by != "organization":
        reached.setdefault(UNKNOWN, {})
    return reached, waiting


def _hidden_in_public(tx: Tx, by: str, month: str) -> Mapping[Stage, frozenset[str]]:
    """What the month's snapshot does not tell of the stages, the series of their indicators does not either."""
    prefix = "partner" if by == "organization" else "funnel"
    codes = {f"{prefix}_{stage}": stage for stage in Stage}
    found = hidden_in_public(tx, codes, by, [month])
    return {stage: frozenset(group for told, _, group in found if told == code) for code, stage in codes.items()}


def _groups(
    reached: Cells,
    waiting: Cells,
    threshold: int,
    own: frozenset[str],
    public: Mapping[Stage, frozenset[str]],
) -> list[measure_shapes.FunnelGroup]:
    """Everybody first, the unknown last; a group that nobody belongs to is left out, the unknown never. Where the total
    of those who were offered would tell the only small group, no group is told at all.
    """
    parts = [key for key in reached if key is not None]
    hidden, untold = _hidden({key: reached[key] for key in parts}, threshold, own)
    hidden = {
        stage: found
        | (public.get(stage, frozenset()) - own)
        | held_back({None: reached.get(None, {}).get(stage, 0)}, threshold)
        for stage, found in hidden.items()
    }
    there = [key for key in parts if key == UNKNOWN or (any(reached[key].values()) and not (untold and key not in own))]
    return [
        measure_shapes.FunnelGroup(group=key, stages=_stages(reached.get(key, {}), waiting.get(key, {}), hidden, key))
        for key in (None, *sorted(there, key=_last_unknown))
    ]


def _hidden(
    reached: Mapping[str, Mapping[Stage, int]], threshold: int, own: frozenset[str]
) -> tuple[dict[Stage, frozenset[str | None]], bool]:
    """By stage which groups are held back; whether even the presence of a group would tell it.

    A stage whose total tells its only small group is held back in all of them, zeros too. That helps only while several
    groups came to the stage before.
    """
    hidden: dict[Stage, frozenset[str | None]] = {}
    alone = False
    for stage in reversed(Stage):
        counts = {key: found.get(stage, 0) for key, found in reached.items()}
        few = held_back(counts, threshold, own=own)
        alone = tells(counts, few, threshold) or (alone and sum(map(bool, counts.values())) < 2)
        hidden[stage] = frozenset(reached) - own if alone else few
    return hidden, alone


def _last_unknown(key: str) -> tuple[bool, str]:
    return key == UNKNOWN, key


def _stages(
    reached: Mapping[Stage, int],
    waiting: Mapping[Stage, int],
    hidden: Mapping[Stage, frozenset[str | None]],
    key: str | None,
) -> list[measure_shapes.FunnelStage]:
    stages, first = list(Stage), reached.get(Stage.OFFERED, 0)
    found = []
    for stage, after in zip(stages, [*stages[1:], None], strict=True):
        count, held = reached.get(stage, 0), key in hidden[stage]
        if held:
            found.append(measure_shapes.FunnelStage(stage=stage.value, held_back=True))
            continue
        share = round(count / first, 4) if first and key not in hidden[Stage.OFFERED] else None
        one = measure_shapes.FunnelStage(stage=stage.value, requests=count, share=share)
        if after is not None and key not in hidden[after]:
            still = min(waiting.get(stage, 0), max(0, count - reached.get(after, 0)))
            lost = max(0, count - reached.get(after, 0) - still)
            settled = count - still
            rate = round(lost / settled, 4) if settled else None
            one = one.model_copy(update={"still_open": still, "lost": lost, "lost_share": rate})
        found.append(one)
    return found


_THRESHOLD = text("select publication_threshold from collaborative where id = app.collaborative()")


def _funnel_sql(by: str | None) -> str:
    """Totals and unfolded entries of the stages' indicators, in force; and the open requests: in one statement."""
    whole = by is None or by == "organization"
    whose = {None: "cast(null as text)", "organization": "cast(b.organization_id as text)"}.get(
        by, f"b.dimensions ->> '{by}'"
    )
    keep = "b.dimensions = '{}'" if whole else f"b.dimensions ? '{by}'"
    return f"""
with i as (
    select distinct on (code) id, code, rule from indicator
     where collaborative_id = app.collaborative() and standing = 'in_force' and code like :prefix
     order by code, effective_on desc, version desc),
b as (
    select t.indicator_id, t.period, t.part, t.organization_id, t.dimensions, t.value
      from indicator_total t where t.indicator_id in (select id from i)
    union all
    select e.indicator_id, e.period, e.part, e.organization_id, m.dimensions, e.value
      from entry_unfolded u join indicator_entry e on e.id = u.entry_id join i on i.id = e.indicator_id {SPLIT})
select true as reached, {whose} as whose, split_part(i.code, '_', 2) as stage, sum(b.value) as requests
  from b join i on i.id = b.indicator_id
 where b.part = 'value' and b.period collate "C" between :start and :end and {keep}
 group by 2, 3
union all
select false, o.whose, o.stage, sum(o.requests) from app.still_open(:opens, :closes, '{by or ""}') o group by 2, 3
"""


_FUNNEL = {by: text(_funnel_sql(by)) for by in (None, *DIMENSIONS)}
