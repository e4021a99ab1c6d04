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
set local role concert_owner;
revoke create on schema app from concert_identity;
