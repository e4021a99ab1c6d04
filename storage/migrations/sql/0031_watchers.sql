grant create on schema app to concert_identity;
set local role concert_identity;

-- As before; the backbone's own people hear of what is theirs to do.
create or replace function app.staffed(p_organization uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
as $$
    select exists (
        select from membership s join user_account u on u.id = s.user_id and u.revoked_at is null and not u.service_account
         where s.organization_id = p_organization and s.role in ('caseworker', 'supervisor', 'agency_admin', 'backbone')
           and app.current(s.starts_on, s.ends_on))
$$;
set local role concert_owner;
revoke create on schema app from concert_identity;
