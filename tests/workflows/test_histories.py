"""Cases that began under yesterday's code go on under today's: golden histories replayed, and what each asks for.

`CONCERT_RECORD_HISTORIES=1 pytest -n 0 tests/workflows/test_histories.py` tells the stories again and writes both
folders. Do so only on purpose: a running case replays its own history, not the new one (see `workflow.patched`).
"""

from __future__ import annotations

import asyncio
import difflib
import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from tests.house import House
from tests.workflows.fingerprint import commands
from tests.workflows.room import Room
from tests.workflows.story import STORIES
from workflows.action_plan import ActionPlanWorkflow
from workflows.activities import advance_plan, advance_referral
from workflows.referral import ReferralWorkflow

HERE = Path(__file__).parent
RECORDING = "CONCERT_RECORD_HISTORIES" in os.environ


def golden(name: str) -> WorkflowHistory:
    return WorkflowHistory.from_json(name, (HERE / "histories" / f"{name}.json").read_text())


def fingerprint(name: str) -> list[str]:
    return (HERE / "fingerprints" / f"{name}.txt").read_text().splitlines()


def replay(*types: type) -> Any:
    """Every golden history against those workflow types, in one call."""

    async def histories() -> AsyncIterator[WorkflowHistory]:
        for name in STORIES:
            yield golden(name)

    replayer = Replayer(workflows=list(types), workflow_runner=UnsandboxedWorkflowRunner())
    return asyncio.run(replayer.replay_workflows(histories(), raise_on_replay_failure=False)).replay_failures


@pytest.mark.parametrize("name", STORIES)
def test_what_the_engine_is_asked_to_do_is_what_was_agreed_on(name: str, room: Room, house: House) -> None:
    """Told live: a changed order shows here even where a replay would forgive it."""
    case = STORIES[name](room, house)
    history = room.history(case.workflow_id)
    if RECORDING:
        record(name, history)
    same(commands(history), fingerprint(name))


@pytest.mark.parametrize("name", STORIES)
def test_a_fingerprint_and_its_history_tell_the_same(name: str) -> None:
    same(commands(golden(name)), fingerprint(name))


def test_cases_of_yesterday_go_on_under_todays_code() -> None:
    assert replay(ReferralWorkflow, ActionPlanWorkflow) == {}


def test_a_changed_order_would_not_go_unseen() -> None:
    """The replay can fail: these workflows forget to schedule the partner's step."""
    assert len(replay(Forgetful, ForgetfulPlan)) == len(STORIES)


@workflow.defn(name="ActionPlan")
class ForgetfulPlan(ActionPlanWorkflow):
    @workflow.run
    async def run(self, plan_id: str) -> str:
        progress = await self._ask(advance_plan, plan_id)
        await workflow.sleep(1)
        return progress.state


@workflow.defn(name="Referral")
class Forgetful(ReferralWorkflow):
    @workflow.run
    async def run(self, referral_id: str) -> str:
        progress = await self._ask(advance_referral, referral_id)
        await workflow.sleep(1)
        return progress.state


@pytest.mark.parametrize("name", STORIES)
def test_a_history_says_nothing_of_the_machine_or_the_people_that_it_was_recorded_with(name: str) -> None:
    text = (HERE / "histories" / f"{name}.json").read_text()
    assert re.findall(r"\d+@\w+", text) == []
    assert [word for word in ("/work", "/home", "/tmp", "/dev/shm", "Rosalind", "cap", "maria") if word in text] == []  # noqa: S108


def same(told: list[str], agreed: list[str]) -> None:
    difference = "\n".join(difflib.unified_diff(agreed, told, "agreed", "told", lineterm=""))
    assert told == agreed, f"the engine is asked for other things than before:\n{difference}"


def record(name: str, history: WorkflowHistory) -> None:
    for folder in ("histories", "fingerprints"):
        (HERE / folder).mkdir(exist_ok=True)
    shape = scrubbed(json.loads(history.to_json()))
    (HERE / "histories" / f"{name}.json").write_text(json.dumps(shape, indent=1, sort_keys=True) + "\n")
    (HERE / "fingerprints" / f"{name}.txt").write_text("\n".join(commands(history)) + "\n")


def scrubbed(value: Any) -> Any:
    """Without what names the machine: who polled, the worker's own queue, its build."""
    if isinstance(value, list):
        return [scrubbed(one) for one in value]
    if not isinstance(value, dict):
        return value
    sticky = value.get("kind") == "TASK_QUEUE_KIND_STICKY"
    plain = {"identity": "a worker", "buildId": "a build"} | ({"name": "a worker's own queue"} if sticky else {})
    return {key: plain.get(key) if key in plain else scrubbed(one) for key, one in value.items()}
