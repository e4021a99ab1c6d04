-- squawk-ignore-file require-concurrent-index-creation
-- How the engine is, for those who watch it. What the sweeper saw at the engine is written here, ids and codes only: no
-- request ever asks Temporal.
create table engine_finding (
    case_id uuid not null,
    kind text not null,
    trouble text not null,
    code text not null,
    restricted boolean not null,
    since timestamp with time zone default clock_timestamp() not null,
    seen_at timestamp with time zone default clock_timestamp() not null,
    constraint engine_finding_pkey primary key (case_id),
    constraint engine_finding_kind_check check (kind in ('referral', 'plan')),
    constraint engine_finding_trouble_check check (trouble in ('failing', 'missing', 'behind'))
);
comment on column engine_finding.case_id is 'plain';
comment on column engine_finding.kind is 'plain';
comment on column engine_finding.trouble is 'plain';
comment on column engine_finding.code is 'plain';
comment on column engine_finding.restricted is 'plain';
comment on column engine_finding.since is 'plain';
comment on column engine_finding.seen_at is 'plain';

alter table engine_finding enable row level security;
alter table engine_finding force row level security;
grant select, insert, update, delete on engine_finding to concert_engine;
create policy engine on engine_finding to concert_engine using (true);
-- Whoever may see the case may see what is wrong with its workflow: nobody else learns that there is such a case.
grant select on engine_finding to concert_api;
create policy sees on engine_finding for select to concert_api
    using (case kind when 'referral' then exists (select from referral r where r.id = case_id)
                     else exists (select from action_plan p where p.id = case_id) end);

-- The pulse: numbers and times of the whole engine, which a scrape without identity may read too. Confidential cases are
-- not among the findings counted.
grant select on outbox, audit_unsealed, service_heartbeat, engine_finding to concert_counter;
create policy counter_reads on outbox for select to concert_counter using (true);
create policy counter_reads on audit_unsealed for select to concert_counter using (true);
create policy counter_reads on service_heartbeat for select to concert_counter using (true);
create policy counter_reads on engine_finding for select to concert_counter using (true);

grant create on schema app to concert_counter;
set local role concert_counter;
create function app.pulse()
    returns table (at timestamp with time zone, waiting bigint, waiting_since timestamp with time zone, dead bigint,
                   unfolded bigint, unfolded_since timestamp with time zone,
                   unsealed bigint, unsealed_since timestamp with time zone,
                   processes jsonb, findings jsonb, connections bigint, most_connections integer, size_bytes bigint)
    language sql volatile security definer set search_path = public, pg_temp
as $$
    select clock_timestamp(),
           (select count(*) from (select from outbox where not dead limit 100000) w),
           (select o.created_at from outbox o where not o.dead order by o.id limit 1),
           (select count(*) from (select from outbox where dead limit 100000) d),
           (select count(*) from (select from entry_unfolded limit 100000) u),
           (select uuid_extract_timestamp(u.entry_id) from entry_unfolded u order by u.entry_id limit 1),
           (select count(*) from (select from audit_unsealed limit 100000) s),
           (select uuid_extract_timestamp(s.audit_id) from audit_unsealed s order by s.audit_id limit 1),
           (select coalesce(jsonb_agg(jsonb_build_object('role', h.role, 'alive', h.alive, 'last', h.last)), '[]')
              from (select b.role, count(*) filter (where b.at > clock_timestamp() - interval '45 seconds') as alive,
                           max(b.at) as last
                      from service_heartbeat b group by b.role) h),
           (select coalesce(jsonb_agg(jsonb_build_object('kind', f.kind, 'trouble', f.trouble, 'cases', f.cases,
                                                         'since', f.since)), '[]')
              from (select e.kind, e.trouble, count(*) as cases, min(e.since) as since from engine_finding e
                     where not e.restricted group by e.kind, e.trouble) f),
           (select count(*) from pg_stat_activity a where a.datname is not null),
           current_setting('max_connections')::integer,
           pg_database_size(current_database())
$$;
revoke execute on function app.pulse() from public;
grant execute on function app.pulse() to concert_api, concert_engine;
set local role concert_owner;
revoke create on schema app from concert_counter;
