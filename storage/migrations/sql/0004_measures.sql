-- Groups of whoever a request is for, as codes, and the key under which its household counts once. They never change:
-- what was counted under them must be taken back under them.
alter table referral add column groups jsonb not null default '{}';
alter table referral add column household_key uuid;
alter table event add column household_key uuid;
comment on column referral.groups is 'plain';
comment on column referral.household_key is 'plain';
comment on column event.household_key is 'plain';
grant select (groups, household_key), insert (groups, household_key) on referral to concert_engine;
grant select (household_key) on event to concert_engine;

create function app.guard_groups() returns trigger language plpgsql as $$
begin
    if (new.groups, new.household_key) is distinct from (old.groups, old.household_key) then
        raise exception 'a request keeps its groups' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
revoke execute on function app.guard_groups() from public;
create trigger guard_groups before update on referral for each row execute function app.guard_groups();

-- A version of an indicator: proposed (counts nothing), counting (new events; history is being added), in force.
alter table indicator add column standing text not null default 'in_force'
    constraint indicator_standing_check check (standing in ('proposed', 'counting', 'in_force'));
comment on column indicator.standing is 'plain';
grant select (standing) on indicator to concert_engine;

-- Totals keep margins from now on: they are folded again from the ledger. Row security binds even the owner, but for this.
alter table indicator_entry no force row level security;
alter table entry_unfolded no force row level security;
truncate indicator_total;
insert into entry_unfolded (entry_id, indicator_id) select id, indicator_id from indicator_entry on conflict do nothing;
alter table indicator_entry force row level security;
alter table entry_unfolded force row level security;
