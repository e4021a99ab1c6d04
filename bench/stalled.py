"""Does the list of stalled work cost the same at ten thousand and at a million tasks? In one run, on one cluster.

`python -m bench.stalled [--sizes 10000 1000000 --json FILE]`. Each size is a record of its own with the same region:
requests, tasks, consents and plans are made by SQL. Stalled are as many in both (500: past their limit, declined for
lack of room, owner gone, no room, consent ended, waiting steps), a million tasks have 20,000 open, ten thousand have
5,000, for they cannot have more. Both are asked in turn for the first page, as the backbone and as one partner. Times
are the database's own (planning and execution by EXPLAIN ANALYZE) and the service's on a warm cache; exit 1 if a
median is over 1.5 times the small.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text

from bench.turns import Ask, medians, timed
from concert.embedded import EmbeddedPostgres, temporary_directory
from concert.embedded.postgres import libpq_url
from seed.load import load_region
from seed.region import build_region
from services.stalled import ALL, LISTED, list_stalled, values_of
from services.transaction import Call, Record, Tx, read
from storage.database import Database
from storage.migrations import migrate

LIMIT = 1.5
READERS = ("ruth.hub", "gwen.housing")
ROUNDS = 40
OPEN = 20_000

FILL = """
create temporary table one as
select c.id as collaborative,
       (select array_agg(o.id order by o.slug) from organization o
         where o.mode = 'connected' and not o.confidential
           and exists (select from membership m where m.organization_id = o.id and m.role = 'caseworker')) as orgs,
       (select id from organization where slug = 'housing') as housing
  from collaborative c;
create temporary table worker as
select distinct on (organization_id) organization_id, user_id from membership where role = 'caseworker';
insert into user_account (id, subject, login) select uuidv7(), 'gone' || n, 'gone' || n from generate_series(1, 60) n;
insert into membership (id, user_id, organization_id, role, starts_on, ends_on)
select uuidv7(), u.id, one.orgs[1 + (row_number() over (order by u.login)) % cardinality(one.orgs)], 'caseworker',
       current_date - 900, current_date - 30
  from user_account u cross join one where u.login like 'gone%';
create temporary table gone as
select distinct on (m.organization_id) m.organization_id, m.user_id
  from membership m join user_account u on u.id = m.user_id where u.login like 'gone%' order by m.organization_id,
  u.login;
create temporary table offer as
select distinct on (organization_id) organization_id, id, term from service order by organization_id, name;
create temporary table full_one as
select distinct on (s.organization_id) s.organization_id, s.id, s.term from service s
  join one on s.organization_id = any(one.orgs)
 where not exists (select from offer where offer.id = s.id) order by s.organization_id, s.name;
insert into service_capacity (service_id, open_slots, taking, stated_at, lapses_on)
select id, 0, true, now(), current_date + 30 from full_one;
insert into client (id, organization_id, person_id, identity, created_at)
select uuidv7(), o, uuidv7(), 'anonymous', now() from one cross join unnest(one.orgs) o;
insert into need (id, collaborative_id, organization_id, client_id, term, created_at)
select uuidv7(), one.collaborative, c.organization_id, c.id, 'housing', now() from one cross join client c;

create temporary table work as
select n, n - (%(size)s - %(open)s) as i, uuidv7() as referral, uuidv7() as task, uuidv7() as consent,
       one.orgs[1 + n %% cardinality(one.orgs)] as source,
       one.orgs[1 + (n / 7 + n + 1) %% cardinality(one.orgs)] as target,
       now() - interval '2 years' * (1 - n / %(size)s::float8) as at,
       case when n %% 25 = 0 then n / 25 end as plan
  from generate_series(1, %(size)s) n cross join one;
alter table work add column stands text;
update work set stands = case when i <= 0 then 'over' when i <= 300 then 'late' when i <= 360 then 'declined'
  when i <= 400 then 'gone' when i <= 440 then 'full' when i <= 480 then 'ended' else 'open' end;
update work w set target = f.organization_id
  from (select organization_id, row_number() over (order by organization_id) as k, count(*) over () as all_of
          from full_one) f
 where w.stands = 'full' and f.k = 1 + w.i %% f.all_of;
create temporary table plan as
select plan as n, uuidv7() as id, min(source::text)::uuid as lead, bool_or(i > 0) as open, min(at) as at
  from work where plan is not null group by plan;

insert into action_plan (id, reference, collaborative_id, organization_id, client_id, template, template_version,
                         name, state, priority, due_at, next_review_at, created_by, assigned_to, created_at, updated_at)
select p.id, 'P-' || p.n, one.collaborative, p.lead, c.id, 'bench', 1, 'A plan',
       case when p.open then 'active' else 'completed' end, 'routine', now() + interval '90 days',
       now() + interval '20 days', w.user_id, w.user_id, p.at, p.at
  from plan p cross join one join client c on c.organization_id = p.lead join worker w on w.organization_id = p.lead;
insert into consent (id, collaborative_id, organization_id, client_id, purpose, data_kinds, legal_basis, form,
                     given_by, capacity, valid_from, valid_until, created_by, created_at)
select w.consent, one.collaborative, w.source, c.id, 'bench', '["identity", "notes"]', 'consent', 'written', '-',
       'client', w.at,
       case when w.stands in ('over', 'ended') then greatest(w.at + interval '1 minute', now() - interval '1 day')
            else now() + interval '1 year' end,
       k.user_id, w.at
  from work w cross join one join client c on c.organization_id = w.source
  join worker k on k.organization_id = w.source;
insert into consent_recipient (consent_id, organization_id, discloser_id) select consent, target, source from work;
insert into referral (id, reference, collaborative_id, source_organization_id, target_organization_id, service_id,
                      need_id, client_id, consent_id, consent_until, kind, priority, term, state, clock,
                      clock_started_at, due_at, look_at, action_plan_id, step_key, step, assigned_to, created_by,
                      requested_at, created_at, updated_at)
select w.referral, 'R-' || w.n, one.collaborative, w.source, w.target, o.id, e.id, c.id, w.consent,
       k.valid_until, 'referral', 'routine', coalesce(o.term, 'housing'),
       case w.stands when 'over' then 'completed' when 'declined' then 'awaiting_source' else 'active' end,
       case when w.stands = 'declined' then 'awaiting_source' end, case when w.stands = 'declined' then w.at end,
       case when w.stands = 'declined' then now() - interval '1 day' * (w.i %% 30 + 1) end,
       case when w.i > 0 then now() + interval '1 day' end,
       p.id, case when p.id is not null then 'first' end, case when p.id is not null then '{"key": "first"}'::jsonb end,
       a.user_id, a.user_id, w.at, w.at, w.at
  from work w cross join one join client c on c.organization_id = w.source join need e on e.client_id = c.id
  join worker a on a.organization_id = w.source join consent k on k.id = w.consent
  left join plan p on p.n = w.plan
  left join offer o on o.organization_id = w.target;
insert into task (id, collaborative_id, kind, title, owner_id, referral_id, action_plan_id, step_key, round,
                  organization_id, source_organization_id, service_id, assigned_to, priority, state,
                  ball_organization_id, reason, reason_class, clock, clock_started_at, due_at, requested_at,
                  created_at, updated_at, accepted_at)
select w.task, one.collaborative, 'offer', 'Answer the request', w.referral, w.referral, p.id,
       case when p.id is not null then 'first' else 'offer' end, 1, w.target, w.source,
       case when w.stands = 'full' then (select f.id from full_one f where f.organization_id = w.target) else o.id end,
       case when w.stands = 'gone' then g.user_id
            when s.state not in ('requested', 'declined') and w.n %% 3 > 0 then a.user_id end,
       'routine', s.state,
       case when s.state in ('completed', 'declined') then null
            when s.state = 'info_requested' then w.source else w.target end,
       case when s.state = 'declined' then 'full' end, case when s.state = 'declined' then 'no_capacity' end,
       s.clock, case when s.clock is not null then w.at end,
       case when s.clock is null then null when w.stands = 'late' then now() - interval '1 hour' * w.i
            else now() + interval '1 day' * (1 + w.n %% 30) end,
       w.at, w.at, w.at, case when s.clock in ('first_contact', 'sign_of_life', 'reconfirm', 'resume') then w.at end
  from work w cross join one
  left join plan p on p.n = w.plan
  left join offer o on o.organization_id = w.target
  left join gone g on g.organization_id = w.target
  join worker a on a.organization_id = w.target
 cross join lateral (
    select x.state, x.clock
      from (values (0, 'requested', 'acknowledge'), (1, 'acknowledged', 'decide'), (2, 'info_requested', 'answer'),
                   (3, 'accepted', 'first_contact'), (4, 'in_progress', 'sign_of_life'), (5, 'waitlisted', 'reconfirm'),
                   (6, 'on_hold', 'resume')) as x(k, state, clock)
     where w.stands not in ('over', 'declined') and x.k = case w.stands when 'full' then 0 when 'ended' then 4
     else w.n %% 7 end
    union all
    select 'completed', null where w.stands = 'over'
    union all
    select 'declined', null where w.stands = 'declined') s;
insert into plan_step (action_plan_id, key, lead_organization_id, position, definition, organization_id, referral_id)
select p.id, x.key, p.lead, x.position,
       jsonb_build_object('key', x.key, 'title', 'A step', 'owner', 'lead', 'kind', 'step', 'after', x.after::jsonb),
       w.target, case when x.position = 1 or not p.open then w.referral end
  from plan p join work w on w.plan = p.n
 cross join (values ('first', 1, '[]'), ('second', 2, '["first"]'), ('third', 3, '["second"]'))
       as x(key, position, after);
insert into plan_partner (action_plan_id, organization_id, lead_organization_id)
select distinct p.id, w.target, p.lead from plan p join work w on w.plan = p.n where w.target <> p.lead;
"""


def prepare(server: EmbeddedPostgres, size: int) -> dict[str, Any]:
    name = f"stalled{size}"
    with psycopg.connect(libpq_url(server.admin_url), autocommit=True, dbname="postgres") as connection:
        connection.execute(f"create database {name}".encode())
    admin, api = (url.removesuffix("/concert") + f"/{name}" for url in (server.admin_url, server.api_url))
    migrate(admin, server.password("api"), server.password("engine"))
    load_region(admin, build_region(7))
    with psycopg.connect(libpq_url(admin), autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        for statement in FILL.split(";\n"):
            values = {"size": size, "open": min(OPEN, size // 2)}
            filled = statement % values if "%(" in statement else statement.replace("%%", "%")
            if filled.strip():
                connection.execute(filled.encode())
        connection.execute("vacuum analyze")
        counts = {
            of: connection.execute(question.encode()).fetchone()
            for of, question in {
                "tasks": "select count(*) from task",
                "open": "select count(*) from task where due_at is not null",
                "plans": "select count(*) from action_plan",
                "consents": "select count(*) from consent",
            }.items()
        }
    record = Record(Database(api, pool_size=2, application="bench reader"))
    return {"record": record} | {of: row[0] if row else 0 for of, row in counts.items()}


def database_time(record: Record, call: Call) -> float:
    """Planning and execution of the first page, in milliseconds."""

    def look(tx: Tx) -> float:
        explained = text(f"explain (analyze, timing off, format json) {LISTED.text}")
        (found,) = tx.connection.execute(explained, values_of(tx, None, 50, ALL)).scalar_one()
        return float(found["Planning Time"]) + float(found["Execution Time"])

    return read(record, call, look)


def first_page(record: Record, call: Call) -> None:
    assert len(list_stalled(record, call)) == 50


def measure(sides: dict[int, dict[str, Any]], rounds: int) -> dict[str, dict[int, float]]:
    """Medians in milliseconds, by question and size: of the database, and of the service on the wall."""
    questions: dict[str, Ask] = {}
    for login in READERS:
        questions[f"{login}, database"] = partial(database_time, call=Call(login))
        questions[f"{login}, service"] = timed(partial(first_page, call=Call(login)))
    return medians(questions, sides, rounds)


def stalled_count(record: Record, login: str) -> int:
    items, call = 0, Call(login)
    after = None
    while page := list_stalled(record, call, after, 200):
        items, after = items + len(page), (page[-1].limit, page[-1].id)
    return items


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with temporary_directory() as directory:
        server = EmbeddedPostgres(directory, durable=False)
        asyncio.run(server.start())
        try:
            sides = {size: prepare(server, size) for size in asked.sizes}
            for side in sides.values():
                seen = ", ".join(f"{login} sees {stalled_count(side['record'], login)} stalled" for login in READERS)
                print(f"{side['tasks']} tasks, {side['open']} open, {side['plans']} plans,"
                      f" {side['consents']} consents; {seen}", flush=True)  # fmt: skip
            medians = measure(sides, asked.rounds)
            for side in sides.values():
                side["record"].database.dispose()
        finally:
            asyncio.run(server.stop())
    small, large = min(asked.sizes), max(asked.sizes)
    for name, by in medians.items():
        print(f"{name:28} {by[small]:8.2f} ms {by[large]:8.2f} ms   ratio {by[large] / by[small]:.2f}")
    if asked.json:
        asked.json.write_text(json.dumps(medians, indent=2))
    over = [name for name, by in medians.items() if "database" in name and by[large] > LIMIT * by[small]]
    raise SystemExit(1 if over else 0)


if __name__ == "__main__":
    main()
