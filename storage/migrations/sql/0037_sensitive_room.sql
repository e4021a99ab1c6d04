-- The backbone sees that a request is of a sensitive need and not of which (ADR 14): what is left of a service for such a need would tell
-- it with every yes. It reads what was stated, as all do of a confidential provider.
grant select on taxonomy_term to concert_disclosure;
create policy disclosure on taxonomy_term for select to concert_disclosure using (true);
grant execute on function app.is_backbone() to concert_disclosure;
grant create on schema app to concert_disclosure;
set local role concert_disclosure;
create or replace function app.counts_down(p_service uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
as $$
    select exists (select from service s join organization o on o.id = s.organization_id
                     left join taxonomy_term x on x.code = s.term
                    where s.id = p_service
                      and (o.id = app.me() or not o.confidential and not (coalesce(x.sensitive, false) and app.is_backbone())))
$$;
set local role concert_owner;
revoke create on schema app from concert_disclosure;
