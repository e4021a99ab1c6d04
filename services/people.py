"""Who the caller is: their organization, roles and memberships."""

from __future__ import annotations

from sqlalchemy import text

from services import directory_shapes
from services.transaction import Call, Record, Tx, read


def get_me(record: Record, call: Call) -> directory_shapes.Me:
    def look(tx: Tx) -> directory_shapes.Me:
        here = tx.here
        row = tx.connection.execute(_ME, {"user": here.user_id, "organization": here.organization_id}).one()
        return directory_shapes.Me(
            id=here.user_id,
            login=here.login,
            name=row.name,
            language=here.language,
            organization={
                "id": here.organization_id,
                "slug": here.organization_slug,
                "name": row.organization,
            },
            roles=sorted(here.roles),
            collaborative={"id": here.collaborative_id, "name": row.collaborative, "zone": tx.agenda.zone},
            memberships=[
                directory_shapes.Membership.model_validate(m) for m in tx.rows(_MEMBERSHIPS, user=here.user_id)
            ],
        )

    return read(record, call, look)


def first_of_backbone(record: Record) -> str | None:
    """Who stands for the backbone where nobody is signed in; None if it has nobody. Asked by the engine's login."""
    with record.database.transaction() as connection:
        login: str | None = connection.execute(_FIRST_OF_BACKBONE).scalar()
    return login


_FIRST_OF_BACKBONE = text(
    """
select u.subject from user_account u
  join membership m on m.user_id = u.id and m.role = 'backbone'
  join partnership p on p.organization_id = m.organization_id and p.role = 'backbone'
 where u.revoked_at is null and app.current(m.starts_on, m.ends_on)
 order by m.starts_on, u.login limit 1
"""
)
_ME = text(
    """
select u.name, o.name as organization, c.name as collaborative
  from user_account u, organization o, collaborative c
 where u.id = :user and o.id = :organization and c.id = app.collaborative()
"""
)
_MEMBERSHIPS = text(
    """
select m.organization_id, o.name as organization, array_agg(m.role order by m.role) as roles
  from membership m join organization o on o.id = m.organization_id
 where m.user_id = :user and app.current(m.starts_on, m.ends_on)
 group by 1, 2 order by 2
"""
)
