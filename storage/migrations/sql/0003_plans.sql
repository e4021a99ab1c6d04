-- `migrate` runs while nothing else does: an index may be made while the table is locked.
-- squawk-ignore-file require-concurrent-index-creation
-- Action plans: what a family and several partners agreed to do, in which order. A step that is opened is a request (ADR 0010).

create table action_plan (
    id uuid not null,
    reference text not null,
    collaborative_id uuid not null,
    organization_id uuid not null,
    client_id uuid,
    household_id uuid,
    person_id uuid,
    consent_id uuid,
    county text,
    groups jsonb default '{}' not null,
    household_key uuid,
    template text not null,
    template_version integer not null,
    name text not null,
    state text not null,
    priority text not null,
    restricted boolean default 'false' not null,
    reason text,
    review_every_days integer,
    due_at timestamp with time zone,
    rung integer default '0' not null,
    next_review_at timestamp with time zone,
    review_rung integer default '0' not null,
    stop_asked_by text,
    goals_since timestamp with time zone,
    goals_due_at timestamp with time zone,
    goals_rung integer default '0' not null,
    look_at timestamp with time zone,
    created_by uuid not null,
    created_at timestamp with time zone not null,
    updated_at timestamp with time zone not null,
    version integer default '1' not null,
    constraint action_plan_pkey primary key (id),
    constraint action_plan_id_organization_id_key unique (id, organization_id),
    constraint action_plan_client_id_organization_id_fkey foreign key(client_id, organization_id) references client (id, organization_id),
    constraint action_plan_household_id_organization_id_fkey foreign key(household_id, organization_id) references household (id, organization_id),
    constraint action_plan_consent_id_organization_id_fkey foreign key(consent_id, organization_id) references consent (id, organization_id),
    constraint action_plan_one_subject_check check (num_nonnulls(client_id, household_id) = 1),
    constraint action_plan_state_check check (state in ('active', 'completed', 'closed_early', 'entered_in_error')),
    constraint action_plan_priority_check check (priority in ('routine', 'urgent')),
    constraint action_plan_reference_key unique (reference),
    constraint action_plan_collaborative_id_fkey foreign key(collaborative_id) references collaborative (id),
    constraint action_plan_organization_id_fkey foreign key(organization_id) references organization (id),
    constraint action_plan_created_by_fkey foreign key(created_by) references user_account (id)
);
create index action_plan_consent_id_idx on action_plan (consent_id);
create index action_plan_lead_idx on action_plan (organization_id, created_at desc, id desc);
create index action_plan_newest_idx on action_plan (collaborative_id, created_at desc, id desc);
create index action_plan_open_idx on action_plan (id) where state = 'active';
comment on column action_plan.id is 'plain';
comment on column action_plan.reference is 'plain';
comment on column action_plan.collaborative_id is 'plain';
comment on column action_plan.organization_id is 'plain';
comment on column action_plan.client_id is 'plain';
comment on column action_plan.household_id is 'plain';
comment on column action_plan.person_id is 'plain';
comment on column action_plan.consent_id is 'plain';
comment on column action_plan.county is 'plain';
comment on column action_plan.groups is 'plain';
comment on column action_plan.household_key is 'plain';
comment on column action_plan.template is 'plain';
comment on column action_plan.template_version is 'plain';
comment on column action_plan.name is 'plain';
comment on column action_plan.state is 'plain';
comment on column action_plan.priority is 'plain';
comment on column action_plan.restricted is 'plain';
comment on column action_plan.reason is 'plain';
comment on column action_plan.review_every_days is 'plain';
comment on column action_plan.due_at is 'plain';
comment on column action_plan.rung is 'plain';
comment on column action_plan.next_review_at is 'plain';
comment on column action_plan.review_rung is 'plain';
comment on column action_plan.stop_asked_by is 'plain';
comment on column action_plan.goals_since is 'plain';
comment on column action_plan.goals_due_at is 'plain';
comment on column action_plan.goals_rung is 'plain';
comment on column action_plan.look_at is 'plain';
comment on column action_plan.created_by is 'plain';
comment on column action_plan.created_at is 'plain';
comment on column action_plan.updated_at is 'plain';
comment on column action_plan.version is 'plain';

create table plan_goal (
    action_plan_id uuid not null,
    key text not null,
    organization_id uuid not null,
    position integer not null,
    name text not null,
    need_id uuid not null,
    sensitive boolean default 'false' not null,
    outcome text,
    outcome_by text,
    constraint plan_goal_pkey primary key (action_plan_id, key),
    constraint plan_goal_action_plan_id_organization_id_fkey foreign key(action_plan_id, organization_id) references action_plan (id, organization_id),
    constraint plan_goal_need_id_organization_id_fkey foreign key(need_id, organization_id) references need (id, organization_id),
    constraint plan_goal_outcome_check check (outcome in ('need_met', 'partly_met', 'unmet')),
    constraint plan_goal_outcome_by_check check (outcome_by in ('client', 'source'))
);
create index plan_goal_need_id_idx on plan_goal (need_id);
comment on column plan_goal.action_plan_id is 'plain';
comment on column plan_goal.key is 'plain';
comment on column plan_goal.organization_id is 'plain';
comment on column plan_goal.position is 'plain';
comment on column plan_goal.name is 'plain';
comment on column plan_goal.need_id is 'plain';
comment on column plan_goal.sensitive is 'plain';
comment on column plan_goal.outcome is 'plain';
comment on column plan_goal.outcome_by is 'plain';

create table plan_step (
    action_plan_id uuid not null,
    key text not null,
    lead_organization_id uuid not null,
    position integer not null,
    definition jsonb not null,
    own boolean default 'false' not null,
    organization_id uuid,
    service_id uuid,
    term text,
    sensitive boolean default 'false' not null,
    restricted boolean default 'false' not null,
    referral_id uuid,
    opens_at timestamp with time zone,
    skipped_at timestamp with time zone,
    skipped_because text,
    removed_at timestamp with time zone,
    constraint plan_step_pkey primary key (action_plan_id, key),
    constraint plan_step_action_plan_id_lead_organization_id_fkey foreign key(action_plan_id, lead_organization_id) references action_plan (id, organization_id),
    constraint plan_step_organization_id_fkey foreign key(organization_id) references organization (id),
    constraint plan_step_service_id_fkey foreign key(service_id) references service (id),
    constraint plan_step_term_fkey foreign key(term) references taxonomy_term (code),
    constraint plan_step_referral_id_fkey foreign key(referral_id) references referral (id)
);
create index plan_step_referral_id_idx on plan_step (referral_id);
comment on column plan_step.action_plan_id is 'plain';
comment on column plan_step.key is 'plain';
comment on column plan_step.lead_organization_id is 'plain';
comment on column plan_step.position is 'plain';
comment on column plan_step.definition is 'plain';
comment on column plan_step.own is 'plain';
comment on column plan_step.organization_id is 'plain';
comment on column plan_step.service_id is 'plain';
comment on column plan_step.term is 'plain';
comment on column plan_step.sensitive is 'plain';
comment on column plan_step.restricted is 'plain';
comment on column plan_step.referral_id is 'plain';
comment on column plan_step.opens_at is 'plain';
comment on column plan_step.skipped_at is 'plain';
comment on column plan_step.skipped_because is 'plain';
comment on column plan_step.removed_at is 'plain';

create table plan_partner (
    action_plan_id uuid not null,
    organization_id uuid not null,
    lead_organization_id uuid not null,
    restricted boolean default 'false' not null,
    reads boolean default 'true' not null,
    constraint plan_partner_pkey primary key (action_plan_id, organization_id),
    constraint plan_partner_action_plan_id_lead_organization_id_fkey foreign key(action_plan_id, lead_organization_id) references action_plan (id, organization_id),
    constraint plan_partner_organization_id_fkey foreign key(organization_id) references organization (id)
);
create index plan_partner_organization_id_idx on plan_partner (organization_id, action_plan_id) where reads;
comment on column plan_partner.action_plan_id is 'plain';
comment on column plan_partner.organization_id is 'plain';
comment on column plan_partner.lead_organization_id is 'plain';
comment on column plan_partner.restricted is 'plain';
comment on column plan_partner.reads is 'plain';

create table plan_version (
    action_plan_id uuid not null,
    version integer not null,
    lead_organization_id uuid not null,
    at timestamp with time zone not null,
    template_version integer not null,
    steps jsonb not null,
    constraint plan_version_pkey primary key (action_plan_id, version),
    constraint plan_version_action_plan_id_lead_organization_id_fkey foreign key(action_plan_id, lead_organization_id) references action_plan (id, organization_id)
);
comment on column plan_version.action_plan_id is 'plain';
comment on column plan_version.version is 'plain';
comment on column plan_version.lead_organization_id is 'plain';
comment on column plan_version.at is 'plain';
comment on column plan_version.template_version is 'plain';
comment on column plan_version.steps is 'plain';

-- A request may be a step of a plan: then it asks for what the step says, which may be no service of the directory.
alter table referral add column action_plan_id uuid;
alter table referral add column step_key text;
alter table referral add column step jsonb;
alter table referral add column handed_over_at timestamp with time zone;
-- squawk-ignore ban-drop-not-null
alter table referral alter column service_id drop not null;
-- squawk-ignore ban-drop-not-null
alter table referral alter column need_id drop not null;
-- squawk-ignore ban-drop-not-null
alter table referral alter column term drop not null;
comment on column referral.action_plan_id is 'plain';
comment on column referral.step_key is 'plain';
comment on column referral.step is 'plain';
comment on column referral.handed_over_at is 'plain';
alter table task add column step jsonb;
comment on column task.step is 'plain';
alter table message add column action_plan_id uuid;
comment on column message.action_plan_id is 'plain';
-- squawk-ignore ban-drop-constraint
alter table referral drop constraint referral_kind_check;
-- squawk-ignore constraint-missing-not-valid
alter table referral add constraint referral_kind_check check (kind in ('referral', 'transfer', 'information', 'step'));
-- squawk-ignore constraint-missing-not-valid
alter table referral add constraint referral_step_check check (num_nonnulls(action_plan_id, step_key, step) in (0, 3));
-- squawk-ignore constraint-missing-not-valid
alter table referral add constraint referral_asks_for_check
    check (action_plan_id is not null or num_nulls(service_id, need_id, term) = 0);
-- squawk-ignore constraint-missing-not-valid, adding-foreign-key-constraint
alter table referral add constraint referral_action_plan_id_source_organization_id_fkey
    foreign key (action_plan_id, source_organization_id) references action_plan (id, organization_id);
create index event_action_plan_id_idx on event (action_plan_id, seq) where action_plan_id is not null;
create index message_action_plan_id_idx on message (action_plan_id, at) where action_plan_id is not null;

-- What a request and a task are never changes, the step that they are of included.
create or replace function app.guard_referral() returns trigger language plpgsql as $$
begin
    if (new.id, new.reference, new.collaborative_id, new.source_organization_id, new.created_at, new.created_by,
        new.action_plan_id, new.step_key, new.step, new.handed_over_at)
       is distinct from
       (old.id, old.reference, old.collaborative_id, old.source_organization_id, old.created_at, old.created_by,
        old.action_plan_id, old.step_key, old.step, old.handed_over_at)
       or (current_user = 'concert_api' and app.me() is distinct from old.source_organization_id and
           (new.target_organization_id, new.service_id, new.need_id, new.client_id, new.household_id, new.person_id,
            new.consent_id, new.kind, new.origin, new.priority, new.term, new.county, new.sensitive, new.restricted,
            new.transfer, new.outcome_source, new.outcome_client, new.confirmed_by, new.round)
           is distinct from
           (old.target_organization_id, old.service_id, old.need_id, old.client_id, old.household_id, old.person_id,
            old.consent_id, old.kind, old.origin, old.priority, old.term, old.county, old.sensitive, old.restricted,
            old.transfer, old.outcome_source, old.outcome_client, old.confirmed_by, old.round)) then
        raise exception 'this column of a referral is not yours to write' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

create or replace function app.guard_task() returns trigger language plpgsql as $$
begin
    if (new.id, new.collaborative_id, new.kind, new.owner_id, new.referral_id, new.action_plan_id, new.step_key, new.round,
        new.organization_id, new.source_organization_id, new.service_id, new.created_at, new.requested_at, new.restricted, new.on_behalf,
        new.priority, new.title, new.step)
       is distinct from
       (old.id, old.collaborative_id, old.kind, old.owner_id, old.referral_id, old.action_plan_id, old.step_key, old.round,
        old.organization_id, old.source_organization_id, old.service_id, old.created_at, old.requested_at, old.restricted, old.on_behalf,
        old.priority, old.title, old.step)
       or (current_user = 'concert_api' and app.me() is distinct from old.organization_id and not old.on_behalf and
           (case when new.state = 'entered_in_error' then coalesce(new.outcome, old.outcome) else new.outcome end, new.outputs, new.assigned_to, new.client_id, new.accepted_at, new.first_contact_at)
           is distinct from
           (old.outcome, old.outputs, old.assigned_to, old.client_id, old.accepted_at, old.first_contact_at)) then
        raise exception 'this column of a task is not yours to write' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

-- A plan keeps whose it is, about whom and on which consent; a step its key; a goal its need.
create function app.guard_plan() returns trigger language plpgsql as $$
begin
    if (new.id, new.reference, new.collaborative_id, new.organization_id, new.client_id, new.household_id, new.person_id,
        new.county, new.groups, new.household_key, new.restricted, new.template, new.created_by, new.created_at)
       is distinct from
       (old.id, old.reference, old.collaborative_id, old.organization_id, old.client_id, old.household_id, old.person_id,
        old.county, old.groups, old.household_key, old.restricted, old.template, old.created_by, old.created_at) then
        raise exception 'a plan keeps whose it is and about whom' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

create function app.guard_plan_part() returns trigger language plpgsql as $$
begin
    if new.action_plan_id is distinct from old.action_plan_id
       or to_jsonb(new) -> 'key' is distinct from to_jsonb(old) -> 'key'
       or to_jsonb(new) -> 'need_id' is distinct from to_jsonb(old) -> 'need_id'
       or to_jsonb(new) -> 'lead_organization_id' is distinct from to_jsonb(old) -> 'lead_organization_id' then
        raise exception 'a part of a plan stays what it is' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

revoke execute on function app.guard_plan(), app.guard_plan_part() from public;
create trigger guard before update on action_plan for each row execute function app.guard_plan();
create trigger guard before update on plan_goal for each row execute function app.guard_plan_part();
create trigger guard before update on plan_step for each row execute function app.guard_plan_part();
create trigger guard before update on plan_partner for each row execute function app.guard_plan_part();
create trigger append_only before update or delete on plan_version for each row execute function app.append_only();

alter table action_plan enable row level security;
alter table action_plan force row level security;
alter table plan_goal enable row level security;
alter table plan_goal force row level security;
alter table plan_step enable row level security;
alter table plan_step force row level security;
alter table plan_partner enable row level security;
alter table plan_partner force row level security;
alter table plan_version enable row level security;
alter table plan_version force row level security;

-- people: the lead writes; who owns a step reads the plan, its own step whole; the backbone all but the confidential part.
grant select, insert, update on action_plan, plan_goal, plan_step, plan_partner to concert_api;
grant select, insert on plan_version to concert_api;
create policy reads on plan_partner for select to concert_api
    using (organization_id = (select app.me()) or lead_organization_id = (select app.me()));
create policy leads on plan_partner for insert to concert_api with check (lead_organization_id = (select app.me()));
create policy moves on plan_partner for update to concert_api using (lead_organization_id = (select app.me()));
create policy sees on action_plan for select to concert_api
    using (organization_id = (select app.me())
           or id in (select p.action_plan_id from plan_partner p where p.organization_id = (select app.me()) and p.reads)
           or ((select app.is_backbone()) and collaborative_id = (select app.collaborative()) and not restricted));
create policy makes on action_plan for insert to concert_api
    with check (organization_id = (select app.me()) and collaborative_id = (select app.collaborative()));
create policy moves on action_plan for update to concert_api using (organization_id = (select app.me()));
-- a goal of a sensitive term is known to the lead and to who owns a step of it.
create policy sees on plan_goal for select to concert_api
    using (organization_id = (select app.me())
           or (exists (select from action_plan p where p.id = action_plan_id)
               and (not sensitive
                    or exists (select from plan_step s
                                where s.action_plan_id = plan_goal.action_plan_id and s.definition ->> 'goal' = plan_goal.key
                                  and s.organization_id = (select app.me()) and s.removed_at is null))));
create policy makes on plan_goal for insert to concert_api with check (organization_id = (select app.me()));
create policy moves on plan_goal for update to concert_api using (organization_id = (select app.me()));
create policy sees on plan_step for select to concert_api
    using (lead_organization_id = (select app.me())
           or ((organization_id = (select app.me()) or not restricted)
               and exists (select from action_plan p where p.id = action_plan_id)));
create policy makes on plan_step for insert to concert_api with check (lead_organization_id = (select app.me()));
create policy moves on plan_step for update to concert_api using (lead_organization_id = (select app.me()));
create policy leads on plan_version to concert_api using (lead_organization_id = (select app.me()));
create policy plan on event for select to concert_api
    using (referral_id is null and not restricted and action_plan_id in
           (select p.action_plan_id from plan_partner p where p.organization_id = (select app.me()) and p.reads));
create policy plan on outbox for insert to concert_api
    with check (exists (select from action_plan p
                         where 'plan-' || p.id = workflow_id and p.id = cast(right(workflow_id, 36) as uuid)));

-- engine: opens, offers again, skips, reminds and closes.
grant select on action_plan, plan_goal, plan_step, plan_partner, plan_version to concert_engine;
create policy engine on action_plan to concert_engine using (true);
create policy engine on plan_goal to concert_engine using (true);
create policy engine on plan_step to concert_engine using (true);
create policy engine on plan_partner to concert_engine using (true);
create policy engine on plan_version to concert_engine using (true);
grant select (action_plan_id, step_key, step, handed_over_at) on referral to concert_engine;
grant select (step) on task to concert_engine;
grant insert (id, reference, collaborative_id, source_organization_id, target_organization_id, service_id, need_id, client_id,
    household_id, person_id, consent_id, kind, origin, priority, term, county, sensitive, restricted, transfer, state, reported,
    outcome, outcome_task, outcome_source, outcome_client, confirmed_by, reason, round, clock, clock_started_at, due_at, rung,
    look_at, action_plan_id, step_key, step, handed_over_at, created_by, created_at, updated_at, version)
    on referral to concert_engine;
grant update (target_organization_id, service_id, round, sensitive, restricted) on referral to concert_engine;
grant insert on task, plan_partner, plan_version to concert_engine;
grant update (state, rung, review_rung, next_review_at, stop_asked_by, goals_since, goals_due_at, goals_rung, look_at, updated_at,
    version) on action_plan to concert_engine;
grant update (organization_id, service_id, sensitive, restricted, referral_id, opens_at, skipped_at, skipped_because)
    on plan_step to concert_engine;
grant update (reads, restricted) on plan_partner to concert_engine;

-- disclosure: what a plan's partners may know of each other's steps, which provider is asked next, and what a goal's outcome is.
grant select on action_plan, plan_goal, plan_step, plan_partner, service, organization, partnership, location, service_at_location
    to concert_disclosure;
create policy disclosure on action_plan for select to concert_disclosure using (true);
create policy disclosure on plan_goal for select to concert_disclosure using (true);
create policy disclosure on plan_step for select to concert_disclosure using (true);
create policy disclosure on plan_partner for select to concert_disclosure using (true);
create policy disclosure on service for select to concert_disclosure using (true);
create policy disclosure on organization for select to concert_disclosure using (true);
create policy disclosure on partnership for select to concert_disclosure using (true);
create policy disclosure on location for select to concert_disclosure using (true);
create policy disclosure on service_at_location for select to concert_disclosure using (true);
grant create on schema app to concert_disclosure;
set local role concert_disclosure;

-- Where the request of each step stands, for whoever may see the plan; of a confidential provider's, for itself and the lead.
create function app.plan_requests(p_plan uuid)
    returns table (key text, referral_id uuid, task_id uuid, state text, reported boolean, ball_organization_id uuid,
                   due_at timestamptz, ended_at timestamptz)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select s.key, f.id, t.id, f.state, f.reported,
           case when f.clock is not null then f.source_organization_id else t.ball_organization_id end,
           coalesce(f.due_at, t.due_at),
           case when f.reported then t.updated_at when f.state not in ('active', 'awaiting_source') then f.updated_at end
      from action_plan p
      join plan_step s on s.action_plan_id = p.id and s.removed_at is null
      join referral f on f.id = s.referral_id
      left join task t on t.referral_id = f.id and t.round = f.round
     where p.id = p_plan
       and (p.organization_id = app.me()
            or exists (select from plan_partner r where r.action_plan_id = p.id and r.organization_id = app.me() and r.reads)
            or (app.is_backbone() and p.collaborative_id = app.collaborative() and not p.restricted))
       and (not s.restricted or p.organization_id = app.me() or f.target_organization_id = app.me())
$$;

-- Services that can be asked for a term and were not yet: of the county first, then who has least to do, then by name.
create function app.providers(p_collaborative uuid, p_term text, p_county text, p_asked uuid[])
    returns table (service_id uuid)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select s.id
      from service s
      join organization o on o.id = s.organization_id and o.mode <> 'listed'
     where (s.term = p_term or starts_with(s.term, p_term || '.')) and s.status = 'active' and not s.id = any(p_asked)
       and exists (select from partnership m
                    where m.organization_id = o.id and m.collaborative_id = p_collaborative and app.current(m.starts_on, m.ends_on))
     order by coalesce((select min((l.county is distinct from p_county)::integer)
                          from service_at_location x join location l on l.id = x.location_id
                         where x.service_id = s.id), 1),
              (select count(*) from task t
                where t.organization_id = o.id
                  and t.state in ('requested', 'acknowledged', 'info_requested', 'accepted', 'waitlisted', 'in_progress', 'on_hold')),
              s.name, s.id
$$;

-- As before; where the need is a goal of a plan, the word at the plan's review or closing stands above those of its steps.
create or replace function app.need_state(p_need uuid) returns table (outcome text, by text, event jsonb)
    language sql volatile security definer set search_path = public, pg_temp
as $$
    select w.outcome, w.by, (select to_jsonb(e) from event e where e.id = n.outcome_event_id)
      from need n
      left join lateral (
        select x.outcome, x.by
          from (select g.outcome, g.outcome_by as by, true as goal, p.updated_at
                  from plan_goal g join action_plan p on p.id = g.action_plan_id
                 where g.need_id = n.id and g.outcome is not null and p.state <> 'entered_in_error'
                union all
                select coalesce(r.outcome_client, r.outcome_source, r.outcome_task),
                       case when r.outcome_client is not null then 'client' when r.outcome_source is not null then 'source'
                            else 'task' end,
                       false, r.updated_at
                  from referral r
                 where r.need_id = n.id and r.state <> 'entered_in_error'
                   and coalesce(r.outcome_client, r.outcome_source, r.outcome_task) is not null) x
         order by x.goal desc, array_position(array['need_met', 'partly_met', 'unmet'], x.outcome),
                  array_position(array['client', 'source', 'task'], x.by), x.updated_at desc
         limit 1) w on true
     where n.id = p_need
       and (session_user = 'concert_engine' or n.organization_id = app.me()
            or exists (select from referral r where r.need_id = n.id and r.target_organization_id = app.me()))
$$;

revoke execute on function app.plan_requests(uuid), app.providers(uuid, text, text, uuid[]) from public;
grant execute on function app.plan_requests(uuid) to concert_api;
grant execute on function app.providers(uuid, text, text, uuid[]) to concert_api, concert_engine;
grant execute on function app.consent_holds(uuid, uuid) to concert_engine;
set local role concert_owner;
grant execute on function app.current(date, date, text) to concert_disclosure;
revoke create on schema app from concert_disclosure;
