"""What a service has room for: who says so, how long it holds, and what it changes for those who ask."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from services import shortages
from tests.house import House, Person
from tests.services.scenes import at_once, events, no_partner, organization_id, proven, series, statuses, total

FULL = {"reason_code": "full", "reason_class": "no_capacity"}


def today() -> date:
    return datetime.now(UTC).astimezone(ZoneInfo("America/Denver")).date()


def in_days(days: int) -> str:
    return (today() + timedelta(days=days)).isoformat()


def state(house: House, slug: str, slots: int | None = None, *, taking: bool = True, nth: int = 0) -> Any:
    service = house.service(slug, nth=nth).id
    said = {"open_slots": slots, "taking": taking, "lapses_on": in_days(30)}
    return house.caseworker(slug).does(f"/v1/services/{service}/capacity", said)


@pytest.fixture(autouse=True)
def nobody_has_said_anything(house: House) -> None:
    house.sql("delete from service_capacity")


def listed(person: Person, house: House, slug: str, **filters: Any) -> dict[str, Any] | None:
    found = person.read("/v1/services", limit=200, **filters)["items"]
    wanted = str(house.service(slug).id)
    return next((each for each in found if each["id"] == wanted), None)


def ask(house: House, source: str, slug: str, **more: Any) -> Any:
    worker = house.caseworker(source)
    client = worker.does("/v1/clients", {"given_name": "Rosalind", "residence": {"kind": "fixed", "county": "31157"}})
    body = {"client_id": client["id"], "service_id": str(house.service(slug).id)} | more
    return worker.post("/v1/referrals", body)


@pytest.mark.parametrize(
    ("login", "changed", "status"),
    [
        ("gwen.housing", {}, 201),
        ("gwen.housing", {"open_slots": None, "taking": False}, 201),
        ("gwen.housing", {"lapses_on": 0}, 201),
        ("gwen.housing", {"lapses_on": 92}, 201),
        ("gwen.housing", {"lapses_on": -1}, 422),
        ("gwen.housing", {"lapses_on": 93}, 422),
        ("gwen.housing", {"open_slots": -1}, 422),
        ("gwen.housing", {"open_slots": 10_000}, 422),
        ("maria.cap", {}, 403),
        ("ruth.hub", {}, 403),
        ("edith.hub", {}, 403),
    ],
)
def test_who_may_say_what_a_service_has_room_for(
    house: House, login: str, changed: dict[str, Any], status: int
) -> None:
    body = {"open_slots": 3, "taking": True, "lapses_on": 7} | changed
    body["lapses_on"] = in_days(body["lapses_on"])
    answer = house.person(login).post(f"/v1/services/{house.service('housing').id}/capacity", body)
    assert answer.status_code == status, answer.text


def test_a_service_that_nobody_knows_has_no_capacity(house: House) -> None:
    gwen, nowhere = house.person("gwen.housing"), organization_id(house, "housing")
    assert gwen.get(f"/v1/services/{nowhere}/capacity").status_code == 404
    said = {"taking": True, "lapses_on": in_days(1)}
    assert gwen.post(f"/v1/services/{nowhere}/capacity", said).status_code == 404


def test_each_yes_takes_a_place_and_a_new_statement_counts_afresh(house: House) -> None:
    gwen, maria = house.person("gwen.housing"), house.person("maria.cap")
    assert listed(maria, house, "housing")["capacity"] is None  # type: ignore[index]
    state(house, "housing", 2)
    made = [ask(house, "cap", "housing").json() for _ in range(2)]
    for referral in made:
        gwen.does(f"/v1/tasks/{referral['tasks'][0]['id']}/accept")
    shown = listed(maria, house, "housing")
    assert shown is not None
    assert (shown["capacity"]["open_slots"], shown["capacity"]["left"]) == (2, 0)
    maria.does(f"/v1/tasks/{made[0]['tasks'][0]['id']}/void", {"reason": "Entered twice."})
    assert maria.read(f"/v1/services/{house.service('housing').id}/capacity")["capacity"]["left"] == 1
    again = state(house, "housing", 5)
    assert again["capacity"]["left"] == 5
    assert len(again["statements"]) >= 2
    assert maria.read(f"/v1/services/{house.service('housing').id}/capacity")["statements"] == []


def test_what_was_stated_is_never_edited_and_each_statement_is_audited(house: House) -> None:
    (before,) = house.sql("select count(*) from audit where verb = 'capacity.state'")[0]
    state(house, "housing", 2)
    state(house, "housing", taking=False)
    (after,) = house.sql("select count(*) from audit where verb = 'capacity.state'")[0]
    assert after == before + 2
    with pytest.raises(Exception, match="append-only"):
        house.sql("update capacity_statement set open_slots = 9")


@pytest.mark.parametrize("said", [{"slots": 0}, {"taking": False}, {"slots": 5, "taking": False}])
def test_who_has_no_room_is_not_asked_unless_the_source_insists(house: House, said: dict[str, Any]) -> None:
    state(house, "housing", said.get("slots"), taking=said.get("taking", True))
    refused = ask(house, "cap", "housing")
    assert (refused.status_code, refused.json()["code"]) == (409, "no-capacity")
    assert "taking=true" in refused.json()["detail"]
    assert "POST /v1/needs" in refused.json()["detail"]
    maria = house.person("maria.cap")
    assert listed(maria, house, "housing", taking="true") is None
    assert listed(maria, house, "housing", taking="false") is not None
    assert listed(maria, house, "pantry", taking="true") is not None
    assert ask(house, "cap", "housing", anyway=True).status_code == 201
    assert ask(house, "cap", "housing", kind="information").status_code == 201


def test_a_statement_that_has_lapsed_stops_nobody(house: House) -> None:
    state(house, "housing", taking=False)
    house.sql("update service_capacity set lapses_on = %s", today() - timedelta(days=1))
    assert ask(house, "cap", "housing").status_code == 201
    assert listed(house.person("maria.cap"), house, "housing", taking="true")["capacity"] is None  # type: ignore[index]
    house.sql("update service_capacity set lapses_on = %s", today())
    assert ask(house, "cap", "housing").status_code == 409


def test_a_reroute_and_several_at_once_meet_the_same_door(house: House) -> None:
    lupe, naomi = house.caseworker("pantry"), house.caseworker("faith")
    other = house.other_door()
    doors = [str(other.id), str(house.service("housing", nth=1).id)]
    state(house, "housing", 0, nth=1)
    client = lupe.does("/v1/clients", {"given_name": "Rosalind"})["id"]
    several = lupe.post("/v1/referrals", {"client_id": client, "service_ids": doors})
    assert (several.status_code, several.json()["code"]) == (409, "no-capacity")
    made = lupe.does("/v1/referrals", {"client_id": client, "service_id": doors[0]})
    naomi.does(f"/v1/tasks/{made['tasks'][0]['id']}/decline", FULL)
    path = f"/v1/referrals/{made['id']}/reroute"
    assert lupe.post(path, {"service_id": doors[1]}).json()["code"] == "no-capacity"
    assert lupe.read(f"/v1/referrals/{made['id']}")["state"] == "awaiting_source"
    assert events(house, made["id"]).count("demand_turned_away") == 0  # nobody's case
    assert lupe.does(path, {"service_id": doors[1], "anyway": True})["state"] == "active"


def test_who_is_turned_away_is_counted_once_however_often_the_same_request_is_sent(house: House) -> None:
    state(house, "housing", taking=False)
    before = total(house, "turned_away")
    maria = house.person("maria.cap")
    client = maria.does("/v1/clients", {"given_name": "Rosalind", "residence": {"kind": "fixed", "county": "31157"}})
    body = {"client_id": client["id"], "service_id": str(house.service("housing").id)}
    answers = at_once(*[partial(maria.post, "/v1/referrals", body, "one-and-the-same")] * 3)
    answers.append(maria.post("/v1/referrals", body, "one-and-the-same"))
    assert statuses(answers) == [409] * 4
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert total(house, "turned_away") == before + 1
    rows = house.sql(
        "select organization_id, source_organization_id, referral_id, person_id, dimensions ->> 'county',"
        " dimensions ->> 'term' from event where kind = 'demand_turned_away' order by seq desc limit 1"
    )
    service = house.service("housing")
    assert rows == [(service.organization_id, organization_id(house, "cap"), None, None, "31157", service.term)]
    by = series(house, "turned_away", by="organization")
    assert sum(point["value"] or 0 for (_, whose), point in by.items() if whose == str(service.organization_id))
    proven(house)


def test_a_family_that_is_asked_for_at_several_full_services_at_once_is_one(house: House) -> None:
    lupe = house.caseworker("pantry")
    doors = [str(house.other_door().id), str(house.service("housing", nth=1).id), str(house.service("level", nth=1).id)]
    for slug, nth in (("housing", 1), ("level", 1)):
        state(house, slug, taking=False, nth=nth)
    before = total(house, "turned_away")
    client = lupe.does("/v1/clients", {"given_name": "Rosalind"})["id"]
    refused = lupe.post("/v1/referrals", {"client_id": client, "service_ids": doors})
    assert refused.json()["code"] == "no-capacity"
    assert total(house, "turned_away") == before + 1
    whose = house.sql("select organization_id from event where kind = 'demand_turned_away' order by seq desc limit 1")
    assert whose == [(organization_id(house, "housing"),)], "the first that was asked and is full"


def test_a_new_client_of_a_request_that_was_turned_away_was_never_recorded(house: House) -> None:
    state(house, "housing", taking=False)
    new = {"given_name": "Ottilie", "residence": {"kind": "fixed", "county": "31013"}}
    refused = house.person("maria.cap").post(
        "/v1/referrals", {"client": new, "service_id": str(house.service("housing").id)}
    )
    assert refused.status_code == 409
    assert house.sql("select 1 from client where given_name = 'Ottilie'") == []
    county = house.sql(
        "select dimensions ->> 'county' from event where kind = 'demand_turned_away' order by seq desc limit 1"
    )
    assert county == [("31013",)]


def providers(house: House, term: str = "housing") -> list[Any]:
    """Of no county that any of them is in: who has least to do comes first, then by name."""
    region = house.sql("select id from collaborative")[0][0]
    rows = house.sql("select service_id from app.providers(%s, %s, '0', '{}')", region, term)
    return [row[0] for row in rows]


def test_matching_skips_who_has_no_room_and_prefers_who_said_that_there_is_some(house: House) -> None:
    before = providers(house)
    full, last = house.service("housing").id, before[-1]
    slug = next(s.slug for s in house.region.services if s.id == last).partition("/")[0]
    nth = [s.id for s in house.region.services if s.slug.startswith(f"{slug}/")].index(last)
    state(house, "housing", 0)
    assert full not in providers(house)
    state(house, slug, 1, nth=nth)
    assert providers(house)[0] == last
    house.sql("update service_capacity set lapses_on = %s", today() - timedelta(days=1))
    assert providers(house) == before


@pytest.mark.parametrize(("slug", "asked"), [("housing", False), ("clinic", True), ("fuel", True)])
def test_matching_asks_nobody_who_could_not_answer(house: House, slug: str, asked: bool) -> None:
    """Of the clinic its own system answers, at the fuel fund the telephone; while they are partners."""
    service = house.service(slug)
    assert service.id in providers(house, service.term)
    left = "update membership set ends_on = {} where organization_id = %s"
    house.sql(left.format("current_date - 2"), service.organization_id)
    try:
        assert (service.id in providers(house, service.term)) is asked
    finally:
        house.sql(left.format("null"), service.organization_id)
    with no_partner(house, slug):
        assert service.id not in providers(house, service.term)


def test_the_report_says_where_room_is_lacking_and_a_partner_reads_its_own(house: House) -> None:
    gwen, ruth, maria = house.person("gwen.housing"), house.person("ruth.hub"), house.person("maria.cap")
    full = house.service("housing")

    def of_housing(person: Person) -> dict[str, int]:
        rows = [r for r in person.read("/v1/reports/capacity")["services"] if r["service_id"] == str(full.id)]
        return {name: sum(r[name] for r in rows) for name in ("offered", "no_capacity", "turned_away", "waitlisted")}

    before = of_housing(ruth)
    declined = ask(house, "cap", "housing").json()
    gwen.does(f"/v1/tasks/{declined['tasks'][0]['id']}/decline", FULL)
    moved = ask(house, "cap", "housing").json()
    gwen.does(
        f"/v1/tasks/{moved['tasks'][0]['id']}/decline", {"reason_code": "over_income", "reason_class": "ineligible"}
    )
    listed_one = ask(house, "cap", "housing").json()
    for verb in ("accept", "waitlist"):
        gwen.does(f"/v1/tasks/{listed_one['tasks'][0]['id']}/{verb}")
    mistake = ask(house, "cap", "housing").json()
    maria.does(f"/v1/referrals/{mistake['id']}/void", {"reason": "Entered twice."})
    state(house, "housing", 0)
    ask(house, "cap", "housing")
    after = of_housing(ruth)
    assert {name: after[name] - before[name] for name in after} == {
        "offered": 3, "no_capacity": 1, "turned_away": 1, "waitlisted": 1,
    }  # fmt: skip
    assert of_housing(gwen) == after
    whose = {row["organization_id"] for row in gwen.read("/v1/reports/capacity")["services"]}
    assert whose == {str(full.organization_id)}
    here = next(r for r in ruth.read("/v1/reports/capacity")["services"] if r["service_id"] == str(full.id))
    assert (here["capacity"]["open_slots"], here["capacity"]["left"]) == (0, 0)
    for row in maria.read("/v1/reports/capacity")["region"]:
        for name in ("offered", "no_capacity", "turned_away", "waitlisted"):
            assert row[name] is None or row[name] == 0 or row[name] >= 11
    assert [row for row in ruth.read("/v1/reports/capacity")["region"] if row["turned_away"]]
    assert gwen.get("/v1/reports/capacity", **{"from": "2020-01", "to": "2026-11"}).status_code == 422


def test_what_others_were_asked_is_not_told_by_subtracting_ones_own() -> None:
    def asked(service: str, county: str, offered: int) -> SimpleNamespace:
        return SimpleNamespace(
            service_id=service,
            term="housing",
            county=county,
            offered=offered,
            no_capacity=0,
            turned_away=0,
            waitlisted=0,
        )

    found = [
        asked("mine", "31007", 11),
        asked("theirs", "31007", 1),
        asked("mine", "31013", 3),
        asked("theirs", "31157", 40),
    ]

    def shown(own: set[str]) -> dict[str | None, int | None]:
        return {row.county: row.offered for row in shortages._region(found, own, 11, ())}

    assert shown({"mine"}) == {"31007": None, "31013": 3, "31157": None}
    assert shown(set()) == {"31007": None, "31013": None, "31157": 40}


def waiting(house: House, login: str, task: str) -> dict[str, Any] | None:
    items = house.person(login).read("/v1/monitor/stalled", limit=200, reason_code="no_capacity")["items"]
    return next((one for one in items if one["id"] == task), None)


def test_whom_the_last_yes_left_without_a_place_is_waited_for_in_vain(house: House) -> None:
    """Also where another source got that yes, whose work this one does not see. Who was asked although full is none."""
    gwen = house.person("gwen.housing")
    before = state(house, "housing", 1)["capacity"]["stated_at"]
    first = ask(house, "health", "housing").json()["tasks"][0]["id"]
    second = ask(house, "cap", "housing").json()["tasks"][0]["id"]
    for login in ("maria.cap", "gwen.housing", "ruth.hub"):
        assert waiting(house, login, second) is None
    gwen.does(f"/v1/tasks/{first}/accept")
    although_full = ask(house, "cap", "housing", anyway=True).json()["tasks"][0]["id"]
    for login in ("maria.cap", "gwen.housing", "ruth.hub"):
        item = waiting(house, login, second)
        assert item is not None, login
        assert item["since"] > before
        assert waiting(house, login, although_full) is None, login
    gwen.does(f"/v1/tasks/{although_full}/accept")
    third = ask(house, "cap", "housing", anyway=True).json()["tasks"][0]["id"]
    assert waiting(house, "maria.cap", third) is None
    gwen.does(f"/v1/tasks/{first}/cancel", {"reason": "client_declined"})
    gwen.does(f"/v1/tasks/{although_full}/cancel", {"reason": "client_declined"})
    assert waiting(house, "maria.cap", second) is None


def shelters(person: Person, house: House) -> list[int | None]:
    """What is left at the shelter, wherever that person reads it."""
    service = house.service("shelter").id
    shown = [person.read(f"/v1/services/{service}/capacity")["capacity"]["left"]]
    rows = (listed(person, house, "shelter", taking=taking) for taking in ("true", "false"))
    return shown + [row["capacity"]["left"] for row in rows if row]


def test_what_a_confidential_provider_has_left_tells_others_of_no_intake(house: House) -> None:
    """Nor is anybody turned away, or told of a stall, by which its intakes could be counted. It counts itself."""
    carmen, others = house.person("carmen.shelter"), [house.person(login) for login in ("maria.cap", "ruth.hub")]
    stated_at = state(house, "shelter", 2)["capacity"]["stated_at"]
    asked = ask(house, "cap", "shelter").json()["tasks"][0]["id"]
    assert waiting(house, "maria.cap", asked) is None
    for left in (1, 0):
        inside = ask(house, "shelter", "shelter").json()["tasks"][0]["id"]
        carmen.does(f"/v1/tasks/{inside}/accept")
        assert shelters(carmen, house) == [left, left]
        for other in others:
            assert shelters(other, house) == [2, 2]
            assert listed(other, house, "shelter", taking="false") is None
    assert ask(house, "shelter", "shelter").json()["code"] == "no-capacity"
    assert ask(house, "cap", "shelter").status_code == 201
    assert waiting(house, "maria.cap", asked) is None
    assert waiting(house, "carmen.shelter", asked) is None, "whose turn it is does not depend on who asks"
    assert carmen.post(f"/v1/tasks/{asked}/nudge").status_code == 403
    report = others[1].read("/v1/reports/capacity")["services"]
    assert {row["capacity"]["left"] for row in report if row["service_id"] == str(house.service("shelter").id)} == {2}
    for login, told in (("maria.cap", True), ("carmen.shelter", False)):
        with house.api.database.transaction() as connection:
            connection.execute(text("select * from app.enter(:login, null, null)"), {"login": login})
            since = connection.execute(text("select app.full_since(:id)"), {"id": house.service("shelter").id}).scalar()
        assert (since == datetime.fromisoformat(stated_at)) is told, login


def test_what_a_confidential_provider_stated_stands_for_others(house: House) -> None:
    for slots, taking in ((0, True), (3, False)):
        state(house, "shelter", slots, taking=taking)
        assert ask(house, "cap", "shelter").json()["code"] == "no-capacity"
        assert listed(house.person("maria.cap"), house, "shelter", taking="true") is None
