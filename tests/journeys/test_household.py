"""A family asks as a family: one referral for the household, and what its consent lets the other agency know."""

from __future__ import annotations

from typing import Any

from tests.house import OUTCOME, House


def family(house: House) -> dict[str, Any]:
    """A grandmother of Scotts Bluff County, who heads the household, her grown son and his daughter."""
    maria = house.caseworker("cap")
    people = [("Opaline", "1948-02-01", "31157", "head"), ("Rosalind", "1975-06-01", "31045", "child")]
    members = []
    for name, born, county, role in people:
        residence = {"kind": "fixed", "county": county}
        body = {"given_name": name, "family_name": "Featherstonehaugh", "birth_date": born, "residence": residence}
        members.append({"client_id": maria.does("/v1/clients", body)["id"], "role": role})
    home: dict[str, Any] = maria.does("/v1/households", {"name": "Featherstonehaugh", "members": members})
    return home


def member(home: dict[str, Any], role: str) -> str:
    return next(str(each["client_id"]) for each in home["members"] if each["role"] == role)


def ask(house: House, home: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"service_id": str(house.service("housing").id), "household_id": home["id"], **more}
    made: dict[str, Any] = house.caseworker("cap").does("/v1/referrals", body)
    return made


def test_a_household_s_referral_discloses_the_member_who_consented_and_counts_in_the_county_of_its_head(
    house: House,
) -> None:
    maria, gwen = house.caseworker("cap"), house.caseworker("housing")
    home = family(house)
    consent = house.consent(maria, member(home, "child"), "housing")["id"]
    made = ask(house, home, consent_id=consent)
    assert (made["client_id"], made["household_id"], made["county"]) == (None, home["id"], "31157")

    task = f"/v1/tasks/{made['tasks'][0]['id']}"
    assert gwen.read(task)["client_id"] is None
    copy = gwen.does(f"{task}/accept")["client_id"]
    assert gwen.read(f"/v1/clients/{copy}")["given_name"] == "Rosalind"
    seen = gwen.read(f"/v1/referrals/{made['id']}")
    assert (seen["client_id"], seen["household_id"], seen["county"]) == (copy, None, "31157")
    gwen.does(f"{task}/start")
    gwen.does(f"{task}/complete", OUTCOME)
    maria.does(f"/v1/referrals/{made['id']}/confirm", OUTCOME)
    for code in ("referrals_sent", "needs_met"):
        series = house.person("ruth.hub").read(f"/v1/indicators/{code}", by="county")["series"]
        assert {point["by"]["county"]: point["value"] for point in series if point["value"]} == {"31157": 1}, code
    assert maria.read("/v1/indicators/clients_served")["series"][-1]["value"] == 1

    again = ask(house, home, consent_id=consent)
    second = gwen.does(f"/v1/tasks/{again['tasks'][0]['id']}/accept")
    assert second["client_id"] == copy, "the same person, the same record"
    maria.does(f"/v1/consents/{consent}/revoke")
    assert gwen.get(f"/v1/clients/{copy}").status_code == 404
    for referral in (made, again):
        assert gwen.read(f"/v1/referrals/{referral['id']}")["client_id"] is None


def test_a_household_without_consent_discloses_nobody(house: House) -> None:
    made = ask(house, family(house))
    accepted = house.caseworker("housing").does(f"/v1/tasks/{made['tasks'][0]['id']}/accept")
    assert accepted["client_id"] is None


def test_the_consent_of_somebody_outside_the_household_serves_it_not_and_no_longer_once_they_left(house: House) -> None:
    maria, gwen, home = house.caseworker("cap"), house.caseworker("housing"), family(house)
    stranger = member(family(house), "child")
    body = {"service_id": str(house.service("housing").id), "household_id": home["id"]}
    consent = house.consent(maria, stranger, "housing")["id"]
    refused = maria.post("/v1/referrals", body | {"consent_id": consent})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/consent_id")

    made = ask(house, home, consent_id=house.consent(maria, member(home, "child"), "housing")["id"])
    house.sql("update household_member set ends_on = current_date where client_id = %s", member(home, "child"))
    assert gwen.does(f"/v1/tasks/{made['tasks'][0]['id']}/accept")["client_id"] is None


def test_without_a_head_the_oldest_member_speaks_for_the_household(house: House) -> None:
    home = family(house)
    house.sql("update household_member set role = 'other' where household_id = %s", home["id"])
    assert ask(house, home)["county"] == "31157"
    house.sql("update household_member set ends_on = current_date where client_id = %s", member(home, "head"))
    assert ask(house, home)["county"] == "31045"
