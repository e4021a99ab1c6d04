"""Several asked at once, seen from the engine: a step is pending for each, and the first yes ends the others."""

from __future__ import annotations

from tests.house import OUTCOME, House, eventually
from tests.services.scenes import ask_at_once, proven
from tests.workflows.room import Room


def test_three_steps_are_pending_and_the_first_yes_ends_two_of_them(room: Room, house: House) -> None:
    doors = (house.other_door().id, house.service("housing", nth=1).id, house.service("level", nth=1).id)
    asked = ask_at_once(house, "pantry", *doors)
    workflow_id, tasks = f"referral-{asked.id}", [str(task.id) for task in asked.tasks]
    room.idle(workflow_id)
    assert sorted(room.pending(workflow_id)) == sorted(tasks)

    gwen, lupe = house.caseworker("housing"), house.caseworker("pantry")
    gwen.does(f"/v1/tasks/{tasks[1]}/accept")
    room.idle(workflow_id)
    assert list(room.pending(workflow_id)) == [tasks[1]]
    assert room.status(workflow_id) == "running"

    gwen.does(f"/v1/tasks/{tasks[1]}/complete", OUTCOME)
    lupe.does(f"/v1/referrals/{asked.id}/confirm", OUTCOME)
    assert room.ended(workflow_id) == "completed"
    assert sorted(task for task, _ in room.scheduled(workflow_id)) == sorted(tasks)
    proven(house)


def test_one_that_nobody_answers_expires_and_the_others_stay_asked(room: Room, house: House) -> None:
    asked = ask_at_once(house, "pantry", house.other_door().id, house.service("housing", nth=1).id)
    workflow_id, tasks = f"referral-{asked.id}", [str(task.id) for task in asked.tasks]
    room.idle(workflow_id)
    house.sql("update task set hard_at = clock_timestamp(), due_at = clock_timestamp() where id = %s", tasks[0])
    house.sql("insert into outbox (kind, workflow_id) values ('look', %s)", workflow_id)
    lupe = house.caseworker("pantry")
    eventually(lambda: lupe.read(f"/v1/referrals/{asked.id}")["tasks"][0]["state"] == "expired")
    assert lupe.read(f"/v1/referrals/{asked.id}")["state"] == "active"
    room.idle(workflow_id)
    assert list(room.pending(workflow_id)) == [tasks[1]]
    house.caseworker("housing").does(f"/v1/tasks/{tasks[1]}/accept")
    assert lupe.read(f"/v1/referrals/{asked.id}")["asked"] == []
