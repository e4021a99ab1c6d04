"""Adopting plan templates: as the steward, all that were handed in or none, and no version is ever changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from domain.known import Known
from domain.pathway import Template
from domain.problem import Problem
from domain.rule import Rule
from services.refusals import Unprocessable
from services.stewarding import stewarding


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of one template: `fresh` if its version was added, `problem` if it cannot be."""

    code: str
    version: int
    fresh: bool = False
    problem: Problem | None = None


def known_to(admin_url: str, collaborative: str | None = None) -> Known:
    """What a template may name in this record. `collaborative` (its slug) is needed where there are several."""
    with stewarding(admin_url) as connection:
        chosen = _collaborative(connection, collaborative)
        services: dict[str, dict[str, str]] = {}
        names: dict[str, str] = {}
        for row in connection.execute(_OFFERED, {"id": chosen.id}):
            names[row.slug] = row.organization
            services.setdefault(row.slug, {}).update({row.service: row.term} if row.service else {})
        return Known(
            services=services,
            names=names,
            terms={row.code: row.name for row in connection.execute(_EVERY_TERM)},
            indicators={row.code: Rule.parse(row.rule) for row in connection.execute(_CODES, {"id": chosen.id})},
            strategies=frozenset(chosen.strategies),
            backbone=chosen.backbone,
        )


def adopt_templates(
    admin_url: str,
    templates: Sequence[Template],
    *,
    login: str | None = None,
    collaborative: str | None = None,
    keep: bool = True,
) -> list[Adopted]:
    """Add those that are new; one that the record has already changes nothing. With a problem in one, none is added.

    `admin_url` may become the steward. `keep` False: only say what would become of them. The templates are sound, and
    checked against `known_to`.
    """
    with stewarding(admin_url) as connection:
        chosen = _collaborative(connection, collaborative)
        connection.execute(_LOCK, {"id": chosen.id})
        adopted = [_compare(connection, chosen.id, one) for one in templates]
        if keep and not any(one.problem for one in adopted):
            for template, one in zip(templates, adopted, strict=True):
                if one.fresh:
                    connection.execute(_ADD, {"collaborative": chosen.id, "login": login, **row_of(template)})
        return adopted


def row_of(template: Template) -> dict[str, Any]:
    """The columns that the template itself decides."""
    return {
        "code": template.code,
        "version": template.version,
        "name": template.name,
        "definition": template.definition,
        "strategy": template.strategy,
        "body": template.body(),
        "digest": template.digest,
    }


def _compare(connection: Connection, collaborative_id: UUID, template: Template) -> Adopted:
    had = {row.version: row.digest for row in connection.execute(_HAD, {"id": collaborative_id, "code": template.code})}
    latest = max(had, default=0)
    if had.get(latest) == template.digest:
        return Adopted(template.code, latest)
    if had.get(template.version) == template.digest:
        return Adopted(template.code, template.version)
    if template.version == latest + 1:
        return Adopted(template.code, template.version, fresh=True)
    return Adopted(template.code, template.version, problem=_problem(template, latest))


def _problem(template: Template, latest: int) -> Problem:
    if template.version <= latest:
        what = f"version {template.version} is in the record and says something else; plans may follow it."
    else:
        what = f"version {template.version} would leave a gap: the record has {latest or 'none'}."
    return Problem(("version",), what, f"Write `version: {latest + 1}`.")


def _collaborative(connection: Connection, slug: str | None) -> Any:
    found = connection.execute(_COLLABORATIVES, {"slug": slug}).all()
    if len(found) == 1:
        return found[0]
    if not found:
        raise Unprocessable("There is no such collaborative in the record." if slug else "The record is empty.")
    listed = ", ".join(sorted(one.slug for one in found))
    raise Unprocessable(f"The record holds several collaboratives: {listed}. Say which.")


_COLLABORATIVES = text(
    """
select c.id, c.slug,
       array(select s ->> 'code' from jsonb_array_elements(coalesce(a.body -> 'strategies', '[]')) s) as strategies,
       (select o.slug from partnership p join organization o on o.id = p.organization_id
         where p.collaborative_id = c.id and p.role = 'backbone' order by p.starts_on desc limit 1) as backbone
  from collaborative c join agenda a on a.collaborative_id = c.id and a.version = c.agenda_version
 where cast(:slug as text) is null or c.slug = :slug
"""
)
_OFFERED = text(
    """
select o.slug, o.name as organization, s.name as service, s.term
  from partnership p join organization o on o.id = p.organization_id join collaborative c on c.id = p.collaborative_id
  left join service s on s.organization_id = o.id and s.status = 'active'
 where c.id = :id and cast(now() at time zone c.zone as date) between p.starts_on and coalesce(p.ends_on, 'infinity')
"""
)
_EVERY_TERM = text("select code, name from taxonomy_term")
_CODES = text(
    "select distinct on (code) code, rule from indicator where collaborative_id = :id order by code, version desc"
)
_LOCK = text("select id from collaborative where id = :id for update")
_HAD = text("select version, digest from plan_template where collaborative_id = :id and code = :code")
_ADD = text(
    """
insert into plan_template (collaborative_id, code, version, name, definition, strategy, body, digest, loaded_by)
values (:collaborative, :code, :version, :name, :definition, :strategy, :body, :digest, :login)
"""
).bindparams(bindparam("body", type_=JSONB))
