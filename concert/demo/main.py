"""The demonstration from beginning to end: servers, region, people, proof."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import structlog
from rich.console import Console
from rich.live import Live
from temporalio.client import Client
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

from concert.connection import connect
from concert.demo import verification as proof
from concert.demo.board import Watch
from concert.demo.casebook import Casebook
from concert.demo.cast import cast
from concert.demo.clinic import OwnSystem
from concert.demo.desk import open_desks
from concert.demo.moves import Clock, is_closed
from concert.demo.pace import Pace, pace_for
from concert.demo.people import Caseworker, Person, backbone, caseworkers
from concert.demo.plans import Plans
from concert.demo.report import Report, closing, opening
from concert.demo.screen import Screen, calm_line
from concert.demo.stopping import FAREWELL, INTERRUPTED, Stopped, until_stopped
from concert.embedded import CannotStart, temporary_directory
from concert.embedded.stack import embedded
from concert.issuer import Issuer
from concert.logs import only_the_kind_of_error
from concert.parts import engine_record
from concert.running import close, running
from concert.settings import Settings
from seed.compressed import adopt_clocks, compressed
from seed.load import load_region
from seed.region import Region, build_region
from services.transaction import Record

REFERRALS = 60
PLANS = 3
SEED = 7
TICK_SECONDS = 5.0
"""How often a line of progress is printed where nobody watches a terminal."""
REFRESH_SECONDS = 0.7


def run_demo(referrals: int = REFERRALS, seed: int = SEED, as_json: bool = False, plans: int = PLANS) -> int:
    """Exit status: 0 everything holds, 1 something does not, 130 interrupted. Leaves nothing behind."""
    console = Console(stderr=as_json, highlight=False)
    report = Report(referrals, seed, pace_for(referrals).day, plans=plans)
    try:
        with temporary_directory() as directory:
            asyncio.run(until_stopped(_demo(console, report, directory), directory))
    except (Stopped, KeyboardInterrupt):
        console.print(FAREWELL)
        return INTERRUPTED
    except CannotStart as no:
        console.print(f"{no.what}\n{no.remedy}")
        return 1
    if as_json:
        sys.stdout.write(json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n")
    else:
        closing(console, report)
    return 0 if report.holds else 1


@dataclass(slots=True)
class _Scene:
    """Everything that runs while the story is told."""

    console: Console
    report: Report
    pace: Pace
    book: Casebook
    plans: Plans
    workers: list[Caseworker]
    watch: Watch
    record: Record
    temporal: Client
    system: list[OwnSystem]


async def _demo(console: Console, report: Report, directory: Path) -> None:
    began = time.monotonic()
    pace = pace_for(report.referrals)
    opening(console, report.referrals, report.seed, pace)
    with _quiet_logs(directory / "demo.log"):
        settings = _settings(directory)
        async with embedded(settings, lasting=False, say=_say(console)) as servers:
            settings = servers.applied_to(settings)
            try:
                region = await asyncio.to_thread(_move_in, settings, report.seed, pace)
                _say(console)(f"Region      {len(region.organizations)} organizations, {len(region.users)} people")
                async with _scene(console, report, pace, settings, region) as scene:
                    await _play(scene)
                    await _prove(scene)
            finally:
                if servers.temporal is not None:
                    await servers.temporal.kill()  # what it keeps is thrown away: no reason to wait for its farewell
    report.seconds = time.monotonic() - began


def _settings(directory: Path) -> Settings:
    """Nothing from the environment: the demonstration must never touch somebody's real record."""
    return Settings(
        _env_file=None,
        data_dir=directory,
        database_url="",
        engine_database_url="",
        admin_database_url="",
        listen_url="",
        temporal_address="",
        temporal_namespace="concert",
        temporal_ui_port=None,
        oidc_issuer="",
        oidc_audience="concert",
        http_host="127.0.0.1",
        http_port=0,
        postgres_port=0,
        temporal_port=0,
        rate_limit=0,
    )


def _move_in(settings: Settings, seed: int, pace: Pace) -> Region:
    region = build_region(seed)
    load_region(settings.admin_database_url, region)
    adopt_clocks(settings.admin_database_url, region, compressed(region.agenda.clocks, pace.day), pace.day)
    return region


def _say(console: Console) -> Callable[[str], object]:
    return lambda line: console.print(f"  {line}", style="dim", soft_wrap=True)


@asynccontextmanager
async def _scene(
    console: Console, report: Report, pace: Pace, settings: Settings, region: Region
) -> AsyncIterator[_Scene]:
    record = engine_record(settings, pool_size=4)
    try:
        async with running(settings, say=_say(console)) as url, _http(url) as http:
            issuer = Issuer.open(settings.data_dir)
            book = Casebook(region, cast(region, report.referrals))
            plans = Plans(region, report.plans, http, issuer, pace)
            workers = caseworkers(book, http, issuer, pace)
            watch = Watch(record, backbone(region, http, issuer), region)
            temporal = await connect(settings.temporal_address, settings.temporal_namespace)
            systems = _own_systems(region, book, pace, http, issuer)
            report.partners = len({worker.organization.slug for worker in workers})
            yield _Scene(console, report, pace, book, plans, workers, watch, record, temporal, systems)
    finally:
        close(record)


def _http(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)


def _own_systems(
    region: Region, book: Casebook, pace: Pace, http: httpx.AsyncClient, issuer: Issuer
) -> list[OwnSystem]:
    partners = [one for one in region.organizations if one.worker]
    logins = [(one, region.people_of(one.slug, "service")[0].login) for one in partners]
    return [OwnSystem(one, Person(login, http, issuer.sign(login)), book, pace) for one, login in logins]


async def _play(scene: _Scene) -> None:
    """Until every story is told, or until nothing moves any more: then the verification says what is missing."""
    jobs = [worker.work() for worker in scene.workers]
    jobs += [system.work(scene.temporal) for system in scene.system]
    jobs += [_tell(scene)]
    jobs += [scene.plans.work()] if scene.report.plans else []
    async with _beside(jobs):
        await open_desks(scene.book, scene.workers, scene.pace)
        await _told(scene)


async def _told(scene: _Scene) -> None:
    """Time ends stories too, so this asks again and again instead of waiting for an event. However slow the machine
    is, patience lasts as long as somebody does something.
    """
    moves, moved = 0, time.monotonic()
    while scene.book.unfinished(Clock(datetime.now(UTC), scene.pace.day)) + scene.plans.unfinished:
        if (now := sum(scene.book.moves.values()) + scene.plans.moves) != moves:
            moves, moved = now, time.monotonic()
        if time.monotonic() - moved > scene.pace.longest_silence:
            return
        await asyncio.sleep(0.2)


@asynccontextmanager
async def _beside(jobs: list[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run the jobs beside the block and end them with it; a job that breaks ends the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in jobs]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _tell(scene: _Scene) -> None:
    """A live table on a terminal, otherwise a calm line now and then. Until cancelled."""
    console, board, expected = scene.console, scene.watch.board, scene.report.referrals
    if console.is_terminal and not scene.console.stderr:
        with Live(Screen(console, board, scene.pace, expected), console=console, transient=True):
            await scene.watch.keep_fresh(REFRESH_SECONDS)
    began = time.monotonic()
    while True:
        await asyncio.sleep(TICK_SECONDS)
        await scene.watch.refresh(numbers=0)
        console.print(calm_line(board, time.monotonic() - began, expected), soft_wrap=True)


async def _prove(scene: _Scene) -> None:
    scene.console.print("  Every story is told. Now everything is checked.", style="dim")
    book, record, report = scene.book, scene.record, scene.report
    for worker in _one_per_source(scene):
        await worker.see_own_referrals()
    await scene.watch.refresh()
    referrals = list(book.seen.values())
    report.take(scene.watch.board, referrals)
    stalled = await _all_stalls(scene)
    report.open = proof.still_open(referrals, stalled, scene.watch.name)
    deadlines = await asyncio.to_thread(proof.deadlines, record)
    report.reminders, report.escalations, report.expiries = deadlines
    report.moves, report.by_own_system = sum(book.moves.values()), book.by_own_system
    report.verification = [
        proof.closed_or_explained(report.referrals, referrals, report.open),
        proof.moves_answered(report.moves, book.lost_races, book.refusals),
        await asyncio.to_thread(proof.numbers_agree, record),
        await proof.one_workflow_each(scene.temporal, record),
        await proof.nothing_personal(scene.temporal, book.secrets() | scene.plans.secrets()),
        await proof.audit_whole(record),
        await proof.outbox_empty(record),
        proof.deadlines_worked(*deadlines),
    ]
    if report.plans:
        report.verification.insert(1, scene.plans.check())


def _one_per_source(scene: _Scene) -> list[Caseworker]:
    return list({worker.organization.slug: worker for worker in scene.workers}.values())


async def _all_stalls(scene: _Scene) -> list[dict[str, Any]]:
    """As the backbone sees them; what a confidential partner keeps to itself, as the one who asked sees it."""
    found = {item["id"]: item for item in scene.watch.board.stalled}
    sources = {scene.book.stories[key].source for key, seen in scene.book.seen.items() if not is_closed(seen)}
    for worker in _one_per_source(scene):
        if worker.organization.slug in sources:
            found |= {item["id"]: item async for item in worker.person.all("/v1/monitor/stalled")}
    return list(found.values())


def _hush_the_engine() -> None:
    """The SDK's core would write to the terminal itself: hand its warnings to the log file instead."""
    forwarding = LogForwardingConfig(logger=logging.getLogger("temporal.core"))
    told = LoggingConfig(filter=TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=forwarding)
    with suppress(RuntimeError):  # a runtime is there already, in tests
        Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=told)), error_if_already_set=True)


@contextmanager
def _quiet_logs(path: Path) -> Iterator[None]:
    """Logs go to a file beside the servers' own, so that neither the screen nor the JSON is torn."""
    with path.open("a") as file:
        _hush_the_engine()
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                only_the_kind_of_error,
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
            logger_factory=structlog.PrintLoggerFactory(file),
        )
        logging.basicConfig(stream=file, level=logging.WARNING, force=True)
        try:
            yield
        finally:
            structlog.reset_defaults()
            logging.basicConfig(handlers=[logging.NullHandler()], force=True)
