"""Behind every figure stand its events, and what they are worth adds up to it: for whoever reads, whatever is asked."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.groups import GROUPS as PERSONAL
from domain.groups import SENSITIVE
from domain.task import Outcome
from services.requests import Finished
from tests.house import OUTCOME, House, Person
from tests.services.plans import Live, load, step
from tests.services.scenes import organization_id, proven, refer, task_of

NOW = datetime.now(UTC)
MONTH = NOW.strftime("%Y-%m")
LONG_AGO = NOW.replace(day=10, hour=18) - timedelta(days=45)
GROUPS = (None, "organization", "county", "term", "age_band", "race")
BACKBONE, PARTNER, PROVIDER = "ruth.hub", "maria.cap", "carmen.shelter"


@pytest.fixture(scope="module")
def busy(house: House) -> None:
    """Work of many kinds: across organizations, voided, finished long ago, confidential, of one client twice."""
    maria, gwen = house.person("maria.cap"), house.person("gwen.housing")
    client = maria.does("/v1/clients", {"given_name": "Ana", "family_name": "Brook", "birth_date": "1990-02-03"})["id"]
    for target in ("housing", "early", "housing", "pantry"):
        referral = refer(house, "cap", target, client_id=client)
        worker = house.caseworker(target)
        for verb, body in (("accept", None), ("contact", {"result": "reached", "channel": "phone"}), ("start", None)):
            worker.does(f"{task_of(referral)}/{verb}", body)
        worker.does(f"{task_of(referral)}/complete", OUTCOME)
        maria.does(f"/v1/referrals/{referral.id}/confirm", OUTCOME)
    voided = refer(house, "cap", "housing")
    gwen.does(f"{task_of(voided)}/accept")
    gwen.does(f"{task_of(voided)}/start")
    maria.does(f"/v1/referrals/{voided.id}/void", {"reason": "The wrong family."})
    refer(house, "housing", "housing", finished=Finished(Outcome.NEED_MET, LONG_AGO))
    service = house.service("housing")
    house.sql(f"update service set term = 'emergency.safety.shelter' where id = '{service.id}'")
    walled = refer(house, "cap", "housing")
    gwen.does(f"{task_of(walled)}/decline", {"reason_code": "full", "reason_class": "no_capacity"})
    maria.does(f"/v1/referrals/{walled.id}/reroute", {"service_id": str(house.service("shelter").id)})
    maria.does(f"/v1/referrals/{walled.id}/void", {"reason": "The wrong family."})
    house.sql(f"update service set term = '{service.term}' where id = '{service.id}'")
    own = house.refer("shelter", "housing", consent=True)
    gwen.does(f"{task_of(own)}/accept")
    gwen.does(f"{task_of(own)}/start")


def behind(who: Person, code: str, **asked: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All events, page by page (short ones where no group is asked for), and what the others are worth."""
    size = 50 if "by" in asked else 15
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = who.read(f"/v1/indicators/{code}/events", limit=size, **asked, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            assert len({item["id"] for item in items}) == len(items)
            return items, page["others"]


def worth(items: list[dict[str, Any]], others: list[dict[str, Any]]) -> Counter[tuple[str, int]]:
    parts: Counter[tuple[str, int]] = Counter()
    for one in [*(line for item in items for line in item["worth"]), *others]:
        parts[one["part"], one["bucket"]] += one["value"]
    return parts


def chosen_by_reason(rule: dict[str, Any]) -> bool:
    """Why somebody said no to a sensitive request the backbone is not told, so not that it is behind such a figure."""
    return "reason" in str(rule)


def said(point: dict[str, Any], parts: Counter[tuple[str, int]], kind: str) -> tuple[Any, Any]:
    """The figure, and the same as its events say it."""
    if kind == "rate":
        pair = (parts["numerator", 0], parts["denominator", 0])
        return (point["numerator"], point["denominator"]), pair
    if kind in ("median", "percentile"):
        return point["denominator"], sum(n for (part, _), n in parts.items() if part == "bucket")
    return point["value"] or 0, parts["value", 0]


@pytest.mark.parametrize("by", GROUPS)
@pytest.mark.parametrize("login", [BACKBONE, PARTNER, PROVIDER])
def test_what_the_events_are_worth_adds_up_to_the_figure(house: House, busy: None, login: str, by: str | None) -> None:
    who, compared = house.person(login), 0
    rules: dict[str, Any] = dict(house.sql("select code, rule from indicator where standing = 'in_force'"))
    for code, rule in rules.items():
        if (by is not None and by not in rule.get("by", [])) or rule["measure"] in ("level", "observed", "sum"):
            continue
        for period in ("month", "calendar_year") if by in (None, "organization") else ("month",):
            answer = who.get(f"/v1/indicators/{code}", period=period, **({"by": by} if by else {}))
            assert answer.status_code in (200, 422), answer.text
            for number, point in enumerate(answer.json().get("series", [])):
                if by and not point["value"] and not point["held_back"] and number % 5:
                    continue  # of the groups of nobody every fifth is looked behind
                group = {"by": by, "value": point["by"][by]} if by else {}
                items, others = behind(who, code, period=point["period"], **group)
                if point["held_back"]:
                    assert (login != BACKBONE, point["value"], others) == (True, None, []), "few: not of other partners"
                    compared += 1
                    continue
                figure, told = said(point, worth(items, others), rule["measure"])
                assert figure == told, (code, point)
                if login == BACKBONE and (by in PERSONAL or group.get("value") == SENSITIVE):
                    assert items == [], "of which group somebody is, is said of nobody"
                    compared += bool(others)
                    continue
                untold = login == BACKBONE and not chosen_by_reason(rule)
                walls = {(one["value"], one["events"]) for one in others} if untold else set()
                assert walls <= {(-1, 1)}, (
                    "of an open figure the backbone misses what was taken back behind a wall only"
                )
                compared += bool(items)
    assert compared >= (1 if login == PROVIDER or by == "race" else 3)


def test_the_same_by_organization(house: House, busy: None) -> None:
    ruth, housing = house.person(BACKBONE), str(organization_id(house, "housing"))
    path = "/v1/indicators/clients_served/events"
    short = ruth.read(path, period=MONTH, organization_id=housing)
    assert short["items"]
    assert short == ruth.read(path, period=MONTH, by="organization", value=housing)
    assert {line["organization_id"] for item in short["items"] for line in item["worth"]} == {housing}


def test_a_partner_sees_its_own_events_and_of_all_others_only_their_sum(house: House, busy: None) -> None:
    lupe, pantry = house.person("lupe.pantry"), str(organization_id(house, "pantry"))
    items, others = behind(lupe, "acknowledged_in_time", period=MONTH)
    assert items
    assert all(pantry in (item["organization_id"], item["acting_organization_id"]) for item in items)
    assert others
    assert {one["organization_id"] for one in others} == {None}, "told together: by partner they would be few"
    assert set(others[0]) == {"organization_id", "part", "bucket", "value", "events"}
    assert sum(one["events"] for one in others) > 0


def test_no_name_stands_behind_a_figure(house: House, busy: None) -> None:
    for login in (BACKBONE, PARTNER):
        for code in ("clients_served", "needs_met", "referrals_sent"):
            text = house.person(login).get(f"/v1/indicators/{code}/events", period=MONTH).text
            for secret in ("Ana", "Brook", "Rosalind", "client_id", "person", "1990-02-03"):
                assert secret not in text


def test_what_a_confidential_provider_did_stands_behind_its_own_figure_only(house: House, busy: None) -> None:
    shelter = str(organization_id(house, "shelter"))
    for login in (BACKBONE, PARTNER):
        items, others = behind(house.person(login), "referrals_sent", period=MONTH, organization_id=shelter)
        assert (items, others) == ([], [])
    items, others = behind(house.person(PROVIDER), "referrals_sent", period=MONTH, organization_id=shelter)
    assert len(items) >= 1
    assert others == []


def test_what_is_recorded_late_counts_in_the_month_in_which_it_happened_and_says_so(house: House, busy: None) -> None:
    """The month is over: its figure changes by a correction that everybody can look at."""
    ruth, gwen, month = house.person(BACKBONE), house.person("gwen.housing"), LONG_AGO.strftime("%Y-%m")

    def met(period: str) -> float:
        series = ruth.read("/v1/indicators/needs_met")["series"]
        return float(sum(p["value"] for p in series if p["period"] == period))

    before, now = met(month), met(MONTH)
    known = {item["id"] for item in behind(ruth, "needs_met", period=month)[0]}
    entries = house.sql("select count(*) from indicator_entry")[0][0]
    late = refer(house, "housing", "housing", login="gwen.housing", finished=Finished(Outcome.NEED_MET, LONG_AGO))
    assert (met(month), met(MONTH)) == (before + 1, now)
    fresh = [item for item in behind(ruth, "needs_met", period=month)[0] if item["id"] not in known]
    (event,) = fresh
    assert event["occurred_at"][:7] == month
    assert event["at"][:7] == MONTH
    assert event["worth"] == [{"organization_id": None, "part": "value", "bucket": 0, "value": 1, "events": None}]
    assert house.sql("select count(*) from indicator_entry")[0][0] > entries
    proven(house)

    gwen.does(f"/v1/referrals/{late.id}/void", {"reason": "The wrong family."})
    assert (met(month), met(MONTH)) == (before, now)
    taken = [item for item in behind(ruth, "needs_met", period=month)[0] if item["id"] not in known | {event["id"]}]
    assert [[line["value"] for line in item["worth"]] for item in taken] == [[-1]]
    proven(house)


@pytest.mark.parametrize(
    "asked",
    [
        {"period": MONTH, "by": "county"},
        {"period": MONTH, "value": "31157"},
        {"period": MONTH, "by": "shoe_size", "value": "43"},
        {"period": MONTH, "by": "organization", "value": "housing"},
        {"period": MONTH, "by": "county", "value": "31157", "organization_id": "019357a0-0000-7000-8000-00000000000b"},
        {"period": "lunar_year:2026"},
        {"period": "2026-13"},
        {"period": MONTH, "version": 99},
        {},
    ],
)
def test_what_names_no_figure_is_refused(house: House, busy: None, asked: dict[str, Any]) -> None:
    assert house.person(BACKBONE).get("/v1/indicators/needs_met/events", **asked).status_code == 422


def test_who_counts_once_is_looked_behind_by_the_periods_of_the_series_only(house: House, busy: None) -> None:
    ruth = house.person(BACKBONE)
    for path, period in (("", "federal_year"), ("/events", "federal_year:2026")):
        answer = ruth.get(f"/v1/indicators/clients_served{path}", period=period)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/period")
        assert "is counted per month" in answer.text


def test_a_figure_without_groups_says_so(house: House, busy: None) -> None:
    for path in ("", "/events"):
        asked = {"by": "county"} | ({"period": MONTH, "value": "31157"} if path else {})
        answer = house.person(BACKBONE).get(f"/v1/indicators/partners_active{path}", **asked)
        assert answer.status_code == 422
        assert "one figure for the whole region" in answer.text


def test_partners_read_small_groups_of_the_region_no_more_exactly_than_the_funnel_tells_them(
    house: House, busy: None
) -> None:
    """The backbone reads what is open exactly; a partner its own, and of the region what is many's, or nobody's."""
    path = "/v1/indicators/referrals_sent"
    cap, housing = (str(organization_id(house, slug)) for slug in ("cap", "housing"))
    asked = {"from": MONTH, "to": MONTH}
    for _ in range(13):
        refer(house, "cap", "housing")
    county = {p["by"]["county"]: p for p in house.person(BACKBONE).read(path, by="county", **asked)["series"]}
    told = {p["by"]["county"]: p for p in house.person(PARTNER).read(path, by="county", **asked)["series"]}
    assert {p["held_back"] for p in county.values()} == {False}
    small = {group for group, point in county.items() if 0 < point["value"] < 11}
    assert small
    for group, point in told.items():
        assert point["held_back"] or point["value"] == county[group]["value"]
    assert all(told[group]["held_back"] and told[group]["value"] is None for group in small)
    hidden = sum(county[group]["value"] for group, point in told.items() if point["held_back"])
    assert hidden >= 11, "what is left of the region's figure is too much to tell the small one"
    mine = house.person(PARTNER).read(path, by="organization", **asked)["series"]
    (own,) = [point for point in mine if point["by"]["organization"] == cap]
    assert (own["held_back"], own["value"] >= 13) == (False, True)
    few = house.person("gwen.housing").read("/v1/indicators/clients_served", by="organization", **asked)["series"]
    assert {p["by"]["organization"] for p in few if not p["held_back"]} == {housing}, "the others' few are not told"
    assert all(not p["held_back"] for p in few if p["by"]["organization"] == housing), "its own, however few"


def test_events_behind_no_longer_period_and_no_version_tell_a_partner_more_of_a_group(house: House, busy: None) -> None:
    """The others' events are told together, of the month as the series tells it: not by partner, not by the year."""
    maria, ruth, race = house.person(PARTNER), house.person(BACKBONE), {"by": "race", "value": "unknown"}
    for _ in range(25):
        refer(house, "housing", "early", login="gwen.housing")
    _, others = behind(maria, "referrals_sent", period=MONTH, **race)
    assert others
    assert {one["organization_id"] for one in others} == {None}, "by partner each of them would be few"
    for asked in ({"period": MONTH[:4]}, {"period": MONTH, "version": 1}):
        page = maria.read("/v1/indicators/referrals_sent/events", **asked, **race)
        assert (page["held_back"], page["others"]) == (True, [])
        assert page["items"], "its own it reads"
        assert not ruth.read("/v1/indicators/referrals_sent/events", **asked, **race)["held_back"]
    series = maria.read("/v1/indicators/clients_served", by="organization", period="calendar_year")["series"]
    own = str(organization_id(house, "cap"))
    assert all(point["held_back"] != (point["by"]["organization"] == own) for point in series)
    assert maria.get("/v1/indicators/clients_served", by="county", period="calendar_year").status_code == 422


def listed(who: Person, code: str, by: str, value: str) -> set[str]:
    """The referrals and plans whose events are listed one by one behind the group's figure."""
    page = who.read(f"/v1/indicators/{code}/events", period=MONTH, by=by, value=value, limit=200)
    return {item["referral_id"] or item["action_plan_id"] for item in page["items"]}


def test_trying_the_groups_one_by_one_tells_nobody_who_is_of_which(house: House) -> None:
    """Without a consent the target knows need, category, county and urgency alone (decision 18)."""
    who: dict[str, Any] = {
        "given_name": "Rosalind", "family_name": "F", "birth_date": "1950-03-04", "language": "es",
        "residence": {"kind": "fixed", "county": "31157"}, "demographics": {"races": ["hispanic_or_latino"]},
    }  # fmt: skip
    made = house.person(PARTNER).does("/v1/referrals", {"service_id": str(house.service("housing").id), "client": who})
    groups = [
        ("age_band", "65+"),
        ("race", "hispanic_or_latino"),
        ("ethnicity", "hispanic_or_latino"),
        ("language", "es"),
    ]
    for by, value in groups:
        assert made["id"] in listed(house.person(PARTNER), "funnel_offered", by, value), "whoever recorded it knows"
        assert made["id"] not in listed(house.person("gwen.housing"), "funnel_offered", by, value)
        assert listed(house.person(BACKBONE), "funnel_offered", by, value) == set()
    assert made["id"] in listed(house.person("gwen.housing"), "funnel_offered", "county", "31157")


def test_of_a_sensitive_need_the_backbone_drills_down_to_no_request(house: House) -> None:
    service = next(one for one in house.region.services if one.term.startswith("health.mental"))
    maria, ruth = house.person(PARTNER), house.person(BACKBONE)
    made = maria.does(
        "/v1/referrals", {"service_id": str(service.id), "client": {"given_name": "A", "family_name": "B"}}
    )
    assert ruth.read(f"/v1/referrals/{made['id']}")["term"] is None
    for code, terms in (("funnel_offered", [service.term]), ("referrals_sent", [service.term])):
        assert made["id"] in listed(maria, code, "term", terms[0])
        assert made["id"] not in listed(ruth, code, "term", terms[0])
    plain = house.refer("cap", "housing")
    assert plain["id"] in listed(ruth, "referrals_sent", "term", house.service("housing").term)


def test_a_plans_partner_learns_of_no_goal_that_it_does_not_see(house: House) -> None:
    term = "health.substance"
    goals = [
        {"key": "sober", "name": "No more drinking", "term": term},
        {"key": "home", "name": "A home", "term": "housing"},
    ]
    load(house, "two_goals", [step("talk", {"organization": "pantry"})], goals=goals)
    plan = Live.begin(house, "two_goals")
    plan.works("talk", "pantry")
    plan.edit("/close", {"outcomes": {"home": "need_met", "sober": "need_met"}})
    lupe, ruth = house.caseworker("pantry"), house.person(BACKBONE)
    assert [goal["key"] for goal in lupe.read(plan.path)["goals"]] == ["home"]
    assert plan.id in listed(plan.lead, "needs_met", "term", term)
    for who in (lupe, ruth):
        assert plan.id not in listed(who, "needs_met", "term", term)
        assert plan.id not in listed(who, "needs_met", "term", "housing")
        assert "need_outcome" not in {one["kind"] for one in who.read(f"{plan.path}/timeline")["items"]}
    told = {item["id"] for item in behind(lupe, "needs_met", period=MONTH)[0] if item["action_plan_id"] == plan.id}
    assert told == set()


FOLLOW_UP = [
    {"key": "reached", "kind": "choice", "label": "Who answered?",
     "choices": [{"code": "client", "label": "The client"}, {"code": "nobody", "label": "Nobody"}]},
    {"key": "stable", "kind": "yes_no", "label": "Does it hold?"},
]  # fmt: skip


def test_what_a_family_answered_is_between_the_two_that_work_on_it(house: House) -> None:
    load(house, "asked_later", [step("ask", {"organization": "pantry"}, form=FOLLOW_UP, feeds=["followup_stable"])])
    plan = Live.begin(house, "asked_later")
    plan.works("ask", "pantry", {"reached": "client", "stable": "no"})
    task = plan.task("ask").rpartition("/")[2]
    assert house.person(BACKBONE).read(f"/v1/tasks/{task}")["outputs"] is None
    for who, told in ((plan.lead, True), (house.caseworker("pantry"), True), (house.person(BACKBONE), False)):
        items, others = behind(who, "followup_stable", period=MONTH)
        assert (task in {item["task_id"] for item in items}) == told
        assert worth(items, others)["denominator", 0] >= 1, "what is not listed is in the sum of the others"
