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
grant execute on function app.deserted() to concert_disclosure;
set local role concert_owner;
revoke create on schema app from concert_identity;

grant create on schema app to concert_disclosure;
set local role concert_disclosure;

-- As before; none that is connected and where nobody is left to answer.
create or replace function app.providers(p_collaborative uuid, p_term text, p_county text, p_asked uuid[])
    returns table (service_id uuid)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select s.id
      from service s
      join organization o on o.id = s.organization_id and o.mode <> 'listed'
      join collaborative c on c.id = p_collaborative
      left join lateral app.room(s.id, c.zone) room on true
     where (s.term = p_term or starts_with(s.term, p_term || '.')) and s.status = 'active' and not s.id = any(p_asked)
       and coalesce(room.taking and (room."left" is null or room."left" > 0), true)
       and o.id in (select p.organization_id from app.partners() p where p.collaborative_id = p_collaborative)
       and (o.mode <> 'connected' or o.id not in (select d.organization_id from app.deserted() d))
     order by coalesce((select min((l.county is distinct from p_county)::integer)
                          from service_at_location x join location l on l.id = x.location_id
                         where x.service_id = s.id), 1),
              room.taking is null,
              (select count(*) from task t
                where t.organization_id = o.id
                  and t.state in ('requested', 'acknowledged', 'info_requested', 'accepted', 'waitlisted', 'in_progress', 'on_hold')),
              s.name, s.id
$$;
set local role concert_owner;
revoke create on schema app from concert_disclosure;
