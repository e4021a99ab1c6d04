-- What a referral came to is an event of its own: each partner that took part shows it, also where the need was met by another
-- (decision 31). What need outcomes had counted for partners and for the funnel moves to such events, each at its place in the
-- order of events: so every figure stays what it was, live and published, and goes on.
alter table event no force row level security;
alter table indicator no force row level security;
alter table indicator_entry no force row level security;
alter table event disable trigger note_untold;
alter table indicator_entry disable trigger append_only;

create temporary table said on commit drop as
select e.id, e.seq, e.need_id, e.referral_id, e.facts ? 'of_request' as counted, e.reverses from event e where e.kind = 'need_outcome';
-- squawk-ignore require-concurrent-index-creation
create index said_need_idx on said (need_id, seq);
create temporary table taken on commit drop as
select s.id, s.referral_id, x.id::uuid as other from said s cross join lateral jsonb_array_elements_text(s.reverses) as x(id);
-- squawk-ignore require-concurrent-index-creation
create index taken_other_idx on taken (other);
create temporary table moved on commit drop as
select s.id as old, uuidv7() as new, s.seq, s.counted,
       coalesce(s.referral_id, (
           select x.referral_id from said x
            where x.need_id = s.need_id and x.counted and x.referral_id is not null and x.seq < s.seq
            order by x.seq desc limit 1)) as referral_id
  from said s
 where s.counted or exists (select from taken t join said x on x.id = t.other where t.id = s.id and x.counted);
-- squawk-ignore require-concurrent-index-creation
create unique index moved_old_idx on moved (old);
analyze said, taken, moved;

insert into event (seq, id, collaborative_id, kind, at, occurred_at, day, referral_id, task_id, action_plan_id, need_id, version,
                   organization_id, source_organization_id, acting_organization_id, user_id, on_behalf_of, person_id, household_key,
                   from_state, to_state, reason, settled, facts, dimensions, reverses, restricted)
overriding system value
select m.seq, m.new, e.collaborative_id, 'referral_outcome', e.at, e.occurred_at, e.day, m.referral_id, null, e.action_plan_id, e.need_id,
       e.version, e.organization_id, e.source_organization_id, e.acting_organization_id, e.user_id, e.on_behalf_of, e.person_id,
       e.household_key, e.from_state, e.to_state, e.reason, e.settled,
       case when m.counted then e.facts else e.facts || '{"outcome": null, "by": null}' end, e.dimensions,
       coalesce((select jsonb_agg(n.new) from taken t join moved n on n.old = t.other where t.id = e.id), '[]'), e.restricted
  from moved m join event e on e.id = m.old;
-- Where another referral's word took one back, nothing is said of its own any more: the next word takes nothing back again.
insert into event (seq, id, collaborative_id, kind, at, occurred_at, day, referral_id, need_id, version, organization_id,
                   source_organization_id, person_id, household_key, settled, facts, dimensions, reverses, restricted)
overriding system value
select b.seq, uuidv7(), e.collaborative_id, 'referral_outcome', e.at, e.occurred_at, e.day, a.referral_id, e.need_id, e.version,
       e.organization_id, e.source_organization_id, e.person_id, e.household_key, '{}', '{"outcome": null, "by": null}', e.dimensions,
       '[]', e.restricted
  from moved a join taken t on t.other = a.old join moved b on b.old = t.id join event e on e.id = a.old
 where b.referral_id is distinct from a.referral_id
   and not exists (select from moved x where x.referral_id = a.referral_id and x.seq > a.seq);

update indicator_entry n
   set event_id = m.new
  from moved m, indicator i
 where n.event_id = m.old and i.id = n.indicator_id and i.rule ->> 'measure' = 'count' and i.rule ->> 'event' = 'need_outcome'
   and i.rule #> '{where}' ?| array['of_partner', 'of_request'];
update indicator
   set rule = jsonb_set(rule, '{event}', '"referral_outcome"') #- '{where,of_request}'
 where rule ->> 'measure' = 'count' and rule ->> 'event' = 'need_outcome' and rule #> '{where}' ?| array['of_partner', 'of_request'];
-- The scorecards' words, as they were shipped: they count referrals.
update indicator set unit = 'referrals', definition = replace(definition, 'Needs that the partner''s work met', 'Referrals whose need the partner''s work met')
 where code in ('outcome_need_met', 'outcome_partly_met') and scorecard and starts_with(definition, 'Needs that the partner''s work met');
update indicator set unit = 'referrals', definition = 'Referrals that the partner served and whose need stayed unmet, by the same word.'
 where code = 'outcome_unmet' and scorecard and definition = 'Needs that the partner served and that stayed unmet, by the same word.';

alter table indicator_entry enable trigger append_only;
alter table event enable trigger note_untold;
alter table indicator_entry force row level security;
alter table indicator force row level security;
alter table event force row level security;
-- Everything is proven again.
truncate verified_mark, verified_figure;

-- What came of a goal, a plan's partners read in the plan, where they see it: not of every goal.
alter policy plan on event
    using (referral_id is null and not restricted and kind <> 'need_outcome' and action_plan_id in
           (select p.action_plan_id from plan_partner p
             where p.organization_id = (select app.me()) and p.reads and coalesce(p.reads_until > now(), true)));
