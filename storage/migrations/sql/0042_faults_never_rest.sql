grant create on schema app to concert_disclosure;
set local role concert_disclosure;
-- As before; what waits behind a fault never rests, also where the task has the ball.
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
               and (coalesce(greatest(t.excepted_until, f.excepted_until) <= p_at, true)
                    or exists (select from engine_finding e where e.case_id = f.id))
               and not (t.state <> 'info_requested' and coalesce(v.closed_on ? d.today::text, false)
                        and app.shut_since(v.closed_on, (t.due_at at time zone c.zone)::date, d.today))
            union all
            select f.action_plan_id, f.step_key, f.source_organization_id, f.clock, f.clock_started_at, f.due_at, f.rung
              from referral f
             where f.collaborative_id = app.collaborative() and f.action_plan_id is not null and f.clock is not null
               and f.state in ('active', 'awaiting_source') and f.due_at <= p_at
               and (coalesce(f.excepted_until <= p_at, true)
                    or exists (select from engine_finding e where e.case_id = f.id))) x
      join plan_partner r on r.action_plan_id = x.action_plan_id and r.organization_id = app.me() and r.reads
                         and coalesce(r.reads_until > now(), true)
      join action_plan p on p.id = x.action_plan_id and p.state = 'active' and p.organization_id <> app.me()
      join plan_step s on s.action_plan_id = p.id and s.key = x.step_key and s.removed_at is null and not s.restricted
$$;
set local role concert_owner;
revoke create on schema app from concert_disclosure;
