"""One trace tells what a person's request led to: over the outbox and the relay into the workflow. By ids and codes."""

from __future__ import annotations

import http.server
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer
from temporalio.client import Client, WorkflowHistory
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.worker import Replayer

from concert.embedded import EmbeddedTemporal
from concert.running import running, serving
from tests.house import OUTCOME, House, Loop, Person, eventually
from tests.workflows.room import Room
from tests.workflows.test_histories import golden
from workflows.action_plan import ActionPlanWorkflow
from workflows.referral import ReferralWorkflow

NAMES = ("Rosalind", "Featherstonehaugh", "maria", "31157")
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


ABOVE = {
    "relay.deliver look": "create_referral",
    "SignalWithStartWorkflow:Referral": "relay.deliver look",
    "RunWorkflow:Referral": "SignalWithStartWorkflow:Referral",
    "StartActivity:advance_referral": "SignalWithStartWorkflow:Referral",
    "RunActivity:advance_referral": "StartActivity:advance_referral",
}


class Traced:
    """A whole Concert that is traced, and what came of it; `person` speaks to its API."""

    def __init__(self, house: House, url: str, room: Room, tracer: Tracer, spans: InMemorySpanExporter) -> None:
        self.house, self.room, self.tracer, self._spans = house, room, tracer, spans
        self.http = httpx.Client(base_url=url, timeout=20, trust_env=False)

    def person(self, slug: str) -> Person:
        login = self.house.caseworker(slug).login
        return Person(login, self.http, self.house.issuer.sign(login))

    def spans(self) -> list[ReadableSpan]:
        return list(self._spans.get_finished_spans())

    def of(self, trace: int) -> dict[str, ReadableSpan]:
        """The spans of one trace by their names."""
        return {span.name: span for span in self.spans() if span.context.trace_id == trace}

    def named(self, name: str, **attributes: object) -> ReadableSpan | None:
        for span in self.spans():
            if span.name == name and attributes.items() <= dict(span.attributes or {}).items():
                return span
        return None


@pytest.fixture(scope="module")
def traced(house: House, temporal: EmbeddedTemporal, namespaces: Iterator[str], loop: Loop) -> Iterator[Traced]:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracer = provider.get_tracer("concert")
    chosen = {"temporal_address": temporal.address, "temporal_namespace": next(namespaces)}
    settings = house.settings.model_copy(update=chosen)
    url, leave = loop.enter(running(settings, say=lambda _: None, tracer=tracer))

    async def client() -> Client:
        return await Client.connect(temporal.address, namespace=settings.temporal_namespace)

    opened = Traced(house, url, Room(house, loop, loop.run(client())), tracer, spans)
    yield opened
    opened.http.close()
    leave()


@pytest.fixture(scope="module")
def referral(traced: Traced) -> Any:
    """Asked for with a new client by name, accepted and completed; the engine has heard of all of it."""
    source, target = traced.person("cap"), traced.person("housing")
    body = {
        "service_id": str(traced.house.service("housing").id),
        "client": {"given_name": "Rosalind", "family_name": "Featherstonehaugh"},
        "reason": "Rosalind Featherstonehaugh lost her flat",
    }
    made = source.does("/v1/referrals", body, traceparent=CALLER, tracestate="name=Rosalind", baggage="name=Rosalind")
    workflow_id = f"referral-{made['id']}"
    traced.room.idle(workflow_id)
    task = f"/v1/tasks/{made['tasks'][0]['id']}"
    for verb, more in (("accept", {}), ("start", {}), ("complete", OUTCOME)):
        target.does(f"{task}/{verb}", more)
        traced.room.idle(workflow_id)
    eventually(lambda: traced.named("relay.deliver complete"))
    return made


def test_what_a_request_led_to_is_one_trace_down_to_what_the_engine_did(traced: Traced, referral: Any) -> None:
    made = traced.named("create_referral")
    assert made is not None
    assert made.context.trace_id == int(CALLER.split("-")[1], 16), "the caller's trace goes on"
    spans = traced.of(made.context.trace_id)
    for below, above in ABOVE.items():
        parent = spans[below].parent
        assert parent is not None
        assert parent.span_id == spans[above].context.span_id, f"{below} follows {above}"
    assert (made.attributes or {})["http.response.status_code"] == 201


def test_a_completion_is_delivered_in_the_trace_of_whoever_completed(traced: Traced, referral: Any) -> None:
    completed, delivered = traced.named("complete_task"), traced.named("relay.deliver complete")
    assert completed is not None
    assert delivered is not None
    assert delivered.context.trace_id == completed.context.trace_id
    assert delivered.parent is not None
    assert delivered.parent.span_id == completed.context.span_id


def test_no_span_says_anything_of_a_person(traced: Traced, referral: Any) -> None:
    said = "\n".join(span.to_json() for span in traced.spans())
    assert referral["id"] in said
    assert [name for name in NAMES if name in said] == []
    history = traced.room.all_that_it_knows(f"referral-{referral['id']}")
    assert [name for name in NAMES if name.encode() in history] == []


def test_a_refusal_is_a_span_with_its_status_and_no_words(traced: Traced) -> None:
    traced.person("cap").post("/v1/referrals", {"service_id": "Rosalind"})
    refused = eventually(lambda: traced.named("create_referral", **{"http.response.status_code": 422}))
    assert refused is not None
    assert (list(refused.events), refused.status.is_unset) == ([], True)
    assert "Rosalind" not in refused.to_json()


def test_a_replay_tells_nothing_twice(traced: Traced, referral: Any) -> None:
    before = len(traced.spans())
    history = traced.room.history(f"referral-{referral['id']}")
    replay(traced, history)
    assert len(traced.spans()) == before


def test_cases_that_began_untraced_go_on_traced_and_the_other_way_round(traced: Traced, referral: Any) -> None:
    replay(traced, golden("accepted"), golden("plan_edited"))
    untraced = Replayer(workflows=[ReferralWorkflow])
    traced.room.run(untraced.replay_workflow(traced.room.history(f"referral-{referral['id']}")))


def test_without_an_endpoint_a_message_has_no_trace(house: House, referral: Any) -> None:
    house.refer("cap", "housing")
    assert house.sql("select distinct trace from outbox") in ([], [(None,)])


def test_with_an_endpoint_spans_leave_for_it(house: House, loop: Loop) -> None:
    received = threading.Event()
    paths: list[str] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            paths.append(self.path)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()
            received.set()

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = house.settings.model_copy(update={"otlp_endpoint": f"http://127.0.0.1:{server.server_port}"})
    try:
        _, leave = loop.enter(one_request(settings, house))
        leave()
        assert received.wait(10)
    finally:
        server.shutdown()
        server.server_close()
    assert set(paths) == {"/v1/traces"}


def one_request(settings: Any, house: House) -> Any:
    """An API that traces, asked once; leaving it sends what is left."""
    from contextlib import asynccontextmanager

    from concert.tracing import traced

    @asynccontextmanager
    async def story() -> AsyncIterator[None]:
        with traced(settings, "api") as tracer:
            async with serving(settings, house.api, tracer) as url, httpx.AsyncClient(trust_env=False) as client:
                assert (await client.get(f"{url}/healthz")).status_code == 200
                yield

    return story()


def replay(traced: Traced, *histories: WorkflowHistory) -> None:
    replayer = Replayer(
        workflows=[ReferralWorkflow, ActionPlanWorkflow], interceptors=[TracingInterceptor(traced.tracer)]
    )
    for history in histories:
        traced.room.run(replayer.replay_workflow(history))
