"""Clients are recorded by caseworkers, through the services."""

from __future__ import annotations

from concert.filling import fill
from seed.families import load_families
from seed.people import clients
from tests.house import House


def test_families_are_recorded_once_each_with_one_agency(house: House) -> None:
    load_families(house.api, house.region, 30)
    load_families(house.api, house.region, 30)
    assert house.sql("select count(*) from client")[0][0] == 30
    assert house.sql("select count(distinct organization_id) from client")[0][0] > 5
    assert house.sql("select count(*) from household_member")[0][0] == 30
    assert (
        house.sql(
            "select count(*) from household_member m join client c on c.id = m.client_id"
            " where c.organization_id <> m.organization_id"
        )[0][0]
        == 0
    )


def test_a_record_is_not_filled_again_when_people_have_left_or_moved(house: House) -> None:
    """One of those who recorded the families is gone, another one works for the next agency today."""
    fill(house.admin_url, house.settings.database_url, house.region, 30)
    counted = "select (select count(*) from client), (select count(*) from household), (select count(*) from audit)"
    before = house.sql(counted)
    (left, _), (moved, was) = house.sql(
        "select distinct user_id, organization_id from audit where verb = 'client.create' order by 1 limit 2"
    )
    other = house.region.organization("hub").id
    house.sql("update user_account set revoked_at = now() where id = %s", left)
    house.sql(
        "update membership set organization_id = %s where user_id = %s and organization_id = %s", other, moved, was
    )
    try:
        fill(house.admin_url, house.settings.database_url, house.region, 30)
        assert house.sql(counted) == before
    finally:
        house.sql("update user_account set revoked_at = null where id = %s", left)
        house.sql(
            "update membership set organization_id = %s where user_id = %s and organization_id = %s", was, moved, other
        )


def test_nobody_who_left_records_a_family(house: House) -> None:
    """A filling that was broken off goes on without them."""
    house.sql("update user_account set revoked_at = now() where login = 'maria.cap'")
    try:
        fill(house.admin_url, house.settings.database_url, house.region, 60)
    finally:
        house.sql("update user_account set revoked_at = null where login = 'maria.cap'")
    assert 30 < house.sql("select count(*) from client")[0][0] < 60


def test_a_caseworker_finds_the_clients_of_the_own_agency_by_name_and_nobody_elses(house: House) -> None:
    load_families(house.api, house.region, 30)
    first = next(c for c in clients(house.region.seed, 30) if c.identity == "named")
    owner = house.sql(
        "select o.slug from client c join organization o on o.id = c.organization_id"
        " where c.given_name = %s and c.family_name = %s limit 1",
        first.given_name,
        first.family_name,
    )[0][0]
    found = house.caseworker(owner).read("/v1/clients", q=first.family_name)["items"]
    assert first.family_name in {item["family_name"] for item in found}
    other = next(slug for slug in ("cap", "housing") if slug != owner)
    mine = house.sql(
        "select count(*) from client c join organization o on o.id = c.organization_id where o.slug = %s", other
    )
    assert len(house.caseworker(other).read("/v1/clients", limit=200)["items"]) == mine[0][0]
