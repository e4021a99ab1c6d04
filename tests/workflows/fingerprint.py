"""What a workflow asked Temporal to do, in order, as lines that people can compare."""

from __future__ import annotations

import json
from typing import Any

from temporalio.client import WorkflowHistory


def commands(history: WorkflowHistory) -> list[str]:
    """One line for each command: no ids, times or durations; a partner's own queue is named."""
    lines = [_line(event) for event in history.events]
    return [line for line in lines if line]


def _line(event: Any) -> str | None:
    kind = event.WhichOneof("attributes").removesuffix("_event_attributes")
    attributes = getattr(event, f"{kind}_event_attributes")
    if kind == "marker_recorded":
        return f"ask the record: {_local_activity(attributes)}"
    if kind == "activity_task_scheduled":
        return f"schedule {attributes.activity_type.name} on {attributes.task_queue.name}"
    return _PLAIN.get(kind)


def _local_activity(marker: Any) -> str:
    return str(json.loads(marker.details["data"].payloads[0].data)["activity_type"])


_PLAIN = {
    "timer_started": "start a timer",
    "timer_canceled": "cancel the timer",
    "activity_task_cancel_requested": "cancel an activity",
    "workflow_execution_completed": "end: completed",
    "workflow_execution_failed": "end: FAILED",
    "workflow_execution_continued_as_new": "end: continued as new",
    "upsert_workflow_search_attributes": "write search attributes",
    "workflow_properties_modified": "modify the memo",
    "start_child_workflow_execution_initiated": "start a child workflow",
}
