-- squawk-ignore-file require-concurrent-index-creation
-- What partners say about figures. Free text about work may touch a person, so it is personal: the engine never reads it.
create table story (
    id uuid not null,
    collaborative_id uuid not null,
    organization_id uuid not null,
    indicator_code text not null,
    period text not null,
    body text not null,
    released_at timestamp with time zone,
    released_by uuid,
    created_by uuid not null,
    created_at timestamp with time zone not null,
    version integer default 1 not null,
    constraint story_pkey primary key (id),
    constraint story_period_check check (period ~ '^[0-9]{4}(-[0-9]{2})?$'),
    constraint story_release_check check ((released_at is null) = (released_by is null)),
    constraint story_collaborative_id_fkey foreign key (collaborative_id) references collaborative (id),
    constraint story_organization_id_fkey foreign key (organization_id) references organization (id),
    constraint story_released_by_fkey foreign key (released_by) references user_account (id),
    constraint story_created_by_fkey foreign key (created_by) references user_account (id)
);
comment on column story.id is 'plain';
comment on column story.collaborative_id is 'plain';
comment on column story.organization_id is 'plain';
comment on column story.indicator_code is 'plain';
comment on column story.period is 'plain';
comment on column story.body is 'personal';
comment on column story.released_at is 'plain';
comment on column story.released_by is 'plain';
comment on column story.created_by is 'plain';
comment on column story.created_at is 'plain';
comment on column story.version is 'plain';
create index story_indicator_idx on story (collaborative_id, indicator_code, period desc, id desc);

-- What the collaborative decided because of a figure: who does it, by when.
create table decision (
    id uuid not null,
    collaborative_id uuid not null,
    organization_id uuid not null,
    indicator_code text not null,
    body text not null,
    owner_organization_id uuid not null,
    due_on date not null,
    done_at timestamp with time zone,
    done_by uuid,
    created_by uuid not null,
    created_at timestamp with time zone not null,
    version integer default 1 not null,
    constraint decision_pkey primary key (id),
    constraint decision_done_check check ((done_at is null) = (done_by is null)),
    constraint decision_collaborative_id_fkey foreign key (collaborative_id) references collaborative (id),
    constraint decision_organization_id_fkey foreign key (organization_id) references organization (id),
    constraint decision_owner_organization_id_fkey foreign key (owner_organization_id) references organization (id),
    constraint decision_done_by_fkey foreign key (done_by) references user_account (id),
    constraint decision_created_by_fkey foreign key (created_by) references user_account (id)
);
comment on column decision.id is 'plain';
comment on column decision.collaborative_id is 'plain';
comment on column decision.organization_id is 'plain';
comment on column decision.indicator_code is 'plain';
comment on column decision.body is 'personal';
comment on column decision.owner_organization_id is 'plain';
comment on column decision.due_on is 'plain';
comment on column decision.done_at is 'plain';
comment on column decision.done_by is 'plain';
comment on column decision.created_by is 'plain';
comment on column decision.created_at is 'plain';
comment on column decision.version is 'plain';
create index decision_indicator_idx on decision (collaborative_id, indicator_code, due_on, id);

-- A story belongs to its partner until it is released, and is never changed afterwards. A decision is only ever done.
create function app.guard_story() returns trigger language plpgsql as $$
begin
    if old.released_at is not null or to_jsonb(new) - '{body,released_at,released_by,version}'::text[]
                                   <> to_jsonb(old) - '{body,released_at,released_by,version}'::text[] then
        raise exception 'a released story stays as it was told' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
create function app.guard_decision() returns trigger language plpgsql as $$
begin
    if old.done_at is not null or to_jsonb(new) - '{done_at,done_by,version}'::text[]
                               <> to_jsonb(old) - '{done_at,done_by,version}'::text[] then
        raise exception 'a decision can only be done' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
revoke execute on function app.guard_story(), app.guard_decision() from public;
create trigger guard before update on story for each row execute function app.guard_story();
create trigger guard before update on decision for each row execute function app.guard_decision();

alter table story enable row level security;
alter table story force row level security;
alter table decision enable row level security;
alter table decision force row level security;

grant select, insert on story, decision to concert_api;
grant update (body, released_at, released_by, version) on story to concert_api;
grant update (done_at, done_by, version) on decision to concert_api;
create policy sees on story for select to concert_api
    using (collaborative_id = (select app.collaborative())
           and (organization_id = (select app.me()) or released_at is not null));
create policy makes on story for insert to concert_api
    with check (organization_id = (select app.me()) and collaborative_id = (select app.collaborative())
                and created_by = (select app.person()));
create policy moves on story for update to concert_api
    using (organization_id = (select app.me()) and collaborative_id = (select app.collaborative()));
create policy sees on decision for select to concert_api using (collaborative_id = (select app.collaborative()));
create policy makes on decision for insert to concert_api
    with check (organization_id = (select app.me()) and collaborative_id = (select app.collaborative())
                and created_by = (select app.person())
                and ((select app.is_backbone()) or owner_organization_id = (select app.me()))
                and exists (select from partnership p where p.organization_id = owner_organization_id));
create policy moves on decision for update to concert_api
    using (collaborative_id = (select app.collaborative())
           and ((select app.is_backbone()) or owner_organization_id = (select app.me())));

-- Needs that nobody met, by term and county: counted past the walls between partners, never a row, and nothing in which a
-- confidential provider takes part (ADR 0005). From the first of one day to the first of another, in the region's zone.
create index need_created_idx on need (collaborative_id, created_at);
create function app.unmet_needs(p_from timestamp with time zone, p_until timestamp with time zone)
    returns table (term text, county text, recorded bigint, unmet bigint, without_service bigint, no_capacity bigint)
    language sql stable security definer set search_path = public, pg_temp
as $$
    with n as (
        select need.id, need.term, need.outcome, need.client_id
          from need join organization o on o.id = need.organization_id
         where need.collaborative_id = app.collaborative() and need.created_at >= p_from and need.created_at < p_until
           and not o.confidential),
    r as (
        select f.need_id, bool_or(f.restricted) as restricted, bool_or(f.state = 'active') as served,
               bool_and(f.state = 'entered_in_error') as void, max(f.county) as county,
               bool_or(f.state <> 'entered_in_error' and exists (
                   select from task t where t.referral_id = f.id and t.state = 'declined'
                      and t.reason_class = 'no_capacity')) as no_capacity
          from referral f join n on n.id = f.need_id group by f.need_id)
    select n.term, coalesce(r.county, h.county, 'unknown'), count(*),
           count(*) filter (where n.outcome = 'unmet'),
           count(*) filter (where n.outcome is null and not coalesce(r.served, false)),
           count(*) filter (where r.no_capacity)
      from n left join r on r.need_id = n.id
      left join lateral (
        select c.county from client_residence c
         where r.county is null and c.client_id = n.client_id and c.ends_on is null
         order by c.starts_on desc limit 1) h on true
     where not coalesce(r.restricted, false) and not coalesce(r.void, false)
     group by 1, 2
$$;
revoke execute on function app.unmet_needs(timestamp with time zone, timestamp with time zone) from public;
grant execute on function app.unmet_needs(timestamp with time zone, timestamp with time zone) to concert_api;

-- What the other offers of a request have reached, asked by those who take part in it and by the engine: an offer's own
-- partner does not see the others (ADR 0014). Volatile: it must see what was committed while the lock was waited for.
create function app.stages_reached(p_referral uuid, p_but uuid, p_restricted boolean)
    returns table (offered boolean, acknowledged boolean, accepted boolean, served boolean)
    language sql volatile security definer set search_path = public, pg_temp
as $$
    select count(*) > 0, coalesce(bool_or(t.acknowledged_at is not null), false),
           coalesce(bool_or(t.accepted_at is not null), false), coalesce(bool_or(t.first_contact_at is not null), false)
      from task t join referral f on f.id = t.referral_id
     where f.id = p_referral and t.id <> p_but and t.restricted = p_restricted and t.state <> 'entered_in_error'
       and (session_user = 'concert_engine' or app.me() in (f.source_organization_id, f.target_organization_id))
$$;
revoke execute on function app.stages_reached(uuid, uuid, boolean) from public;
grant execute on function app.stages_reached(uuid, uuid, boolean) to concert_api, concert_engine;

-- Requests that are still open, by how far they have come and by group: what the funnel shows apart. As many as are open,
-- not as many as there ever were; nothing in which a confidential provider takes part.
create function app.still_open(p_from timestamp with time zone, p_until timestamp with time zone, p_by text)
    returns table (whose text, stage text, requests bigint)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select case p_by when 'organization' then f.target_organization_id::text when 'county' then coalesce(f.county, 'unknown')
                     when 'term' then coalesce(f.term, 'unknown') when '' then null
                     else coalesce(f.groups ->> p_by, 'unknown') end,
           case when bool_or(t.first_contact_at is not null) then 'served' when bool_or(t.accepted_at is not null) then 'accepted'
                when bool_or(t.acknowledged_at is not null) then 'acknowledged' else 'offered' end,
           1::bigint
      from referral f join task t on t.referral_id = f.id
     where f.collaborative_id = app.collaborative() and f.state in ('active', 'awaiting_source')
       and f.kind in ('referral', 'transfer') and not f.restricted and t.state <> 'entered_in_error'
       and (p_by <> 'organization' or t.round = f.round)
       and f.created_at >= p_from and f.created_at < p_until
       and not exists (select from need n where n.id = f.need_id and n.outcome = 'need_met')
     group by f.id
$$;
revoke execute on function app.still_open(timestamp with time zone, timestamp with time zone, text) from public;
grant execute on function app.still_open(timestamp with time zone, timestamp with time zone, text) to concert_api;
