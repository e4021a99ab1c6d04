"""Record and engine agree, or it is an alarm: work that nobody watches, and a watch for what is over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from structlog.testing import capture_logs
from temporalio.client import Client, Interceptor, OutboundInterceptor
from temporalio.service import RPCError

from concert.reconcile import repair
from concert.relay import look
from concert.sweeper import FAILING, Sweeper
from tests.house import House, eventually
from tests.workflows.case import Case, refer
from tests.workflows.room import Room
from workflows.activities import QUEUE


@pytest.fixture
def sweeper(house: House, quiet_room: Room) -> Sweeper:
    """Of a record and an engine that agree: two rounds say nothing."""
    deliver_all(quiet_room)
    fresh = Sweeper(house.engine, quiet_room.client)
    rounds(quiet_room, fresh)
    assert backbone(house)["findings"] == []
    return fresh


@pytest.fixture
def case(house: House, quiet_room: Room, sweeper: Sweeper) -> Case:
    """The engine sleeps until the partner's limit."""
    return asleep(house, quiet_room)


def test_a_referral_at_which_nobody_will_look_is_an_alarm_until_it_is_repaired(
    house: House, quiet_room: Room, sweeper: Sweeper, case: Case
) -> None:
    house.sql("update referral set look_at = null where id = %s", case.id)
    assert troubles(quiet_room, sweeper, case) == [], "it may be under way"
    assert troubles(quiet_room, sweeper, case) == ["unwatched"]
    said = backbone(house)
    assert [each["code"] for each in said["ailments"] if each["code"] not in SILENT] == ["StalledUnwatched"]
    assert said["findings"][0]["code"] == "no_deadline"
    assert quiet_room.run(repair(house.engine, quiet_room.client)).left == ()
    eventually(lambda: case.column("referral", "look_at"))
    assert troubles(quiet_room, sweeper, case) == []


@pytest.mark.parametrize(("seconds", "told"), [(50, []), (61, ["unwatched"])])
def test_a_deadline_that_passed_is_an_alarm_after_a_minute_and_not_before(
    house: House, quiet_room: Room, sweeper: Sweeper, case: Case, seconds: int, told: list[str]
) -> None:
    passed = "update referral set look_at = clock_timestamp() - make_interval(secs => %s) where id = %s"
    house.sql(passed, seconds, case.id)
    rounds(quiet_room, sweeper, 1)
    assert troubles(quiet_room, sweeper, case) == told
    quiet_room.run(look(quiet_room.client, case.workflow_id))
    eventually(lambda: house.sql("select look_at > now() from referral where id = %s", case.id) == [(True,)])
    assert troubles(quiet_room, sweeper, case) == []


@pytest.mark.parametrize(("seconds", "told"), [(50, []), (61, ["unwatched"])])
@pytest.mark.parametrize("limit", ["due_at = {}, rung = 0", "due_at = {0}, rung = 1, hard_at = {0}"])
def test_a_limit_that_passed_while_the_next_look_is_far_ahead_is_an_alarm(
    house: House, quiet_room: Room, sweeper: Sweeper, case: Case, limit: str, seconds: int, told: list[str]
) -> None:
    """The look was lost: what stands still is listed, and nobody would come."""
    passed = f"clock_timestamp() - interval '{seconds} s'"
    house.sql(f"update task set {limit.format(passed)} where referral_id = %s", case.id)
    house.sql("update referral set look_at = clock_timestamp() + interval '10 minutes' where id = %s", case.id)
    rounds(quiet_room, sweeper, 1)
    assert troubles(quiet_room, sweeper, case) == told
    assert [each["code"] for each in backbone(house)["findings"]] == ["overslept"] * len(told)
    assert quiet_room.run(repair(house.engine, quiet_room.client)).left == ()
    eventually(lambda: case.column("task", "rung") or case.column("task", "state") == "expired")
    assert troubles(quiet_room, sweeper, case) == []


@pytest.mark.parametrize("how", ["rung = 1", "excepted_until = clock_timestamp() + interval '1 hour'"])
def test_who_was_told_already_and_what_may_rest_is_looked_at_when_it_is_time(
    house: House, quiet_room: Room, sweeper: Sweeper, case: Case, how: str
) -> None:
    house.sql(f"update task set due_at = now() - interval '5 minutes', {how} where referral_id = %s", case.id)
    house.sql("update referral set look_at = clock_timestamp() + interval '10 minutes' where id = %s", case.id)
    rounds(quiet_room, sweeper, 1)
    assert troubles(quiet_room, sweeper, case) == []


def test_while_its_message_is_on_its_way_nobody_is_missed(
    house: House, quiet_room: Room, sweeper: Sweeper, case: Case
) -> None:
    house.sql("update referral set look_at = null where id = %s", case.id)
    house.sql("insert into outbox (kind, workflow_id) values ('look', %s)", case.workflow_id)
    for _ in range(3):
        assert troubles(quiet_room, sweeper, case) == []
    deliver_all(quiet_room)
    eventually(lambda: case.column("referral", "look_at"))


def test_what_somebody_noted_before_is_told_on_by_the_next_sweeper_at_once(
    house: House, quiet_room: Room, sweeper: Sweeper, case: Case
) -> None:
    house.sql("update referral set look_at = null where id = %s", case.id)
    rounds(quiet_room, sweeper)
    since = backbone(house)["findings"][0]["since"]
    rounds(quiet_room, Sweeper(house.engine, quiet_room.client), 1)
    assert [each["since"] for each in backbone(house)["findings"]] == [since]
    quiet_room.run(repair(house.engine, quiet_room.client))


def test_a_workflow_that_was_ended_from_outside_is_an_alarm_until_it_is_repaired(
    house: House, quiet_room: Room, sweeper: Sweeper, case: Case
) -> None:
    quiet_room.run(quiet_room.client.get_workflow_handle(case.workflow_id).terminate())
    assert troubles(quiet_room, sweeper, case) == [], "it may be under way"
    assert troubles(quiet_room, sweeper, case) == ["missing"]
    assert [each["id"] for each in backbone(house)["findings"]] == [case.id], "the others are well"
    assert "EngineDiffers" in [each["code"] for each in backbone(house)["ailments"]]
    assert quiet_room.run(repair(house.engine, quiet_room.client)).left == ()
    quiet_room.idle(case.workflow_id)
    assert troubles(quiet_room, sweeper, case) == []


def test_a_case_whose_first_message_was_lost_is_told_and_no_longer_once_it_has_its_workflow(
    house: House, quiet_room: Room, sweeper: Sweeper
) -> None:
    case = refer(house, "cap", "housing")
    for _ in range(2):
        assert troubles(quiet_room, sweeper, case) == [], "its message is on its way"
    house.sql("delete from outbox where workflow_id = %s", case.workflow_id)
    rounds(quiet_room, sweeper, 1)
    assert troubles(quiet_room, sweeper, case) == ["missing"]
    quiet_room.run(look(quiet_room.client, case.workflow_id))
    quiet_room.idle(case.workflow_id)
    assert troubles(quiet_room, sweeper, case) == []


def test_a_workflow_that_runs_for_what_is_over_is_an_alarm_until_it_is_repaired(
    house: House, quiet_room: Room, sweeper: Sweeper, case: Case
) -> None:
    case.decides("withdraw", {"reason": "moved_away"})
    for _ in range(2):
        assert troubles(quiet_room, sweeper, case) == [], "its message is on its way"
    quiet_room.lose_messages()
    eventually(lambda: troubles(quiet_room, sweeper, case) == ["stray"], seconds=10, pause=0.2)
    assert "EngineDiffers" in [each["code"] for each in backbone(house)["ailments"]]
    assert quiet_room.run(repair(house.engine, quiet_room.client, patience=1)).terminated == 1
    assert troubles(quiet_room, sweeper, case) == []


NOBODY = "0193f5b0-7d7e-7c41-9d55-aa60a53b58e9"
BY_HAND = ("Rosalind", f"referral-{NOBODY}", f"plan-{NOBODY}")


@pytest.fixture
def by_hand(quiet_room: Room) -> Iterator[list[Any]]:
    """Somebody began workflows of ours by hand, under ids that are no case's, and they fail; answers their handles."""
    client = quiet_room.client
    handles = [quiet_room.run(client.start_workflow("Referral", id=each, task_queue=QUEUE)) for each in BY_HAND]

    async def failing() -> set[str]:
        return {run.id async for run in client.list_workflows(FAILING)}

    eventually(lambda: quiet_room.run(failing()) == set(BY_HAND), seconds=60, pause=0.5)
    yield handles
    for handle in handles:
        with suppress(RPCError):  # the repair may have
            quiet_room.run(handle.terminate())


def test_workflows_that_somebody_began_by_hand_are_left_alone_and_the_others_are_compared(
    house: House, quiet_room: Room, sweeper: Sweeper, case: Case, by_hand: list[Any]
) -> None:
    """An id may hold anything: the log names the run. Nobody is told of a confidential case by it. Where it is named
    as a case is, the record may be a restored one that lacks the case: only who repairs ends it.
    """
    rounds(quiet_room, sweeper)
    assert [each["code"] for each in backbone(house)["ailments"] if each["code"] not in SILENT] == []
    quiet_room.run(quiet_room.client.get_workflow_handle(case.workflow_id).terminate())
    with capture_logs() as logged:
        rounds(quiet_room, sweeper, 1)
        assert troubles(quiet_room, sweeper, case) == ["missing"]
        assert quiet_room.run(repair(house.engine, quiet_room.client, patience=1)).left == ()
    said = next(line for line in logged if line["event"] == "workflows_of_no_case")
    assert (said["log_level"], said["count"]) == ("warning", len(BY_HAND))
    assert sorted(said["runs"]) == sorted(handle.first_execution_run_id for handle in by_hand)
    assert not [id_ for id_ in BY_HAND if id_ in str(logged)]
    assert {id_: quiet_room.status(id_) for id_ in BY_HAND} == {
        id_: "terminated" if NOBODY in id_ else "running" for id_ in BY_HAND
    }


class Watched(Interceptor):
    """Counts how often Temporal is asked for one workflow; the answer takes `pause` seconds."""

    def __init__(self, pause: float = 0.0) -> None:
        self.asked, self.pause = 0, pause

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002 - the SDK calls it so
        watched = self

        class Outbound(OutboundInterceptor):
            async def describe_workflow(self, input: Any) -> Any:  # noqa: A002 - the SDK calls it so
                watched.asked += 1
                await asyncio.sleep(watched.pause)
                return await super().describe_workflow(input)

        return Outbound(next)


def watching(room: Room, watched: Watched) -> Client:
    service = room.client.service_client.config
    return room.run(Client.connect(service.target_host, namespace=room.client.namespace, interceptors=[watched]))


def test_after_a_great_loss_a_round_stays_short_and_every_case_has_its_turn(
    house: House, quiet_room: Room, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = {refer(house, "cap", "housing").id for _ in range(8)}
    quiet_room.lose_messages()
    monkeypatch.setattr("concert.sweeper.EACH_ROUND", 2)
    monkeypatch.setattr("concert.sweeper.AGAIN", 2)
    watched = Watched()
    fresh = Sweeper(house.engine, watching(quiet_room, watched))
    asked = []
    for _ in range(16):
        watched.asked = 0
        rounds(quiet_room, fresh, 1)
        asked.append(watched.asked)
    assert {each["id"] for each in backbone(house)["findings"]} == lost
    assert max(asked) <= 2 + 2 + 2, "the next ones, those that differed in the round before, and some of the noted"
    assert quiet_room.run(repair(house.engine, quiet_room.client)).left == ()
    monkeypatch.setattr("concert.sweeper.EACH_ROUND", 1)
    rounds(quiet_room, fresh, len(lost) // 2 + 1)
    assert backbone(house)["findings"] == []


def test_temporal_answers_and_that_shows_however_long_the_comparison_takes(
    house: House, quiet_room: Room, case: Case
) -> None:
    house.sql("delete from service_heartbeat")
    sweeping = quiet_room.loop.start(Sweeper(house.engine, watching(quiet_room, Watched(pause=60))).sweep())
    try:
        eventually(lambda: house.sql("select role from service_heartbeat") == [("sweeper",)])
        assert not sweeping.done()
    finally:
        sweeping.cancel()


def test_a_comparison_that_always_fails_gives_no_sign_of_life(
    house: House, quiet_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_asked: object) -> None:
        raise ValueError("broken")

    fresh = Sweeper(house.engine, quiet_room.client)
    with monkeypatch.context() as broken:
        broken.setattr(fresh, "_compare", fails)
        for _ in range(2):
            house.sql("delete from service_heartbeat")
            with pytest.raises(ValueError, match="broken"):
                quiet_room.run(fresh.sweep())
        assert house.sql("select role from service_heartbeat") == []
    rounds(quiet_room, fresh, 1)
    assert house.sql("select role from service_heartbeat") == [("sweeper",)]


SILENT = {"RelaySilent", "WorkerSilent", "TemporalSilent", "OutboxOld", "LedgerUnfolded", "AuditUnsealed"}
"""Ailments of a house in which nothing beats."""


def asleep(house: House, room: Room) -> Case:
    made = refer(house, "cap", "housing")
    deliver_all(room)
    room.idle(made.workflow_id)
    return made


def deliver_all(room: Room) -> None:
    while room.deliver():
        pass


def rounds(room: Room, sweeper: Sweeper, times: int = 2) -> None:
    for _ in range(times):
        room.run(sweeper.sweep())


def troubles(room: Room, sweeper: Sweeper, case: Case) -> list[str]:
    """What the backbone reads of the case after one round."""
    rounds(room, sweeper, 1)
    return [each["trouble"] for each in backbone(room.house)["findings"] if each["id"] == case.id]


def backbone(house: House) -> Any:
    return house.person("ruth.hub").read("/v1/monitor/engine")
