-- squawk-ignore-file require-concurrent-index-creation
-- When a request was asked for, as told: by that day the funnel counts it, however late somebody recorded it.
alter table referral add column requested_at timestamp with time zone;
comment on column referral.requested_at is 'plain';
alter table referral no force row level security;
alter table task no force row level security;
update referral r
   set requested_at = coalesce((select t.requested_at from task t where t.referral_id = r.id order by t.round limit 1), r.created_at);
alter table referral force row level security;
alter table task force row level security;
-- squawk-ignore adding-not-nullable-field
alter table referral alter column requested_at set not null;
grant select (requested_at), insert (requested_at) on referral to concert_engine;

create function app.guard_requested() returns trigger language plpgsql as $$
begin
    if new.requested_at is distinct from old.requested_at then
        raise exception 'a request keeps the day on which it was asked for' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
revoke execute on function app.guard_requested() from public;
create trigger guard_requested before update on referral for each row execute function app.guard_requested();

grant create on schema app to concert_disclosure;
set local role concert_disclosure;
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
       and f.requested_at >= p_from and f.requested_at < p_until
       and not exists (select from need n where n.id = f.need_id and n.outcome = 'need_met')
     group by f.id, t.whose
$$;
set local role concert_owner;
revoke create on schema app from concert_disclosure;

-- What each partner signed up to, version by version: a new version of the agenda is adopted by nobody yet.
create table adoption (
    collaborative_id uuid not null,
    agenda_version integer not null,
    organization_id uuid not null,
    adopted_on date not null,
    commitments jsonb default '[]' not null,
    adopted_by uuid,
    constraint adoption_pkey primary key (collaborative_id, agenda_version, organization_id),
    constraint adoption_collaborative_id_agenda_version_fkey foreign key(collaborative_id, agenda_version) references agenda (collaborative_id, version),
    constraint adoption_organization_id_fkey foreign key(organization_id) references organization (id),
    constraint adoption_adopted_by_fkey foreign key(adopted_by) references user_account (id)
);
comment on column adoption.collaborative_id is 'plain';
comment on column adoption.agenda_version is 'plain';
comment on column adoption.organization_id is 'plain';
comment on column adoption.adopted_on is 'plain';
comment on column adoption.commitments is 'plain';
comment on column adoption.adopted_by is 'plain';

-- Until now they stood in the agenda's own text.
alter table agenda no force row level security;
alter table partnership no force row level security;
alter table organization no force row level security;
alter table collaborative no force row level security;
insert into adoption (collaborative_id, agenda_version, organization_id, adopted_on, commitments)
select a.collaborative_id, a.version, o.id, (e.value #>> '{}')::date, p.commitments
  from agenda a
 cross join lateral jsonb_each(coalesce(a.body -> 'adoptions', '{}')) e
  join organization o on o.slug = e.key
  join partnership p on p.organization_id = o.id and p.collaborative_id = a.collaborative_id and p.ends_on is null
 where a.version = (select min(x.version) from agenda x where x.collaborative_id = a.collaborative_id)
on conflict do nothing;
alter table agenda force row level security;
alter table partnership force row level security;
alter table organization force row level security;
alter table collaborative force row level security;

alter table adoption enable row level security;
alter table adoption force row level security;
grant select, insert on adoption to concert_api, concert_steward;
create policy people on adoption for select to concert_api using (collaborative_id = (select app.collaborative()));
create policy makes on adoption for insert to concert_api
    with check (organization_id = (select app.me()) and collaborative_id = (select app.collaborative())
                and adopted_by = (select app.person()));
create policy steward on adoption to concert_steward using (true);
create trigger append_only before update or delete on adoption for each row execute function app.append_only();
