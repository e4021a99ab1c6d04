"""The clinic's own system answers referrals from the clinic's own queue, and its people can always step in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from domain.progress import StepResult
from tests.house import OUTCOME, House, eventually
from tests.services.plans import Live, load, step
from tests.workflows.adapter import adapter
from tests.workflows.case import Case, refer
from tests.workflows.room import Room

DONE = StepResult("completed", outcome="need_met")
NAME = "Rosalind Featherstonehaugh"
Answering = Callable[[str], Awaitable[Any]]


@contextmanager
def system(room: Room, answering: Answering) -> Iterator[None]:
    """The clinic's system runs while the block runs."""
    _, leave = room.loop.enter(adapter(room.client, "clinic", answering))
    try:
        yield
    finally:
        leave()


def says(answer: Any) -> Answering:
    async def answering(task_id: str) -> Any:
        return answer

    return answering


class Slow:
    """A system that works until it is told to go on; counts how often it began."""

    def __init__(self, answer: Any = DONE) -> None:
        self.began = 0
        self.go_on = asyncio.Event()
        self._answer = answer

    async def __call__(self, task_id: str) -> Any:
        self.began += 1
        await self.go_on.wait()
        return self._answer


@pytest.fixture
def case(room: Room, house: House) -> Case:
    made = refer(house, "cap", "clinic", consent=True)
    room.idle(made.workflow_id)
    return made


def test_the_step_waits_on_the_clinics_queue_until_its_system_comes(room: Room, case: Case) -> None:
    assert room.scheduled(case.workflow_id) == [(case.task, "partner.clinic")]
    assert case.task_state == "requested"
    with system(room, says(DONE)):
        case.until_task("completed")
    assert case.column("task", "outcome") == "need_met"
    account = case.house.region.people_of("clinic", "service")[0].id
    assert [e["user"] for e in case.events("task_accepted", "task_completed")] == [account, account]
    case.decides("confirm", OUTCOME)
    assert room.ended(case.workflow_id) == "completed"


def test_a_system_answers_the_form_of_a_plans_step_and_the_next_one_opens(room: Room, house: House) -> None:
    form = [{"key": "risk", "kind": "yes_no", "label": "At risk?"}]
    at_risk = [{"step": "screen", "field": "risk", "one_of": ["yes"]}]
    load(house, "clinic_asks", [step("screen", {"organization": "clinic"}, form=form),
                                step("act", after=["screen"], when=at_risk)])  # fmt: skip
    plan = Live.begin(house, "clinic_asks")
    with system(room, says(StepResult("completed", outputs={"risk": "yes"}))):
        eventually(lambda: plan.state("act") == "open")
    assert plan.step("screen")["task"]["outputs"] == {"risk": "yes"}


def test_a_system_that_declines_gives_the_referral_back_to_its_source(room: Room, case: Case) -> None:
    with system(room, says(StepResult("declined", reason="full"))):
        case.until("awaiting_source")
    assert (case.task_state, case.column("task", "reason")) == ("declined", "full")
    room.idle(case.workflow_id)
    assert room.status(case.workflow_id) == "running"


def test_a_system_that_fails_at_work_that_its_people_accepted_ends_it_with_the_reason(room: Room, case: Case) -> None:
    case.does("accept")
    with system(room, says(StepResult("failed", reason="moved_away"))):
        case.until("awaiting_source")
    assert (case.task_state, case.column("task", "reason")) == ("failed", "moved_away")


def test_people_who_were_faster_than_their_system_are_not_overruled(room: Room, case: Case) -> None:
    slow = Slow()
    with system(room, slow):
        eventually(lambda: slow.began)
        case.declined()
        room.idle(case.workflow_id)
        room.loop.loop.call_soon_threadsafe(slow.go_on.set)
        eventually(lambda: case.task not in room.pending(case.workflow_id))
    assert case.task_state == "declined"
    assert "task_accepted" not in case.kinds()


def test_a_system_that_crashes_at_its_work_comes_back_and_does_it(room: Room, case: Case) -> None:
    slow = Slow()
    with system(room, slow):
        eventually(lambda: slow.began)
    assert case.task_state == "requested"
    slow.go_on.set()
    with system(room, slow):
        case.until_task("completed")
    assert slow.began == 2
    assert case.kinds().count("task_completed") == 1


def test_a_system_with_a_bad_day_is_asked_again_and_says_nothing_about_the_client(room: Room, case: Case) -> None:
    tries: list[str] = []

    async def answering(task_id: str) -> StepResult:
        tries.append(task_id)
        if len(tries) < 3:
            raise ConnectionError(f"no answer about {NAME}")
        return DONE

    with system(room, answering):
        eventually(lambda: len(tries) >= 2)
        known = room.all_that_it_knows(case.workflow_id)
        case.until_task("completed")
    assert tries == [case.task] * 3
    known += room.all_that_it_knows(case.workflow_id)
    assert b"Rosalind" not in known


def test_a_system_that_gives_up_for_good_leaves_the_work_to_the_clinics_people(room: Room, case: Case) -> None:
    async def answering(task_id: str) -> StepResult:
        raise ApplicationError("not-ours", non_retryable=True)

    with system(room, answering):
        eventually(lambda: case.task not in room.pending(case.workflow_id))
    room.idle(case.workflow_id)
    assert (room.status(case.workflow_id), case.task_state) == ("running", "requested")
    assert case.column("referral", "look_at") is not None
    case.does("accept")
    case.does("complete", OUTCOME)
    case.decides("confirm", OUTCOME)
    assert room.ended(case.workflow_id) == "completed"


@pytest.mark.parametrize("nonsense", ["done", None, 7, ["completed"], {"result": "ok"}, {"state": 3}], ids=str)
def test_a_system_that_answers_nonsense_stops_no_clock_and_leaves_the_work_to_people(
    room: Room, case: Case, nonsense: Any
) -> None:
    with system(room, says(nonsense)):
        eventually(lambda: "task_answered_late" in case.kinds())
    room.idle(case.workflow_id)
    assert (room.status(case.workflow_id), case.task_state) == ("running", "requested")
    case.declined()
    case.decides("withdraw", {"reason": "full"})
    assert room.ended(case.workflow_id) == "completed"


def test_a_referral_rerouted_to_the_clinic_waits_on_the_clinics_queue(room: Room, house: House) -> None:
    house.sql(f"update service set term = '{house.service('clinic').term}' where id = '{house.service('housing').id}'")
    case = refer(house, "cap", "housing")
    house.sql(f"update service set term = '{house.service('housing').term}' where id = '{house.service('housing').id}'")
    case.declined()
    case.decides("reroute", {"service_id": str(house.service("clinic").id)})
    with system(room, says(DONE)):
        case.until_task("completed")
    assert room.scheduled(case.workflow_id)[-1] == (case.task, "partner.clinic")
