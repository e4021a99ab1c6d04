grant create on schema app to concert_identity;
set local role concert_identity;

-- As before; the backbone's own people hear of what is theirs to do.
create or replace function app.staffed(p_organization uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
as $$
    select exists (
        select from membership s join user_account u on u.id = s.user_id and u.revoked_at is null and not u.service_account
         where s.organization_id = p_organization and s.role in ('caseworker', 'supervisor', 'agency_admin', 'backbone')
           and app.current(s.starts_on, s.ends_on))
$$;

-- As before; the backbone's own people work there, too.
create or replace function app.deserted() returns table (organization_id uuid, since timestamp with time zone)
    language sql stable security definer rows 5 set search_path = public, pg_temp
as $$
    select x.organization_id, x.since
      from (select m.organization_id, bool_or(u.revoked_at is null and app.current(m.starts_on, m.ends_on)) as answers,
                   max(l.at) filter (where not u.service_account and l.at <= now()) as since
              from membership m join user_account u on u.id = m.user_id
             cross join (select coalesce(nullif(current_setting('app.zone', true), ''), 'UTC') as name) zone
             cross join lateral (select least(u.revoked_at, (m.ends_on + 1)::timestamp at time zone zone.name) as at) l
             where m.role in ('caseworker', 'supervisor', 'agency_admin', 'service', 'backbone')
             group by m.organization_id) x
     where not x.answers and x.since is not null
$$;

-- Organizations where nobody would hear a nudge: the same question of all of them at once.
create function app.unstaffed() returns table (organization_id uuid)
    language sql stable security definer rows 5 set search_path = public, pg_temp
as $$
    select p.organization_id from partnership p where not app.staffed(p.organization_id)
$$;
revoke execute on function app.unstaffed() from public;
grant execute on function app.unstaffed() to concert_api;
set local role concert_owner;
revoke create on schema app from concert_identity;
