"""The common agenda as it stands: results, strategies, what carries them, and what each partner adopted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from services import shapes
from services.transaction import Call, Record, Tx, read


def get_agenda(record: Record, call: Call) -> shapes.Agenda:
    def look(tx: Tx) -> shapes.Agenda:
        row = tx.row(_AGENDA)
        assert row is not None
        body: dict[str, Any] = row.body
        carried: dict[str, list[str]] = {}
        for one in tx.rows(_CARRIED):
            carried.setdefault(one.strategy, []).append(one.code)
        return shapes.Agenda.model_validate(
            {
                "version": row.version,
                "name": row.name,
                "adopted_on": row.adopted_on,
                "results": body.get("results", []),
                "strategies": [
                    one | {"indicators": carried.get(one["code"], [])} for one in body.get("strategies", [])
                ],
                "calendars": body.get("calendars", []),
                "adoptions": [
                    dict(one._mapping) | {"adopted_on": body.get("adoptions", {}).get(one.slug)}
                    for one in tx.rows(_PARTNERS)
                ],
            }
        )

    return read(record, call, look)


_AGENDA = text(
    """
select a.version, a.name, a.adopted_on, a.body
  from collaborative c join agenda a on a.collaborative_id = c.id and a.version = c.agenda_version
 where c.id = app.collaborative()
"""
)
_CARRIED = text(
    """
select distinct strategy, code from indicator
 where collaborative_id = app.collaborative() and standing = 'in_force' and strategy is not null
   and app.current(effective_on, ends_on) and not scorecard
 order by strategy, code
"""
)
_PARTNERS = text(
    """
select o.id as organization_id, o.slug, o.name, p.commitments
  from partnership p join organization o on o.id = p.organization_id
 where p.collaborative_id = app.collaborative() and app.current(p.starts_on, p.ends_on)
 order by o.name, o.id
"""
)
