"""The directory of the collaborative, in HSDS terms: organizations, services and where they are given."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from services import directory_shapes
from services.searching import like
from services.transaction import Call, Record, Tx, read

After = tuple[Any, ...] | None


def list_organizations(
    record: Record, call: Call, after: After = None, limit: int = 50
) -> list[directory_shapes.Organization]:
    """By name; `after` is (name, id)."""

    def look(tx: Tx) -> list[directory_shapes.Organization]:
        rows = tx.rows(_ORGANIZATIONS, limit=limit, name=after[0] if after else None, id=after[1] if after else None)
        return [directory_shapes.Organization.model_validate(row) for row in rows]

    return read(record, call, look)


def list_services(
    record: Record,
    call: Call,
    *,
    taxonomy: str | None = None,
    q: str | None = None,
    taking: bool | None = None,
    after: After = None,
    limit: int = 50,
) -> list[directory_shapes.Service]:
    """Active services of partners of today, by name. `taxonomy` is a term's code and takes its narrower terms too;
    `q` searches names and words. `taking`: those that can be asked (who said nothing that still holds can), or those
    that said that they have no room.
    """

    def look(tx: Tx) -> list[directory_shapes.Service]:
        values = {"taxonomy": taxonomy, "q": like(q), "taking": taking, "limit": limit}
        rows = tx.rows(_SERVICES, **values, name=after[0] if after else None, id=after[1] if after else None)
        return [directory_shapes.Service.model_validate(row) for row in rows]

    return read(record, call, look)


def list_terms(record: Record, call: Call) -> list[directory_shapes.Term]:
    return read(record, call, lambda tx: [directory_shapes.Term.model_validate(row) for row in tx.rows(_TERMS)])


def list_reasons(record: Record, call: Call) -> list[directory_shapes.Reason]:
    """The agenda's one list of reasons for declined, failed and cancelled (decision 27)."""
    return read(record, call, lambda tx: [directory_shapes.Reason.model_validate(row) for row in tx.rows(_REASONS)])


_ORGANIZATIONS = text(
    """
select o.id, o.slug, o.name, o.description, o.kind, o.mode, p.role, o.email, o.phone, o.website
  from organization o join app.partners() p on p.organization_id = o.id and p.collaborative_id = app.collaborative()
 where cast(:name as text) is null or (o.name, o.id) > (:name, cast(:id as uuid))
 order by o.name, o.id limit :limit
"""
)
_SERVICES = text(
    """
with recursive wanted as (
    select code from taxonomy_term where code = :taxonomy
    union select t.code from taxonomy_term t join wanted w on t.parent = w.code)
select s.*, o.name as organization, o.mode, coalesce(places.list, '[]') as locations, room.stated as capacity
  from service s join organization o on o.id = s.organization_id
  left join lateral (
    select to_jsonb(r) as stated, r.taking and (r."left" is null or r."left" > 0) as takes
      from app.room(s.id) r) room on true
  left join lateral (
    select jsonb_agg(jsonb_build_object('id', l.id, 'name', l.name, 'confidential', l.confidential, 'address_1',
      l.address_1,
                     'city', l.city, 'county', l.county, 'state_province', l.state_province, 'postal_code',
                     l.postal_code) order by l.name) as list
      from service_at_location x join location l on l.id = x.location_id where x.service_id = s.id) places on true
 where s.status = 'active'
   and s.organization_id in (select organization_id from app.partners() where collaborative_id = app.collaborative())
   and (cast(:taxonomy as text) is null or s.term in (select code from wanted))
   and (cast(:taking as boolean) is null or coalesce(room.takes, true) = :taking)
   and (cast(:q as text) is null or s.name ilike :q or s.description ilike :q or o.name ilike :q or s.term ilike :q)
   and (cast(:name as text) is null or (s.name, s.id) > (:name, cast(:id as uuid)))
 order by s.name, s.id limit :limit
"""
)
_TERMS = text("select code, name, parent, sensitive from taxonomy_term order by code")
_REASONS = text(
    "select code, class as reason_class, name from reason where collaborative_id = app.collaborative() order by"
    " class, code"
)
