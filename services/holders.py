"""Whose turn it is, as a person: who hears of work that lies still. The one who blocks, never the one who reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.clock import SOURCE_CLOCKS, Clock
from domain.ladder import Ladder, Rung
from domain.task import UNDECIDED, State
from domain.watch import Verb
from services.rows import does_casework
from services.supervisors import blocker, foresee, hears, is_deserted
from services.transaction import Tx, Work


@dataclass(frozen=True, slots=True)
class Holder:
    """The organization that has the ball, and who there; None where nobody is named."""

    organization_id: UUID
    user_id: UUID | None


def holder_of(noun: str, row: Mapping[str, Any], f: Mapping[str, Any] | None = None) -> Holder:
    """Of a `task` (`f`: its referral), of a `referral`'s own clock, or of a `plan`'s.

    The source's follower where the source owes something, or makes the moves of a partner without login; else whoever
    the task is assigned to.
    """
    match noun:
        case "plan":
            return Holder(row["organization_id"], row["assigned_to"])
        case "referral":
            return Holder(row["source_organization_id"], row["assigned_to"])
        case _ if row["on_behalf"] or row["state"] == State.INFO_REQUESTED:
            return Holder(row["source_organization_id"], f["assigned_to"] if f else None)
        case _:
            return Holder(row["organization_id"], row["assigned_to"])


def who_blocks(tx: Tx, noun: str, row: Mapping[str, Any], f: Mapping[str, Any] | None = None) -> Holder:
    """Who must act, as the list of stalled work says. Asked only where that may be somebody else than by the clock:
    of ordinary work the row says it, and to ask is dear (ADR 8).
    """
    holder = holder_of(noun, row, f)
    if row.get("clock") is None:
        return holder
    found = blocker(tx, noun, row["id"]) if _may_turn(tx, noun, row, f, holder) else None
    return Holder(found.organization_id, found.user_id) if found else who_acts(tx, holder)


def _may_turn(tx: Tx, noun: str, row: Mapping[str, Any], f: Mapping[str, Any] | None, holder: Holder) -> bool:
    """Whether a cause can make it another organization's turn."""
    if noun != "task":
        return True
    full = row["state"] in UNDECIDED and bool(row.get("s_has_said"))
    until = f.get("consent_until") if f else None
    ended = until is not None and until <= tx.now
    unknown = row["clock"] == Clock.FIRST_CONTACT and row["client_id"] is None and row["due_at"] <= tx.now
    crosses = row["organization_id"] != row["source_organization_id"] and not row["on_behalf"]
    elsewhere = holder.organization_id != tx.here.organization_id
    left = elsewhere and is_deserted(tx, holder.organization_id)
    return full or (crosses and (ended or unknown)) or left


def who_acts(work: Work, holder: Holder) -> Holder:
    """The holder as they stand today: their delegate while they are away, nobody once they are gone. One small query,
    unless it was foreseen.
    """
    if holder.user_id is None:
        return holder
    if holder not in work.acting:
        _foresee_acting(work, [holder])
    return Holder(holder.organization_id, work.acting[holder])


def _foresee_acting(work: Work, holders: Iterable[Holder]) -> None:
    """Ask for all of these by one query, and for nobody else: those who ever left grow more with every year."""
    named = list({each for each in holders if each.user_id is not None})
    if named:
        users, organizations = [each.user_id for each in named], [each.organization_id for each in named]
        for row in work.rows(_ACTING, users=users, organizations=organizations):
            work.acting[Holder(row.organization_id, row.user_id)] = row.acts


def is_staffed(work: Work, organization_id: UUID) -> bool:
    """Whether anybody there does casework, runs it or watches it, and can sign in: who would hear of it."""
    return bool(work.connection.execute(_STAFFED, {"organization": organization_id}).scalar_one())


def reaches(work: Work, to: Rung, holder: Holder, restricted: bool) -> bool:
    """Whether this rung is somebody else: a one-person agency's supervisor is its owner, and a confidential provider's
    stalls never climb to the backbone (decisions 19 and 29).
    """
    if to is Rung.OWNER:
        return True
    if to is Rung.BACKBONE:
        return not restricted
    values = {"organization": holder.organization_id, "user": who_acts(work, holder).user_id}
    return bool(work.connection.execute(_SUPERVISED, values).scalar_one())


def is_watcher(tx: Tx) -> bool:
    """The backbone's people; its auditors only read."""
    return tx.here.backbone and "backbone" in tx.here.roles


def watcher_may_propose(tx: Tx, f: Mapping[str, Any]) -> bool:
    """Another service, for an open referral that was not served yet, and whose need the backbone may know. Who was
    asked may, too (`services.proposing`).
    """
    return is_watcher(tx) and not f["sensitive"] and not f["reported"]


def may_nudge(tx: Tx, noun: str, row: Mapping[str, Any], holder: Holder) -> bool:
    """Whoever may escalate it; who works on it too, while it waits for the other side."""
    works = does_casework(tx) and noun == "task" and row["organization_id"] == tx.here.organization_id
    return may_escalate(tx, noun, row) or (works and holder.organization_id != tx.here.organization_id)


def may_escalate(tx: Tx, noun: str, row: Mapping[str, Any]) -> bool:
    """The backbone, and who asked for the work."""
    asked = noun != "plan" and row["source_organization_id"] == tx.here.organization_id
    return is_watcher(tx) or (asked and does_casework(tx))


def watchers_actions(
    tx: Tx,
    noun: str,
    row: Mapping[str, Any],
    f: Mapping[str, Any] | None = None,
    holder: Holder | None = None,
    *,
    stands: bool = False,
) -> list[str]:
    """What the caller may do with this open work besides moving it. `noun`: task, referral or plan.

    `holder`: who blocks it, or whom a nudge asks, where that is known. `stands`: it is stalled
    although no clock of its own has passed.

    Of a referral and of a plan only while their own clock runs; whether somebody was nudged already, the verb says.
    """
    if row.get("clock") is None and not stands:
        return []
    holder, me = _nudged(tx, row, holder or who_blocks(tx, noun, row, f)), tx.here
    own = holder.organization_id == me.organization_id and holder.user_id in (None, me.user_id)
    nudges = may_nudge(tx, noun, row, holder) and not own and hears(tx, holder.organization_id)
    found = [Verb.NUDGE] if nudges else []
    left = _left(tx, noun, row)
    if left and left & _above(tx, noun, row):
        found.append(Verb.ESCALATE)
    if is_watcher(tx):
        until = row.get("excepted_until")
        found += [Verb.EXCEPT] if until is None or until <= tx.now else [Verb.EXCEPT, Verb.WATCH]
    return [verb.value for verb in found]


def _nudged(tx: Tx, row: Mapping[str, Any], holder: Holder) -> Holder:
    """Whom a nudge asks: who blocks the work, as events say it, for the backbone reads of it. Only want of room for a
    sensitive need makes that somebody else (ADR 17), and then who blocks it was asked for.
    """
    found = tx.blockers.get(row["id"])
    return Holder(found.said_organization_id, found.said_user_id) if found else holder


def foresee_actions(tx: Tx, noun: str, rows: Iterable[tuple[Mapping[str, Any], Mapping[str, Any] | None]]) -> None:
    """Before many rows, each with its referral's, are shown: ask at once what would be asked of each."""
    running = [(row, holder_of(noun, row, f), f) for row, f in rows if row.get("clock") is not None]
    turning = {row["id"] for row, holder, f in running if _may_turn(tx, noun, row, f, holder)}
    foresee(tx, noun, turning | {row["id"] for row, _, _ in running if _left(tx, noun, row)})
    _foresee_acting(tx, [holder for row, holder, _ in running if row["id"] not in turning])


def _left(tx: Tx, noun: str, row: Mapping[str, Any]) -> frozenset[Rung]:
    """Whom the caller may still tell of it, by its ladder. Who of them is there and was not told, `_above` says."""
    if row.get("clock") is None or not row["rung"] or not may_escalate(tx, noun, row):
        return frozenset()
    ladder = ladder_of_row(tx, row)
    left = frozenset(ladder.rungs[number].to for number in ladder.above(row["rung"]))
    return left - {Rung.BACKBONE} if is_watcher(tx) or row["restricted"] else left


def _above(tx: Tx, noun: str, row: Mapping[str, Any]) -> frozenset[str]:
    if "above" in row:
        return frozenset(row["above"] or ())
    found = blocker(tx, noun, row["id"])
    return found.above if found else frozenset()


def ladder_of_row(tx: Tx, row: Mapping[str, Any]) -> Ladder:
    own = None if row["clock"] in SOURCE_CLOCKS else row.get("s_ladder")
    return tx.agenda.ladder(row.get("priority", "routine"), own)


_ACTING = text(
    """
select x.user_id, x.organization_id, app.stands_in(x.user_id, x.organization_id) as acts
  from unnest(cast(:users as uuid[]), cast(:organizations as uuid[])) as x (user_id, organization_id)
"""
)
_STAFFED = text("select app.staffed(:organization)")
_SUPERVISED = text("select app.supervised(:organization, :user)")
