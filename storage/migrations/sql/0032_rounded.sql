grant create on schema app to concert_counter;
set local role concert_counter;

-- The largest single amount that a sum counts in these periods, open and confidential apart: published amounts are rounded to a
-- step above it, so that none can be read off two of them.
create function app.largest(p_indicators uuid[], p_periods text[])
    returns table (indicator_id uuid, restricted boolean, amount bigint)
    language sql stable security definer set search_path = public, pg_temp
as $$
    with gone as materialized (
        select r.id::uuid as id from event v cross join lateral jsonb_array_elements_text(v.reverses) as r(id)
         where v.reverses <> '[]')
    select e.indicator_id, e.restricted, max(e.value)
      from indicator_entry e
     where (select app.is_backbone()) and e.collaborative_id = app.collaborative() and e.value > 0
       and e.indicator_id = any(p_indicators) and e.period = any(p_periods) and e.event_id not in (select id from gone)
     group by 1, 2
$$;
revoke execute on function app.largest(uuid[], text[]) from public;
grant execute on function app.largest(uuid[], text[]) to concert_api;
set local role concert_owner;
revoke create on schema app from concert_counter;

grant create on schema app to concert_disclosure;
set local role concert_disclosure;

-- As before within one attempt: a request, or a plan with its steps. Of several attempts the one that helped most counts: what
-- the client said of one provider does not undo what another did later.
create or replace function app.need_state(p_need uuid) returns table (outcome text, by text, event jsonb)
    language sql volatile security definer set search_path = public, pg_temp
as $$
    select w.outcome, w.by, (select to_jsonb(e) from event e where e.id = n.outcome_event_id)
      from need n
      left join lateral (
        select y.outcome, y.by
          from (select distinct on (x.attempt) x.*
                  from (select p.id as attempt, g.outcome, g.outcome_by as by, true as goal, p.updated_at
                          from plan_goal g join action_plan p on p.id = g.action_plan_id
                         where g.need_id = n.id and g.outcome is not null and p.state <> 'entered_in_error'
                        union all
                        select coalesce(r.action_plan_id, r.id), coalesce(r.outcome_client, r.outcome_source, r.outcome_task),
                               case when r.outcome_client is not null then 'client'
                                    when r.outcome_source is not null then 'source' else 'task' end,
                               false, r.updated_at
                          from referral r
                         where r.need_id = n.id and r.state <> 'entered_in_error'
                           and coalesce(r.outcome_client, r.outcome_source, r.outcome_task) is not null) x
                 order by x.attempt, (x.by = 'client') desc, x.goal desc,
                          array_position(array['need_met', 'partly_met', 'unmet'], x.outcome),
                          array_position(array['client', 'source', 'task'], x.by), x.updated_at desc) y
         order by array_position(array['need_met', 'partly_met', 'unmet'], y.outcome),
                  array_position(array['client', 'source', 'task'], y.by), y.goal desc, y.updated_at desc
         limit 1) w on true
     where n.id = p_need
       and (session_user = 'concert_engine' or n.organization_id = app.me()
            or exists (select from referral r where r.need_id = n.id and r.target_organization_id = app.me()))
$$;
set local role concert_owner;
revoke create on schema app from concert_disclosure;
