-- Published snapshots of closed periods. A snapshot is never changed; what is corrected later stands in the next version.
create table publication (
    id uuid not null,
    collaborative_id uuid not null,
    period text not null,
    version integer not null,
    starts_on date not null,
    ends_on date not null,
    published_at timestamp with time zone not null,
    published_by uuid not null,
    threshold integer not null,
    agenda_version integer not null,
    up_to bigint not null,
    body jsonb not null,
    constraint publication_pkey primary key (id),
    constraint publication_collaborative_id_period_version_key unique (collaborative_id, period, version),
    constraint publication_version_check check (version > 0),
    constraint publication_threshold_check check (threshold > 1),
    constraint publication_ends_on_check check (ends_on >= starts_on),
    constraint publication_collaborative_id_fkey foreign key (collaborative_id) references collaborative (id),
    constraint publication_published_by_fkey foreign key (published_by) references user_account (id)
);
comment on column publication.id is 'plain';
comment on column publication.collaborative_id is 'plain';
comment on column publication.period is 'plain';
comment on column publication.version is 'plain';
comment on column publication.starts_on is 'plain';
comment on column publication.ends_on is 'plain';
comment on column publication.published_at is 'plain';
comment on column publication.published_by is 'plain';
comment on column publication.threshold is 'plain';
comment on column publication.agenda_version is 'plain';
comment on column publication.up_to is 'plain';
comment on column publication.body is 'plain';

-- Days after the end of a period in which late work may still be recorded before anything is published.
alter table collaborative add column publication_after_days integer default '14' not null;
comment on column collaborative.publication_after_days is 'plain';
grant select (publication_after_days) on collaborative to concert_engine;

create trigger append_only before update or delete on publication for each row execute function app.append_only();

alter table publication enable row level security;
alter table publication force row level security;
grant select, insert on publication to concert_api;
create policy people on publication for select to concert_api using (collaborative_id = (select app.collaborative()));
create policy publishes on publication for insert to concert_api
    with check ((select app.is_backbone()) and collaborative_id = (select app.collaborative())
                and published_by = (select app.person()));

-- What the functions below read, and nobody else through them.
grant select on publication, collaborative, indicator, indicator_entry, indicator_total, entry_unfolded to concert_counter;
grant select (id, seq, kind, reverses) on event to concert_counter;
create policy published on publication for select to concert_counter using (true);
create policy published on collaborative for select to concert_counter using (true);
create policy publishing on indicator for select to concert_counter using (true);
create policy publishing on indicator_entry for select to concert_counter using (true);
create policy publishing on indicator_total for select to concert_counter using (true);
create policy publishing on entry_unfolded for select to concert_counter using (true);
create policy publishing on event for select to concert_counter using (true);

grant create on schema app to concert_counter;
set local role concert_counter;

-- All figures of these periods, confidential work apart: for the backbone's publishing alone, which suppresses before it shows.
create function app.figures(p_indicators uuid[], p_periods text[])
    returns table (indicator_id uuid, period text, part text, bucket integer, organization_id uuid, dimensions jsonb,
                   restricted boolean, value bigint)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select x.indicator_id, x.period, x.part, x.bucket, x.organization_id, x.dimensions, x.restricted, sum(x.value)::bigint
      from (
        select t.indicator_id, t.period, t.part, t.bucket, t.organization_id, t.dimensions, t.restricted, t.value
          from indicator_total t
         where t.indicator_id = any(p_indicators) and t.period = any(p_periods) and t.collaborative_id = app.collaborative()
        union all
        select e.indicator_id, e.period, e.part, e.bucket, e.organization_id, m.dimensions, e.restricted, e.value
          from entry_unfolded u join indicator_entry e on e.id = u.entry_id join indicator i on i.id = e.indicator_id
         cross join lateral (
            select e.dimensions where i.rule ->> 'measure' = 'distinct'
            union all
            select '{}'::jsonb where i.rule ->> 'measure' <> 'distinct'
            union all
            select jsonb_build_object(b.name, coalesce(e.dimensions ->> b.name, 'unknown'))
              from jsonb_array_elements_text(coalesce(i.rule -> 'by', '[]')) as b(name)
             where i.rule ->> 'measure' <> 'distinct' and b.name <> 'organization') as m(dimensions)
         where u.indicator_id = any(p_indicators) and e.period = any(p_periods) and e.collaborative_id = app.collaborative()) x
     where (select app.is_backbone())
     group by 1, 2, 3, 4, 5, 6, 7
$$;

-- People of a distinct count, open and confidential work together, each once.
create function app.people_together(p_indicators uuid[], p_periods text[])
    returns table (indicator_id uuid, period text, organization_id uuid, dimensions jsonb, people bigint)
    language plpgsql stable security definer set search_path = public, pg_temp
as $$
#variable_conflict use_column
begin
    if not app.is_backbone() then
        return;
    end if;
    return query
    select l.indicator_id, g.cell ->> 0, (g.cell ->> 1)::uuid, g.cell -> 2,
           count(distinct coalesce(a.canonical_id, l.person_id))
      from indicator_live l
      join indicator i on i.id = l.indicator_id and i.collaborative_id = app.collaborative()
     cross join lateral (select l.grain::jsonb as cell) g
      left join person_alias a
        on a.person_id = l.person_id and a.collaborative_id = i.collaborative_id and a.restricted
     where l.indicator_id = any(p_indicators) and l.touches > 0 and g.cell ->> 0 = any(p_periods)
     group by 1, 2, 3, 4;
end
$$;

-- What the ledger of these periods gained and lost since an event: late work, work taken back, records joined to one person.
create function app.corrections(p_indicators uuid[], p_periods text[], p_after bigint)
    returns table (indicator_id uuid, period text, part text, organization_id uuid, dimensions jsonb, restricted boolean,
                   late bigint, taken_back bigint, joined bigint, change bigint)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select e.indicator_id, e.period, e.part, e.organization_id, m.dimensions, e.restricted,
           count(distinct e.event_id) filter (where e.value > 0 and v.kind not in ('clients_linked', 'link_revoked')),
           count(distinct e.event_id) filter (where e.value < 0 and v.kind not in ('clients_linked', 'link_revoked')),
           count(distinct e.event_id) filter (where v.kind in ('clients_linked', 'link_revoked')),
           sum(e.value)::bigint
      from event v
      join indicator_entry e on e.event_id = v.id
      join indicator i on i.id = e.indicator_id
     cross join lateral (
        select e.dimensions where i.rule ->> 'measure' = 'distinct'
        union all
        select '{}'::jsonb where i.rule ->> 'measure' <> 'distinct'
        union all
        select jsonb_build_object(b.name, coalesce(e.dimensions ->> b.name, 'unknown'))
          from jsonb_array_elements_text(coalesce(i.rule -> 'by', '[]')) as b(name)
         where i.rule ->> 'measure' <> 'distinct' and b.name <> 'organization') as m(dimensions)
     where (select app.is_backbone()) and v.seq > p_after and e.collaborative_id = app.collaborative()
       and e.indicator_id = any(p_indicators) and e.period = any(p_periods)
     group by 1, 2, 3, 4, 5, 6
$$;

-- Up to which event a snapshot goes: also of those that the backbone may not see.
create function app.last_event() returns bigint
    language sql stable security definer set search_path = public, pg_temp
as $$ select coalesce(max(e.seq), 0) from event e where (select app.is_backbone()) $$;

-- How many cases a sum was made of: events that count and that nobody took back.
create function app.cases(p_indicators uuid[], p_periods text[])
    returns table (indicator_id uuid, period text, organization_id uuid, dimensions jsonb, restricted boolean, cases bigint)
    language sql stable security definer set search_path = public, pg_temp
as $$
    with gone as materialized (
        select r.id::uuid as id from event v cross join lateral jsonb_array_elements_text(v.reverses) as r(id)
         where v.reverses <> '[]')
    select e.indicator_id, e.period, e.organization_id, m.dimensions, e.restricted, count(distinct e.event_id)
      from indicator_entry e join indicator i on i.id = e.indicator_id
     cross join lateral (
        select '{}'::jsonb as dimensions
        union all
        select jsonb_build_object(b.name, coalesce(e.dimensions ->> b.name, 'unknown'))
          from jsonb_array_elements_text(coalesce(i.rule -> 'by', '[]')) as b(name) where b.name <> 'organization') as m
     where (select app.is_backbone()) and e.collaborative_id = app.collaborative() and e.value > 0
       and e.indicator_id = any(p_indicators) and e.period = any(p_periods) and e.event_id not in (select id from gone)
     group by 1, 2, 3, 4, 5
$$;

-- What everybody may read, without a name: nothing but published snapshots. Newest periods first; of each its last version,
-- unless one is asked for.
create function app.published(p_collaborative text, p_period text, p_version integer, p_limit integer)
    returns table (id uuid, collaborative_slug text, collaborative_name text, period text, version integer, starts_on date,
                   ends_on date, published_at timestamptz, threshold integer, agenda_version integer, body jsonb)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select x.* from (
        select distinct on (c.slug, p.ends_on, p.starts_on, p.period) p.id, c.slug, c.name, p.period, p.version, p.starts_on,
               p.ends_on, p.published_at, p.threshold, p.agenda_version, p.body
          from publication p join collaborative c on c.id = p.collaborative_id
         where (p_collaborative is null or c.slug = p_collaborative) and (p_period is null or p.period = p_period)
           and (p_version is null or p.version = p_version)
         order by c.slug, p.ends_on desc, p.starts_on desc, p.period, p.version desc) x
     order by x.ends_on desc, x.starts_on desc, x.slug limit p_limit
$$;

revoke execute on function app.figures(uuid[], text[]), app.people_together(uuid[], text[]),
    app.last_event(), app.cases(uuid[], text[]), app.corrections(uuid[], text[], bigint), app.published(text, text, integer, integer) from public;
grant execute on function app.figures(uuid[], text[]), app.people_together(uuid[], text[]),
    app.last_event(), app.cases(uuid[], text[]), app.corrections(uuid[], text[], bigint), app.published(text, text, integer, integer) to concert_api;
set local role concert_owner;
revoke create on schema app from concert_counter;
