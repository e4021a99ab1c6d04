"""What must hold of the record whenever nothing is under way, whatever was killed before.

One list of sentences, empty if all holds. Every fault test asks it, and `concert reconcile --check`, which adds the
engine's own side. Ids and codes only.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from domain.ladder import DEFAULT
from services.folding import broken_seal
from services.transaction import Record
from services.verifying import verify_indicators
from storage.tables.plans import OPEN_PLAN
from storage.tables.work import OPEN_REFERRAL, OPEN_TASK, OUTCOME

SHOWN = 20
"""Of each kind of violation; a thousand more would say the same."""
LATE_SECONDS = 60
"""So long after its next deadline an open referral must have been looked at."""


def check_record(record: Record) -> list[str]:
    """Violations of I2 to I6 as far as the record alone can tell. Reads everything; ask it when the outbox is empty."""
    found = [f"I2 {difference}" for difference in verify_indicators(record).differences[:SHOWN]]
    with record.database.snapshot() as connection:
        found += violations(connection)
    broken = broken_seal(record)
    if broken is not None:
        found.append(f"I6 the audit's chain breaks at number {broken}")
    return found


def violations(connection: Connection) -> list[str]:
    """Those that one statement each can see, in the caller's transaction."""
    values = {"most": SHOWN, "rungs": len(DEFAULT.rungs), "late": LATE_SECONDS}
    found = []
    for sentence, statement in _CHECKS:
        rows = connection.execute(text(f"select * from ({statement}) x limit :most"), values)
        found += [sentence.format(**row._mapping) for row in rows]
    return found


# An answer that came after the end, and a completion that a correction states anew, are written down without moving
# the task: they share the version before them.
_MOVES = f"""
select e.task_id, e.seq, e.version, e.from_state, e.to_state,
       lag(e.version, 1, 0) over w as before, lag(e.to_state) over w as came_from, lead(e.seq) over w is null as last
  from event e
 where e.task_id is not null and not e.{OUTCOME} and e.kind not in ('task_answered_late', 'task_restated')
window w as (partition by e.task_id order by e.seq)
"""
_STEPS = f"""
select m.task_id, m.version, m.before from ({_MOVES}) m where m.version <> m.before + 1
"""
_GAPS = f"""
select m.task_id, m.from_state, m.came_from from ({_MOVES}) m
 where m.from_state is distinct from m.came_from or m.to_state is null
"""
_ENDS = f"""
select t.id, t.state, t.version, m.to_state, m.version as said
  from task t left join ({_MOVES}) m on m.task_id = t.id and m.last
 where m.task_id is null or m.to_state <> t.state or m.version <> t.version
"""
_TAKEN_BACK = """
select r.id, count(*) as times from event v cross join lateral jsonb_array_elements_text(v.reverses) as r(id)
 where v.reverses <> '[]' group by r.id having count(*) > 1
"""
_REFERRAL_EVENTS = f"""
select x.referral_id, x.version, x.before from (
    select e.referral_id, e.version, lag(e.version, 1, 0) over (partition by e.referral_id order by e.seq) as before
      from event e where e.task_id is null and e.referral_id is not null and not e.{OUTCOME}) x
 where x.version <= x.before
"""
_ROUNDS = """
select f.id, f.rounds, count(t.id) as tasks
  from referral f left join task t on t.referral_id = f.id and t.owner_id = f.id
 where f.kind <> 'information'
 group by f.id having count(t.id) <> f.rounds or max(t.round) <> f.rounds or f.round > f.rounds
"""
# Several offers are open only while nobody has said yes, and then each of them is on the list of the asked.
_ASKED = f"""
select f.id, cardinality(f.asked) as asked, count(t.id) as open
  from referral f left join task t on t.referral_id = f.id and t.{OPEN_TASK}
 group by f.id
having case when f.asked = '{{}}' then count(t.id) > 1
            else count(t.id) <> cardinality(f.asked)
                 or count(t.id) filter (where t.organization_id = any(f.asked)
                                          and t.state in ('requested', 'acknowledged', 'info_requested', 'waitlisted'))
                    <> cardinality(f.asked) end
"""
_NOBODYS = f"""
select f.id, f.state from referral f
 where f.{OPEN_REFERRAL} and f.clock is null
   and not exists (select from task t
                    where t.referral_id = f.id and t.{OPEN_TASK} and t.ball_organization_id is not null)
"""


def _rungs(of: str, service: str = "") -> str:
    """How many rungs the ladder of that row has: its service's, its agenda's, or the usual one's (`domain.ladder`)."""
    own = f"(select s.ladder from service s where s.id = {service})" if service else "cast(null as jsonb)"
    whole = f"""(select a.body -> 'ladder' from collaborative c
       join agenda a on a.collaborative_id = c.id and a.version = c.agenda_version
      where c.id = {of}.collaborative_id)"""
    named = [
        f"{layer} -> {priority} -> 'rungs'" for priority in (f"{of}.priority", "'routine'") for layer in (own, whole)
    ]
    return f"coalesce({', '.join(f'jsonb_array_length({each})' for each in named)}, :rungs)"


# The ladder ends: what is then still open stays listed as stalled, and nobody is chased again.
_CLIMBS = f"""
(f.clock is not null and (f.clock = 'confirm' or f.rung < {_rungs("f")})
 or exists (select from task t
             where t.referral_id = f.id and t.{OPEN_TASK}
               and (t.hard_at is not null or t.rung < case t.clock when 'answer' then {_rungs("t")}
                                                      else {_rungs("t", "t.service_id")} end)))
"""
NO_DEADLINE = f"select f.id from referral f where f.{OPEN_REFERRAL} and f.look_at is null and ({_CLIMBS})"
LATE = f"""
select f.id, round(extract(epoch from clock_timestamp() - f.look_at)) as seconds from referral f
 where f.{OPEN_REFERRAL} and f.look_at < clock_timestamp() - make_interval(secs => :late)
"""
_PASSED = "< clock_timestamp() - make_interval(secs => :late)"
_SLEEPS = "look_at > clock_timestamp() + make_interval(secs => :late)"
# The first rung is due at the limit itself, the hard limit whatever was climbed; an exception lets both rest.
OVERSLEPT = f"""
select x.id, round(extract(epoch from clock_timestamp() - min(x.due_at))) as seconds
  from (select t.referral_id as id, t.due_at from task t
         where t.{OPEN_TASK} and t.due_at {_PASSED}
           and (t.rung = 0 and greatest(t.due_at, t.excepted_until) {_PASSED}
                or t.hard_at is not null and greatest(t.hard_at, t.excepted_until) {_PASSED})
        union all
        select f.id, f.due_at from referral f
         where f.{OPEN_REFERRAL} and f.clock is not null and f.rung = 0
           and greatest(f.due_at, f.excepted_until) {_PASSED}) x
  join referral f on f.id = x.id and f.{OPEN_REFERRAL} and f.{_SLEEPS}
 group by x.id
"""
_PLAN_EVENTS = f"""
select x.action_plan_id, x.version, x.before from (
    select e.action_plan_id, e.version,
           lag(e.version, 1, 0) over (partition by e.action_plan_id order by e.seq) as before
      from event e where e.action_plan_id is not null and e.referral_id is null and not e.{OUTCOME}) x
 where x.version <> x.before + 1
"""
_PLAN_IDLE = f"""
select p.id from action_plan p
 where p.{OPEN_PLAN} and p.goals_since is null and p.stop_asked_by is null
   and not exists (select from plan_step s join referral f on f.id = s.referral_id
                    where s.action_plan_id = p.id and f.{OPEN_REFERRAL})
   and not exists (select from plan_step s
                    where s.action_plan_id = p.id and s.removed_at is null and s.opens_at is not null)
"""
PLAN_NO_DEADLINE = f"""
select p.id from action_plan p
 where p.{OPEN_PLAN} and p.look_at is null
   and (p.due_at is not null and p.rung < {_rungs("p")}
        or p.next_review_at is not null and p.review_rung < {_rungs("p")}
        or p.goals_due_at is not null and p.goals_rung < {_rungs("p")})
"""
PLAN_LATE = f"""
select p.id, round(extract(epoch from clock_timestamp() - p.look_at)) as seconds from action_plan p
 where p.{OPEN_PLAN} and p.look_at < clock_timestamp() - make_interval(secs => :late)
"""
PLAN_OVERSLEPT = f"""
select p.id, round(extract(epoch from clock_timestamp() - least(p.due_at, p.next_review_at, p.goals_due_at))) as seconds
  from action_plan p
 where p.{OPEN_PLAN} and p.{_SLEEPS} and coalesce(p.excepted_until {_PASSED}, true)
   and (p.rung = 0 and p.due_at {_PASSED} or p.review_rung = 0 and p.next_review_at {_PASSED}
        or p.goals_rung = 0 and p.goals_due_at {_PASSED})
"""
_PLAN_OVER = f"""
select p.id, f.id as referral_id from action_plan p
  join plan_step s on s.action_plan_id = p.id join referral f on f.id = s.referral_id
 where not (p.{OPEN_PLAN}) and f.{OPEN_REFERRAL}
"""
_PLAN_UNAUDITED = """
select p.id, p.version, count(a.id) as audited
  from action_plan p left join audit a on a.object_id = p.id and a.object_kind = 'plan'
 group by p.id, p.version having count(a.id) <> p.version
"""
_GIVEN_UP = """
select coalesce(o.kind || ' for ' || o.workflow_id, 'event ' || o.event_id) as what,
       coalesce(o.error, 'no error') as error
  from outbox o where o.dead order by o.id
"""
_TWICE = """
select a.object_kind, a.object_id, a.version, count(*) as times from audit a where a.version is not null
 group by a.object_kind, a.object_id, a.version having count(*) > 1
"""
_UNAUDITED = """
select t.id, t.version, count(a.id) as audited
  from task t left join audit a on a.object_id = t.id and a.object_kind = 'task'
 group by t.id, t.version having count(a.id) <> t.version - 1
"""
# A referral's version changes by its own move, which is audited, or because its task ended, which is audited there.
_UNAUDITED_REFERRAL = """
select f.id, f.version, a.audited, coalesce(e.ended, 0) as ended
  from referral f
  cross join lateral (select count(*) as audited from audit a where a.object_id = f.id and a.object_kind = 'referral') a
  left join (select x.referral_id, count(*) as ended from event x
              where x.task_id is not null and x.from_state <> x.to_state
                and x.to_state in ('completed', 'declined', 'expired', 'failed', 'cancelled', 'entered_in_error')
              group by x.referral_id) e on e.referral_id = f.id
 where a.audited > f.version or a.audited + coalesce(e.ended, 0) < f.version
"""
_UNSEALED = """
select a.id from audit a
 where not exists (select from audit_seal s where s.audit_id = a.id)
   and not exists (select from audit_unsealed u where u.audit_id = a.id)
"""
_CHECKS: tuple[tuple[str, str], ...] = (
    ("I2 event {id} is taken back {times} times", _TAKEN_BACK),
    ("I3 task {task_id}: version {before} is followed by {version}", _STEPS),
    ("I3 task {task_id}: an event leaves {from_state}, but the one before it came to {came_from}", _GAPS),
    ("I3 task {id} is {state} (version {version}), its events end with {to_state} (version {said})", _ENDS),
    ("I3 referral {referral_id}: version {before} is followed by {version}", _REFERRAL_EVENTS),
    ("I3 referral {id} was offered {rounds} times and has {tasks} tasks", _ROUNDS),
    ("I3 referral {id}: {asked} are asked at once, and {open} offers are open", _ASKED),
    ("I4 referral {id} is {state}, and it is nobody's turn", _NOBODYS),
    ("I4 referral {id} is open and has no next deadline", NO_DEADLINE),
    ("I4 referral {id}: its deadline passed {seconds} s ago, and nobody looked", LATE),
    ("I4 referral {id}: a limit passed {seconds} s ago, and the next look at it is still ahead", OVERSLEPT),
    ("I3 plan {action_plan_id}: version {before} is followed by {version}", _PLAN_EVENTS),
    ("I4 plan {id} is open, and nothing of it is anybody's turn", _PLAN_IDLE),
    ("I4 plan {id} is open and has no next deadline", PLAN_NO_DEADLINE),
    ("I4 plan {id}: its deadline passed {seconds} s ago, and nobody looked", PLAN_LATE),
    ("I4 plan {id}: a limit passed {seconds} s ago, and the next look at it is still ahead", PLAN_OVERSLEPT),
    ("I4 plan {id} is over, and its request {referral_id} is open", _PLAN_OVER),
    ("I6 plan {id} has version {version} and {audited} audit records", _PLAN_UNAUDITED),
    ("I4 a message was given up: {what} ({error})", _GIVEN_UP),
    ("I6 {object_kind} {object_id}: version {version} is audited {times} times", _TWICE),
    ("I6 task {id} has version {version} and {audited} audit records", _UNAUDITED),
    (
        "I6 referral {id} has version {version}, {audited} audit records and {ended} tasks that ended",
        _UNAUDITED_REFERRAL,
    ),
    ("I6 audit record {id} is neither sealed nor waiting for its seal", _UNSEALED),
)
