"""Loading a changed agenda into the record, as the steward: whole or not at all, and no version is ever edited.

What a definition counts never changes under its version; baseline, target, owner and words in other languages may be
filled in later. A new version counts nothing until `replaying.take_over` has counted its history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from domain.problem import meant
from domain.rule import Rule
from services.journal import new_id
from services.stewarding import stewarding

Row = Mapping[str, Any]
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Amendment:
    """An agenda as rows: `body` is the agenda version's JSON; an indicator's `owner` is an organization's slug, and
    beside each indicator is where it stands in the file.

    `collaborative`: what the file says of it, by column; `backbone` is a slug too.
    """

    slug: str
    collaborative: Row
    backbone: str
    version: int
    name: str
    adopted_on: Any
    body: Row
    reasons: Sequence[Row]
    indicators: Sequence[tuple[Place, Row]]


@dataclass(frozen=True, slots=True)
class Objection:
    """Why it cannot be loaded; `place` leads to it in the agenda."""

    place: Place
    what: str
    remedy: str


@dataclass(slots=True)
class Amended:
    """`proposed` and `updated` are (code, version); nothing was written if there is an objection.

    `settings`: what changed of the collaborative itself. `notes`: what is allowed, and perhaps not meant.
    """

    objections: list[Objection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)
    version_added: bool = False
    reasons_added: list[str] = field(default_factory=list)
    proposed: list[tuple[str, int]] = field(default_factory=list)
    updated: list[tuple[str, int]] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.settings or self.version_added or self.reasons_added or self.proposed or self.updated)


class _Objected(Exception):
    """Nothing of it may stay."""


def amend_agenda(admin_url: str, amendment: Amendment, *, keep: bool = True) -> Amended:
    """A repeat changes nothing. `admin_url` may become the steward. `keep` False: only say what it would do."""
    amended = Amended()
    try:
        with stewarding(admin_url) as connection:
            _amend(connection, amendment, amended)
            if amended.objections or not keep:
                raise _Objected
    except _Objected:
        return Amended(amended.objections, amended.notes) if amended.objections else amended
    return amended


def _amend(connection: Connection, amendment: Amendment, amended: Amended) -> None:
    found = connection.execute(_LOCK, {"slug": amendment.slug}).first()
    if found is None:
        what = f"the record holds no collaborative `{amendment.slug}`."
        amended.objections.append(Objection(("collaborative", "slug"), what, "Correct the slug, or run: concert seed"))
        return
    _amend_collaborative(connection, found, amendment, amended)
    _amend_agenda(connection, found.id, amendment, amended)
    _amend_reasons(connection, found.id, amendment, amended)
    owners = {row.slug: row.id for row in connection.execute(_PARTNERS, {"id": found.id})}
    for place, row in amendment.indicators:
        _amend_indicator(connection, found.id, place, dict(row), owners, amended)
    amended.notes += _left_out(connection, found.id, amendment) + _unasked(connection, found.id, amendment)


def _amend_collaborative(connection: Connection, found: Any, amendment: Amendment, amended: Amended) -> None:
    """Its settings have no versions: what the file says holds from now on; days that were counted stay."""
    if found.zone != amendment.collaborative["zone"]:
        what = f"what happened was counted by the days of {found.zone}."
        amended.objections.append(Objection(("collaborative", "time_zone"), what, f"Keep {found.zone}."))
    if found.backbone != amendment.backbone:
        what = f"the backbone in the record is `{found.backbone}`."
        remedy = f"Write {found.backbone}; another backbone begins with a partnership of its own."
        amended.objections.append(Objection(("collaborative", "backbone"), what, remedy))
    changed = {name: value for name, value in amendment.collaborative.items() if getattr(found, name) != _json(value)}
    if changed and not amended.objections:
        amended.settings = sorted(changed)
        connection.execute(_SETTLE, {**amendment.collaborative, "id": found.id})


def _left_out(connection: Connection, collaborative: Any, amendment: Amendment) -> list[str]:
    named = {row["code"] for _, row in amendment.indicators}
    codes = [row.code for row in connection.execute(_COUNTING, {"id": collaborative}) if row.code not in named]
    return [
        f"{code} is in the record and not in this file: it goes on counting. End it with `ends_on`." for code in codes
    ]


def _unasked(connection: Connection, collaborative: Any, amendment: Amendment) -> list[str]:
    """Answers and pathways that rules count, and that no pathway in the record has: they may be loaded next."""
    templates = {row.code: row.body for row in connection.execute(_TEMPLATES, {"id": collaborative})}
    asked = {
        one["key"]: one["kind"] for body in templates.values() for step in body["steps"] for one in step.get("form", ())
    }
    notes: list[str] = []
    for _, row in amendment.indicators:
        rule = Rule.parse(row["rule"])
        for name in sorted(rule.answers):
            if name not in asked:
                hint = meant(name, asked, "")
                notes.append(f"{row['code']}: no pathway asks for `{name}`, so that counts nothing yet. {hint}".strip())
            elif rule.fact == f"answer.{name}" and asked[name] != "number":
                notes.append(
                    f"{row['code']}: `{name}` is answered with a {asked[name]}, and only numbers can be added."
                )
        for code in sorted({code for one in rule.selectors.values() for code in one.templates} - set(templates)):
            hint = meant(code, templates, "")
            notes.append(f"{row['code']}: there is no pathway `{code}`, so that counts nothing yet. {hint}".strip())
    return notes


def _amend_agenda(connection: Connection, collaborative: Any, amendment: Amendment, amended: Amended) -> None:
    had = {row.version: row for row in connection.execute(_AGENDAS, {"id": collaborative})}
    newest = max(had)
    same = had.get(amendment.version)
    if same is not None:
        named = (same.name, same.adopted_on) == (amendment.name, amendment.adopted_on)
        said = all((same.body.get(name) or None) == (_json(value) or None) for name, value in amendment.body.items())
        if not (named and said):
            what = f"version {amendment.version} is in the record and says something else."
            amended.objections.append(Objection(("agenda", "version"), what, f"Write `version: {newest + 1}`."))
        elif amendment.version != newest:
            what = f"version {amendment.version} is an old one: version {newest} stands since."
            amended.objections.append(Objection(("agenda", "version"), what, f"Take the file of version {newest}."))
        return
    if amendment.version != newest + 1:
        what = f"version {amendment.version} would not follow version {newest}."
        amended.objections.append(Objection(("agenda", "version"), what, f"Write `version: {newest + 1}`."))
        return
    if amendment.adopted_on > connection.execute(_TODAY, {"id": collaborative}).scalar_one():
        what = "the partners cannot have adopted it on a day that is yet to come."
        amended.objections.append(Objection(("agenda", "adopted_on"), what, "Load it on that day, or correct it."))
    elif amendment.adopted_on < had[newest].adopted_on:
        what = f"version {newest} was adopted on {had[newest].adopted_on}, and this one not before it."
        amended.objections.append(Objection(("agenda", "adopted_on"), what, "Correct the day."))
    amended.objections += _unserved(connection, collaborative, amendment)
    places = {one["code"]: ("calendars", place) for place, one in enumerate(amendment.body["calendars"])}
    for one in had[newest].body.get("calendars", []):
        if one not in amendment.body["calendars"]:
            what = f"the calendar `{one['code']}` is counted by, and cannot change or go."
            place = places.get(one["code"], ("calendars",))
            amended.objections.append(Objection(place, what, "Keep it, and add another one."))
    body = had[newest].body | dict(amendment.body)  # what the file does not say, such as the names of counties
    values = {"id": collaborative, "version": amendment.version, "body": body}
    connection.execute(_ADD_AGENDA, {**values, "name": amendment.name, "adopted_on": amendment.adopted_on})
    connection.execute(_USE_AGENDA, {"id": collaborative, "version": amendment.version})
    amended.version_added = True


def _unserved(connection: Connection, collaborative: Any, amendment: Amendment) -> list[Objection]:
    """Strategies that pathways serve, and that the file does not name any more."""
    kept = {one["code"] for one in amendment.body["strategies"]}
    remedy = "Keep it, or load the pathway with another strategy first."
    return [
        Objection(
            ("strategies",),
            f"the strategy `{row.body['strategy']}` is gone, and the pathway `{row.code}` serves it.",
            remedy,
        )
        for row in connection.execute(_TEMPLATES, {"id": collaborative})
        if row.body["strategy"] not in kept
    ]


def _amend_reasons(connection: Connection, collaborative: Any, amendment: Amendment, amended: Amended) -> None:
    had = {row.code: row.reason_class for row in connection.execute(_REASONS, {"id": collaborative})}
    for place, one in enumerate(amendment.reasons):
        if one["code"] not in had:
            connection.execute(_ADD_REASON, {"collaborative": collaborative, **one})
            amended.reasons_added.append(one["code"])
        elif had[one["code"]] != one["class"]:
            what = f"`{one['code']}` has the class {had[one['code']]} in the record, and work has ended by it."
            amended.objections.append(Objection(("reasons", place, "class"), what, "Add a reason with another code."))


_DEFINES = (
    "definition", "kind", "measures", "unit", "direction", "result", "strategy", "rule", "period", "effective_on",
    "scorecard",
)  # fmt: skip
"""What a version says: it never changes under its number."""
_LATER = ("name", "names", "owner_organization_id", "threshold", "baseline", "target", "ends_on")
"""What may be filled in or corrected without changing a figure."""


def _amend_indicator(
    connection: Connection, collaborative: Any, place: Place, row: dict[str, Any], owners: Row, amended: Amended
) -> None:
    owner = row.pop("owner")
    if owner not in owners:
        what = f"`{owner}` is no partner in the record."
        amended.objections.append(Objection((*place, "owner"), what, f"There are: {', '.join(sorted(owners))}."))
        return
    row |= {"owner_organization_id": owners[owner], "collaborative_id": collaborative}
    key = {"id": collaborative, "code": row["code"]}
    had = {one.version: one for one in connection.execute(_INDICATORS, key)}
    same = had.get(row["version"])
    if same is None:
        _propose(connection, place, row, had, amended)
        return
    changed = [name for name in _DEFINES if getattr(same, name) != _json(row[name])]
    if changed:
        what = f"version {row['version']} is in the record and says something else ({', '.join(changed)})."
        remedy = f"Leave it as it was, and add `version: {max(had) + 1}` with the day from which it counts."
        amended.objections.append(Objection((*place, "version"), what, remedy))
    elif any(getattr(same, name) != _json(row[name]) for name in _LATER):
        connection.execute(_UPDATE, {"same": same.id, **{name: row[name] for name in _LATER}})
        amended.updated.append((row["code"], row["version"]))


def _propose(
    connection: Connection, place: Place, row: dict[str, Any], had: Mapping[int, Any], amended: Amended
) -> None:
    """What somebody observes needs no history; all else counts nothing before that was counted."""
    newest = max(had, default=0)
    if row["version"] != newest + 1:
        what = f"version {row['version']} would not follow version {newest or 'none'}."
        amended.objections.append(Objection((*place, "version"), what, f"Write `version: {newest + 1}`."))
        return
    if newest and row["effective_on"] <= had[newest].effective_on:
        what = f"version {newest} takes effect on {had[newest].effective_on}, and this one not after it."
        amended.objections.append(Objection((*place, "effective_on"), what, "Name a later first of a month."))
        return
    standing = "in_force" if row["measures"] == "population" else "proposed"
    connection.execute(_ADD, {"new": new_id(), "standing": standing, **row})
    if standing == "proposed":
        amended.proposed.append((row["code"], row["version"]))


def _json(value: Any) -> Any:
    """Lists and tuples are the same to JSON."""
    if isinstance(value, Mapping):
        return {name: _json(each) for name, each in value.items()}
    return [_json(each) for each in value] if isinstance(value, list | tuple) else value


_LOCK = text(
    """
select c.*, (select o.slug from partnership p join organization o on o.id = p.organization_id
              where p.collaborative_id = c.id and p.role = 'backbone' order by p.starts_on desc limit 1) as backbone
  from collaborative c where c.slug = :slug for update of c
"""
)
_SETTLE = text(
    "update collaborative set name = :name, description = :description, subdivision = :subdivision,"
    " opening_hours = :opening_hours, age_of_majority = :age_of_majority,"
    " publication_threshold = :publication_threshold where id = :id"
).bindparams(bindparam("opening_hours", type_=JSONB))
_COUNTING = text(
    "select distinct i.code from indicator i join collaborative c on c.id = i.collaborative_id"
    " where c.id = :id and i.standing = 'in_force'"
    " and (i.ends_on is null or i.ends_on > cast(now() at time zone c.zone as date)) order by i.code"
)
_TEMPLATES = text(
    "select distinct on (code) code, body from plan_template where collaborative_id = :id order by code, version desc"
)
_PARTNERS = text(
    "select o.slug, o.id from partnership p join organization o on o.id = p.organization_id"
    " where p.collaborative_id = :id"
)
_TODAY = text("select cast(now() at time zone zone as date) from collaborative where id = :id")
_AGENDAS = text("select version, name, adopted_on, body from agenda where collaborative_id = :id")
_ADD_AGENDA = text(
    "insert into agenda (collaborative_id, version, name, adopted_on, body)"
    " values (:id, :version, :name, :adopted_on, :body)"
).bindparams(bindparam("body", type_=JSONB))
_USE_AGENDA = text("update collaborative set agenda_version = :version where id = :id")
_REASONS = text("select code, class as reason_class from reason where collaborative_id = :id")
_ADD_REASON = text(
    "insert into reason (collaborative_id, code, class, name, names)"
    " values (:collaborative, :code, :class, :name, :names)"
).bindparams(bindparam("names", type_=JSONB))
_INDICATORS = text(
    f"select id, version, {', '.join((*_DEFINES, *_LATER))} from indicator"
    " where collaborative_id = :id and code = :code"
)
_JSONS = [bindparam(name, type_=JSONB(none_as_null=True)) for name in ("names", "baseline", "target")]
_COLUMNS = ("collaborative_id", "code", "version", *_DEFINES, *_LATER)
_ADD = text(
    f"insert into indicator (id, standing, {', '.join(_COLUMNS)})"
    f" values (:new, :standing, {', '.join(':' + name for name in _COLUMNS)})"
).bindparams(*_JSONS, bindparam("rule", type_=JSONB))
_UPDATE = text(f"update indicator set {', '.join(f'{name} = :{name}' for name in _LATER)} where id = :same").bindparams(
    *_JSONS
)
