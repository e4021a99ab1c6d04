-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion, ban-drop-not-null, ban-drop-constraint
-- Whoever should hear of something: every event goes through the outbox to its consumers, once for each of them. The record itself
-- writes that message: nobody can forge or forget one.
alter table outbox alter column workflow_id drop not null;
alter table outbox add column event_id uuid;
alter table outbox add column taken_by jsonb default '[]' not null;
alter table outbox drop constraint outbox_kind_check;
-- squawk-ignore constraint-missing-not-valid
alter table outbox add constraint outbox_kind_check check (kind in ('complete', 'look', 'event'));
-- squawk-ignore constraint-missing-not-valid
alter table outbox add constraint outbox_of_check
    check ((kind = 'event') = (event_id is not null) and (kind = 'event') = (workflow_id is null));
comment on column outbox.event_id is 'plain';
comment on column outbox.taken_by is 'plain';
create index outbox_event_idx on outbox (due_at, id) where kind = 'event' and not dead;
grant select (event_id, taken_by), update (taken_by) on outbox to concert_engine;

-- The engine's messages keep their queue to themselves.
drop index outbox_due_idx;
create index outbox_due_idx on outbox (due_at, id) where kind <> 'event' and not dead;

grant insert (kind, event_id) on outbox to concert_counter;
create policy counter_tells on outbox for insert to concert_counter with check (kind = 'event');
grant create on schema app to concert_counter;
set local role concert_counter;
create function app.note_untold() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    insert into outbox (kind, event_id) select 'event', id from fresh order by seq;
    return null;
end
$$;
revoke execute on function app.note_untold() from public;
grant execute on function app.note_untold() to concert_owner;
set local role concert_owner;
revoke create on schema app from concert_counter;
create trigger note_untold after insert on event referencing new table as fresh
    for each statement execute function app.note_untold();

-- A person's feed. Codes only: what it says is put into words when it is read.
create table notice (
    id uuid not null,
    user_id uuid not null,
    organization_id uuid not null,
    event_id uuid not null,
    event_seq bigint not null,
    kind text not null,
    code text not null,
    task_id uuid,
    referral_id uuid,
    action_plan_id uuid,
    ball_organization_id uuid not null,
    urgent boolean not null,
    restricted boolean not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    read_at timestamp with time zone,
    over_at timestamp with time zone,
    constraint notice_pkey primary key (id),
    constraint notice_event_id_user_id_key unique (event_id, user_id),
    constraint notice_user_id_fkey foreign key (user_id) references user_account (id),
    constraint notice_organization_id_fkey foreign key (organization_id) references organization (id)
);
create index notice_feed_idx on notice (user_id, organization_id, id) where over_at is null;
create index notice_referral_id_idx on notice (referral_id) where over_at is null;
create index notice_action_plan_id_idx on notice (action_plan_id) where over_at is null and referral_id is null;

-- What a person wants to hear of, and how; without a row the default of the kind.
create table notice_choice (
    user_id uuid not null,
    kind text not null,
    way text not null,
    constraint notice_choice_pkey primary key (user_id, kind),
    constraint notice_choice_user_id_fkey foreign key (user_id) references user_account (id),
    constraint notice_choice_way_check check (way in ('feed', 'mail', 'digest', 'nothing'))
);

-- Letters to be sent, and what each says: notices, no words and no address.
create table mail (
    id uuid not null,
    user_id uuid not null,
    organization_id uuid not null,
    digest boolean not null,
    due_at timestamp with time zone not null,
    attempts integer default 0 not null,
    error text,
    created_at timestamp with time zone default clock_timestamp() not null,
    sent_at timestamp with time zone,
    closed_at timestamp with time zone,
    constraint mail_pkey primary key (id),
    constraint mail_user_id_fkey foreign key (user_id) references user_account (id),
    constraint mail_organization_id_fkey foreign key (organization_id) references organization (id)
);
create index mail_due_idx on mail (due_at) where closed_at is null;

create table mail_item (
    notice_id uuid not null,
    mail_id uuid not null,
    constraint mail_item_pkey primary key (notice_id),
    constraint mail_item_notice_id_fkey foreign key (notice_id) references notice (id),
    constraint mail_item_mail_id_fkey foreign key (mail_id) references mail (id)
);
create index mail_item_mail_id_idx on mail_item (mail_id);

-- What a signed link names. One use; dead once the task has left the state in which it was sent.
create table mail_link (
    id uuid not null,
    notice_id uuid not null,
    user_id uuid not null,
    organization_id uuid not null,
    task_id uuid not null,
    task_state text not null,
    expires_at timestamp with time zone not null,
    used_at timestamp with time zone,
    constraint mail_link_pkey primary key (id),
    constraint mail_link_notice_id_key unique (notice_id),
    constraint mail_link_notice_id_fkey foreign key (notice_id) references notice (id)
);

-- What was told of an engine that is unwell: of many processes one tells.
create table alarm (
    code text not null,
    since timestamp with time zone not null,
    told_at timestamp with time zone,
    ended_at timestamp with time zone,
    constraint alarm_pkey primary key (code)
);

do $$
declare
    t text;
    c text;
begin
    foreach t in array array['notice', 'notice_choice', 'mail', 'mail_item', 'mail_link', 'alarm'] loop
        for c in select attname from pg_attribute where attrelid = t::regclass and attnum > 0 loop
            execute format('comment on column %I.%I is ''plain''', t, c);
        end loop;
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy engine on %I to concert_engine using (true)', t);
        execute format('grant select on %I to concert_engine', t);
    end loop;
end
$$;
grant insert on notice, mail, mail_item, mail_link, alarm to concert_engine;
grant update (over_at) on notice to concert_engine;
grant update (due_at, attempts, error, sent_at, closed_at) on mail to concert_engine;
grant update (since, told_at, ended_at), delete on alarm to concert_engine;

-- people: their own feed, for the organization in which they act; read and marked, never written.
grant select on notice, notice_choice to concert_api;
grant update (read_at) on notice to concert_api;
grant insert, update (way) on notice_choice to concert_api;
create policy own on notice to concert_api
    using (user_id = (select app.person()) and organization_id = (select app.me()));
create policy own on notice_choice to concert_api using (user_id = (select app.person()));
grant select, update (used_at) on mail_link to concert_api;
create policy own on mail_link to concert_api
    using (user_id = (select app.person()) and organization_id = (select app.me()));

-- Addresses are personal and stay out of the engine's reach, but for one at a time: of a person to whom a letter is due who still
-- works there; and of the backbone's people, who hear when Concert is unwell. Whom a link speaks for is asked before anybody is
-- signed in; its signature was checked before.
grant usage on schema public, app to concert_post;
grant execute on function app.current(date, date, text) to concert_post;
grant select (id, subject, email, language, revoked_at, service_account) on user_account to concert_post;
grant select (user_id, organization_id, role, starts_on, ends_on) on membership to concert_post;
grant select (organization_id, collaborative_id, role, starts_on, ends_on) on partnership to concert_post;
grant select (id, zone) on collaborative to concert_post;
grant select on mail, mail_link to concert_post;
create policy post on user_account for select to concert_post using (true);
create policy post on membership for select to concert_post using (true);
create policy post on partnership for select to concert_post using (true);
create policy post on collaborative for select to concert_post using (true);
create policy post on mail for select to concert_post using (true);
create policy post on mail_link for select to concert_post using (true);

grant create on schema app to concert_post;
set local role concert_post;
create function app.works_there(p_user uuid, p_organization uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
as $$
    select exists (
        select from membership m
          join user_account u on u.id = m.user_id and u.revoked_at is null
          join partnership p on p.organization_id = m.organization_id
          join collaborative c on c.id = p.collaborative_id
         where m.user_id = p_user and m.organization_id = p_organization
           and app.current(m.starts_on, m.ends_on, c.zone) and app.current(p.starts_on, p.ends_on, c.zone))
$$;
create function app.address_of(p_mail uuid) returns table (address text, language text)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select u.email, u.language from mail l join user_account u on u.id = l.user_id
     where l.id = p_mail and l.closed_at is null and u.email is not null and app.works_there(l.user_id, l.organization_id)
$$;
create function app.backbone_addresses() returns table (address text, language text)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select distinct u.email, u.language from membership m
      join user_account u on u.id = m.user_id and u.revoked_at is null and not u.service_account and u.email is not null
      join partnership p on p.organization_id = m.organization_id and p.role = 'backbone'
      join collaborative c on c.id = p.collaborative_id
     where m.role = 'backbone' and app.current(m.starts_on, m.ends_on, c.zone)
       and app.current(p.starts_on, p.ends_on, c.zone)
$$;
create function app.behind_link(p_link uuid)
    returns table (subject text, organization_id uuid, task_id uuid, language text, works boolean, expired boolean, used boolean)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select u.subject, k.organization_id, k.task_id, u.language, app.works_there(k.user_id, k.organization_id),
           k.expires_at <= clock_timestamp(), k.used_at is not null
      from mail_link k join user_account u on u.id = k.user_id where k.id = p_link
$$;
revoke execute on function app.works_there(uuid, uuid), app.address_of(uuid), app.backbone_addresses(), app.behind_link(uuid) from public;
grant execute on function app.address_of(uuid), app.works_there(uuid, uuid) to concert_engine;
grant execute on function app.backbone_addresses() to concert_engine, concert_api;
grant execute on function app.behind_link(uuid) to concert_api;
set local role concert_owner;
revoke create on schema app from concert_post;

-- The watcher in the API tells too.
grant select, insert, update (since, told_at, ended_at), delete on alarm to concert_api;
create policy watches on alarm to concert_api using (app.me() is null);
