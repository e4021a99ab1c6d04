-- Row security for every table, FORCE included: a table without a policy shows nothing to anybody.
do $$
declare
    t text;
begin
    for t in select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version' loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
    end loop;
end
$$;

grant usage on schema public, app to concert_api, concert_engine, concert_steward, concert_identity, concert_disclosure, concert_counter;
revoke execute on all functions in schema app from public;
grant execute on function app.me(), app.person(), app.collaborative(), app.is_backbone()
    to concert_api, concert_engine, concert_steward, concert_identity, concert_disclosure, concert_counter;
grant execute on function app.enter(text, uuid, text), app.consent_holds(uuid, uuid), app.consent_covers(uuid, uuid, text),
    app.disclose(uuid, uuid) to concert_api;
grant execute on function app.disclose(uuid, uuid) to concert_engine;
grant execute on function app.touch(uuid, jsonb), app.need_state(uuid), app.current(date, date, text) to concert_api, concert_engine;
grant execute on function app.current(date, date, text) to concert_identity;
grant execute on function app.revise(), app.revise_itself() to concert_steward;
grant execute on function app.consent_holds(uuid, uuid) to concert_disclosure;

-- identity: the sign-in function, nothing else runs as this role.
grant select on user_account, membership, organization, partnership, collaborative, command to concert_identity;
create policy identity on user_account for select to concert_identity using (true);
create policy identity on membership for select to concert_identity using (true);
create policy identity on organization for select to concert_identity using (true);
create policy identity on partnership for select to concert_identity using (true);
create policy identity on collaborative for select to concert_identity using (true);
create policy identity on command for select to concert_identity using (true);

-- disclosure: the two consent functions.
grant select on task, referral, need, event, consent, consent_recipient, household_member to concert_disclosure;
create policy disclosure on household_member for select to concert_disclosure using (true);
create policy disclosure on need for select to concert_disclosure using (true);
create policy disclosure on event for select to concert_disclosure using (true);
grant select, insert on client, client_residence to concert_disclosure;
create policy disclosure on task for select to concert_disclosure using (true);
create policy disclosure on referral for select to concert_disclosure using (true);
create policy disclosure on consent for select to concert_disclosure using (true);
create policy disclosure on consent_recipient for select to concert_disclosure using (true);
create policy disclosure on client to concert_disclosure using (true);
create policy disclosure on client_residence to concert_disclosure using (true);

-- counter: app.touch.
grant select, insert on indicator_touch to concert_counter;
grant select, insert, update on indicator_live to concert_counter;
create policy counter on indicator_touch to concert_counter using (true);
create policy counter on indicator_live to concert_counter using (true);
grant insert on entry_unfolded, audit_unsealed to concert_counter;
create policy counter on entry_unfolded for insert to concert_counter with check (true);
create policy counter on audit_unsealed for insert to concert_counter with check (true);

-- steward: directory, people who work here, agenda. No work table, no client.
do $$
declare
    t text;
begin
    foreach t in array array['collaborative', 'agenda', 'organization', 'partnership', 'program', 'taxonomy_term', 'service',
        'location', 'service_at_location', 'service_capacity', 'reason', 'indicator', 'user_account', 'membership'] loop
        execute format('grant select, insert, update, delete on %I to concert_steward', t);
        execute format('create policy steward on %I to concert_steward using (true)', t);
    end loop;
end
$$;

-- people (concert_api): the directory of their collaborative.
grant select on collaborative, agenda, organization, partnership, program, taxonomy_term, service, location,
    service_at_location, service_capacity, reason, indicator to concert_api;
create policy people on collaborative for select to concert_api using (id = (select app.collaborative()));
create policy people on agenda for select to concert_api using (collaborative_id = (select app.collaborative()));
create policy people on partnership for select to concert_api using (collaborative_id = (select app.collaborative()));
create policy people on reason for select to concert_api using (collaborative_id = (select app.collaborative()));
create policy people on indicator for select to concert_api using (collaborative_id = (select app.collaborative()));
create policy people on taxonomy_term for select to concert_api using ((select app.me()) is not null);
create policy people on organization for select to concert_api
    using (id in (select p.organization_id from partnership p));
create policy people on program for select to concert_api
    using (organization_id in (select p.organization_id from partnership p));
create policy people on service for select to concert_api
    using (organization_id in (select p.organization_id from partnership p));
create policy people on location for select to concert_api
    using (organization_id in (select p.organization_id from partnership p));
create policy people on service_at_location for select to concert_api
    using (service_id in (select s.id from service s));
create policy people on service_capacity for select to concert_api
    using (service_id in (select s.id from service s));

-- people: colleagues of their own organization.
grant select on user_account, membership to concert_api;
create policy people on membership for select to concert_api
    using (organization_id = (select app.me()) or user_id = (select app.person()));
create policy people on user_account for select to concert_api
    using (id in (select m.user_id from membership m));

-- people: clients belong to one organization; a copy lives as long as the consent that made it.
grant select, insert, update on client, client_residence, client_link, household, household_member to concert_api;
grant select, insert on consent to concert_api;
grant update (revoked_at, version) on consent to concert_api;
grant select, insert on consent_recipient, service_record to concert_api;
create policy people on client to concert_api
    using (organization_id = (select app.me()) and (consent_id is null or app.consent_holds(consent_id, organization_id)))
    with check (organization_id = (select app.me()));
create policy people on client_residence to concert_api
    using (organization_id = (select app.me()) and exists (select from client c where c.id = client_id))
    with check (organization_id = (select app.me()));
create policy people on client_link to concert_api using (organization_id = (select app.me()));
create policy people on household to concert_api using (organization_id = (select app.me()));
create policy people on household_member to concert_api using (organization_id = (select app.me()));
create policy people on consent to concert_api using (organization_id = (select app.me()));
create policy people on consent_recipient to concert_api using (discloser_id = (select app.me()));
create policy people on service_record to concert_api using (organization_id = (select app.me()));

-- people: source and target share a referral; the backbone sees the work, not the confidential part of it (ADR 0002).
grant select, insert, update on referral, task to concert_api;
grant select, insert on need to concert_api;
grant update (outcome, outcome_by, outcome_event_id, version) on need to concert_api;
grant select, insert on event, message to concert_api;
create policy own on need to concert_api using (organization_id = (select app.me()));
create policy target on need for select to concert_api
    using (exists (select from referral r where r.need_id = need.id and r.target_organization_id = (select app.me())));
create policy target_outcome on need for update to concert_api
    using (exists (select from referral r where r.need_id = need.id and r.target_organization_id = (select app.me())));
create policy sees on referral for select to concert_api
    using (source_organization_id = (select app.me()) or target_organization_id = (select app.me())
           or ((select app.is_backbone()) and collaborative_id = (select app.collaborative()) and not restricted));
create policy makes on referral for insert to concert_api
    with check (source_organization_id = (select app.me()) and collaborative_id = (select app.collaborative()));
create policy moves on referral for update to concert_api
    using (source_organization_id = (select app.me()) or target_organization_id = (select app.me()));
create policy sees on task for select to concert_api
    using (organization_id = (select app.me()) or source_organization_id = (select app.me())
           or ((select app.is_backbone()) and collaborative_id = (select app.collaborative()) and not restricted));
create policy makes on task for insert to concert_api
    with check (source_organization_id = (select app.me()) and collaborative_id = (select app.collaborative())
                and (referral_id is null or exists (select from referral r where r.id = referral_id
                                                      and r.source_organization_id = (select app.me()))));
create policy moves on task for update to concert_api
    using (organization_id = (select app.me()) or source_organization_id = (select app.me()));
create policy sees on event for select to concert_api
    using (organization_id = (select app.me()) or source_organization_id = (select app.me())
           or ((select app.is_backbone()) and collaborative_id = (select app.collaborative()) and not restricted));
create policy makes on event for insert to concert_api
    with check (acting_organization_id = (select app.me()) and collaborative_id = (select app.collaborative())
                and (organization_id = (select app.me()) or source_organization_id = (select app.me())));
create policy sees on message for select to concert_api
    using (organization_id = (select app.me())
           or (not about_client and reader_organization_id = (select app.me()))
           or (about_client and reader_organization_id is not null
               and exists (select from referral r where r.id = referral_id and r.target_organization_id = (select app.me())
                             and app.consent_covers(r.consent_id, (select app.me()), 'notes'))));
create policy makes on message for insert to concert_api
    with check (organization_id = (select app.me())
                and (referral_id is null or exists (select from referral r where r.id = referral_id)));

-- people: the numbers are everybody's; a confidential provider's single entries are its own.
grant select, insert on indicator_entry to concert_api;
grant select on entry_unfolded to concert_api;
grant select on indicator_total to concert_api;
create policy sees on indicator_entry for select to concert_api
    using (collaborative_id = (select app.collaborative()) and (not restricted or organization_id = (select app.me())));
create policy makes on indicator_entry for insert to concert_api
    with check (collaborative_id = (select app.collaborative()));
create policy sees on entry_unfolded for select to concert_api using (true);
create policy sees on indicator_total for select to concert_api
    using (collaborative_id = (select app.collaborative()) and (not restricted or organization_id = (select app.me())));

-- people: what the engine and the auditors get. Written, never read back.
grant insert on outbox, audit to concert_api;
grant select, insert on command to concert_api;
create policy makes on outbox for insert to concert_api
    with check (exists (select from referral r where 'referral-' || r.id = workflow_id and r.id = cast(right(workflow_id, 36) as uuid)));
create policy makes on audit for insert to concert_api
    with check (user_id = (select app.person()) and organization_id = (select app.me()));
create policy own on command to concert_api
    using (user_id = (select app.person()) and organization_id = (select app.me()));

-- engine: reads and writes work, sees no personal column anywhere.
do $$
declare
    t text;
    columns text;
begin
    for t, columns in
        select c.relname, string_agg(quote_ident(a.attname), ', ' order by a.attnum)
          from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
           and c.relname not in ('alembic_version', 'client', 'client_residence', 'client_link', 'household',
                                 'household_member', 'consent', 'consent_recipient', 'service_record', 'command')
           and col_description(c.oid, a.attnum) = 'plain'
         group by c.relname loop
        execute format('grant select (%s) on %I to concert_engine', columns, t);
        execute format('create policy engine on %I to concert_engine using (true)', t);
    end loop;
end
$$;
grant update (outcome, outcome_by, outcome_event_id, version) on need to concert_engine;
grant update (state, reported, outcome, outcome_task, confirmed_by, reason, clock, clock_started_at, due_at, rung, look_at,
    updated_at, version) on referral to concert_engine;
grant update (state, ball_organization_id, client_id, outcome, reason, reason_class, outputs, clock, clock_started_at, due_at, hard_at,
    rung, decide_left, hard_left, acknowledged_at, accepted_at, first_contact_at, attempts, missed, moved_at, updated_at, version)
    on task to concert_engine;
grant insert on event, indicator_entry, outbox, audit, audit_seal, indicator_total, service_heartbeat to concert_engine;
grant select (audit_id) on audit_unsealed to concert_engine;
grant update (value) on indicator_total to concert_engine;
grant update (due_at, attempts, error, dead, kind) on outbox to concert_engine;
grant update (at) on service_heartbeat to concert_engine;
grant delete on outbox, entry_unfolded, audit_unsealed, service_heartbeat to concert_engine;
grant update (indicator_id) on entry_unfolded to concert_engine;
grant update (audit_id) on audit_unsealed to concert_engine;
grant delete on command to concert_engine;
grant select (at) on command to concert_engine;
create policy engine on command to concert_engine using (true);
