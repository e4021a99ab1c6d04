"""Referrals that do not go straight, each told from its first call to its last; no engine is needed for any of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.house import OUTCOME, House


def _ball(thing: dict[str, Any]) -> str:
    ball: str = thing["ball_in_court"]["organization_id"]
    return ball


def _id(house: House, slug: str) -> str:
    return str(house.region.organization(slug).id)


def test_declined_by_one_asked_of_another_and_accepted_after_a_question(house: House) -> None:
    maria, gwen, naomi = (house.caseworker(slug) for slug in ("cap", "housing", "faith"))
    made = house.refer("cap", "housing", reason="The roof leaks.")
    first = f"/v1/tasks/{made['tasks'][0]['id']}"
    gwen.does(f"{first}/decline", {"reason_code": "full", "reason_class": "no_capacity", "text": "Ask again in May."})

    back = maria.read(f"/v1/referrals/{made['id']}")
    assert (back["state"], _ball(back)) == ("awaiting_source", _id(house, "cap"))
    assert back["allowed_actions"] == ["withdraw", "reroute", "close-unmet", "consent", "void", "assign"]
    assert "Ask again in May." in [m["body"] for m in maria.read(f"/v1/referrals/{made['id']}/timeline")["messages"]]

    service = str(house.other_door().id)
    consent = house.consent(maria, made["client_id"], "faith")["id"]
    routed = maria.does(f"/v1/referrals/{made['id']}/reroute", {"service_id": service, "consent_id": consent})
    assert (routed["reference"], routed["state"], len(routed["tasks"])) == (made["reference"], "active", 2)
    second = f"/v1/tasks/{routed['tasks'][-1]['id']}"
    assert second.endswith(naomi.inbox()[-1]["id"])

    asked = naomi.does(f"{second}/request-info", {"question": "How many people?"})
    assert (asked["state"], _ball(asked)) == ("info_requested", _id(house, "cap"))
    answered = maria.does(f"{second}/answer", {"text": "Four."})
    assert _ball(answered) == _id(house, "faith")
    accepted = naomi.does(f"{second}/accept")
    assert naomi.read(f"/v1/clients/{accepted['client_id']}")["family_name"] == "Featherstonehaugh"
    naomi.does(f"{second}/complete", OUTCOME)
    closed = maria.does(f"/v1/referrals/{made['id']}/confirm", OUTCOME | {"by": "client"})

    assert (closed["state"], closed["outcome"], closed["confirmed_by"]) == ("completed", "need_met", "client")
    kinds = [event["kind"] for event in reversed(maria.read(f"/v1/referrals/{made['id']}/timeline")["items"])]
    assert [kind for kind in kinds if kind.startswith("referral")] == [
        "referral_created", "referral_rerouted", "referral_outcome", "referral_closed", "referral_outcome",
    ]  # fmt: skip


def test_an_answer_that_the_other_may_not_read_is_held_back_until_the_client_agrees(house: House) -> None:
    maria, gwen = house.caseworker("cap"), house.caseworker("housing")
    made = house.refer("cap", "housing")
    task = f"/v1/tasks/{made['tasks'][0]['id']}"
    gwen.does(f"{task}/request-info", {"question": "How many people?"})
    refused = maria.post(f"{task}/answer", {"text": "Four."})
    assert (refused.status_code, refused.json()["code"]) == (409, "consent-missing")
    assert "POST /v1/consents" in refused.json()["detail"]

    consent = house.consent(maria, made["client_id"], "housing")["id"]
    maria.does(f"{task}/answer", {"text": "Four.", "consent_id": consent})
    assert "Four." in [m["body"] for m in gwen.read(f"/v1/referrals/{made['id']}/timeline")["messages"]]


def test_a_partner_who_has_only_a_telephone_is_served_by_whoever_called(house: House) -> None:
    maria = house.caseworker("cap")
    made = house.refer("cap", "dental")
    task = f"/v1/tasks/{made['tasks'][0]['id']}"
    assert _ball(made["tasks"][0]) == _id(house, "cap")
    assert made["tasks"][0]["id"] in [each["id"] for each in maria.inbox(limit="200")]

    silent = maria.post(f"{task}/accept")
    assert silent.status_code == 422
    assert silent.json()["errors"][0]["pointer"] == "/said_by"
    assert "who there told you" in silent.json()["detail"]
    for verb, body in (("accept", {}), ("start", {}), ("complete", OUTCOME)):
        maria.does(f"{task}/{verb}", body | {"said_by": "Front desk"})
    closed = maria.does(f"/v1/referrals/{made['id']}/confirm", OUTCOME)
    assert closed["state"] == "completed"
    events = maria.read(f"/v1/referrals/{made['id']}/timeline")["items"]
    assert {e["on_behalf_of"] for e in events if e["kind"].startswith("task_")} == {_id(house, "dental")}
    scored = house.person("ruth.hub").read("/v1/indicators/acknowledged_in_time", by="organization")["series"]
    assert _id(house, "dental") not in [point["by"]["organization"] for point in scored]


def test_a_shelter_lets_its_client_go_only_with_a_written_release_and_nobody_else_learns_of_it(house: House) -> None:
    carmen, gwen = house.caseworker("shelter"), house.caseworker("housing")
    ruth = house.person(house.region.people_of("hub", "backbone")[0].login)
    client = carmen.does("/v1/clients", {"identity": "alias", "alias": "Blue"})["id"]
    body = {"client_id": client, "service_id": str(house.service("housing").id)}

    alone = carmen.post("/v1/referrals", body)
    assert alone.status_code == 422
    assert "release" in alone.json()["detail"]
    release = {
        "client_id": client,
        "recipients": [_id(house, "housing")],
        "purpose": "A home",
        "data_kinds": ["identity"],
        "legal_basis": "vawa",
        "form": "verbal",
        "given_by": "Blue",
    }
    for wrong, pointer in ((release, "/form"), (release | {"form": "written"}, "/until")):
        assert carmen.post("/v1/consents", wrong).json()["errors"][0]["pointer"] == pointer
    until = (datetime.now(UTC) + timedelta(days=60)).isoformat()
    consent = carmen.does("/v1/consents", release | {"form": "written", "until": until})["id"]
    made = carmen.does("/v1/referrals", body | {"consent_id": consent})
    task = f"/v1/tasks/{made['tasks'][0]['id']}"

    assert gwen.does(f"{task}/accept")["client_id"]
    for path in (task, f"/v1/referrals/{made['id']}", f"/v1/referrals/{made['id']}/timeline"):
        assert ruth.get(path).status_code == 404
    assert made["id"] not in ruth.get("/v1/referrals", limit="200").text


def test_somebody_calls_the_hotline_and_is_helped_at_once(house: House) -> None:
    opal = house.caseworker("line")
    yesterday = (datetime.now(UTC) - timedelta(hours=20)).isoformat()
    done = opal.does(
        "/v1/referrals",
        {
            "service_id": str(house.service("line").id),
            "client": {"identity": "anonymous"},
            "origin": "hotline",
            "occurred_at": yesterday,
            "finished": {"outcome": "need_met", "occurred_at": yesterday},
        },
    )
    assert (done["state"], done["outcome"], done["origin"]) == ("completed", "need_met", "hotline")
    assert done["tasks"][0]["state"] == "completed"

    elsewhere = opal.post(
        "/v1/referrals",
        {
            "service_id": str(house.service("housing").id),
            "client": {"identity": "anonymous"},
            "finished": {"outcome": "need_met"},
        },
    )
    assert elsewhere.status_code == 422
    assert elsewhere.json()["errors"][0]["pointer"] == "/finished"


def test_a_phone_number_handed_out_is_on_the_record_and_no_clock_runs(house: House) -> None:
    maria = house.caseworker("cap")
    told = house.refer("cap", "pantry", kind="information", origin="walk_in")
    assert (told["state"], told["tasks"], told["due_at"]) == ("completed", [], None)
    assert told["allowed_actions"] == ["void"]
    kinds = {event["kind"] for event in maria.read(f"/v1/referrals/{told['id']}/timeline")["items"]}
    assert kinds == {"referral_created", "information_given"}


def test_a_client_changes_their_mind_in_the_middle_and_nothing_more_is_handed_over(house: House) -> None:
    maria, gwen = house.caseworker("cap"), house.caseworker("housing")
    made = house.refer("cap", "housing", consent=True, reason="The lease ends on Friday.")
    task = f"/v1/tasks/{made['tasks'][0]['id']}"
    accepted = gwen.does(f"{task}/accept")
    copy = f"/v1/clients/{accepted['client_id']}"
    assert gwen.get(copy).status_code == 200
    assert gwen.read(f"/v1/referrals/{made['id']}/timeline")["messages"]

    revoked = maria.does(f"/v1/consents/{made['consent_id']}/revoke")
    assert revoked["revoked_at"]
    assert gwen.get(copy).status_code == 404
    assert gwen.read(f"/v1/referrals/{made['id']}/timeline")["messages"] == []
    assert gwen.read(task)["client_id"] is None
    gwen.does(f"{task}/start")
    done = gwen.does(f"{task}/complete", OUTCOME)
    assert (done["state"], done["client_id"]) == ("completed", None)
    again = maria.post(f"/v1/consents/{made['consent_id']}/revoke")
    assert (again.status_code, "before" in again.json()["detail"]) == (409, True)


def _says(answer: httpx.Response, status: int, *words: str) -> None:
    """A refusal that a person can act on: whole sentences that name the next step."""
    assert answer.status_code == status, answer.text
    detail = answer.json()["detail"]
    assert detail.endswith("."), detail
    for word in words:
        assert word in detail, detail


def test_a_bad_day_full_of_double_clicks_stale_pages_and_wrong_buttons_breaks_nothing(house: House) -> None:
    maria, gwen = house.caseworker("cap"), house.caseworker("housing")
    made = house.refer("cap", "housing", consent=True)
    task, referral = f"/v1/tasks/{made['tasks'][0]['id']}", f"/v1/referrals/{made['id']}"

    first, second = (gwen.post(f"{task}/accept", key="click-" + made["id"]) for _ in range(2))
    assert first.json() == second.json()
    _says(gwen.post(f"{task}/accept"), 409, "accepted", "allowed_actions")
    _says(gwen.post(f"{task}/start", **{"If-Match": '"1"'}), 412, "Read it again")
    _says(maria.post(f"{task}/start"), 403, "target", "allowed_actions")
    _says(gwen.post(f"{referral}/confirm", OUTCOME), 403, "source")
    _says(maria.post(f"{referral}/confirm", OUTCOME), 409, "not completed", "allowed_actions")
    _says(maria.post(f"{referral}/reroute", {"service_id": made["service_id"]}), 409, "allowed_actions")
    _says(gwen.post(f"{task}/fail", {"reason": "no_answer"}), 409, "3 different days", "'contact'")
    _says(gwen.post(f"{task}/cancel", {"reason": "bad_mood"}), 422, "GET /v1/reasons")
    _says(gwen.post(f"{task}/hold", {"reason": "Papers", "resume_on": "2001-01-01"}), 422, "future")
    _says(gwen.post(f"{task}/assign", {"user_id": made["id"]}), 422, "works in the organization")
    _says(gwen.post(f"{task}/complete", {}), 422, "need_met")
    _says(gwen.post(f"{task}/decline", {"reason_code": "full", "reason_class": "client"}), 422, "reason_class")
    _says(maria.post("/v1/referrals", {"service_id": made["id"], "client_id": made["client_id"]}), 422, "/v1/services")
    _says(gwen.post(f"{task}/note", {"text": "A"}, key="click-" + made["id"]), 422, "new key")

    assert gwen.read(task)["version"] == first.json()["version"]
    gwen.does(f"{task}/complete", OUTCOME)
    _says(gwen.post(f"{task}/note", {"text": "P.S."}), 409, "ended")
    maria.does(f"{referral}/confirm", OUTCOME)
    assert maria.does(f"{referral}/void", {"reason": "It was the neighbor."})["state"] == "entered_in_error"
    _says(maria.post(f"{referral}/void", {"reason": "Again."}), 409, "entered in error")
