-- What the backbone may do to the work that it watches: nudge, escalate, let it rest, propose. Never a state, never a clock
-- (ADR 0016). And who hears in place of somebody who is away.

-- It locks and writes unrestricted work of its collaborative ...
create policy watches on task for update to concert_api
    using ((select app.is_backbone()) and collaborative_id = (select app.collaborative()) and not restricted);
create policy watches on referral for update to concert_api
    using ((select app.is_backbone()) and collaborative_id = (select app.collaborative()) and not restricted);
create policy watches on action_plan for update to concert_api
    using ((select app.is_backbone()) and collaborative_id = (select app.collaborative()) and not restricted);

-- ... and of that only how far the reminders have climbed and how long it may rest: of open work, one version at a time, by
-- whoever has the role; the auditor beside them only reads.
create function app.guard_watch() returns trigger language plpgsql as $$
declare
    was jsonb;
    watched constant text[] := '{excepted_until,rung,review_rung,goals_rung,updated_at,version}';
begin
    if current_user <> 'concert_api' or not app.is_backbone() then
        return new;
    end if;
    was := to_jsonb(old);
    if app.me()::text in (was ->> 'organization_id', was ->> 'source_organization_id', was ->> 'target_organization_id') then
        return new;
    end if;
    if was - watched <> to_jsonb(new) - watched or new.version <> old.version + 1 or new.rung < old.rung
       or new.excepted_until > now() + interval '100 days'
       or was ->> 'state' not in ('requested', 'acknowledged', 'info_requested', 'accepted', 'waitlisted', 'in_progress',
                                  'on_hold', 'active', 'awaiting_source')
       or not exists (select from membership m
                       where m.user_id = app.person() and m.organization_id = app.me() and m.role = 'backbone'
                         and app.current(m.starts_on, m.ends_on)) then
        raise exception 'the backbone watches this work, it does not move it' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
revoke execute on function app.guard_watch() from public;
create trigger guard_watch before update on task for each row execute function app.guard_watch();
create trigger guard_watch before update on referral for each row execute function app.guard_watch();
create trigger guard_watch before update on action_plan for each row execute function app.guard_watch();

-- Of others' work it says nothing but these, and each about work that is as the event tells.
create policy watches on event for insert to concert_api
    with check ((select app.is_backbone()) and collaborative_id = (select app.collaborative()) and not restricted
                and acting_organization_id = (select app.me()) and user_id = (select app.person())
                and exists (select from membership m
                             where m.user_id = (select app.person()) and m.organization_id = (select app.me())
                               and m.role = 'backbone' and app.current(m.starts_on, m.ends_on))
                and kind in ('task_nudged', 'task_escalated', 'task_excepted', 'task_watched',
                             'referral_nudged', 'referral_escalated', 'step_escalated', 'referral_excepted', 'referral_watched',
                             'plan_nudged', 'plan_escalated', 'plan_excepted', 'plan_watched',
                             'referral_reroute_proposed', 'step_reroute_proposed')
                and (kind not like '%\_escalated' or facts ->> 'by_hand' = 'yes')
                and from_state is not distinct from to_state and reason is null
                and settled = '{}' and reverses = '[]'
                and case
                    when task_id is not null then exists (
                        select from task t
                         where t.id = task_id and t.referral_id is not distinct from event.referral_id
                           and t.organization_id = event.organization_id
                           and t.source_organization_id = event.source_organization_id and t.state = to_state)
                    when referral_id is not null then exists (
                        select from referral r
                         where r.id = referral_id and r.target_organization_id = event.organization_id
                           and r.source_organization_id = event.source_organization_id)
                    else exists (
                        select from action_plan p
                         where p.id = action_plan_id and p.organization_id = event.organization_id
                           and p.organization_id = event.source_organization_id) end);

-- The engine opens steps of plans, with every plain column of a referral.

-- People's memberships are known to their own organization only; who hears of work is asked by others and by the engine.
grant update (absent_until, delegate_user_id) on membership to concert_identity;
create policy absence on membership for update to concert_identity using (true);
grant create on schema app to concert_identity;
set local role concert_identity;

-- Who acts for this person there today: they themselves, or whoever they named while they are away, and so on.
-- Null: they are gone, or away without having named anybody; then it is for the organization to hear.
create function app.stands_in(p_user uuid, p_organization uuid) returns uuid
    language plpgsql stable security definer set search_path = public, pg_temp
as $$
declare
    person uuid := p_user;
    away date;
    delegate uuid;
begin
    for step in 1..5 loop
        select m.absent_until, m.delegate_user_id into away, delegate
          from membership m join user_account u on u.id = m.user_id and u.revoked_at is null
         where m.user_id = person and m.organization_id = p_organization and app.current(m.starts_on, m.ends_on)
         order by m.absent_until desc nulls last, m.id limit 1;
        if not found then
            return null;
        end if;
        if away is null or not app.current('-infinity', away - 1) then
            return person;
        end if;
        person := delegate;
    end loop;
    return null;
end
$$;

-- The list of stalled work asks the same: a delegate may be away too.
create or replace function app.away()
    returns table (user_id uuid, organization_id uuid, gone_since timestamp with time zone, delegate_user_id uuid)
    language sql stable security definer rows 30 set search_path = public, pg_temp
as $$
    with zone as (select coalesce(nullif(current_setting('app.zone', true), ''), 'UTC') as name),
         held as (
            select m.user_id, m.organization_id, u.revoked_at,
                   bool_or(app.current(m.starts_on, m.ends_on)) as here,
                   max(m.ends_on) as ended,
                   bool_or(app.current(m.starts_on, m.ends_on)
                           and coalesce(m.absent_until > (now() at time zone zone.name)::date, false)) as absent
              from membership m join user_account u on u.id = m.user_id cross join zone
             group by m.user_id, m.organization_id, u.revoked_at)
    select h.user_id, h.organization_id,
           case when h.revoked_at is not null or not h.here
                then least(h.revoked_at, case when not h.here then (h.ended + 1)::timestamp at time zone zone.name end) end,
           case when h.here and h.revoked_at is null then app.stands_in(h.user_id, h.organization_id) end
      from held h cross join zone
     where h.revoked_at is not null or not h.here or h.absent
$$;

-- Is there a supervisor who is somebody else? Work that nobody is assigned to reached everybody at the owner's rung: a
-- supervisor who is everybody has heard it.
create function app.supervised(p_organization uuid, p_user uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
as $$
    select exists (
        select from membership s
         where s.organization_id = p_organization and s.role = 'supervisor' and app.current(s.starts_on, s.ends_on)
           and s.user_id is distinct from p_user
           and (p_user is not null
                or exists (select from membership x
                            where x.organization_id = p_organization and x.role in ('caseworker', 'supervisor', 'agency_admin')
                              and x.user_id <> s.user_id and app.current(x.starts_on, x.ends_on))))
$$;

-- Away until a day (null: back), and who acts meanwhile. For the person, or a supervisor or administrator of theirs; the delegate
-- is a colleague. False: not one of those.
create function app.set_absence(p_user uuid, p_until date, p_delegate uuid) returns boolean
    language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    if p_user is distinct from app.person() and not exists (
        select from membership s
         where s.user_id = app.person() and s.organization_id = app.me() and s.role in ('supervisor', 'agency_admin')
           and app.current(s.starts_on, s.ends_on)) then
        return false;
    end if;
    if p_delegate is not null and (p_delegate = p_user or not exists (
        select from membership d
         where d.user_id = p_delegate and d.organization_id = app.me() and app.current(d.starts_on, d.ends_on))) then
        return false;
    end if;
    update membership m set absent_until = p_until, delegate_user_id = p_delegate
     where m.user_id = p_user and m.organization_id = app.me() and app.current(m.starts_on, m.ends_on);
    return found;
end
$$;

revoke execute on function app.stands_in(uuid, uuid), app.supervised(uuid, uuid), app.set_absence(uuid, date, uuid) from public;
grant execute on function app.stands_in(uuid, uuid), app.supervised(uuid, uuid) to concert_api, concert_engine;
grant execute on function app.set_absence(uuid, date, uuid) to concert_api;
set local role concert_owner;
revoke create on schema app from concert_identity;
