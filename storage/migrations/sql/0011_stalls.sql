-- squawk-ignore-file require-concurrent-index-creation
-- What explains a stall. The list of stalled work is one query under row security; these let it begin from few rows however
-- many there are: consents that ended under open work, people who are away, requests at a service without room.

-- When the consent behind a request ends, or ended: kept beside the request, for a consent itself is its discloser's to read.
alter table referral add column consent_until timestamp with time zone;
comment on column referral.consent_until is 'plain';
alter table referral no force row level security;
alter table consent no force row level security;
update referral r set consent_until = least(c.valid_until, c.revoked_at) from consent c where c.id = r.consent_id;
alter table consent force row level security;
alter table referral force row level security;
-- The engine opens the requests of plans, with every column that is not personal.
grant select (consent_until), insert (consent_until) on referral to concert_engine;

create index referral_consent_until_idx on referral (collaborative_id, consent_until)
    where state in ('active', 'awaiting_source') and consent_until is not null;
create index referral_assigned_to_idx on referral (assigned_to, source_organization_id) where state in ('active', 'awaiting_source');
create index task_assigned_to_idx on task (assigned_to, organization_id)
    where state in ('requested', 'acknowledged', 'info_requested', 'accepted', 'waitlisted', 'in_progress', 'on_hold')
      and assigned_to is not null;
create index task_undecided_idx on task (service_id) where state in ('requested', 'acknowledged', 'info_requested');

grant update (version) on consent to concert_disclosure;
grant update (consent_until) on referral to concert_disclosure;
create policy disclosure_locks on consent for update to concert_disclosure using (true) with check (false);
create policy disclosure_ends on referral for update to concert_disclosure using (true);
grant create on schema app to concert_disclosure;
set local role concert_disclosure;

-- The lock makes whoever revokes it at the same moment wait, or waits for them: then the end is seen by one of the two.
create function app.consent_end(p_consent uuid) returns timestamp with time zone
    language sql volatile security definer set search_path = public, pg_temp
as $$
    select least(c.valid_until, c.revoked_at) from consent c where c.id = p_consent for key share
$$;

create function app.consent_ends() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    update referral set consent_until = least(new.valid_until, new.revoked_at)
     where consent_id = new.id and state in ('active', 'awaiting_source');
    return null;
end
$$;

-- What stands still of the plans that the caller takes part in without leading them: which step, by which clock, whose turn.
-- Of a confidential provider's step nothing.
create function app.plan_stalls(p_at timestamp with time zone)
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
      join action_plan p on p.id = x.action_plan_id and p.state = 'active' and p.organization_id <> app.me()
      join plan_step s on s.action_plan_id = p.id and s.key = x.step_key and s.removed_at is null and not s.restricted
$$;
revoke execute on function app.consent_end(uuid), app.consent_ends(), app.plan_stalls(timestamp with time zone) from public;
grant execute on function app.consent_ends() to concert_owner;
grant execute on function app.consent_end(uuid) to concert_api, concert_engine;
grant execute on function app.plan_stalls(timestamp with time zone) to concert_api, concert_engine;
grant execute on function app.consent_covers(uuid, uuid, text) to concert_engine;
set local role concert_owner;
revoke create on schema app from concert_disclosure;

create function app.keep_consent_end() returns trigger language plpgsql as $$
begin
    new.consent_until := case when new.consent_id is not null then app.consent_end(new.consent_id) end;
    return new;
end
$$;
revoke execute on function app.keep_consent_end() from public;
create trigger keep_consent_end before insert or update of consent_id on referral
    for each row execute function app.keep_consent_end();
create trigger consent_ends after update of revoked_at, valid_until on consent for each row execute function app.consent_ends();

-- Who is not at work: by id and organization only, for whoever reads a list of stalled work. `gone_since`: there is no current
-- membership, or the login was revoked. Otherwise away until a day, with whoever stands in, if that one is there.
grant create on schema app to concert_identity;
set local role concert_identity;
create function app.away()
    returns table (user_id uuid, organization_id uuid, gone_since timestamp with time zone, delegate_user_id uuid)
    language sql stable security definer rows 30 set search_path = public, pg_temp
as $$
    with zone as (select coalesce(nullif(current_setting('app.zone', true), ''), 'UTC') as name),
         held as (
            select m.user_id, m.organization_id, u.revoked_at,
                   bool_or(app.current(m.starts_on, m.ends_on)) as here,
                   max(m.ends_on) as ended,
                   bool_or(app.current(m.starts_on, m.ends_on)
                           and coalesce(m.absent_until > (now() at time zone zone.name)::date, false)) as absent,
                   max(m.delegate_user_id::text) filter (where app.current(m.starts_on, m.ends_on)) as delegate
              from membership m join user_account u on u.id = m.user_id cross join zone
             group by m.user_id, m.organization_id, u.revoked_at),
         present as (select h.user_id, h.organization_id from held h where h.here and h.revoked_at is null and not h.absent)
    select h.user_id, h.organization_id,
           case when h.revoked_at is not null or not h.here
                then least(h.revoked_at, case when not h.here then (h.ended + 1)::timestamp at time zone zone.name end) end,
           case when h.here and h.revoked_at is null then p.user_id end
      from held h cross join zone
      left join present p on p.user_id = h.delegate::uuid and p.organization_id = h.organization_id
     where h.revoked_at is not null or not h.here or h.absent
$$;

-- Where more than one person acts: elsewhere it is clear who has it.
create function app.teams() returns table (organization_id uuid)
    language sql stable security definer rows 30 set search_path = public, pg_temp
as $$
    select m.organization_id
      from membership m join user_account u on u.id = m.user_id and u.revoked_at is null and not u.service_account
     where m.role in ('caseworker', 'supervisor', 'agency_admin') and app.current(m.starts_on, m.ends_on)
     group by m.organization_id having count(distinct m.user_id) > 1
$$;
revoke execute on function app.away(), app.teams() from public;
grant execute on function app.away(), app.teams() to concert_api, concert_engine;
set local role concert_owner;
revoke create on schema app from concert_identity;
