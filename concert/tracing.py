"""Traces, where somebody wants them: from the request through the outbox into the workflow, by ids and codes alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from concert.heart import instance
from concert.settings import Settings
from services.outbox import Message

_PROPAGATOR = TraceContextTextMapPropagator()
FLUSH_SECONDS = 2
"""How long the end of a process waits for a collector that does not answer."""


@contextmanager
def traced(settings: Settings, role: str) -> Iterator[Tracer | None]:
    """None without an endpoint. Sampling follows OTEL_TRACES_SAMPLER; the default is everything."""
    if not settings.otlp_endpoint:
        yield None
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": f"concert-{role}", "service.instance.id": instance()})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(settings.otlp_endpoint.rstrip("/") + "/v1/traces", timeout=FLUSH_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield provider.get_tracer("concert")
    finally:
        provider.shutdown()


def delivering(tracer: Tracer | None, message: Message) -> AbstractContextManager[object]:
    """The span of one delivery, in the trace of what decided it; an error shows as the code that the outbox keeps."""
    if tracer is None:
        return nullcontext()
    carried = {"traceparent": message.trace} if message.trace else {}
    return tracer.start_as_current_span(
        f"relay.deliver {message.kind}",
        context=_PROPAGATOR.extract(carried, Context()),
        kind=SpanKind.CONSUMER,
        attributes={"concert.workflow_id": message.workflow_id, "concert.attempts": message.attempts},
        record_exception=False,
        set_status_on_exception=False,
    )
