-- squawk-ignore-file require-concurrent-index-creation
-- Since when the server refuses a letter for good, while it does. Of one reader that is the address; of several, while nothing
-- leaves, it is the server, which says so of everybody: then no letter is given up, and mail does not leave.
alter table mail add column refused_since timestamp with time zone;
comment on column mail.refused_since is 'plain';
create index mail_refused_idx on mail (refused_since) where closed_at is null and refused_since is not null;
grant update (refused_since) on mail to concert_engine;
grant select (refused_since) on mail to concert_counter;

grant create on schema app to concert_counter;
set local role concert_counter;
-- As before; and letters that are refused for good, where they are of two readers or more as well.
create or replace function app.unsent() returns table (letters bigint, since timestamp with time zone)
    language sql stable
as $$
    with sent as (select max(sent_at) as last from mail),
    vain as (
        (select m.user_id, case when m.reader_refused then 'reader' end as whose,
                case when s.last > m.unsent_since then greatest(m.unsent_since, m.reason_since) else m.unsent_since end as since
           from mail m cross join sent s
          where m.closed_at is null and m.unsent_since is not null
          order by m.unsent_since limit 100000)
        union all
        (select m.user_id, 'final', m.refused_since
           from mail m
          where m.closed_at is null and m.refused_since is not null
          order by m.refused_since limit 100000)),
    stuck as (select v.* from vain v cross join sent s where coalesce(s.last <= v.since, true))
    select count(*), min(since) from stuck
     where whose is null or whose in (select whose from stuck group by whose having count(distinct user_id) > 1)
$$;
set local role concert_owner;
revoke create on schema app from concert_counter;
