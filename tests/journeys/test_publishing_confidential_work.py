"""Confidential work is in the published figures where it is many people's, and nobody can take it out of them again."""

from __future__ import annotations

import pytest

from domain.protection import Sum, Table
from tests.house import House
from tests.journeys.published import MONTH, QUARTER, asked, figures, publish, serve, snapshot
from tests.services.attacker import recovered

OPEN = {"31157": 22, "31013": 14, "31045": 11}
CONFIDENTIAL = {"31157": 9, "31013": 7, "31045": 0}
"""By county. 16 in the region: enough to show there, in no county."""


@pytest.fixture(scope="module", autouse=True)
def worked(house: House) -> None:
    for slug, spread in (("housing", OPEN), ("shelter", CONFIDENTIAL)):
        for county, people in spread.items():
            for _ in range(people):
                serve(house, county, slug)
    assert publish(house).status_code == 201


def live(house: House, code: str, by: str | None = None) -> dict[str, float]:
    """What the backbone sees at any moment: all that is open, exactly."""
    asked = {"by": by} if by else {}
    found = house.person("ruth.hub").read(f"/v1/indicators/{code}", **{"from": MONTH, "to": MONTH}, **asked)
    slugs = {str(one.id): one.slug for one in house.region.organizations}
    groups = [(next(iter(point["by"].values()), ""), point["value"]) for point in found["series"]]
    return {slugs.get(group, group): value for group, value in groups}


def test_the_regions_total_holds_the_confidential_work_that_no_live_figure_has(house: House) -> None:
    region = figures(snapshot(house, period=MONTH), "needs_met")[""]
    assert (region["value"], region["complete"]) == (sum(OPEN.values()) + sum(CONFIDENTIAL.values()), True)
    assert live(house, "needs_met")[""] == sum(OPEN.values())


def test_a_county_with_few_confidential_cases_stands_without_them_and_says_so(house: House) -> None:
    counties = figures(snapshot(house, period=MONTH), "needs_met", "county")
    for county in ("31157", "31013"):
        assert (counties[county]["value"], counties[county]["complete"]) == (OPEN[county], False)


@pytest.mark.parametrize("code", ["needs_met", "clients_served"])
def test_who_knows_the_live_figures_cannot_compute_the_confidential_ones(house: House, code: str) -> None:
    """Complete figures minus live ones are the confidential work; the others stay unknown, even together."""
    one = snapshot(house, period=MONTH)
    for dimension in ("county", "age_band", "race", "term", "organization"):
        groups = figures(one, code, dimension)
        if not groups:
            continue
        alone, whole = live(house, code, dimension), figures(one, code)[""]
        told = {group: figure["value"] - alone.get(group, 0) for group, figure in groups.items() if figure["complete"]}
        told["all"] = whole["value"] - live(house, code)[""]
        assert all(not 0 < extra < 11 for extra in told.values())
        hidden = {group for group in groups if group not in told}
        hidden |= {"shelter"} if dimension == "organization" else set()
        truth = dict.fromkeys(hidden, 0) | {k: int(v) for k, v in told.items()}
        guess = next(iter(sorted(hidden)), None)
        if guess is not None:
            truth[guess] = truth["all"] - sum(v for k, v in truth.items() if k not in ("all", guess))
        table = Table(truth, (Sum("all", tuple(key for key in truth if key != "all")),))
        assert recovered(table, hidden, 11) == {}, dimension


def test_a_confidential_provider_has_no_line_of_its_own(house: House) -> None:
    one = snapshot(house, period=MONTH)
    lines = figures(one, "clients_served", "organization")
    assert lines["housing"]["value"] == sum(OPEN.values())
    assert "shelter" not in lines
    assert "shelter" not in str(one)


def test_a_person_with_open_and_confidential_work_counts_once(house: House) -> None:
    region = figures(snapshot(house, period=MONTH), "clients_served")[""]
    assert region["value"] == sum(OPEN.values()) + sum(CONFIDENTIAL.values())


def test_one_more_confidential_case_does_not_show_between_two_versions(house: House) -> None:
    """16, then 17: the difference would be one person. The next version leaves confidential work out of that figure."""
    serve(house, "31157", "shelter")
    assert publish(house).json()["version"] == 2
    region = figures(snapshot(house, period=MONTH), "needs_met")[""]
    assert (region["value"], region["complete"]) == (sum(OPEN.values()), False)


def test_a_quarter_gives_away_no_month_that_was_hidden(house: House) -> None:
    serve(house, "31161")
    assert publish(house).json()["version"] == 3
    month = figures(snapshot(house, period=MONTH), "needs_met", "county")
    assert month["31161"]["suppressed"]
    house.sql("update collaborative set publication_after_days = -400")
    assert publish(house, QUARTER).status_code == 201
    quarter = figures(snapshot(house, period=QUARTER), "needs_met", "county")
    assert quarter["31161"]["suppressed"], "nobody was served there in the other two months"
    hidden = {county for county, figure in quarter.items() if figure["suppressed"]}
    assert len(hidden) > 1
    one = snapshot(house, period=QUARTER)
    assert all(one["code"] != "clients_served" for one in one["indicators"])
    (left,) = [left for left in one["left_out"] if left["indicator"] == "clients_served"]
    assert "month" in left["reason"]
    table = asked(house, ".csv", period=QUARTER).text
    assert left["reason"] in table, "the file says why there is no figure"
    again = publish(house, QUARTER)
    assert (again.status_code, again.json()["version"]) == (200, 1)
    again = publish(house)
    assert (again.status_code, again.json()["version"]) == (200, 3), "also beside a quarter, and a rate's three counts"


def test_one_late_case_beside_a_public_quarter_moves_the_region_and_hides_hardly_anything(house: House) -> None:
    """What a correction costs is told by indicator: the figure that moved, and what is hidden because of it."""
    before = snapshot(house, period=MONTH)
    serve(house, "31157")
    assert publish(house).json()["version"] == 4
    after = snapshot(house, period=MONTH)
    for code in ("needs_met", "clients_served"):
        if not figures(before, code)[""]["suppressed"]:
            assert figures(after, code)[""]["value"] == figures(before, code)[""]["value"] + 1, code
    hidden = [
        {
            (one["code"], *figure["by"].items())
            for one in each["indicators"]
            for figure in one["figures"]
            if figure["suppressed"]
        }
        for each in (before, after)
    ]
    assert hidden[0] <= hidden[1]
    assert len(hidden[1] - hidden[0]) <= len(hidden[0]) / 10
    said = {each["indicator"]: each["sentence"] for each in after["explanation"]["in_words"]}
    was = int(figures(before, "needs_met")[""]["value"])
    without = "without confidential work"
    assert f"region {was} {without} → {was + 1} {without} (work recorded late)" in said["needs_met"]
    again = publish(house)
    assert (again.status_code, again.json()["version"]) == (200, 4)
