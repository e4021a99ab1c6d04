"""Ways that a referral and a plan go, told slowly enough that the engine decides the same each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.progress import StepResult
from tests.house import OUTCOME, House, eventually
from tests.services.plans import Live, load, step
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


def plan_completed(room: Room, house: House) -> PlanCase:
    """One step, then two side by side, then one: each done in turn, and nothing is left to say."""
    case = _planned(room, house)
    for key, slug in (("listen", "cap"), ("rent", "housing"), ("visit", "family"), ("thank", "cap")):
        eventually(lambda key=key: case.plan.state(key) == "open")  # type: ignore[misc]
        room.idle(case.workflow_id)
        case.works(room, key, slug)
    room.ended(case.workflow_id)
    return case


def plan_edited(room: Room, house: House) -> PlanCase:
    """A step added and another moved while others run; no workflow begins anew for it."""
    case = _planned(room, house)
    case.works(room, "listen", "cap")
    eventually(lambda: case.plan.state("rent") == "open")
    room.idle(case.workflow_id)
    case.plan.edit("/steps", {"key": "beds", "title": "Bring beds", "after": ["listen"], "before": ["thank"]})
    room.idle(case.workflow_id)
    case.plan.edit("/steps/thank/move", {"after": ["rent", "beds"]})
    room.idle(case.workflow_id)
    for key, slug in (("rent", "housing"), ("beds", "cap"), ("thank", "cap"), ("visit", "family")):
        eventually(lambda key=key: case.plan.state(key) == "open")  # type: ignore[misc]
        room.idle(case.workflow_id)
        case.works(room, key, slug)
    room.ended(case.workflow_id)
    return case


@dataclass
class PlanCase:
    """A plan in a story; its workflow is named as a referral's case names its own."""

    plan: Live

    @property
    def workflow_id(self) -> str:
        return f"plan-{self.plan.id}"

    def works(self, room: Room, key: str, slug: str) -> None:
        """Accepted and completed, each heard by the engine by itself."""
        worker, task = self.plan.house.caseworker(slug), self.plan.task(key)
        worker.does(f"{task}/accept")
        room.idle(self.workflow_id)
        worker.does(f"{task}/complete", {})
        room.idle(self.workflow_id)


def _planned(room: Room, house: House) -> PlanCase:
    if not house.sql("select 1 from plan_template where code = 'told'"):
        load(
            house,
            "told",
            [
                step("listen"),
                step("rent", {"organization": "housing"}, after=["listen"]),
                step("visit", {"organization": "family"}, after=["listen"]),
                step("thank", after=["rent", "visit"]),
            ],
        )
    case = PlanCase(Live.begin(house, "told"))
    room.idle(case.workflow_id)
    return case


STORIES: dict[str, Callable[[Room, House], Case | PlanCase]] = {
    story.__name__: story for story in (accepted, rerouted, expired, own_worker, withdrawn, plan_completed, plan_edited)
}
