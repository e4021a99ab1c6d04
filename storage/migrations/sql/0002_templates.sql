-- Plan templates: the pathways that the collaborative agreed on. A version is never changed, a better one follows it.
create table plan_template (
    id uuid default uuidv7() not null,
    collaborative_id uuid not null,
    code text not null,
    version integer not null,
    name text not null,
    definition text not null,
    strategy text not null,
    body jsonb not null,
    digest text not null,
    loaded_at timestamp with time zone default now() not null,
    loaded_by text,
    constraint plan_template_pkey primary key (id),
    constraint plan_template_collaborative_id_code_version_key unique (collaborative_id, code, version),
    constraint plan_template_code_check check (code ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint plan_template_version_check check (version > 0),
    constraint plan_template_digest_check check (digest ~ '^[0-9a-f]{64}$'),
    constraint plan_template_collaborative_id_fkey foreign key (collaborative_id) references collaborative (id)
);
comment on column plan_template.id is 'plain';
comment on column plan_template.collaborative_id is 'plain';
comment on column plan_template.code is 'plain';
comment on column plan_template.version is 'plain';
comment on column plan_template.name is 'plain';
comment on column plan_template.definition is 'plain';
comment on column plan_template.strategy is 'plain';
comment on column plan_template.body is 'plain';
comment on column plan_template.digest is 'plain';
comment on column plan_template.loaded_at is 'plain';
comment on column plan_template.loaded_by is 'plain';

create trigger append_only before update or delete on plan_template for each row execute function app.append_only();

alter table plan_template enable row level security;
alter table plan_template force row level security;
grant select, insert on plan_template to concert_steward;
grant select on plan_template to concert_api, concert_engine;
create policy steward on plan_template to concert_steward using (true);
create policy people on plan_template for select to concert_api using (collaborative_id = (select app.collaborative()));
create policy engine on plan_template for select to concert_engine using (true);
