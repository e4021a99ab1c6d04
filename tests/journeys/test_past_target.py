"""Somebody who said no is out of it: the own task stays readable, the referral is gone."""

from __future__ import annotations

from tests.house import House


def test_a_past_target_reads_its_own_task_and_nothing_else(house: House) -> None:
    made = house.refer("cap", "housing")
    task_id = made["tasks"][0]["id"]
    gwen = house.caseworker("housing")
    gwen.does(f"/v1/tasks/{task_id}/decline", {"reason_code": "full", "reason_class": "no_capacity"})
    house.caseworker("cap").does(f"/v1/referrals/{made['id']}/reroute", {"service_id": str(house.other_door().id)})
    assert gwen.read(f"/v1/tasks/{task_id}")["state"] == "declined"
    assert [task["id"] for task in gwen.inbox(state="declined")] == [task_id]
    assert gwen.get(f"/v1/referrals/{made['id']}").status_code == 404
    late = gwen.post(f"/v1/tasks/{task_id}/accept")
    assert (late.status_code, late.json()["code"], late.json()["current"]["state"]) == (409, "wrong-state", "declined")
