"""One referral's HTTP lifecycle on Concert and on a plain application, in one run.

`python -m bench.lifecycle [--json]`. Create, accept, start, complete, confirm, read the inbox: six requests, under 1
and 16 clients, then under 16 who take their time. CPU is user and system time of whole process trees, in
milliseconds for one lifecycle; the clients' own counts nowhere. What the engine still does after the last answer
counts too. Nothing is subtracted for what servers do when idle; that is measured by itself. The plain application
runs before and after: where its two figures differ, the machine was not quiet, and only the ratio means much.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from bench.sides import CASTS_EACH, ROOT, Side, concert, plain
from concert.embedded import EmbeddedPostgres, temporary_directory

WARM_UP = 3
IDLE_SECONDS = 5.0
CLIENTS = (sys.executable, "-m", "bench.clients")
Row = dict[str, Any]


async def drive(side: Side, threads: list[list[dict[str, Any]]], lifecycles: int, pause: float) -> dict[str, Any]:
    """Runs the clients as a process of their own; any refusal ends the benchmark."""
    job = {"host": "127.0.0.1", "port": side.port, "lifecycles": lifecycles, "pause": pause, "threads": threads}
    child = await asyncio.create_subprocess_exec(
        *CLIENTS, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await child.communicate(json.dumps(job).encode())
    seen: dict[str, Any] = json.loads(output)
    if seen["refused"]:
        raise SystemExit(f"{side.name}: {len(seen['refused'])} refused, the first: {seen['refused'][0]}")
    return seen


async def measure(side: Side, clients: int, lifecycles: int, pause: float = 0.0) -> Row:
    """One line of the result: `lifecycles` for each of `clients`."""
    casts = side.casts(clients * CASTS_EACH)
    threads = [casts[n::clients] for n in range(clients)]
    await side.settled((await drive(side, threads, WARM_UP, 0.0))["referrals"])
    before = side.times()
    seen = await drive(side, threads, lifecycles, pause)
    engine = await side.settled(seen["referrals"])
    after = side.times()
    number = len(seen["referrals"])
    spent = {part: (after[part] - before[part]) / number for part in after}
    return {
        "side": side.name,
        "clients": clients,
        "pause": pause,
        "lifecycles": number,
        "requests_per_second": 6 * number / seen["seconds"],
        "cpu_ms": spent,
        "request_path_ms": spent["api"] + spent.get("postgres concert_api", spent["postgres"]),
        "all_ms": sum(ms for part, ms in spent.items() if not part.startswith("postgres ")),
        "latency_ms": {verb: percentiles(values) for verb, values in seen["milliseconds"].items()},
        **engine,
    }


def percentiles(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": cuts[49], "p99": cuts[98]}


async def idle(side: Side) -> dict[str, float]:
    """CPU milliseconds of each part in one second in which nobody asks anything."""
    before = side.times()
    await asyncio.sleep(IDLE_SECONDS)
    return {part: (spent - before[part]) / IDLE_SECONDS for part, spent in side.times().items()}


async def run(referrals: int, clients: list[int], pause: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Both sides on one PostgreSQL, one at a time; the plain one before and after, to show how the machine drifts."""
    rows: list[Row] = []
    resting: dict[str, dict[str, float]] = {}

    async def take(opened: AbstractAsyncContextManager[Side]) -> None:
        async with opened as side:
            rows.extend([row async for row in one_side(side, referrals, clients, pause, say)])
            resting[side.name] = await idle(side)

    with temporary_directory() as directory:
        postgres = EmbeddedPostgres(directory)
        await postgres.start()
        try:
            for open_side in (plain, concert, plain):
                await take(open_side(postgres, directory))
        finally:
            await postgres.stop()
    return {"rows": rows, "idle_ms_per_second": resting, "ratios": ratios(rows)}


async def one_side(
    side: Side, referrals: int, clients: list[int], pause: float, say: Callable[[str], None]
) -> AsyncIterator[Row]:
    for number in clients:
        say(f"{side.name}: {number} at once")
        yield await measure(side, number, max(referrals // number, 1))
    if side.name == "concert":
        say(f"{side.name}: {clients[-1]} at once, {pause:g} s between requests")
        yield await measure(side, clients[-1], 3, pause)


def ratios(rows: list[Row]) -> list[Row]:
    """Concert's figures as multiples of the plain application's (mean of both passes), by number of clients."""
    found = []
    for row in rows:
        if row["side"] == "concert" and not row["pause"]:
            bases = [base for base in rows if base["side"] == "plain" and base["clients"] == row["clients"]]
            compared = {name: figure(row) / statistics.mean(map(figure, bases)) for name, figure in COMPARED.items()}
            found.append({"clients": row["clients"], **compared})
    return found


COMPARED: dict[str, Callable[[Row], float]] = {
    "request path": lambda row: float(row["request_path_ms"]),
    "everything": lambda row: float(row["all_ms"]),
    "accept p50": lambda row: float(row["latency_ms"]["accept"]["p50"]),
    "complete p50": lambda row: float(row["latency_ms"]["complete"]["p50"]),
}

HEAD = (
    "side", "clients", "pause s", "requests/s", "API", "worker + relay", "Temporal", "Postgres", "of it API's",
    "request path", "all", "accept p50/p99", "complete p50/p99", "events", "transitions",
)  # fmt: skip


def table(result: dict[str, Any]) -> str:
    lines = ["CPU milliseconds for one lifecycle of six requests; latencies in milliseconds.", ""]
    lines += ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    lines += ["| " + " | ".join(cells(row)) + " |" for row in result["rows"]]
    lines += ["", "Concert as a multiple of the plain application:"]
    for row in result["ratios"]:
        parts = ", ".join(f"{name} {value:.1f}" for name, value in row.items() if name != "clients")
        lines.append(f"  {row['clients']} clients: {parts}")
    lines += ["", "CPU milliseconds a second when idle:"]
    for side, parts in result["idle_ms_per_second"].items():
        lines.append(f"  {side}: " + ", ".join(f"{part} {value:.1f}" for part, value in parts.items()))
    return "\n".join(lines)


def cells(row: Row) -> list[str]:
    def ms(part: str) -> str:
        return f"{row['cpu_ms'][part]:.1f}" if part in row["cpu_ms"] else "–"

    def both(verb: str) -> str:
        return f"{row['latency_ms'][verb]['p50']:.1f} / {row['latency_ms'][verb]['p99']:.1f}"

    first = [row["side"], str(row["clients"]), f"{row['pause']:g}", f"{row['requests_per_second']:.0f}"]
    parts = [ms(part) for part in ("api", "worker + relay", "temporal", "postgres", "postgres concert_api")]
    sums = [f"{row['request_path_ms']:.1f}", f"{row['all_ms']:.1f}"]
    engine = [f"{row[name]:.1f}" if name in row else "–" for name in ("events", "transitions")]
    return [*first, *parts, *sums, both("accept"), both("complete"), *engine]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--referrals", type=int, default=320, help="lifecycles of each measurement")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16], help="so many at once")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between requests in the last part")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    result = asyncio.run(run(chosen.referrals, chosen.clients, chosen.pause, lambda line: print(line, file=sys.stderr)))
    print(json.dumps(result, indent=1) if chosen.json else table(result))


if __name__ == "__main__":
    main()
