-- Who may connect, and as whom functions run. Roles belong to the whole server, so each statement is repeatable.
-- concert_owner owns everything and cannot log in; FORCE puts even it under row security.
do $$
declare
    name text;
begin
    perform pg_advisory_xact_lock(7305001);
    foreach name in array array['concert_owner', 'concert_steward', 'concert_identity', 'concert_disclosure', 'concert_counter',
        'concert_post'] loop
        if not exists (select from pg_roles where rolname = name) then
            execute format('create role %I nologin nosuperuser nobypassrls', name);
        end if;
        if not pg_has_role(current_user, name, 'member') then
            execute format('grant %I to current_user', name);
        end if;
    end loop;
    foreach name in array array['concert_api', 'concert_engine'] loop
        if not exists (select from pg_roles where rolname = name) then
            execute format('create role %I login nosuperuser nobypassrls', name);
        end if;
    end loop;
    if not pg_has_role('concert_owner', 'concert_post', 'member') then
        -- Without inheriting: the owner may hand functions over to them, and still sees no row itself.
        grant concert_identity, concert_disclosure, concert_counter, concert_post to concert_owner with inherit false, set true;
    end if;
end
$$;
