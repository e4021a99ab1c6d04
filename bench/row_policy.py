"""Times two forms of row security against each other and against none, in one run.

`columns`: the policy compares the row's own organization columns with the transaction's organization.
`readers`: the policy asks whether an indexed reader row (object, organization) exists.
`probed`: the same, written so that the planner cannot hash all reader rows of the organization.
`none`: the rows of `columns`, read by a role that no policy binds; the floor.

All hold the same rows and give the same answers, or the run ends. Needs a superuser's URL (`--database-url`)
or starts an embedded server. Works in a database of its own, which it drops again. Times are of one statement
on a warm cache, seen by the client, in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

DATABASE = "row_policy_bench"
FORMS = ("none", "columns", "readers", "probed")
SCHEMA = {"none": "columns", "columns": "columns", "readers": "readers", "probed": "readers"}
READER, PROBER = "bench_reader", "bench_prober"
LARGE, MEDIUM, THIN, SMALL = 0, 10, 38, 39
"""Organizations by share of referrals: 16 % as source, as much as target; 2.5 % likewise; 0.1 %; 25 rows."""

FOUNDATION = """
create role bench_owner nologin; create role bench_reader nologin; create role bench_prober nologin;
create schema app; grant usage on schema app to bench_reader, bench_prober;
create function app.me() returns uuid language sql stable
  as $$ select nullif(current_setting('app.organization', true), '')::uuid $$;
create function app.organization(n int) returns uuid language sql immutable
  as $$ select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
"""

TABLES = """
create table {form}.referral (
  id uuid primary key, reference text not null, state text not null, priority text not null,
  source_organization_id uuid not null, target_organization_id uuid not null,
  client_id uuid not null, reason text not null, version int not null, created_at timestamptz not null);
create table {form}.task (
  id uuid primary key, referral_id uuid not null, title text not null, state text not null,
  open boolean not null, organization_id uuid not null, source_organization_id uuid not null,
  due_at timestamptz not null, version int not null, created_at timestamptz not null);
"""

ROWS = """
insert into {form}.referral select uuidv7(at - clock_timestamp()), 'R-' || n,
  case when n > {size} * 0.95 then 'active' else 'completed' end, 'routine',
  app.organization(case when n % {every} = 1 then {small} when n % 1000 = 2 then {thin}
    else floor({thin} * random() ^ 2)::int end),
  app.organization(floor({thin} * random() ^ 2)::int),
  gen_random_uuid(), 'rent is two months behind', 1, at
  from generate_series(1, {size}) n,
  lateral (select now() - interval '3 years' * (1 - n / {size}::float8) as at);
insert into {form}.task select uuidv7(created_at - clock_timestamp()), id, 'Answer referral ' || reference,
  case when state = 'active' then 'requested' else 'completed' end, state = 'active',
  target_organization_id, source_organization_id, created_at + interval '14 days', 1, created_at
  from {form}.referral;
"""

INDEXES = """
create index on {form}.referral (source_organization_id, created_at, id);
create index on {form}.referral (target_organization_id, created_at, id);
create index on {form}.referral (created_at, id);
create index on {form}.task (organization_id, due_at, id) where open;
create index on {form}.task (referral_id);
"""

READERS = """
create table readers.referral_reader (object_id uuid, organization_id uuid, created_at timestamptz not null,
  primary key (object_id, organization_id));
create table readers.task_reader (like readers.referral_reader including all);
create function readers.add_readers() returns trigger language plpgsql security definer as $$ begin
  execute format('insert into readers.%I select $1, organization, $2 from unnest($3) organization
    on conflict do nothing', tg_argv[0]) using new.id, new.created_at,
    array[new.source_organization_id, (to_jsonb(new) ->> tg_argv[1])::uuid];
  return null; end $$;
insert into readers.referral_reader select id, source_organization_id, created_at from readers.referral
  union select id, target_organization_id, created_at from readers.referral;
insert into readers.task_reader select id, source_organization_id, created_at from readers.task
  union select id, organization_id, created_at from readers.task;
create index on readers.referral_reader (organization_id, created_at, object_id);
create trigger readers after insert on readers.referral for each row
  execute function readers.add_readers('referral_reader', 'target_organization_id');
create trigger readers after insert on readers.task for each row
  execute function readers.add_readers('task_reader', 'organization_id');
grant select on readers.referral_reader, readers.task_reader to bench_reader, bench_prober;
"""

READER_EXISTS = """exists (select from readers.{table}_reader r
  where r.object_id = {table}.id and r.organization_id = (select app.me()) {tail})"""
EITHER_COLUMN = "source_organization_id = (select app.me()) or {} = (select app.me())"
VISIBLE = {
    ("columns", "referral"): EITHER_COLUMN.format("target_organization_id"),
    ("columns", "task"): EITHER_COLUMN.format("organization_id"),
} | {("readers", table): READER_EXISTS for table in ("referral", "task")}

SECURITY = """
alter table {form}.{table} owner to bench_owner;
alter table {form}.{table} enable row level security; alter table {form}.{table} force row level security;
create policy own on {form}.{table} for insert with check (source_organization_id = (select app.me()));
grant select, insert on {form}.{table} to bench_reader, bench_prober;
"""
POLICY = "create policy visible_to_{role} on {form}.{table} for select to {role} using ({visible})"

PAGE = "(created_at, id) < (%(at)s, %(after)s) order by created_at desc, id desc limit 50"
READER_PAGE = """select r.* from {form}.referral_reader k join {form}.referral r on r.id = k.object_id
  where k.organization_id = %(me)s and (k.created_at, k.object_id) < (%(at)s, %(after)s)
  order by k.created_at desc, k.object_id desc limit 50"""
UNION_PAGE = f"""select * from (
  (select * from {{form}}.referral where source_organization_id = %(me)s and {PAGE}) union all
  (select * from {{form}}.referral where target_organization_id = %(me)s and source_organization_id <> %(me)s
     and {PAGE})) both_sides order by created_at desc, id desc limit 50"""  # noqa: S608 - text of our own
OR_PAGE = f"""select * from {{form}}.referral
  where (source_organization_id = %(me)s or target_organization_id = %(me)s) and {PAGE}"""  # noqa: S608 - text of our own
INBOX_PAGE = """select * from {form}.task where organization_id = %(me)s and open
  and (due_at, id) > (%(due)s, %(after)s) order by due_at, id limit 50"""
ADD = """with made as (insert into {form}.referral values (uuidv7(), 'R-new', 'active', 'routine',
    %(me)s, %(other)s, gen_random_uuid(), 'rent is two months behind', 1, now()))
  insert into {form}.task values (uuidv7(), uuidv7(), 'Answer referral R-new', 'requested', true,
    %(other)s, %(me)s, now() + interval '14 days', 1, now())"""


@dataclass(frozen=True)
class Question:
    """One statement, asked as one organization; `forms` are those that it can be asked in.

    `plan` is the server's plan_cache_mode: a prepared statement may lose its plan per organization.
    """

    name: str
    sql: str
    organization: int
    forms: tuple[str, ...] = FORMS
    plan: str = "auto"


QUESTIONS = (
    Question("one referral by id", "select * from {form}.referral where id = %(id)s", MEDIUM),
    Question("inbox page", INBOX_PAGE, MEDIUM),
    Question("list, two branches, large partner", UNION_PAGE, LARGE),
    Question("list, two branches, medium partner", UNION_PAGE, MEDIUM),
    Question("list, two branches, thin partner", UNION_PAGE, THIN),
    Question("list, two branches, small partner", UNION_PAGE, SMALL),
    Question("list, OR, large partner", OR_PAGE, LARGE),
    Question("list, OR, medium partner", OR_PAGE, MEDIUM),
    Question("list, OR, thin partner", OR_PAGE, THIN),
    Question("list, OR, small partner", OR_PAGE, SMALL),
    Question("list, two branches, small partner, one plan for all", UNION_PAGE, SMALL, plan="force_generic_plan"),
    Question("list, OR, small partner, one plan for all", OR_PAGE, SMALL, plan="force_generic_plan"),
    Question("list, from reader rows, large partner", READER_PAGE, LARGE, ("readers", "probed")),
    Question("list, from reader rows, small partner", READER_PAGE, SMALL, ("readers", "probed")),
    Question(
        "count 1,000 of mine",
        "select count(*) from {form}.referral where target_organization_id = %(me)s and created_at >= %(since_mine)s",
        LARGE,
    ),
    Question(
        "count mine in the newest 1,000, by policy alone",
        "select count(*) from {form}.referral where created_at >= %(since_all)s",
        LARGE,
        ("columns", "readers", "probed"),
    ),
    Question("add a referral and its task", ADD, MEDIUM),
)


def organization(n: int) -> str:
    return f"00000000-0000-7000-8000-{n:012}"


def execute(connection: psycopg.Connection[Any], sql: str, parameters: dict[str, Any] | None = None) -> Any:
    return connection.execute(sql, parameters)


def lay(connection: psycopg.Connection[Any], size: int) -> None:
    """Builds both forms with the same rows and indexes; `readers` is copied from `columns`."""
    execute(connection, FOUNDATION)
    for form in ("columns", "readers"):
        execute(connection, f"create schema {form}; grant usage on schema {form} to {READER}, {PROBER}")
        execute(connection, TABLES.format(form=form))
    execute(connection, ROWS.format(form="columns", size=size, every=max(size // 25, 2), small=SMALL, thin=THIN))
    for table in ("referral", "task"):
        execute(connection, f"insert into readers.{table} table columns.{table}")
    execute(connection, READERS)
    for form in ("columns", "readers"):
        execute(connection, INDEXES.format(form=form))
    for (form, name), visible in VISIBLE.items():
        execute(connection, SECURITY.format(form=form, table=name))
        for role, tail in ((READER, ""), (PROBER, "offset 0")):
            rule = visible.format(table=name, tail=tail)
            execute(connection, POLICY.format(form=form, table=name, role=role, visible=rule))
    execute(connection, "vacuum (freeze, analyze)")


def parameters_of(connection: psycopg.Connection[Any], number: int, repeats: int) -> list[dict[str, Any]]:
    """Parameters for `repeats` asks by one organization: ids it may see, cursors all over its list."""
    me = organization(number)
    ask = {"me": me, "n": repeats}
    mine = execute(
        connection,
        "select id, created_at from columns.referral where source_organization_id = %(me)s"
        " or target_organization_id = %(me)s order by random() limit %(n)s",
        ask,
    ).fetchall()
    due = execute(
        connection,
        "select due_at, id from columns.task where organization_id = %(me)s and open order by random() limit %(n)s",
        ask,
    ).fetchall()
    newest = """(select min(created_at) from
      (select created_at from columns.referral where {} order by 1 desc limit 1000))"""
    since = execute(
        connection, f"select {newest.format('true')}, {newest.format('target_organization_id = %(me)s')}", ask
    ).fetchone()
    common = {"me": me, "other": organization(5), "since_all": since[0], "since_mine": since[1]}
    cursors = [{"id": mine[n % len(mine)][0], "at": mine[n % len(mine)][1]} for n in range(repeats)]
    dues = [due[n % len(due)] if due else (None, mine[0][0]) for n in range(repeats)]
    pairs = zip(cursors, dues, strict=True)
    return [common | cursor | {"due": at, "after": after} for cursor, (at, after) in pairs]


def timed(connection: psycopg.Connection[Any], sql: str, parameters: dict[str, Any]) -> tuple[float, Any]:
    """Milliseconds and answer of one statement in a transaction that carries the organization."""
    execute(connection, "select set_config('app.organization', %(me)s, true)", parameters)
    began = time.perf_counter()
    cursor = execute(connection, sql, parameters)
    answer = cursor.fetchall() if cursor.description else None
    spent = (time.perf_counter() - began) * 1000
    connection.rollback()
    return spent, answer


@dataclass(frozen=True)
class Figure:
    """How long one question took in one form: median and 95th percentile, milliseconds."""

    size: int
    question: str
    form: str
    p50: float
    p95: float


def measure(url: str, size: int, repeats: int) -> Iterator[Figure]:
    """Asks every question in every form in turn, so that noise falls on all alike."""
    connections = {form: psycopg.connect(url) for form in FORMS}
    for form, role in (("columns", READER), ("readers", READER), ("probed", PROBER)):
        execute(connections[form], f"set role {role}")
        connections[form].commit()
    for question in QUESTIONS:
        for connection in connections.values():
            execute(connection, f"set plan_cache_mode = {question.plan}")
            connection.commit()
        asks = parameters_of(connections["none"], question.organization, repeats)
        spent: dict[str, list[float]] = {form: [] for form in question.forms}
        for ask in asks:
            answers = {}
            for form in question.forms:
                sql = question.sql.format(form=SCHEMA[form])
                took, answers[form] = timed(connections[form], sql, ask)
                spent[form].append(took)
            if any(answer != answers[question.forms[0]] for answer in answers.values()):
                raise SystemExit(f"{question.name}: the forms gave different answers")
        for form, values in spent.items():
            values.sort()
            yield Figure(size, question.name, form, statistics.median(values), values[int(len(values) * 0.95)])
    for connection in connections.values():
        connection.close()


def disk(url: str) -> dict[str, int]:
    """Bytes on disk of each form, indexes included."""
    with psycopg.connect(url) as connection:
        sql = """select relnamespace::regnamespace::text, sum(pg_total_relation_size(oid))::bigint
            from pg_class where relkind = 'r'
            and relnamespace in ('columns'::regnamespace, 'readers'::regnamespace) group by 1"""
        return dict(execute(connection, sql).fetchall())


@contextmanager
def scratch(server: str) -> Iterator[str]:
    """A database of our own on the server; it and its two roles are dropped at the end."""
    roles = f"drop role if exists bench_owner, {READER}, {PROBER}"
    drop = f"drop database if exists {DATABASE} with (force); {roles}"
    with psycopg.connect(server, autocommit=True) as admin:
        for statement in drop.split(";"):
            execute(admin, statement)
        execute(admin, f"create database {DATABASE}")
        try:
            yield psycopg.conninfo.make_conninfo(server, dbname=DATABASE)
        finally:
            for statement in drop.split(";"):
                execute(admin, statement)


def table(figures: list[Figure], sizes: list[int]) -> str:
    """Medians (and 95th percentiles) by question, with the ratios that decide."""
    by = {(figure.size, figure.question, figure.form): figure for figure in figures}
    head = ["question", "referrals", *FORMS, "readers/columns", "probed/columns", "columns/none"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for question in QUESTIONS:
        for size in sizes:
            found = [by.get((size, question.name, form)) for form in FORMS]
            cells = [f"{figure.p50:.2f} ({figure.p95:.2f})" if figure else "–" for figure in found]
            none, columns, readers, probed = (figure.p50 if figure else None for figure in found)
            ratios = [ratio(readers, columns), ratio(probed, columns), ratio(columns, none)]
            lines.append("| " + " | ".join([question.name, f"{size:,}", *cells, *ratios]) + " |")
    return "\n".join(lines)


def ratio(above: float | None, below: float | None) -> str:
    return f"{above / below:.1f}" if above and below else "–"


def run(server: str, sizes: list[int], repeats: int, say: Callable[[str], None]) -> dict[str, Any]:
    figures: list[Figure] = []
    bytes_on_disk: dict[int, dict[str, int]] = {}
    for size in sizes:
        with scratch(server) as url:
            say(f"laying {size:,} referrals in both forms")
            with psycopg.connect(url, autocommit=True) as connection:
                lay(connection, size)
            say("asking")
            figures += measure(url, size, repeats)
            bytes_on_disk[size] = disk(url)
    return {"figures": figures, "disk": bytes_on_disk}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 1_000_000], help="numbers of referrals")
    parser.add_argument("--repeats", type=int, default=200, help="asks of each question in each form")
    parser.add_argument("--database-url", help="libpq URL of a superuser; default: an embedded server")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()

    def say(line: str) -> None:
        print(line, file=sys.stderr)

    if chosen.database_url:
        result = run(chosen.database_url, chosen.sizes, chosen.repeats, say)
    else:
        result = asyncio.run(on_embedded_server(chosen.sizes, chosen.repeats, say))
    if chosen.json:
        print(json.dumps(result | {"figures": [asdict(figure) for figure in result["figures"]]}, indent=1))
        return
    print(table(result["figures"], chosen.sizes))
    for size, forms in result["disk"].items():
        print(f"{size:,} referrals on disk, MiB: " + ", ".join(f"{form} {b >> 20}" for form, b in forms.items()))


async def on_embedded_server(sizes: list[int], repeats: int, say: Callable[[str], None]) -> dict[str, Any]:
    from concert.embedded import EmbeddedPostgres, temporary_directory

    with temporary_directory() as directory:
        server = EmbeddedPostgres(directory)
        await server.start()
        try:
            url = server.admin_url.replace("postgresql+psycopg://", "postgresql://", 1)
            return await asyncio.to_thread(run, url, sizes, repeats, say)
        finally:
            await server.stop()


if __name__ == "__main__":
    main()
