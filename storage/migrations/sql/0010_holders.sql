-- squawk-ignore-file require-concurrent-index-creation
-- Who at the referral source, and at a plan's lead, follows the work: until now whoever had made it. And how long the backbone
-- lets something rest, with a reason that is in its event; a service's own ladder.
-- squawk-ignore adding-foreign-key-constraint
alter table referral add column assigned_to uuid constraint referral_assigned_to_fkey references user_account (id);
alter table referral add column excepted_until timestamp with time zone;
-- squawk-ignore adding-foreign-key-constraint
alter table action_plan add column assigned_to uuid constraint action_plan_assigned_to_fkey references user_account (id);
alter table action_plan add column excepted_until timestamp with time zone;
alter table task add column excepted_until timestamp with time zone;
alter table service add column ladder jsonb default '{}' not null;
comment on column referral.assigned_to is 'plain';
comment on column referral.excepted_until is 'plain';
comment on column action_plan.assigned_to is 'plain';
comment on column action_plan.excepted_until is 'plain';
comment on column task.excepted_until is 'plain';
comment on column service.ladder is 'plain';

-- The owner migrates and sees no row itself: as always, whoever may do it does it.
alter table referral no force row level security;
update referral set assigned_to = created_by;
alter table referral force row level security;
alter table action_plan no force row level security;
update action_plan set assigned_to = created_by;
alter table action_plan force row level security;

grant select (assigned_to, excepted_until), insert (assigned_to, excepted_until) on referral to concert_engine;
grant select (excepted_until), insert (excepted_until) on task to concert_engine;
grant select (ladder) on service to concert_engine;

-- Who follows it at the source is the source's to say.
create function app.guard_holder() returns trigger language plpgsql as $$
begin
    if current_user = 'concert_api' and app.me() is distinct from old.source_organization_id
       and new.assigned_to is distinct from old.assigned_to then
        raise exception 'this column of a referral is not yours to write' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
revoke execute on function app.guard_holder() from public;
create trigger guard_holder before update on referral for each row execute function app.guard_holder();
