"""What Temporal keeps of every workflow, read whole, to prove that no personal data is in it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from google.protobuf.message import Message
from temporalio.client import Client, WorkflowExecution

_AT_ONCE = 8


async def all_workflows(client: Client) -> list[WorkflowExecution]:
    return [each async for each in client.list_workflows()]


async def found_in_histories(client: Client, runs: Iterable[WorkflowExecution], secrets: Iterable[str]) -> list[str]:
    """Ids of the workflows in whose history, memo or pending work one of the words stands as such."""
    pattern = words(secrets)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def search(run: WorkflowExecution) -> str | None:
        async with gate:
            handle = client.get_workflow_handle(run.id, run_id=run.run_id)
            history = await handle.fetch_history()
            description = await handle.describe()
        texts = [text for event in history.events for text in texts_of(event)]
        texts += texts_of(description.raw_description)
        return run.id if any(pattern.search(text) for text in texts) else None

    found = await asyncio.gather(*(search(run) for run in runs))
    return [each for each in found if each is not None]


def words(secrets: Iterable[str]) -> re.Pattern[str]:
    """Matches any of them as whole words, in any case: `Ada` is no part of an id such as 0ada-93f."""
    longest_first = sorted({secret for secret in secrets if secret.strip()}, key=len, reverse=True)
    inner = "|".join(re.escape(secret) for secret in longest_first) or r"(?!)"
    return re.compile(rf"(?<![\w-])(?:{inner})(?![\w-])", re.IGNORECASE)


def texts_of(message: Message) -> Iterator[str]:
    """Every text and every payload inside, however deep; JSON payloads without their escapes."""
    for field, value in message.ListFields():
        for each in _values(field, value):
            if isinstance(each, Message):
                yield from texts_of(each)
            elif isinstance(each, bytes):
                yield _readable(each)
            elif isinstance(each, str):
                yield each


def _values(field: Any, value: Any) -> Iterable[Any]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return [*value.keys(), *value.values()]
    return [value] if isinstance(value, Message | bytes | str | int | float) else value


def _readable(payload: bytes) -> str:
    text = payload.decode("utf-8", errors="replace")
    with suppress(ValueError):
        return json.dumps(json.loads(text), ensure_ascii=False)
    return text
