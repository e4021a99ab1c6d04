"""The people of my organization: who is away, and who acts for them meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services import directory_shapes
from services.following import ABOVE
from services.refusals import Forbidden, NotVisible, Unprocessable
from services.rows import works_there
from services.transaction import Answer, Call, Record, Tx, perform, read

After = tuple[Any, ...] | None
LONGEST_ABSENCE_DAYS = 366


def list_people(record: Record, call: Call, after: After = None, limit: int = 50) -> list[directory_shapes.Colleague]:
    """Who works here today; a partner's own system is nobody. `after` is (id) of the last of the page before."""

    def look(tx: Tx) -> list[directory_shapes.Colleague]:
        values = {"organization": tx.here.organization_id, "person": None, "after": after[0] if after else None}
        return [_shown(row._mapping) for row in tx.rows(_PEOPLE, **values, limit=limit)]

    return read(record, call, look)


def set_absence(
    record: Record, call: Call, user_id: UUID, until: date | None, delegate_id: UUID | None
) -> Answer[directory_shapes.Colleague]:
    """Away until that day, on which they are back; None: back now. What would reach them reaches the delegate."""

    def act(tx: Tx, _seen: object) -> directory_shapes.Colleague:
        if user_id != tx.here.user_id and not tx.here.roles & ABOVE:
            raise Forbidden(
                "Only the person, or a supervisor or administrator of your agency, says that they are away."
            )
        _check(tx, user_id, until, delegate_id)
        values = {"user": user_id, "until": until, "delegate": delegate_id}
        if not tx.connection.execute(_SET, values).scalar_one():
            raise NotVisible  # they left between the look and the word
        tx.audit("person.absence", "person", user_id)
        return _find(tx, user_id)

    return perform(
        record,
        call,
        lambda tx: _find(tx, user_id),
        act,
        directory_shapes.Colleague,
        fill=lambda _tx, seen, _body: seen.model_dump(mode="json"),
        stores=lambda body: {"id": str(body.id)},
    )


def _check(tx: Tx, user_id: UUID, until: date | None, delegate_id: UUID | None) -> None:
    today = tx.agenda.region().local_date(tx.now)
    if until is not None and not today < until <= today + timedelta(days=LONGEST_ABSENCE_DAYS):
        raise Unprocessable("Say on which day they are back: in the future, within a year.", pointer="/until")
    if delegate_id is None:
        return
    if until is None:
        raise Unprocessable("Who is here needs no delegate.", pointer="/delegate_user_id")
    if delegate_id == user_id or not works_there(tx, delegate_id, tx.here.organization_id):
        raise Unprocessable("The delegate is a colleague; GET /v1/people lists them.", pointer="/delegate_user_id")


def _find(tx: Tx, user_id: UUID) -> directory_shapes.Colleague:
    row = tx.row(_PEOPLE, organization=tx.here.organization_id, person=user_id, after=None, limit=1)
    if row is None:
        raise NotVisible
    return _shown(row._mapping)


def _shown(row: Mapping[str, Any]) -> directory_shapes.Colleague:
    return directory_shapes.Colleague.model_validate(dict(row))


_SET = text("select app.set_absence(:user, :until, :delegate)")
_PEOPLE = text(
    """
select u.id, u.login, u.name, array_agg(m.role order by m.role) as roles,
       max(m.absent_until) filter (where app.current('-infinity', m.absent_until - 1)) as absent_until,
       (array_agg(m.delegate_user_id)
          filter (where app.current('-infinity', m.absent_until - 1)))[1] as delegate_user_id
  from membership m join user_account u on u.id = m.user_id and u.revoked_at is null and not u.service_account
 where m.organization_id = :organization and app.current(m.starts_on, m.ends_on)
   and (cast(:person as uuid) is null or u.id = :person) and (cast(:after as uuid) is null or u.id > :after)
 group by u.id order by u.id limit :limit
"""
)
