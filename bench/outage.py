"""A caseworker's moves while Temporal is dead, against the same moves while it runs.

`python -m bench.outage [--rounds N] [--json]`. Alternating, so that a busy moment meets both: a measurement with
Temporal running, one with it killed (-9), and again; each starts when the engine has caught up. Milliseconds as the
caseworkers' own process sees them, the median of all requests; `caught_up` are seconds from Temporal's start until
the last workflow has ended.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.lifecycle import WARM_UP, drive
from bench.sides import CASTS_EACH, Concert, concert
from concert.embedded import EmbeddedPostgres, temporary_directory

CROWD = 4


async def measure(side: Concert, rounds: int, lifecycles: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Medians in milliseconds, running and dead, one for each round."""
    casts = side.casts(CROWD * CASTS_EACH)
    threads = [casts[n::CROWD] for n in range(CROWD)]
    await side.settled((await drive(side, threads, WARM_UP, 0.0))["referrals"])
    running, dead, caught_up = [], [], []
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        seen = await drive(side, threads, lifecycles, 0.0)
        running.append(_median(seen))
        await side.settled(seen["referrals"])
        await side.temporal.kill()
        seen = await drive(side, threads, lifecycles, 0.0)
        dead.append(_median(seen))
        since = time.monotonic()
        await side.temporal.start()
        await side.settled(seen["referrals"])
        caught_up.append(time.monotonic() - since)
    ratio = statistics.median(dead) / statistics.median(running)
    return {"running_ms": running, "dead_ms": dead, "ratio": ratio, "caught_up": caught_up}


def _median(seen: dict[str, Any]) -> float:
    return float(statistics.median([each for verb in seen["milliseconds"].values() for each in verb]))


async def run(rounds: int, lifecycles: int, say: Callable[[str], None]) -> dict[str, Any]:
    with temporary_directory() as directory:
        postgres = EmbeddedPostgres(directory)
        await postgres.start()
        try:
            async with concert(postgres, directory) as side:
                return await measure(side, rounds, lifecycles, say)
        finally:
            await postgres.stop()


def table(result: dict[str, Any]) -> str:
    rounds = zip(result["running_ms"], result["dead_ms"], result["caught_up"], strict=True)
    lines = [f"{running:10.1f}{dead:10.1f}{back:14.1f}" for running, dead, back in rounds]
    head = f"{'running ms':>10}{'dead ms':>10}{'caught up s':>14}"
    return "\n".join([head, *lines, f"While Temporal is dead: {result['ratio']:.2f} times the usual median."])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--lifecycles", type=int, default=8, help=f"referrals of each of {CROWD} caseworkers in a round"
    )
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    result = asyncio.run(run(chosen.rounds, chosen.lifecycles, lambda line: print(line, file=sys.stderr)))
    print(json.dumps(result, indent=1) if chosen.json else table(result))


if __name__ == "__main__":
    main()
