"""Five ways that a referral goes, told slowly enough that the engine decides the same each time."""

from __future__ import annotations

from collections.abc import Callable

from domain.progress import StepResult
from tests.house import OUTCOME, House
from tests.workflows.adapter import adapter
from tests.workflows.case import Case, refer
from tests.workflows.clocks import adopt
from tests.workflows.room import Room


def accepted(room: Room, house: House) -> Case:
    """Accepted, started, completed, and the source confirms."""
    case = _offered(room, house)
    for verb, body in (("accept", None), ("start", None), ("complete", OUTCOME)):
        case.does(verb, body)
        room.idle(case.workflow_id)
    return _confirmed(room, case)


def rerouted(room: Room, house: House) -> Case:
    """Declined, offered to another partner, who completes it."""
    case = _offered(room, house)
    case.declined()
    room.idle(case.workflow_id)
    case.decides("reroute", {"service_id": str(house.other_door().id)})
    room.idle(case.workflow_id)
    case.target = house.caseworker("faith")
    case.does("accept")
    case.does("complete", OUTCOME)
    room.idle(case.workflow_id)
    return _confirmed(room, case)


def expired(room: Room, house: House) -> Case:
    """Nobody answers until the hard limit; the source accepts that the need is unmet."""
    adopt(house, acknowledge=4, hard_limit=4)
    case = refer(house, "cap", "housing")
    adopt(house)
    case.until("awaiting_source")
    room.idle(case.workflow_id)
    case.decides("close-unmet", {"reason": "full"})
    room.ended(case.workflow_id)
    return case


def own_worker(room: Room, house: House) -> Case:
    """The clinic's own system answers on the clinic's own queue."""

    async def answering(task_id: str) -> StepResult:
        return StepResult("completed", outcome="need_met")

    case = _offered(room, house, "clinic")
    _, leave = room.loop.enter(adapter(room.client, "clinic", answering))
    case.until_task("completed")
    leave()
    room.idle(case.workflow_id)
    return _confirmed(room, case)


def withdrawn(room: Room, house: House) -> Case:
    """The source takes it back before anybody answered."""
    case = _offered(room, house)
    case.decides("withdraw", {"reason": "moved_away"})
    room.ended(case.workflow_id)
    return case


def _offered(room: Room, house: House, target: str = "housing") -> Case:
    case = refer(house, "cap", target)
    room.idle(case.workflow_id)
    return case


def _confirmed(room: Room, case: Case) -> Case:
    case.decides("confirm", OUTCOME)
    room.ended(case.workflow_id)
    return case


STORIES: dict[str, Callable[[Room, House], Case]] = {
    story.__name__: story for story in (accepted, rerouted, expired, own_worker, withdrawn)
}
