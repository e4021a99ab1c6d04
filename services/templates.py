"""Plan templates: what the collaborative agreed to do for a family, version by version. A version is never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from domain.pathway import Field, Step, Template
from domain.rails import rows
from domain.telling import Telling
from services import template_shapes
from services.refusals import NotVisible
from services.transaction import Call, Record, Tx, read


@dataclass(frozen=True, slots=True)
class Pathway:
    """A template as the record keeps it, with what its reader calls partners and terms."""

    template: Template
    latest: int
    telling: Telling


def list_templates(record: Record, call: Call) -> list[template_shapes.PlanTemplateSummary]:
    """The newest version of each, by name in the reader's language."""

    def look(tx: Tx) -> list[template_shapes.PlanTemplateSummary]:
        newest = tx.rows(_TEMPLATES, code=None, version=None)
        found = [_pathway(row, ({}, {}), tx.here.language) for row in newest]
        return sorted((_summary(one) for one in found), key=lambda one: (one.name, one.code))

    return read(record, call, look)


def get_template(record: Record, call: Call, code: str, version: int | None = None) -> template_shapes.PlanTemplate:
    """One version, else the newest: its steps in the order in which they are drawn."""
    return _whole(get_pathway(record, call, code, version))


def get_pathway(record: Record, call: Call, code: str, version: int | None = None) -> Pathway:
    """For those who draw it."""

    def look(tx: Tx) -> Pathway:
        row = tx.row(_TEMPLATES, code=code, version=version)
        if row is None:
            raise NotVisible
        names = {one.slug: one.name for one in tx.rows(_PARTNERS)}
        terms = {one.code: one.name for one in tx.rows(_TERMS, language=tx.here.language)}
        return _pathway(row, (names, terms), tx.here.language)

    return read(record, call, look)


def _pathway(row: Any, telling: tuple[Mapping[str, str], Mapping[str, str]], language: str) -> Pathway:
    template = Template.parse(row.body)
    return Pathway(template, row.latest, Telling(template, *telling, language=language))


def _summary(one: Pathway) -> template_shapes.PlanTemplateSummary:
    template, say = one.template, one.telling
    return template_shapes.PlanTemplateSummary(
        code=template.code,
        version=template.version,
        name=say.title(template),
        definition=template.definition,
        strategy=template.strategy,
        limit_days=template.limit_days,
        steps=len(template.steps),
        goals=[say.either(goal.name, goal.es) for goal in template.goals],
    )


def _whole(one: Pathway) -> template_shapes.PlanTemplate:
    template, say = one.template, one.telling
    return template_shapes.PlanTemplate(
        code=template.code,
        version=template.version,
        latest_version=one.latest,
        name=say.title(template),
        definition=template.definition,
        strategy=template.strategy,
        limit_days=template.limit_days,
        review_every_days=template.review_every_days,
        goals=[
            template_shapes.TemplateGoal(key=goal.key, name=say.either(goal.name, goal.es), term=goal.term)
            for goal in template.goals
        ],
        steps=[_step(template.step(row.key), say) for row in rows(template.order())],
    )


def _step(step: Step, say: Telling) -> template_shapes.TemplateStep:
    owner = step.owner
    return template_shapes.TemplateStep(
        key=step.key,
        title=say.title(step),
        kind=step.kind,
        owner=template_shapes.TemplateOwner(
            organization=owner.organization, service=owner.service, term=owner.term, name=say.owner(owner)
        ),
        after=list(step.after),
        condition=say.condition(step),
        form=[_question(one, say) for one in step.form],
        clocks={clock: limit.as_json() for clock, limit in step.clocks.items()},
        feeds=list(step.feeds),
        may_skip=step.may_skip,
        on_decline=step.on_decline,
        on_failure=step.on_failure,
        goal=step.goal,
        opens_after_days=step.opens_after_days,
    )


def _question(one: Field, say: Telling) -> template_shapes.TemplateField:
    return template_shapes.TemplateField(
        key=one.key,
        kind=one.kind,
        label=say.either(one.label, one.es),
        choices=[template_shapes.TemplateChoice(code=code, label=label) for code, label in say.answers(one).items()],
        required=one.required,
        minimum=one.minimum,
        maximum=one.maximum,
        unit=one.unit,
    )


_TEMPLATES = text(
    """
select distinct on (t.code) t.body,
       (select max(l.version) from plan_template l
         where l.collaborative_id = t.collaborative_id and l.code = t.code) as latest
  from plan_template t
 where t.collaborative_id = app.collaborative()
   and (cast(:code as text) is null or t.code = :code) and (cast(:version as int) is null or t.version = :version)
 order by t.code, t.version desc
"""
)
_PARTNERS = text("select slug, name from organization")
_TERMS = text("select code, coalesce(names ->> :language, name) as name from taxonomy_term")
