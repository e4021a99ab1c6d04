-- What was asked of several at once is named to those who lost it, too; places that were given back are free again.

-- Kept as it was when it was told: who lost an offer reads the referral no longer.
alter table notice add column reference text;
comment on column notice.reference is 'plain';

grant create on schema app to concert_disclosure;
set local role concert_disclosure;
create or replace function app.room(p_service uuid, p_zone text default null)
    returns table (open_slots integer, "left" integer, taking boolean, stated_at timestamptz, lapses_on date)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select c.open_slots,
           case when c.open_slots is not null then
               greatest(0, c.open_slots - (select count(*) from task t
                                            where t.service_id = c.service_id and t.accepted_at > c.stated_at
                                              and t.state not in ('cancelled', 'failed', 'entered_in_error')))::integer end,
           c.taking, c.stated_at, c.lapses_on
      from service_capacity c
     where c.service_id = p_service and app.current('-infinity', c.lapses_on, p_zone)
$$;
set local role concert_owner;
revoke create on schema app from concert_disclosure;
