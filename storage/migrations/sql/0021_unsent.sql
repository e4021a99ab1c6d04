-- squawk-ignore-file require-concurrent-index-creation, ban-drop-function
-- Since when a letter is tried in vain: its own age says nothing, for it may have waited for a night or a digest before. A letter
-- that the server refuses for good has none: there the server answers, and the address is wrong.
alter table mail add column unsent_since timestamp with time zone;
comment on column mail.unsent_since is 'plain';
alter table mail no force row level security;
update mail set unsent_since = clock_timestamp() where closed_at is null and error is not null and attempts = 0;
alter table mail force row level security;
create index mail_unsent_idx on mail (unsent_since) where closed_at is null and unsent_since is not null;
grant update (unsent_since) on mail to concert_engine;
grant select (closed_at, unsent_since) on mail to concert_counter;
create policy counter_reads on mail for select to concert_counter using (true);

grant create on schema app to concert_counter;
set local role concert_counter;
drop function app.pulse();
create function app.pulse()
    returns table (at timestamp with time zone, waiting bigint, waiting_since timestamp with time zone, dead bigint,
                   unfolded bigint, unfolded_since timestamp with time zone,
                   unsealed bigint, unsealed_since timestamp with time zone,
                   unsent bigint, unsent_since timestamp with time zone,
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
           (select count(*) from (select from mail where closed_at is null and unsent_since is not null limit 100000) m),
           (select min(m.unsent_since) from mail m where m.closed_at is null and m.unsent_since is not null),
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
