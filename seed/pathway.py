"""Reads a plan template as somebody wrote it, and tells everything that is wrong with it at once, line by line.

Three questions, each asked of whatever the one before left standing: does the file have the form of a template, do
its steps make sense together (`domain.soundness`), is what it names there (`domain.known`)?
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path as File
from typing import Any

from domain import soundness
from domain.clock import Clock
from domain.known import Known, strangers
from domain.limit import Limit
from domain.pathway import FieldKind, Policy, StepKind, Template
from domain.rule import Rule
from seed.forms import code, either, entries, flag, listing, members, number, one_of, text, whole
from seed.marked import Path, Sheet, read, read_file
from seed.region import Region

NAMED = {"steps": ("step", "key"), "goals": ("goal", "key")}
_UNSAID = "(not said)"


def _limit(sheet: Sheet, path: Path, value: Any) -> None:
    try:
        Limit.parse(value)
    except ValueError as error:
        sheet.slip(
            path,
            f"`{path[-1]}` is no limit: {str(error).removeprefix('limit: ')}.",
            "Write, for example, {business_days: 2}.",
        )


def _lead(sheet: Sheet, path: Path, value: Any) -> None:
    if value != "lead":
        sheet.slip(path, "this is no owner.", "Write `lead`, {term: …}, or {organization: …, service: …}.")


_GOAL = members({"key": code(), "name": text(), "term": code(".")}, {"es": text()})
_OWNER = either(
    lambda value: isinstance(value, dict) and bool(value),
    members({}, {"organization": text(63), "service": text(), "term": code(".")}),
    _lead,
)
_ANSWER = either(lambda value: type(value) in (int, float), lambda _sheet, _path, _value: None, code())
"""A number is told by the question: it is the question's kind that decides."""
_CONDITION = members(
    {"step": code(), "field": code()},
    {"one_of": listing(_ANSWER, 1, 20), "at_least": number(), "at_most": number()},
)
_CHOICE = members({"code": code(), "label": text()}, {"es": text()})
_FIELD = members(
    {"key": code(), "kind": one_of(FieldKind), "label": text()},
    {
        "es": text(), "choices": listing(_CHOICE, 1, 20), "required": flag(), "unit": text(20),
        "minimum": number(), "maximum": number(),
    },
)  # fmt: skip
_STEP = members(
    {"key": code(), "title": text(80), "owner": _OWNER},
    {
        "es": text(80), "kind": one_of(StepKind), "after": listing(code()), "when": listing(_CONDITION, 1, 10),
        "form": listing(_FIELD, 1, 20), "clocks": entries(Clock, _limit), "feeds": listing(code(), 1, 20),
        "may_skip": flag(), "on_decline": one_of(Policy), "on_failure": one_of(Policy), "goal": code(),
        "opens_after_days": whole(1, 730),
    },
)  # fmt: skip
_TEMPLATE = members(
    {
        "code": code(), "version": whole(1, 9999), "name": text(), "definition": text(1000, lines=True),
        "strategy": code(), "limit_days": whole(1, 1095), "review_every_days": whole(1, 366),
        "goals": listing(_GOAL, 1, 10), "steps": listing(_STEP, 1, 100),
    },
    {"es": text()},
)  # fmt: skip


def shipped() -> list[tuple[str, bytes]]:
    """(name, contents) of each pathway that comes with the region, by name."""
    found = [one for one in files("seed").joinpath("pathways").iterdir() if one.name.endswith(".yaml")]
    return [(f"seed/pathways/{one.name}", one.read_bytes()) for one in sorted(found, key=lambda one: one.name)]


def pathways(region: Region) -> list[Template]:
    """The shipped ones. What is wrong in them is a bug."""
    known = known_of(region)
    found = [template_of(name, data, known) for name, data in shipped()]
    slips = [str(slip) for sheet, _ in found for slip in sheet.slips]
    if slips:
        raise ValueError("\n".join(slips))
    return [template for _, template in found if template is not None]


def read_template(path: File, known: Known) -> tuple[Sheet, Template | None]:
    """The file and what is wrong in it; the template is None unless nothing is."""
    return _checked(read_file(path, NAMED), known)


def template_of(name: str, data: bytes, known: Known) -> tuple[Sheet, Template | None]:
    return _checked(read(data, name, NAMED), known)


def known_of(region: Region) -> Known:
    """What a template may name where the shipped region is at home."""
    return Known(
        services={
            one.slug: {service.name: service.term for service in region.services if service.organization_id == one.id}
            for one in region.organizations
        },
        names={one.slug: one.name for one in region.organizations},
        terms={term.code: term.name for term in region.agenda.terms},
        indicators={one.code: Rule.parse(one.rule) for one in region.agenda.indicators},
        strategies=frozenset(one.code for one in region.agenda.strategies),
        backbone=region.agenda.collaborative.backbone,
    )


def _checked(sheet: Sheet, known: Known) -> tuple[Sheet, Template | None]:
    if sheet.value is None:
        return sheet, None
    _TEMPLATE(sheet, (), sheet.value)
    body = _standing(sheet)
    if body is not None:
        template = Template.parse(body)
        for one in (*soundness.problems(template), *strangers(template, known)):
            if _UNSAID not in one.what + one.remedy and not sheet.spoiled(one.path):
                sheet.slip(one.path, one.what, one.remedy)
    return sheet, None if sheet.slips or body is None else Template.parse(_stripped(body))


def _standing(sheet: Sheet) -> dict[str, Any] | None:
    """What is left to be asked further; None if there are no steps. Places in lists stay what they are."""
    value = sheet.value
    if not isinstance(value, dict) or not isinstance(value.get("steps"), list):
        return None
    body: dict[str, Any] = {
        "code": _UNSAID, "name": _UNSAID, "definition": _UNSAID, "strategy": _UNSAID, "limit_days": 10**6,
        "review_every_days": 1, "goals": [], "version": 1,
    }  # fmt: skip
    body |= {name: one for name, one in value.items() if not sheet.spoiled((name,))}
    unsure = {
        step.get("key") for place, step in enumerate(value["steps"])
        if isinstance(step, dict) and isinstance(step.get("key"), str) and sheet.spoiled(("steps", place, "form"))
    }  # fmt: skip
    body["steps"] = [_step(sheet, place, step, unsure) for place, step in enumerate(value["steps"])]
    if sheet.spoiled(("goals",)):
        body["steps"] = [{name: one for name, one in step.items() if name != "goal"} for step in body["steps"]]
    return body


def _step(sheet: Sheet, place: int, step: Any, unsure: set[Any]) -> dict[str, Any]:
    """Without what is spoiled, and without what would be judged by it: other slips would be made up."""
    at: Path = ("steps", place)
    standing: dict[str, Any] = {"key": f"{_UNSAID} {place}", "title": _UNSAID, "owner": "lead"}
    if not isinstance(step, dict):
        return standing
    standing |= {name: one for name, one in step.items() if not sheet.spoiled((*at, name))}
    if sheet.spoiled((*at, "owner")):
        standing = {name: standing[name] for name in standing.keys() - {"kind", "on_decline", "on_failure"}}
    if "after" not in standing and isinstance(step.get("after"), list):
        places = enumerate(step["after"])
        standing["after"] = [_UNSAID if sheet.spoiled((*at, "after", nth)) else one for nth, one in places]
    standing["when"] = [one for one in standing.get("when", []) if one["step"] not in unsure]
    return standing


def _stripped(value: Any) -> Any:
    """Without the line breaks at the end that a folded text has."""
    if isinstance(value, dict):
        return {name: _stripped(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_stripped(one) for one in value]
    return value.strip() if isinstance(value, str) else value
