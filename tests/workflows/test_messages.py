"""Messages between record and engine are lost, doubled, early or poisoned: that delays a case and never loses one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from unittest.mock import Mock
from uuid import UUID

import pytest
from structlog.testing import capture_logs
from temporalio.service import RPCError, RPCStatusCode

from concert import relay
from domain.progress import StepResult
from services import advance, outbox, settling
from services.outbox import Message
from services.refusals import Conflict
from services.settling import settle_task
from tests.house import OUTCOME, House, eventually
from tests.workflows.adapter import adapter
from tests.workflows.case import Case, refer
from tests.workflows.clocks import adopt
from tests.workflows.room import Room

NAME = "Rosalind Featherstonehaugh"
DONE = StepResult("completed", outcome="need_met")


@pytest.fixture
def case(quiet_room: Room, house: House) -> Case:
    """The engine knows of it and sleeps until the partner's limit."""
    quiet_room.lose_messages()
    made = refer(house, "cap", "housing", consent=True)
    deliver_all(quiet_room)
    quiet_room.idle(made.workflow_id)
    return made


@pytest.fixture
def short(house: House) -> Iterator[None]:
    """A referral made now is looked at again after a second and a half."""
    adopt(house, acknowledge=1.5, confirm=1.5)
    yield
    adopt(house)


def deliver_all(room: Room) -> None:
    while room.deliver():
        pass


def again(room: Room, message: Message) -> None:
    room.run(relay.deliver(room.client, message))


def message(case: Case, kind: str = "look", result: str | None = None) -> Message:
    return Message(0, kind, case.workflow_id, UUID(case.task) if kind == "complete" else None, result, 0)


# ------------------------------------------------------------------------------------------------------------- lost


@pytest.mark.usefixtures("short")
def test_a_reroute_whose_messages_are_lost_is_found_at_the_next_deadline(quiet_room: Room, case: Case) -> None:
    case.declined()
    case.decides("reroute", {"service_id": str(case.house.other_door().id)})
    quiet_room.lose_messages()
    eventually(lambda: case.task in quiet_room.pending(case.workflow_id))
    assert case.tasks == [task for task, _ in quiet_room.scheduled(case.workflow_id)]


@pytest.mark.usefixtures("short")
def test_a_loop_is_closed_by_time_though_every_message_about_it_was_lost(quiet_room: Room, case: Case) -> None:
    case.does("accept")
    case.does("complete", OUTCOME)
    quiet_room.lose_messages()
    assert quiet_room.ended(case.workflow_id) == "completed"
    assert (case.state, case.column("referral", "confirmed_by")) == ("completed", "time")


@pytest.mark.usefixtures("short")
def test_a_closed_referral_whose_messages_are_lost_ends_its_workflow_at_the_next_deadline(
    quiet_room: Room, case: Case
) -> None:
    case.decides("withdraw", {"reason": "moved_away"})
    quiet_room.lose_messages()
    assert quiet_room.ended(case.workflow_id) == "completed"


def test_a_request_whose_first_message_is_lost_is_taken_up_with_the_next_one(quiet_room: Room, house: House) -> None:
    case = refer(house, "cap", "housing")
    quiet_room.lose_messages()
    case.declined()
    deliver_all(quiet_room)
    quiet_room.idle(case.workflow_id)
    assert quiet_room.status(case.workflow_id) == "running"


# ------------------------------------------------------------------------------------------------------ early, doubled


def test_a_step_that_ended_before_the_engine_scheduled_it_becomes_a_look(quiet_room: Room, house: House) -> None:
    """The completion overtakes the start: there is no workflow, so no activity that could be completed."""
    case = refer(house, "cap", "housing")
    case.declined()
    house.sql("delete from outbox where kind = 'look'")
    assert case.outbox() == ["complete"]
    deliver_all(quiet_room)
    quiet_room.idle(case.workflow_id)
    assert case.outbox() == []
    assert quiet_room.status(case.workflow_id) == "running"
    assert quiet_room.scheduled(case.workflow_id) == []


def test_the_same_messages_three_times_are_harmless_also_when_all_is_over(quiet_room: Room, case: Case) -> None:
    case.does("accept")
    case.does("complete", OUTCOME)
    for _ in range(3):
        again(quiet_room, message(case, "complete", "completed"))
        again(quiet_room, message(case))
    deliver_all(quiet_room)
    quiet_room.idle(case.workflow_id)
    events = case.events()
    case.decides("confirm", OUTCOME)
    deliver_all(quiet_room)
    quiet_room.ended(case.workflow_id)
    for _ in range(3):
        again(quiet_room, message(case, "complete", "completed"))
        again(quiet_room, message(case))
    assert case.kinds()[: len(events)] == [event["kind"] for event in events]
    assert case.kinds().count("task_completed") == case.kinds().count("referral_closed") == 1
    assert quiet_room.runs(case.workflow_id) == 1
    assert quiet_room.scheduled(case.workflow_id) == [(case.task, "partners")]


def test_four_relays_at_once_deliver_each_message_once(
    quiet_room: Room, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet_room.lose_messages()
    monkeypatch.setattr(relay, "BATCH", 3)
    cases = [refer(house, "cap", "housing") for _ in range(8)]
    delivered: list[int] = []
    deliver = relay.deliver

    async def counted(client: object, one: Message) -> None:
        delivered.append(one.id)
        await deliver(quiet_room.client, one)

    monkeypatch.setattr(relay, "deliver", counted)

    async def all_at_once() -> list[int]:
        return await asyncio.gather(*(quiet_room.relay().deliver_batch() for _ in range(4)))

    while sum(quiet_room.run(all_at_once())):
        pass
    assert len(delivered) == len(set(delivered)) == 8
    for case in cases:
        quiet_room.idle(case.workflow_id)
        assert list(quiet_room.pending(case.workflow_id)) == [case.task]


def test_what_a_relay_took_and_died_with_is_delivered_when_its_lease_is_over(quiet_room: Room, house: House) -> None:
    quiet_room.lose_messages()
    case = refer(house, "cap", "housing")
    assert len(outbox.claim(house.engine)) == 1
    assert quiet_room.deliver() == 0
    house.sql("update outbox set due_at = due_at - make_interval(secs => %s)", outbox.LEASE_SECONDS)
    assert quiet_room.deliver() == 1
    quiet_room.idle(case.workflow_id)
    assert quiet_room.status(case.workflow_id) == "running"


# ------------------------------------------------------------------------------------------------------------ poisoned


def test_a_poisoned_message_is_laid_aside_after_its_tries_while_the_others_flow(quiet_room: Room, house: House) -> None:
    quiet_room.lose_messages()
    house.sql("insert into outbox (kind, workflow_id, task_id) values ('complete', repeat('x', 5000), uuidv7())")
    case = refer(house, "cap", "housing")
    quiet_room.deliver()
    quiet_room.idle(case.workflow_id)
    first = house.sql("select attempts, dead, error, due_at > created_at from outbox where kind <> 'event'")
    assert [(row[0], row[1], row[3]) for row in first] == [(1, False, True)]
    assert first[0][2] in ("INVALID_ARGUMENT", "ValueError")
    for _ in range(outbox.ATTEMPTS_BEFORE_DEAD - 1):
        house.sql("update outbox set due_at = clock_timestamp()")
        quiet_room.deliver()
    assert house.sql("select dead from outbox where kind <> 'event'") == [(True,)]
    house.sql("update outbox set due_at = clock_timestamp()")
    assert quiet_room.deliver() == 0
    house.sql("delete from outbox where kind = 'event'")  # nobody tells them here
    assert outbox.depth(house.engine) == (0, 0.0, 1)
    house.sql("delete from outbox")


def test_while_the_engine_is_away_no_message_is_ever_given_up(
    quiet_room: Room, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet_room.lose_messages()
    case = refer(house, "cap", "housing")

    async def away(client: object, one: Message) -> None:
        raise RPCError("away", RPCStatusCode.UNAVAILABLE, b"")

    with monkeypatch.context() as patched:
        patched.setattr(relay, "deliver", away)
        for _ in range(outbox.ATTEMPTS_BEFORE_DEAD + 2):
            quiet_room.deliver()
            house.sql("update outbox set due_at = clock_timestamp()")
    assert house.sql("select attempts, dead from outbox where kind <> 'event'") == [(0, False)]
    deliver_all(quiet_room)
    quiet_room.idle(case.workflow_id)


def test_a_silent_engine_is_one_line_in_the_log_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(client: object, one: Message) -> None:
        raise TimeoutError

    messages = [Message(number, "look", f"referral-{UUID(int=number)}", None, None, 0) for number in range(30)]
    monkeypatch.setattr(relay, "claim", lambda *_: messages)
    monkeypatch.setattr(relay, "postpone", lambda *_, **__: False)
    monkeypatch.setattr(relay, "delivered", lambda *_: None)
    monkeypatch.setattr(relay, "deliver", silent)
    with capture_logs() as lines:
        asyncio.run(relay.Relay(Mock(), Mock(), "").deliver_batch())
    assert lines == [{"event": "not_delivered", "code": "TIMEOUT", "count": 30, "log_level": "warning"}]


# ------------------------------------------------------------------------------------------------------- late answers


def test_an_answer_of_the_clinics_system_that_comes_after_the_request_expired_is_kept_beside_it(
    quiet_room: Room, house: House
) -> None:
    """The word about the expiry was lost, so the step still waits when the system answers: the record wins."""
    adopt(house, acknowledge=1.5, hard_limit=1.5)
    case = refer(house, "cap", "clinic")
    adopt(house)
    deliver_all(quiet_room)
    case.until("awaiting_source")
    quiet_room.lose_messages()

    async def late(task_id: str) -> StepResult:
        return DONE

    _, leave = quiet_room.loop.enter(adapter(quiet_room.client, "clinic", late))
    eventually(lambda: "task_answered_late" in case.kinds())
    leave()
    assert (case.state, case.task_state) == ("awaiting_source", "expired")
    assert [e["facts"] for e in case.events("task_answered_late")] == [{"said": "completed", "why": "over"}]
    quiet_room.lose_messages()


# ------------------------------------------------------------------------------------------- what errors leave behind


def _value_error(*_: object) -> None:
    raise ValueError(f"duplicate key (family_name)=({NAME})")


def _refusal(*_: object) -> None:
    raise Conflict(f"{NAME} is gone")


@pytest.mark.parametrize("breaks", [_value_error, _refusal], ids=["a bug", "a refusal"])
def test_an_error_with_a_clients_name_leaves_no_name_in_the_engine_and_the_referral_lives(
    quiet_room: Room, case: Case, breaks: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    real = advance.advance_referral

    def broken(*args: object) -> object:
        asked.append(args)
        return breaks(*args)  # type: ignore[operator]  # one of the two above

    case.does("accept")
    case.does("complete", OUTCOME)
    with monkeypatch.context() as patched:
        patched.setattr(advance, "advance_referral", broken)
        deliver_all(quiet_room)
        eventually(lambda: len(asked) >= (2 if breaks is _value_error else 1))
        if breaks is _refusal:
            quiet_room.idle(case.workflow_id)
            assert b"conflict" in quiet_room.all_that_it_knows(case.workflow_id)
        known = quiet_room.all_that_it_knows(case.workflow_id)
    assert advance.advance_referral is real
    case.decides("confirm", OUTCOME)
    deliver_all(quiet_room)
    assert quiet_room.ended(case.workflow_id) == "completed"
    known += quiet_room.all_that_it_knows(case.workflow_id)
    assert b"Rosalind" not in known
    assert b"Featherstonehaugh" not in known


def test_an_answer_that_cannot_be_written_leaves_no_name_and_is_written_when_it_can(
    quiet_room: Room, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = refer(house, "cap", "clinic", consent=True)
    deliver_all(quiet_room)
    tries: list[object] = []

    def failing(*args: object) -> str:
        tries.append(args)
        if len(tries) < 3:
            raise RuntimeError(f"cannot write about {NAME}")
        return settle_task(*args)  # type: ignore[arg-type]  # as it was called

    async def answering(task_id: str) -> StepResult:
        return DONE

    monkeypatch.setattr(settling, "settle_task", failing)
    _, leave = quiet_room.loop.enter(adapter(quiet_room.client, "clinic", answering))
    case.until_task("completed")
    leave()
    deliver_all(quiet_room)
    quiet_room.idle(case.workflow_id)
    assert len(tries) == 3
    assert b"Rosalind" not in quiet_room.all_that_it_knows(case.workflow_id)


def test_an_answer_that_the_record_refuses_for_good_leaves_the_work_to_people(
    quiet_room: Room, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = refer(house, "cap", "clinic", consent=True)
    deliver_all(quiet_room)
    monkeypatch.setattr(settling, "settle_task", _refusal)

    async def answering(task_id: str) -> StepResult:
        return DONE

    _, leave = quiet_room.loop.enter(adapter(quiet_room.client, "clinic", answering))
    eventually(lambda: quiet_room.scheduled(case.workflow_id) and not quiet_room.pending(case.workflow_id))
    leave()
    quiet_room.idle(case.workflow_id)
    assert b"Rosalind" not in quiet_room.all_that_it_knows(case.workflow_id)
    case.declined()
    case.decides("withdraw", {"reason": "full"})
    deliver_all(quiet_room)
    assert quiet_room.ended(case.workflow_id) == "completed"
