"""Folding the ledger into totals and sealing the audit, off the caseworkers' path.
Any number of folders may run (decision 1).
"""

from __future__ import annotations

from sqlalchemy import text

from services.margins import GROUPED_BY, OF_REGION, SPLIT
from services.transaction import Record

GENESIS = b"concert"
"""What the first seal continues from."""


def fold(record: Record, most: int = 5000) -> int:
    """Move up to `most` new entries into the totals; answers how many.
    One statement: it happens whole or not at all.
    """
    with record.database.transaction() as connection:
        return int(connection.execute(_FOLD, {"most": most}).scalar_one())


def seal(record: Record, most: int = 1000) -> int:
    """Append up to `most` audit rows to the hash chain, in order of sealing; answers how many. One sealer at a time."""
    with record.database.transaction() as connection:
        if not connection.execute(_ONE_SEALER).scalar_one():
            return 0
        return int(connection.execute(_SEAL, {"most": most, "genesis": GENESIS}).scalar_one())


def broken_seal(record: Record) -> int | None:
    """The first sequence number whose hash does not follow from its row and its predecessor;
    None if the chain is whole.
    """
    with record.database.transaction() as connection:
        found = connection.execute(_BROKEN, {"genesis": GENESIS}).scalar()
    return None if found is None else int(found)


# Into the lines of each owner, and into the region's: open figures only, over all owners. Of a distinct count the
# region has cells of its own. Rows are taken in the order of their keys: folders cannot wait for each other in a ring.
_FOLD = text(
    f"""
with taken as (
    delete from entry_unfolded where entry_id in (
        select entry_id from entry_unfolded order by entry_id limit :most for update skip locked)
    returning entry_id),
lines as materialized (
    select e.collaborative_id, e.indicator_id, e.period, e.part, e.bucket, e.organization_id, m.dimensions,
           e.restricted, sum(e.value) as value, bool_or({OF_REGION}) as of_region
      from indicator_entry e join taken on taken.entry_id = e.id join indicator i on i.id = e.indicator_id {SPLIT}
     group by 1, 2, 3, 4, 5, 6, 7, 8),
owners as (
    insert into indicator_total as t
        (collaborative_id, indicator_id, period, part, bucket, organization_id, dimensions, restricted, value)
    select collaborative_id, indicator_id, period, part, bucket, organization_id, dimensions, restricted, value
      from lines order by indicator_id, period, part, bucket, organization_id, dimensions, restricted
    on conflict (indicator_id, period, part, bucket, organization_id, dimensions, restricted)
    do update set value = t.value + excluded.value),
region as (
    insert into region_total as t (collaborative_id, indicator_id, period, part, bucket, grouped_by, dimensions, value)
    select l.collaborative_id, l.indicator_id, l.period, l.part, l.bucket, {GROUPED_BY.format("l")}, l.dimensions,
           sum(l.value)
      from lines l where l.of_region
     group by 1, 2, 3, 4, 5, 6, 7 order by l.indicator_id, 6, l.period, l.part, l.bucket, l.dimensions
    on conflict (indicator_id, grouped_by, period, part, bucket, dimensions)
    do update set value = t.value + excluded.value)
select count(*) from taken
"""
)
_ONE_SEALER = text("select pg_try_advisory_xact_lock(7305003)")
# A row's text is fixed by concat_ws over its columns; the hash covers it and the hash before it.
_TEXT = (
    "convert_to(concat_ws('|', a.id, extract(epoch from a.at), a.verb, a.object_kind, a.object_id, a.version,"
    " a.organization_id, a.user_id), 'UTF8')"
)
_SEAL = text(
    f"""
with recursive last as (
    select seq, hash from audit_seal order by seq desc limit 1),
taken as materialized (
    delete from audit_unsealed where audit_id in (
        select audit_id from audit_unsealed order by audit_id limit :most for update skip locked)
    returning audit_id),
numbered as materialized (
    select row_number() over (order by a.id) as n, a.id, {_TEXT} as body from audit a join taken on taken.audit_id =
      a.id),
chain as (
    select 0::bigint as n, cast(null as uuid) as id,
           coalesce((select hash from last), sha256(cast(:genesis as bytea))) as hash
    union all
    select m.n, m.id, sha256(c.hash || m.body) from chain c join numbered m on m.n = c.n + 1),
sealed as (
    insert into audit_seal (seq, audit_id, hash)
    select coalesce((select seq from last), 0) + n, id, hash from chain where n > 0)
select count(*) from taken
"""
)
_BROKEN = text(
    f"""
select min(s.seq) from (
    select x.seq, x.hash, lag(x.hash, 1, sha256(cast(:genesis as bytea))) over (order by x.seq) as before,
           lag(x.seq, 1, 0::bigint) over (order by x.seq) as seq_before, x.audit_id from audit_seal x) s
  left join audit a on a.id = s.audit_id
 where a.id is null or s.seq <> s.seq_before + 1 or s.hash <> sha256(s.before || {_TEXT})
"""
)
