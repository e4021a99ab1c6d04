grant create on schema app to concert_identity;
set local role concert_identity;

-- As before; the delegate is there themselves: a person, whose login was not revoked.
create or replace function app.set_absence(p_user uuid, p_until date, p_delegate uuid) returns boolean
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
        select from membership d join user_account u on u.id = d.user_id and u.revoked_at is null and not u.service_account
         where d.user_id = p_delegate and d.organization_id = app.me() and app.current(d.starts_on, d.ends_on))) then
        return false;
    end if;
    update membership m set absent_until = p_until, delegate_user_id = p_delegate
     where m.user_id = p_user and m.organization_id = app.me() and app.current(m.starts_on, m.ends_on);
    return found;
end
$$;

-- Is there a supervisor who is somebody else? As before, of people who can sign in. Work that nobody is assigned to reached
-- everybody who is there at the owner's rung: a supervisor who was all of them has heard it.
create or replace function app.supervised(p_organization uuid, p_user uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
as $$
    select exists (
        select from membership s join user_account u on u.id = s.user_id and u.revoked_at is null and not u.service_account
         where s.organization_id = p_organization and s.role = 'supervisor' and app.current(s.starts_on, s.ends_on)
           and s.user_id is distinct from p_user
           and (p_user is not null
                or exists (select from membership x
                             join user_account v on v.id = x.user_id and v.revoked_at is null and not v.service_account
                            where x.organization_id = p_organization and x.role in ('caseworker', 'supervisor', 'agency_admin')
                              and x.user_id <> s.user_id and app.current(x.starts_on, x.ends_on)
                              and app.stands_in(x.user_id, p_organization) <> s.user_id)))
$$;
set local role concert_owner;
revoke create on schema app from concert_identity;
