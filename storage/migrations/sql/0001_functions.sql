-- Context of the transaction. Set by app.enter with set_config(…, true): gone at its end. '' afterwards, not null: nullif.
create function app.me() returns uuid language sql stable parallel safe
    as $$ select nullif(current_setting('app.organization', true), '')::uuid $$;
create function app.person() returns uuid language sql stable parallel safe
    as $$ select nullif(current_setting('app.user', true), '')::uuid $$;
create function app.collaborative() returns uuid language sql stable parallel safe
    as $$ select nullif(current_setting('app.collaborative', true), '')::uuid $$;
create function app.is_backbone() returns boolean language sql stable parallel safe
    as $$ select coalesce(current_setting('app.backbone', true), '') = 'on' $$;

-- Who is this, for whom do they act, and was this command seen before? One round trip, at the start of every transaction.
-- No row: unknown, revoked, or no current membership there.
create function app.enter(p_subject text, p_organization uuid, p_key text)
    returns table (
        user_id uuid, login text, language text, organization_id uuid, organization_slug text, confidential boolean,
        part2 boolean, roles text[], collaborative_id uuid, agenda_version integer, backbone boolean,
        now timestamptz, seen jsonb
    )
    language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    select u.id, u.login, u.language, o.id, o.slug, o.confidential, o.part2
      into user_id, login, language, organization_id, organization_slug, confidential, part2
      from user_account u
      join membership m on m.user_id = u.id
      join organization o on o.id = m.organization_id
     where u.subject = p_subject and u.revoked_at is null
       and m.starts_on <= current_date and (m.ends_on is null or m.ends_on >= current_date)
       and (p_organization is null or m.organization_id = p_organization)
     order by m.starts_on, m.id
     limit 1;
    if not found then
        return;
    end if;
    select array_agg(m.role order by m.role) into roles
      from membership m
     where m.user_id = enter.user_id and m.organization_id = enter.organization_id
       and m.starts_on <= current_date and (m.ends_on is null or m.ends_on >= current_date);
    select c.id, c.agenda_version, p.role = 'backbone'
      into collaborative_id, agenda_version, backbone
      from partnership p join collaborative c on c.id = p.collaborative_id
     where p.organization_id = enter.organization_id
       and p.starts_on <= current_date and (p.ends_on is null or p.ends_on >= current_date)
     order by p.starts_on limit 1;
    if collaborative_id is null then
        return;
    end if;
    if p_key is not null then
        select jsonb_build_object('fingerprint', encode(k.fingerprint, 'hex'), 'status', k.status, 'body', k.body)
          into seen
          from command k
         where k.user_id = enter.user_id and k.organization_id = enter.organization_id and k.key = p_key;
    end if;
    perform set_config('app.user', user_id::text, true), set_config('app.organization', organization_id::text, true),
            set_config('app.collaborative', collaborative_id::text, true),
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
-- whose transaction it is, only for a task that it owns. Null: nothing may be disclosed. A repeat returns the same record.
create function app.disclose(p_task uuid, p_new_id uuid) returns uuid
    language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    r record;
    known uuid;
begin
    select f.client_id, f.consent_id, f.source_organization_id, k.data_kinds
      into r
      from task t join referral f on f.id = t.referral_id join consent k on k.id = f.consent_id
     where t.id = p_task and t.organization_id = app.me() and t.organization_id <> f.source_organization_id
       and f.target_organization_id = t.organization_id and k.client_id = f.client_id;
    if not found or r.client_id is null or not app.consent_holds(r.consent_id, app.me()) then
        return null;
    end if;
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
        new.organization_id, new.source_organization_id, new.service_id, new.created_at, new.restricted)
       is distinct from
       (old.id, old.collaborative_id, old.kind, old.owner_id, old.referral_id, old.action_plan_id, old.step_key, old.round,
        old.organization_id, old.source_organization_id, old.service_id, old.created_at, old.restricted)
       or (current_user = 'concert_api' and app.me() is distinct from old.organization_id and not old.on_behalf and
           (new.outcome, new.outputs, new.assigned_to, new.client_id, new.accepted_at, new.first_contact_at)
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
