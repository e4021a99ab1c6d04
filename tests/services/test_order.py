"""When things happened, as told: in an order that can have been, and never before they were asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.house import OUTCOME, House
from tests.services.scenes import ledger, refer, task_of

ATTEMPT = {"result": "no_answer", "channel": "phone"}


def ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def by_phone(house: House, **more: Any) -> tuple[str, dict[str, str]]:
    """(path of a task of a partner without login, what its recorder adds to every move)."""
    slug = next(one.slug for one in house.region.organizations if one.mode == "by_phone")
    return task_of(refer(house, "cap", slug, **more)), {"said_by": "The volunteer"}


@pytest.mark.parametrize("verb", ["accept", "acknowledge"])
def test_a_partner_on_the_phone_answered_nothing_before_it_was_asked(house: House, verb: str) -> None:
    path, said = by_phone(house)
    refused = house.person("maria.cap").post(f"{path}/{verb}", said | {"occurred_at": "2019-01-15T10:00:00Z"})
    assert (refused.status_code, refused.json()["code"]) == (422, "before-request")
    assert not [key for key in ledger(house, "needs_met") if key[0].startswith("2019")]


def test_three_attempts_before_the_request_do_not_make_a_client_unreachable(house: House) -> None:
    path, said = by_phone(house)
    maria = house.person("maria.cap")
    maria.does(f"{path}/accept", said)
    answers = [maria.post(f"{path}/contact", said | ATTEMPT | {"occurred_at": ago(days)}) for days in (3, 2, 1)]
    assert [answer.status_code for answer in answers] == [422] * 3
    assert maria.post(f"{path}/fail", said | {"reason": "no_answer"}).status_code == 409


def test_what_was_asked_and_done_last_week_is_written_up_today(house: House) -> None:
    path, said = by_phone(house, occurred_at=datetime.now(UTC) - timedelta(days=8))
    maria = house.person("maria.cap")
    maria.does(f"{path}/accept", said | {"occurred_at": ago(7)})
    early = maria.post(f"{path}/complete", said | OUTCOME | {"occurred_at": ago(7.5)})
    assert (early.status_code, early.json()["code"]) == (409, "before-last-move")
    assert maria.does(f"{path}/complete", said | OUTCOME | {"occurred_at": ago(6)})["state"] == "completed"


def test_a_connected_partner_too_answers_when_it_did(house: House) -> None:
    made = refer(house, "cap", "housing", occurred_at=datetime.now(UTC) - timedelta(days=10))
    gwen = house.person("gwen.housing")
    assert gwen.post(f"{task_of(made)}/accept", {"occurred_at": ago(11)}).json()["code"] == "before-request"
    assert gwen.does(f"{task_of(made)}/accept", {"occurred_at": ago(8)})["state"] == "accepted"


def test_nobody_resumes_before_holding(house: House) -> None:
    made, gwen = refer(house, "cap", "housing"), house.person("gwen.housing")
    gwen.does(f"{task_of(made)}/accept")
    day = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    gwen.does(f"{task_of(made)}/hold", {"reason": "Waiting for the keys.", "resume_on": day})
    refused = gwen.post(f"{task_of(made)}/resume", {"occurred_at": ago(1)})
    assert (refused.status_code, refused.json()["code"]) == (422, "before-request")
    assert gwen.does(f"{task_of(made)}/resume")["state"] == "in_progress"


def test_a_partner_without_login_is_offered_no_assigning(house: House) -> None:
    path, _ = by_phone(house)
    assert "assign" not in house.person("maria.cap").read(path)["allowed_actions"]


def test_a_question_to_ones_own_colleagues_is_answered_without_a_consent(house: House) -> None:
    made = refer(house, "housing", "housing")
    gwen = house.person("gwen.housing")
    asked = gwen.does(f"{task_of(made)}/request-info", {"question": "How many rooms?"})
    assert "answer" in asked["allowed_actions"]
    assert gwen.does(f"{task_of(made)}/answer", {"text": "Two."})["state"] == "acknowledged"


def test_work_that_was_entered_in_error_has_no_outcome(house: House) -> None:
    made, gwen = refer(house, "cap", "housing"), house.person("gwen.housing")
    gwen.does(f"{task_of(made)}/accept")
    gwen.does(f"{task_of(made)}/complete", OUTCOME)
    voided = house.person("maria.cap").does(f"{task_of(made)}/void", {"reason": "The wrong family."})
    assert (voided["state"], voided["outcome"]) == ("entered_in_error", None)


def test_what_the_source_heard_last_week_counts_then(house: House) -> None:
    """A confirmation heard on one day and typed on another belongs to the first."""
    made = refer(house, "cap", "housing", occurred_at=datetime.now(UTC) - timedelta(days=10))
    gwen, maria = house.person("gwen.housing"), house.person("maria.cap")
    gwen.does(f"{task_of(made)}/accept", {"occurred_at": ago(9)})
    gwen.does(f"{task_of(made)}/complete", OUTCOME | {"occurred_at": ago(8)})
    path = f"/v1/referrals/{made.id}/confirm"
    for wrong in (ago(9), ago(-1)):
        refused = maria.post(path, OUTCOME | {"occurred_at": wrong})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/occurred_at")
    then = ago(7)
    maria.does(path, OUTCOME | {"occurred_at": then})
    told = house.sql("select occurred_at from event where referral_id = %s and kind = 'referral_closed'", str(made.id))
    assert told == [(datetime.fromisoformat(then),)]


def test_a_withdrawal_and_a_reroute_happened_when_they_did(house: House) -> None:
    maria, gwen = house.person("maria.cap"), house.person("gwen.housing")
    asked = datetime.now(UTC) - timedelta(days=10)
    taken_back, declined = (refer(house, "cap", "housing", occurred_at=asked) for _ in range(2))
    no = {"reason_code": "full", "reason_class": "no_capacity", "occurred_at": ago(9)}
    gwen.does(f"{task_of(declined)}/decline", no)
    body = {"reason": "need_met_elsewhere", "occurred_at": ago(8)}
    assert maria.does(f"/v1/referrals/{taken_back.id}/withdraw", body)["state"] == "withdrawn"
    again = {"service_id": str(house.other_door().id), "occurred_at": ago(7)}
    maria.does(f"/v1/referrals/{declined.id}/reroute", again)
    days = house.sql(
        "select distinct (now()::date - occurred_at::date) from event where referral_id = any(%s::uuid[])"
        " and kind in ('referral_withdrawn', 'task_cancelled', 'referral_rerouted') order by 1",
        [str(taken_back.id), str(declined.id)],
    )
    assert [day for (day,) in days] == [7, 8]
