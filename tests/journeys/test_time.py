"""Nobody answers: what time does to a request, told with the engine running and short days."""

from __future__ import annotations

import pytest

from tests.house import House, eventually


@pytest.mark.usefixtures("engine")
def test_a_request_that_nobody_answers_is_reminded_escalated_and_expires(house: House) -> None:
    house.compress(0.2)
    made = house.refer("cap", "housing")
    maria = house.caseworker("cap")

    eventually(lambda: maria.read(f"/v1/referrals/{made['id']}")["state"] == "awaiting_source")

    expired = maria.read(f"/v1/referrals/{made['id']}")["tasks"][-1]
    kinds = [event["kind"] for event in maria.read(f"/v1/referrals/{made['id']}/timeline")["items"]]
    assert expired["state"] == "expired"
    for kind in ("task_overdue", "task_escalated", "task_expired"):
        assert kind in kinds
