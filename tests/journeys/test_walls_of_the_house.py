"""What a stranger with a login tried first, and what they are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.house import House


@pytest.mark.parametrize("login", ["edith.hub", "tomas.hub", "ruth.hub"])
def test_the_backbone_and_its_auditor_record_no_client_and_list_none(house: House, login: str) -> None:
    person = house.person(login)
    assert person.post("/v1/clients", {"given_name": "Ana", "family_name": "Brook"}).status_code == 403
    assert person.get("/v1/clients").status_code == 403
    body = {"service_id": str(house.service("pantry").id), "client": {"given_name": "Ana", "family_name": "Brook"}}
    assert person.post("/v1/referrals", body).status_code == 403


def test_after_a_re_route_the_new_target_sees_its_own_category_and_not_the_need_behind_it(house: House) -> None:
    made = house.refer("cap", "housing")
    gwen = house.caseworker("housing")
    gwen.does(f"/v1/tasks/{made['tasks'][0]['id']}/decline", {"reason_code": "full", "reason_class": "no_capacity"})
    church = house.other_door()
    house.caseworker("cap").does(f"/v1/referrals/{made['id']}/reroute", {"service_id": str(church.id)})
    assert house.caseworker("faith").read(f"/v1/referrals/{made['id']}")["term"] == church.term
    assert house.caseworker("cap").read(f"/v1/referrals/{made['id']}")["term"] == made["term"] != church.term


def test_a_service_that_answers_another_need_cannot_be_asked_for_this_one(house: House) -> None:
    maria, made = house.caseworker("cap"), house.refer("cap", "housing")
    decline = {"reason_code": "full", "reason_class": "no_capacity"}
    house.caseworker("housing").does(f"/v1/tasks/{made['tasks'][0]['id']}/decline", decline)
    bread = {"service_id": str(house.service("pantry").id)}
    refused = maria.post(f"/v1/referrals/{made['id']}/reroute", bread)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/service_id")
    assert "food.pantry" in refused.json()["detail"]
    assert "new referral" in refused.json()["detail"]
    assert maria.read(f"/v1/referrals/{made['id']}")["state"] == "awaiting_source"
    new = bread | {"client_id": made["client_id"], "need_id": made["need_id"]}
    assert maria.post("/v1/referrals", new).json()["errors"][0]["pointer"] == "/service_id"
    assert maria.post("/v1/referrals", new | {"need_id": None}).status_code == 201


def test_work_recorded_afterwards_was_asked_for_before_it_ended(house: House) -> None:
    maria = house.caseworker("cap")
    early, late = ((datetime.now(UTC) - timedelta(hours=hours)).isoformat() for hours in (30, 20))
    body = {"service_id": str(house.service("cap").id), "client": {"given_name": "Ana", "family_name": "Brook"}}
    swapped = body | {"occurred_at": late, "finished": {"outcome": "need_met", "occurred_at": early}}
    refused = maria.post("/v1/referrals", swapped)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/finished/occurred_at")
    made = maria.does(
        "/v1/referrals", body | {"occurred_at": early, "finished": {"outcome": "need_met", "occurred_at": late}}
    )
    story = maria.read(f"/v1/referrals/{made['id']}/timeline")["items"]
    when = {event["kind"]: datetime.fromisoformat(event["occurred_at"]) for event in story}
    assert when["referral_created"] == when["task_requested"] == datetime.fromisoformat(early)
    assert when["task_accepted"] == when["task_completed"] == when["referral_closed"] == datetime.fromisoformat(late)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"occurred_at": "2006-11-20T10:00:00Z"}, "/occurred_at"),
        ({"occurred_at": (datetime.now(UTC) + timedelta(days=2)).isoformat()}, "/occurred_at"),
        ({"client": {"given_name": "Ana", "family_name": "Brook", "birth_date": "2098-01-01"}}, "/client/birth_date"),
        ({"client": {"given_name": "Ana", "birth_date": "1990-01-01", "birth_year": 1985}}, "/client/birth_year"),
        ({"client": {}}, "/client/given_name"),
        (
            {"finished": {"outcome": "need_met", "occurred_at": (datetime.now(UTC) + timedelta(days=2)).isoformat()}},
            "/finished/occurred_at",
        ),
        ({"client_id": "01890000-0000-7000-8000-000000000001"}, "/client_id"),
    ],
)
def test_a_slip_of_the_pen_is_pointed_at(house: House, body: dict[str, object], pointer: str) -> None:
    asked = {"service_id": str(house.service("housing").id), "client": {"given_name": "Ana", "family_name": "Brook"}}
    answer = house.caseworker("cap").post("/v1/referrals", asked | body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_hold_until_yesterday_is_no_hold(house: House) -> None:
    task_id = house.refer("cap", "housing")["tasks"][0]["id"]
    gwen = house.caseworker("housing")
    gwen.does(f"/v1/tasks/{task_id}/accept")
    for day in (datetime.now(UTC) - timedelta(days=2), datetime.now(UTC) - timedelta(days=1)):
        answer = gwen.post(f"/v1/tasks/{task_id}/hold", {"reason": "Away", "resume_on": day.date().isoformat()})
        assert answer.status_code == 422
