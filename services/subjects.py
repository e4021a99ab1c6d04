"""For whom a referral or a plan is: one client or one household, known or new."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.clients import NewClient, insert_client
from services.refusals import Unprocessable
from services.transaction import Tx


def subject(tx: Tx, client_id: UUID | None, client: NewClient | None, household_id: UUID | None) -> Any:
    """What a referral or a plan keeps of its subject: client id (null for a household), person and county; a
    household's are its head's, else those of its oldest member. Raises Unprocessable unless exactly one is named.

    `restricted`: a copy of what a victim-service provider disclosed; its protection goes along (decision 19).
    """
    if sum(each is not None for each in (client_id, client, household_id)) != 1:
        raise Unprocessable("Name one: client_id, client with what you know, or household_id.", pointer="/client_id")
    if household_id is not None:
        home = tx.row(_HOUSEHOLD, id=household_id)
        if home is None:
            raise Unprocessable("No household with that id in your organization.", pointer="/household_id")
        return home
    about = tx.row(_CLIENT, id=insert_client(tx, client, at="/client") if client is not None else client_id)
    if about is None:
        raise Unprocessable("No client with that id in your organization.", pointer="/client_id")
    return about


_COUNTY = (
    "(select r.county from client_residence r where r.client_id = c.id and r.ends_on is null"
    " order by r.starts_on desc limit 1) as county"
)


def is_protected(tx: Tx, client_id: UUID | None) -> bool:
    """Whether the record is a copy of what a victim-service provider disclosed. In the caller's transaction."""
    row = tx.row(_CLIENT, id=client_id)
    return bool(row is not None and row.restricted)


_CLIENT = text(
    f"""
select c.id, c.person_id, {_COUNTY}, coalesce(o.confidential, false) as restricted
  from client c left join organization o on o.id = c.origin_organization_id where c.id = :id
"""
)
_HOUSEHOLD = text(
    f"""
select null as id, c.person_id, {_COUNTY}, false as restricted
  from household h
  left join household_member m on m.household_id = h.id and m.ends_on is null
  left join client c on c.id = m.client_id
 where h.id = :id
 order by m.role <> 'head', coalesce(c.birth_date, make_date(c.birth_year, 1, 1)), m.starts_on, m.client_id limit 1
"""
)
