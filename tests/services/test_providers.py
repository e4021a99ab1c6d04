"""Providers with rules of their own: victim services, substance use (42 CFR Part 2), partners without a login."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.clients import NewClient
from tests.house import OUTCOME, House, Person
from tests.services.plans import Live, load, step
from tests.services.scenes import events, ledger, no_partner, organization_id, proven, refer, series, task_of


def client_of(worker: Person) -> str:
    made: dict[str, Any] = worker.does("/v1/clients", {"given_name": "Rosalind", "family_name": "Featherstonehaugh"})
    return str(made["id"])


def release(house: House, client_id: str, target: str, **changed: Any) -> dict[str, Any]:
    body = {
        "client_id": client_id,
        "recipients": [str(organization_id(house, target))],
        "purpose": "To get help",
        "data_kinds": ["identity", "contact"],
        "legal_basis": "vawa",
        "form": "written",
        "given_by": "Rosalind",
        "until": (datetime.now(UTC) + timedelta(days=30)).isoformat(),
    }
    return {name: value for name, value in (body | changed).items() if value is not None}


@pytest.mark.parametrize(
    ("login", "changed", "status"),
    [
        ("carmen.shelter", {"form": "verbal"}, 422),
        ("carmen.shelter", {"until": None}, 422),
        ("carmen.shelter", {}, 201),
        ("joaquin.bh", {"form": "verbal", "legal_basis": "part2"}, 422),
        ("joaquin.bh", {"until": None, "legal_basis": "part2"}, 422),
        ("joaquin.bh", {"form": "electronic", "legal_basis": "part2"}, 201),
        ("maria.cap", {"form": "verbal", "until": None}, 201),
    ],
)
def test_who_may_take_a_consent_by_word_of_mouth(
    house: House, login: str, changed: dict[str, Any], status: int
) -> None:
    worker = house.person(login)
    answer = worker.post("/v1/consents", release(house, client_of(worker), "housing", **changed))
    assert answer.status_code == status, answer.text
    if status == 422:
        assert answer.json()["errors"][0]["pointer"] in ("/form", "/until")


def test_a_victim_service_provider_refers_nobody_without_a_release(house: House) -> None:
    carmen = house.person("carmen.shelter")
    body = {"service_id": str(house.service("housing").id), "client_id": client_of(carmen)}
    refused = carmen.post("/v1/referrals", body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/consent_id")
    body["consent_id"] = carmen.does("/v1/consents", release(house, body["client_id"], "housing"))["id"]
    assert carmen.post("/v1/referrals", body).status_code == 201
    inside = {"service_id": str(house.service("shelter").id), "client_id": client_of(carmen)}
    assert carmen.post("/v1/referrals", inside).status_code == 201


def test_a_rerouted_client_of_a_victim_service_provider_needs_a_release_for_the_new_partner(house: House) -> None:
    carmen, gwen = house.person("carmen.shelter"), house.person("gwen.housing")
    client_id = client_of(carmen)
    consent = carmen.does("/v1/consents", release(house, client_id, "housing"))["id"]
    body = {"service_id": str(house.service("housing").id), "client_id": client_id, "consent_id": consent}
    made = carmen.does("/v1/referrals", body)
    gwen.does(f"{task_of(made)}/decline", {"reason_code": "full", "reason_class": "no_capacity"})
    onward = {"service_id": str(house.other_door().id)}
    assert carmen.post(f"/v1/referrals/{made['id']}/reroute", onward).status_code == 422
    onward["consent_id"] = carmen.does("/v1/consents", release(house, client_id, "faith"))["id"]
    assert carmen.post(f"/v1/referrals/{made['id']}/reroute", onward).status_code == 200


def test_the_part2_notice_goes_with_every_disclosure(house: House) -> None:
    joaquin, maria = house.person("joaquin.bh"), house.person("maria.cap")
    client_id = client_of(joaquin)
    consent = joaquin.does("/v1/consents", release(house, client_id, "cap", legal_basis="part2"))["id"]
    body = {"service_id": str(house.service("cap").id), "client_id": client_id, "consent_id": consent}
    made = joaquin.does("/v1/referrals", body)
    copy = maria.does(f"{task_of(made)}/accept")["client_id"]
    shown = maria.read(f"/v1/clients/{copy}")
    assert shown["given_name"] == "Rosalind"
    assert "42 CFR part 2 prohibits" in shown["disclosure_notice"]
    assert joaquin.read(f"/v1/clients/{client_id}")["disclosure_notice"] is None


def test_what_was_disclosed_to_a_partner_is_not_passed_on_by_it(house: House) -> None:
    """The copy belongs to the consent that made it: the partner cannot consent for it."""
    made = house.refer("cap", "housing", consent=True)
    gwen = house.person("gwen.housing")
    copy = gwen.does(f"{task_of(made)}/accept")["client_id"]
    answer = gwen.post("/v1/consents", release(house, copy, "pantry"))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/client_id")


def test_for_a_partner_on_the_phone_the_source_makes_the_moves_and_says_who_said_so(house: House) -> None:
    made, maria = refer(house, "cap", "fuel"), house.person("maria.cap")
    task = maria.read(task_of(made))
    assert task["ball_in_court"]["organization_id"] == str(organization_id(house, "cap")), (
        "it is the recorder's to call"
    )
    assert task_of(made).rsplit("/", 1)[-1] in [each["id"] for each in maria.inbox(limit=200)]
    silent = maria.post(f"{task_of(made)}/accept")
    assert (silent.status_code, silent.json()["errors"][0]["pointer"]) == (422, "/said_by")
    for verb, more in (("accept", {}), ("start", {}), ("complete", OUTCOME)):
        maria.does(f"{task_of(made)}/{verb}", {"said_by": "Norma at the counter", **more})
    maria.does(f"/v1/referrals/{made.id}/confirm", OUTCOME)
    fuel = organization_id(house, "fuel")
    rows = house.sql(
        "select kind, acting_organization_id, on_behalf_of from event where task_id = %s order by seq",
        str(made.tasks[0].id),
    )
    assert [row[0] for row in rows][1:4] == ["task_accepted", "task_started", "task_completed"]
    moves = [row[1:] for row in rows if row[0] in ("task_accepted", "task_started", "task_completed")]
    assert moves == [(organization_id(house, "cap"), fuel)] * 3
    said = [m["body"] for m in maria.read(f"/v1/referrals/{made.id}/timeline")["messages"] if m["kind"] == "said_by"]
    assert said == ["Norma at the counter"] * 3
    for code in ("acknowledged_in_time", "decided_in_time", "days_to_first_contact", "clients_served"):
        assert fuel not in {key[3] for key in ledger(house, code)}, code
    assert sum(point["value"] for point in series(house, "needs_met").values()) >= 1
    proven(house)


@pytest.mark.parametrize("slug", ["housing", "fuel", "thrift"])
def test_nobody_is_asked_who_is_no_partner_any_more_not_even_on_the_phone(house: House, slug: str) -> None:
    """Whoever asks hears what to do; what was asked before stays where it is."""
    maria, ruth, service = house.person("maria.cap"), house.person("ruth.hub"), house.service(slug)
    before = house.refer("cap", slug)
    made = refer(house, "cap", "health", client=NewClient(identity="anonymous"))
    house.caseworker("health").does(f"{task_of(made)}/decline", {"reason_code": "full", "reason_class": "no_capacity"})
    load(house, f"asks_{slug}", [step("listen")])
    plan = Live.begin(house, f"asks_{slug}")
    one, new = {"service_id": str(service.id)}, {"client": {"given_name": "Rosalind"}}
    several = {"service_ids": [str(service.id), str(house.service("health").id)]}
    match, reassign = {"If-Match": f'"{plan.read()["version"]}"'}, f"{plan.path}/steps/listen/reassign"

    def listed() -> bool:
        return one["service_id"] in {each["id"] for each in maria.read("/v1/services", limit=200)["items"]}

    assert listed()
    with no_partner(house, slug):
        assert not listed()
        answers = [
            maria.post("/v1/referrals", one | new),
            maria.post("/v1/referrals", one | new | {"kind": "information"}),
            maria.post("/v1/referrals", several | new),
            maria.post(f"/v1/referrals/{made.id}/reroute", one),
            ruth.post(f"/v1/referrals/{made.id}/propose-reroute", one),
            maria.post(reassign, one, **match),
            maria.post(reassign, {"organization_id": str(service.organization_id)}, **match),
        ]
        kept = [
            (task["organization_id"], task["state"]) for task in maria.read(f"/v1/referrals/{before['id']}")["tasks"]
        ]
    for answer in answers:
        assert (answer.status_code, "no partner today. Choose" in answer.json()["detail"]) == (422, True), answer.text
    assert kept == [(str(service.organization_id), "requested")]


def test_handing_out_a_phone_number_is_done_when_it_is_recorded(house: House) -> None:
    made, maria = refer(house, "cap", "thrift", kind="information"), house.person("maria.cap")
    shown = maria.read(f"/v1/referrals/{made.id}")
    assert (shown["state"], shown["tasks"], shown["clock"], shown["due_at"]) == ("completed", [], None, None)
    assert events(house, made.id) == ["referral_created", "information_given"]
    assert made.id not in [item["referral_id"] for item in maria.read("/v1/monitor/stalled")["items"]]
    proven(house)


def test_finished_work_is_recorded_in_one_call(house: House) -> None:
    maria = house.person("maria.cap")
    then = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    body = {"service_id": str(house.service("cap").id), "client_id": client_of(maria)}
    made = maria.does("/v1/referrals", body | {"finished": OUTCOME | {"occurred_at": then}, "origin": "walk_in"})
    assert (made["state"], made["outcome"], made["confirmed_by"]) == ("completed", "need_met", "source")
    assert [task["state"] for task in made["tasks"]] == ["completed"]
    assert maria.read(f"/v1/needs/{made['need_id']}")["outcome"] == "need_met"
    others = {"service_id": str(house.service("housing").id), "client_id": body["client_id"], "finished": OUTCOME}
    assert maria.post("/v1/referrals", others).status_code == 422
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    future = maria.post("/v1/referrals", body | {"finished": OUTCOME | {"occurred_at": later}})
    assert future.status_code == 422
    proven(house)
