"""What is wrong with the walls of a record: each function answers sentences, and none where all is well."""

from __future__ import annotations

from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]
LOGINS = ("concert_api", "concert_engine")
SUBROLES = ("concert_owner", "concert_steward", "concert_identity", "concert_disclosure", "concert_counter",
            "concert_post")  # fmt: skip
OPEN_TO_ALL = {("entry_unfolded", "sees")}
"""Policies for people that let any row through: which entries are not folded yet, ids only."""


def row_security(connection: Connection) -> list[str]:
    """Every table: enabled, forced, with at least one policy."""
    rows = connection.execute(
        """
select c.relname, c.relrowsecurity, c.relforcerowsecurity,
       (select count(*) from pg_policy p where p.polrelid = c.oid)
  from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
   and c.relname <> 'alembic_version' order by 1
"""
    ).fetchall()
    found = []
    for table, enabled, forced, policies in rows:
        found += [f"{table}: row security is off"] if not enabled else []
        found += [f"{table}: not forced, its owner sees everything"] if not forced else []
        found += [f"{table}: no policy"] if not policies else []
    return found or ([] if rows else ["there are no tables"])


def policies(connection: Connection) -> list[str]:
    """Every policy as one line, in order: the walls as they stand."""
    rows = connection.execute(
        """
select tablename, policyname, cmd, array_to_string(roles, ' '), permissive,
       coalesce(qual, '-'), coalesce(with_check, '-')
  from pg_policies where schemaname = 'public' order by 1, 2, 4
"""
    ).fetchall()
    return [" | ".join(" ".join(str(part).split()) for part in row) for row in rows]


def triggers(connection: Connection) -> list[str]:
    """Every trigger of ours as one line, in order."""
    rows = connection.execute(
        """
select pg_get_triggerdef(t.oid) || case t.tgenabled when 'O' then '' else ' -- not enabled' end
  from pg_trigger t join pg_class c on c.oid = t.tgrelid
 where not t.tgisinternal and c.relnamespace = 'public'::regnamespace order by 1
"""
    ).fetchall()
    return [row[0] for row in rows]


def open_policies(connection: Connection) -> list[str]:
    """Policies of people that ask for nothing."""
    rows = connection.execute(
        """
select tablename, policyname from pg_policies
 where schemaname = 'public' and ('concert_api' = any(roles) or 'public' = any(roles))
   and (qual = 'true' or with_check = 'true' or 'public' = any(roles)) order by 1, 2
"""
    ).fetchall()
    return [f"{table}.{name}: lets every row through" for table, name in rows if (table, name) not in OPEN_TO_ALL]


def engine_grants(connection: Connection) -> list[str]:
    """Personal columns that the engine's login may read or write."""
    rows = connection.execute(
        """
select c.relname, a.attname, p.privilege
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
 cross join (values ('SELECT'), ('INSERT'), ('UPDATE'), ('REFERENCES')) p(privilege)
 where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
   and col_description(c.oid, a.attnum) is distinct from 'plain' and c.relname <> 'alembic_version'
   and has_column_privilege('concert_engine', c.oid, a.attnum, p.privilege)
 order by 1, 2, 3
"""
    ).fetchall()
    return [f"concert_engine may {privilege} {table}.{column}" for table, column, privilege in rows]


def marks(connection: Connection) -> dict[str, str | None]:
    """`table.column` → its comment."""
    rows = connection.execute(
        """
select c.relname || '.' || a.attname, col_description(c.oid, a.attnum)
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
 where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'alembic_version'
"""
    ).fetchall()
    return dict(rows)


def roles(connection: Connection) -> list[str]:
    """Logins that could see past the walls; an owner that could log in."""
    rows = connection.execute(
        """
select r.rolname, r.rolcanlogin, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication,
       (select count(*) from pg_auth_members m where m.member = r.oid),
       (select count(*) from pg_shdepend d
         where d.refclassid = 'pg_authid'::regclass and d.refobjid = r.oid and d.deptype = 'o')
  from pg_roles r where r.rolname = any(%s) order by 1
""",
        [[*LOGINS, *SUBROLES]],
    ).fetchall()
    known = {row[0]: row for row in rows}
    found = [f"{name}: does not exist" for name in (*LOGINS, *SUBROLES) if name not in known]
    for name, login, superuser, bypass, *rights, groups, owned in rows:
        found += [f"{name}: sees past row security"] if superuser or bypass else []
        found += [f"{name}: may make roles, databases or copies"] if any(rights) else []
        found += [f"{name}: can log in"] if login and name not in LOGINS else []
        found += [f"{name}: cannot log in"] if not login and name in LOGINS else []
        found += [f"{name}: belongs to other roles"] if groups and name in LOGINS else []
        found += [f"{name}: owns something"] if owned and name in LOGINS else []
    return found


def owners(connection: Connection) -> list[str]:
    """Tables that are not concert_owner's."""
    rows = connection.execute(
        """
select c.relname, r.rolname from pg_class c join pg_roles r on r.oid = c.relowner
 where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S')
   and r.rolname <> 'concert_owner'
"""
    ).fetchall()
    return [f"{table}: belongs to {owner}" for table, owner in rows]


DEFINERS = {"enter": "concert_identity", "consent_holds": "concert_disclosure", "disclose": "concert_disclosure"}
DEFINERS |= {"consent_covers": "concert_disclosure", "touch": "concert_counter", "relink": "concert_counter"}
DEFINERS |= {"joined": "concert_counter", "horizon": "concert_counter", "unmet_needs": "concert_disclosure"}
DEFINERS |= dict.fromkeys(("works_there", "address_of", "backbone_addresses", "behind_link"), "concert_post")
DEFINERS |= dict.fromkeys(
    ("figures", "people_together", "cases", "corrections", "published", "last_event", "pulse"),
    "concert_counter",
)
DEFINERS |= {"stages_reached": "concert_disclosure", "still_open": "concert_disclosure"}
DEFINERS |= {"copy_client": "concert_disclosure", "disclose_since": "concert_disclosure"}
NARROW = frozenset(DEFINERS.values())
"""Functions that see more than their caller run as one of these, never as the owner of the tables."""


def functions(connection: Connection) -> list[str]:
    """Functions that see more than their caller: whose they are, where they look up names, who may call them."""
    rows = connection.execute(
        """
select p.proname, r.rolname, p.prosecdef, coalesce(array_to_string(p.proconfig, ' '), ''),
       has_function_privilege('public', p.oid, 'execute')
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_roles r on r.oid = p.proowner
 where n.nspname in ('public', 'app') order by 1
"""
    ).fetchall()
    found = [f"{name}: missing" for name in DEFINERS if name not in {row[0] for row in rows}]
    for name, owner, definer, config, everybody in rows:
        found += [f"{name}: anybody may call it"] if everybody else []
        if not definer:
            continue
        found += [f"{name}: runs as {owner}"] if owner not in {DEFINERS.get(name, owner)} & NARROW else []
        found += [f"{name}: search_path is open ({config})"] if not config.startswith("search_path=") else []
        found += [f"{name}: pg_temp is not last"] if not config.endswith("pg_temp") else []
    return found


def views(connection: Connection) -> list[str]:
    """Views that bypass row security: every one needs security_invoker."""
    rows = connection.execute(
        """
select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm')
   and not coalesce('security_invoker=true' = any(c.reloptions), false)
"""
    ).fetchall()
    return [f"{name}: not security_invoker" for (name,) in rows]
