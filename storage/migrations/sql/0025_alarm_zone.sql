-- Who hears that Concert is unwell reads since when in the region's time.
grant create on schema app to concert_post;
set local role concert_post;
-- One more column: the same name is back in this transaction, and who asks by the old columns finds them.
-- squawk-ignore ban-drop-function
drop function app.backbone_addresses();
create function app.backbone_addresses() returns table (address text, language text, zone text)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select distinct on (u.email, u.language) u.email, u.language, c.zone from membership m
      join user_account u on u.id = m.user_id and u.revoked_at is null and not u.service_account and u.email is not null
      join partnership p on p.organization_id = m.organization_id and p.role = 'backbone'
      join collaborative c on c.id = p.collaborative_id
     where m.role = 'backbone' and app.current(m.starts_on, m.ends_on, c.zone)
       and app.current(p.starts_on, p.ends_on, c.zone)
     order by u.email, u.language, c.zone
$$;
revoke execute on function app.backbone_addresses() from public;
grant execute on function app.backbone_addresses() to concert_engine, concert_api;
set local role concert_owner;
revoke create on schema app from concert_post;
