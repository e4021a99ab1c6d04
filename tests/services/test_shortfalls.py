"""What people needed and did not get: every need counts once, small numbers are held back, no confidential work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.house import OUTCOME, House
from tests.services.scenes import organization_id, task_of

REPORT = "/v1/reports/unmet-needs"
COUNTED = ("recorded", "unmet", "without_service", "no_capacity")
TERM = "housing.subsidized"


@pytest.fixture(scope="module")
def exact(house: House) -> House:
    """A collaborative that holds nothing back, so that the numbers themselves can be looked at."""
    house.sql("update collaborative set publication_threshold = 1")
    return house


def row(house: House, login: str = "ruth.hub", *, term: str = TERM, county: str | None = None, **asked: Any) -> Any:
    asked |= {"by": "county"} if county else {}
    rows = house.person(login).read(REPORT, **asked)["rows"]
    empty = dict.fromkeys(COUNTED, 0)
    return next((each for each in rows if (each["term"], each["county"]) == (term, county)), empty)


def change(house: House, act: Callable[[], Any], **where: Any) -> tuple[int, ...]:
    """How the four numbers of that row changed."""
    before = row(house, **where)
    act()
    after = row(house, **where)
    return tuple(after[name] - before[name] for name in COUNTED)


def need(house: House, slug: str = "cap", term: str = TERM, county: str = "31157") -> dict[str, Any]:
    worker = house.caseworker(slug)
    home = {"kind": "fixed", "county": county}
    client = worker.does("/v1/clients", {"given_name": "Ana", "family_name": "Brook", "residence": home})
    made: dict[str, Any] = worker.does("/v1/needs", {"client_id": client["id"], "term": term})
    return made


def test_a_need_that_nobody_was_asked_to_serve_is_open_without_service(exact: House) -> None:
    assert change(exact, lambda: need(exact)) == (1, 0, 1, 0)
    assert change(exact, lambda: need(exact), county="31157") == (1, 0, 1, 0)
    assert change(exact, lambda: need(exact), county="31045") == (0, 0, 0, 0)


def test_while_a_partner_is_asked_it_is_not_without_service(exact: House) -> None:
    assert change(exact, lambda: exact.refer("cap", "housing")) == (1, 0, 0, 0)


def test_no_room_counts_the_need_once_however_many_said_so(exact: House) -> None:
    made: dict[str, Any] = {}
    full = {"reason_code": "full", "reason_class": "no_capacity"}

    def twice_full() -> None:
        made.update(exact.refer("cap", "housing"))
        exact.person("gwen.housing").does(f"{task_of(made)}/decline", full)
        once_more = {"service_id": made["service_id"]}
        again = exact.person("maria.cap").does(f"/v1/referrals/{made['id']}/reroute", once_more)
        exact.person("gwen.housing").does(f"{task_of(again)}/decline", full)

    assert change(exact, twice_full) == (1, 0, 1, 1)
    closing = {"reason": "full"}
    assert change(
        exact, lambda: exact.person("maria.cap").does(f"/v1/referrals/{made['id']}/close-unmet", closing)
    ) == (0, 1, -1, 0)
    voiding = {"reason": "The wrong family."}
    assert change(exact, lambda: exact.person("maria.cap").does(f"/v1/referrals/{made['id']}/void", voiding)) == (
        -1, -1, 0, -1,
    )  # fmt: skip


def test_a_need_that_was_met_is_only_recorded(exact: House) -> None:
    def met() -> None:
        made = exact.refer("cap", "housing")
        for verb, body in (("accept", None), ("complete", OUTCOME)):
            exact.person("gwen.housing").does(f"{task_of(made)}/{verb}", body)

    assert change(exact, met) == (1, 0, 0, 0)


def test_it_names_the_services_that_are_listed(exact: House) -> None:
    need(exact)
    listed = exact.person("ruth.hub").read("/v1/services", taxonomy=TERM, limit=200)["items"]
    found = row(exact)
    assert (found["services"], found["name"]) == (len(listed), "Subsidized housing")
    here = [s for s in listed if any(place["county"] == "31157" for place in s["locations"])]
    assert row(exact, county="31157")["services_here"] == len(here)


def test_only_needs_of_the_months_that_were_asked_for(exact: House) -> None:
    made = need(exact)
    exact.sql("set session_replication_role = replica;"
              f" update need set created_at = '2025-09-01T05:59:59Z' where id = '{made['id']}'")  # fmt: skip
    assert row(exact, **{"from": "2025-08", "to": "2025-08"})["recorded"] == 1, "still August in the region"
    assert row(exact, **{"from": "2025-09", "to": "2025-09"})["recorded"] == 0


@pytest.mark.parametrize("slug", ["shelter"])
def test_a_confidential_providers_needs_are_in_nobodys_report(exact: House, slug: str) -> None:
    assert change(exact, lambda: need(exact, slug)) == (0, 0, 0, 0)
    assert change(exact, lambda: exact.refer("cap", "shelter"), term="emergency.safety.shelter") == (0, 0, 0, 0)


@pytest.mark.parametrize("login", ["maria.cap", "ruth.hub", "edith.hub", "lupe.pantry"])
def test_small_numbers_are_held_back_from_everybody(exact: House, login: str) -> None:
    for _ in range(2):
        need(exact, term="legal.veterans", county="31045")
    for _ in range(12):
        need(exact, term="legal.veterans", county="31157")
    exact.sql("update collaborative set publication_threshold = 11")
    try:
        whole = row(exact, login, term="legal.veterans")
        small = row(exact, login, term="legal.veterans", county="31045")
        large = row(exact, login, term="legal.veterans", county="31157")
    finally:
        exact.sql("update collaborative set publication_threshold = 1")
    assert whole["recorded"] >= 14
    assert (small["recorded"], small["held_back"][0]) == (None, "recorded")
    assert large["recorded"] is None, "with the total it would tell the small one"
    assert (small["unmet"], small["no_capacity"]) == (0, 0), "zero is shown"
    exact.sql("delete from need where term = 'legal.veterans'")


def test_a_range_is_whole_and_not_endless(exact: House) -> None:
    ruth = exact.person("ruth.hub")
    for asked in ({"from": "2026-11", "to": "2026-10"}, {"from": "2020-01", "to": "2026-10"}, {"by": "term"}):
        assert ruth.get(REPORT, **asked).status_code == 422
    report = ruth.read(REPORT)
    assert (
        int(report["end"][:4]) * 12 + int(report["end"][5:]) - int(report["start"][:4]) * 12
        == int(report["start"][5:]) + 11
    )
    assert str(organization_id(exact, "shelter")) not in str(report)


def test_partners_are_told_one_quarter_at_a_time(exact: House) -> None:
    """Twelve months less eleven would tell what one month holds back."""
    maria, ruth = exact.person("maria.cap"), exact.person("ruth.hub")
    running = maria.read(REPORT)
    quarter = {"from": "2026-04", "to": "2026-06"}
    assert int(running["start"][5:]) % 3 == 1
    assert maria.read(REPORT, by="county", **quarter)["start"] == "2026-04"
    for asked in ({"from": "2026-04", "to": "2026-09"}, {"from": "2026-05", "to": "2026-07"}, {"from": "2026-05"}):
        refused = maria.get(REPORT, **asked)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/from")
        assert ruth.get(REPORT, **asked).status_code == 200
