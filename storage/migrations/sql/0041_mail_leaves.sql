grant create on schema app to concert_counter;
set local role concert_counter;
-- The letters by which one sees that mail does not leave, and since when: those tried in vain since when nothing has left; what waited
-- for room in a mailbox before is in vain for another reason only since that came. Letters that are refused for their reader alone
-- count where they are of two readers or more. Of the hundred thousand that have been tried for longest.
create or replace function app.unsent() returns table (letters bigint, since timestamp with time zone)
    language sql stable
as $$
    with vain as (
        select m.user_id, m.reader_refused, s.last,
               case when s.last > m.unsent_since then greatest(m.unsent_since, m.reason_since) else m.unsent_since end as since
          from mail m cross join (select max(sent_at) as last from mail) s
         where m.closed_at is null and m.unsent_since is not null
         order by m.unsent_since limit 100000),
    stuck as (select user_id, reader_refused, since from vain where coalesce(last <= since, true))
    select count(*), min(since) from stuck
     where not reader_refused or (select count(distinct user_id) from stuck where reader_refused) > 1
$$;
set local role concert_owner;
revoke create on schema app from concert_counter;
