"""A closed month is published: what everybody may read, and what nobody can find out."""

from __future__ import annotations

import csv
import io
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from openpyxl import load_workbook  # type: ignore[import-untyped]

from concert.embedded.postgres import libpq_url
from services import publications
from tests.house import House
from tests.journeys.published import LONG_AGO, MONTH, asked, figures, publish, serve, snapshot
from tests.services.scenes import proven

SPREAD = {"31157": 14, "31013": 12, "31045": 6, "31161": 3}
"""Counties, and how many of their people were served in the month."""
POPULATION = "rent_burdened"


@pytest.fixture(scope="module", autouse=True)
def published(house: House) -> None:
    """A month of work, looked at and published: what every test here starts from."""
    for county, people in SPREAD.items():
        for _ in range(people):
            serve(house, county)
    early = publish(house, datetime.now(UTC).strftime("%Y-%m"))
    assert (early.status_code, early.json()["code"]) == (409, "period-open")
    observe = house.person("ruth.hub").does
    for geography, value in (("region", 0.31), ("31157", 0.35)):
        seen_in = {"period": MONTH[:4], "value": value, "observed_on": MONTH + "-28", "source": "A survey"}
        observe(f"/v1/indicators/{POPULATION}/observations", seen_in | {"geography": geography})
    seen = publications.preview(house.api, house.call("ruth.hub"), MONTH)
    assert asked(house).json() == {"items": []}, "a preview publishes nothing"
    key = uuid4().hex
    answer = publish(house, key=key)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["period"], made["version"], made["threshold"], made["changes"]) == (MONTH, 1, 11, 0)
    again = publish(house, key=key)
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (made, "true")
    assert house.person("ruth.hub").read(answer.headers["Location"]) == made
    one = snapshot(house)
    assert (one["id"], one["period"], one["version"]) == (made["id"], MONTH, 1)
    assert figures(one, "needs_met")[""]["value"] == sum(SPREAD.values())
    assert figures(one, "clients_served")[""]["value"] == sum(SPREAD.values())
    assert one["indicators"] == seen.model_dump(mode="json")["indicators"]


def test_what_nothing_happened_to_is_not_protected_again(house: House) -> None:
    """However the choice of hidden figures would fall out this time."""
    told: list[int] = []
    again = publications.publish(house.api, house.call("ruth.hub"), MONTH, lambda _done, total: told.append(total))
    assert (again.status, again.body.version) == (200, 1)
    assert set(told) == {0}, "indicators whose figures were chosen"


def test_what_was_observed_of_the_whole_population_stands_there_with_its_source(house: House) -> None:
    found = snapshot(house, period=MONTH, version=1, indicator=POPULATION)["indicators"][0]["figures"]
    said = {figure["by"].get("county"): (figure["value"], figure["suppressed"], figure["observed"]) for figure in found}
    told = {"period": MONTH[:4], "on": MONTH + "-28", "source": "A survey"}
    assert said == {None: (0.31, False, told), "31157": (0.35, False, told)}
    rows = list(csv.DictReader(io.StringIO(asked(house, ".csv", period=MONTH, indicator=POPULATION).text)))
    assert {(row["source"], row["observed_on"], row["group"]) for row in rows} == {
        ("A survey", MONTH + "-28", ""), ("A survey", MONTH + "-28", "31157")
    }  # fmt: skip


def test_no_small_county_is_shown_and_none_can_be_computed(house: House) -> None:
    one = snapshot(house, period=MONTH, version=1, indicator="needs_met")
    counties = figures(one, "needs_met", "county")
    hidden = {county for county, figure in counties.items() if figure["suppressed"]}
    assert {"31045", "31161"} < hidden, "6 and 3 would lie between 0 and 9: one more is hidden"
    assert all(counties[county]["value"] is None for county in hidden)
    shown = sum(figure["value"] for figure in counties.values() if not figure["suppressed"])
    assert sum(SPREAD.values()) - shown >= 11
    assert counties["unknown"] == {
        "by": {"county": "unknown"}, "value": 0, "numerator": None, "denominator": None, "suppressed": False,
        "complete": True, "waiting": None, "waiting_share": None, "observed": None,
    }  # fmt: skip


def test_it_says_whose_work_it_covers_how_it_was_made_and_where_there_is_no_baseline_yet(house: House) -> None:
    one = snapshot(house, period=MONTH, version=1)
    assert one["coverage"]["connected"] > 5
    assert any("1 to 10" in sentence for sentence in one["method"])
    without = [each["code"] for each in one["indicators"] if each["baseline"] is None]
    assert without == [each["code"] for each in one["indicators"] if each["baseline_period"]] != []


def test_a_month_is_corrected_and_every_version_says_why(house: House) -> None:
    """One story: nothing new, then late work, then work taken back, then nothing new again."""
    first = snapshot(house, period=MONTH, version=1)
    again = publish(house)
    assert (again.status_code, again.json()["id"]) == (200, first["id"]), "nothing changed: there is no new version"
    late = serve(house, "31157")
    assert snapshot(house, period=MONTH) == first
    made = publish(house).json()
    assert (made["version"], made["changes"] > 0) == (2, True)
    second = snapshot(house, period=MONTH)
    assert figures(second, "needs_met")[""]["value"] == sum(SPREAD.values()) + 1
    told = second["explanation"]
    assert told["since_version"] == 1
    change = next(each for each in told["changes"] if each["indicator"] == "needs_met" and not each["by"])
    assert (change["before"]["value"], change["after"]["value"]) == (35, 36)
    assert change["reasons"] == ["work recorded late"]
    counts = next(each for each in told["corrections"] if each["indicator"] == "needs_met")
    assert counts["late_entries"] is None, "one late entry is too few to say so"
    assert (counts["taken_back"], counts["records_joined"]) == (0, 0), "that there were none is said"
    said = {each["indicator"]: each["sentence"] for each in told["in_words"]}
    assert "region 35 → 36 (work recorded late)" in said["needs_met"]
    assert "recorded late" in told["sentence"]
    assert snapshot(house, period=MONTH, version=1) == first

    before = figures(second, "needs_met", "county")
    house.caseworker("housing").does(f"/v1/referrals/{late.id}/void", {"reason": "The wrong family."})
    for _ in range(20):
        serve(house, "31045")
    assert publish(house).json()["version"] == 3
    third = snapshot(house, period=MONTH)
    after = figures(third, "needs_met", "county")
    assert {c for c, f in before.items() if f["suppressed"]} <= {c for c, f in after.items() if f["suppressed"]}
    assert after["31045"]["suppressed"], "26 people now, but the first version minus this one would tell the 6"
    change = next(c for c in third["explanation"]["changes"] if c["indicator"] == "needs_met" and not c["by"])
    assert set(change["reasons"]) == {"work recorded late", "work taken back or corrected"}
    assert not any(
        c["indicator"] == "needs_met" and c["by"] == {"county": "31045"} for c in third["explanation"]["changes"]
    )
    proven(house)
    assert (publish(house).status_code, snapshot(house, period=MONTH)) == (200, third)
    versions = [one["version"] for one in house.person("maria.cap").read("/v1/publications", limit=2)["items"]]
    assert versions == [3, 2]
    page = house.person("maria.cap").read("/v1/publications", limit=2)
    rest = house.person("maria.cap").read("/v1/publications", limit=2, cursor=page["next_cursor"])
    assert [one["version"] for one in rest["items"]] == [1]


def test_what_is_hidden_in_public_no_partner_reads_live_beside_it(house: House) -> None:
    """By now 26 in a county that was hidden with 6: with a published quarter, they would tell whom they hide."""
    public = figures(snapshot(house, period=MONTH), "needs_met", "county")
    asked = {"by": "county", "from": MONTH, "to": MONTH}
    partner, backbone = (
        house.person(login).read("/v1/indicators/needs_met", **asked) for login in ("maria.cap", "ruth.hub")
    )
    live = {point["by"]["county"]: point["held_back"] for point in partner["series"]}
    assert live == {county: public[county]["suppressed"] for county in live}
    assert live["31045"], "26 are enough by themselves"
    assert not any(point["held_back"] for point in backbone["series"])


def test_only_the_backbone_publishes_and_everybody_at_work_may_see_that_it_did(house: House) -> None:
    for login in ("gwen.housing", "maria.cap"):
        refused = publish(house, login=login)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert httpx.post(f"{house.http.base_url}/v1/publications", json={"period": MONTH}).status_code == 401
    assert house.person("maria.cap").read("/v1/publications")["items"][-1]["version"] == 1


@pytest.mark.parametrize(
    ("period", "says"),
    [
        ("2026-13", "a month (2026-11)"),
        ("yesterday", "a month (2026-11)"),
        ("2026-Q5", "a month (2026-11)"),
        ("moon_year:2026", "state_year"),
        ("1999-01", "No indicator counted"),
    ],
)
def test_a_period_that_is_none_is_refused_in_words(house: House, period: str, says: str) -> None:
    answer = publish(house, period)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_the_public_sees_published_figures_and_nothing_else(house: House) -> None:
    answer = asked(house)
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "public, max-age=300"
    text = answer.text
    for hidden in ("published_by", "up_to", "Rosalind", "Featherstonehaugh"):
        assert hidden not in text
    for path in ("/v1/publications", "/v1/indicators", "/public/clients", "/public"):
        assert httpx.get(f"{house.http.base_url}{path}", trust_env=False).status_code in (401, 404), path


def test_a_table_whose_groups_do_not_add_up_to_its_total_is_not_published(house: House) -> None:
    """A group that is told twice would show small groups, and who is hidden could be computed."""
    proven(house)
    change = (
        "update indicator_total t set value = t.value {} 1 from indicator i where i.id = t.indicator_id"
        " and i.code = 'needs_met' and t.period = %s and t.dimensions ->> 'county' = '31157'"
    )
    house.sql(change.format("+"), MONTH)
    try:
        answer = publish(house)
        assert (answer.status_code, answer.json()["code"]) == (409, "figures-do-not-add-up")
        assert "needs_met" in answer.json()["detail"]
    finally:
        house.sql(change.format("-"), MONTH)
    proven(house)


def test_what_the_reader_has_already_is_not_sent_again(house: House) -> None:
    for ending in ("", ".csv", ".xlsx"):
        first = asked(house, ending, period=MONTH, version=1)
        assert "immutable" in first.headers["cache-control"]
        again = asked(house, ending, {"If-None-Match": f"W/{first.headers['etag']}"}, period=MONTH, version=1)
        assert (again.status_code, again.content) == (304, b"")
        any_ = asked(house, ending, {"If-None-Match": "*"}, period=MONTH, version=1)
        assert (any_.status_code, any_.content) == (304, b"")
        other = asked(house, ending, {"If-None-Match": first.headers["etag"]}, period=MONTH, indicator="needs_met")
        assert other.status_code == 200, "another question"


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"period": "2001-01"}, 404),
        ({"period": MONTH, "version": 99}, 404),
        ({"indicator": "nothing_such"}, 404),
        ({"collaborative": "elsewhere"}, 404),
        ({"version": "0"}, 422),
        ({"limit": "37"}, 422),
        ({"colour": "red"}, 422),
        ({"period": "x' or 1=1"}, 404),
    ],
)
def test_wrong_questions_of_the_public_get_a_problem_document(
    house: House, params: dict[str, Any], status: int
) -> None:
    for ending in ("", ".csv", ".xlsx"):
        answer = asked(house, ending, **params)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_the_tables_say_what_the_snapshot_says_and_hold_no_formula(house: House) -> None:
    """A name is somebody's to write: here it begins like a formula."""
    house.sql("update indicator set name = '=cmd|'' /C calc''!A0' where code = 'needs_met'")
    house.sql("update collaborative set revision = revision + 1")
    assert publish(house).status_code == 201
    one = snapshot(house, period=MONTH)
    answer = asked(house, ".csv", period=MONTH)
    assert answer.headers["content-disposition"] == 'attachment; filename="indicators.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == sum(len(each["figures"]) for each in one["indicators"])
    region = next(row for row in rows if row["indicator"] == "needs_met" and not row["dimension"])
    assert float(region["value"]) == figures(one, "needs_met")[""]["value"]
    assert region["name"].startswith("'=cmd")
    hidden = [row for row in rows if row["suppressed"] == "yes"]
    assert hidden
    assert not any(row["value"] or row["numerator"] or row["denominator"] for row in hidden)
    book = load_workbook(io.BytesIO(asked(house, ".xlsx", period=MONTH).content))
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line]
    assert not any(cell.data_type == "f" for cell in cells)
    assert book["Figures"].max_row == len(rows) + 1
    assert any(str(cell.value).startswith("'=cmd") for cell in cells)


def test_a_workbook_of_one_version_is_the_same_whenever_it_is_asked_for(house: House) -> None:
    first = asked(house, ".xlsx", period=MONTH, version=1)
    time.sleep(1.1)  # what a workbook says of its own making is told in seconds
    again = asked(house, ".xlsx", period=MONTH, version=1)
    assert (again.headers["etag"], again.content) == (first.headers["etag"], first.content)


def test_a_new_threshold_makes_a_new_version_that_says_so(house: House) -> None:
    """Also where no figure differs: what is hidden, and why, is told by the method."""
    publish(house)
    assert publish(house).status_code == 200
    house.sql("update collaborative set publication_threshold = 12, revision = revision + 1")
    try:
        assert publish(house).status_code == 201
        one = snapshot(house, period=MONTH)
        assert any("1 to 11 cases" in sentence for sentence in one["method"])
        assert "below 11 cases before, and is below 12 since" in one["explanation"]["sentence"]
        assert publish(house).status_code == 200
    finally:
        house.sql("update collaborative set publication_threshold = 11, revision = revision + 1")


def test_a_snapshot_cannot_be_changed_by_anybody_not_even_by_the_backbone(house: House) -> None:
    with psycopg.connect(libpq_url(house.admin_url)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("update publication set body = '{}'")


def test_only_the_backbone_can_ask_the_record_for_figures_before_they_are_suppressed(house: House) -> None:
    from services.transaction import read

    question = "select count(*) from app.figures(array(select id from indicator), array[cast(:month as text)])"
    asking = {
        login: read(house.api, house.call(login), lambda tx: tx.rows(_text(question), month=MONTH)[0][0])
        for login in ("ruth.hub", "gwen.housing")
    }
    assert asking["ruth.hub"] > 0
    assert asking["gwen.housing"] == 0


def _text(statement: str) -> Any:
    from sqlalchemy import text

    return text(statement)


def test_the_month_is_the_one_in_which_the_work_was_done(house: House) -> None:
    assert snapshot(house, period=MONTH)["starts_on"] == LONG_AGO.strftime("%Y-%m-01")
