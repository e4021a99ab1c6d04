-- squawk-ignore-file require-concurrent-index-creation, ban-drop-constraint
-- squawk-ignore-file constraint-missing-not-valid, adding-serial-primary-key-field
-- Of which trace a message is, so that what the engine does can be told to be what a person's request led to. Hexadecimal
-- by a check: no text finds its way into a trace.
alter table outbox add column trace text;
comment on column outbox.trace is 'plain';
alter table outbox add constraint outbox_trace_check check (trace ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$');

-- One case may have several troubles: code that fails, and a deadline at which therefore nobody looked.
alter table engine_finding drop constraint engine_finding_pkey;
alter table engine_finding drop constraint engine_finding_trouble_check;
alter table engine_finding add constraint engine_finding_pkey primary key (case_id, trouble);
alter table engine_finding add constraint engine_finding_trouble_check
    check (trouble in ('failing', 'missing', 'behind', 'stray', 'unwatched'));

-- Open work by the moment at which somebody must look at it: what nobody looked at is found without reading the rest.
create index referral_look_idx on referral (look_at) where state in ('active', 'awaiting_source');
create index action_plan_look_idx on action_plan (look_at) where state = 'active';

grant select (trace) on outbox to concert_engine;
