"""The verbs in daily use: waiting lists, attempts to reach somebody, holds, assignments, questions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.clock import Clock
from tests.house import House
from tests.services.scenes import events, refer, task_of


def accepted(house: House) -> tuple[str, Any]:
    """(path of an accepted task, its caseworker)."""
    made, gwen = refer(house, "cap", "housing"), house.person("gwen.housing")
    gwen.does(f"{task_of(made)}/accept")
    return task_of(made), gwen


def test_a_place_on_the_waitlist_is_renewed(house: House) -> None:
    path, gwen = accepted(house)
    waiting = gwen.does(f"{path}/waitlist")
    assert (waiting["state"], waiting["clock"]) == ("waitlisted", Clock.RECONFIRM)
    house.sql("update task set due_at = now() - interval '1 day' where id = %s", path.rsplit("/", 1)[-1])
    assert path.rsplit("/", 1)[-1] in [item["id"] for item in gwen.read("/v1/monitor/stalled")["items"]]
    renewed = gwen.does(f"{path}/reconfirm")
    assert renewed["state"] == "waitlisted"
    assert datetime.fromisoformat(renewed["due_at"]) > datetime.now(UTC) + timedelta(days=25)
    assert gwen.does(f"{path}/start")["state"] == "in_progress"


def test_not_reached_needs_attempts_on_three_days(house: House) -> None:
    made = refer(house, "cap", "housing", occurred_at=datetime.now(UTC) - timedelta(days=9))
    path, gwen = task_of(made), house.person("gwen.housing")
    gwen.does(f"{path}/accept", {"occurred_at": (datetime.now(UTC) - timedelta(days=8)).isoformat()})
    for days_ago in (3, 3, 2):
        then = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat()
        gwen.does(f"{path}/contact", {"result": "no_answer", "channel": "phone", "occurred_at": then})
    early = gwen.post(f"{path}/fail", {"reason": "no_answer"})
    assert (early.status_code, early.json()["code"]) == (409, "attempts")
    gwen.does(f"{path}/contact", {"result": "left_message", "channel": "phone"})
    assert gwen.does(f"{path}/fail", {"reason": "no_answer"})["state"] == "failed"


def test_reaching_the_client_stops_the_clock_of_first_contact(house: House) -> None:
    path, gwen = accepted(house)
    assert gwen.read(path)["clock"] == Clock.FIRST_CONTACT
    gwen.does(f"{path}/contact", {"result": "left_message", "channel": "text"})
    assert gwen.read(path)["clock"] == Clock.FIRST_CONTACT
    gwen.does(f"{path}/contact", {"result": "reached", "channel": "phone"})
    assert gwen.read(path)["clock"] == Clock.SIGN_OF_LIFE


def test_work_is_given_to_colleagues_only(house: House) -> None:
    path, gwen = accepted(house)
    ids = {user.login: str(user.id) for user in house.region.users}
    stranger = gwen.post(f"{path}/assign", {"user_id": ids["maria.cap"]})
    assert (stranger.status_code, stranger.json()["errors"][0]["pointer"]) == (422, "/user_id")
    mine = gwen.does(f"{path}/assign", {"user_id": ids["hector.housing"]})
    assert (mine["assigned_to"], mine["ball_in_court"]["user_id"]) == (ids["hector.housing"],) * 2
    hector = house.person("hector.housing")
    assert path.rsplit("/", 1)[-1] in [task["id"] for task in hector.inbox(mine=True, limit=200)]
    assert path.rsplit("/", 1)[-1] not in [task["id"] for task in gwen.inbox(mine=True, limit=200)]
    assert house.person("maria.cap").post(f"{path}/assign", {"user_id": ids["maria.cap"]}).status_code == 403


@pytest.mark.parametrize(("days", "status"), [(-1, 422), (0, 422), (14, 200)])
def test_a_hold_ends_on_a_day_that_is_still_to_come(house: House, days: int, status: int) -> None:
    path, gwen = accepted(house)
    day: date = datetime.now(UTC).date() + timedelta(days=days - (1 if days <= 0 else 0))
    answer = gwen.post(f"{path}/hold", {"reason": "Waiting for the keys.", "resume_on": day.isoformat()})
    assert answer.status_code == status, answer.text
    if status == 200:
        due = datetime.fromisoformat(answer.json()["due_at"])
        assert timedelta(0) <= due - datetime.combine(day, datetime.min.time(), UTC) < timedelta(days=5)
        assert gwen.does(f"{path}/resume")["state"] == "in_progress"


def test_a_question_needs_a_consent_before_it_can_be_answered(house: House) -> None:
    made, gwen, maria = refer(house, "cap", "housing"), house.person("gwen.housing"), house.person("maria.cap")
    asked = gwen.does(f"{task_of(made)}/request-info", {"question": "How many rooms?"})
    assert asked["ball_in_court"]["organization_id"] == str(house.region.organization("cap").id)
    refused = maria.post(f"{task_of(made)}/answer", {"text": "Two."})
    assert (refused.status_code, refused.json()["code"]) == (409, "consent-missing")
    for named, status in (("pantry", 422), ("housing", 200)):
        consent = house.consent(maria, str(made.client_id), named)["id"]
        assert maria.post(f"{task_of(made)}/answer", {"text": "Two.", "consent_id": consent}).status_code == status
    bodies = [message["body"] for message in gwen.read(f"/v1/referrals/{made.id}/timeline")["messages"]]
    assert sorted(bodies) == ["How many rooms?", "Two."]


@pytest.mark.parametrize("hours", [1, 48])
def test_nothing_happens_in_the_future(house: House, hours: int) -> None:
    path, gwen = accepted(house)
    then = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    assert gwen.post(f"{path}/start", {"occurred_at": then}).status_code == 422
    assert gwen.read(path)["state"] == "accepted"


def test_a_reason_is_of_its_class(house: House) -> None:
    made, gwen = refer(house, "cap", "housing"), house.person("gwen.housing")
    for code, kind, pointer in (("full", "client", "/reason_class"), ("no-such", "client", "/reason_code")):
        answer = gwen.post(f"{task_of(made)}/decline", {"reason_code": code, "reason_class": kind})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert events(house, made.id) == ["referral_created", "task_requested"]


class TestWhoIsStillHere:
    """A valid token is not enough: the record is asked at every request."""

    def test_somebody_whose_account_was_revoked(self, house: House) -> None:
        skye = house.person("skye.level")
        assert skye.get("/v1/me").status_code == 200
        house.sql("update user_account set revoked_at = now() where login = 'skye.level'")
        answer = skye.get("/v1/me")
        assert (answer.status_code, answer.headers["WWW-Authenticate"].split()[0]) == (401, "Bearer")
        assert skye.post("/v1/clients", {"given_name": "A", "family_name": "B"}).status_code == 401

    def test_somebody_whose_membership_has_ended(self, house: House) -> None:
        bonnie = house.person("bonnie.ride")
        assert bonnie.get("/v1/tasks").status_code == 200
        house.sql(
            "update membership set ends_on = current_date - 2"
            " where user_id = (select id from user_account where login = 'bonnie.ride')"
        )
        assert bonnie.get("/v1/tasks").status_code == 401

    def test_somebody_whose_organization_left_the_collaborative(self, house: House) -> None:
        walt = house.person("walt.vets")
        assert walt.get("/v1/tasks").status_code == 200
        house.sql(
            "update partnership set ends_on = current_date - 2"
            " where organization_id = (select id from organization where slug = 'vets')"
        )
        assert walt.get("/v1/tasks").status_code == 401

    def test_a_colleague_who_left_is_given_no_work(self, house: House) -> None:
        path, gwen = accepted(house)
        (user,) = house.sql("select id from user_account where login = 'hector.housing'")[0]
        house.sql("update membership set ends_on = current_date - 2 where user_id = %s", user)
        assert gwen.post(f"{path}/assign", {"user_id": str(user)}).status_code == 422
        house.sql("update membership set ends_on = null where user_id = %s", user)

    def test_a_login_that_nobody_knows(self, house: House) -> None:
        assert house.person("nobody.nowhere").get("/v1/me").status_code == 401
