"""The backbone sees that a need is a sensitive one and not which: no live number by kind of need tells it either."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.agenda import current_agenda
from services.blocking import reminded
from services.holders import Holder
from services.plan_advance import advance_plan
from services.transaction import Work
from tests.house import OUTCOME, House, Person
from tests.services.plans import Live, load, step
from tests.services.scenes import organization_id, refer, task_of
from tests.services.test_notices import append, feed, tell

BACKBONE, SOURCE, TARGET = "ruth.hub", "maria.cap", "ingrid.health"
MONTH = datetime.now(UTC).strftime("%Y-%m")
SENSITIVE = (
    "emergency.listening", "emergency.safety", "health.mental", "health.reproductive", "health.substance",
    "legal.immigration", "legal.protection",
)  # fmt: skip
COUNSELED = {"measure": "count", "event": "task_completed", "term": ["health.mental"], "by": ["organization", "county"]}
FULL = {"reason_code": "full", "reason_class": "no_capacity"}


def is_sensitive(term: str) -> bool:
    return term.startswith(SENSITIVE)


@pytest.fixture(scope="module", autouse=True)
def asked(house: House) -> dict[str, str]:
    """Of each of two sensitive kinds one that was declined and one that was met; and three of a plain kind. By term
    who was asked.
    """
    house.sql('update indicator set rule = rule || \'{"by": ["county", "term"]}\' where code = \'clients_served\'')
    house.sql("update indicator set rule = %s where code = 'loops_closed'", json.dumps(COUNSELED))
    house.sql("update collaborative set revision = revision + 1")
    made = {"health.reproductive": "health", "health.mental.counseling": "bh"}
    for term, slug in made.items():
        of_it = [one for one in house.region.services if one.organization_id == organization_id(house, slug)]
        nth = next(number for number, one in enumerate(of_it) if one.term == term)
        worker = house.caseworker(slug)
        worker.does(f"{task_of(refer(house, 'cap', slug, nth=nth))}/decline", FULL)
        met = refer(house, "cap", slug, nth=nth)
        worker.does(f"{task_of(met)}/accept")
        worker.does(f"{task_of(met)}/complete", OUTCOME)
    for _ in range(3):
        refer(house, "cap", "housing")
    return made


def by_term(person: Person, code: str, **more: Any) -> dict[str, dict[str, Any]]:
    points = person.read(f"/v1/indicators/{code}", by="term", **{"from": MONTH, "to": MONTH}, **more)["series"]
    return {point["by"]["term"]: point for point in points}


@pytest.mark.parametrize("code", ["referrals_sent", "needs_met", "acknowledged_in_time", "funnel_offered"])
@pytest.mark.parametrize("more", [{}, {"period": "calendar_year"}, {"period": "range"}, {"version": 1}])
def test_a_figure_by_term_tells_sensitive_needs_as_one_and_still_adds_up(
    house: House, code: str, more: Mapping[str, Any]
) -> None:
    ruth = house.person(BACKBONE)
    found = by_term(ruth, code, **more)
    assert found["sensitive"]["value"]
    assert not [term for term in found if is_sensitive(term)]
    whole = ruth.read(f"/v1/indicators/{code}", **{"from": MONTH, "to": MONTH}, **more)["series"][0]
    part = "numerator" if code == "acknowledged_in_time" else "value"
    assert sum(point[part] for point in found.values()) == whole[part]


def test_who_was_served_does_not_add_up_over_needs_and_is_not_told(house: House) -> None:
    found = by_term(house.person(BACKBONE), "clients_served")
    assert (found["sensitive"]["value"], found["sensitive"]["held_back"]) == (None, True)
    page = house.person(BACKBONE).read(
        "/v1/indicators/clients_served/events", period=MONTH, by="term", value="sensitive"
    )
    assert (page["items"], page["others"], page["held_back"]) == ([], [], True)


def test_what_counts_nothing_but_a_sensitive_need_is_told_by_groups_as_partners_are(house: House) -> None:
    ruth, asked = house.person(BACKBONE), {"from": MONTH, "to": MONTH}
    bh = str(organization_id(house, "bh"))
    assert [point["value"] for point in ruth.read("/v1/indicators/loops_closed", **asked)["series"]] == [1]
    for by in ("organization", "county"):
        points = ruth.read("/v1/indicators/loops_closed", by=by, **asked)["series"]
        assert not [point for point in points if point["value"]]
        longer = ruth.get("/v1/indicators/loops_closed", by=by, period="range", **asked)
        assert longer.json().get("series", []) == [], "not even whose it is"
        assert longer.status_code == (200 if by == "organization" else 422)
    page = ruth.read("/v1/indicators/loops_closed/events", period=MONTH, by="organization", value=bh)
    assert (page["items"], page["others"], page["held_back"]) == ([], [], True)
    told = house.person("joaquin.bh").read("/v1/indicators/loops_closed", by="organization", **asked)["series"]
    assert [point["value"] for point in told if point["by"]["organization"] == bh] == [1]


def test_behind_the_one_line_stand_all_of_them_and_behind_each_kind_nothing(house: House, asked: Any) -> None:
    ruth = house.person(BACKBONE)

    def behind(value: str) -> Any:
        return ruth.read("/v1/indicators/referrals_sent/events", period=MONTH, by="term", value=value, limit=200)

    for term in asked:
        page = behind(term)
        assert (page["items"], page["others"], page["held_back"]) == ([], [], True)
    together = behind("sensitive")
    worth = Counter(one["part"] for one in together["others"])
    assert (together["items"], together["held_back"], set(worth)) == ([], False, {"value"})
    assert sum(one["value"] for one in together["others"]) == by_term(ruth, "referrals_sent")["sensitive"]["value"]


def test_its_own_source_and_target_read_on_as_before(house: House, asked: Any) -> None:
    term = "health.reproductive"
    for login in (SOURCE, TARGET):
        page = house.person(login).read("/v1/indicators/referrals_sent/events", period=MONTH, by="term", value=term)
        assert bool(page["items"]) == (login == SOURCE), "a request counts for its source"
        assert "sensitive" not in by_term(house.person(login), "referrals_sent")


def test_the_funnel_tells_them_as_one(house: House) -> None:
    ruth = house.person(BACKBONE)
    house.sql("update collaborative set publication_threshold = 1")
    try:
        groups = ruth.read("/v1/equity/funnel", by="term")["groups"]
    finally:
        house.sql("update collaborative set publication_threshold = 11")
    offered = {each["group"]: each["stages"][0]["requests"] for each in groups}
    assert offered["sensitive"] == by_term(ruth, "funnel_offered")["sensitive"]["value"]
    assert not [term for term in offered if term and is_sensitive(term)]


def test_the_report_of_room_tells_them_as_one(house: House, asked: Any) -> None:
    year = house.person(BACKBONE).read("/v1/reports/capacity")
    assert not [row for row in year["region"] if is_sensitive(row["term"])], "that there is a row would tell it"
    assert sum(row["offered"] for row in year["region"] if row["term"] == "sensitive") == 2 * len(asked)
    of_theirs = [row for row in year["services"] if row["term"] in asked]
    assert of_theirs
    for row in of_theirs:
        assert {row[name] for name in ("offered", "no_capacity", "turned_away", "waitlisted")} == {None}
    of_housing = [row for row in year["services"] if row["term"].startswith("housing") and row["offered"]]
    assert of_housing, "what is not sensitive is told exactly"
    mine = house.person(TARGET).read("/v1/reports/capacity")["services"]
    assert sum(row["offered"] for row in mine if row["term"] in asked) == 2


@pytest.mark.parametrize("by", [{}, {"by": "county"}])
def test_the_report_of_unmet_needs_tells_them_as_one(house: House, by: Mapping[str, str]) -> None:
    house.sql("update collaborative set publication_threshold = 1")
    try:
        rows = house.person(BACKBONE).read("/v1/reports/unmet-needs", **by)["rows"]
    finally:
        house.sql("update collaborative set publication_threshold = 11")
    assert not [row for row in rows if is_sensitive(row["term"])], "that there is a row would tell it"
    together = [row for row in rows if row["term"] == "sensitive"]
    assert {row["name"] for row in together} == {"Sensitive needs"}
    assert sum(row["recorded"] for row in together) == 4
    assert {row["services"] for row in together} == {sum(map(is_sensitive, (s.term for s in house.region.services)))}
    assert [row for row in rows if row["recorded"] and not is_sensitive(row["term"])]


def test_whom_to_phone_of_an_urgent_one_is_for_its_source_to_see(house: House, asked: Any) -> None:
    """The number may be the service's own."""
    own = "where term = 'health.reproductive'"
    ((always, hours, phone),) = house.sql(f"select always_open, opening_hours, on_call_phone from service {own}")
    sets = f"update service set always_open = %s, opening_hours = %s::jsonb, on_call_phone = %s {own}"
    house.sql(sets, False, "[]", "308-555-0000")
    of_it = [one.term for one in house.region.services if one.organization_id == organization_id(house, "health")]
    made = refer(house, "cap", "health", nth=of_it.index("health.reproductive"), priority="urgent")
    told = [house.person(login).read(task_of(made))["call_now"] for login in (SOURCE, BACKBONE)]
    house.sql(sets, always, json.dumps(hours), phone)
    assert told == ["308-555-0000", None]


def test_what_is_left_of_a_service_tells_the_backbone_of_no_yes(house: House, asked: Any) -> None:
    term = "health.reproductive"
    of_it = [one for one in house.region.services if one.organization_id == organization_id(house, "health")]
    nth = next(number for number, one in enumerate(of_it) if one.term == term)
    path = f"/v1/services/{of_it[nth].id}/capacity"
    lapses = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    house.person(TARGET).does(path, {"open_slots": 8, "taking": True, "lapses_on": lapses})
    house.person(TARGET).does(f"{task_of(refer(house, 'cap', 'health', nth=nth))}/accept")

    def left(login: str) -> set[int]:
        person = house.person(login)
        listed = person.read("/v1/services", limit=200, taxonomy=term)["items"]
        reported = person.read("/v1/reports/capacity")["services"]
        shown = [one["capacity"] for one in listed if one["id"] == str(of_it[nth].id)]
        shown += [one["capacity"] for one in reported if one["service_id"] == str(of_it[nth].id)]
        return {one["left"] for one in [*shown, person.read(path)["capacity"]]}

    assert (left(BACKBONE), left(TARGET), left(SOURCE)) == ({8}, {7}, {7})


@contextmanager
def no_room(house: House, *services: Any) -> Iterator[None]:
    said = {"open_slots": 0, "taking": False, "lapses_on": (datetime.now(UTC) + timedelta(days=30)).date().isoformat()}
    slugs = {one.id: one.slug for one in house.region.organizations}
    for one in services:
        house.caseworker(slugs[one.organization_id]).does(f"/v1/services/{one.id}/capacity", said)
    try:
        yield
    finally:
        house.sql("delete from service_capacity where service_id = any(%s)", [one.id for one in services])


def test_that_a_sensitive_service_has_no_room_is_told_to_those_who_work_on_it_alone(house: House) -> None:
    """The backbone reads what each service states: which of them makes a stall would tell which one was asked."""
    first = refer(house, "cap", "bh")
    seen = {}
    with no_room(house, house.service("bh")):
        for login in (BACKBONE, SOURCE):
            person = house.person(login)
            listed = {one["id"] for one in person.read("/v1/monitor/stalled", limit=200)["items"]}
            ball = person.read(task_of(first))["ball_in_court"]["organization_id"]
            seen[login] = (str(first.tasks[0].id) in listed, ball)
    assert seen == {
        BACKBONE: (False, str(organization_id(house, "bh"))),
        SOURCE: (True, str(organization_id(house, "cap"))),
    }


def test_nor_is_the_backbone_told_so_after_a_no(house: House) -> None:
    """Who said no for want of room, and that nobody else offers it, would name the need as well."""
    first = refer(house, "cap", "bh")
    house.caseworker("bh").does(f"{task_of(first)}/decline", FULL)
    house.sql("update referral set due_at = now() - interval '1 hour' where id = %s", first.id)
    said, whys = {}, {}
    for login in (BACKBONE, SOURCE):
        person, path = house.person(login), f"/v1/referrals/{first.id}"
        listed = person.read("/v1/monitor/stalled", limit=200)["items"]
        (item,) = [one for one in listed if one["referral_id"] == str(first.id)]
        said[login] = (item["cause"], item["reason_code"])
        asked = {"period": MONTH, "limit": 200, "by": "organization", "value": str(organization_id(house, "bh"))}
        events = person.get("/v1/indicators/declined_no_capacity/events", **asked).json().get("items", [])
        whys[login] = {
            "task": person.read(task_of(first))["reason"],
            "referral": person.read(path)["tasks"][0]["reason"],
            "timeline": next(filter(None, (one["reason"] for one in person.read(f"{path}/timeline")["items"])), None),
            "figure": next((one["reason"] for one in events if one["referral_id"] == str(first.id)), None),
        }
    assert said == {BACKBONE: (None, "source_has_not_chosen"), SOURCE: ("no_capacity", "no_capacity")}
    assert set(whys[BACKBONE].values()) == {None}
    assert [whys[SOURCE][place] for place in ("task", "referral", "timeline")] == ["full"] * 3


def test_by_when_a_sensitive_service_is_to_answer_only_those_who_work_on_it_read(house: House) -> None:
    """Its opening hours are in the directory: the moment would tell which service it is."""
    first = refer(house, "cap", "bh")
    for login, told in ((BACKBONE, False), (SOURCE, True), ("joaquin.bh", True)):
        person = house.person(login)
        shown = [person.read(task_of(first)), person.read(f"/v1/referrals/{first.id}")]
        assert {one["due_at"] is not None for one in shown} == {told}, login


def test_nor_does_an_exception_tell_the_hours_of_a_sensitive_service(house: House) -> None:
    """Of the three only one opens on Saturdays: until when the backbone lets a request rest would tell which it is."""
    today = datetime.now(UTC).date()
    saturday = today + timedelta(days=7 + (5 - today.weekday()) % 7)
    assert sum("sat" in house.service("bh", nth=nth).hours.weekly for nth in range(3)) == 1
    rests = {"reason": "weather", "until": saturday.isoformat()}
    asked = [task_of(refer(house, "cap", "bh", nth=nth)) for nth in range(3)]
    told = {house.person(BACKBONE).does(f"{path}/except", rests)["excepted_until"] for path in asked}
    assert len(told) == 1
    usual = house.person(BACKBONE).does(f"{task_of(refer(house, 'cap', 'housing'))}/except", rests)
    assert {usual["excepted_until"]} == told, "as what opens in the region's hours"


def test_reminders_of_a_sensitive_request_do_not_follow_the_room_of_its_service(house: House) -> None:
    """The backbone reads of them: that the source is told all of a sudden would tell it which service is full."""
    task = refer(house, "cap", "bh").tasks[0].id
    holder = Holder(organization_id(house, "bh"), None)
    with no_room(house, house.service("bh")), house.engine.database.transaction() as connection:
        agenda = current_agenda(connection, house.sql("select id from collaborative")[0][0])
        work = Work(connection=connection, agenda=agenda, now=datetime.now(UTC))
        assert reminded(work, "task", task, holder).by.organization_id == holder.organization_id


def test_who_nudges_whom_does_not_follow_the_room_of_a_sensitive_service(house: House) -> None:
    """The backbone reads who nudged: that who was asked may all of a sudden would tell that it is full."""
    ruth, housing = house.person(BACKBONE), house.service("housing")

    def nudged(login: str) -> dict[str, Any]:
        made = refer(house, "cap", "bh", anyway=True)
        house.sql("update task set rung = 1, due_at = now() - interval '1 hour' where referral_id = %s", made.id)
        person, id_ = house.person(login), str(made.tasks[0].id)
        places = [person.read(task_of(made)), *person.read("/v1/monitor/stalled", limit=200)["items"]]
        offered = {"nudge" in one["allowed_actions"] for one in places if one["id"] == id_}
        said = person.post(f"{task_of(made)}/nudge").status_code
        events = ruth.read(f"/v1/referrals/{made.id}/timeline")["items"]
        told = [(one["kind"], one["acting_organization_id"]) for one in events]
        return {"offered": offered, "said": said, "told": told}

    logins = ("joaquin.bh", SOURCE, BACKBONE)
    usual = [nudged(login) for login in logins]
    with no_room(house, house.service("bh"), housing):
        assert [nudged(login) for login in logins] == usual
        plain = refer(house, "cap", "housing", anyway=True)
        house.sql("update task set due_at = now() - interval '1 hour' where referral_id = %s", plain.id)
        assert house.person("gwen.housing").post(f"{task_of(plain)}/nudge").status_code == 200
    assert [(one["offered"], one["said"]) for one in usual] == [({False}, 403), ({True}, 200), ({True}, 200)]


def test_nor_does_what_stays_in_the_backbone_s_feed(house: House) -> None:
    """That the source is waited for all the same, once it has mended what the backbone was told of."""
    made = refer(house, "cap", "bh")
    facts = {"clock": "acknowledge", "to": "backbone", "holder": "cap", "cause": "consent_ended"}
    append(house, str(made.id), "task_escalated", facts)
    tell(house)
    for services in ((), (house.service("bh"),)):
        with no_room(house, *services):
            assert str(made.id) not in {one["referral_id"] for one in feed(house, BACKBONE, limit=200)}


def test_beside_want_of_room_and_an_ended_consent_escalate_is_offered_where_it_is_accepted(house: House) -> None:
    """Reminders are for the source, for the consent that it is to get: nobody is above the one person who works there,
    though somebody is where it was asked, and the backbone is told nothing of a shelter.
    """
    assert is_sensitive(house.service("shelter").term)
    made = house.refer("faith", "shelter", consent=True)
    path, person = f"/v1/tasks/{made['tasks'][0]['id']}", house.caseworker("faith")
    person.does(f"/v1/consents/{made['consent_id']}/revoke")
    late = "update task set rung = 1, due_at = now() - interval '1 hour' where referral_id = %s"
    house.sql(late, made["id"])
    with no_room(house, house.service("shelter")):
        listed = person.read("/v1/monitor/stalled", limit=200)["items"]
        (item,) = [one for one in listed if one["referral_id"] == made["id"]]
        assert item["cause"] == "no_capacity"
        offered = {"escalate" in one["allowed_actions"] for one in (item, person.read(path))}
        answer = person.post(f"{path}/escalate")
        assert (offered, answer.status_code, answer.json()["code"]) == ({False}, 409, "top-of-the-ladder")


def test_nor_why_somebody_said_no_to_a_sensitive_step(house: House) -> None:
    load(house, "says_no", [step("hello"), step("recovery", {"organization": "bh", "service": "Peer Recovery"})])
    plan = Live.begin(house, "says_no")
    house.caseworker("bh").does(f"{plan.task('recovery')}/decline", FULL)
    told = {}
    for login in (BACKBONE, SOURCE):
        events = house.person(login).read(f"{plan.path}/timeline")["items"]
        told[login] = {one["reason"] for one in events if one["kind"] == "task_declined"}
    assert told == {BACKBONE: {None}, SOURCE: {"full"}}


def test_a_rule_that_names_a_step_lists_no_sensitive_request_to_the_backbone(house: House) -> None:
    load(house, "names_a_step", [step("hello"), step("recovery", {"organization": "bh", "service": "Peer Recovery"})])
    rule = {
        "measure": "count",
        "event": "task_accepted",
        "template": "names_a_step",
        "step": "recovery",
        "by": ["organization"],
    }
    ((before,),) = house.sql("select rule::text from indicator where code = 'loops_closed' and standing = 'in_force'")
    house.sql("update indicator set rule = %s where code = 'loops_closed'", json.dumps(rule))
    house.sql("update collaborative set revision = revision + 1")
    try:
        plan = Live.begin(house, "names_a_step")
        plan.works("recovery", "bh")
        behind = house.person(BACKBONE).read("/v1/indicators/loops_closed/events", period=MONTH)
        assert behind["items"] == []
        assert behind["others"]
        told = house.person(BACKBONE).read(
            "/v1/indicators/loops_closed", by="organization", **{"from": MONTH, "to": MONTH}
        )
        assert not [point for point in told["series"] if point["value"]], "by groups as partners are told"
    finally:
        house.sql("update indicator set rule = %s where code = 'loops_closed' and standing = 'in_force'", before)
        house.sql("update collaborative set revision = revision + 1")


@pytest.mark.parametrize("kind", ["step", "referral"])
@pytest.mark.parametrize("sensitive", [True, False])
def test_that_nobody_is_left_to_ask_for_a_sensitive_need_is_told_to_its_lead_alone(
    house: House, kind: str, sensitive: bool
) -> None:
    """Who offers what, and who has no room, is in the directory: together they would name the need."""
    code = f"nobody_for_{kind}_{'secret' if sensitive else 'plain'}"
    term = "insert into taxonomy_term (code, name, sensitive) values (%s, 'New', %s) on conflict do nothing"
    house.sql(term, code, sensitive)
    load(house, code, [step("hello"), step("rare", {"term": code}, kind=kind)])
    ((before,),) = house.sql("select rule::text from indicator where code = 'loops_closed' and standing = 'in_force'")
    rule = json.dumps({"measure": "count", "event": f"{kind}_unplaced"})
    sets = "update indicator set rule = %s where code = 'loops_closed' and standing = 'in_force'"
    renew = "update collaborative set revision = revision + 1"
    house.sql(sets, rule)
    house.sql(renew)
    try:
        plan = Live.begin(house, code)
        advance_plan(house.engine, UUID(plan.id))
        said = "select referral_id from event where action_plan_id = %s and kind = %s"
        ((referral,),) = house.sql(said, plan.id, f"{kind}_unplaced")
        told = {}
        for login in (BACKBONE, SOURCE):
            person = house.person(login)
            lists = [person.read(f"{path}/timeline")["items"] for path in (plan.path, f"/v1/referrals/{referral}")]
            behind = person.read("/v1/indicators/loops_closed/events", period=MONTH, limit=200)
            lists.append([one for one in behind["items"] if one["referral_id"] == str(referral)])
            told[login] = [f"{kind}_unplaced" in {one["kind"] for one in events} for events in lists]
        assert told == {BACKBONE: [not sensitive] * 3, SOURCE: [True] * 3}
    finally:
        house.sql(sets, before)
        house.sql(renew)
