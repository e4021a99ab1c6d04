"""The one wrapper around every use case: identity, visibility, replay, precondition, rule,
and one commit (decision 12).

Order of a command: who is it (`app.enter`), may they see it now (`see`, which also takes the locks: the referral
first, then
its tasks by id), was this very command answered before, is the version right, then the rule. What was decided is
committed together with the answer, so a retry gets the same answer and nothing happens twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, column, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from domain.refusal import NotPossible
from services.agenda import Agenda, agenda_of
from services.journal import Journal
from services.refusals import (
    Conflict,
    KeyReused,
    PreconditionRequired,
    Refusal,
    Stale,
    Unauthenticated,
    Unprocessable,
)
from storage.database import Database, sqlstate

ATTEMPTS = 4
_RETRIED = frozenset({"40P01", "40001"})
_HELD = "55P03"
"""A lock was waited for as long as a lock may be (5 s). Nothing was done."""
CLIENT_FIELDS = frozenset({"client_id", "household_id", "consent_id"})
"""Never in a stored answer; a replay reads them afresh, under what the caller may see now."""


@dataclass(frozen=True, slots=True)
class Key:
    """An Idempotency-Key and the fingerprint (sha256) of the request that it came with."""

    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls, for which of their organizations (None: their first), and how often they may have said so.

    `link_id`: the one-use link of a mail that speaks for them; who is signed in has none.
    """

    subject: str
    organization_id: UUID | None = None
    key: Key | None = None
    if_match: frozenset[int] | None = None
    link_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Here:
    """The person as the record knows them in this transaction; `now` is the database's clock."""

    user_id: UUID
    login: str
    language: str
    organization_id: UUID
    organization_slug: str
    confidential: bool
    part2: bool
    roles: frozenset[str]
    collaborative_id: UUID
    agenda_revision: int
    backbone: bool
    now: datetime
    seen: dict[str, Any] | None


@dataclass(slots=True, kw_only=True)
class Work:
    """A running transaction, a person's or the engine's. Functions that take one work in it and never commit.

    `now` is the database's clock. `organization_id` and `user_id` say who acts; both None for the engine. `acting`: who
    acts for whom today, of those that were asked for (`services.holders`).
    """

    connection: Connection
    agenda: Agenda
    now: datetime
    organization_id: UUID | None = None
    user_id: UUID | None = None
    journal: Journal = field(default_factory=Journal)
    acting: dict[Any, UUID | None] = field(default_factory=dict)

    def rows(self, statement: Any, **values: Any) -> list[Any]:
        return list(self.connection.execute(statement, values).all())

    def row(self, statement: Any, **values: Any) -> Any | None:
        """The first row, or None."""
        return self.connection.execute(statement, values).first()

    def run(self, statement: Any, **values: Any) -> None:
        self.connection.execute(statement, values)

    def audit(self, verb: str, object_kind: str, object_id: UUID, version: int | None = None) -> None:
        """One record per change; who did it comes from the transaction."""
        self.journal.audit.append(
            {
                "verb": verb,
                "object_kind": object_kind,
                "object_id": object_id,
                "version": version,
                "organization_id": self.organization_id,
                "user_id": self.user_id,
            }
        )


@dataclass(slots=True, kw_only=True)
class Tx(Work):
    """A person's transaction. `blockers`: of which work it knows who holds it up; `deserted`: where nobody works,
    `unstaffed`: where nobody would hear, once it was asked (`services.supervisors`).
    """

    here: Here
    blockers: dict[UUID, Any] = field(default_factory=dict)
    deserted: frozenset[UUID] | None = None
    unstaffed: frozenset[UUID] | None = None


M = TypeVar("M", bound=BaseModel)
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Answer(Generic[M]):
    """What a command did. `replayed`: it had been done before, this is the stored answer."""

    body: M
    status: int = 200
    replayed: bool = False


class Record:
    """The services' door to the database; `wake` is called after a commit that left something in the outbox."""

    def __init__(self, database: Database, wake: Callable[[], None] = lambda: None) -> None:
        self.database = database
        self.wake = wake


def read(record: Record, call: Call, look: Callable[[Tx], S]) -> S:
    """A reading use case: one transaction, nothing written."""
    for attempt in range(ATTEMPTS):
        try:
            with record.database.transaction() as connection:
                return look(_enter(connection, call))
        except DBAPIError as error:
            if not _again(error, attempt):
                raise
    raise AssertionError("unreachable")


def read_at_once(record: Record, call: Call, look: Callable[[Tx], S]) -> S:
    """As `read`, all of it as it stood at one moment, and for as long as it takes."""
    with record.database.snapshot() as connection:
        return look(_enter(connection, call))


def perform(
    record: Record,
    call: Call,
    see: Callable[[Tx], S],
    act: Callable[[Tx, S], M],
    shape: type[M],
    *,
    again: Callable[[Tx], Any] | None = None,
    fill: Callable[[Tx, Any, dict[str, Any]], dict[str, Any]] = lambda _tx, _seen, body: body,
    version: Callable[[S], int] | None = None,
    need_if_match: bool = False,
    status: int = 200,
    stores: Callable[[M], dict[str, Any]] = lambda body: without_clients(body.model_dump(mode="json")),
) -> Answer[M]:
    """A changing use case. Repeating it with the same key replays the answer; deadlocks are tried again, three times, a
    lock that somebody held too long once.

    `stores` says what of the answer is kept, `fill` completes it for a replay: client fields are never kept. `again`
    looks,
    without locks, whether the caller may see it at a replay (else `see` does); `fill` gets what it found. Raises
    Refusal.
    """
    for attempt in range(ATTEMPTS):
        try:
            with record.database.transaction() as connection:
                tx = _enter(connection, call)
                if tx.here.seen:
                    return _replay(tx, (again or see)(tx), call, shape, fill)
                seen = see(tx)
                _match(call, seen, version, need_if_match)
                body = _decide(act, tx, seen)
                _remember(tx, call, status, stores(body))
                tx.journal.write(connection)
            if tx.journal.outbox:
                record.wake()
            return Answer(body, status)
        except Refusal as refusal:
            earlier = _earlier(record, call, again or see, shape, fill, refusal)
            if earlier is not None:
                return earlier
            raise
        except IntegrityError as error:
            if not _same_key(error) or attempt == ATTEMPTS - 1:
                raise
        except DBAPIError as error:
            if not _again(error, attempt):
                raise
    raise AssertionError("unreachable")


def by_engine(record: Record, work: Callable[[Connection], tuple[S, Journal | None]]) -> S:
    """A use case of the engine: `work` returns its result and what it appends. Deadlocks are tried again."""
    for attempt in range(ATTEMPTS):
        try:
            with record.database.transaction() as connection:
                result, journal = work(connection)
                if journal is not None:
                    journal.write(connection)
            if journal is not None and journal.outbox:
                record.wake()
            return result
        except DBAPIError as error:
            if not _again(error, attempt):
                raise
    raise AssertionError("unreachable")


def without_clients(body: Any) -> Any:
    """The JSON without its client fields, at any depth."""
    if isinstance(body, dict):
        return {name: without_clients(value) for name, value in body.items() if name not in CLIENT_FIELDS}
    return [without_clients(each) for each in body] if isinstance(body, list) else body


def _enter(connection: Connection, call: Call) -> Tx:
    key = call.key.key if call.key else None
    row = connection.execute(
        _ENTER, {"subject": call.subject, "organization": call.organization_id, "key": key}
    ).first()
    if row is None:
        raise Unauthenticated(
            "This login is unknown, was revoked, or has no current membership in that organization."
            " Ask your agency's administrator."
        )
    values = dict(row._mapping) | {"roles": frozenset(row.roles)}
    here = Here(**values)
    return Tx(
        connection=connection,
        agenda=agenda_of(connection, here.collaborative_id, here.agenda_revision),
        now=here.now,
        organization_id=here.organization_id,
        user_id=here.user_id,
        here=here,
    )


def _decide(act: Callable[[Tx, S], M], tx: Tx, seen: S) -> M:
    try:
        return act(tx, seen)
    except NotPossible as no:
        if no.pointer is not None:
            raise Unprocessable(no.sentence, code=no.code, pointer=no.pointer) from None
        raise Conflict(no.sentence, code=no.code, current=current_of(seen)) from None


def current_of(seen: Any) -> dict[str, object]:
    """The state as it stands, for a 409: of whatever was locked."""
    subject = getattr(seen, "task", None) or getattr(seen, "referral", None) or seen
    state, version = getattr(subject, "state", None), getattr(subject, "version", None)
    return {"state": str(state), "version": version} if state is not None else {}


def _match(call: Call, seen: Any, version: Callable[[Any], int] | None, needed: bool) -> None:
    if version is None:
        return
    if call.if_match is None:
        if needed:
            raise PreconditionRequired("Send If-Match with the version that you read (its ETag), then edit again.")
        return
    if version(seen) not in call.if_match:
        raise Stale("It has changed since you read it. Read it again and decide with what it says now.")


def _remember(tx: Tx, call: Call, status: int, body: dict[str, Any]) -> None:
    if call.key is None:
        return
    tx.journal.commands.append(
        {
            "user_id": tx.here.user_id,
            "organization_id": tx.here.organization_id,
            "key": call.key.key,
            "fingerprint": "\\x" + call.key.fingerprint.hex(),
            "status": status,
            "body": body,
        }
    )


def _replay(
    tx: Tx, seen: Any, call: Call, shape: type[M], fill: Callable[[Tx, Any, dict[str, Any]], dict[str, Any]]
) -> Answer[M]:
    stored = tx.here.seen
    assert stored is not None
    assert call.key is not None
    if stored["fingerprint"] != call.key.fingerprint.hex():
        raise KeyReused("This Idempotency-Key came with another request before. Use a new key for a new request.")
    if stored["status"] >= 400:
        body = stored["body"]
        refusal = Conflict(body["detail"], code=body["code"], current=body["current"])
        refusal.replayed = True
        raise refusal
    return Answer(shape.model_validate(fill(tx, seen, stored["body"])), stored["status"], replayed=True)


def _earlier(
    record: Record,
    call: Call,
    see: Callable[[Tx], Any],
    shape: type[M],
    fill: Callable[[Tx, Any, dict[str, Any]], dict[str, Any]],
    refusal: Refusal,
) -> Answer[M] | None:
    """The same command may have been answered while this one waited for the lock: then that answer stands.

    Otherwise a 409 is kept, with what it leaves behind, so that a retry hears the same; 404, 412, 422 and the rest are
    never kept, and neither is what a mail's link was refused: whoever presses it again cannot choose another key.
    """
    if call.key is None or refusal.replayed or not isinstance(refusal, Conflict | Stale):
        return None
    with record.database.transaction() as connection:
        tx = _enter(connection, call)
        if tx.here.seen:
            return _replay(tx, see(tx), call, shape, fill)
        if isinstance(refusal, Conflict) and call.link_id is None:
            body = {"detail": refusal.detail, "code": refusal.code, "current": dict(refusal.current or {})}
            kept = connection.execute(
                _KEEP,
                {
                    "user": tx.here.user_id,
                    "organization": tx.here.organization_id,
                    "key": call.key.key,
                    "fingerprint": call.key.fingerprint,
                    "body": json.dumps(body),
                },
            )
            if kept.rowcount and refusal.leaves is not None:
                refusal.leaves(tx)
                tx.journal.write(connection)
    return None


def _same_key(error: IntegrityError) -> bool:
    """Two transactions with one key: the first has committed, so the next attempt finds its answer."""
    constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    return constraint == "command_pkey"


def _again(error: DBAPIError, attempt: int) -> bool:
    """Deadlocks and serialization failures; once, a lock that was held long, and a connection that died (the key makes
    a second run harmless). More often would keep connections from others: a client hears 503 and comes again.
    """
    state = sqlstate(error)
    if error.connection_invalidated or state == _HELD:
        return attempt == 0
    return attempt < ATTEMPTS - 1 and state in _RETRIED


_ENTER = text("select * from app.enter(:subject, :organization, :key)").columns(*map(column, Here.__slots__))
"""Its columns are said (`services.rows.known`): every request begins with it."""
_KEEP = text(
    "insert into command (user_id, organization_id, key, fingerprint, status, body)"
    " values (:user, :organization, :key, :fingerprint, 409, cast(:body as jsonb)) on conflict do nothing"
)
