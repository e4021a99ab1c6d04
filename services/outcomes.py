"""What one request came to, by the strongest word on it (decision 28): for the partner whose work it was (decision 31).

A need counts once for the region, whoever met it (`services.needs`); here each request counts as itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text

from domain.moves import Happened
from domain.stage import COUNTED_KINDS
from services.happenings import about_referral, happened
from services.journal import EVENT_NAMES
from services.stages import referred_on
from services.transaction import Work

Row = Mapping[str, Any]
KIND = "request_outcome"
_WORDS = ("client", "source", "task")


def settle_outcome(work: Work, f: Row, occurred_at: datetime | None = None) -> None:
    """Bring it to what was said of the request. In the caller's transaction, after the words were written.

    Where nobody took it on there is none; `of_partner` says that it was whoever was asked last. A change takes back
    what the last one had counted; who only confirms what was said before does not move it to another day.
    """
    if f["kind"] not in COUNTED_KINDS:
        return
    about, facts = _now(work, f)
    before = _last(work, f)
    stood = before["facts"] if before is not None else {"outcome": None}
    if all(stood.get(name) == said for name, said in facts.items()):
        return
    if before is not None and stood["outcome"] == facts["outcome"]:
        occurred_at = before["occurred_at"]
    happened(
        work,
        about,
        Happened(KIND, None, None),
        version=f["version"],
        occurred_at=occurred_at,
        facts=facts | referred_on(work, f),
        reversed_events=[before] if before is not None and stood["outcome"] else [],
    )


def _now(work: Work, f: Row) -> tuple[dict[str, Any], dict[str, str | None]]:
    """What the event says of the request, and the facts by which it may differ from the one before."""
    row = work.row(_WHOSE, referral=f["id"], round=f["round"], target=f["target_organization_id"])
    assert row is not None
    reported = f["outcome_task"] is not None
    by = next((word for word in _WORDS if f[f"outcome_{word}"]), None)
    if f["state"] == "entered_in_error" or not (reported or row.by_anybody):
        by = None
    about = about_referral(f) | {"on_behalf_of": f["target_organization_id"] if row.on_behalf else None}
    whose = "yes" if by and (reported or row.by_this_one) else None
    return about, {"outcome": f[f"outcome_{by}"] if by else None, "by": by, "of_partner": whose}


def _last(work: Work, f: Row) -> Row | None:
    """The outcome that was said last: of this very transaction, or the record's."""
    said = [event for event in work.journal.events if event["kind"] == KIND and event["referral_id"] == f["id"]]
    row = None if said else work.row(_LAST, referral=f["id"])
    return said[-1] if said else row._mapping if row else None


_WHOSE = text(
    """
select coalesce(bool_or(t.accepted_at is not null), false) as by_anybody,
       coalesce(bool_or(t.accepted_at is not null and x.mine), false) as by_this_one,
       coalesce(bool_or(t.on_behalf and x.mine), false) as on_behalf
  from task t cross join lateral (select t.round = :round and t.organization_id = :target as mine) x
 where t.referral_id = :referral and t.state <> 'entered_in_error'
"""
)
_LAST = text(
    f"select {EVENT_NAMES} from event where referral_id = :referral and kind = '{KIND}' order by seq desc limit 1"
)
