"""What one organization disclosed to another keeps its protection there: it goes no further by itself."""

from __future__ import annotations

from typing import Any

import pytest

from domain.taxonomy import akin
from tests.house import House, Person
from tests.services.scenes import task_of
from tests.services.test_providers import client_of, release


def copy_at(house: House, slug: str, worker: Person, target: str = "cap") -> str:
    """The record that `target` got by accepting a referral of that provider, with its consent."""
    client_id = client_of(worker)
    basis = {"shelter": "vawa", "behavioral": "part2"}.get(slug, "consent")
    consent = worker.does("/v1/consents", release(house, client_id, target, legal_basis=basis))["id"]
    body = {"service_id": str(house.service(target).id), "client_id": client_id, "consent_id": consent}
    made = worker.does("/v1/referrals", body)
    return str(house.caseworker(target).does(f"{task_of(made)}/accept")["client_id"])


def refers(house: House, copy: str, target: str, **more: Any) -> Any:
    body = {"service_id": str(house.service(target).id), "client_id": copy, **more}
    return house.caseworker("cap").post("/v1/referrals", body)


@pytest.fixture
def of_the_shelter(house: House) -> str:
    return copy_at(house, "shelter", house.person("carmen.shelter"))


def test_a_victim_service_providers_client_is_referred_on_by_nobody_else(house: House, of_the_shelter: str) -> None:
    refused = refers(house, of_the_shelter, "housing")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/client_id")
    assert "victim-service provider" in refused.json()["detail"]


def test_work_inside_stays_behind_the_wall_and_is_not_rerouted_past_it(house: House, of_the_shelter: str) -> None:
    made = refers(house, of_the_shelter, "cap").json()
    assert house.sql("select restricted from referral where id = %s", made["id"]) == [(True,)]
    assert house.person("ruth.hub").get(f"/v1/referrals/{made['id']}").status_code == 404
    maria = house.person("maria.cap")
    maria.does(f"{task_of(made)}/decline", {"reason_code": "full", "reason_class": "no_capacity"})
    term = house.service("cap").term
    other = next(
        s
        for s in house.region.services
        if akin(s.term, term) and s.organization_id != house.service("cap").organization_id
    )
    onward = {"service_id": str(other.id)}
    assert maria.post(f"/v1/referrals/{made['id']}/reroute", onward).status_code == 422


def test_a_plan_for_such_a_client_is_behind_the_wall_too(house: House, of_the_shelter: str) -> None:
    template = house.person("maria.cap").read("/v1/plan-templates")[0]["code"]
    made = house.person("maria.cap").does("/v1/action-plans", {"template": template, "client_id": of_the_shelter})
    rows = house.sql(
        "select p.restricted, (select count(*) from task t where t.action_plan_id = p.id"
        " and t.organization_id <> p.organization_id) from action_plan p where p.id = %s",
        made["id"],
    )
    assert rows == [(True, 0)], "nobody else was asked"
    assert house.person("ruth.hub").get(f"/v1/action-plans/{made['id']}").status_code == 404


def test_what_a_part2_program_disclosed_is_disclosed_by_nobody_else(house: House) -> None:
    copy = copy_at(house, "behavioral", house.person("joaquin.bh"))
    maria = house.person("maria.cap")
    foreign = maria.does("/v1/consents", release(house, client_of(maria), "housing", legal_basis="part2"))["id"]
    refused = refers(house, copy, "housing", consent_id=foreign)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/consent_id")
    assert "42 CFR part 2 prohibits" in refused.json()["detail"]
    assert "a consent that names the new partner" in refused.json()["detail"]
    assert refers(house, copy, "housing").status_code == 201, "the need alone may be told"


def test_another_partners_copy_is_not_disclosed_onward_either(house: House) -> None:
    copy = copy_at(house, "housing", house.person("gwen.housing"))
    maria = house.person("maria.cap")
    foreign = maria.does("/v1/consents", release(house, client_of(maria), "pantry"))["id"]
    refused = refers(house, copy, "pantry", consent_id=foreign)
    assert (refused.status_code, "not yours to disclose" in refused.json()["detail"]) == (422, True)
