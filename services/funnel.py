"""The equity funnel: offered, acknowledged, accepted, served, need met, by group, and what is lost between (ADR 0014).

Read from the totals of the stages' indicators and from what is not folded yet, in one statement; requests that are
still open are shown apart, because nobody lost them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from domain import groups
from domain.holding import held_back, tells
from domain.period import MONTH
from domain.stage import Stage
from services import measure_shapes
from services.beside import Beside, read_beside
from services.margins import SPLIT
from services.refusals import Unprocessable
from services.sensitive import told_as_one
from services.spans import months_asked, span
from services.transaction import Call, Record, Tx, read
from services.withholding import region_threshold

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
    Sensitive needs the backbone is told by term together.
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
        threshold = region_threshold(tx)
        if once and first != last:
            reached = {key: found for key, found in reached.items() if key is None or key in own}
        kept = _Withheld()
        if by == "term":
            as_one: dict[str | None, str] = dict.fromkeys(told_as_one(tx), groups.SENSITIVE)
            reached, waiting = (_folded(cells, as_one) for cells in (reached, waiting))
        if once and by and first == last:
            kept = _withheld(_public(tx, by, first), by, reached, threshold, own)
            reached, waiting = (_folded(cells, kept.line) for cells in (reached, waiting))
        rows = _groups(reached, waiting, threshold, own, kept)
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


@dataclass(frozen=True, slots=True)
class _Withheld:
    """From a partner, beside what is public. `line`: of groups that are told together, under which name."""

    groups: Mapping[Stage, frozenset[str | None]] = field(default_factory=dict)
    line: Mapping[str | None, str] = field(default_factory=dict)
    untold: bool = False


def _public(tx: Tx, by: str, month: str) -> dict[Stage, Beside]:
    prefix = "partner" if by == "organization" else "funnel"
    versions = {row.code: row.version for row in tx.rows(_VERSIONS, prefix=f"{prefix}\\_%")}
    found = read_beside(tx, versions, by, {month: MONTH.dates(month)})
    return {stage: found.get((f"{prefix}_{stage}", month), Beside()) for stage in Stage}


def _withheld(
    public: Mapping[Stage, Beside], by: str, reached: Cells, threshold: int, own: frozenset[str]
) -> _Withheld:
    """What the month's snapshot does not tell of the stages, the series of their indicators does not either. A kind of
    need whose offers are hidden, or would tell the only small part, is told as one.
    """
    offered = public[Stage.OFFERED]
    lines = {name: list[str]() for name in offered.hidden - own} | offered.lines(by, [key for key in reached if key])
    line: dict[str | None, str] = {}
    found: dict[Stage, set[str | None]] = {stage: set() for stage in Stage}
    for name, parts in lines.items():
        for stage, each in public.items():
            found[stage] |= {name, *parts} - own if name in each.hidden else set()
        few, alone = _hidden({part: reached[part] for part in parts}, threshold, own)
        if name in offered.hidden - own or (alone and len(parts) > 1):
            line |= dict.fromkeys((name, *parts), name)
        elif len(parts) > 1:
            for stage in Stage:
                found[stage] |= few[stage]
    held = {stage: frozenset(keys) for stage, keys in found.items()}
    return _Withheld(held, line, any(each.untold for each in public.values()))


def _folded(cells: Cells, line: Mapping[str | None, str]) -> dict[str | None, Counter[Stage]]:
    found: dict[str | None, Counter[Stage]] = {name: Counter() for name in line.values()}
    for key, counts in cells.items():
        found.setdefault(line.get(key, key), Counter()).update(counts)
    return found


def _groups(
    reached: Cells, waiting: Cells, threshold: int, own: frozenset[str], kept: _Withheld
) -> list[measure_shapes.FunnelGroup]:
    """Everybody first, the unknown last; a group that nobody belongs to is left out, the unknown never. Where the total
    of those who were offered would tell the only small group, no group is told at all.
    """
    parts = [key for key in reached if key is not None]
    hidden, untold = _hidden({key: reached[key] for key in parts}, threshold, own)
    untold = untold or kept.untold
    hidden = {
        stage: found
        | (frozenset(parts) - own if kept.untold else kept.groups.get(stage, frozenset()))
        | held_back({None: reached.get(None, {}).get(stage, 0)}, threshold)
        for stage, found in hidden.items()
    }
    named = {*kept.line.values(), *(key for key in parts if any(reached[key].values()))}
    there = [key for key in parts if key == UNKNOWN or (key in named and not (untold and key not in own))]
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


_VERSIONS = text(
    """
select distinct on (code) code, version from indicator
 where collaborative_id = app.collaborative() and standing = 'in_force' and code like :prefix
 order by code, effective_on desc, version desc
"""
)


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
