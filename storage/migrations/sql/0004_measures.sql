-- Groups of whoever a request is for, as codes, and the key under which its household counts once. They never change:
-- what was counted under them must be taken back under them.
alter table referral add column groups jsonb not null default '{}';
alter table referral add column household_key uuid;
alter table event add column household_key uuid;
comment on column referral.groups is 'plain';
comment on column referral.household_key is 'plain';
comment on column event.household_key is 'plain';
grant select (groups, household_key), insert (groups, household_key) on referral to concert_engine;
grant select (household_key) on event to concert_engine;

create function app.guard_groups() returns trigger language plpgsql as $$
begin
    if (new.groups, new.household_key) is distinct from (old.groups, old.household_key) then
        raise exception 'a request keeps its groups' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
revoke execute on function app.guard_groups() from public;
create trigger guard_groups before update on referral for each row execute function app.guard_groups();

-- A version of an indicator: proposed (counts nothing), counting (new events; history is being added), in force.
alter table indicator add column standing text not null default 'in_force'
    constraint indicator_standing_check check (standing in ('proposed', 'counting', 'in_force'));
comment on column indicator.standing is 'plain';
grant select (standing) on indicator to concert_engine;

-- What an indicator says besides its rule: its name in other languages, the result that it serves, by which period it is
-- told, whether events earn it or somebody observes it, and below which count nothing of it is published.
alter table indicator add column names jsonb not null default '{}';
alter table indicator add column result text;
alter table indicator add column period text not null default 'month';
alter table indicator add column measures text not null default 'performance'
    constraint indicator_measures_check check (measures in ('performance', 'population'));
alter table indicator add column threshold integer
    constraint indicator_threshold_check check (threshold >= 1);
-- A population measure serves a result, and no strategy alone.
-- squawk-ignore ban-drop-not-null
alter table indicator alter column strategy drop not null;
comment on column indicator.names is 'plain';
comment on column indicator.result is 'plain';
comment on column indicator.period is 'plain';
comment on column indicator.measures is 'plain';
comment on column indicator.threshold is 'plain';
grant select (names, result, period, measures, threshold) on indicator to concert_engine;

-- A population measure is observed, by the backbone, from a source that is named. A correction is a later row for the same
-- period and geography; nothing is rewritten.
create table indicator_observation (
    id uuid not null,
    seq bigint generated always as identity,
    collaborative_id uuid not null,
    code text not null,
    period text not null,
    geography text not null,
    value double precision not null,
    observed_on date not null,
    source text not null,
    recorded_by uuid,
    recorded_at timestamptz not null default now(),
    constraint indicator_observation_pkey primary key (id),
    constraint indicator_observation_collaborative_id_fkey foreign key (collaborative_id) references collaborative (id),
    constraint indicator_observation_recorded_by_fkey foreign key (recorded_by) references user_account (id)
);
-- squawk-ignore require-concurrent-index-creation
create index indicator_observation_code_idx on indicator_observation (collaborative_id, code, period, geography, seq);
comment on column indicator_observation.id is 'plain';
comment on column indicator_observation.seq is 'plain';
comment on column indicator_observation.collaborative_id is 'plain';
comment on column indicator_observation.code is 'plain';
comment on column indicator_observation.period is 'plain';
comment on column indicator_observation.geography is 'plain';
comment on column indicator_observation.value is 'plain';
comment on column indicator_observation.observed_on is 'plain';
comment on column indicator_observation.source is 'plain';
comment on column indicator_observation.recorded_by is 'plain';
comment on column indicator_observation.recorded_at is 'plain';
alter table indicator_observation enable row level security;
alter table indicator_observation force row level security;
grant select, insert on indicator_observation to concert_api;
grant select on indicator_observation to concert_engine;
grant select, insert on indicator_observation to concert_steward;
create policy people on indicator_observation for select to concert_api
    using (collaborative_id = (select app.collaborative()));
create policy makes on indicator_observation for insert to concert_api
    with check ((select app.is_backbone()) and collaborative_id = (select app.collaborative())
                and recorded_by = (select app.person()));
create policy engine on indicator_observation to concert_engine using (true);
create policy steward on indicator_observation to concert_steward using (true);
create trigger append_only before update or delete on indicator_observation
    for each row execute function app.append_only();

-- Totals keep margins from now on: they are folded again from the ledger. Row security binds even the owner, but for this.
alter table indicator_entry no force row level security;
alter table entry_unfolded no force row level security;
truncate indicator_total;
insert into entry_unfolded (entry_id, indicator_id) select id, indicator_id from indicator_entry on conflict do nothing;
alter table indicator_entry force row level security;
alter table entry_unfolded force row level security;
