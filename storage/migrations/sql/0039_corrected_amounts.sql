-- squawk-ignore-file ban-drop-function
grant create on schema app to concert_counter;
set local role concert_counter;

-- As before; and by how many `cases` a sum changed: an amount that was corrected is still one, here or in another group.
drop function app.corrections(uuid[], text[], bigint);
create function app.corrections(p_indicators uuid[], p_periods text[], p_after bigint)
    returns table (indicator_id uuid, period text, part text, organization_id uuid, dimensions jsonb, restricted boolean,
                   late bigint, taken_back bigint, joined bigint, change bigint, cases bigint)
    language sql stable security definer set search_path = public, pg_temp
as $$
    with since as (
        select e.*, v.kind in ('clients_linked', 'link_revoked') as links, v.kind in ('task_corrected', 'task_restated') as corrects,
               case when v.kind in ('task_corrected', 'task_restated') then v.task_id || '/' || v.version else v.id::text end as happened
          from event v
          join indicator_entry e on e.event_id = v.id
         where (select app.is_backbone()) and v.seq > p_after and e.collaborative_id = app.collaborative()
           and e.indicator_id = any(p_indicators) and e.period = any(p_periods)),
    moved as (
        select s.indicator_id, s.period, s.part, s.bucket, s.organization_id, s.dimensions, s.restricted, s.value, sign(s.value) as cases,
               s.happened, s.links, s.corrects
          from since s where not s.corrects
        union all
        select s.indicator_id, s.period, s.part, s.bucket, s.organization_id, s.dimensions, s.restricted, sum(s.value)::bigint, sum(sign(s.value)),
               s.happened, false, true
          from since s where s.corrects
         group by s.indicator_id, s.period, s.part, s.bucket, s.organization_id, s.dimensions, s.restricted, s.happened
        having sum(s.value) <> 0)
    select n.indicator_id, n.period, n.part, n.organization_id, m.dimensions, n.restricted,
           count(distinct n.happened) filter (where n.value > 0 and not n.links and not n.corrects),
           count(distinct n.happened) filter (where (n.value < 0 or n.corrects) and not n.links),
           count(distinct n.happened) filter (where n.links),
           sum(n.value)::bigint,
           sum(n.cases)::bigint
      from moved n
      join indicator i on i.id = n.indicator_id
     cross join lateral (
        select n.dimensions where i.rule ->> 'measure' = 'distinct'
        union all
        select '{}'::jsonb where i.rule ->> 'measure' <> 'distinct'
        union all
        select jsonb_build_object(b.name, coalesce(n.dimensions ->> b.name, 'unknown'))
          from jsonb_array_elements_text(coalesce(i.rule -> 'by', '[]')) as b(name)
         where i.rule ->> 'measure' <> 'distinct' and b.name <> 'organization') as m(dimensions)
     group by 1, 2, 3, 4, 5, 6
$$;
revoke execute on function app.corrections(uuid[], text[], bigint) from public;
grant execute on function app.corrections(uuid[], text[], bigint) to concert_api;
set local role concert_owner;
revoke create on schema app from concert_counter;
