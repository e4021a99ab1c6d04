"""The scrape of worker and relay: their own measures and the Temporal SDK's, on one port."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import REGISTRY, CollectorRegistry, start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from concert.embedded.binaries import free_port
from concert.failures import Failed
from concert.settings import Settings


@contextmanager
def scraped(settings: Settings, say: Callable[[str], object]) -> Iterator[Runtime | None]:
    """Serves while the block runs; the value is the runtime whose clients and workers are measured.
    Without a port it is None, and nothing listens.
    """
    if settings.metrics_port is None:
        yield None
        return
    inner = free_port()
    runtime = Runtime(telemetry=TelemetryConfig(metrics=_config(inner)))
    registry = CollectorRegistry()
    registry.register(_Everything(inner))
    try:
        server, thread = start_http_server(settings.metrics_port, settings.http_host, registry)
    except OSError as refusal:
        raise Failed(
            f"Metrics cannot be served on {settings.http_host}:{settings.metrics_port}: {refusal.strerror}.",
            "Set CONCERT_METRICS_PORT to a free port, to 0 for any, or leave it out.",
        ) from None
    say(f"Metrics     http://{settings.http_host}:{server.server_port}/metrics")
    try:
        yield runtime
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _config(port: int) -> PrometheusConfig:
    """Named and measured as Prometheus asks: seconds, totals."""
    return PrometheusConfig(
        bind_address=f"127.0.0.1:{port}", counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
    )


class _Everything(Collector):
    """The SDK serves its own metrics on a port of its own: here they stand beside ours."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/metrics"

    def collect(self) -> Iterator[Metric]:
        yield from REGISTRY.collect()
        try:
            with urllib.request.urlopen(self._url, timeout=2) as answer:  # noqa: S310 - our own address
                said = answer.read().decode()
        except OSError:
            return
        yield from text_string_to_metric_families(said)
