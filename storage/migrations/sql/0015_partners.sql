-- A figure that is defined for the partners' scorecards: it counts like every indicator and stays off the short list.
alter table indicator add column scorecard boolean default false not null;
comment on column indicator.scorecard is 'plain';
grant select (scorecard) on indicator to concert_engine;

-- A partner's whole figures, without its groups: what a scorecard reads of every partner.
-- squawk-ignore require-concurrent-index-creation
create index indicator_total_whole_idx on indicator_total (indicator_id, period) where dimensions = '{}'::jsonb;
