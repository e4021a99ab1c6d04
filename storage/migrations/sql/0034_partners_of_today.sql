grant create on schema app to concert_identity;
set local role concert_identity;

-- Who works or worked where: `here`, whether they can sign in there today, as `app.enter` asks: a login, a membership and a partnership
-- that hold on the region's day. `ended`: when the first of them did. The one place that says so; those below ask it.
create function app.staff()
    returns table (organization_id uuid, user_id uuid, role text, system boolean, here boolean, ended timestamp with time zone,
                   away boolean, absent_until date, delegate_user_id uuid)
    language sql stable
as $$
    select m.organization_id, m.user_id, m.role, u.service_account,
           u.revoked_at is null and app.current(m.starts_on, m.ends_on, c.zone) and app.current(p.starts_on, p.ends_on, c.zone),
           least(u.revoked_at, (least(m.ends_on, p.ends_on) + 1)::timestamp at time zone c.zone),
           coalesce(m.absent_until > (now() at time zone c.zone)::date, false), m.absent_until, m.delegate_user_id
      from public.membership m
      join public.user_account u on u.id = m.user_id
      join public.partnership p on p.organization_id = m.organization_id
      join public.collaborative c on c.id = p.collaborative_id
$$;
revoke execute on function app.staff() from public;
grant execute on function app.staff() to concert_engine;

-- As before, of those who are here.
create or replace function app.staffed(p_organization uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
as $$
    select exists (
        select from app.staff() s
         where s.organization_id = p_organization and s.here and not s.system
           and s.role in ('caseworker', 'supervisor', 'agency_admin', 'backbone'))
$$;
create or replace function app.unstaffed() returns table (organization_id uuid)
    language sql stable security definer rows 5 set search_path = public, pg_temp
as $$
    select distinct p.organization_id from partnership p
     where p.organization_id not in (
        select s.organization_id from app.staff() s
         where s.here and not s.system and s.role in ('caseworker', 'supervisor', 'agency_admin', 'backbone'))
$$;
create or replace function app.deserted() returns table (organization_id uuid, since timestamp with time zone)
    language sql stable security definer rows 5 set search_path = public, pg_temp
as $$
    select x.organization_id, x.since
      from (select s.organization_id, bool_or(s.here) as answers,
                   max(s.ended) filter (where not s.system and s.ended <= now()) as since
              from app.staff() s
             where s.role in ('caseworker', 'supervisor', 'agency_admin', 'service', 'backbone')
             group by s.organization_id) x
     where not x.answers and x.since is not null
$$;
create or replace function app.teams() returns table (organization_id uuid)
    language sql stable security definer rows 30 set search_path = public, pg_temp
as $$
    select s.organization_id
      from app.staff() s
     where s.here and not s.system and s.role in ('caseworker', 'supervisor', 'agency_admin')
     group by s.organization_id having count(distinct s.user_id) > 1
$$;
create or replace function app.away()
    returns table (user_id uuid, organization_id uuid, gone_since timestamp with time zone, delegate_user_id uuid)
    language sql stable security definer rows 30 set search_path = public, pg_temp
as $$
    select h.user_id, h.organization_id, case when not h.here then h.ended end,
           case when h.here then app.stands_in(h.user_id, h.organization_id) end
      from (select s.user_id, s.organization_id, bool_or(s.here) as here,
                   max(s.ended) filter (where s.ended <= now()) as ended,
                   bool_or(s.here and s.away) as away
              from app.staff() s group by s.user_id, s.organization_id) h
     where not h.here or h.away
$$;
create or replace function app.stands_in(p_user uuid, p_organization uuid) returns uuid
    language plpgsql stable security definer set search_path = public, pg_temp
as $$
declare
    person uuid := p_user;
    is_away boolean;
    delegate uuid;
begin
    for step in 1..5 loop
        select s.away, s.delegate_user_id into is_away, delegate
          from app.staff() s
         where s.user_id = person and s.organization_id = p_organization and s.here
         order by s.absent_until desc nulls last, s.delegate_user_id limit 1;
        if not found then
            return null;
        end if;
        if not is_away then
            return person;
        end if;
        person := delegate;
    end loop;
    return null;
end
$$;
create or replace function app.supervised(p_organization uuid, p_user uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
as $$
    select exists (
        select from app.staff() s
         where s.organization_id = p_organization and s.role = 'supervisor' and s.here and not s.system
           and s.user_id is distinct from p_user
           and (p_user is null or app.stands_in(s.user_id, p_organization) is distinct from p_user)
           and (p_user is not null
                or exists (select from app.staff() x
                            where x.organization_id = p_organization and x.role in ('caseworker', 'supervisor', 'agency_admin')
                              and x.here and not x.system and x.user_id <> s.user_id
                              and app.stands_in(x.user_id, p_organization) <> s.user_id)))
$$;
set local role concert_owner;
revoke create on schema app from concert_identity;

-- Whether a service that is closed today was closed on each day since the limit, too: nobody was there. After two weeks of that the
-- limit is told all the same.
create function app.shut_since(p_closed jsonb, p_due date, p_today date) returns boolean language sql stable parallel safe
as $$
    select p_due + 14 > p_today
       and not exists (select from generate_series(0, p_today - p_due) n where not p_closed ? (p_due + n)::text)
$$;
revoke execute on function app.shut_since(jsonb, date, date) from public;
grant execute on function app.shut_since(jsonb, date, date) to concert_api, concert_engine, concert_disclosure;

grant create on schema app to concert_disclosure;
set local role concert_disclosure;

-- As before; on such a day a plan's partner is not told that the step before stands still, either.
create or replace function app.plan_stalls(p_at timestamp with time zone)
    returns table (action_plan_id uuid, step_key text, organization_id uuid, ball_organization_id uuid, clock text,
                   since timestamp with time zone, due_at timestamp with time zone, rung integer)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select p.id, s.key, s.organization_id, x.ball, x.clock, x.since, x.due_at, x.rung
      from (select t.action_plan_id, t.step_key, t.ball_organization_id as ball, t.clock, t.clock_started_at as since, t.due_at, t.rung
              from task t join referral f on f.id = t.referral_id
              left join service v on v.id = t.service_id
              join collaborative c on c.id = t.collaborative_id
             cross join lateral (select (p_at at time zone c.zone)::date as today) d
             where t.collaborative_id = app.collaborative() and t.action_plan_id is not null and t.due_at <= p_at
               and t.state in ('requested', 'acknowledged', 'info_requested', 'accepted', 'waitlisted', 'in_progress', 'on_hold')
               and coalesce(greatest(t.excepted_until, f.excepted_until) <= p_at, true)
               and not (t.state <> 'info_requested' and coalesce(v.closed_on ? d.today::text, false)
                        and app.shut_since(v.closed_on, (t.due_at at time zone c.zone)::date, d.today))
            union all
            select f.action_plan_id, f.step_key, f.source_organization_id, f.clock, f.clock_started_at, f.due_at, f.rung
              from referral f
             where f.collaborative_id = app.collaborative() and f.action_plan_id is not null and f.clock is not null
               and f.state in ('active', 'awaiting_source') and f.due_at <= p_at
               and coalesce(f.excepted_until <= p_at, true)) x
      join plan_partner r on r.action_plan_id = x.action_plan_id and r.organization_id = app.me() and r.reads
                         and coalesce(r.reads_until > now(), true)
      join action_plan p on p.id = x.action_plan_id and p.state = 'active' and p.organization_id <> app.me()
      join plan_step s on s.action_plan_id = p.id and s.key = x.step_key and s.removed_at is null and not s.restricted
$$;
set local role concert_owner;
revoke create on schema app from concert_disclosure;
