-- Links between records of one person (decision 17), who counts as one because of them, and how far the numbers are proven.

-- No link was ever made before this: the table is empty.
alter table client_link
    -- squawk-ignore adding-required-field
    add column collaborative_id uuid not null,
    add column restricted boolean not null default false,
    -- squawk-ignore adding-foreign-key-constraint
    add column revoked_by uuid references user_account (id);
comment on column client_link.collaborative_id is 'plain';
comment on column client_link.restricted is 'plain';
comment on column client_link.revoked_by is 'plain';
-- squawk-ignore require-concurrent-index-creation
create unique index client_link_pair_key on client_link (least(client_id, other_client_id), greatest(client_id, other_client_id))
    where revoked_at is null;
-- squawk-ignore require-concurrent-index-creation
create index client_link_client_id_idx on client_link (client_id);
-- squawk-ignore require-concurrent-index-creation
create index client_link_other_client_id_idx on client_link (other_client_id);

-- Whose touches count as whose. Only persons that a link joins have a row; `canonical_id` is the least of them all.
-- Twice: by the links of open organizations, for everybody's figures; by all links, for confidential work (ADR 13).
create table person_alias (
    collaborative_id uuid not null,
    restricted boolean not null,
    person_id uuid not null,
    canonical_id uuid not null,
    constraint person_alias_pkey primary key (person_id, collaborative_id, restricted)
);
-- squawk-ignore require-concurrent-index-creation
create index person_alias_canonical_id_idx on person_alias (canonical_id);
comment on column person_alias.collaborative_id is 'plain';
comment on column person_alias.restricted is 'plain';
comment on column person_alias.person_id is 'plain';
comment on column person_alias.canonical_id is 'plain';

-- A link's correction may concern one figure twice: its open and its confidential part.
-- squawk-ignore require-concurrent-index-deletion
drop index indicator_entry_key;
-- squawk-ignore require-concurrent-index-creation
create unique index indicator_entry_key on indicator_entry
    (event_id, indicator_id, part, period, bucket, organization_id, dimensions, restricted) nulls not distinct;

-- An event that takes back several others may touch several in one cell: two partners that worked on one request. What a record
-- has lost by this is not brought back here; `concert indicators verify --full` names it.
alter table indicator_touch
    -- squawk-ignore ban-drop-constraint
    drop constraint indicator_touch_pkey,
    -- squawk-ignore adding-serial-primary-key-field, constraint-missing-not-valid
    add constraint indicator_touch_pkey primary key (event_id, indicator_id, grain, person_id);

-- How far the numbers were proven, and what was proven, as checksums: of the events and the touches up to there, and of each
-- figure's ledger, period by period. All are sums, so that what came since can be subtracted. `basis` is the rule of the
-- sums and of what counts: where it has changed, everything is proven again.
create table verified_mark (
    seq bigint not null,
    at timestamp with time zone not null,
    basis text not null,
    events bigint not null,
    events_sum numeric not null,
    touches_sum numeric not null,
    constraint verified_mark_pkey primary key (seq)
);
comment on column verified_mark.seq is 'plain';
comment on column verified_mark.at is 'plain';
comment on column verified_mark.basis is 'plain';
comment on column verified_mark.events is 'plain';
comment on column verified_mark.events_sum is 'plain';
comment on column verified_mark.touches_sum is 'plain';
create table verified_figure (
    indicator_id uuid not null,
    period text not null,
    entries bigint not null,
    ledger_sum numeric not null,
    constraint verified_figure_pkey primary key (indicator_id, period),
    constraint verified_figure_indicator_id_fkey foreign key (indicator_id) references indicator (id)
);
comment on column verified_figure.indicator_id is 'plain';
comment on column verified_figure.period is 'plain';
comment on column verified_figure.entries is 'plain';
comment on column verified_figure.ledger_sum is 'plain';

-- The region's open figures, whole and by group, summed over all owners: what most readers ask for. Their number depends on
-- what was agreed on, not on how many partners there are or how much happened (ADR 13). `grouped_by` is the dimension's name, ''
-- for the whole: row security lets an index answer for text, but not for jsonb, whose equality might tell of hidden rows.
create table region_total (
    collaborative_id uuid not null,
    indicator_id uuid not null,
    period text not null,
    part text not null,
    bucket integer not null,
    grouped_by text not null,
    dimensions jsonb not null,
    value bigint not null,
    constraint region_total_pkey primary key (indicator_id, grouped_by, period, part, bucket, dimensions),
    constraint region_total_indicator_id_fkey foreign key (indicator_id) references indicator (id)
);
comment on column region_total.collaborative_id is 'plain';
comment on column region_total.indicator_id is 'plain';
comment on column region_total.period is 'plain';
comment on column region_total.part is 'plain';
comment on column region_total.bucket is 'plain';
comment on column region_total.grouped_by is 'plain';
comment on column region_total.dimensions is 'plain';
comment on column region_total.value is 'plain';
alter table region_total enable row level security;
alter table region_total force row level security;
grant select on region_total to concert_api, concert_engine;
grant insert, update (value) on region_total to concert_engine;
create policy sees on region_total for select to concert_api using (collaborative_id = (select app.collaborative()));
create policy engine on region_total to concert_engine using (true);
-- What is confidential, the provider adds to it for itself.
-- squawk-ignore require-concurrent-index-creation
create index indicator_total_restricted_idx on indicator_total (indicator_id, period) where restricted;
-- All is folded again, into both. Row security binds even the owner, but for this.
alter table indicator_entry no force row level security;
alter table entry_unfolded no force row level security;
truncate indicator_total;
insert into entry_unfolded (entry_id, indicator_id) select id, indicator_id from indicator_entry on conflict do nothing;
alter table indicator_entry force row level security;
alter table entry_unfolded force row level security;

-- squawk-ignore require-concurrent-index-creation
create index event_link_idx on event (seq) where kind in ('clients_linked', 'link_revoked');

alter table person_alias enable row level security;
alter table person_alias force row level security;
grant select, insert, delete on person_alias to concert_counter;
create policy counter on person_alias to concert_counter using (true);
grant select on person_alias to concert_engine;
create policy engine on person_alias for select to concert_engine using (true);
alter table verified_mark enable row level security;
alter table verified_mark force row level security;
alter table verified_figure enable row level security;
alter table verified_figure force row level security;
grant select, insert, delete on verified_mark, verified_figure to concert_engine;
create policy engine on verified_mark to concert_engine using (true);
create policy engine on verified_figure to concert_engine using (true);
grant select on client_link to concert_counter;
create policy counter on client_link for select to concert_counter using (true);
grant select (id, person_id) on client to concert_counter;
create policy counter on client for select to concert_counter using (true);
grant select (id, collaborative_id) on indicator to concert_counter;
create policy counter on indicator for select to concert_counter using (true);

create function app.guard_link() returns trigger language plpgsql as $$
begin
    if old.revoked_at is not null
       or to_jsonb(new) - '{revoked_at,revoked_by}'::text[] <> to_jsonb(old) - '{revoked_at,revoked_by}'::text[] then
        raise exception 'a link can only be revoked' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
create trigger guard before update on client_link for each row execute function app.guard_link();

-- Is this cell of a distinct count one of confidential work? Its text says so: ["2026-11", null, {}, false].
create function app.is_restricted(p_grain text) returns boolean language sql immutable parallel safe
    as $$ select (p_grain::jsonb ->> 3)::boolean $$;
create function app.person_key(p_person uuid) returns bigint language sql immutable parallel safe
    as $$ select hashtextextended(p_person::text, 7305006) $$;

revoke execute on function app.is_restricted(text), app.person_key(uuid), app.guard_link() from public;
grant execute on function app.is_restricted(text), app.person_key(uuid) to concert_counter;

-- To lock the events for a moment, no more: it may not change one.
grant maintain on event to concert_counter;
grant select on sequence event_seq_seq to concert_counter;

-- What follows belongs to concert_counter, and runs as it.
grant create on schema app to concert_counter;
set local role concert_counter;

-- A person counts once in each grain: adds `step` to the live touches and answers the grains in which somebody began (+1) or
-- ceased (-1) to count. Persons that links join are one: they begin with the first of them and cease with the last.
-- Nobody is linked while a touch is under way (shared locks against `app.relink`); touches of joined persons wait for one
-- another; others only where they touch the same row, in sorted order, so that two transactions cannot wait in a ring.
create or replace function app.touch(p_event uuid, p_touches jsonb)
    returns table (indicator_id uuid, grain text, change integer)
    language sql security definer set search_path = public, pg_temp
as $$
    select pg_advisory_xact_lock_shared(app.person_key(p.person_id))
      from (select distinct x.person_id from jsonb_to_recordset(p_touches) as x(person_id uuid) order by 1) p;
    select pg_advisory_xact_lock(app.person_key(g.canonical_id) + 1)
      from (select distinct a.canonical_id
              from jsonb_to_recordset(p_touches) as x(person_id uuid) join person_alias a on a.person_id = x.person_id
             order by 1) g;
    with t as materialized (
        select * from jsonb_to_recordset(p_touches)
            as x(indicator_id uuid, grain text, person_id uuid, step integer) where step <> 0
         order by indicator_id, grain, person_id),
    kept as (
        insert into indicator_touch (event_id, indicator_id, grain, person_id, step)
        select p_event, t.indicator_id, t.grain, t.person_id, t.step from t on conflict do nothing
        returning indicator_touch.indicator_id, indicator_touch.grain, person_id, step),
    live as (
        insert into indicator_live (indicator_id, grain, person_id, touches)
        select k.indicator_id, k.grain, k.person_id, k.step from kept k order by 1, 2, 3
        on conflict on constraint indicator_live_pkey do update set touches = indicator_live.touches + excluded.touches
        returning indicator_live.indicator_id, indicator_live.grain, person_id, touches),
    flips as (
        select l.indicator_id, l.grain, a.collaborative_id, coalesce(a.canonical_id, l.person_id) as canonical_id,
               bool_or(l.touches > 0) as after, bool_or(l.touches - k.step > 0) as before
          from live l join kept k using (indicator_id, grain, person_id)
          left join lateral (
            select a.canonical_id, a.collaborative_id
              from person_alias a join indicator i on i.id = l.indicator_id and i.collaborative_id = a.collaborative_id
             where a.person_id = l.person_id and a.restricted = app.is_restricted(l.grain)) a on true
         group by 1, 2, 3, 4)
    select f.indicator_id, f.grain, case when f.after then 1 else -1 end
      from flips f
     where f.after <> f.before
       and not exists (
            select from person_alias a
              join indicator_live o on o.person_id = a.person_id and o.indicator_id = f.indicator_id and o.grain = f.grain
             where a.canonical_id = f.canonical_id and a.collaborative_id = f.collaborative_id
               and a.restricted = app.is_restricted(f.grain) and o.touches > 0
               and not exists (select from kept k
                                where k.indicator_id = f.indicator_id and k.grain = f.grain and k.person_id = a.person_id))
$$;

-- Which of these persons do links join, and to whom: the least of each component. Who stands alone has no row.
create function app.joined(p_collaborative uuid, p_restricted boolean, p_persons uuid[])
    returns table (person_id uuid, canonical_id uuid)
    language sql stable security definer set search_path = public, pg_temp
as $$
    with recursive pairs as materialized (
        select c.person_id as one, d.person_id as other
          from client_link k join client c on c.id = k.client_id join client d on d.id = k.other_client_id
         where k.revoked_at is null and k.collaborative_id = p_collaborative and (p_restricted or not k.restricted)
           and c.person_id = any(p_persons)),
    edges as (
        select one, other from pairs union select other, one from pairs),
    reach(person_id, reached_id) as (
        select p, p from unnest(p_persons) p
         union
        select r.person_id, e.other from reach r join edges e on e.one = r.reached_id)
    select r.person_id, (array_agg(r.reached_id order by r.reached_id))[1] from reach r group by 1 having count(*) > 1
$$;

-- A link was made or revoked, in this transaction, by this organization: join and part persons accordingly, and answer in which
-- grains fewer or more of them count now. One link at a time, so that what is joined stands still; every touch of these
-- persons that is under way is waited for, and every later one waits for us.
create function app.relink(p_link uuid)
    returns table (indicator_id uuid, grain text, change integer)
    language plpgsql security definer set search_path = public, pg_temp
as $$
#variable_conflict use_column
declare
    v_link record;
    v_persons uuid[];
    v_restricted boolean;
begin
    perform pg_advisory_xact_lock(7305006);
    select k.collaborative_id, k.restricted, c.person_id as one, d.person_id as other into v_link
      from client_link k join client c on c.id = k.client_id join client d on d.id = k.other_client_id
     where k.id = p_link and k.organization_id = app.me();
    if not found then
        return;
    end if;
    select array_agg(x.person_id order by x.person_id) into v_persons from (
        select v_link.one as person_id union select v_link.other union
        select b.person_id from person_alias a join person_alias b using (collaborative_id, restricted, canonical_id)
         where a.person_id in (v_link.one, v_link.other) and a.restricted
           and a.collaborative_id = v_link.collaborative_id) x;
    perform pg_advisory_xact_lock(app.person_key(p.person_id))
       from (select x.person_id from unnest(v_persons) as x(person_id) order by 1) p;

    foreach v_restricted in array case when v_link.restricted then array[true] else array[false, true] end loop
        return query
        with old as (
            select a.person_id, a.canonical_id from person_alias a
             where a.collaborative_id = v_link.collaborative_id and a.restricted = v_restricted
               and a.person_id = any(v_persons)),
        fresh as materialized (
            select j.person_id, j.canonical_id
              from app.joined(v_link.collaborative_id, v_restricted, v_persons) j),
        counted as (
            select l.indicator_id, l.grain, count(distinct coalesce(o.canonical_id, l.person_id)) as before,
                   count(distinct coalesce(f.canonical_id, l.person_id)) as after
              from indicator_live l
              join indicator i on i.id = l.indicator_id and i.collaborative_id = v_link.collaborative_id
              left join old o on o.person_id = l.person_id left join fresh f on f.person_id = l.person_id
             where l.person_id = any(v_persons) and l.touches > 0 and app.is_restricted(l.grain) = v_restricted
             group by 1, 2)
        select c.indicator_id, c.grain, (c.after - c.before)::integer from counted c where c.after <> c.before
         order by 1, 2;
        delete from person_alias a
         where a.collaborative_id = v_link.collaborative_id and a.restricted = v_restricted and a.person_id = any(v_persons);
        insert into person_alias (collaborative_id, restricted, person_id, canonical_id)
        select v_link.collaborative_id, v_restricted, j.person_id, j.canonical_id
          from app.joined(v_link.collaborative_id, v_restricted, v_persons) j;
    end loop;
end
$$;

-- Nothing is written by anybody at this moment, up to which event is the record complete? Sequence numbers are given before the
-- commit and may commit in another order; who holds this lock has waited for all that were given. For the moment of one lock.
create function app.horizon() returns bigint
    language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    perform set_config('lock_timeout', '300ms', true); -- whoever writes waits behind us
    lock table event in share mode;
    return coalesce(pg_sequence_last_value('event_seq_seq'::regclass), 0);
end
$$;
revoke execute on function app.horizon() from public;
grant execute on function app.horizon() to concert_engine;
revoke execute on function app.joined(uuid, boolean, uuid[]), app.relink(uuid) from public;
grant execute on function app.relink(uuid) to concert_api;
set local role concert_owner;
revoke create on schema app from concert_counter;
