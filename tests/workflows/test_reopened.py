"""A loop that was closed by mistake: its workflow had ended, and somebody must be reminded again."""

from __future__ import annotations

from typing import Any

from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from concert.connection import connect
from tests.house import OUTCOME, House, Loop, eventually
from tests.services.scenes import task_of


def test_a_referral_that_was_opened_again_is_followed_again(house: House, engine: Any, loop: Loop) -> None:
    client = loop.run(connect(house.settings.temporal_address, house.settings.temporal_namespace))
    made = house.refer("cap", "housing")
    maria, gwen = house.caseworker("cap"), house.caseworker("housing")
    gwen.does(f"{task_of(made)}/accept")
    gwen.does(f"{task_of(made)}/complete", OUTCOME)
    maria.does(f"/v1/referrals/{made['id']}/confirm", OUTCOME)

    def status() -> Any:
        """None: on a busy machine all of it was answered before the workflow began."""
        try:
            return loop.run(client.get_workflow_handle(f"referral-{made['id']}").describe()).status
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            return None

    eventually(lambda: status() == WorkflowExecutionStatus.COMPLETED)
    maria.does(f"{task_of(made)}/void", {"reason": "The wrong family."})
    eventually(lambda: status() == WorkflowExecutionStatus.RUNNING)
    maria.does(f"/v1/referrals/{made['id']}/close-unmet", {"reason": "full"})
    eventually(lambda: status() == WorkflowExecutionStatus.COMPLETED)
