"""Every request is counted and timed by its operation, and begins a trace where somebody traces."""

from functools import cache
from time import perf_counter

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_REQUESTS = Counter("concert_http_requests", "Requests answered, by operation and status.", ["operation", "status"])
_SECONDS = Histogram(
    "concert_http_request_seconds",
    "Until the answer began, by operation.",
    ["operation"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
_PROPAGATOR = TraceContextTextMapPropagator()
NO_OPERATION = "none"
"""What a request is counted under that met no route: its path may hold anything."""


class Watched:
    """ASGI middleware, outside of all but `ActShell`. Names are operation ids, never paths: a path holds ids."""

    def __init__(self, app: ASGIApp, tracer: Tracer | None = None) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._tracer is None:
            await self._measured(scope, receive, send)
        else:
            await self._traced(self._tracer, scope, receive, send)

    async def _traced(self, tracer: Tracer, scope: Scope, receive: Receive, send: Send) -> None:
        """No exception is recorded: its message may hold personal data."""
        with tracer.start_as_current_span(
            NO_OPERATION,
            context=_from_outside(scope),
            kind=SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            status = await self._measured(scope, receive, send)
            span.update_name(_operation(scope))
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_status(StatusCode.ERROR)

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> int:
        begun, status, answered = perf_counter(), 500, 0.0

        async def send_seen(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status, answered = message["status"], perf_counter()
            await send(message)

        try:
            await self._app(scope, receive, send_seen)
        finally:
            operation = _operation(scope)
            _requests(operation, status).inc()
            _seconds(operation).observe((answered or perf_counter()) - begun)
        return status


def _operation(scope: Scope) -> str:
    return getattr(scope.get("route"), "operation_id", None) or NO_OPERATION


def _from_outside(scope: Scope) -> Context:
    """The caller's trace goes on here, by its numbers alone: what else may travel along is text from outside."""
    given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"]
    return _PROPAGATOR.extract({"traceparent": given[0]} if len(given) == 1 else {}, Context())


@cache
def _requests(operation: str, status: int) -> Counter:
    return _REQUESTS.labels(operation, status)


@cache
def _seconds(operation: str) -> Histogram:
    return _SECONDS.labels(operation)
