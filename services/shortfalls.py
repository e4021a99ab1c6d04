"""What people needed and did not get: by term and county, against the services that are listed (decision 34)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from domain.groups import SENSITIVE
from domain.holding import held_back
from services import measure_shapes
from services.sensitive import NAME, told_as_one
from services.spans import months_asked, quarter_asked, span
from services.transaction import Call, Record, Tx, read
from services.withholding import region_threshold

COUNTED = ("recorded", "unmet", "without_service", "no_capacity")


def unmet_needs(
    record: Record, call: Call, *, start: str | None = None, end: str | None = None, by: str | None = None
) -> measure_shapes.UnmetNeeds:
    """Needs recorded in the months `start` to `end` (both included; the last twelve without them), as they stand now.

    `by` county or None. Numbers below the collaborative's threshold are held back, from the backbone too. Partners are
    told one quarter at a time (without months, the one that runs): overlapping answers could be subtracted. Sensitive
    needs the backbone reads together, as the term `sensitive`.
    """

    def look(tx: Tx) -> measure_shapes.UnmetNeeds:
        first, last = (months_asked if tx.here.backbone else quarter_asked)(tx, start, end)
        found = tx.rows(_NEEDS, **span(tx, first, last))
        threshold, sensitive = region_threshold(tx), told_as_one(tx)
        listed: dict[str, Any] = {row.code: row for row in tx.rows(_SERVICES, language=tx.here.language)}
        listed[SENSITIVE] = _together(listed, sensitive, NAME[tx.here.language == "es"])
        rows = _rows(found, by, threshold, listed, sensitive)
        return measure_shapes.UnmetNeeds(start=first, end=last, by=by, threshold=threshold, rows=rows)

    return read(record, call, look)


def _rows(
    found: list[Any], by: str | None, threshold: int, listed: Mapping[str, Any], sensitive: Collection[str]
) -> list[measure_shapes.UnmetNeed]:
    cells: dict[str, dict[str | None, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in found:
        place = row.county if by else None
        term = SENSITIVE if row.term in sensitive else row.term
        cells[term][place].update({name: getattr(row, name) for name in COUNTED})
    rows = []
    for term, places in cells.items():
        hidden = {name: held_back({p: c[name] for p, c in places.items()}, threshold) for name in COUNTED}
        for place, counted in places.items():
            held = [name for name in COUNTED if place in hidden[name]]
            rows.append(_row(term, place, counted, held, listed.get(term)))
    return sorted(rows, key=lambda r: (-(r.unmet or 0) - (r.without_service or 0), r.term, r.county or ""))


@dataclass(frozen=True, slots=True)
class _Listed:
    """What the directory lists, in the manner of a row of `_SERVICES`."""

    name: str
    services: int
    by_county: Mapping[str, int]


def _together(listed: Mapping[str, Any], terms: Collection[str], name: str) -> _Listed:
    """A term's services are those below it too: the top ones have them all, each once."""
    tops = [listed[term] for term in terms if term.rpartition(".")[0] not in terms]
    places = sum((Counter[str](one.by_county) for one in tops), Counter[str]())
    return _Listed(name, sum(one.services for one in tops), places)


def _row(
    term: str, place: str | None, counted: Counter[str], held: list[str], listed: Any | None
) -> measure_shapes.UnmetNeed:
    shown = {name: None if name in held else counted[name] for name in COUNTED}
    here = listed.by_county.get(place, 0) if listed and place is not None else None
    return measure_shapes.UnmetNeed(
        term=term,
        name=listed.name if listed else term,
        county=place,
        services=listed.services if listed else 0,
        services_here=here,
        held_back=held,
        **shown,
    )


_NEEDS = text("select * from app.unmet_needs(:opens, :closes)")
# A term's services are those of its narrower terms too; a confidential place has no county to be counted in.
_SERVICES = text(
    """
with listed as (
    select t.code, s.id
      from taxonomy_term t
      join service s on (s.term = t.code or s.term like t.code || '.%') and s.status = 'active'),
places as (
    select l.code, p.county, count(distinct l.id) as services
      from listed l join service_at_location a on a.service_id = l.id join location p on p.id = a.location_id
     where p.county is not null group by 1, 2)
select t.code, coalesce(t.names ->> :language, t.name) as name,
       (select count(*) from listed l where l.code = t.code) as services,
       coalesce((select jsonb_object_agg(p.county, p.services) from places p where p.code = t.code), '{}') as by_county
  from taxonomy_term t
"""
)
