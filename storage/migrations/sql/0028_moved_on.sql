-- A move ends the exception that was for the stage before it. What a partner's own worker did, the engine writes.
grant update (excepted_until) on task to concert_engine;

-- Where people worked, and nobody does any more who can sign in; since when. Not where a system of theirs still answers.
grant create on schema app to concert_identity;
set local role concert_identity;
create function app.deserted() returns table (organization_id uuid, since timestamp with time zone)
    language sql stable security definer rows 5 set search_path = public, pg_temp
as $$
    select x.organization_id, x.since
      from (select m.organization_id, bool_or(u.revoked_at is null and app.current(m.starts_on, m.ends_on)) as answers,
                   max(l.at) filter (where not u.service_account and l.at <= now()) as since
              from membership m join user_account u on u.id = m.user_id
             cross join (select coalesce(nullif(current_setting('app.zone', true), ''), 'UTC') as name) zone
             cross join lateral (select least(u.revoked_at, (m.ends_on + 1)::timestamp at time zone zone.name) as at) l
             where m.role in ('caseworker', 'supervisor', 'agency_admin', 'service')
             group by m.organization_id) x
     where not x.answers and x.since is not null
$$;
revoke execute on function app.deserted() from public;
grant execute on function app.deserted() to concert_api, concert_engine;
set local role concert_owner;
revoke create on schema app from concert_identity;
