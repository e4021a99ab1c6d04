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
    select jsonb_build_object(b.name, coalesce(e.dimensions ->> b.name, 'unknown'))
      from jsonb_array_elements_text(coalesce(i.rule -> 'by', '[]')) as b(name)
     where i.rule ->> 'measure' <> 'distinct' and b.name <> 'organization') as m(dimensions)
"""
