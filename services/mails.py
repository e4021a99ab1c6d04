"""Letters: which notices become mail, when, and what is due now. Addresses are asked for one at a time, at the end.

The second consumer of the outbox writes them from what the first has put into the feeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from domain.notice import USUAL, Topic, Way
from domain.quiet import digest_at, gathered_at
from domain.task import UNDECIDED
from services.agenda import current_agenda
from services.journal import new_id
from services.notices import MOVED, MOVED_VALUES
from services.transaction import Record

LEASE_SECONDS = 720
"""Longer than a mail server may take over one letter. That of a postman who dies waits for so long."""
REFUSALS_BEFORE_CLOSED = 6
"""Of answers that will not change (nobody of that name), where others get their letters; a server that is away is
asked for ever."""
PERHAPS_BEFORE_CLOSED = 4
"""Of times that the server was given the letter and said nothing: each may have arrived."""
AGAIN_SECONDS = 15.0
"""So long a letter waits that was refused for now."""
LINK_DAYS = 7
KEPT_DAYS = 7
"""A letter that nobody tries to send is forgotten then: no relay has a mail server. The feed still says it."""
FULL_DAYS = 7
"""For so long a letter is tried whose reader's mailbox is full, or that is refused for good while no other leaves. The
feed still says it."""

_BY_MAIL = (Way.MAIL, Way.DIGEST)


class Refusal(StrEnum):
    """`again`: the server asks to come again, or is away; `final`: it will say the same of this letter whenever it is
    asked; `perhaps`: it was given the letter, and we did not hear what became of it; `reader`: it asks to come again
    for this reader alone, as when a mailbox is full.
    """

    AGAIN = "again"
    FINAL = "final"
    PERHAPS = "perhaps"
    READER = "reader"


_LIMITED = {Refusal.FINAL: (REFUSALS_BEFORE_CLOSED, 30.0), Refusal.PERHAPS: (PERHAPS_BEFORE_CLOSED, 600.0)}
"""How often each may be said, and the seconds after the first; they double."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a letter says: codes. `link` names what a signed link of it may do, once."""

    code: str
    reference: str | None
    due_at: datetime | None
    urgent: bool
    link: UUID | None


@dataclass(frozen=True, slots=True)
class Letter:
    """`id` stays the same however often it is sent. `digest`: it says several things, or gathers a day. `zone`: in
    which its times are told.
    """

    id: UUID
    attempts: int
    address: str
    language: str
    digest: bool
    zone: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """`zone`: in which they are told times."""

    address: str
    language: str
    zone: str


def mail_event(record: Record, event_id: UUID) -> None:
    """A letter for each who wants one of this; a digest gathers what is not urgent, and so does what goes over to
    somebody, as a colleague who leaves hands on all their work at once. A repeat changes nothing.

    Forgets letters that nobody sends.
    """
    with record.database.transaction() as connection:
        for row in connection.execute(_NOTICED, {"event": event_id}).all():
            way = Way(row.way) if row.way else USUAL[Topic(row.kind)]
            if way in _BY_MAIL:
                _write(connection, row, digest=way is Way.DIGEST and not row.urgent)
        connection.execute(_FORGET, {"days": KEPT_DAYS})


def _write(connection: Connection, row: Any, *, digest: bool) -> None:
    agenda = current_agenda(connection, row.collaborative_id)
    gathers = digest or row.kind == Topic.REASSIGNED
    if gathers:
        connection.execute(_ONE_BY_ONE, {"user": str(row.user_id)})
    if digest:
        due = digest_at(row.now, agenda.digest_at, agenda.zone)
    else:
        soon = gathered_at(row.at, row.now) if gathers else row.now
        due = soon if row.urgent or agenda.quiet is None else agenda.quiet.over(soon)
    values = {"user": row.user_id, "organization": row.organization_id, "due": due, "digest": digest}
    mail_id = connection.execute(_GATHERING, values | {"kind": row.kind}).scalar() if gathers else None
    if mail_id is None:
        mail_id = new_id()
        connection.execute(_LETTER, values | {"id": mail_id})
    connection.execute(_ITEM, {"notice": row.id, "mail": mail_id})


def claim_letter(record: Record) -> Letter | None:
    """The next one that is due, for the length of a lease: one at a time, so that it is sent while the lease lasts and
    as things stand then. What has moved or was read meanwhile, or is not wanted by mail any more, is left out; a letter
    that then says nothing, or whose reader has left, is closed unsent, and the next one is looked at. None: nothing is
    due.
    """
    while True:
        with record.database.transaction() as connection:
            row = connection.execute(_CLAIM, {"lease": LEASE_SECONDS}).first()
        if row is None:
            return None
        letter = _letter(record, row)
        if letter is not None:
            return letter


def _letter(record: Record, row: Any) -> Letter | None:
    with record.database.transaction() as connection:
        to = connection.execute(_ADDRESS, {"id": row.id}).first()
        items = connection.execute(_ITEMS, {"id": row.id, "lease": LEASE_SECONDS, **MOVED_VALUES}).all() if to else []
        if to is None or not items:
            connection.execute(_CLOSE, {"id": row.id, "error": None if to else "nobody"})
            return None
        quiet = current_agenda(connection, items[0].collaborative_id).quiet
        if quiet is not None and not any(item.urgent for item in items) and quiet.over(items[0].now) > items[0].now:
            connection.execute(_AFTER_QUIET, {"id": row.id, "due": quiet.over(items[0].now)})
            return None
        digest = row.digest or len(items) > 1
        lines = tuple(_line(connection, item, digest=digest) for item in items)
        return Letter(row.id, row.attempts, to.address, to.language, digest, items[0].zone, lines)


def _line(connection: Connection, item: Any, *, digest: bool) -> Line:
    link = None if digest or not _may_link(item) else _link(connection, item)
    return Line(item.code, item.reference, item.due_at, item.urgent, link)


def _may_link(item: Any) -> bool:
    """A request that waits for a yes or no, where neither side is a confidential provider or a Part 2 program."""
    theirs = item.kind in (Topic.ASKED, Topic.NUDGED) or item.code == "yours"
    asked = theirs and item.state in UNDECIDED and item.state != "info_requested"
    mine = item.task_organization_id == item.organization_id and not item.on_behalf
    return bool(asked and mine and not (item.restricted or item.confidential or item.part2))


def _link(connection: Connection, item: Any) -> UUID:
    """The same for each time that the letter is sent; until it is used, it works from the last time on."""
    values = {
        "id": new_id(), "notice": item.notice_id, "user": item.user_id, "organization": item.organization_id,
        "task": item.task_id, "state": item.state, "days": LINK_DAYS,
    }  # fmt: skip
    connection.execute(_LINK, values)
    link: UUID = connection.execute(_LINKED, {"notice": item.notice_id}).scalar_one()
    return link


def sent(record: Record, letter: Letter) -> None:
    with record.database.transaction() as connection:
        connection.execute(_SENT, {"id": letter.id})


def send_later(record: Record, letter: Letter, error: str, refusal: Refusal) -> None:
    """`error` is a code. What is final, or perhaps arrived, often enough closes the letter; it stays in the feed. Final
    only where another letter left since: a server that refuses everybody says so of itself, and is asked for a week.
    One that is refused for its reader is tried again after 15 s, then ever later, at least once an hour, and for a
    week. It is kept since when the letter is tried in vain, or refused for good; whether mail leaves at all is for
    `app.pulse` to say when it is asked.
    """
    most, wait = _LIMITED.get(refusal, (None, AGAIN_SECONDS))
    values = {
        "id": letter.id, "error": error, "final": refusal is Refusal.FINAL, "reader": refusal is Refusal.READER,
        "step": int(most is not None), "closed": most is not None and letter.attempts + 1 >= most,
        "wait": wait if most is None else min(3600.0, wait * 2**letter.attempts), "days": FULL_DAYS,
    }  # fmt: skip
    with record.database.transaction() as connection:
        connection.execute(_LATER, values)


def backbone_addresses(record: Record) -> Sequence[Reader]:
    """Everybody who hears when Concert is unwell."""
    with record.database.transaction() as connection:
        return [Reader(row.address, row.language, row.zone) for row in connection.execute(_BACKBONE)]


_NOTICED = text(
    """
select n.id, n.user_id, n.organization_id, n.kind, n.urgent, c.way, e.at, e.collaborative_id, clock_timestamp() as now
  from notice n join event e on e.id = n.event_id
  left join notice_choice c on c.user_id = n.user_id and c.kind = n.kind
 where n.event_id = :event and not exists (select from mail_item i where i.notice_id = n.id)
 order by n.user_id, n.id
"""
)
_ONE_BY_ONE = text("select pg_advisory_xact_lock(7305012, hashtext(:user))")
"""Of two relays the second finds the letter that the first has begun to gather."""
_GATHERING = text(
    """
select id from mail m
 where m.user_id = :user and m.organization_id = :organization and m.digest = :digest and m.closed_at is null
   and m.due_at = :due
   and (m.digest or not exists (
       select from mail_item i join notice n on n.id = i.notice_id where i.mail_id = m.id and n.kind <> :kind))
 limit 1
"""
)
"""One that was claimed is due at another moment."""
_LETTER = text(
    "insert into mail (id, user_id, organization_id, digest, due_at) values (:id, :user, :organization, :digest, :due)"
)
_FORGET = text(
    """
with stale as (
    select id from mail
     where closed_at is null and due_at <= clock_timestamp() - make_interval(days => :days)
       and attempts = 0 and unsent_since is null
     limit 100 for update skip locked),
items as (delete from mail_item i using stale where i.mail_id = stale.id)
delete from mail m using stale where m.id = stale.id
"""
)
_ITEM = text("insert into mail_item (notice_id, mail_id) values (:notice, :mail)")
_CLAIM = text(
    """
update mail m set due_at = clock_timestamp() + make_interval(secs => :lease)
  from (select id from mail where closed_at is null and due_at <= clock_timestamp()
         order by due_at limit 1 for update skip locked) due
 where m.id = due.id
returning m.id, m.attempts, m.digest
"""
)
_HOLDER = (
    "case when n.task_id is not null then t.assigned_to when n.referral_id is not null then r.assigned_to"
    " else p.assigned_to end"
)
_WENT_ON = f"""
(n.kind = '{Topic.REASSIGNED}' and case when n.code ~ 'not_yours$'
    then cast({_HOLDER} as text) is not distinct from e.facts ->> 'from_user'
    else cast({_HOLDER} as text) is distinct from e.facts ->> 'to_user' end)
"""
"""Whether what went over to, or from, somebody has gone over once more. The event names the holder, for whom
a delegate may stand in."""
_NEVER_HEARD = f"""
(n.kind = '{Topic.REASSIGNED}' and n.code ~ 'not_yours$' and coalesce((
    select (y.code ~ 'not_yours$') = h.heard
      from notice y
      left join mail_item j on j.notice_id = y.id
      left join mail u on u.id = j.mail_id
      cross join lateral (
          select u.id is null or y.read_at is not null or u.sent_at is not null or u.attempts > 0
              or (u.id <> i.mail_id and u.closed_at is null and u.due_at > clock_timestamp()
                  and u.due_at <= clock_timestamp() + make_interval(secs => :lease))) h (heard)
     where y.user_id = n.user_id and y.kind = '{Topic.REASSIGNED}' and y.event_seq < n.event_seq
       and (y.task_id, y.referral_id, y.action_plan_id)
           is not distinct from (n.task_id, n.referral_id, n.action_plan_id)
     order by h.heard desc, case when h.heard then -y.event_seq else y.event_seq end
     limit 1), false))
"""
"""Whether they do not know that it was theirs. The last that they have heard, or perhaps have, says so; where that is
nothing, the first does: whoever was first told "not yours" had it before. What is being handed over is due within a
lease: perhaps it is heard."""
_ADDRESS = text("select address, language from app.address_of(:id)")
_ITEMS = text(
    f"""
select * from (
select distinct on (n.task_id, n.referral_id, n.action_plan_id, n.code)
       n.id as notice_id, n.user_id, n.organization_id, n.code, n.kind, n.urgent, n.task_id,
       n.restricted or coalesce(r.restricted, p.restricted, false) as restricted,
       coalesce(r.reference, p.reference) as reference, coalesce(t.due_at, r.due_at, p.due_at) as due_at, t.state,
       coalesce(t.on_behalf, false) as on_behalf, t.organization_id as task_organization_id,
       o.confidential or coalesce(s.confidential, false) as confidential, o.part2 or coalesce(s.part2, false) as part2,
       c.zone, e.collaborative_id, clock_timestamp() as now
  from mail_item i
  join notice n on n.id = i.notice_id
  join event e on e.id = n.event_id
  join collaborative c on c.id = e.collaborative_id
  join organization o on o.id = n.organization_id
  left join task t on t.id = n.task_id
  left join organization s on s.id = t.source_organization_id
  left join referral r on r.id = n.referral_id
  left join action_plan p on p.id = n.action_plan_id
  left join notice_choice w on w.user_id = n.user_id and w.kind = n.kind
 where i.mail_id = :id and n.read_at is null and n.over_at is null and not {MOVED} and not {_WENT_ON}
   and coalesce(w.way in ({", ".join(f"'{way}'" for way in _BY_MAIL)}), true)
   and not {_NEVER_HEARD}
 order by n.task_id, n.referral_id, n.action_plan_id, n.code, n.event_seq desc) latest
 order by notice_id
"""
)
"""A letter says each thing of a piece of work once, as it was told last: also what came back before it left."""
_AFTER_QUIET = text("update mail set due_at = :due, unsent_since = null, refused_since = null where id = :id")
"""It was due earlier, and nobody could send it then. Until then it is not tried in vain either."""
_CLOSE = text("update mail set closed_at = clock_timestamp(), error = :error where id = :id")
_SENT = text("update mail set closed_at = clock_timestamp(), sent_at = clock_timestamp(), error = null where id = :id")
_LATER = text(
    """
update mail m
   set attempts = m.attempts + :step, error = :error, reader_refused = :reader,
       unsent_since = s.unsent, reason_since = s.reason, refused_since = s.refused,
       due_at = s.now + greatest(
           make_interval(secs => :wait), case when :reader then least((s.now - s.reason) / 4, interval '1 hour') end),
       closed_at = case
           when :closed and coalesce(
               s.refused < greatest((select max(sent_at) from mail), s.now - make_interval(days => :days)), true)
               then s.now
           when :reader and s.reason < s.now - make_interval(days => :days) then s.now end
  from (select id, now,
               case when :final then coalesce(refused_since, now) end as refused,
               case when not :final then coalesce(unsent_since, now) end as unsent,
               case when :final then null when reader_refused = :reader then coalesce(reason_since, now) else now end
                   as reason
          from mail cross join clock_timestamp() now
         where id = :id) s
 where m.id = s.id
"""
)
"""A full mailbox after an outage has a week from its first refusal on, whenever the outage began."""
_LINK = text(
    """
insert into mail_link (id, notice_id, user_id, organization_id, task_id, task_state, expires_at)
values (:id, :notice, :user, :organization, :task, :state, clock_timestamp() + make_interval(days => :days))
    on conflict (notice_id) do update set task_state = excluded.task_state, expires_at = excluded.expires_at
    where mail_link.used_at is null
"""
)
_LINKED = text("select id from mail_link where notice_id = :notice")
_BACKBONE = text("select address, language, zone from app.backbone_addresses()")
