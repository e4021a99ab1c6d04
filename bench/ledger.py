"""Are the numbers exact whatever happens? Completions under many writers, with voids, rollbacks, late entries, and
links between records of one person, while the folder, a process of its own, is killed (-9) again and again.

`python -m bench.ledger [--completions 10000 --writers 32 --kills 20 --json]`. Works through the services on a
PostgreSQL of its own. Afterwards everything is recomputed from the events: exit 1 unless every entry and every total
is the same.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from concert.embedded import EmbeddedPostgres, temporary_directory
from concert.folder import keep_folding
from seed.load import load_region
from seed.region import Region, build_region
from services.folding import fold, seal
from services.transaction import Record
from services.verifying import prove_indicators
from storage.database import Database
from storage.migrations import migrate

ROOT = Path(__file__).resolve().parent.parent
SOURCE, TARGETS = "cap", ("housing", "early", "pantry", "shelter")
ROLLED_BACK = 12
"""One in so many transactions is lost at its commit."""


@dataclass
class Rush:
    """What is asked for, and what came of it."""

    completions: int = 10_000
    writers: int = 32
    kills: int = 20
    seed: int = 7
    processes: int = 2
    done: Counter[str] = field(default_factory=Counter)
    caught: int = 0
    seconds: float = 0.0
    verified: dict[str, Any] = field(default_factory=dict)


def run(rush: Rush, region: Region, api_url: str, engine_url: str) -> Rush:
    """In a record that holds the region already."""
    since = time.monotonic()
    folder = Folder(engine_url)
    children = [_writers(rush, region, api_url, number) for number in range(rush.processes)]
    finished = _Dots([child.stderr for child in children])
    try:
        _kill(rush, folder, finished, children)
        for child in children:
            assert child.stdout is not None
            with child.stdout as stream:
                output = stream.read()
            if child.wait():
                raise SystemExit("a writer died: " + finished.words[-2000:])
            rush.done.update(json.loads(output))
    finally:
        folder.kill()
        for child in children:
            child.kill()
            child.wait()
        finished.close()
    rush.seconds = time.monotonic() - since
    record = Record(Database(engine_url, pool_size=4, application="bench ledger"))
    _fold_all(record)
    rush.verified = prove_indicators(record, full=True).as_dict()
    record.database.dispose()
    return rush


_UNFOLDED = text("select count(*) from entry_unfolded")


def _fold_all(record: Record) -> None:
    """A folder that was killed leaves its entries locked until the server has noticed."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        while fold(record) + seal(record):
            pass
        with record.database.transaction() as connection:
            if connection.execute(_UNFOLDED).scalar_one() == 0:
                return
        time.sleep(0.2)


class Folder:
    """The folder as a process; killed, it is started again at once."""

    def __init__(self, engine_url: str) -> None:
        self._url = engine_url
        self._start()

    def kill(self) -> None:
        self._child.kill()
        self._child.wait()

    def replace(self) -> bool:
        """Kill it wherever it is and start another; whether it had been alive."""
        alive = self._child.poll() is None
        self.kill()
        self._start()
        return alive

    def _start(self) -> None:
        command = (sys.executable, "-m", "bench.ledger", "--fold")
        environment = {**os.environ, "BENCH_ENGINE_URL": self._url}
        self._child = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)


class _Dots:
    """Counts the completions of all writers as they happen; keeps whatever else they say."""

    def __init__(self, streams: Sequence[Any]) -> None:
        self.count, self.words = 0, ""
        self._threads = [threading.Thread(target=self._follow, args=(stream,), daemon=True) for stream in streams]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Once the writers have ended."""
        for thread in self._threads:
            thread.join(5)

    def _follow(self, stream: Any) -> None:
        with stream:
            while said := stream.read(1):
                if said == ".":
                    self.count += 1
                else:
                    self.words += said


def _kill(rush: Rush, folder: Folder, finished: _Dots, children: Sequence[subprocess.Popen[str]]) -> None:
    """Spread over the run, each time at another moment of its work."""
    dice = random.Random(rush.seed)
    for number in range(1, rush.kills + 1):
        while finished.count < number * rush.completions // (rush.kills + 1):
            if all(child.poll() is not None for child in children):
                return
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.2))
        rush.caught += folder.replace()
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{finished.count} of {rush.completions} completions, folder killed {rush.caught} times")


def _writers(rush: Rush, region: Region, url: str, number: int) -> subprocess.Popen[str]:
    job = {
        "database_url": url,
        "completions": -(-rush.completions // rush.processes),
        "writers": rush.writers // rush.processes,
        "seed": rush.seed + number,
        "one_in": ROLLED_BACK,
        "clients": max(10, rush.completions // 40),
        "source": _caseworker(region, SOURCE),
        "targets": [_partner(region, slug) for slug in TARGETS],
        "own": [_partner(region, slug) for slug in TARGETS],
    }
    child = subprocess.Popen(
        (sys.executable, "-m", "bench.writers"),
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdin is not None
    child.stdin.write(json.dumps(job))
    child.stdin.close()
    return child


def _caseworker(region: Region, slug: str) -> str:
    return (region.people_of(slug, "caseworker") or region.people_of(slug, "supervisor"))[0].login


def _partner(region: Region, slug: str) -> dict[str, str]:
    organization = region.organization(slug)
    service = next(s for s in region.services if s.organization_id == organization.id)
    return {"login": _caseworker(region, slug), "service_id": str(service.id)}


def _told(rush: Rush) -> str:
    v, d = rush.verified, rush.done
    return (
        f"{d['completions']} completions by {rush.writers} writers in {rush.seconds:.0f} s: {d['voided']} voided,"
        f" {d['rolled back']} rolled back and repeated, {d['sent away']} sent away by a lock and repeated,"
        f" {d['linked']} links made and {d['parted']} revoked;"
        f" the folder was killed {rush.caught} times.\n"
        f"{v['events']} events, {v['entries']} entries, {v['totals']} totals:"
        f" {len(v['differences'])} differences between them and the recomputation."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--completions", type=int, default=10_000)
    parser.add_argument("--writers", type=int, default=32)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--fold", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.fold:
        asyncio.run(keep_folding(Record(Database(os.environ["BENCH_ENGINE_URL"], application="bench folder"))))
    rush, region = Rush(asked.completions, asked.writers, asked.kills, asked.seed), build_region(asked.seed)
    with temporary_directory() as directory:
        server = EmbeddedPostgres(directory)
        asyncio.run(server.start())
        try:
            migrate(server.admin_url, server.password("api"), server.password("engine"))
            load_region(server.admin_url, region)
            run(rush, region, server.api_url, server.engine_url)
        finally:
            asyncio.run(server.stop())
    print(json.dumps(rush.__dict__, indent=2, default=str) if asked.json else _told(rush))
    sys.exit(0 if rush.verified["holds"] else 1)


if __name__ == "__main__":
    main()
