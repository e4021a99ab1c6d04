"""What partners say beside their figures: their own first, everybody's on release, never changed afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.house import House
from tests.services.scenes import organization_id

CODE = "acknowledged_in_time"
NOW = datetime.now(UTC).strftime("%Y-%m")
WORDS = "Two of three intake workers were ill for a week."
STORIES, DECISIONS = f"/v1/indicators/{CODE}/stories", f"/v1/indicators/{CODE}/decisions"


def supervisor(house: House, slug: str) -> Any:
    return house.person(house.region.people_of(slug, "supervisor")[0].login)


def told(house: House, slug: str = "housing", *, released: bool = False, period: str = NOW) -> dict[str, Any]:
    story: dict[str, Any] = house.caseworker(slug).does(STORIES, {"period": period, "text": WORDS})
    return supervisor(house, slug).does(f"/v1/stories/{story['id']}/release") if released else story


def listed(house: House, login: str, **filters: Any) -> list[str]:
    return [item["id"] for item in house.person(login).read(STORIES, limit=200, **filters)["items"]]


EVERYBODY = ["maria.cap", "carmen.shelter", "ruth.hub", "edith.hub"]


def test_a_draft_is_its_partners_alone_and_a_released_story_everybodys(house: House) -> None:
    draft, released = told(house), told(house, released=True)
    assert set(listed(house, "gwen.housing")) >= {draft["id"], released["id"]}
    for login in EVERYBODY:
        assert draft["id"] not in listed(house, login)
        assert house.person(login).get(f"/v1/stories/{draft['id']}").status_code == 404
        assert released["id"] in listed(house, login)
        assert house.person(login).read(f"/v1/stories/{released['id']}")["text"] == WORDS


def test_a_draft_can_be_told_in_other_words_and_a_released_story_cannot(house: House) -> None:
    draft, gwen = told(house), house.person("gwen.housing")
    path = f"/v1/stories/{draft['id']}"
    again = gwen.does(f"{path}/revise", {"text": "All three were ill."})
    assert (again["text"], again["version"]) == ("All three were ill.", 2)
    assert gwen.post(f"{path}/revise", {"text": "No."}, **{"If-Match": '"1"'}).status_code == 412
    supervisor(house, "housing").does(f"{path}/release")
    for verb, body in (("revise", {"text": "Never said."}), ("release", {})):
        refused = supervisor(house, "housing").post(f"{path}/{verb}", body)
        assert (refused.status_code, refused.json()["code"]) == (409, "released")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        house.sql("update story set body = 'Never said.' where id = %s", draft["id"])


@pytest.mark.parametrize("login", ["maria.cap", "ruth.hub", "edith.hub"])
def test_nobody_else_revises_or_releases_it(house: House, login: str) -> None:
    draft, released = told(house), told(house, released=True)
    for verb, body in (("revise", {"text": "x"}), ("release", {})):
        assert house.person(login).post(f"/v1/stories/{draft['id']}/{verb}", body).status_code == 404
        assert house.person(login).post(f"/v1/stories/{released['id']}/{verb}", body).status_code == 403


def test_a_caseworker_tells_a_supervisor_releases_and_an_auditor_only_reads(house: House) -> None:
    story = told(house)
    assert house.person("gwen.housing").post(f"/v1/stories/{story['id']}/release").status_code == 403
    assert house.person("edith.hub").post(STORIES, {"period": NOW, "text": "x"}).status_code == 403
    due = datetime.now(UTC).date() + timedelta(days=9)
    body = {"text": "x", "owner_organization_id": str(organization_id(house, "hub")), "due_on": due.isoformat()}
    assert house.person("edith.hub").post(DECISIONS, body).status_code == 403
    assert house.person("edith.hub").read(DECISIONS)["items"] is not None


def test_a_story_is_of_an_indicator_and_a_period_that_has_begun(house: House) -> None:
    gwen = house.person("gwen.housing")
    future = gwen.post(STORIES, {"period": "2098-01", "text": WORDS})
    assert (future.status_code, future.json()["errors"][0]["pointer"]) == (422, "/period")
    assert gwen.post(STORIES, {"period": NOW[:4], "text": WORDS}).status_code == 201
    assert gwen.post("/v1/indicators/no_such/stories", {"period": NOW, "text": WORDS}).status_code == 404
    assert gwen.get("/v1/indicators/no_such/stories").status_code == 404


def test_the_same_story_told_twice_by_a_bad_connection_is_one_and_its_words_are_kept_once(house: House) -> None:
    gwen, words = house.person("gwen.housing"), "Said once, and only here."
    first, again = (gwen.post(STORIES, {"period": NOW, "text": words}, key="story-twice") for _ in range(2))
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert first.headers["location"] == f"/v1/stories/{first.json()['id']}"
    assert house.sql("select count(*) from command where body::text like %s", f"%{words}%") == [(0,)]
    assert house.sql("select count(*) from event where facts::text like %s", f"%{words}%") == [(0,)]


def test_stories_come_page_by_page_newest_period_first(house: House) -> None:
    for period in ("2026-01", "2026-03", "2026-02"):
        told(house, "early", released=True, period=period)
    ruth, found, cursor = house.person("ruth.hub"), [], None
    while True:
        page = ruth.read(STORIES, limit=1, **({"cursor": cursor} if cursor else {}))
        found += [item["period"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == sorted(found, reverse=True)
    assert {"2026-01", "2026-02", "2026-03"} <= set(found)
    assert len(listed(house, "ruth.hub", period="2026-02")) == 1


def decided(house: House, login: str, owner: str, **more: Any) -> Any:
    due = datetime.now(UTC).date() + timedelta(days=20)
    owner_id = str(organization_id(house, owner))
    body = {"text": "Share one intake line.", "owner_organization_id": owner_id, "due_on": due.isoformat()} | more
    return house.person(login).post(DECISIONS, body)


def test_the_backbone_records_what_was_agreed_and_a_partner_what_it_decides_for_itself(house: House) -> None:
    made = decided(house, "ruth.hub", "housing")
    assert made.status_code == 201
    assert made.json()["done_at"] is None
    for login in (*EVERYBODY, "gwen.housing"):
        assert made.json()["id"] in [item["id"] for item in house.person(login).read(DECISIONS)["items"]]
    lead = supervisor(house, "housing").login
    assert decided(house, lead, "housing").status_code == 201
    assert decided(house, lead, "cap").status_code == 403
    assert decided(house, "gwen.housing", "housing").status_code == 403


def test_its_owner_or_the_backbone_says_that_it_is_done_once(house: House) -> None:
    made = decided(house, "ruth.hub", "housing").json()
    path = f"/v1/decisions/{made['id']}/done"
    assert house.person("maria.cap").post(path).status_code == 403
    assert house.person("gwen.housing").does(path)["done_at"] is not None
    assert house.person("ruth.hub").post(path).json()["code"] == "done"
    still = [item["id"] for item in house.person("ruth.hub").read(DECISIONS, open="true")["items"]]
    assert made["id"] not in still
    assert house.person("ruth.hub").does(f"/v1/decisions/{decided(house, 'ruth.hub', 'cap').json()['id']}/done")


def test_a_decision_names_a_partner_and_a_day_to_come(house: House) -> None:
    past = decided(house, "ruth.hub", "housing", due_on="2026-01-01")
    assert past.json()["errors"][0]["pointer"] == "/due_on"
    nobody = decided(house, "ruth.hub", "housing", owner_organization_id="00000000-0000-7000-8000-000000000000")
    assert nobody.json()["errors"][0]["pointer"] == "/owner_organization_id"


def test_the_engine_reads_nobodys_words(house: House) -> None:
    with psycopg.connect(house.settings.engine_database_url.replace("+psycopg", "")) as connection:
        for table in ("story", "decision"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select body from {table}".encode())
            connection.rollback()
