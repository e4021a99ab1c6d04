-- squawk-ignore-file require-concurrent-index-creation
-- unsent_since is what its name says: since when the letter is tried in vain, whatever the refusals that are not for good were of.
-- reader_refused: the last one was of its reader alone, as when a mailbox is full. reason_since: since when it has been of that kind.
alter table mail add column reader_refused boolean not null default false;
alter table mail add column reason_since timestamp with time zone;
comment on column mail.reader_refused is 'plain';
comment on column mail.reason_since is 'plain';
alter table mail no force row level security;
update mail set reader_refused = true, unsent_since = coalesce(unsent_since, clock_timestamp())
 where closed_at is null and error = 'SMTPRecipientsRefused' and attempts = 0;
update mail set reason_since = unsent_since where closed_at is null and unsent_since is not null;
alter table mail force row level security;
-- Whether they have heard before that the work was theirs is looked up for each who is told that it is not.
create index notice_reassigned_idx on notice (user_id, event_seq) where kind = 'reassigned';
create index mail_sent_idx on mail (sent_at) where sent_at is not null;
grant update (reader_refused, reason_since) on mail to concert_engine;
grant select (user_id, sent_at, reader_refused, reason_since) on mail to concert_counter;

grant create on schema app to concert_counter;
set local role concert_counter;
-- The letters by which one sees that mail does not leave, and since when: those that are refused for another reason than their
-- reader; and those of two readers or more for whom nothing has left since they are refused. Of the hundred thousand that have
-- been tried for longest.
create function app.unsent() returns table (letters bigint, since timestamp with time zone)
    language sql stable
as $$
    with vain as (
        select m.user_id, m.reader_refused, m.unsent_since, m.reason_since, coalesce(s.last > m.unsent_since, false) as others_got
          from mail m cross join (select max(sent_at) as last from mail) s
         where m.closed_at is null and m.unsent_since is not null
         order by m.unsent_since limit 100000),
    reader as (
        select user_id from vain where reader_refused group by user_id having not bool_or(others_got)),
    stuck as (
        -- a letter that waits for room in a mailbox is in vain for another reason only since that came
        select case when others_got then reason_since else unsent_since end as since from vain where not reader_refused
        union all
        select unsent_since from vain
         where reader_refused and user_id in (select user_id from reader) and (select count(*) from reader) > 1)
    select count(*), min(since) from stuck
$$;
revoke execute on function app.unsent() from public;

-- As before, but for the mail.
create or replace function app.pulse()
    returns table (at timestamp with time zone, waiting bigint, waiting_since timestamp with time zone, dead bigint,
                   unfolded bigint, unfolded_since timestamp with time zone,
                   unsealed bigint, unsealed_since timestamp with time zone,
                   unsent bigint, unsent_since timestamp with time zone,
                   processes jsonb, findings jsonb, hidden text[], connections bigint, most_connections integer, size_bytes bigint)
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
           n.letters, n.since,
           (select coalesce(jsonb_agg(jsonb_build_object('role', h.role, 'alive', h.alive, 'last', h.last)), '[]')
              from (select b.role, count(*) filter (where b.at > clock_timestamp() - interval '45 seconds') as alive,
                           max(b.at) as last
                      from service_heartbeat b group by b.role) h),
           (select coalesce(jsonb_agg(jsonb_build_object('kind', f.kind, 'trouble', f.trouble, 'cases', f.cases,
                                                         'since', f.since)), '[]')
              from (select e.kind, e.trouble, count(*) as cases, min(e.since) as since from engine_finding e
                     where not e.restricted group by e.kind, e.trouble) f),
           (select coalesce(array_agg(distinct e.trouble), '{}') from engine_finding e where e.restricted),
           (select count(*) from pg_stat_activity a where a.datname is not null),
           current_setting('max_connections')::integer,
           pg_database_size(current_database())
      from app.unsent() n
$$;
set local role concert_owner;
revoke create on schema app from concert_counter;
