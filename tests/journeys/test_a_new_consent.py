"""The consent behind a referral ends, or comes late: the source gives it a new one, and the partner works on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import House, Person
from tests.services.plans import Live, load, step
from tests.services.scenes import events, task_of


def listed(who: Person, referral: dict[str, Any]) -> dict[str, Any] | None:
    """How the list of stalled work tells it to this person; None where it is not on it."""
    items = who.read("/v1/monitor/stalled", limit=200)["items"]
    return next((item for item in items if item["referral_id"] == referral["id"]), None)


def path_of(referral: dict[str, Any]) -> str:
    return f"/v1/referrals/{referral['id']}"


def reads(worker: Person, referral: dict[str, Any]) -> str | None:
    """The family name as the partner reads it; None where it is not told."""
    client = worker.read(task_of(referral))["client_id"]
    return str(worker.read(f"/v1/clients/{client}")["family_name"]) if client else None


def test_the_consent_was_taken_back_and_given_anew_while_the_partner_works(house: House) -> None:
    maria, gwen, ruth = house.caseworker("cap"), house.caseworker("housing"), house.person("ruth.hub")
    made = house.refer("cap", "housing", consent=True)
    gwen.does(f"{task_of(made)}/accept")
    maria.does(f"/v1/consents/{made['consent_id']}/revoke")
    assert reads(gwen, made) is None
    for who in (maria, gwen, ruth):
        item = listed(who, made)
        assert item is not None, who.login
        assert item["reason_code"] == "consent_ended"
        assert "'consent'" in item["remedy"]
        assert ("consent" in who.read(path_of(made))["allowed_actions"]) is (who is maria), who.login

    before = maria.read(path_of(made))
    consent = house.consent(maria, made["client_id"], "housing")["id"]
    given = maria.does(f"{path_of(made)}/consent", {"consent_id": consent})
    assert (given["consent_id"], given["version"]) == (consent, before["version"] + 1)
    same = ("state", "clock", "due_at")
    assert [given[each] for each in same] == [before[each] for each in same]
    balls = [house.region.organization(slug).id for slug in ("cap", "housing")]
    assert [one["ball_in_court"]["organization_id"] for one in (before, given)] == [str(ball) for ball in balls]
    assert reads(gwen, made) == "Featherstonehaugh"
    assert [listed(who, made) for who in (maria, gwen, ruth)] == [None] * 3
    told = gwen.get(f"{path_of(made)}/timeline").text
    assert "referral_consented" in told
    assert consent not in told + gwen.get(path_of(made)).text


def test_who_said_yes_without_knowing_whom_is_told_once_the_client_signs(house: House) -> None:
    maria, gwen = house.caseworker("cap"), house.caseworker("housing")
    made = house.refer("cap", "housing")
    gwen.does(f"{task_of(made)}/accept")
    house.sql("update task set due_at = now() - interval '1 hour' where referral_id = %s", made["id"])
    item = listed(maria, made)
    assert item is not None
    assert item["cause"] == "consent_missing"
    assert "'consent'" in item["remedy"]
    consent = house.consent(maria, made["client_id"], "housing")["id"]
    maria.does(f"{path_of(made)}/consent", {"consent_id": consent})
    assert reads(gwen, made) == "Featherstonehaugh"
    item = listed(gwen, made)
    assert item is not None
    assert (item["reason_code"], item["cause"]) != ("consent_missing", "consent_missing"), (
        "now it is the partner's turn"
    )
    assert item["ball_in_court"]["organization_id"] == str(house.region.organization("housing").id)


def test_the_same_consent_twice_is_one_event(house: House) -> None:
    maria = house.caseworker("cap")
    made = house.refer("cap", "housing")
    body = {"consent_id": house.consent(maria, made["client_id"], "housing")["id"]}
    first, second = (maria.does(f"{path_of(made)}/consent", body) for _ in range(2))
    assert first == second
    assert events(house, made["id"], "referral_consented") == ["referral_consented"]
    audited = house.sql("select count(*) from audit where verb = 'referral.consent' and object_id = %s", made["id"])
    assert audited == [(1,)]


def test_only_the_source_gives_it_and_only_while_it_is_open(house: House) -> None:
    maria = house.caseworker("cap")
    made = house.refer("cap", "housing")
    body = {"consent_id": house.consent(maria, made["client_id"], "housing")["id"]}
    assert house.caseworker("housing").post(f"{path_of(made)}/consent", body).status_code == 403
    assert house.caseworker("legal").post(f"{path_of(made)}/consent", body).status_code == 404
    maria.does(f"{path_of(made)}/withdraw", {"reason": "moved_away"})
    over = maria.post(f"{path_of(made)}/consent", body)
    assert (over.status_code, over.json()["code"]) == (409, "wrong-state")
    assert "consent" not in maria.read(path_of(made))["allowed_actions"]


@pytest.mark.parametrize("whose", ["another_client", "another_partner", "taken_back"])
def test_it_is_this_client_s_in_force_and_names_the_partner(house: House, whose: str) -> None:
    maria = house.caseworker("cap")
    made = house.refer("cap", "housing")
    client = house.refer("cap", "housing")["client_id"] if whose == "another_client" else made["client_id"]
    consent = house.consent(maria, client, "legal" if whose == "another_partner" else "housing")["id"]
    if whose == "taken_back":
        maria.does(f"/v1/consents/{consent}/revoke")
    refused = maria.post(f"{path_of(made)}/consent", {"consent_id": consent})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/consent_id")
    assert maria.read(path_of(made))["consent_id"] is None
    assert events(house, made["id"], "referral_consented") == []


def test_of_several_who_are_asked_at_once_it_names_each(house: House) -> None:
    maria = house.caseworker("cap")
    services = [str(house.service("housing").id), str(house.other_door().id)]
    made = house.refer("cap", "housing", service_id=None, service_ids=services)
    one = house.consent(maria, made["client_id"], "housing")["id"]
    assert maria.post(f"{path_of(made)}/consent", {"consent_id": one}).status_code == 422
    both = house.consent(maria, made["client_id"], "housing", "faith")["id"]
    assert maria.does(f"{path_of(made)}/consent", {"consent_id": both})["consent_id"] == both


def test_a_step_s_request_gets_it_through_its_plan(house: House) -> None:
    load(house, "signed_anew", [step("rent", {"organization": "housing"})])
    plan = Live.begin(house, "signed_anew")
    body = {"consent_id": house.consent(plan.lead, plan.body["client_id"], "housing")["id"]}
    path = f"/v1/referrals/{plan.step('rent')['referral_id']}"
    refused = plan.lead.post(f"{path}/consent", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "step-of-a-plan")
    assert "the plan" in refused.json()["detail"]
    assert "consent" not in plan.lead.read(path)["allowed_actions"]
