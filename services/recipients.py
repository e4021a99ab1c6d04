"""Who exactly hears of an event: the people behind the words of `domain.notice`, as they are when it is told.

In the caller's transaction, the engine's: row security hides nothing here, so the walls are drawn here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from domain.ladder import Rung
from domain.notice import HEARS, Rule, Whom, holder_side
from domain.pathway import parse_step
from domain.plan import goes_on
from domain.stall import CAUSES, Cause, Turn
from domain.task import Side, State

Row = Mapping[str, Any]
CASEWORK = frozenset({"caseworker", "supervisor"})
ADMINISTRATORS = frozenset({"agency_admin"})
"""Who hears where nobody else could."""
WATCHERS = frozenset({"backbone"})
"""The backbone's people: who hears of what climbs to them, and of what nobody else is left to move."""
_HOPS = 4
"""A delegate may be away too: as far as `app.stands_in` goes."""


@dataclass(frozen=True, slots=True)
class Recipient:
    user_id: UUID
    organization_id: UUID
    rule: Rule
    ball_organization_id: UUID


@dataclass(frozen=True, slots=True)
class Meant:
    """`user_id` None: everybody there with one of `roles`."""

    organization_id: UUID
    user_id: UUID | None
    roles: frozenset[str] = CASEWORK


@dataclass(frozen=True, slots=True)
class Colleague:
    user_id: UUID
    roles: frozenset[str]
    away: bool
    delegate: UUID | None


def read_event(connection: Connection, event_id: UUID) -> Row | None:
    row = connection.execute(_EVENT, {"id": event_id}).first()
    return dict(row._mapping) if row else None


def recipients(connection: Connection, e: Row) -> list[Recipient]:
    """Each person once, by the first rule that names them. Whoever did it hears nothing of it."""
    rules = [rule for rule in HEARS.get(e["kind"], ()) if _applies(rule, e)]
    meant = {rule: list(_meant(connection, e, rule)) for rule in rules}
    staff = _staff(connection, {each.organization_id for found in meant.values() for each in found})
    heard: dict[UUID, Recipient] = {}
    for rule, found in meant.items():
        for each in found:
            for user in _people(each, staff.get(each.organization_id, {})):
                if user != e["user_id"]:
                    heard.setdefault(user, Recipient(user, each.organization_id, rule, _ball(e, rule)))
    return list(heard.values())


def _applies(rule: Rule, e: Row) -> bool:
    chooses = rule.choice and _which(e, rule.whom) is Side.SOURCE and _is_to_choose(e)
    return not (rule.loop and e["plain"]) and (chooses or not rule.choice)


def _is_to_choose(e: Row) -> bool:
    """Not while others that were asked at once are open, nor where the plan's template says what comes next: its engine
    may not have looked yet.
    """
    step = e["definition"]
    return bool(e["awaited"]) and not (step and goes_on(parse_step(step), State(e["to_state"])))


def _meant(connection: Connection, e: Row, rule: Rule) -> Iterable[Meant]:
    match rule.whom:
        case Whom.TARGET | Whom.SOURCE | Whom.OTHER:
            yield _side(e, _which(e, rule.whom))
        case Whom.HOLDER:
            yield _holder(e)
        case Whom.BACKBONE:
            yield from _backbone(connection, e)
        case Whom.RUNG:
            yield from _rung(connection, e)
        case Whom.NAMED:
            to = UUID(e["facts"]["to"])
            yield Meant(to, _id(e["facts"].get("person")), CASEWORK) if to in _parties(e) else _outside(e, to)
        case Whom.NEW_HOLDER:
            yield from _changed(e, "to_user", "from_user")
        case Whom.FORMER_HOLDER:
            yield from _changed(e, "from_user", "to_user")


def _which(e: Row, whom: Whom) -> Side:
    if whom is Whom.OTHER:
        recorded = e["on_behalf"] or e["organization_id"] == e["source_organization_id"]
        return (
            Side.TARGET if e["acting_organization_id"] == e["source_organization_id"] and not recorded else Side.SOURCE
        )
    return Side(whom.value)


def _rung(connection: Connection, e: Row) -> Iterable[Meant]:
    to = e["facts"].get("to")
    if to == Rung.BACKBONE:
        yield from _backbone(connection, e)
    elif to == Rung.SUPERVISOR:
        yield Meant(_holder(e).organization_id, None, frozenset({"supervisor"}))
    else:
        yield _holder(e)


def _changed(e: Row, who: str, other: str) -> Iterable[Meant]:
    """Somebody who holds it now, or held it, where that changed; nobody in their place."""
    user = _id(e["facts"].get(who))
    if user is not None and user != _id(e["facts"].get(other)):
        yield Meant(_holder(e, assigned=True).organization_id, user, frozenset())


def _side(e: Row, side: Side) -> Meant:
    if side is Side.TARGET and e["task_id"] and not e["on_behalf"]:
        return Meant(e["organization_id"], e["task_assigned_to"])
    return Meant(e["source_organization_id"], e["follower"])


def _holder(e: Row, *, assigned: bool = False) -> Meant:
    """Whose turn it was: the organization that the event names, also where that takes no part in it; else its clock
    says so; without one, whoever has the ball now."""
    named = _id(e["facts"].get("holder"))
    if named is not None and named not in _parties(e):
        return _outside(e, named)
    return _side(e, Side.TARGET if assigned and e["task_id"] else _turn(e, named))


def _turn(e: Row, named: UUID | None) -> Side:
    cause, clock = e["facts"].get("cause"), e["facts"].get("clock")
    if e["task_id"] is None or (cause is not None and CAUSES[Cause(cause)].turn is Turn.SOURCE):
        return Side.SOURCE
    if named is not None and e["organization_id"] != e["source_organization_id"]:
        return Side.SOURCE if named == e["source_organization_id"] else Side.TARGET
    if clock is not None:
        return holder_side(clock)
    return Side.SOURCE if e["ball_organization_id"] == e["source_organization_id"] else Side.TARGET


def _outside(e: Row, organization_id: UUID) -> Meant:
    """The backbone, where it is its turn; of confidential work nobody (decision 19)."""
    return Meant(organization_id, None, frozenset() if e["restricted"] else WATCHERS)


def _parties(e: Row) -> frozenset[UUID]:
    return frozenset({e["organization_id"], e["source_organization_id"]})


def _backbone(connection: Connection, e: Row) -> Iterable[Meant]:
    if not e["restricted"]:
        for row in connection.execute(_BACKBONE, {"collaborative": e["collaborative_id"]}):
            yield Meant(row.organization_id, None, WATCHERS)


def _ball(e: Row, rule: Rule) -> UUID:
    """By whose move the notice is over."""
    if rule.whom is Whom.NAMED:
        return UUID(e["facts"]["to"])
    if rule.whom in (Whom.TARGET, Whom.SOURCE, Whom.OTHER):
        return _side(e, _which(e, rule.whom)).organization_id
    return _holder(e).organization_id


def _people(meant: Meant, there: Mapping[UUID, Colleague]) -> list[UUID]:
    """The one who is meant, else everybody of the roles: the first of whom somebody is there, or a delegate of theirs.

    Where nobody is, whoever was meant reads it when they are back.
    """
    one = there.get(meant.user_id) if meant.user_id else None
    groups = [[one] if one else [], _having(meant.roles, there)]
    if meant.roles in (CASEWORK, WATCHERS):
        groups.append(_having(ADMINISTRATORS, there))
    present = [list(dict.fromkeys(filter(None, (_present(each, there) for each in group)))) for group in groups]
    anyway = [[each.user_id for each in group] for group in groups]
    return next(filter(None, [*present, *anyway]), [])


def _having(roles: frozenset[str], there: Mapping[UUID, Colleague]) -> list[Colleague]:
    return [each for each in there.values() if each.roles & roles]


def _present(one: Colleague, there: Mapping[UUID, Colleague]) -> UUID | None:
    """Who acts for them today, as `app.stands_in` says; None: they are away, and nobody stands in."""
    now: Colleague | None = one
    for _ in range(_HOPS):
        if now is None or not now.away:
            break
        now = there.get(now.delegate) if now.delegate else None
    return now.user_id if now is not None and not now.away else None


def _staff(connection: Connection, organizations: set[UUID]) -> dict[UUID, dict[UUID, Colleague]]:
    if not organizations:
        return {}
    staff: dict[UUID, dict[UUID, Colleague]] = {}
    for row in connection.execute(_STAFF, {"ids": list(organizations)}):
        one = Colleague(row.user_id, frozenset(row.roles), row.away, row.delegate)
        staff.setdefault(row.organization_id, {})[row.user_id] = one
    return staff


def _id(value: object) -> UUID | None:
    return UUID(str(value)) if value else None


_EVENT = text(
    """
select e.id, e.seq, e.kind, e.collaborative_id, e.task_id, e.referral_id, e.action_plan_id, e.organization_id,
       e.source_organization_id, e.acting_organization_id, e.user_id, e.facts, e.restricted,
       e.to_state, k.definition, coalesce(r.clock = 'awaiting_source' and r.round = t.round, false) as awaited,
       t.assigned_to as task_assigned_to, t.on_behalf, t.ball_organization_id,
       coalesce(r.assigned_to, p.assigned_to) as follower, coalesce(r.kind = 'step', false) as plain,
       coalesce(r.reference, p.reference) as reference, coalesce(r.priority, 'routine') = 'urgent' as urgent
  from event e
  left join task t on t.id = e.task_id
  left join referral r on r.id = e.referral_id
  left join action_plan p on p.id = e.action_plan_id
  left join plan_step k on k.action_plan_id = r.action_plan_id and k.key = r.step_key and k.removed_at is null
 where e.id = :id
"""
)
_BACKBONE = text(
    """
select p.organization_id from partnership p join collaborative c on c.id = p.collaborative_id
 where c.id = :collaborative and p.role = 'backbone' and app.current(p.starts_on, p.ends_on, c.zone)
"""
)
_STAFF = text(
    """
select s.organization_id, s.user_id, array_agg(distinct s.role) as roles, bool_or(s.away) as away,
       (array_agg(s.delegate_user_id order by s.absent_until desc nulls last)
          filter (where s.delegate_user_id is not null))[1] as delegate
  from app.staff() s
 where s.organization_id = any(:ids) and s.here and not s.system
 group by s.organization_id, s.user_id order by s.organization_id, s.user_id
"""
)
