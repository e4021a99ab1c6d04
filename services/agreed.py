"""The common agenda as it stands: results, strategies, what carries them, and what each partner adopted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from services import measure_shapes
from services.refusals import Conflict, Forbidden, Unprocessable
from services.transaction import Answer, Call, Record, Tx, perform, read


def get_agenda(record: Record, call: Call) -> measure_shapes.Agenda:
    def look(tx: Tx) -> measure_shapes.Agenda:
        row = tx.row(_AGENDA)
        assert row is not None
        body: dict[str, Any] = row.body
        carried: dict[str, list[str]] = {}
        for one in tx.rows(_CARRIED):
            carried.setdefault(one.strategy, []).append(one.code)
        return measure_shapes.Agenda.model_validate(
            {
                "version": row.version,
                "name": row.name,
                "adopted_on": row.adopted_on,
                "results": body.get("results", []),
                "strategies": [
                    one | {"indicators": carried.get(one["code"], [])} for one in body.get("strategies", [])
                ],
                "calendars": body.get("calendars", []),
                "adoptions": [one._mapping for one in tx.rows(_PARTNERS)],
            }
        )

    return read(record, call, look)


def adopt_agenda(
    record: Record, call: Call, commitments: list[str], version: int | None = None
) -> Answer[measure_shapes.Adoption]:
    """One's own organization adopts the version that stands, with the strategies that it commits itself to.

    By a supervisor or administrator. Once a version: what was signed is never edited (409). `version`: the one that was
    signed; where another stands by now, nothing is adopted (409).
    """

    def act(tx: Tx, _seen: None) -> measure_shapes.Adoption:
        if tx.here.backbone or not tx.here.roles & {"supervisor", "agency_admin"}:
            raise Forbidden("A partner's supervisor or administrator adopts the agenda for it.")
        row = tx.connection.execute(_AGENDA).one()
        if version is not None and version != row.version:
            raise Conflict(
                f"Version {row.version} of the agenda stands, and you signed {version}. Read GET /v1/agenda, and adopt"
                " what it says now.",
                code="another-version",
                current={"version": row.version},
            )
        known = {one["code"] for one in row.body.get("strategies", ())}
        for place, code in enumerate(commitments):
            if code not in known:
                raise Unprocessable(
                    f"The agenda has no such strategy; there are {', '.join(sorted(known))}.",
                    pointer=f"/commitments/{place}",
                )
        values = {"version": row.version, "on": tx.agenda.region().local_date(tx.now)}
        values["commitments"] = list(dict.fromkeys(commitments))
        if tx.row(_ADOPT, **values, me=tx.here.organization_id, by=tx.here.user_id) is None:
            raise Conflict("Your organization has adopted this version already.", code="adopted")
        tx.audit("agenda.adopt", "organization", tx.here.organization_id, row.version)
        mine = next(one for one in tx.rows(_PARTNERS) if one.organization_id == tx.here.organization_id)
        return measure_shapes.Adoption.model_validate(mine)

    return perform(record, call, lambda _tx: None, act, measure_shapes.Adoption, status=201)


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
# Each partner's newest adoption, which may be of an earlier version than the one that stands.
_PARTNERS = text(
    """
select o.id as organization_id, o.slug, o.name, d.agenda_version as version, d.adopted_on,
       coalesce(d.commitments, p.commitments) as commitments
  from partnership p join organization o on o.id = p.organization_id
  left join lateral (
    select a.agenda_version, a.adopted_on, a.commitments from adoption a
     where a.collaborative_id = p.collaborative_id and a.organization_id = o.id
     order by a.agenda_version desc limit 1) d on true
 where p.collaborative_id = app.collaborative() and app.current(p.starts_on, p.ends_on)
 order by o.name, o.id
"""
)
_ADOPT = text(
    """
insert into adoption (collaborative_id, agenda_version, organization_id, adopted_on, commitments, adopted_by)
values (app.collaborative(), :version, :me, :on, :commitments, :by) on conflict do nothing returning agenda_version
"""
).bindparams(bindparam("commitments", type_=JSONB))
