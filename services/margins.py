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
# The region's figures of the indicator `:id`, the same for whoever reads: what is folded and what is not yet, of open
# work. What is confidential stands in its provider's own line alone (ADR 5). As (period, part, bucket, grouped_by,
# dimensions, value).
REGION = f"""
select t.period, t.part, t.bucket, t.grouped_by, t.dimensions, t.value from region_total t where t.indicator_id = :id
union all
select e.period, e.part, e.bucket, {GROUPED_BY.format("m")}, m.dimensions, e.value
  from entry_unfolded u join indicator_entry e on e.id = u.entry_id join indicator i on i.id = e.indicator_id {SPLIT}
 where u.indicator_id = :id and {OF_REGION}
"""
