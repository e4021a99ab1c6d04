"""How an entry of the ledger becomes lines of the totals: one whole, one for each dimension that its rule declares.

Totals keep margins only, so that their number depends on what was agreed on, not on how much happened. The fold and
every reader of entries that are not folded yet split with this one fragment; `Rule.margins` says it for the proof.
"""

# Of an entry `e` and its indicator `i`. What a distinct count entered is a published cell already: it passes as it is.
SPLIT = """
cross join lateral (
    select e.dimensions where i.rule ->> 'measure' = 'distinct'
    union all
    select cast('{}' as jsonb) where i.rule ->> 'measure' <> 'distinct'
    union all
    select distinct jsonb_build_object(b.name, coalesce(e.dimensions ->> b.name, 'unknown'))
      from jsonb_array_elements_text(coalesce(i.rule -> 'by', '[]')) as b(name)
     where i.rule ->> 'measure' <> 'distinct' and b.name <> 'organization') as m(dimensions)
"""
# Whether an entry `e` of the indicator `i` is part of the region's open figures.
OF_REGION = "(not e.restricted and (e.organization_id is null or i.rule ->> 'measure' <> 'distinct'))"
# The name of a line's dimension; '' of the whole.
GROUPED_BY = "coalesce((select min(k.name) from jsonb_object_keys({0}.dimensions) as k(name)), '')"
# The region's figures of the indicator `:id` for whoever reads: what is folded, what is not yet, and what is
# confidential and the reader's own. As (period, part, bucket, grouped_by, dimensions, value).
OF_ALL = "(e.organization_id is null or i.rule ->> 'measure' <> 'distinct')"
REGION = f"""
select t.period, t.part, t.bucket, t.grouped_by, t.dimensions, t.value from region_total t where t.indicator_id = :id
union all
select t.period, t.part, t.bucket, {GROUPED_BY.format("t")}, t.dimensions, t.value
  from indicator_total t join indicator i on i.id = t.indicator_id
 where t.indicator_id = :id and t.restricted and (t.organization_id is null or i.rule ->> 'measure' <> 'distinct')
union all
select e.period, e.part, e.bucket, {GROUPED_BY.format("m")}, m.dimensions, e.value
  from entry_unfolded u join indicator_entry e on e.id = u.entry_id join indicator i on i.id = e.indicator_id {SPLIT}
 where u.indicator_id = :id and {OF_ALL}
"""
# The same of open work alone, whoever reads: what the engine sees of confidential work, it does not tell.
OPEN = f"""
select t.period, t.part, t.bucket, t.grouped_by, t.dimensions, t.value from region_total t where t.indicator_id = :id
union all
select e.period, e.part, e.bucket, {GROUPED_BY.format("m")}, m.dimensions, e.value
  from entry_unfolded u join indicator_entry e on e.id = u.entry_id join indicator i on i.id = e.indicator_id {SPLIT}
 where u.indicator_id = :id and {OF_REGION}
"""
