-- Whoever a release let read a plan of a victim-service provider reads it until the release ends: kept beside the reader, as beside
-- a request (0011), for a consent itself is its discloser's to read. Null: nothing that ends lets it read.
alter table plan_partner add column reads_until timestamp with time zone;
comment on column plan_partner.reads_until is 'plain';
alter table plan_partner no force row level security;
alter table action_plan no force row level security;
alter table consent no force row level security;
update plan_partner r set reads_until = least(c.valid_until, c.revoked_at)
  from action_plan p join consent c on c.id = p.consent_id
 where p.id = r.action_plan_id and p.restricted;
alter table consent force row level security;
alter table action_plan force row level security;
alter table plan_partner force row level security;
grant update (reads_until) on plan_partner to concert_engine, concert_disclosure;
create policy disclosure_ends on plan_partner for update to concert_disclosure using (true);

alter policy sees on action_plan
    using (organization_id = (select app.me())
           or id in (select p.action_plan_id from plan_partner p
                      where p.organization_id = (select app.me()) and p.reads and coalesce(p.reads_until > now(), true))
           or ((select app.is_backbone()) and collaborative_id = (select app.collaborative()) and not restricted));
alter policy plan on event
    using (referral_id is null and not restricted and action_plan_id in
           (select p.action_plan_id from plan_partner p
             where p.organization_id = (select app.me()) and p.reads and coalesce(p.reads_until > now(), true)));

grant create on schema app to concert_disclosure;
set local role concert_disclosure;
create or replace function app.consent_ends() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    update referral set consent_until = least(new.valid_until, new.revoked_at)
     where consent_id = new.id and state in ('active', 'awaiting_source');
    update plan_partner r set reads_until = least(new.valid_until, new.revoked_at)
      from action_plan p where p.id = r.action_plan_id and p.consent_id = new.id and p.restricted;
    return null;
end
$$;

-- Does the caller work on a step of this plan, whether or not it may still read the plan? Then the plan's workflow hears of it.
create function app.works_in_plan(p_plan uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
as $$
    select exists (select from plan_step s join referral f on f.id = s.referral_id
                    where s.action_plan_id = p_plan and f.target_organization_id = app.me())
$$;

-- As before; a step has ended when its work was done, as told.
create or replace function app.plan_requests(p_plan uuid)
    returns table (key text, referral_id uuid, task_id uuid, state text, reported boolean, ball_organization_id uuid,
                   due_at timestamptz, ended_at timestamptz)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select s.key, f.id, t.id, f.state, f.reported,
           case when f.clock is not null then f.source_organization_id else t.ball_organization_id end,
           coalesce(f.due_at, t.due_at),
           case when t.state = 'completed' then coalesce(t.moved_at, t.updated_at)
                when f.state not in ('active', 'awaiting_source') then f.updated_at end
      from action_plan p
      join plan_step s on s.action_plan_id = p.id and s.removed_at is null
      join referral f on f.id = s.referral_id
      left join task t on t.referral_id = f.id and t.round = f.round
     where p.id = p_plan
       and (p.organization_id = app.me()
            or exists (select from plan_partner r
                        where r.action_plan_id = p.id and r.organization_id = app.me() and r.reads
                          and coalesce(r.reads_until > now(), true))
            or (app.is_backbone() and p.collaborative_id = app.collaborative() and not p.restricted))
       and (not s.restricted or p.organization_id = app.me() or f.target_organization_id = app.me())
$$;

create or replace function app.plan_stalls(p_at timestamp with time zone)
    returns table (action_plan_id uuid, step_key text, organization_id uuid, ball_organization_id uuid, clock text,
                   since timestamp with time zone, due_at timestamp with time zone, rung integer)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select p.id, s.key, s.organization_id, x.ball, x.clock, x.since, x.due_at, x.rung
      from (select t.action_plan_id, t.step_key, t.ball_organization_id as ball, t.clock, t.clock_started_at as since, t.due_at, t.rung
              from task t join referral f on f.id = t.referral_id
             where t.collaborative_id = app.collaborative() and t.action_plan_id is not null and t.due_at <= p_at
               and t.state in ('requested', 'acknowledged', 'info_requested', 'accepted', 'waitlisted', 'in_progress', 'on_hold')
               and coalesce(greatest(t.excepted_until, f.excepted_until) <= p_at, true)
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
revoke execute on function app.works_in_plan(uuid) from public;
grant execute on function app.works_in_plan(uuid) to concert_api;
set local role concert_owner;
revoke create on schema app from concert_disclosure;

create policy works on outbox for insert to concert_api
    with check (workflow_id like 'plan-%' and app.works_in_plan(cast(right(workflow_id, 36) as uuid)));

-- Whose word on a goal is kept apart, as on a referral (decision 28); `outcome` is the strongest.
alter table plan_goal add column outcome_client text;
alter table plan_goal add column outcome_source text;
comment on column plan_goal.outcome_client is 'plain';
comment on column plan_goal.outcome_source is 'plain';
alter table plan_goal no force row level security;
update plan_goal set outcome_client = case when outcome_by = 'client' then outcome end,
                     outcome_source = case when outcome_by = 'source' then outcome end
 where outcome is not null;
alter table plan_goal force row level security;
-- squawk-ignore constraint-missing-not-valid
alter table plan_goal add constraint plan_goal_outcome_client_check check (outcome_client in ('need_met', 'partly_met', 'unmet'));
-- squawk-ignore constraint-missing-not-valid
alter table plan_goal add constraint plan_goal_outcome_source_check check (outcome_source in ('need_met', 'partly_met', 'unmet'));
