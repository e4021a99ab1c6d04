"""The front desks: people come in, somebody takes down what they need and asks another partner."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from concert.demo.casebook import Casebook
from concert.demo.moves import asked_at
from concert.demo.pace import Pace
from concert.demo.papers import client_body, needs_consent
from concert.demo.people import Caseworker, Refused
from seed.story import Request


async def open_desks(book: Casebook, workers: list[Caseworker], pace: Pace) -> None:
    """First the partners say what they have room for. Then every request of the cast, at its time, is taken down by
    somebody of its source; returns when the last is in."""
    of: dict[str, list[Caseworker]] = defaultdict(list)
    for worker in workers:
        of[worker.organization.slug].append(worker)
    async with asyncio.TaskGroup() as stating:
        for worker in workers:
            stating.create_task(worker.state_capacity())
    one_at_a_time: dict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)
    async with asyncio.TaskGroup() as arrivals:
        for request in book.cast:
            at_desk = of[request.source]
            worker = at_desk[request.number % len(at_desk)]
            file = one_at_a_time[request.source, request.client]
            arrivals.create_task(_take_down(book, worker, request, file))
            await asyncio.sleep(pace.arrivals)


async def _take_down(book: Casebook, worker: Caseworker, request: Request, file: asyncio.Lock) -> None:
    try:
        async with file:
            client_id = await _client_id(book, worker, request)
        body = _referral_body(book, request, client_id)
        if request.kind == "referral" and needs_consent(request, worker.organization) and not request.on_behalf:
            targets = [str(service.organization_id) for service in book.asked(request)]
            body["consent_id"] = await worker.ask_consent(request, client_id, *targets)
        referral = await _refer(book, worker, body)
    except Refused as no:
        book.refusals.append(str(no))
        return
    book.stories[referral["id"]] = request
    book.seen[referral["id"]] = referral
    book.moves["refer" if request.kind == "referral" else "inform"] += 1


async def _refer(book: Casebook, worker: Caseworker, body: dict[str, Any]) -> Any:
    """Who hears that there is no room knows of no other door in this story, and asks all the same."""
    try:
        return await worker.person.post("/v1/referrals", body)
    except Refused as no:
        if no.status != 409:
            raise
        book.turned_away += 1
        return await worker.person.post("/v1/referrals", body | {"anyway": True})


async def _client_id(book: Casebook, worker: Caseworker, request: Request) -> str:
    """Whoever comes back has a file already, at this organization only."""
    key = (request.source, request.client)
    if key not in book.files:
        client = await worker.person.post("/v1/clients", client_body(book.clients[request.client]))
        book.files[key] = client["id"]
    return book.files[key]


def _referral_body(book: Casebook, request: Request, client_id: str) -> dict[str, Any]:
    asked = asked_at(request, datetime.now(UTC))
    services = [str(service.id) for service in book.asked(request)]
    return {
        "client_id": client_id,
        **({"service_id": services[0]} if len(services) == 1 else {"service_ids": services}),
        "kind": request.kind,
        "priority": request.priority,
        "origin": request.origin,
        "reason": request.reason,
        "note": request.note,
        "occurred_at": asked.isoformat() if asked else None,
    }
