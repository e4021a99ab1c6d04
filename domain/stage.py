"""How far a request has come: the stages of the equity funnel (ADR 0014). A referral counts once in each, however often
it was offered; a partner that was asked counts once for each offer."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from domain.task import Task


class Stage(StrEnum):
    OFFERED = "offered"
    ACKNOWLEDGED = "acknowledged"
    ACCEPTED = "accepted"
    SERVED = "served"
    MET = "met"


COUNTED_KINDS = frozenset({"referral", "transfer"})
"""Referrals that ask a partner for something: neither a plain step of a plan nor information given."""


def stages_of(task: Task) -> frozenset[Stage]:
    """What one offer has reached. Served begins with the first contact, the start or the end of the work."""
    marks = {
        Stage.ACKNOWLEDGED: task.acknowledged_at,
        Stage.ACCEPTED: task.accepted_at,
        Stage.SERVED: task.first_contact_at,
    }
    return frozenset({Stage.OFFERED}) | {stage for stage, at in marks.items() if at is not None}


def said(reached: Iterable[Stage], first: Iterable[Stage]) -> dict[str, str]:
    """The facts of an event: what this offer reached by it, and which of that the request had not reached before."""
    return {f"reached_{stage}": "yes" for stage in reached} | {f"first_{stage}": "yes" for stage in first}
