"""Where the region lacks room: what was asked of each service, and what it had no room for.

Counted from the events of at most 36 months, by an index that holds only the four kinds that are asked for: a total by
service would be written with every offer, for a report that is read once a month.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import text

from domain.groups import SENSITIVE
from domain.holding import held_back
from services import directory_shapes
from services.sensitive import told_as_one
from services.spans import months_asked, moved, quarter_asked
from services.transaction import Call, Record, Tx, read
from services.withholding import region_threshold

COUNTED = ("offered", "no_capacity", "turned_away", "waitlisted")


def capacity_report(
    record: Record, call: Call, *, start: str | None = None, end: str | None = None
) -> directory_shapes.CapacityReport:
    """By service and county in the months `start` to `end`, both included; the last twelve without them.

    The backbone reads every service that is open to it; a partner its own, exactly, and the region's totals by term and
    county, of which small numbers are held back: one quarter at a time, as overlapping answers could be subtracted.
    Sensitive needs the backbone reads together, as the term `sensitive`, and of a service for them nothing of its own.
    """

    def look(tx: Tx) -> directory_shapes.CapacityReport:
        first, last = (months_asked if tx.here.backbone else quarter_asked)(tx, start, end)
        days = {"opens": date.fromisoformat(f"{first}-01"), "closes": date.fromisoformat(f"{moved(last, 1)}-01")}
        found = tx.rows(_DEMAND, **days)
        listed = {row.id: row for row in tx.rows(_SERVICES)}
        here = tx.here.organization_id
        threshold = 0 if tx.here.backbone else region_threshold(tx)
        own = {row.id for row in listed.values() if row.organization_id == here}
        sensitive = told_as_one(tx)
        return directory_shapes.CapacityReport(
            start=first,
            end=last,
            threshold=threshold,
            services=_services(tx, found, listed, sensitive),
            region=_region(found, own, threshold, sensitive),
        )

    return read(record, call, look)


def _services(
    tx: Tx, found: Iterable[Any], listed: Mapping[Any, Any], sensitive: Collection[str]
) -> list[directory_shapes.ServiceDemand]:
    """One row for each service and county; a service of which nothing was asked is there because of what it states."""
    counted: dict[Any, dict[str | None, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in found:
        counted[row.service_id][row.county].update({name: getattr(row, name) for name in COUNTED})
    rows = []
    for one in listed.values():
        if not tx.here.backbone and one.organization_id != tx.here.organization_id:
            continue
        if one.term in sensitive:
            rows.append(_service(one, None, None))
            continue
        for county, counts in (counted.get(one.id) or {None: Counter()}).items():
            rows.append(_service(one, county, counts))
    return sorted(rows, key=lambda r: (-(r.no_capacity or 0) - (r.turned_away or 0), r.name, str(r.county)))


def _service(one: Any, county: str | None, counts: Counter[str] | None) -> directory_shapes.ServiceDemand:
    """Without counts they are held back."""
    stated = None
    if one.stated_at is not None:
        stated = directory_shapes.Capacity.model_validate(one)
    return directory_shapes.ServiceDemand(
        service_id=one.id,
        organization_id=one.organization_id,
        name=one.name,
        term=one.term,
        county=county,
        capacity=stated,
        held_back=list(COUNTED) if counts is None else [],
        **{name: None if counts is None else counts[name] for name in COUNTED},
    )


def _region(
    found: Iterable[Any], own: Collection[Any], threshold: int, sensitive: Collection[str]
) -> list[directory_shapes.RegionDemand]:
    """By term and county; a small number is held back, and with a single one the next, which the term's total would
    tell.

    Small is what others were asked: the reader knows what its own services were, and would subtract it.
    """
    cells: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    others: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in found:
        counts = {name: getattr(row, name) for name in COUNTED}
        term = SENSITIVE if row.term in sensitive else row.term
        cells[term][row.county].update(counts)
        others[term][row.county].update({} if row.service_id in own else counts)
    rows = []
    for term, places in cells.items():
        hidden = {name: held_back({p: c[name] for p, c in others[term].items()}, threshold) for name in COUNTED}
        for place, counts in places.items():
            held = [name for name in COUNTED if place in hidden[name]]
            shown = {name: None if name in held else counts[name] for name in COUNTED}
            rows.append(directory_shapes.RegionDemand(term=term, county=place, held_back=held, **shown))
    return sorted(rows, key=lambda r: (-(r.no_capacity or 0) - (r.turned_away or 0), r.term, r.county))


_DEMAND = text("select * from app.demand(:opens, :closes)")
_SERVICES = text(
    """
select s.id, s.organization_id, s.name, s.term,
       room.open_slots, room."left", room.taking, room.stated_at, room.lapses_on
  from service s left join lateral app.room(s.id) room on true
 where s.status = 'active' order by s.name, s.id
"""
)
