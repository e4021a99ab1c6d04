"""What the steward of the directory may ask: who works here. Only the steward's use cases come under the login that
migrates.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool


@dataclass(frozen=True, slots=True)
class Login:
    """One person in one organization, with the roles held there today."""

    login: str
    name: str | None
    organization: str
    organization_slug: str
    roles: list[str]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def list_logins(admin_url: str) -> list[Login]:
    """Everybody who may sign in now, by organization and login. `admin_url` may become the steward."""
    with stewarding(admin_url) as connection:
        return [Login(**row._mapping) for row in connection.execute(_LOGINS)]


@contextmanager
def stewarding(admin_url: str) -> Iterator[Connection]:
    """One transaction as the steward, on a connection of its own."""
    engine = create_engine(admin_url, poolclass=NullPool, hide_parameters=True, connect_args={"connect_timeout": 5})
    try:
        with engine.begin() as connection:
            connection.execute(text("set local role concert_steward"))
            yield connection
    finally:
        engine.dispose()


_LOGINS = text(
    """
select u.login, u.name, o.name as organization, o.slug as organization_slug, array_agg(m.role order by m.role) as roles
  from user_account u join membership m on m.user_id = u.id join organization o on o.id = m.organization_id
 where u.revoked_at is null and exists (
    select from partnership p join collaborative c on c.id = p.collaborative_id
     cross join lateral (select cast(now() at time zone c.zone as date) as today) d
     where p.organization_id = o.id and d.today between p.starts_on and coalesce(p.ends_on, 'infinity')
       and d.today between m.starts_on and coalesce(m.ends_on, 'infinity'))
 group by u.login, u.name, o.name, o.slug
 order by o.name, u.login
"""
)
