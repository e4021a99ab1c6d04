"""A family needs a home: the whole way of a referral, told over HTTP, with the engine running."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.house import OUTCOME, House, eventually

Stop = Callable[[], None]


@pytest.mark.usefixtures("engine")
def test_a_referral_goes_from_request_to_closed_loop_and_the_numbers_count_themselves(house: House) -> None:
    maria, gwen = house.caseworker("cap"), house.caseworker("housing")
    made = house.refer("cap", "housing", consent=True, reason="The lease ends on Friday.")
    task_id = made["tasks"][0]["id"]

    assert task_id in [task["id"] for task in gwen.inbox()]
    question = gwen.does(f"/v1/tasks/{task_id}/request-info", {"question": "How many rooms?"})
    assert question["ball_in_court"]["organization_id"] == str(house.region.organization("cap").id)
    assert task_id in [task["id"] for task in maria.inbox()]
    maria.does(f"/v1/tasks/{task_id}/answer", {"text": "Two, please."})
    accepted = gwen.does(f"/v1/tasks/{task_id}/accept")
    assert gwen.read(f"/v1/clients/{accepted['client_id']}")["given_name"] == "Rosalind"
    gwen.does(f"/v1/tasks/{task_id}/start")
    gwen.does(f"/v1/tasks/{task_id}/complete", OUTCOME)
    closed = maria.does(f"/v1/referrals/{made['id']}/confirm", OUTCOME)

    assert (closed["state"], closed["outcome"], closed["confirmed_by"]) == ("completed", "need_met", "source")
    for code in ("referrals_sent", "loops_closed", "needs_met", "clients_served"):
        assert maria.read(f"/v1/indicators/{code}")["series"][-1]["value"] == 1, code
    eventually(lambda: house.sql("select count(*) = 0 from outbox")[0][0])
