"""Whatever answers a caseworker of the demonstration, what it says is told: which request, and how it ended."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import httpx
import pytest
import structlog

from concert.demo.main import _quiet_logs
from concert.demo.people import Person, Refused
from concert.failures import explain
from concert.logs import configure

PROBLEM = {"title": "Something broke.", "errors": [{"pointer": "/client_id"}]}


async def _asks(answer: httpx.Response) -> None:
    transport = httpx.MockTransport(lambda _: answer)
    async with httpx.AsyncClient(transport=transport, base_url="http://concert.test") as http:
        await Person("ruth.hub", http, "token").get("/v1/monitor/stalled")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(500, text="Internal Server Error"), "500 GET /v1/monitor/stalled"),
        (httpx.Response(502, json=["no", "problem"]), "502 GET /v1/monitor/stalled"),
        (httpx.Response(422, json=PROBLEM), "422 GET /v1/monitor/stalled: Something broke. /client_id"),
    ],
)
def test_a_refusal_is_told_whatever_its_body_is(answer: httpx.Response, said: str) -> None:
    with pytest.raises(Refused) as no:
        asyncio.run(_asks(answer))
    assert str(no.value) == said
    failure = explain(no.value)
    assert failure is not None
    assert said in failure.what


def test_the_demonstration_logs_into_its_file_whatever_was_configured_before(tmp_path: Path) -> None:
    handlers = logging.getLogger().handlers
    try:
        configure("WARNING")
        with _quiet_logs(tmp_path / "demo.log"):
            structlog.get_logger("concert.api").error("request_failed", code="internal")
    finally:
        logging.getLogger().handlers = handlers
    assert json.loads((tmp_path / "demo.log").read_text().splitlines()[-1])["event"] == "request_failed"
