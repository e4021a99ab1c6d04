-- What a request came to is an event of its own: each partner that took part shows it, also where the need was met by another
-- (decision 31). What need outcomes had counted for partners and for the funnel moves to such events, so every figure stays.
alter table event no force row level security;
alter table indicator no force row level security;
alter table indicator_entry no force row level security;
alter table event disable trigger note_untold;
alter table indicator_entry disable trigger append_only;

create temporary table moved on commit drop as
select e.id as old, uuidv7() as new, e.seq,
       coalesce(e.referral_id, (
           select x.referral_id from event x
            where x.need_id = e.need_id and x.kind = 'need_outcome' and x.facts ? 'of_request' and x.referral_id is not null
              and x.seq < e.seq
            order by x.seq desc limit 1)) as referral_id
  from event e
 where e.kind = 'need_outcome'
   and (e.facts ? 'of_request' or exists (
            select from event x
             where x.need_id = e.need_id and x.kind = 'need_outcome' and x.facts ? 'of_request' and e.reverses ? x.id::text));

insert into event (id, collaborative_id, kind, at, occurred_at, day, referral_id, task_id, action_plan_id, need_id, version,
                   organization_id, source_organization_id, acting_organization_id, user_id, on_behalf_of, person_id, household_key,
                   from_state, to_state, reason, settled, facts, dimensions, reverses, restricted)
select m.new, e.collaborative_id, 'request_outcome', e.at, e.occurred_at, e.day, m.referral_id, null, e.action_plan_id, e.need_id,
       e.version, e.organization_id, e.source_organization_id, e.acting_organization_id, e.user_id, e.on_behalf_of, e.person_id,
       e.household_key, e.from_state, e.to_state, e.reason, e.settled,
       case when e.facts ? 'of_request' then e.facts else e.facts || '{"outcome": null, "by": null}' end, e.dimensions,
       coalesce((select jsonb_agg(n.new) from moved n where e.reverses ? n.old::text), '[]'), e.restricted
  from moved m join event e on e.id = m.old
 order by m.seq;

update indicator_entry n
   set event_id = m.new
  from moved m, indicator i
 where n.event_id = m.old and i.id = n.indicator_id and i.rule #> '{where}' ?| array['of_partner', 'of_request'];
update indicator
   set rule = jsonb_set(rule, '{event}', '"request_outcome"') #- '{where,of_request}'
 where rule #> '{where}' ?| array['of_partner', 'of_request'];

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
