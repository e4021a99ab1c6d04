"""Does reading a scorecard cost the same at ten thousand and at a million events? In one run, on one cluster.

`python -m bench.scorecard [--sizes 10000 1000000 --json FILE]`. Each size is a record of its own with the same region:
events and ledger are made by SQL, in the proportions of real work (the agenda's own rules say what an event earns),
folded by the real fold, analyzed. Then both are asked in turn: the whole scorecard in one question, and every indicator
by itself. Times are of the services on a warm cache; exit 1 if the scorecard's median is over 1.5 times the small.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg

from bench.turns import medians, timed
from concert.embedded import EmbeddedPostgres, temporary_directory
from concert.embedded.postgres import libpq_url
from domain.rule import NOTHING, Rule, Selector
from seed.load import load_region
from seed.region import build_region
from services.folding import fold
from services.indicators import get_indicator, list_indicators
from services.scorecards import get_scorecard
from services.transaction import Call, Record
from storage.database import Database
from storage.migrations import migrate

LIMIT = 1.5
READER = "ruth.hub"
ROUNDS = 60
KINDS = (
    "referral_created", "task_requested", "task_acknowledged", "task_accepted", "task_started", "task_completed",
    "need_outcome", "referral_closed",
)  # fmt: skip
"""What happens to one case, one event each."""

_EVENTS = """
with org as (
        select array_agg(o.id order by o.id) as ids from organization o join partnership p on p.organization_id = o.id),
     term as (select array_agg(code order by code) as codes from taxonomy_term),
     c as (select id from collaborative limit 1)
insert into event (id, collaborative_id, kind, at, occurred_at, day, version, organization_id, source_organization_id,
                   person_id, household_key, settled, facts, dimensions)
select uuidv7(), c.id, (%(kinds)s::text[])[1 + n %% %(steps)s], x.at, x.at, x.at::date, 1,
       org.ids[1 + floor(x.a * cardinality(org.ids))::int %% cardinality(org.ids)],
       org.ids[1 + floor(x.b * cardinality(org.ids))::int %% cardinality(org.ids)],
       x.person, x.person,
       case n %% %(steps)s when 2 then '{"acknowledge": "met"}'
         when 3 then '{"decide": "met"}' else '{}' end::jsonb,
       jsonb_build_object(
         'crosses', 'yes', 'kind', 'referral', 'requested_on', x.at::date, 'accepted_on', x.at::date,
         'confirmed_by', case when x.a < 0.9 then 'source' else 'time' end,
         'outcome', case when x.b < 0.8 then 'need_met' else 'unmet' end,
         'first_contact_days', floor(8 * x.a * x.b)::int),
       jsonb_build_object('county', '31' || lpad((x.k %% 11)::text, 3, '0'),
         'term', term.codes[1 + x.k %% cardinality(term.codes)],
         'age_band', 'band' || x.k %% 9, 'race', 'race' || x.k %% 8,
         'ethnicity', 'ethnicity' || x.k %% 3, 'language', 'language' || x.k %% 4)
  from generate_series(0, %(size)s - 1) n cross join org cross join term cross join c
  cross join lateral (select n / %(steps)s as id) i
  cross join lateral (
    select abs(hashint8(i.id)) as k, abs(hashint8(i.id * 7 + 1)) / 2147483648.0 as a,
           abs(hashint8(i.id * 13 + 5)) / 2147483648.0 as b,
           timestamptz '2025-07-02 12:00+00' + interval '16 months' * (abs(hashint8(i.id * 31)) / 2147483648.0) as at,
           cast(lpad(to_hex(i.id / 2), 32, '0') as uuid) as person) x
"""
_DAYS = "(e.facts ->> 'first_contact_days')::int"
_ENDS = {
    "acknowledge_days": "task_acknowledged", "decide_days": "task_accepted", "completion_days": "task_completed",
}  # fmt: skip
"""With what a duration ends; all take as long here as a first contact."""
_MONTH = "to_char(e.day, 'YYYY-MM')"
_ENTRY = "insert into indicator_entry (id, event_id, collaborative_id, indicator_id, part, period, bucket,"
_ADDITIVE = """ organization_id, dimensions, restricted, value)
select uuidv7(), e.id, e.collaborative_id, i.id, '{part}', to_char(e.day, 'YYYY-MM'), {bucket}, {owner}, e.dimensions,
       false, 1
  from event e join indicator i on i.id = '{id}' where {where}
"""
_DISTINCT = """ organization_id, dimensions, restricted, value)
select uuidv7(), x.event_id, x.collaborative_id, '{id}', 'value', x.period, 0, x.organization_id, x.dimensions,
       false, 1
  from (select distinct on (e.person_id, {period}, {group}) e.id as event_id, e.collaborative_id, {period} as period,
               {organization} as organization_id, {dimensions} as dimensions
          from event e where {where} order by e.person_id, {period}, {group}, e.seq) x
"""


def fill(connection: psycopg.Connection[Any], size: int, codes: Sequence[str] = ()) -> None:
    """As the administrator: events, and what each earns by the rules in force; `codes`: by these alone."""
    connection.execute("set session_replication_role = origin")
    connection.execute(_EVENTS.encode(), {"kinds": list(KINDS), "steps": len(KINDS), "size": size})
    rules = connection.execute("select id, rule, code from indicator where standing = 'in_force'").fetchall()
    for id_, data in [(id_, data) for id_, data, code in rules if not codes or code in codes]:
        for statement in _earned(str(id_), Rule.parse(data)):
            connection.execute(statement.encode())
    connection.execute("analyze")


def _earned(id_: str, rule: Rule) -> list[str]:
    owner = {"source": "e.source_organization_id", "target": "e.organization_id", "region": "null::uuid"}[rule.credit]

    def additive(part: str, where: str, bucket: str = "0") -> str:
        return _ENTRY + _ADDITIVE.format(id=id_, part=part, bucket=bucket, owner=owner, where=where)

    if rule.distinct:
        return [_ENTRY + statement for statement in _cells(id_, rule)]
    if rule.measure in ("count", "sum"):
        return [additive("value", _chosen(rule.what))]
    if rule.clock is not None:
        met = f"e.settled ->> '{rule.clock}' = 'met'"
        return [additive("denominator", met), additive("numerator", f"{met} and e.facts ->> 'outcome' = 'need_met'")]
    parts = [additive("bucket", f"e.kind = '{_ENDS.get(rule.fact, 'task_started')}'", _DAYS)] if rule.fact else []
    named = ("numerator", "denominator", "cases", "entered", "left")
    return parts + [additive(p, _chosen(getattr(rule, p))) for p in named if getattr(rule, p) != NOTHING]


def _chosen(what: Selector) -> str:
    kinds = ", ".join(f"'{kind}'" for kind in sorted(what.events))
    facts = "".join(
        f" and e.facts ->> '{fact}' in ({', '.join(map(repr, sorted(ok)))})" for fact, ok in what.where.items()
    )
    return f"e.kind in ({kinds}){facts}" if kinds else "false"


def _cells(id_: str, rule: Rule) -> list[str]:
    """One statement for each period and group in which somebody counts once."""
    groups = [("null::uuid", "'{}'::jsonb")]
    for name in rule.by:
        owner = name == "organization"
        groups.append(
            ("e.organization_id", "'{}'::jsonb")
            if owner
            else ("null::uuid", f"jsonb_build_object('{name}', e.dimensions ->> '{name}')")
        )
    periods = [_MONTH if grain.code == "month" else "to_char(e.day, 'YYYY')" for grain in rule.grains]
    return [
        _DISTINCT.format(
            id=id_, period=period, group=f"{owner}, {dimensions}", organization=owner, dimensions=dimensions,
            where=_chosen(rule.what),
        )
        for period in dict.fromkeys(periods)
        for owner, dimensions in groups
    ]  # fmt: skip


def prepare(server: EmbeddedPostgres, size: int, codes: Sequence[str] = ()) -> dict[str, Any]:
    """A record of that size; its two doors, and how it looks."""
    name = f"events_{size}"
    with psycopg.connect(libpq_url(server.admin_url), autocommit=True, dbname="postgres") as connection:
        connection.execute(f"create database {name}".encode())
    urls = [url.removesuffix("/concert") + f"/{name}" for url in (server.admin_url, server.api_url, server.engine_url)]
    migrate(urls[0], server.password("api"), server.password("engine"))
    load_region(urls[0], build_region(7))
    with psycopg.connect(libpq_url(urls[0]), autocommit=True) as connection:
        fill(connection, size, codes)
        engine = Record(Database(urls[2], pool_size=2, statement_seconds=120, application="bench fold"))
        since = time.monotonic()
        while fold(engine, 50_000):
            pass
        folding = time.monotonic() - since
        engine.database.dispose()
        connection.execute("vacuum analyze")
        counts = {
            table: connection.execute(b"select count(*) from " + table.encode()).fetchone()
            for table in ("event", "indicator_entry", "indicator_total", "region_total", "entry_unfolded")
        }
    record = Record(Database(urls[1], pool_size=2, application="bench reader"))
    return {"record": record, "folding": folding} | {table: row[0] if row else 0 for table, row in counts.items()}


def measure(sides: dict[int, dict[str, Any]], rounds: int) -> dict[str, dict[int, float]]:
    """Medians in milliseconds, by question and size. Asked in turn, so that a busy moment meets both alike."""
    call = Call(READER)
    codes = [one.code for one in list_indicators(next(iter(sides.values()))["record"], call)]
    questions: dict[str, Callable[[Record], object]] = {
        "scorecard": lambda record: get_scorecard(record, call),
        "each": lambda record: [get_indicator(record, call, code) for code in codes],
    } | {f"  {code}": lambda record, code=code: get_indicator(record, call, code) for code in codes}
    return medians({name: timed(ask) for name, ask in questions.items()}, sides, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with temporary_directory() as directory:
        server = EmbeddedPostgres(directory, durable=False)
        asyncio.run(server.start())
        try:
            sides = {size: prepare(server, size) for size in asked.sizes}
            for side in sides.values():
                print(
                    f"{side['event']} events, {side['indicator_entry']} entries,"
                    f" {side['indicator_total']} totals of owners,"
                    f" {side['region_total']} of the region,"
                    f" {side['entry_unfolded']} not folded (folded in {side['folding']:.1f} s)",
                    flush=True,
                )
            medians = measure(sides, asked.rounds)
            for side in sides.values():
                side["record"].database.dispose()
        finally:
            asyncio.run(server.stop())
    small, large = min(asked.sizes), max(asked.sizes)
    for name, by in medians.items():
        print(f"{name:28} {by[small]:8.2f} ms {by[large]:8.2f} ms   ratio {by[large] / by[small]:.2f}")
    if asked.json:
        asked.json.write_text(json.dumps(medians, indent=2))
    raise SystemExit(0 if medians["scorecard"][large] <= LIMIT * medians["scorecard"][small] else 1)


if __name__ == "__main__":
    main()
