-- A consent that came after the partner's yes: the one that referred lets what it discloses be copied then, as at the yes.
grant update (client_id, updated_at) on task to concert_disclosure;
create policy disclosure_moves on task for update to concert_disclosure using (true);
grant create on schema app to concert_disclosure;
set local role concert_disclosure;

-- Copy what the consent of this task's request discloses into the record of the organization that owns the task (decision 17).
-- Of a household, the member whose consent it is. Null: nothing may be disclosed. A repeat returns the same record, also of two
-- tasks at the same moment: one waits for the other. Called by the two below, who know whose transaction it is.
create function app.copy_client(p_task uuid, p_owner uuid, p_new_id uuid) returns uuid
    language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    r record;
    known uuid;
begin
    select k.client_id, f.consent_id, f.source_organization_id, k.data_kinds
      into r
      from task t join referral f on f.id = t.referral_id join consent k on k.id = f.consent_id
     where t.id = p_task and t.organization_id = p_owner and t.organization_id <> f.source_organization_id
       and f.target_organization_id = t.organization_id
       and (k.client_id = f.client_id
            or exists (select from household_member m where m.household_id = f.household_id and m.client_id = k.client_id
                         and m.organization_id = f.source_organization_id and m.ends_on is null));
    if not found or not app.consent_holds(r.consent_id, p_owner) then
        return null;
    end if;
    perform pg_advisory_xact_lock(hashtextextended(r.consent_id::text || p_owner::text, 0));
    select c.id into known from client c join client s on s.person_id = c.person_id
     where s.id = r.client_id and c.organization_id = p_owner and c.consent_id = r.consent_id;
    if found then
        return known;
    end if;
    insert into client (id, organization_id, person_id, identity, given_name, family_name, alias, birth_date, birth_year,
                        birth_estimated, language, interpreter, contact, demographics, origin_organization_id, consent_id,
                        created_by, created_at)
    select p_new_id, p_owner, s.person_id,
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
    select uuidv7(), p_new_id, p_owner, s.kind, s.county,
           case when r.data_kinds ? 'contact' then s.address end,
           case when r.data_kinds ? 'contact' then s.postal_code end, s.starts_on
      from client_residence s where s.client_id = r.client_id and s.ends_on is null;
    return p_new_id;
end
$$;

-- At the yes, in the transaction of who said it.
create or replace function app.disclose(p_task uuid, p_new_id uuid) returns uuid
    language sql security definer set search_path = public, pg_temp
as $$
    select app.copy_client(p_task, app.me(), p_new_id)
$$;

-- Since the yes, in the transaction of the one that referred; while the partner works on it.
create function app.disclose_since(p_task uuid, p_new_id uuid) returns uuid
    language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    working uuid;
    copied uuid;
begin
    select t.organization_id into working from task t join referral f on f.id = t.referral_id
     where t.id = p_task and f.source_organization_id = app.me() and not t.on_behalf
       and t.state in ('accepted', 'waitlisted', 'in_progress', 'on_hold');
    if not found then
        return null;
    end if;
    copied := app.copy_client(p_task, working, p_new_id);
    if copied is not null then
        update task set client_id = copied, updated_at = clock_timestamp() where id = p_task and client_id is distinct from copied;
    end if;
    return copied;
end
$$;

revoke execute on function app.copy_client(uuid, uuid, uuid), app.disclose_since(uuid, uuid) from public;
grant execute on function app.disclose_since(uuid, uuid) to concert_api;
set local role concert_owner;
revoke create on schema app from concert_disclosure;
