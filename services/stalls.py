"""What a list of stalled work is made of, as SQL: tasks, requests, plans, waiting steps, with their symptom and cause.

Each part begins from few rows by an index of its own (what is past its limit, whose owner has gone, where there is no
room, where a consent ended, where the engine fails), so that it costs the same however much work there is or was. All
of it is read under row security. Which cause is named where several hold, and whose turn that makes it, is
`domain/stall.py`'s to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.ladder import Did
from domain.stall import AT_ONCE, CAUSES, STALLS, Cause, Turn
from services.rows import REFERRAL, TASK
from services.transaction import Work
from storage.tables.plans import OPEN_PLAN
from storage.tables.work import OPEN_REFERRAL, OPEN_TASK, UNDECIDED_TASK


def _in(alias: str, condition: str) -> str:
    """One of the tables' conditions, with its column said to be `alias`'s."""
    return condition.replace("state in", f"{alias}.state in", 1)


OPEN_T, OPEN_F, UNDECIDED_T = _in("t", OPEN_TASK), _in("f", OPEN_REFERRAL), _in("t", UNDECIDED_TASK)


def _first(holds: Mapping[Cause, str]) -> str:
    """The weightiest cause that holds, or null."""
    cases = " ".join(f"when {holds[cause]} then '{cause.value}'" for cause in Cause if cause in holds)
    return f"case {cases} end"


def _one_of(column: str, causes: tuple[Cause, ...]) -> str:
    return f"{column} in ({', '.join(repr(cause.value) for cause in causes)})"


def _coded() -> str:
    """The code by which clients know it: the cause's, else the clock's."""
    causes = " ".join(f"when '{cause.value}' then '{one.code}'" for cause, one in CAUSES.items())
    clocks = " ".join(f"when '{clock.value}' then '{one.code}'" for clock, one in STALLS.items())
    return f"coalesce(case s.cause {causes} end, case s.symptom {clocks} end)"


def read_at(work: Work) -> dict[str, Any]:
    """What the parts ask for: where and when they are read."""
    return {
        "collaborative": work.agenda.collaborative_id,
        "now": work.now,
        "zone": work.agenda.zone,
        "today": work.agenda.region().local_date(work.now),
    }


CODE = _coded()


def _turn(turn: Turn, column: str) -> str:
    """Whether the cause makes it theirs."""
    return _one_of(column, tuple(cause for cause, one in CAUSES.items() if one.turn is turn))


def _backbones(alias: str, column: str = "c.cause") -> str:
    """What is the backbone's turn, of what it may know of: of confidential work it is told nothing (decision 19)."""
    return f"{_turn(Turn.BACKBONE, column)} and not {alias}.restricted"


_OF_ROOM = (Cause.NO_ROOM, Cause.DECLINED_FULL, Cause.NOBODY_LEFT)
"""Of sensitive work the backbone is told none of these, nor does anything that it can read follow them (ADR 17)."""


def _said(holds: Mapping[Cause, str]) -> str:
    """The weightiest cause that events may follow, for the backbone reads them, whoever asks."""
    others = {cause: condition for cause, condition in holds.items() if cause not in _OF_ROOM}
    return f"case when f.sensitive and {_one_of('c.cause', _OF_ROOM)} then {_first(others)} else c.cause end"


SHARED = f"""
deserted as materialized (select * from app.deserted()),
away as materialized (select * from app.away()),
gone as materialized (select * from away where gone_since is not null),
teams as materialized (select organization_id from app.teams()),
no_room as materialized (
    select c.service_id, app.full_since(c.service_id) as since
      from service_capacity c
      join service s on s.id = c.service_id
      join organization o on o.id = s.organization_id
     cross join lateral app.room(c.service_id) r
     where c.lapses_on >= :today and (not r.taking or r."left" = 0)
       and (not o.confidential or not c.taking or c.open_slots = 0)),
faults as materialized (select case_id, kind, since from engine_finding),
backbone as materialized (
    select organization_id from partnership
     where collaborative_id = :collaborative and role = 'backbone' and app.current(starts_on, ends_on)
     order by starts_on limit 1),
plans as %s (
    select p.id, p.reference, p.name, p.state, p.priority, p.organization_id, p.assigned_to, p.version, p.created_at,
           p.excepted_until, p.due_at, p.rung, p.next_review_at, p.review_rung, p.goals_since, p.goals_due_at,
           p.goals_rung, p.restricted
      from action_plan p where p.collaborative_id = :collaborative and p.{OPEN_PLAN})"""
"""What several parts look up: few rows each. `%s`: whether plans are looked at one by one or all at once.

Of a confidential provider only what it stated makes it somebody else's turn, for whoever looks."""

# A lateral with `offset 0` keeps the planner at looking up few rows by index, however many there are and whatever it
# expects.
DUE_TASKS = f"""
    select t.id from task t where t.collaborative_id = :collaborative and {OPEN_T} and t.due_at <= :now
    union
    select t.id from gone a cross join lateral (
        select t.id from task t
         where t.assigned_to = a.user_id and t.organization_id = a.organization_id and {OPEN_T} offset 0) t
    union
    select t.id from deserted d cross join lateral (
        select t.id from task t where t.ball_organization_id = d.organization_id and {OPEN_T} offset 0) t
    union
    select t.id from gone a
     cross join lateral (
        select f.id from referral f
         where f.assigned_to = a.user_id and f.source_organization_id = a.organization_id and {OPEN_F} offset 0) f
     cross join lateral (
        select t.id from task t
         where t.referral_id = f.id and {OPEN_T} and (t.on_behalf or t.state = 'info_requested') offset 0) t
    union
    select t.id from no_room r cross join lateral (
        select t.id from task t where t.service_id = r.service_id and {UNDECIDED_T} offset 0) t
    union
    select t.id
      from (select f.id from referral f
             where f.collaborative_id = :collaborative and {OPEN_F} and f.consent_until <= :now offset 0) f
     cross join lateral (select t.id from task t where t.referral_id = f.id and {OPEN_T} offset 0) t"""
DUE_REFERRALS = f"""
    select f.id from referral f
     where f.collaborative_id = :collaborative and {OPEN_F} and f.clock is not null and f.due_at <= :now
    union
    select f.id from gone a cross join lateral (
        select f.id from referral f
         where f.assigned_to = a.user_id and f.source_organization_id = a.organization_id and {OPEN_F}
           and f.clock is not null offset 0) f
    union
    select e.case_id from faults e where e.kind = 'referral'"""
DUE_PLANS = """
    select p.id from plans p where least(p.due_at, p.next_review_at, p.goals_due_at) <= :now
    union
    select p.id from gone a join plans p on p.assigned_to = a.user_id and p.organization_id = a.organization_id
    union
    select p.id from deserted d join plans p on p.organization_id = d.organization_id
    union
    select e.case_id from faults e where e.kind = 'plan'"""

# A closing day that was entered after the clock had begun: nobody was there since the limit; `app.plan_stalls` too.
_SHUT = """
(t.state <> 'info_requested' and coalesce(v.closed_on ? cast(:today as text), false)
 and app.shut_since(v.closed_on, cast(t.due_at at time zone :zone as date), :today))"""

_TOLD = """
not (f.sensitive and (select app.is_backbone()) and f.source_organization_id <> (select app.me()))"""
"""Who else offers what is needed, and who is full, the backbone reads in the directory: together with that it has no
room, or nobody is left, that would say which sensitive need it is (ADR 17).
"""
_CONSENT_ENDED = "x.crosses and f.consent_until <= :now"
_NO_RECORD = "x.crosses and x.late and t.clock = 'first_contact' and t.client_id is null"
_OF_TASKS = {
    # One of several that were asked, or that was asked although full, is no stall before its limit.
    # Where nobody is at the source either, whoever has no room has to say so itself.
    Cause.NO_ROOM: "r.service_id is not null and (x.late or r.since > t.created_at and f.asked = '{}')"
    f" and not (x.crosses and u.since is not null) and {_TOLD}",
    Cause.NOBODY_THERE: "d.since is not null and x.crosses and not x.by_source and u.since is null",
    Cause.NOBODY_AT_SOURCE: f"d.since is not null or u.since is not null and ({_CONSENT_ENDED} or {_NO_RECORD})",
    Cause.OWNER_GONE: "a.gone_since is not null",
    Cause.CONSENT_ENDED: _CONSENT_ENDED,
    Cause.NO_RECORD: _NO_RECORD,
    Cause.UNREADABLE: "x.crosses and x.late and t.state = 'info_requested'"
    " and not coalesce(app.consent_covers(f.consent_id, t.organization_id, 'notes'), false)",
    Cause.OWNER_ABSENT: "x.late and a.user_id is not null and a.delegate_user_id is null",
    Cause.NOBODY_ASSIGNED: "x.late and not x.by_source and t.assigned_to is null and t.state <> 'requested'"
    " and t.organization_id in (select organization_id from teams)",
}


def _ball(cause: str) -> str:
    return f"""
           case when {_turn(Turn.SOURCE, cause)} then t.source_organization_id
                when {_backbones("t", cause)} then (select organization_id from backbone)
                else w.holder end"""


def _person(cause: str) -> str:
    return f"""
           case when {_backbones("t", cause)} then null
                when {_turn(Turn.SOURCE, cause)} then f.assigned_to else x.person end"""


TASKS = f"""
select 'task' as kind, t.id, t.referral_id, t.action_plan_id,
       case when t.action_plan_id is not null then t.step_key end as step_key, f.reference, t.title,
       t.organization_id, t.source_organization_id, t.on_behalf, t.state, t.clock,
       case when x.late then t.clock end as symptom, c.cause,
       w.holder as holder_organization_id, x.person as holder_user_id, y.ball, y.person,
       o.cause as said_cause, y.said_ball, y.said_person,
       case when x.late then t.clock_started_at else y.since end as since,
       case when x.late then t.due_at else y.since end as due_at,
       case when x.late then t.rung else 0 end as rung, f.sensitive, false as reported, f.kind as asks, t.version,
       t.excepted_until, t.priority,
       case when t.state <> 'info_requested' then v.ladder end as s_ladder, t.restricted
  from %s
 cross join lateral (select {TASK} from task t where t.id = k.id and {OPEN_T} offset 0) t
  left join lateral (select {REFERRAL} from referral f where f.id = t.referral_id offset 0) f on true
  left join lateral (select v.closed_on, v.ladder from service v where v.id = t.service_id offset 0) v on true
  left join no_room r on r.service_id = t.service_id and {UNDECIDED_T}
  left join plans p on p.id = t.action_plan_id
 cross join lateral (
    select b.by_source, case when b.by_source then f.assigned_to else t.assigned_to end as person,
           t.organization_id <> t.source_organization_id and not t.on_behalf as crosses,
           t.due_at <= :now and not {_SHUT} as late
      from (select t.on_behalf or t.state = 'info_requested' as by_source) b) x
  left join away a on a.organization_id = t.ball_organization_id and a.user_id = x.person
  left join deserted d on d.organization_id = t.ball_organization_id
  left join deserted u on u.organization_id = t.source_organization_id
 cross join lateral (select {_first(_OF_TASKS)} as cause offset 0) c
 cross join lateral (select {_said(_OF_TASKS)} as cause offset 0) o
 cross join lateral (
    select case when c.cause = 'nobody_at_source' and d.since is null then t.source_organization_id
                else t.ball_organization_id end as holder) w
 cross join lateral (
    select {_ball("c.cause")} as ball, {_person("c.cause")} as person,
           {_ball("o.cause")} as said_ball, {_person("o.cause")} as said_person,
           greatest(t.created_at, case c.cause when 'owner_gone' then a.gone_since when 'no_room' then r.since
                                               when 'consent_ended' then f.consent_until
                                               when 'nobody_there' then d.since
                                               when 'nobody_at_source' then coalesce(d.since, u.since)
                                               end) as since) y"""

_LOOKS = f"x.late and f.clock = 'awaiting_source' and {_TOLD}"
# Nobody whom the referral has not asked yet offers what it needs: as a re-route would find them.
_NOBODY = """
f.term is not null and coalesce(z.reason_class, '') <> 'client'
 and not exists (
    select from offers v
     where (starts_with(v.term || '.', f.term || '.') or starts_with(f.term || '.', v.term || '.'))
       and not exists (select from task b where b.referral_id = f.id and b.service_id = v.id))"""
OFFERS = """
offers as materialized (
    select v.id, v.term from service v join organization o on o.id = v.organization_id and o.mode <> 'listed'
     where v.status = 'active' and v.id not in (select service_id from no_room)
       and o.id in (
        select organization_id from app.partners() where collaborative_id = :collaborative and role = 'partner'))"""
_OF_REFERRALS = {
    Cause.ENGINE_FAULT: "e.case_id is not null",
    Cause.NOBODY_AT_SOURCE: "d.since is not null and f.clock is not null",
    Cause.OWNER_GONE: "a.gone_since is not null and f.clock is not null",
    Cause.DECLINED_FULL: f"{_LOOKS} and z.reason_class = 'no_capacity'",
    Cause.NOBODY_LEFT: f"{_LOOKS} and (f.round = 0 or {_NOBODY})",
    Cause.OWNER_ABSENT: "x.late and a.user_id is not null and a.delegate_user_id is null",
}
# Want of room is the source's own turn here: what is said of it names the same ball.
REFERRALS = f"""
select 'referral' as kind, f.id, f.id as referral_id, f.action_plan_id, f.step_key, f.reference,
       'Close the loop' as title, f.target_organization_id as organization_id, f.source_organization_id,
       false as on_behalf, f.state, f.clock, case when x.late then f.clock end as symptom, c.cause,
       f.source_organization_id as holder_organization_id, f.assigned_to as holder_user_id,
       y.ball, y.person, {_said(_OF_REFERRALS)} as said_cause, y.ball as said_ball, y.person as said_person,
       case when x.late then f.clock_started_at else y.since end as since,
       case when x.late then f.due_at else y.since end as due_at,
       case when x.late then f.rung else 0 end as rung, f.sensitive, f.reported, f.kind as asks, f.version,
       f.excepted_until, f.priority, cast(null as jsonb) as s_ladder, f.restricted
  from %s
 cross join lateral (select {REFERRAL} from referral f where f.id = k.id and {OPEN_F} offset 0) f
  left join lateral (
    select t.reason_class from task t where t.referral_id = f.id and t.round = f.round offset 0) z on true
  left join faults e on e.case_id = f.id
  left join plans p on p.id = f.action_plan_id
  left join away a on a.user_id = f.assigned_to and a.organization_id = f.source_organization_id
  left join deserted d on d.organization_id = f.source_organization_id
 cross join lateral (select coalesce(f.due_at <= :now, false) as late) x
 cross join lateral (select {_first(_OF_REFERRALS)} as cause) c
 cross join lateral (
    select case when {_backbones("f")} then (select organization_id from backbone)
                else f.source_organization_id end as ball,
           case when {_backbones("f")} then null else f.assigned_to end as person,
           greatest(f.created_at, case c.cause when 'engine_fault' then e.since when 'owner_gone' then a.gone_since
                                           when 'nobody_at_source' then d.since end) as since) y"""

_OF_PLANS = {
    Cause.ENGINE_FAULT: "e.case_id is not null",
    Cause.NOBODY_AT_SOURCE: "d.since is not null",
    Cause.OWNER_GONE: "a.gone_since is not null",
    Cause.OWNER_ABSENT: "x.clock is not null and a.user_id is not null and a.delegate_user_id is null",
}
AT_ONCE_OF_PLAN = """
(exists (select from engine_finding e where e.case_id = p.id)
 or exists (select from app.deserted() d where d.organization_id = p.organization_id)
 or exists (select from app.away() a where a.user_id = p.assigned_to and a.organization_id = p.organization_id
               and a.gone_since is not null))"""
"""Whether one of those that need no date holds of the plan `p`."""
_REVIEWED = "(select max(e.at) from event e where e.action_plan_id = p.id and e.kind = 'plan_reviewed')"
# A plan stands once, by the first of its dates that passed, as `plan_advance.waited_for` has it.
PLANS = f"""
select 'action_plan' as kind, p.id, cast(null as uuid) as referral_id, p.id as action_plan_id,
       cast(null as text) as step_key, p.reference, p.name as title, p.organization_id,
       p.organization_id as source_organization_id, false as on_behalf, p.state, x.clock, x.clock as symptom, c.cause,
       p.organization_id as holder_organization_id, p.assigned_to as holder_user_id,
       y.ball, y.person, c.cause as said_cause, y.ball as said_ball, y.person as said_person,
       coalesce(case when x.clock = 'review' then {_REVIEWED} end, x.since, y.since) as since,
       coalesce(x.due_at, y.since) as due_at, coalesce(x.rung, 0) as rung, false as sensitive, false as reported,
       'plan' as asks, p.version, p.excepted_until, p.priority, cast(null as jsonb) as s_ladder, p.restricted
  from %s
  join plans p on p.id = k.id
  left join faults e on e.case_id = p.id
  left join away a on a.user_id = p.assigned_to and a.organization_id = p.organization_id
  left join deserted d on d.organization_id = p.organization_id
  left join lateral (
    select d.clock, d.since, d.due_at, d.rung
      from (values (1, 'plan', p.created_at, p.due_at, p.rung),
                   (2, 'review', p.created_at, p.next_review_at, p.review_rung),
                   (3, 'goals', p.goals_since, p.goals_due_at, p.goals_rung)) as d(place, clock, since, due_at, rung)
     where d.due_at <= :now order by d.due_at, d.place limit 1) x on true
 cross join lateral (select {_first(_OF_PLANS)} as cause) c
 cross join lateral (
    select case when {_backbones("p")} then (select organization_id from backbone)
                else p.organization_id end as ball,
           case when {_backbones("p")} then null else p.assigned_to end as person,
           greatest(p.created_at, case c.cause when 'engine_fault' then e.since when 'owner_gone' then a.gone_since
                                           when 'nobody_at_source' then d.since end) as since) y"""

ACTS = "case when b.user_id is null then s.person else b.delegate_user_id end"
"""Who of those whose turn it is acts on `s` today; `b` is their row of `away`, if they have one."""
SAID_ACTS = "case when g.user_id is null then s.said_person else g.delegate_user_id end"
"""The same of whose turn events say that it is: of sensitive work with no room another (ADR 17)."""
AWAY = """
left join away b on b.user_id = s.person and b.organization_id = s.ball
  left join away g on g.user_id = s.said_person and g.organization_id = s.said_ball"""
"""What both of them read."""
_FAULT = f"s.cause = '{Cause.ENGINE_FAULT}'"
_REMINDED = f"case when {_FAULT} then s.holder_organization_id else s.said_ball end"
"""Whom reminders of `s` go to, as `services.blocking.reminded` has it: a fault of the engine takes nobody's turn."""
_REMINDED_PERSON = (
    f"case when {_FAULT} then app.stands_in(s.holder_user_id, s.holder_organization_id) else {SAID_ACTS} end"
)
"""Who there."""
ABOVE = f"""
array(
    select x.rung
      from (values ('supervisor', app.supervised({_REMINDED}, {_REMINDED_PERSON})), ('backbone', true)) x (rung, there)
     where x.there and not exists (
        select from event e
         where (e.task_id = s.id or e.referral_id = s.id or e.action_plan_id = s.id)
           and coalesce(e.task_id, e.referral_id, e.action_plan_id) = s.id
           and e.facts ->> 'clock' = s.clock and e.facts ? 'rung' and e.facts ->> 'to' = x.rung
           and coalesce(e.facts ->> 'holder' = cast({_REMINDED} as text), true)
           and e.seq >= (
                select max(b.seq) from event b
                 where (b.task_id = s.id or b.referral_id = s.id or b.action_plan_id = s.id)
                   and coalesce(b.task_id, b.referral_id, b.action_plan_id) = s.id
                   and b.facts ->> 'clock' = s.clock and b.kind like '%\\_{Did.OVERDUE}')))"""
"""Who is above them, is somebody else, and was not told of `s`'s clock because of them: as `services.ladder` has it."""


def rests(alias: str) -> str:
    """Whether an exception lets it rest: a fault of the engine never."""
    return f"(coalesce({alias}.excepted_until > :now, false) and {alias}.cause is distinct from '{Cause.ENGINE_FAULT}')"


STALLED = f"(symptom is not null or {_one_of('cause', AT_ONCE)})"
"""Of what was looked at, what stands still."""

# What waits for a stalled step, directly or through other waiting ones; the root that is longest overdue is named. A
# plan's partner does not see the work of another: of that it is told whose turn it is and by which clock.
STEPS = f"""
root as materialized (
    select r.kind, r.id, r.action_plan_id, r.step_key, r.organization_id, r.holder_organization_id, r.ball, r.person,
           r.symptom, r.cause, r.since, r.due_at, r.rung, r.on_behalf
      from (select * from tasks union all select * from referrals) r
     where r.action_plan_id is not null and not {rests("r")}
    union all
    select 'action_plan', x.action_plan_id, x.action_plan_id, x.step_key, x.organization_id, x.ball_organization_id,
           x.ball_organization_id, null, x.clock, null, x.since, x.due_at, x.rung, false
      from app.plan_stalls(:now) x
     where not (select app.is_backbone())
       and not exists (select from tasks y where y.action_plan_id = x.action_plan_id and y.step_key = x.step_key)
       and not exists (select from referrals y where y.action_plan_id = x.action_plan_id and y.step_key = x.step_key)),
held as materialized (
    select w.* from (select distinct action_plan_id as id from root) r
     cross join lateral (
        select w.action_plan_id, w.key, w.position, w.definition, w.organization_id, w.sensitive,
               w.referral_id is null and w.skipped_at is null as waits
          from plan_step w where w.action_plan_id = r.id and w.removed_at is null offset 0) w),
waiting as (
    select w.action_plan_id, w.key, r.step_key as root_key, r.id as root_id
      from root r
      join held w on w.action_plan_id = r.action_plan_id and w.waits and w.definition -> 'after' ? r.step_key
    union
    select w.action_plan_id, w.key, b.root_key, b.root_id
      from waiting b
      join held w on w.action_plan_id = b.action_plan_id and w.waits and w.definition -> 'after' ? b.key),
steps as (
    select distinct on (w.action_plan_id, w.key)
           'step' as kind, cast(md5(w.action_plan_id || ':' || s.position) as uuid) as id,
           cast(null as uuid) as referral_id,
           w.action_plan_id, w.key as step_key, p.reference, s.definition ->> 'title' as title,
           coalesce(s.organization_id, p.organization_id) as organization_id,
           p.organization_id as source_organization_id, false as on_behalf, p.state, r.symptom as clock,
           cast(null as text) as symptom, '{Cause.PREDECESSOR.value}' as cause,
           r.holder_organization_id, cast(null as uuid) as holder_user_id, r.ball, r.person,
           cast(null as text) as said_cause, r.ball as said_ball, r.person as said_person, r.since, r.due_at, r.rung,
           s.sensitive, false as reported, 'plan' as asks, p.version, cast(null as timestamptz) as excepted_until,
           p.priority, cast(null as jsonb) as s_ladder, p.restricted,
           r.kind as root_kind, r.id as root_id, r.step_key as root_key, r.organization_id as root_organization_id,
           r.symptom as root_symptom, r.cause as root_cause, q.definition ->> 'title' as root_title,
           q.sensitive as root_sensitive, r.on_behalf as root_on_behalf
      from waiting w
      join root r on r.id = w.root_id and r.step_key = w.root_key
      join held s on s.action_plan_id = w.action_plan_id and s.key = w.key
      join held q on q.action_plan_id = w.action_plan_id and q.key = w.root_key
      join plans p on p.id = w.action_plan_id
     where (select app.is_backbone()) or :organization in (p.organization_id, s.organization_id)
     order by w.action_plan_id, w.key, r.due_at, r.id)"""
