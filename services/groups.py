"""The groups of whoever a request is for, read once, when it is made, by the organization that may read the client.

Afterwards only the codes travel: the engine and everybody who counts never see a birth date or an answer (ADR 0011).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain import groups as rules
from services.transaction import Tx


@dataclass(frozen=True, slots=True)
class Counted:
    """How a request's subject is counted: its groups, and the key under which its household counts once."""

    groups: dict[str, str]
    household_key: UUID | None


def counted_as(tx: Tx, client_id: UUID | None, household_id: UUID | None) -> Counted:
    """Of a client, or of a household by its head, else its oldest member. In the caller's transaction."""
    row = tx.row(_CLIENT, id=client_id) if client_id else tx.row(_HOUSEHOLD, id=household_id)
    return Counted(_groups(tx, row), row.household_key) if row else Counted(_groups(tx, None), household_id)


def _groups(tx: Tx, row: Any | None) -> dict[str, str]:
    if row is None:
        return dict.fromkeys(rules.GROUPS, rules.UNKNOWN)
    demographics: Mapping[str, Any] = row.demographics or {}
    named = demographics.get("races") or []
    today = tx.agenda.region().local_date(tx.now)
    return {
        "age_band": rules.age_band(row.birth_date, row.birth_year, today),
        "race": rules.race(named),
        "ethnicity": rules.ethnicity(named),
        "language": rules.language(row.language, tx.agenda.languages),
    }


_SAID = "c.birth_date, c.birth_year, c.language, c.demographics"
# A household is counted under the person who heads it: records of one person share the person across organizations.
_CLIENT = text(
    f"""
select {_SAID}, coalesce(head.person_id, c.person_id) as household_key
  from client c
  left join lateral (
    select h.person_id from household_member me
      join household_member m on m.household_id = me.household_id and m.role = 'head' and m.ends_on is null
      join client h on h.id = m.client_id
     where me.client_id = c.id and me.ends_on is null order by me.starts_on desc, me.household_id limit 1) head on true
 where c.id = :id
"""
)
_HOUSEHOLD = text(
    f"""
select {_SAID}, c.person_id as household_key
  from household_member m join client c on c.id = m.client_id
 where m.household_id = :id and m.ends_on is null
 order by m.role <> 'head', coalesce(c.birth_date, make_date(c.birth_year, 1, 1)), m.starts_on, m.client_id limit 1
"""
)
