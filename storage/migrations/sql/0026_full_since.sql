grant create on schema app to concert_disclosure;
set local role concert_disclosure;

-- Since when a service has no room: its statement, or the yes that took the last place it stated, whosever that was. Those are counted
-- as `app.room` counts them.
create function app.full_since(p_service uuid) returns timestamptz
    language sql stable security definer set search_path = public, pg_temp
as $$
    select coalesce((select t.accepted_at from task t
                      where c.taking and c.open_slots > 0 and t.service_id = c.service_id and t.accepted_at > c.stated_at
                        and t.state not in ('cancelled', 'failed', 'entered_in_error')
                      order by t.accepted_at offset greatest(c.open_slots - 1, 0) limit 1),
                    c.stated_at)
      from service_capacity c
     where c.service_id = p_service
$$;
revoke execute on function app.full_since(uuid) from public;
grant execute on function app.full_since(uuid) to concert_api, concert_engine;
set local role concert_owner;
revoke create on schema app from concert_disclosure;
