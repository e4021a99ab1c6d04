-- squawk-ignore-file require-concurrent-index-creation
-- What a service says it has room for, who was turned away for want of it, and requests that several are asked for at once (ADR 17).

-- Every statement that was ever made; `service_capacity` is the one that holds.
create table capacity_statement (
    id uuid not null,
    service_id uuid not null,
    organization_id uuid not null,
    open_slots integer,
    taking boolean not null,
    stated_at timestamp with time zone not null,
    lapses_on date not null,
    stated_by uuid not null,
    constraint capacity_statement_pkey primary key (id),
    constraint capacity_statement_open_slots_check check (open_slots between 0 and 9999),
    constraint capacity_statement_service_id_fkey foreign key (service_id) references service (id),
    constraint capacity_statement_organization_id_fkey foreign key (organization_id) references organization (id),
    constraint capacity_statement_stated_by_fkey foreign key (stated_by) references user_account (id)
);
comment on column capacity_statement.id is 'plain';
comment on column capacity_statement.service_id is 'plain';
comment on column capacity_statement.organization_id is 'plain';
comment on column capacity_statement.open_slots is 'plain';
comment on column capacity_statement.taking is 'plain';
comment on column capacity_statement.stated_at is 'plain';
comment on column capacity_statement.lapses_on is 'plain';
comment on column capacity_statement.stated_by is 'plain';
create index capacity_statement_service_id_idx on capacity_statement (service_id, stated_at desc, id desc);
create trigger append_only before update or delete on capacity_statement for each row execute function app.append_only();

alter table capacity_statement enable row level security;
alter table capacity_statement force row level security;
grant select, insert on capacity_statement to concert_api;
grant insert on service_capacity to concert_api;
grant update (open_slots, taking, stated_at, lapses_on) on service_capacity to concert_api;
create policy own on capacity_statement for select to concert_api using (organization_id = (select app.me()));
create policy makes on capacity_statement for insert to concert_api
    with check (organization_id = (select app.me()) and stated_by = (select app.person())
                and exists (select from service s where s.id = service_id and s.organization_id = (select app.me())));
create policy makes on service_capacity for insert to concert_api
    with check (exists (select from service s where s.id = service_id and s.organization_id = (select app.me())));
create policy moves on service_capacity for update to concert_api
    using (exists (select from service s where s.id = service_id and s.organization_id = (select app.me())));

-- Places that were taken since a statement are counted, never subtracted: nobody waits for a shared number.
create index task_taken_idx on task (service_id, accepted_at) where accepted_at is not null;
-- What the report on capacity reads: of everything that happened, these four kinds, by day.
create index event_room_idx on event (collaborative_id, day)
    where kind in ('task_requested', 'task_declined', 'task_waitlisted', 'demand_turned_away');

-- Several may be asked at once: `asked` are those whose offer is open and who have not said yes. `round` is the offer that
-- leads, `rounds` how many there were: until now the last one led.
alter table referral add column asked uuid[] default '{}' not null;
alter table referral add column rounds integer default '1' not null;
comment on column referral.asked is 'plain';
comment on column referral.rounds is 'plain';
-- The owner migrates and sees no row itself: as always, whoever may do it does it.
alter table referral no force row level security;
update referral set rounds = round where rounds <> round;
alter table referral force row level security;
grant select (asked, rounds), insert (asked, rounds), update (asked, rounds) on referral to concert_engine;

alter policy sees on referral
    using (source_organization_id = (select app.me()) or target_organization_id = (select app.me())
           or (select app.me()) = any (asked)
           or ((select app.is_backbone()) and collaborative_id = (select app.collaborative()) and not restricted));
alter policy moves on referral
    using (source_organization_id = (select app.me()) or target_organization_id = (select app.me())
           or (select app.me()) = any (asked));
-- While several are asked, each reads what was said to all, and what was said about its own offer.
alter policy sees on message
    using (organization_id = (select app.me())
           or (not about_client and reader_organization_id = (select app.me()))
           or (about_client and reader_organization_id is not null
               and exists (select from referral r
                            where r.id = referral_id
                              and (r.target_organization_id = (select app.me()) or (select app.me()) = any (r.asked))
                              and (r.asked = '{}' or message.task_id is null
                                   or exists (select from task t where t.id = message.task_id
                                                                   and t.organization_id = (select app.me())))
                              and app.consent_covers(r.consent_id, (select app.me()), 'notes'))));

-- As before; and one of several that are asked may make its own offer the one that leads, and take itself off the list of
-- the asked, or everybody.
create or replace function app.guard_referral() returns trigger language plpgsql as $$
begin
    if (new.id, new.reference, new.collaborative_id, new.source_organization_id, new.created_at, new.created_by,
        new.action_plan_id, new.step_key, new.step, new.handed_over_at)
       is distinct from
       (old.id, old.reference, old.collaborative_id, old.source_organization_id, old.created_at, old.created_by,
        old.action_plan_id, old.step_key, old.step, old.handed_over_at)
       or (current_user = 'concert_api' and app.me() is distinct from old.source_organization_id and
           ((new.need_id, new.client_id, new.household_id, new.person_id,
             new.consent_id, new.kind, new.origin, new.priority, new.term, new.county, new.sensitive, new.restricted,
             new.transfer, new.outcome_source, new.outcome_client, new.confirmed_by, new.rounds)
            is distinct from
            (old.need_id, old.client_id, old.household_id, old.person_id,
             old.consent_id, old.kind, old.origin, old.priority, old.term, old.county, old.sensitive, old.restricted,
             old.transfer, old.outcome_source, old.outcome_client, old.confirmed_by, old.rounds)
            or ((new.target_organization_id, new.service_id, new.round)
                is distinct from (old.target_organization_id, old.service_id, old.round)
                and not (app.me() = any (old.asked) and new.target_organization_id = app.me()
                         and exists (select from task t where t.referral_id = old.id and t.organization_id = app.me()
                                       and t.round = new.round and t.service_id = new.service_id)))
            or (new.asked is distinct from old.asked
                and not (app.me() = any (old.asked) and new.asked in ('{}', array_remove(old.asked, app.me())))))) then
        raise exception 'this column of a referral is not yours to write' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

-- What follows belongs to concert_disclosure, and runs as it.
grant select on service_capacity to concert_disclosure;
create policy disclosure on service_capacity for select to concert_disclosure using (true);
grant select (id, zone) on collaborative to concert_disclosure;
create policy disclosure on collaborative for select to concert_disclosure using (true);
grant update (state, ball_organization_id, reason, reason_class, clock, clock_started_at, due_at, hard_at, decide_left, hard_left,
    moved_at, version) on task to concert_disclosure;
grant create on schema app to concert_disclosure;
set local role concert_disclosure;

-- What a service has room for, as it said; nothing once that has lapsed, or where it said nothing. Whose places were taken since
-- is nobody's to see. `p_zone`: of the region, where no person's transaction says it.
create function app.room(p_service uuid, p_zone text default null)
    returns table (open_slots integer, "left" integer, taking boolean, stated_at timestamptz, lapses_on date)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select c.open_slots,
           case when c.open_slots is not null then
               greatest(0, c.open_slots - (select count(*) from task t
                                            where t.service_id = c.service_id and t.accepted_at > c.stated_at
                                              and t.state <> 'entered_in_error'))::integer end,
           c.taking, c.stated_at, c.lapses_on
      from service_capacity c
     where c.service_id = p_service and app.current('-infinity', c.lapses_on, p_zone)
$$;

-- Services that can be asked for a term and were not yet: none that has no room; of the county first, then who said that it has
-- room, then who has least to do, then by name.
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
       and exists (select from partnership m
                    where m.organization_id = o.id and m.collaborative_id = p_collaborative and app.current(m.starts_on, m.ends_on))
     order by coalesce((select min((l.county is distinct from p_county)::integer)
                          from service_at_location x join location l on l.id = x.location_id
                         where x.service_id = s.id), 1),
              room.taking is null,
              (select count(*) from task t
                where t.organization_id = o.id
                  and t.state in ('requested', 'acknowledged', 'info_requested', 'accepted', 'waitlisted', 'in_progress', 'on_hold')),
              s.name, s.id
$$;

-- The offers that stand beside this one, locked, for whoever decides about them all: their source, one of the asked, the engine.
-- The referral is locked already.
create function app.others_asked(p_referral uuid, p_but uuid) returns setof task
    language sql volatile security definer set search_path = public, pg_temp
as $$
    select t.* from task t join referral f on f.id = t.referral_id
     where f.id = p_referral and t.id <> p_but and t.organization_id = any (f.asked)
       and t.state in ('requested', 'acknowledged', 'info_requested', 'waitlisted')
       and (session_user = 'concert_engine' or f.source_organization_id = app.me() or app.me() = any (f.asked))
     order by t.id for update of t
$$;

-- End one of them because the offer that leads was accepted: this, and nothing else, may be done to work that one cannot see.
create function app.release(p_task uuid, p_version integer, p_class text, p_at timestamptz) returns boolean
    language plpgsql volatile security definer set search_path = public, pg_temp
as $$
begin
    update task t
       set state = 'cancelled', ball_organization_id = null, reason = 'placed_elsewhere', reason_class = p_class, clock = null,
           clock_started_at = null, due_at = null, hard_at = null, decide_left = null, hard_left = null, moved_at = p_at,
           updated_at = clock_timestamp(), version = p_version
      from referral f
     where t.id = p_task and f.id = t.referral_id and t.organization_id = any (f.asked) and t.round <> f.round
       and t.version = p_version - 1 and t.state in ('requested', 'acknowledged', 'info_requested', 'waitlisted')
       and (session_user = 'concert_engine' or app.me() in (f.source_organization_id, f.target_organization_id))
       and exists (select from task w where w.referral_id = f.id and w.round = f.round
                                        and w.state in ('accepted', 'in_progress', 'on_hold', 'completed'));
    return found;
end
$$;

-- Did this very transaction release that task? Then it may also say so.
create function app.has_released(p_task uuid, p_version integer) returns boolean
    language sql volatile security definer set search_path = public, pg_temp
as $$
    select exists (select from task t join referral f on f.id = t.referral_id
                    where t.id = p_task and t.version = p_version and t.state = 'cancelled' and t.reason = 'placed_elsewhere'
                      and t.xmin = pg_current_xact_id()::xid and f.target_organization_id = app.me())
$$;

-- As before; also where several are asked at once.
create or replace function app.stages_reached(p_referral uuid, p_but uuid, p_restricted boolean)
    returns table (offered boolean, acknowledged boolean, accepted boolean, served boolean)
    language sql volatile security definer set search_path = public, pg_temp
as $$
    select count(*) > 0, coalesce(bool_or(t.acknowledged_at is not null), false),
           coalesce(bool_or(t.accepted_at is not null), false), coalesce(bool_or(t.first_contact_at is not null), false)
      from task t join referral f on f.id = t.referral_id
     where f.id = p_referral and t.id <> p_but and t.restricted = p_restricted and t.state <> 'entered_in_error'
       and (session_user = 'concert_engine' or app.me() in (f.source_organization_id, f.target_organization_id)
            or app.me() = any (f.asked))
$$;

-- As before; one that several are asked for is open with each of them.
create or replace function app.still_open(p_from timestamp with time zone, p_until timestamp with time zone, p_by text)
    returns table (whose text, stage text, requests bigint)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select case p_by when 'organization' then t.whose::text when 'county' then coalesce(f.county, 'unknown')
                     when 'term' then coalesce(f.term, 'unknown') when '' then null
                     else coalesce(f.groups ->> p_by, 'unknown') end,
           case when bool_or(t.first_contact_at is not null) then 'served' when bool_or(t.accepted_at is not null) then 'accepted'
                when bool_or(t.acknowledged_at is not null) then 'acknowledged' else 'offered' end,
           1::bigint
      from referral f
      join lateral (
        select x.*, case when p_by = 'organization' then x.organization_id end as whose from task x
         where x.referral_id = f.id and x.state <> 'entered_in_error'
           and (p_by <> 'organization' or f.asked = '{}' and x.round = f.round
                or x.organization_id = any (f.asked) and x.due_at is not null)) t on true
     where f.collaborative_id = app.collaborative() and f.state in ('active', 'awaiting_source')
       and f.kind in ('referral', 'transfer') and not f.restricted
       and f.created_at >= p_from and f.created_at < p_until
       and not exists (select from need n where n.id = f.need_id and n.outcome = 'need_met')
     group by f.id, t.whose
$$;

-- What was asked of each service in these days and what it had no room for: counts past the walls between partners, never a
-- row. Of confidential work only the caller's own; what was entered in error is not counted.
create function app.demand(p_from date, p_until date)
    returns table (service_id uuid, term text, county text, offered bigint, no_capacity bigint, turned_away bigint,
                   waitlisted bigint)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select coalesce(t.service_id, (e.facts ->> 'service_id')::uuid), e.dimensions ->> 'term', e.dimensions ->> 'county',
           count(*) filter (where e.kind = 'task_requested'), count(*) filter (where e.kind = 'task_declined'),
           count(*) filter (where e.kind = 'demand_turned_away'), count(*) filter (where e.kind = 'task_waitlisted')
      from event e left join task t on t.id = e.task_id
     where e.collaborative_id = app.collaborative() and e.day >= p_from and e.day < p_until
       and e.kind in ('task_requested', 'task_declined', 'task_waitlisted', 'demand_turned_away')
       and (e.kind <> 'task_declined' or e.facts ->> 'reason_class' = 'no_capacity')
       and (not e.restricted or e.organization_id = app.me())
       and t.state is distinct from 'entered_in_error'
       and (t.service_id is not null or e.kind = 'demand_turned_away')
     group by 1, 2, 3
$$;

revoke execute on function app.room(uuid, text), app.others_asked(uuid, uuid), app.release(uuid, integer, text, timestamptz),
    app.has_released(uuid, integer), app.demand(date, date) from public;
grant execute on function app.room(uuid, text), app.others_asked(uuid, uuid), app.release(uuid, integer, text, timestamptz)
    to concert_api, concert_engine;
grant execute on function app.has_released(uuid, integer), app.demand(date, date) to concert_api;
set local role concert_owner;
revoke create on schema app from concert_disclosure;

-- Whoever has it writes down that the others were released: of exactly those tasks, in the transaction that released them.
create policy releases on event for insert to concert_api
    with check (kind = 'task_released' and acting_organization_id = (select app.me())
                and collaborative_id = (select app.collaborative()) and app.has_released(task_id, version));

-- Who is released while on a waitlist has left it, and so has who says yes from there: neither could happen until now, so no
-- figure that was ever told changes.
alter table indicator no force row level security;
update indicator
   set rule = jsonb_set(rule, '{left,event}', (rule #> '{left,event}') || '["task_accepted", "task_released"]')
 where rule ->> 'measure' = 'level' and rule ->> 'entered' = 'task_waitlisted'
   and jsonb_typeof(rule #> '{left,event}') = 'array' and rule #> '{left,where,from_state}' = '"waitlisted"'
   and not (rule #> '{left,event}') ? 'task_released';
alter table indicator force row level security;
