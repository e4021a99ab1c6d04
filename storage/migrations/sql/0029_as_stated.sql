grant create on schema app to concert_disclosure;
set local role concert_disclosure;

-- Whether the caller may know how many were taken in since a statement: of a confidential provider only that provider itself
-- (ADR 17). The engine speaks to everybody, so it is nobody.
create function app.counts_down(p_service uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
as $$
    select exists (select from service s join organization o on o.id = s.organization_id
                    where s.id = p_service and (not o.confidential or o.id = app.me()))
$$;
revoke execute on function app.counts_down(uuid) from public;

-- As before; of a confidential provider others see what it stated, and never that anybody was taken in since.
create or replace function app.room(p_service uuid, p_zone text default null)
    returns table (open_slots integer, "left" integer, taking boolean, stated_at timestamptz, lapses_on date)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select c.open_slots,
           case when not app.counts_down(c.service_id) then c.open_slots
                when c.open_slots is not null then
               greatest(0, c.open_slots - (select count(*) from task t
                                            where t.service_id = c.service_id and t.accepted_at > c.stated_at
                                              and t.state not in ('cancelled', 'failed', 'entered_in_error')))::integer end,
           c.taking, c.stated_at, c.lapses_on
      from service_capacity c
     where c.service_id = p_service and app.current('-infinity', c.lapses_on, p_zone)
$$;

-- As before; nor when the last place was taken.
create or replace function app.full_since(p_service uuid) returns timestamptz
    language sql stable security definer set search_path = public, pg_temp
as $$
    select coalesce((select t.accepted_at from task t
                      where c.taking and c.open_slots > 0 and t.service_id = c.service_id and t.accepted_at > c.stated_at
                        and t.state not in ('cancelled', 'failed', 'entered_in_error') and app.counts_down(c.service_id)
                      order by t.accepted_at offset greatest(c.open_slots - 1, 0) limit 1),
                    c.stated_at)
      from service_capacity c
     where c.service_id = p_service
$$;
set local role concert_owner;
revoke create on schema app from concert_disclosure;
