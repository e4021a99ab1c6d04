-- Context of the transaction. Set by app.enter with set_config(…, true): gone at its end. '' afterwards, not null: nullif.
create function app.me() returns uuid language sql stable parallel safe
    as $$ select nullif(current_setting('app.organization', true), '')::uuid $$;
create function app.person() returns uuid language sql stable parallel safe
    as $$ select nullif(current_setting('app.user', true), '')::uuid $$;
create function app.collaborative() returns uuid language sql stable parallel safe
    as $$ select nullif(current_setting('app.collaborative', true), '')::uuid $$;
create function app.is_backbone() returns boolean language sql stable parallel safe
    as $$ select coalesce(current_setting('app.backbone', true), '') = 'on' $$;

-- Does a dated thing hold on the day that it is there? Without a zone: in the transaction's region, UTC for the engine.
create function app.current(p_starts date, p_ends date, p_zone text default null) returns boolean language sql stable parallel safe
    as $$ select (now() at time zone coalesce(p_zone, nullif(current_setting('app.zone', true), ''), 'UTC'))::date
                 between p_starts and coalesce(p_ends, 'infinity') $$;

-- Who is this, for whom do they act, and was this command seen before? One round trip, at the start of every transaction.
-- No row: unknown, revoked, or no current membership there.
create function app.enter(p_subject text, p_organization uuid, p_key text)
    returns table (
        user_id uuid, login text, language text, organization_id uuid, organization_slug text, confidential boolean,
        part2 boolean, roles text[], collaborative_id uuid, agenda_revision integer, backbone boolean,
        now timestamptz, seen jsonb
    )
    language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_zone text;
begin
    select u.id, u.login, u.language, o.id, o.slug, o.confidential, o.part2, c.id, c.revision, p.role = 'backbone', c.zone,
           (select array_agg(r.role order by r.role)
              from membership r
             where r.user_id = u.id and r.organization_id = o.id and app.current(r.starts_on, r.ends_on, c.zone)),
           (select jsonb_build_object('fingerprint', encode(k.fingerprint, 'hex'), 'status', k.status, 'body', k.body)
              from command k
             where k.user_id = u.id and k.organization_id = o.id and k.key = p_key)
      into user_id, login, language, organization_id, organization_slug, confidential, part2, collaborative_id,
           agenda_revision, backbone, v_zone, roles, seen
      from user_account u
      join membership m on m.user_id = u.id
      join organization o on o.id = m.organization_id
      join partnership p on p.organization_id = o.id
      join collaborative c on c.id = p.collaborative_id
     where u.subject = p_subject and u.revoked_at is null
       and (p_organization is null or m.organization_id = p_organization)
       and app.current(m.starts_on, m.ends_on, c.zone) and app.current(p.starts_on, p.ends_on, c.zone)
     order by m.starts_on, m.id, p.starts_on
     limit 1;
    if not found then
        return;
    end if;
    perform set_config('app.user', user_id::text, true), set_config('app.organization', organization_id::text, true),
            set_config('app.collaborative', collaborative_id::text, true),
            set_config('app.zone', v_zone, true),
            set_config('app.backbone', case when backbone then 'on' else '' end, true);
    now := clock_timestamp();
    return next;
end
$$;

-- Does this consent let `p_recipient` see, now? Asked by policies; it tells nobody whose consent it is.
create function app.consent_holds(p_consent uuid, p_recipient uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
as $$
    select exists (
        select from consent c
          join consent_recipient r on r.consent_id = c.id and r.organization_id = p_recipient
         where c.id = p_consent and c.revoked_at is null
           and c.valid_from <= now() and (c.valid_until is null or c.valid_until > now()))
$$;

-- The same, and does it name this kind of data (identity, contact, demographics, notes)?
create function app.consent_covers(p_consent uuid, p_recipient uuid, p_kind text) returns boolean
    language sql stable security definer set search_path = public, pg_temp
as $$
    select app.consent_holds(p_consent, p_recipient)
       and exists (select from consent c where c.id = p_consent and c.data_kinds ? p_kind)
$$;

-- Copy what the consent discloses into the accepting organization's own record (decision 17). Only for the organization
-- whose transaction it is, only for a task that it owns. Of a household, the member whose consent it is. Null: nothing may be
-- disclosed. A repeat returns the same record, also of two tasks that are accepted at the same moment: one waits for the other.
create function app.disclose(p_task uuid, p_new_id uuid) returns uuid
    language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    r record;
    known uuid;
begin
    select k.client_id, f.consent_id, f.source_organization_id, k.data_kinds
      into r
      from task t join referral f on f.id = t.referral_id join consent k on k.id = f.consent_id
     where t.id = p_task and t.organization_id = app.me() and t.organization_id <> f.source_organization_id
       and f.target_organization_id = t.organization_id
       and (k.client_id = f.client_id
            or exists (select from household_member m where m.household_id = f.household_id and m.client_id = k.client_id
                         and m.organization_id = f.source_organization_id and m.ends_on is null));
    if not found or not app.consent_holds(r.consent_id, app.me()) then
        return null;
    end if;
    perform pg_advisory_xact_lock(hashtextextended(r.consent_id::text || app.me()::text, 0));
    select c.id into known from client c join client s on s.person_id = c.person_id
     where s.id = r.client_id and c.organization_id = app.me() and c.consent_id = r.consent_id;
    if found then
        return known;
    end if;
    insert into client (id, organization_id, person_id, identity, given_name, family_name, alias, birth_date, birth_year,
                        birth_estimated, language, interpreter, contact, demographics, origin_organization_id, consent_id,
                        created_by, created_at)
    select p_new_id, app.me(), s.person_id,
           case when r.data_kinds ? 'identity' then s.identity else 'anonymous' end,
           case when r.data_kinds ? 'identity' then s.given_name end,
           case when r.data_kinds ? 'identity' then s.family_name end,
           case when r.data_kinds ? 'identity' then s.alias end,
           case when r.data_kinds ? 'identity' then s.birth_date end,
           case when r.data_kinds ? 'identity' then s.birth_year end,
           s.birth_estimated, s.language, s.interpreter,
           case when r.data_kinds ? 'contact' then s.contact else '{}' end,
           case when r.data_kinds ? 'demographics' then s.demographics else '{}' end,
           r.source_organization_id, r.consent_id, app.person(), now()
      from client s where s.id = r.client_id;
    insert into client_residence (id, client_id, organization_id, kind, county, address, postal_code, starts_on)
    select uuidv7(), p_new_id, app.me(), s.kind, s.county,
           case when r.data_kinds ? 'contact' then s.address end,
           case when r.data_kinds ? 'contact' then s.postal_code end, s.starts_on
      from client_residence s where s.client_id = r.client_id and s.ends_on is null;
    return p_new_id;
end
$$;

-- What all referrals of a need say of it, and the event that said so last: read past the walls between the targets of one need,
-- by those who take part in it. Within a referral the client's word counts, then the source's, then the task's (decision 28);
-- among referrals the best outcome: a need that one of them met is met. Volatile: called in the statement that locks the need,
-- it must see what was committed while that waited.
create function app.need_state(p_need uuid) returns table (outcome text, by text, event jsonb)
    language sql volatile security definer set search_path = public, pg_temp
as $$
    select w.outcome, w.by, (select to_jsonb(e) from event e where e.id = n.outcome_event_id)
      from need n
      left join lateral (
        select coalesce(r.outcome_client, r.outcome_source, r.outcome_task) as outcome,
               case when r.outcome_client is not null then 'client' when r.outcome_source is not null then 'source'
                    else 'task' end as by
          from referral r
         where r.need_id = n.id and r.state <> 'entered_in_error'
           and coalesce(r.outcome_client, r.outcome_source, r.outcome_task) is not null
         order by array_position(array['need_met', 'partly_met', 'unmet'],
                                 coalesce(r.outcome_client, r.outcome_source, r.outcome_task)),
                  (r.outcome_client is null), (r.outcome_source is null), r.updated_at desc
         limit 1) w on true
     where n.id = p_need
       and (session_user = 'concert_engine' or n.organization_id = app.me()
            or exists (select from referral r where r.need_id = n.id and r.target_organization_id = app.me()))
$$;

-- What is not folded or not sealed yet is noted by the record itself: nobody can forge or forget it.
create function app.note_unfolded() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    insert into entry_unfolded (entry_id, indicator_id) select id, indicator_id from fresh;
    return null;
end
$$;

create function app.note_unsealed() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    insert into audit_unsealed (audit_id) select id from fresh;
    return null;
end
$$;

-- A copy cannot shed the consent that made it; a revocation cannot be taken back; nothing changes hands.
create function app.guard_client() returns trigger language plpgsql as $$
begin
    if current_user = 'concert_api' and (new.id, new.organization_id, new.person_id, new.origin_organization_id, new.consent_id, new.created_at)
       is distinct from
       (old.id, old.organization_id, old.person_id, old.origin_organization_id, old.consent_id, old.created_at) then
        raise exception 'a client record keeps its owner and its origin' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

create function app.guard_consent() returns trigger language plpgsql as $$
begin
    if current_user = 'concert_api' and (old.revoked_at is not null
       or to_jsonb(new) - '{revoked_at,version}'::text[] <> to_jsonb(old) - '{revoked_at,version}'::text[]) then
        raise exception 'a consent can only be revoked' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

-- Whatever the steward changes of the agenda is read again by every process: the revision names what was read.
create function app.revise() returns trigger language plpgsql as $$
begin
    update collaborative set revision = revision + 1;
    return null;
end
$$;

create function app.revise_itself() returns trigger language plpgsql as $$
begin
    new.revision := old.revision + 1;
    return new;
end
$$;

-- A person counts once in each grain: adds `step` to the live touches and answers the grains that went 0 to 1 (+1) or back (-1).
-- Rows are taken in sorted order, so that two transactions for one person cannot wait for each other in a ring.
create function app.touch(p_event uuid, p_touches jsonb)
    returns table (indicator_id uuid, grain text, change integer)
    language sql security definer set search_path = public, pg_temp
as $$
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
        returning indicator_live.indicator_id, indicator_live.grain, person_id, touches)
    select l.indicator_id, l.grain, case when k.step > 0 then 1 else -1 end
      from live l join kept k using (indicator_id, grain, person_id)
     where (k.step > 0 and l.touches > 0 and l.touches - k.step <= 0)
        or (k.step < 0 and l.touches <= 0 and l.touches - k.step > 0)
$$;

-- Who may write which column. Identity of a piece of work never changes; the target cannot rewrite what the source said.
create function app.guard_referral() returns trigger language plpgsql as $$
begin
    if (new.id, new.reference, new.collaborative_id, new.source_organization_id, new.created_at, new.created_by)
       is distinct from
       (old.id, old.reference, old.collaborative_id, old.source_organization_id, old.created_at, old.created_by)
       or (current_user = 'concert_api' and app.me() is distinct from old.source_organization_id and
           (new.target_organization_id, new.service_id, new.need_id, new.client_id, new.household_id, new.person_id,
            new.consent_id, new.kind, new.origin, new.priority, new.term, new.county, new.sensitive, new.restricted,
            new.transfer, new.outcome_source, new.outcome_client, new.confirmed_by, new.round)
           is distinct from
           (old.target_organization_id, old.service_id, old.need_id, old.client_id, old.household_id, old.person_id,
            old.consent_id, old.kind, old.origin, old.priority, old.term, old.county, old.sensitive, old.restricted,
            old.transfer, old.outcome_source, old.outcome_client, old.confirmed_by, old.round)) then
        raise exception 'this column of a referral is not yours to write' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

create function app.guard_task() returns trigger language plpgsql as $$
begin
    if (new.id, new.collaborative_id, new.kind, new.owner_id, new.referral_id, new.action_plan_id, new.step_key, new.round,
        new.organization_id, new.source_organization_id, new.service_id, new.created_at, new.requested_at, new.restricted, new.on_behalf,
        new.priority, new.title)
       is distinct from
       (old.id, old.collaborative_id, old.kind, old.owner_id, old.referral_id, old.action_plan_id, old.step_key, old.round,
        old.organization_id, old.source_organization_id, old.service_id, old.created_at, old.requested_at, old.restricted, old.on_behalf,
        old.priority, old.title)
       or (current_user = 'concert_api' and app.me() is distinct from old.organization_id and not old.on_behalf and
           (case when new.state = 'entered_in_error' then coalesce(new.outcome, old.outcome) else new.outcome end, new.outputs, new.assigned_to, new.client_id, new.accepted_at, new.first_contact_at)
           is distinct from
           (old.outcome, old.outputs, old.assigned_to, old.client_id, old.accepted_at, old.first_contact_at)) then
        raise exception 'this column of a task is not yours to write' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

create function app.guard_need() returns trigger language plpgsql as $$
begin
    if (new.id, new.collaborative_id, new.organization_id, new.client_id, new.household_id, new.term, new.created_at)
       is distinct from
       (old.id, old.collaborative_id, old.organization_id, old.client_id, old.household_id, old.term, old.created_at) then
        raise exception 'a need keeps its subject and its term' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

-- Append-only means that not even a bug may rewrite it.
create function app.append_only() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end
$$;

create trigger guard before update on referral for each row execute function app.guard_referral();
create trigger guard before update on task for each row execute function app.guard_task();
create trigger guard before update on need for each row execute function app.guard_need();
create trigger append_only before update or delete on event for each row execute function app.append_only();
create trigger append_only before update or delete on indicator_entry for each row execute function app.append_only();
create trigger append_only before update or delete on audit for each row execute function app.append_only();
create trigger append_only before update or delete on audit_seal for each row execute function app.append_only();
create trigger guard before update on client for each row execute function app.guard_client();
create trigger guard before update on consent for each row execute function app.guard_consent();
create trigger note_unfolded after insert on indicator_entry referencing new table as fresh
    for each statement execute function app.note_unfolded();
create trigger note_unsealed after insert on audit referencing new table as fresh
    for each statement execute function app.note_unsealed();
create trigger revise after insert or update or delete on agenda for each row execute function app.revise();
create trigger revise after insert or update or delete on reason for each row execute function app.revise();
create trigger revise after insert or update or delete on indicator for each row execute function app.revise();
create trigger revise_itself before update on collaborative for each row execute function app.revise_itself();
