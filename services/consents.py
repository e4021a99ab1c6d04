"""Consent: who may disclose what to whom, for what, until when;
it can be revoked at any moment (decisions 17 and 18).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services import client_shapes
from services.journal import new_id
from services.refusals import Conflict, NotVisible, Unprocessable
from services.rows import Locked, LockedReferral, require_casework, save_referral
from services.transaction import Answer, Call, Record, Tx, Work, perform, read
from storage import tables

PART2_NOTICE = (
    "42 CFR part 2 prohibits unauthorized use or disclosure of these records. Do not pass them on without a"
    " consent that"
    " names the recipient."
)


@dataclass(frozen=True, slots=True)
class Consent:
    """What is recorded. `recipients` are organizations; `data_kinds` any of identity, contact, demographics, notes."""

    client_id: UUID
    recipients: tuple[UUID, ...]
    purpose: str
    data_kinds: tuple[str, ...]
    legal_basis: str
    form: str
    given_by: str
    capacity: str
    co_signers: tuple[str, ...] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None


def create_consent(record: Record, call: Call, consent: Consent) -> Answer[client_shapes.Consent]:
    """Verbal consent is refused where the discloser is a victim-service provider or a Part 2 program."""

    def see(tx: Tx) -> Any:
        row = tx.row(_CLIENT, id=consent.client_id, me=tx.here.organization_id)
        if row is None:
            raise Unprocessable("No client with that id in your organization.", pointer="/client_id")
        if row.consent_id is not None:
            raise Unprocessable(_NOT_YOURS, pointer="/client_id")
        return row

    def act(tx: Tx, client: Any) -> client_shapes.Consent:
        require_casework(tx)
        _check(tx, consent)
        _require_age(tx, consent, client)
        consent_id = _insert(tx, consent)
        tx.audit("consent.create", "consent", consent_id, 1)
        return _view(tx, consent_id)

    return perform(record, call, see, act, client_shapes.Consent, fill=_fill, status=201, stores=_stores)


def get_consent(record: Record, call: Call, consent_id: UUID) -> client_shapes.Consent:
    return read(record, call, lambda tx: _view(tx, consent_id))


def revoke_consent(record: Record, call: Call, consent_id: UUID) -> Answer[client_shapes.Consent]:
    """Ends disclosure at once: the next read of a copied client record by anybody else is a 404."""

    def see(tx: Tx) -> Any:
        row = tx.row(_LOCK, id=consent_id)
        if row is None:
            raise NotVisible
        return row

    def act(tx: Tx, row: Any) -> client_shapes.Consent:
        if row.revoked_at is not None:
            raise Conflict("This consent was revoked before.", current={"revoked_at": row.revoked_at.isoformat()})
        tx.run(_REVOKE, id=consent_id, now=tx.now)
        tx.audit("consent.revoke", "consent", consent_id, row.version + 1)
        return _view(tx, consent_id)

    return perform(record, call, see, act, client_shapes.Consent, fill=_fill, stores=_stores)


def attach_consent(tx: Tx, locked: Locked, consent_id: UUID) -> None:
    """Let an existing referral use a consent recorded since. In the caller's transaction."""
    require_asked(tx, locked, consent_id)
    save_referral(tx, locked, locked.referral, consent_id=consent_id)


def require_asked(tx: Tx, locked: Locked | LockedReferral, consent_id: UUID) -> None:
    """Raises Unprocessable unless it lets everybody see who is asked, or has it. In the caller's transaction."""
    about = (locked.f["client_id"], locked.f["household_id"])
    for recipient in locked.f["asked"] or [locked.f["target_organization_id"]]:
        require_consent(tx, consent_id, about, recipient)


def require_consent(tx: Tx, consent_id: UUID, subject: tuple[UUID | None, UUID | None], recipient: UUID) -> None:
    """`subject` (client, household): a household's consent is that of any of its members.

    Raises Unprocessable unless this consent lets `recipient` see, now. In the caller's transaction."""
    row = tx.row(_COVERS, id=consent_id, client=subject[0], household=subject[1], recipient=recipient)
    _require_own(tx, row, subject[0])
    if row is None or not row.holds:
        raise Unprocessable(
            "That consent does not let this organization see now: it names others, has ended or was revoked.",
            pointer="/consent_id",
        )


def require_subject(tx: Tx, consent_id: UUID, subject: tuple[UUID | None, UUID | None]) -> None:
    """Raises Unprocessable unless it is this client's, or a member's of this household, and in force now.

    In the caller's transaction."""
    row = tx.row(_COVERS, id=consent_id, client=subject[0], household=subject[1], recipient=None)
    _require_own(tx, row, subject[0])
    if row is None or not row.in_force:
        raise Unprocessable("That consent has ended, was revoked or has not begun.", pointer="/consent_id")


def holds(work: Work, consent_id: UUID, recipient: UUID) -> bool:
    """Whether it is in force now and names the recipient."""
    return bool(work.connection.execute(_HOLDS, {"consent": consent_id, "recipient": recipient}).scalar_one())


def _require_own(tx: Tx, row: Any, client_id: UUID | None) -> None:
    """A copy is disclosed onward by nobody but the organization that it came from, 42 CFR part 2 or not."""
    if row is not None and row.of_client:
        return
    copy = tx.row(_COPY, id=client_id)
    if copy is None:
        raise Unprocessable("No consent with that id for this client.", pointer="/consent_id")
    raise Unprocessable(f"{PART2_NOTICE} {_NOT_YOURS}" if copy.part2 else _NOT_YOURS, pointer="/consent_id")


def disclose(work: Work, locked: Locked) -> dict[str, UUID | None]:
    """Copy what the referral's consent discloses into the accepting organization's own record (decision 17).

    Answers the task's column for it; nothing without consent, or for a partner that is not connected.
    """
    if locked.t["on_behalf"] or locked.f["consent_id"] is None:
        return {}
    copied = work.connection.execute(_DISCLOSE, {"task": locked.t["id"], "id": new_id()}).scalar_one()
    locked.t["own_client_id"] = copied
    return {"client_id": copied}


def disclose_since(tx: Tx, locked: Locked) -> None:
    """The same in the transaction of the one that referred, where its consent came after the yes. In the caller's
    transaction."""
    copied = tx.connection.execute(_DISCLOSE_SINCE, {"task": locked.t["id"], "id": new_id()}).scalar_one()
    if copied is not None:
        locked.t["client_id"] = copied


def _check(tx: Tx, consent: Consent) -> None:
    if consent.form == "verbal" and (tx.here.confidential or tx.here.part2):
        raise Unprocessable(
            "A victim-service provider or a Part 2 program needs a written or electronic consent.",
            pointer="/form",
        )
    if (tx.here.confidential or tx.here.part2) and consent.valid_until is None:
        raise Unprocessable("This release must have an end: say until when.", pointer="/until")
    start = consent.valid_from or tx.now
    if consent.valid_until is not None and consent.valid_until <= start:
        raise Unprocessable("The consent ends before it begins.", pointer="/until")
    known = tx.rows(_PARTNERS, ids=[str(i) for i in consent.recipients])
    if len(known) != len(set(consent.recipients)):
        raise Unprocessable("Each recipient must be an organization of the collaborative.", pointer="/recipients")


def _require_age(tx: Tx, consent: Consent, client: Any) -> None:
    """Who is not of age yet does not consent alone (decision 18); where nobody knows the age, the caseworker's word is
    taken. From the year alone: only who cannot be of age yet."""
    today, majority = tx.agenda.region().local_date(tx.now), tx.agenda.age_of_majority
    if consent.capacity != "client" or consent.co_signers:
        return
    born, year = client.birth_date, client.birth_year
    if born is not None:
        age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    elif year is not None:
        age = today.year - year
    else:
        return
    if age < majority:
        raise Unprocessable(
            f"This client is under {majority}: name who gives the consent for them (parent, guardian or"
            " representative), or who signs it with them in co_signers.",
            pointer="/capacity",
        )


def _insert(tx: Tx, consent: Consent) -> UUID:
    consent_id = new_id()
    tx.connection.execute(
        tables.consent.insert().values(
            id=consent_id,
            collaborative_id=tx.here.collaborative_id,
            organization_id=tx.here.organization_id,
            client_id=consent.client_id,
            purpose=consent.purpose,
            data_kinds=list(consent.data_kinds),
            legal_basis=consent.legal_basis,
            form=consent.form,
            given_by=consent.given_by,
            capacity=consent.capacity,
            co_signers=list(consent.co_signers),
            valid_from=consent.valid_from or tx.now,
            valid_until=consent.valid_until,
            created_by=tx.here.user_id,
            created_at=tx.now,
        )
    )
    rows = [
        {"consent_id": consent_id, "organization_id": organization, "discloser_id": tx.here.organization_id}
        for organization in dict.fromkeys(consent.recipients)
    ]
    tx.connection.execute(tables.consent_recipient.insert(), rows)
    return consent_id


def _view(tx: Tx, consent_id: UUID) -> client_shapes.Consent:
    row = tx.row(_GET, id=consent_id)
    if row is None:
        raise NotVisible
    require_casework(tx)
    return client_shapes.Consent.model_validate(row)


_PERSONAL = {"client_id", "given_by", "co_signers"}


def _stores(body: client_shapes.Consent) -> dict[str, Any]:
    return body.model_dump(mode="json", exclude=_PERSONAL)


def _fill(tx: Tx, _seen: object, body: dict[str, Any]) -> dict[str, Any]:
    """Who gave it and for whom are personal: a replay reads them again."""
    return body | _view(tx, UUID(body["id"])).model_dump(include=_PERSONAL)


_GET = text(
    """
select c.id, c.organization_id, c.client_id, c.purpose, c.data_kinds, c.legal_basis, c.form, c.given_by, c.capacity,
       c.co_signers, c.valid_from, c.valid_until, c.revoked_at, c.created_at, c.version,
       (select jsonb_agg(r.organization_id order by r.organization_id) from consent_recipient r
         where r.consent_id = c.id) as recipients
  from consent c where c.id = :id
"""
)
_DISCLOSE = text("select app.disclose(:task, :id)")
_DISCLOSE_SINCE = text("select app.disclose_since(:task, :id)")
_LOCK = text("select id, revoked_at, version from consent where id = :id for update")
_REVOKE = text("update consent set revoked_at = :now, version = version + 1 where id = :id")
_NOT_YOURS = (
    "What another organization disclosed to you is not yours to disclose: it refers the client on, with a consent that"
    " names the new partner; or refer without consent_id, and nothing but the need is told."
)
_CLIENT = text("select consent_id, birth_date, birth_year from client where id = :id and organization_id = :me")
_HOLDS = text("select app.consent_holds(:consent, :recipient)")
_COPY = text("select o.part2 from client c join organization o on o.id = c.origin_organization_id where c.id = :id")
_PARTNERS = text(
    "select distinct organization_id from partnership where organization_id = any(cast(:ids as uuid[]))"
    " and app.current(starts_on, ends_on)"
)
_COVERS = text(
    "select coalesce(client_id = :client, false) or exists (select from household_member m where m.household_id ="
    " :household"
    " and m.client_id = consent.client_id and m.ends_on is null) as of_client,"
    " app.consent_holds(id, :recipient) as holds,"
    " revoked_at is null and valid_from <= now() and (valid_until is null or valid_until > now()) as in_force"
    " from consent where id = :id"
)
