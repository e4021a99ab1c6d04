grant create on schema app to concert_identity;
set local role concert_identity;

-- Does anybody do casework there, or run it, who can sign in? The people whom `services/recipients.py` finds.
create function app.staffed(p_organization uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
as $$
    select exists (
        select from membership s join user_account u on u.id = s.user_id and u.revoked_at is null and not u.service_account
         where s.organization_id = p_organization and s.role in ('caseworker', 'supervisor', 'agency_admin')
           and app.current(s.starts_on, s.ends_on))
$$;

-- As before; not who is away while the owner stands in for them.
create or replace function app.supervised(p_organization uuid, p_user uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
as $$
    select exists (
        select from membership s join user_account u on u.id = s.user_id and u.revoked_at is null and not u.service_account
         where s.organization_id = p_organization and s.role = 'supervisor' and app.current(s.starts_on, s.ends_on)
           and s.user_id is distinct from p_user
           and (p_user is null or app.stands_in(s.user_id, p_organization) is distinct from p_user)
           and (p_user is not null
                or exists (select from membership x
                             join user_account v on v.id = x.user_id and v.revoked_at is null and not v.service_account
                            where x.organization_id = p_organization and x.role in ('caseworker', 'supervisor', 'agency_admin')
                              and x.user_id <> s.user_id and app.current(x.starts_on, x.ends_on)
                              and app.stands_in(x.user_id, p_organization) <> s.user_id)))
$$;
revoke execute on function app.staffed(uuid) from public;
grant execute on function app.staffed(uuid) to concert_api, concert_engine;
set local role concert_owner;
revoke create on schema app from concert_identity;
