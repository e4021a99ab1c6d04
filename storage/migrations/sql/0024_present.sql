-- squawk-ignore-file ban-drop-function
grant create on schema app to concert_identity;
set local role concert_identity;

-- As before; the delegate is there themselves: a person, whose login was not revoked.
create or replace function app.set_absence(p_user uuid, p_until date, p_delegate uuid) returns boolean
    language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    if p_user is distinct from app.person() and not exists (
        select from membership s
         where s.user_id = app.person() and s.organization_id = app.me() and s.role in ('supervisor', 'agency_admin')
           and app.current(s.starts_on, s.ends_on)) then
        return false;
    end if;
    if p_delegate is not null and (p_delegate = p_user or not exists (
        select from membership d join user_account u on u.id = d.user_id and u.revoked_at is null and not u.service_account
         where d.user_id = p_delegate and d.organization_id = app.me() and app.current(d.starts_on, d.ends_on))) then
        return false;
    end if;
    update membership m set absent_until = p_until, delegate_user_id = p_delegate
     where m.user_id = p_user and m.organization_id = app.me() and app.current(m.starts_on, m.ends_on);
    return found;
end
$$;

-- Is there a supervisor who is somebody else? As before, of people who can sign in. Work that nobody is assigned to reached
-- everybody who is there at the owner's rung: a supervisor who was all of them has heard it.
create or replace function app.supervised(p_organization uuid, p_user uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
as $$
    select exists (
        select from membership s join user_account u on u.id = s.user_id and u.revoked_at is null and not u.service_account
         where s.organization_id = p_organization and s.role = 'supervisor' and app.current(s.starts_on, s.ends_on)
           and s.user_id is distinct from p_user
           and (p_user is not null
                or exists (select from membership x
                             join user_account v on v.id = x.user_id and v.revoked_at is null and not v.service_account
                            where x.organization_id = p_organization and x.role in ('caseworker', 'supervisor', 'agency_admin')
                              and x.user_id <> s.user_id and app.current(x.starts_on, x.ends_on)
                              and app.stands_in(x.user_id, p_organization) <> s.user_id)))
$$;
set local role concert_owner;
revoke create on schema app from concert_identity;

-- As before; and what is wrong with at least one confidential case: neither which nor how many (ADR 0020).
grant create on schema app to concert_counter;
set local role concert_counter;
drop function app.pulse();
create function app.pulse()
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
           (select coalesce(array_agg(distinct e.trouble), '{}') from engine_finding e where e.restricted),
           (select count(*) from pg_stat_activity a where a.datname is not null),
           current_setting('max_connections')::integer,
           pg_database_size(current_database())
$$;
revoke execute on function app.pulse() from public;
grant execute on function app.pulse() to concert_api, concert_engine;
set local role concert_owner;
revoke create on schema app from concert_counter;
