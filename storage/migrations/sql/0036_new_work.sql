-- Who is a partner of which collaborative on its region's day, and in which role: new work goes to nobody else. The one place that
-- says so; those below ask it.
create function app.partners() returns table (collaborative_id uuid, organization_id uuid, role text) language sql stable
as $$
    select p.collaborative_id, p.organization_id, p.role
      from public.partnership p join public.collaborative c on c.id = p.collaborative_id
     where app.current(p.starts_on, p.ends_on, c.zone)
$$;
revoke execute on function app.partners() from public;
grant execute on function app.partners() to concert_api, concert_engine, concert_identity, concert_disclosure;

grant create on schema app to concert_identity;
set local role concert_identity;

-- As before; a system of theirs answers only while the agency is a partner, and where it was all that did, the agency is gone with it.
create or replace function app.deserted() returns table (organization_id uuid, since timestamp with time zone)
    language sql stable security definer rows 5 set search_path = public, pg_temp
as $$
    select x.organization_id, x.since
      from (select s.organization_id, bool_or(s.here) as answers, max(s.ended) filter (where s.ended <= now()) as since
              from app.staff() s
             where s.role in ('caseworker', 'supervisor', 'agency_admin', 'service', 'backbone')
             group by s.organization_id) x
     where not x.answers and x.since is not null
       and not exists (select from organization o join app.partners() p on p.organization_id = o.id
                        where o.id = x.organization_id and o.own_worker and o.mode = 'connected')
$$;
set local role concert_owner;
revoke create on schema app from concert_identity;
