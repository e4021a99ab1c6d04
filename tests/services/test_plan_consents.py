"""The family's signature often comes in the second week: then its partners know who it is, as from the beginning."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from services.plan_advance import advance_plan
from tests.house import House
from tests.services.plans import Live, load, step
from tests.services.scenes import organization_id
from tests.services.test_providers import client_of, release


@pytest.fixture(scope="module")
def signed_later(house: House) -> str:
    load(
        house,
        "signed_later",
        [step("rent", {"organization": "housing"}), step("court", {"organization": "legal"}),
         step("visit", {"organization": "family"}, after=["rent"])],
    )  # fmt: skip
    return "signed_later"


def knows(house: House, plan: Live, key: str, slug: str) -> Any:
    """The client as the worker on this step reads it; None where it is not told."""
    worker = house.caseworker(slug)
    client = worker.read(plan.task(key))["client_id"]
    return worker.read(f"/v1/clients/{client}")["family_name"] if client else None


def test_a_signature_in_the_second_week_tells_those_who_work_already_and_those_who_come(
    house: House, signed_later: str
) -> None:
    plan = Live.begin(house, signed_later)
    housing, legal = house.caseworker("housing"), house.caseworker("legal")
    housing.does(f"{plan.task('rent')}/accept")
    legal.does(f"{plan.task('court')}/accept")
    assert "consent" in plan.read()["allowed_actions"]
    consent = house.consent(plan.lead, plan.body["client_id"], "housing", "family")["id"]
    assert knows(house, plan, "rent", "housing") is None

    assert plan.edit("/consent", {"consent_id": consent})["consent_id"] == consent
    assert knows(house, plan, "rent", "housing") == "Featherstonehaugh"
    assert knows(house, plan, "court", "legal") is None, "it is not named"
    housing.does(f"{plan.task('rent')}/complete", {})
    advance_plan(house.engine, UUID(plan.id))
    house.caseworker("family").does(f"{plan.task('visit')}/accept")
    assert knows(house, plan, "visit", "family") == "Featherstonehaugh"
    assert "plan_consented" in [one["kind"] for one in legal.read(f"{plan.path}/timeline")["items"]]
    assert consent not in legal.get(f"{plan.path}/timeline").text + legal.get(plan.path).text


def test_who_is_named_before_and_not_any_more_finishes_what_it_knows_of(house: House, signed_later: str) -> None:
    client = client_of(house.caseworker("cap"))
    first = house.consent(house.caseworker("cap"), client, "housing")["id"]
    plan = Live.begin(house, signed_later, client_id=client, consent_id=first)
    house.caseworker("legal").does(f"{plan.task('court')}/accept")
    plan.edit("/consent", {"consent_id": house.consent(plan.lead, client, "legal")["id"]})
    house.caseworker("housing").does(f"{plan.task('rent')}/accept")
    assert knows(house, plan, "rent", "housing") == knows(house, plan, "court", "legal") == "Featherstonehaugh"
    plan.lead.does(f"/v1/consents/{first}/revoke")
    assert knows(house, plan, "rent", "housing") is None
    plan.edit("/consent", {"consent_id": house.consent(plan.lead, client, "housing", "legal")["id"]})
    assert knows(house, plan, "rent", "housing") == "Featherstonehaugh"


def test_only_the_lead_lets_a_plan_use_a_consent_and_only_one_of_this_family(house: House, signed_later: str) -> None:
    plan = Live.begin(house, signed_later)
    theirs = house.consent(plan.lead, client_of(plan.lead), "housing")["id"]
    own = house.consent(plan.lead, plan.body["client_id"], "housing")["id"]
    refused = plan.lead.post(f"{plan.path}/consent", {"consent_id": theirs}, **{"If-Match": "*"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/consent_id")
    partner = house.caseworker("housing").post(f"{plan.path}/consent", {"consent_id": own}, **{"If-Match": "*"})
    assert partner.status_code == 403
    plan.lead.does(f"/v1/consents/{own}/revoke")
    ended = plan.lead.post(f"{plan.path}/consent", {"consent_id": own}, **{"If-Match": "*"})
    assert (ended.status_code, ended.json()["errors"][0]["pointer"]) == (422, "/consent_id")


def test_a_release_of_the_safe_home_opens_its_plan_to_whom_it_names_and_takes_it_from_nobody_else(
    house: House, signed_later: str
) -> None:
    carmen = house.person("carmen.shelter")
    client = client_of(carmen)
    plan = Live.begin(house, signed_later, "shelter", client_id=client)
    assert plan.step("court")["task"] is None, "nobody may be asked"
    consent = carmen.does("/v1/consents", release(house, client, "legal"))["id"]
    plan.edit("/consent", {"consent_id": consent})
    plan.edit("/steps/court/reassign", {"organization_id": str(organization_id(house, "legal"))})
    house.caseworker("legal").does(f"{plan.task('court')}/accept")
    assert knows(house, plan, "court", "legal") == "Featherstonehaugh"
    assert house.caseworker("housing").get(plan.path).status_code == 404


def test_a_household_has_one_plan_and_its_partners_know_the_member_who_signed(house: House, signed_later: str) -> None:
    maria = house.caseworker("cap")
    rosa, ben = client_of(maria), client_of(maria)
    members = [{"client_id": rosa, "role": "head"}, {"client_id": ben, "role": "child"}]
    household = maria.does("/v1/households", {"members": members})["id"]
    plan = Live.begin(house, signed_later, household_id=household)
    assert (plan.body["client_id"], plan.body["household_id"]) == (None, household)
    housing = house.caseworker("housing")
    housing.does(f"{plan.task('rent')}/accept")
    assert (housing.read(plan.path)["household_id"], knows(house, plan, "rent", "housing")) == (None, None)
    stranger = house.consent(maria, client_of(maria), "housing")["id"]
    refused = maria.post(f"{plan.path}/consent", {"consent_id": stranger}, **{"If-Match": "*"})
    assert refused.status_code == 422, "who is no member speaks for nobody here"
    plan.edit("/consent", {"consent_id": house.consent(maria, rosa, "housing", "family")["id"]})
    assert knows(house, plan, "rent", "housing") == "Featherstonehaugh"
    housing.does(f"{plan.task('rent')}/complete", {})
    advance_plan(house.engine, UUID(plan.id))
    plan.works("visit", "family")
    assert knows(house, plan, "visit", "family") == "Featherstonehaugh"
    plan.works("court", "legal")
    advance_plan(house.engine, UUID(plan.id))
    assert plan.read()["state"] == "completed"
