"""Acting by a mail's one-use link: what it shows, and the one move that it makes as the person whom it was sent to.

Whoever holds the link acts with that person's rights as they are now, and no others: all reading and writing goes
through the same wrapper and the same verbs as for somebody who is signed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from sqlalchemy import text

from services import tasks
from services.link_use import with_a_colleague
from services.refusals import Conflict, Forbidden, KeyReused, NotVisible, Unauthenticated, Unprocessable
from services.rows import does_casework
from services.transaction import Call, Key, Record, Tx, read


class Deed(StrEnum):
    """What a link may do, once."""

    ACKNOWLEDGE = "acknowledge"
    ACCEPT = "accept"
    DECLINE = "decline"


class Over(StrEnum):
    """Why a link does nothing any more; each has its page."""

    USED = "used"
    EXPIRED = "expired"
    MOVED = "moved"
    LEFT = "left"


class LinkOver(Exception):
    def __init__(self, why: Over, language: str) -> None:
        super().__init__(why.value)
        self.why, self.language = why, language


class LinkUnknown(Exception):
    """No such link: the signature was right, the record does not know it."""


class ReasonMissing(Exception):
    """Declining needs a reason of the agenda's list."""


@dataclass(frozen=True, slots=True)
class Behind:
    """Whom the link speaks for, and for which task."""

    link_id: UUID
    subject: str
    organization_id: UUID
    task_id: UUID
    language: str

    def call(self, key: Key | None = None) -> Call:
        return Call(self.subject, self.organization_id, key, link_id=self.link_id)


@dataclass(frozen=True, slots=True)
class Preview:
    """What is asked, and never of whom. `service` is empty where the need is sensitive."""

    language: str
    reference: str
    service: str
    county: str
    urgent: bool
    due_at: datetime | None
    zone: str
    asked_by: str
    deeds: tuple[Deed, ...]
    reasons: tuple[tuple[str, str], ...]


def preview_link(record: Record, link_id: UUID) -> Preview:
    """Changes nothing: programs that check mail open every link. Raises LinkUnknown or LinkOver."""
    behind = _behind(record, link_id, once=True)
    try:
        return read(record, behind.call(), lambda tx: _preview(tx, behind))
    except Unauthenticated:
        raise LinkOver(Over.LEFT, behind.language) from None


def act_by_link(record: Record, link_id: UUID, deed: Deed, reason: str | None = None) -> Behind:
    """Make the move and use the link up, together. The same once more is answered as before; anything else is over."""
    behind = _behind(record, link_id, once=False)
    fingerprint = sha256(f"{deed} {reason or ''}".encode()).digest()
    call = behind.call(Key(f"link-{link_id}", fingerprint))
    try:
        _do(record, call, behind, deed, reason)
    except (Unauthenticated, Forbidden, NotVisible):
        raise LinkOver(_why_not_theirs(record, link_id), behind.language) from None
    except KeyReused:
        raise LinkOver(Over.USED, behind.language) from None
    except Conflict:
        raise LinkOver(_why(record, link_id), behind.language) from None
    return behind


def _do(record: Record, call: Call, behind: Behind, deed: Deed, reason: str | None) -> None:
    if deed is Deed.ACKNOWLEDGE:
        tasks.acknowledge_task(record, call, behind.task_id)
    elif deed is Deed.ACCEPT:
        tasks.accept_task(record, call, behind.task_id)
    else:
        known = read(record, behind.call(), lambda tx: tx.agenda.reasons.get(reason or ""))
        if known is None:
            raise ReasonMissing
        try:
            tasks.decline_task(record, call, behind.task_id, reason or "", known.value)
        except Unprocessable:
            raise ReasonMissing from None


def _behind(record: Record, link_id: UUID, *, once: bool) -> Behind:
    """`once`: a link that was used is over; else its answer may be asked for again."""
    with record.database.transaction() as connection:
        row = connection.execute(_BEHIND, {"id": link_id}).first()
    if row is None:
        raise LinkUnknown
    if not row.works:
        raise LinkOver(Over.LEFT, row.language)
    if row.used and once:
        raise LinkOver(Over.USED, row.language)
    if row.expired and not row.used:
        raise LinkOver(Over.EXPIRED, row.language)
    return Behind(link_id, row.subject, row.organization_id, row.task_id, row.language)


def _why(record: Record, link_id: UUID) -> Over:
    """Why the move was refused: this link was faster in somebody else's hand, or the work has moved."""
    with record.database.transaction() as connection:
        row = connection.execute(_BEHIND, {"id": link_id}).first()
    if row is None or row.used:
        return Over.USED
    return Over.EXPIRED if row.expired else Over.MOVED


def _why_not_theirs(record: Record, link_id: UUID) -> Over:
    """The work went elsewhere, or else they may not answer for their agency any more."""
    try:
        preview_link(record, link_id)
    except LinkOver as over:
        return over.why
    return Over.LEFT


def _preview(tx: Tx, behind: Behind) -> Preview:
    row = tx.row(_SHOWN, id=behind.link_id, language=behind.language)
    if row is None or row.state != row.task_state or with_a_colleague(tx, row._mapping):
        raise LinkOver(Over.MOVED, behind.language)
    if not does_casework(tx):
        raise LinkOver(Over.LEFT, behind.language)
    deeds = tuple(deed for deed in Deed if deed is not Deed.ACKNOWLEDGE or row.state == "requested")
    reasons = tx.rows(_REASONS, collaborative=tx.here.collaborative_id, language=behind.language)
    return Preview(
        language=behind.language,
        reference=row.reference or "",
        service="" if row.sensitive else row.service or "",
        county=row.county or "",
        urgent=row.priority == "urgent",
        due_at=row.due_at,
        zone=tx.agenda.zone,
        asked_by=row.asked_by,
        deeds=deeds,
        reasons=tuple((one.code, one.name) for one in reasons),
    )


_BEHIND = text("select * from app.behind_link(:id)")
_SHOWN = text(
    """
select k.task_state, t.state, t.organization_id, t.assigned_to, t.due_at, t.priority, f.reference, f.sensitive,
       o.name as asked_by,
       coalesce(x.names ->> :language, x.name) as service,
       (select coalesce(min(a.body -> 'counties' ->> f.county), f.county) from agenda a
          join collaborative c on c.id = a.collaborative_id and c.agenda_version = a.version
         where c.id = t.collaborative_id) as county
  from mail_link k
  join task t on t.id = k.task_id
  join referral f on f.id = t.referral_id
  join organization o on o.id = t.source_organization_id
  left join taxonomy_term x on x.code = f.term
 where k.id = :id
"""
)
_REASONS = text(
    "select code, coalesce(names ->> :language, name) as name from reason where collaborative_id = :collaborative"
    " order by class, code"
)
