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
KIND = "referral_outcome"
_WORDS = ("client", "source", "task")
"""Whose word counts, the strongest first."""


def settle_outcome(work: Work, f: Row, occurred_at: datetime | None = None) -> None:
    """Bring it to what was said of the referral. In the caller's transaction, after the words were written.

    Where nobody took it on there is none; `of_partner` says that it was whoever was asked last. A change takes back
    what the last one had counted; who only confirms what was said before does not move it to another day.
    """
    if f["kind"] not in COUNTED_KINDS:
        return
    whose = {"round": f["round"], "target": f["target_organization_id"]}
    row = dict(work.connection.execute(_STANDS, {"referral": f["id"], **whose}).one()._mapping)
    facts = _now(f, row)
    before = _of_now(work, f) or (row if row["id"] else {"facts": {}})
    stood = before["facts"].get("outcome")
    if all(before["facts"].get(name) == said for name, said in facts.items()):
        return
    about = about_referral(f) | {"on_behalf_of": f["target_organization_id"] if row["on_behalf"] else None}
    happened(
        work,
        about,
        Happened(KIND, None, None),
        version=f["version"],
        occurred_at=before["occurred_at"] if stood and stood == facts["outcome"] else occurred_at,
        facts=facts | referred_on(work, f),
        reversed_events=[before] if stood else [],
    )


def _now(f: Row, row: Row) -> dict[str, str | None]:
    """The facts by which it may differ from the one before."""
    reported = f["outcome_task"] is not None
    said = f["state"] != "entered_in_error" and (reported or row["by_anybody"])
    by = next((word for word in _WORDS if said and f[f"outcome_{word}"]), None)
    whose = "yes" if by and (reported or row["by_this_one"]) else None
    return {"outcome": f[f"outcome_{by}"] if by else None, "by": by, "of_partner": whose}


def _of_now(work: Work, f: Row) -> Row | None:
    """The last one of this very transaction: not in the record yet."""
    said = [event for event in work.journal.events if event["kind"] == KIND and event["referral_id"] == f["id"]]
    return said[-1] if said else None


# Who took it on, and what was said of it last.
_STANDS = text(
    f"""
select w.*, {", ".join(f"e.{name}" for name in EVENT_NAMES.split(", "))}
  from (select coalesce(bool_or(t.accepted_at is not null), false) as by_anybody,
               coalesce(bool_or(t.accepted_at is not null and x.mine), false) as by_this_one,
               coalesce(bool_or(t.on_behalf and x.mine), false) as on_behalf
          from task t cross join lateral (select t.round = :round and t.organization_id = :target as mine) x
         where t.referral_id = :referral and t.state <> 'entered_in_error') w
  left join lateral (
    select * from event y where y.referral_id = :referral and y.kind = '{KIND}' order by y.seq desc limit 1) e on true
"""
)
