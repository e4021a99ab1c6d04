"""Do the partners' scorecards cost the same at ten thousand and at a million events? In one run, on one cluster.

`python -m bench.partners [--sizes 10000 1000000 --open 20000]`. The records are those of `bench.scorecard`, with the
scorecards' figures alone, as many open tasks on both sides, and ended ones in proportion. Then both are asked in turn,
as the backbone and as a partner. Exit 1 if a median is over 1.5 times the small one's.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from typing import Any

import psycopg

from bench.scorecard import KINDS, LIMIT, READER, prepare
from bench.turns import medians, timed
from concert.embedded import EmbeddedPostgres, temporary_directory
from concert.embedded.postgres import libpq_url
from seed.agreement import agenda
from services.partners import get_partners
from services.transaction import Call, Record

PARTNER = "gwen.housing"
FIRST, LAST = "2026-05", "2026-10"
ROUNDS = 40
_TASKS = """
insert into task (id, collaborative_id, kind, title, owner_id, action_plan_id, step_key, round, organization_id,
                  source_organization_id, priority, state, ball_organization_id, clock, due_at, requested_at,
                  created_at, updated_at, outputs)
select uuidv7(), c.id, 'step', 'Answer a request', uuidv7(), uuidv7(), 'offer', 1, o.id, o.id, 'routine', %(state)s,
       case when %(open)s then o.id end, case when %(open)s then 'decide' end,
       case when %(open)s then now() + (n %% 20 - 1) * interval '1 day' end, x.at, x.at, x.at, '{}'
  from collaborative c cross join generate_series(1, %(count)s) n
  join lateral (select now() - (n %% 90) * interval '1 day' as at) x on true
  join (select o.id, row_number() over (order by o.id) as place, count(*) over () as every from organization o) o
    on o.place = 1 + n %% o.every
"""


def add_tasks(url: str, size: int, standing: int) -> None:
    """As the administrator: as many open ones on every side, and one that ended for each case."""
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        for state, count in (("acknowledged", standing), ("completed", size // len(KINDS))):
            connection.execute(_TASKS.encode(), {"state": state, "open": state != "completed", "count": count})
        connection.execute("vacuum analyze task")


def measure(sides: dict[int, dict[str, Any]], rounds: int) -> dict[str, dict[int, float]]:
    """Medians in milliseconds; asked in turn, so that a busy moment meets both alike."""
    questions: dict[str, Callable[[Record], object]] = {
        "all partners, for the backbone": lambda record: get_partners(record, Call(READER), start=FIRST, end=LAST),
        "one partner, for itself": lambda record: get_partners(record, Call(PARTNER), start=FIRST, end=LAST),
    }
    return medians({name: timed(ask) for name, ask in questions.items()}, sides, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--open", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    with temporary_directory() as directory:
        server = EmbeddedPostgres(directory, durable=False)
        asyncio.run(server.start())
        try:
            sides = {size: prepare(server, size, agenda().scorecards["figures"]) for size in asked.sizes}
            for size, side in sides.items():
                add_tasks(server.admin_url.removesuffix("/concert") + f"/events_{size}", size, asked.open)
                print(f"{side['event']} events, {side['indicator_entry']} entries, {side['indicator_total']} totals",
                      flush=True)  # fmt: skip
            medians = measure(sides, asked.rounds)
            for side in sides.values():
                side["record"].database.dispose()
        finally:
            asyncio.run(server.stop())
    small, large = min(asked.sizes), max(asked.sizes)
    for name, by in medians.items():
        print(f"{name:32} {by[small]:8.1f} ms {by[large]:8.1f} ms   ratio {by[large] / by[small]:.2f}")
    raise SystemExit(0 if all(by[large] <= LIMIT * by[small] for by in medians.values()) else 1)


if __name__ == "__main__":
    main()
