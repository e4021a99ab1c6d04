"""The engine's pulse for Prometheus. A scrape is cheap, and is answered while the record is away: then that is what it
says.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock
from time import monotonic

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from domain.pulse import CODES, KINDS, Pulse, Trouble, ailments
from services.engine import take_pulse
from services.transaction import Record

FRESH_SECONDS = 5.0
"""So long one answer of the record serves every scrape."""
PATIENCE_SECONDS = 1.0
"""A record that does not answer within it counts as away; it is asked once at a time."""


class Vitals(Collector):
    """Of one record, by numbers alone; confidential cases are not among them."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._lock = Lock()
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="pulse")
        self._asked: Future[Pulse] | None = None
        self._last: tuple[float, Pulse] | None = None

    def collect(self) -> Iterator[Metric]:
        pulse = self._pulse()
        yield _gauge("concert_up", "Whether the record answers.", 0.0 if pulse is None else 1.0)
        if pulse is not None:
            yield from _queues(pulse)
            yield from _processes(pulse)
            yield from _findings(pulse)
            yield from _database(pulse)

    def _pulse(self) -> Pulse | None:
        with self._lock:
            if self._last and monotonic() - self._last[0] < FRESH_SECONDS:
                return self._last[1]
            if self._asked is None:
                self._asked = self._asking.submit(take_pulse, self._record)
            wait([self._asked], PATIENCE_SECONDS)
            if not self._asked.done():
                return None
            asked, self._asked = self._asked, None
            if asked.exception() is not None:
                return None
            self._last = (monotonic(), asked.result())
            return self._last[1]


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value=value)


def _queues(pulse: Pulse) -> Iterator[Metric]:
    yield _gauge("concert_outbox_messages", "Messages that wait for the relay.", pulse.outbox.waiting)
    yield _gauge("concert_outbox_oldest_seconds", "How long the oldest of them has waited.", pulse.age(pulse.outbox))
    yield _gauge("concert_outbox_dead", "Messages that were given up.", pulse.dead)
    yield _gauge("concert_ledger_unfolded", "Entries that wait to be folded.", pulse.ledger.waiting)
    yield _gauge("concert_ledger_oldest_seconds", "How long the oldest of them has waited.", pulse.age(pulse.ledger))
    yield _gauge("concert_audit_unsealed", "Audit rows that wait for their seal.", pulse.audit.waiting)
    yield _gauge("concert_audit_oldest_seconds", "How long the oldest of them has waited.", pulse.age(pulse.audit))
    yield _gauge("concert_mail_unsent", "Letters by which one sees that mail does not leave.", pulse.mail.waiting)
    yield _gauge("concert_mail_oldest_seconds", "For how long the oldest of them shows it.", pulse.age(pulse.mail))


def _processes(pulse: Pulse) -> Iterator[Metric]:
    alive = GaugeMetricFamily("concert_processes_alive", "Who gave a sign of life within 45 s.", labels=["role"])
    seen = GaugeMetricFamily("concert_process_last_seen_seconds", "Since the latest sign of life.", labels=["role"])
    for each in pulse.processes:
        alive.add_metric([each.role], each.alive)
        if each.last is not None:
            seen.add_metric([each.role], max(0.0, (pulse.at - each.last).total_seconds()))
    yield from (alive, seen)


def _findings(pulse: Pulse) -> Iterator[Metric]:
    """Every combination, so that one that is over reads as zero instead of vanishing."""
    cases = GaugeMetricFamily("concert_cases", "Cases that differ from their workflow.", labels=["kind", "trouble"])
    found = {(each.kind, each.trouble): each.cases for each in pulse.findings}
    for kind in KINDS:
        for trouble in Trouble:
            cases.add_metric([kind, trouble.value], found.get((kind, trouble), 0))
    ailing = {each.code for each in ailments(pulse)}
    ailment = GaugeMetricFamily("concert_ailment", "What GET /v1/monitor/engine says is wrong: 1.", labels=["code"])
    for code in CODES:
        ailment.add_metric([code], float(code in ailing))
    yield from (cases, ailment)


def _database(pulse: Pulse) -> Iterator[Metric]:
    yield _gauge("concert_database_connections", "Connections that are open.", pulse.connections)
    yield _gauge("concert_database_most_connections", "How many there may be.", pulse.most_connections)
    yield _gauge("concert_database_size_bytes", "Of the database.", pulse.size_bytes)
    yield _gauge("concert_database_ping_seconds", "How long the simplest question takes.", pulse.ping_seconds)
