"""A person's feed: what was asked of them and what happened, newest first, and what they choose to hear of.

What asks for work is gone as soon as the work has moved: that is read off the record at each reading, never kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain import notice as rules
from domain import task as task_rules
from domain.notice import ALWAYS_TOLD, ASKING, OVER, Topic, Way
from domain.stall import CAUSES, Turn
from domain.task import UNDECIDED
from domain.watch import SAID
from services import notice_shapes as shapes
from services.refusals import NotVisible, Unprocessable
from services.rows import sides
from services.transaction import Answer, Call, Record, Tx, perform, read
from storage.tables.plans import OPEN_PLAN
from storage.tables.work import OPEN_REFERRAL

After = tuple[Any, ...] | None


def list_notices(
    record: Record,
    call: Call,
    *,
    unread: bool | None = None,
    kind: str | None = None,
    after: After = None,
    limit: int = 50,
) -> list[shapes.Notice]:
    """`after` is (id,) of the last item of the page before."""

    def look(tx: Tx) -> list[shapes.Notice]:
        whose = {"user": tx.here.user_id, "organization": tx.here.organization_id}
        asked = {"unread": unread, "kind": kind, "after": after[0] if after else None, "limit": limit}
        return [_item(tx, row._mapping) for row in tx.rows(_FEED, **whose, **asked, **MOVED_VALUES)]

    return read(record, call, look)


def read_notice(record: Record, call: Call, notice_id: UUID) -> Answer[shapes.Notice]:
    """Marked as read; a second time changes nothing."""

    def see(tx: Tx) -> UUID:
        if tx.row(_SEE, id=notice_id) is None:
            raise NotVisible
        return notice_id

    def act(tx: Tx, _seen: UUID) -> shapes.Notice:
        tx.run(_READ, id=notice_id)
        row = tx.row(_ONE, id=notice_id)
        assert row is not None
        return _item(tx, row._mapping)

    return perform(record, call, see, act, shapes.Notice)


def read_all_notices(record: Record, call: Call) -> Answer[shapes.NoticesRead]:
    """All of this person's in this organization, those that are gone from the feed too."""

    def act(tx: Tx, _seen: None) -> shapes.NoticesRead:
        found = tx.rows(_READ_ALL, user=tx.here.user_id, organization=tx.here.organization_id)
        return shapes.NoticesRead(read=len(found))

    return perform(record, call, lambda _tx: None, act, shapes.NoticesRead)


def get_choices(record: Record, call: Call) -> shapes.NoticeChoices:
    return read(record, call, _choices)


def choose_notices(record: Record, call: Call, kind: Topic, way: Way) -> Answer[shapes.NoticeChoices]:
    """How the caller hears of such things from now on, in all their organizations. A nudge or an
    escalation cannot be turned off."""

    def act(tx: Tx, _seen: None) -> shapes.NoticeChoices:
        if way is Way.NOTHING and kind in ALWAYS_TOLD:
            raise Unprocessable("Somebody waits for just you: at least the feed shows it.", pointer="/way")
        tx.run(_CHOOSE, user=tx.here.user_id, kind=kind.value, way=way.value)
        return _choices(tx)

    return perform(record, call, lambda _tx: None, act, shapes.NoticeChoices)


def _choices(tx: Tx) -> shapes.NoticeChoices:
    chosen = {row.kind: row.way for row in tx.rows(_CHOSEN, user=tx.here.user_id)}
    return shapes.NoticeChoices(
        items=[
            shapes.NoticeChoice(
                kind=kind.value,
                way=chosen.get(kind.value, rules.USUAL[kind].value),
                ways=[way.value for way in rules.ways(kind)],
            )
            for kind in Topic
        ]
    )


def _item(tx: Tx, row: Mapping[str, Any]) -> shapes.Notice:
    return shapes.Notice(
        id=row["id"],
        at=row["created_at"],
        kind=row["kind"],
        sentence=rules.sentence(row["code"], row["reference"], tx.here.language),
        task_id=row["task_id"],
        referral_id=row["referral_id"],
        action_plan_id=row["action_plan_id"],
        reference=row["reference"],
        urgent=row["urgent"],
        due_at=row["due_at"],
        read_at=row["read_at"],
        allowed_actions=_actions(tx, row),
    )


def _actions(tx: Tx, row: Mapping[str, Any]) -> list[str]:
    if row["state"] is None:
        return []
    state, mine = task_rules.State(row["state"]), sides(tx, row)
    verbs = task_rules.allowed(state, mine, absent=row["on_behalf"], alongside=row["alongside"])
    return [verb.value for verb in verbs]


def _turns(turn: Turn) -> list[str]:
    return [cause.value for cause, one in CAUSES.items() if one.turn is turn]


MOVED_VALUES = {
    "asking": sorted(ASKING),
    "over": list(OVER),
    "undecided": sorted(UNDECIDED),
    "beside": f"_({'|'.join(sorted(SAID))})$",
    "sources": _turns(Turn.SOURCE),
    "backbones": _turns(Turn.BACKBONE),
}
_BY_ITS_PEOPLE = (
    "x.seq > n.event_seq"
    " and not coalesce(x.kind ~ '_assigned$' and x.facts ->> 'from_user' = x.facts ->> 'to_user', false) and ("
    "(x.user_id is not null and x.acting_organization_id = n.ball_organization_id and x.kind !~ :beside"
    f" and not (n.kind in ('{Topic.ASKED}', '{Topic.PROPOSED}') and x.kind = 'task_noted'))"
    " or (x.kind ~ '_assigned$' and x.facts ->> 'from_user' = cast(n.user_id as text)))"
)
"""A note says that somebody is at it, which answers a reminder and not what was asked or proposed. Or somebody took it
from this very person, whoever that was. Who is assigned what they have already has not moved it."""
_MOVED_ON = "x.seq > n.event_seq and x.to_state <> x.from_state and x.kind !~ :beside"
"""Whoever moved the task on: what was asked of these people in its former state is asked no more, but for a nudge of
those who are waited for all the same."""
_ABOVE = f"""
(exists (select from event x where x.referral_id = n.referral_id and x.task_id is null and {_BY_ITS_PEOPLE})
 or exists (select from event x where x.action_plan_id = n.action_plan_id and x.kind = 'plan_consented'
                                  and {_BY_ITS_PEOPLE}))"""
"""What is done for a task on its referral, or a step's plan, answers a reminder, too: a consent is given there."""
_FOR_A_CAUSE = """
exists (
    select from event y
      join task w on w.id = n.task_id
      join referral g on g.id = w.referral_id
      join collaborative k on k.id = w.collaborative_id
     where y.id = n.event_id and y.facts ->> 'cause' = any(:sources) and (%s))"""
_SOURCE_WAITED_FOR = """
w.on_behalf or w.state = 'info_requested'
or w.state = any(:undecided) and not g.sensitive
   and exists (select from app.room(w.service_id, k.zone) v where not v.taking or v."left" = 0)
or w.organization_id <> w.source_organization_id
   and (w.organization_id in (select organization_id from app.deserted())
        or coalesce(g.consent_until <= clock_timestamp(), false)
        or coalesce(w.clock = 'first_contact' and w.client_id is null and w.due_at <= clock_timestamp(), false))"""
"""What makes it the source's turn, as events say it by `services/stalls.py`: of a sensitive need no want of room.
Whichever of them the notice was told for."""
_FOR_THE_BACKBONE = """
exists (select from event y where y.id = n.event_id and y.facts ->> 'cause' = any(:backbones) and (%s))"""
_BACKBONE_WAITED_FOR = """
y.source_organization_id in (select organization_id from app.deserted())
or exists (select from engine_finding z where z.case_id in (n.referral_id, n.action_plan_id))"""
_STILL_THEIRS = f"({_FOR_A_CAUSE % _SOURCE_WAITED_FOR} or {_FOR_THE_BACKBONE % _BACKBONE_WAITED_FOR})"
_THEIRS_NO_MORE = f"""
({_FOR_A_CAUSE % f"not ({_SOURCE_WAITED_FOR})"} or {_FOR_THE_BACKBONE % f"not ({_BACKBONE_WAITED_FOR})"})"""
"""It was told because of a cause that made it their turn, and none does any more. One may again: so this is only
read."""
_TAKEN = f"""
(n.kind = '{Topic.PROPOSED}' and exists (
    select from event x where x.referral_id = n.referral_id and x.seq > n.event_seq and x.kind = 'task_accepted'))"""
"""Another service was proposed; one that was asked has said yes since."""
_WAITS_NO_MORE = f"""
(not f.{OPEN_REFERRAL} or n.kind <> '{Topic.PROPOSED}' and (f.clock is null or exists (
    select from event y where y.id = n.event_id and y.at < f.clock_started_at)))"""
"""Of a referral, which asks its source by a clock of its own: that has stopped since, or it began anew."""
ENDED = f"""
(n.kind = any(:asking) and (
    exists (select from event x where x.task_id = n.task_id and ({_BY_ITS_PEOPLE}))
    or exists (select from event x where x.task_id = n.task_id and {_MOVED_ON})
       and not (n.kind = '{Topic.NUDGED}' and {_STILL_THEIRS})
    or exists (select from task x where x.id = n.task_id and x.state = any(:over))
    or (n.task_id is not null and n.kind <> '{Topic.ASKED}' and {_ABOVE})
    or {_TAKEN}
    or (n.task_id is null and n.referral_id is not null and (
        exists (select from event x where x.referral_id = n.referral_id and {_BY_ITS_PEOPLE})
        or exists (select from referral f where f.id = n.referral_id and {_WAITS_NO_MORE})))
    or (n.task_id is null and n.referral_id is null and (
        n.code <> 'stop_asked'
        and exists (select from event x where x.action_plan_id = n.action_plan_id and x.referral_id is null
                                          and {_BY_ITS_PEOPLE})
        or exists (select from action_plan f
                    where f.id = n.action_plan_id
                      and (not f.{OPEN_PLAN} or n.code = 'stop_asked' and f.stop_asked_by is null))))))
"""
"""Whether the work has moved since, for good: by somebody who had the ball, or to its end. Of `notice n`, with
MOVED_VALUES."""
MOVED = f"({ENDED} or (n.kind = any(:asking) and {_THEIRS_NO_MORE}))"
"""Whether nobody is asked by it now."""
_COLUMNS = """
n.id, n.created_at, n.kind, n.code, n.task_id, n.referral_id, n.action_plan_id, n.urgent, n.read_at,
coalesce(n.reference, r.reference, p.reference) as reference, coalesce(t.due_at, r.due_at, p.due_at) as due_at,
t.state, t.on_behalf, t.organization_id, t.source_organization_id,
coalesce(t.due_at is not null and t.organization_id = any(r.asked), false) as alongside
  from notice n
  left join task t on t.id = n.task_id
  left join referral r on r.id = n.referral_id
  left join action_plan p on p.id = n.action_plan_id
"""
_FEED = text(
    f"""
select {_COLUMNS}
 where n.user_id = :user and n.organization_id = :organization and n.over_at is null
   and (cast(:after as uuid) is null or n.id < :after)
   and (cast(:unread as boolean) is null or (n.read_at is null) = :unread)
   and (cast(:kind as text) is null or n.kind = :kind)
   and not {MOVED}
 order by n.id desc limit :limit
"""
)
_ONE = text(f"select {_COLUMNS} where n.id = :id")
_SEE = text("select 1 from notice where id = :id")
_READ = text("update notice set read_at = clock_timestamp() where id = :id and read_at is null")
_READ_ALL = text(
    "update notice set read_at = clock_timestamp()"
    " where user_id = :user and organization_id = :organization and read_at is null returning id"
)
_CHOSEN = text("select kind, way from notice_choice where user_id = :user")
_CHOOSE = text(
    "insert into notice_choice (user_id, kind, way) values (:user, :kind, :way)"
    " on conflict (user_id, kind) do update set way = excluded.way"
)
