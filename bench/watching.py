"""What it costs to be watched, in one run: `python -m bench.watching [--requests N --workflows N --json]`.

CPU of this process for one request to the API, called as the server calls it: without measures, measured, measured and
traced; and for one workflow from its start to its end, without and with the tracing interceptor. The forms take turns
in short blocks, so that a machine that is not quiet is so for all of them; the middle of all blocks counts. Spans go
to an exporter that drops them: what a collector costs is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Tracer
from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.worker import Worker

from api.watched import Watched
from concert.application import application
from concert.embedded import EmbeddedPostgres, EmbeddedTemporal, temporary_directory
from concert.issuer import Issuer
from concert.parts import api_record
from concert.settings import Settings
from domain.progress import Progress
from seed.load import load_region
from seed.region import Region, build_region
from storage.migrations import migrate
from workflows.referral import ReferralWorkflow

BLOCK = 25
Ask = Callable[[], Awaitable[None]]
Figures = dict[str, float]


class Nowhere(SpanExporter):
    """Takes spans as a collector would, and forgets them."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002 - the exporter's interface
        return SpanExportResult.SUCCESS


def tracer() -> Tracer:
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    return provider.get_tracer("bench")


async def in_turn(forms: dict[str, Ask], number: int) -> Figures:
    """CPU milliseconds of one call of each form: the middle of its blocks."""
    blocks: dict[str, list[float]] = {name: [] for name in forms}
    for ask in forms.values():
        for _ in range(BLOCK):
            await ask()
    for _ in range(max(1, number // BLOCK)):
        for name, ask in forms.items():
            begun = time.process_time()
            for _ in range(BLOCK):
                await ask()
            blocks[name].append((time.process_time() - begun) * 1000 / BLOCK)
    return {name: statistics.median(found) for name, found in blocks.items()}


# ---------------------------------------------------------------------------------------------- requests


def forms_of_a_request(settings: Settings, region: Region, method: str) -> dict[str, Ask]:
    """The same application three times, on one pool of connections."""
    record, issuer = api_record(settings), Issuer.open(settings.data_dir)
    login = region.people_of("cap", "caseworker")[0].login
    token = issuer.sign(login)
    service = next(s for s in region.services if s.organization_id == region.organization("housing").id)
    client = {"given_name": "Rosalind", "family_name": "Featherstonehaugh"}
    body = json.dumps({"service_id": str(service.id), "client": client}).encode() if method == "POST" else b""
    bare = application(settings, record)
    bare.user_middleware = [
        each for each in bare.user_middleware if getattr(each.cls, "__name__", "") != Watched.__name__
    ]
    apps = {
        "bare": bare,
        "measured": application(settings, record),
        "traced": application(settings, record, tracer()),
    }
    path = "/v1/referrals" if method == "POST" else "/v1/tasks"
    return {name: partial(call, app, method, path, body, token) for name, app in apps.items()}


async def call(app: Any, method: str, path: str, body: bytes, token: str) -> None:
    headers = [
        (b"authorization", f"Bearer {token}".encode()),
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"idempotency-key", uuid4().hex.encode()),
    ]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    await app(scope, receive, send)
    assert status in (200, 201), status


# ---------------------------------------------------------------------------------------------- workflows


@activity.defn(name="advance_referral")
async def over(_referral_id: str) -> Progress:
    """As if the case had ended: what is measured is the workflow, not the record."""
    return Progress("completed", over=True, look_in=None, open=[])


async def workflows(address: str, number: int) -> Figures:
    found: dict[str, Ask] = {}
    running: list[Worker] = []
    for name, interceptors in {"bare": [], "traced": [TracingInterceptor(tracer())]}.items():
        client = await Client.connect(address, namespace="concert", interceptors=interceptors)
        running.append(Worker(client, task_queue=name, workflows=[ReferralWorkflow], activities=[over]))
        found[name] = partial(start, client, name)
    async with running[0], running[1]:
        return await in_turn(found, number)


async def start(client: Client, queue: str) -> None:
    await client.execute_workflow(ReferralWorkflow.run, str(uuid4()), id=f"referral-{uuid4()}", task_queue=queue)


# ---------------------------------------------------------------------------------------------- all of it


async def run(requests: int, number: int) -> dict[str, Figures]:
    region = build_region(7)
    with temporary_directory() as directory:
        postgres, temporal = EmbeddedPostgres(directory), EmbeddedTemporal(directory)
        await postgres.start()
        await temporal.start()
        try:
            migrate(postgres.admin_url, postgres.password("api"), postgres.password("engine"))
            load_region(postgres.admin_url, region)
            settings = Settings(
                _env_file=None, data_dir=directory, database_url=postgres.api_url, rate_limit=0,
                engine_database_url=postgres.engine_url, admin_database_url=postgres.admin_url,
            )  # fmt: skip
            read = await in_turn(forms_of_a_request(settings, region, "GET"), requests)
            written = await in_turn(forms_of_a_request(settings, region, "POST"), requests)
            return {"read": read, "write": written, "workflow": await workflows(temporal.address, number)}
        finally:
            await temporal.stop()
            await postgres.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1500)
    parser.add_argument("--workflows", type=int, default=600)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found = asyncio.run(run(chosen.requests, chosen.workflows))
    if chosen.json:
        print(json.dumps(found, indent=2))
    else:
        for what, figures in found.items():
            told = ", ".join(f"{name} {ms:.3f} ms ({ms / figures['bare']:.3f})" for name, ms in figures.items())
            print(f"{what}: {told}")
    sys.stdout.flush()
    time.sleep(0.2)


if __name__ == "__main__":
    main()
