"""Whose turn it is, as a person: who hears of work that lies still. The one who blocks, never the one who reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.ladder import Rung
from domain.task import State
from services.transaction import Work


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


def who_acts(work: Work, holder: Holder) -> Holder:
    """The holder as they stand today: their delegate while they are away, nobody once they are gone."""
    if holder.user_id is None:
        return holder
    person = work.connection.execute(
        _STANDS_IN, {"user": holder.user_id, "organization": holder.organization_id}
    ).scalar()
    return Holder(holder.organization_id, person)


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


_STANDS_IN = text("select app.stands_in(:user, :organization)")
_SUPERVISED = text("select app.supervised(:organization, :user)")
