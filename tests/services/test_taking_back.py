"""Entered in error: what was counted is taken back, all of it, once, in the period where it had counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.task import Outcome
from services.advance import advance_referral
from services.requests import Finished
from tests.house import OUTCOME, House
from tests.services.plans import Live, load, step
from tests.services.scenes import events, ledger, numbers, organization_id, proven, refer, series, task_of, total

LONG_AGO = datetime.now(UTC).replace(day=10, hour=18) - timedelta(days=45)
REASON = {"reason": "The wrong family."}


def age(house: House, referral: Any, *, hours: int = 2) -> None:
    """As if the referral had been sent so many hours ago, and its running clock had ended an hour ago."""
    house.sql(
        "set session_replication_role = replica;"
        f" update task set created_at = created_at - interval '{hours} hours',"
        f" requested_at = requested_at - interval '{hours} hours',"
        f" clock_started_at = created_at - interval '{hours} hours',"
        f" due_at = now() - interval '1 hour' where referral_id = '{referral.id}';"
        f" update referral set created_at = created_at - interval '{hours} hours' where id = '{referral.id}'"
    )


def judged(lines: dict[tuple[Any, ...], int]) -> int:
    """Of a rate's lines those that are settled; that a case exists is a line of its own."""
    return sum(value for key, value in lines.items() if key[1] in ("numerator", "denominator"))


def served(house: House, **more: Any) -> Any:
    """Accepted, started, completed and confirmed: everything counts."""
    referral = refer(house, "cap", "housing", **more)
    gwen, maria = house.person("gwen.housing"), house.person("maria.cap")
    for verb, body in (("accept", None), ("start", None), ("complete", OUTCOME)):
        gwen.does(f"{task_of(referral)}/{verb}", body)
    maria.does(f"/v1/referrals/{referral.id}/confirm", OUTCOME)
    return referral


def test_voiding_a_referral_takes_back_all_that_it_counted(house: House) -> None:
    before = numbers(house)
    referral = served(house)
    counted = {code for code, lines in numbers(house).items() if lines != before[code]}
    assert counted >= {
        "referrals_sent", "acknowledged_in_time", "decided_in_time", "loops_closed", "needs_met", "clients_served",
        "days_to_first_contact",
    }  # fmt: skip
    voided = house.person("maria.cap").does(f"/v1/referrals/{referral.id}/void", REASON)
    assert numbers(house) == before
    proven(house)
    assert (voided["outcome"], voided["confirmed_by"]) == (None, None)
    assert [task["state"] for task in voided["tasks"]] == ["entered_in_error"], "also what had ended"


def test_a_voided_referral_takes_its_past_offers_along_and_nothing_twice(house: House) -> None:
    before = numbers(house)
    referral, gwen, maria = refer(house, "cap", "housing"), house.person("gwen.housing"), house.person("maria.cap")
    declined = task_of(referral)
    gwen.does(f"{declined}/decline", {"reason_code": "full", "reason_class": "no_capacity"})
    rerouted = maria.does(f"/v1/referrals/{referral.id}/reroute", {"service_id": str(house.other_door().id)})
    naomi = house.caseworker("faith")
    naomi.does(f"{task_of(rerouted)}/accept")
    naomi.does(f"{task_of(rerouted)}/complete", OUTCOME)
    maria.does(f"{declined}/void", REASON)
    voided = maria.does(f"/v1/referrals/{referral.id}/void", REASON)
    assert {task["state"] for task in voided["tasks"]} == {"entered_in_error"}
    assert gwen.read(declined)["state"] == "entered_in_error"
    assert numbers(house) == before
    proven(house)


def active(house: House) -> list[str]:
    """Partners of whom the record holds that they did something."""
    rows = house.sql(
        "select l.person_id::text, l.grain, l.touches from indicator_live l join indicator i on i.id = l.indicator_id"
        " where i.code = 'partners_active' and l.touches <> 0 order by 1, 2"
    )
    return [str(row) for row in rows]


def test_two_partners_served_by_one_referral_and_neither_counts_once_it_was_an_error(house: House) -> None:
    before, partners = numbers(house), active(house)
    referral, gwen, maria = refer(house, "cap", "housing"), house.person("gwen.housing"), house.person("maria.cap")
    for verb, body in (("accept", None), ("start", None), ("fail", {"reason": "full"})):
        gwen.does(f"{task_of(referral)}/{verb}", body)
    rerouted = maria.does(f"/v1/referrals/{referral.id}/reroute", {"service_id": str(house.other_door().id)})
    naomi = house.caseworker("faith")
    for verb, body in (("accept", None), ("start", None), ("complete", OUTCOME)):
        naomi.does(f"{task_of(rerouted)}/{verb}", body)
    assert active(house) != partners
    maria.does(f"/v1/referrals/{referral.id}/void", REASON)
    assert active(house) == partners
    assert numbers(house) == before
    proven(house)


def test_a_step_that_two_partners_worked_on_is_taken_back_from_both_with_its_plan(house: House) -> None:
    load(house, "two_hands", [step("food", {"organization": "pantry"})])
    before, partners = numbers(house), active(house)
    plan, worker = Live.begin(house, "two_hands"), house.caseworker("pantry")
    worker.does(f"{plan.task('food')}/accept")
    worker.does(f"{plan.task('food')}/start")
    plan.edit("/steps/food/reassign", {"organization_id": str(organization_id(house, "cap"))})
    plan.works("food", "cap")
    assert active(house) != partners
    plan.edit("/void", REASON)
    assert active(house) == partners
    assert numbers(house) == before
    proven(house)


@pytest.fixture
def shelters(house: House) -> Iterator[None]:
    """The housing authority's first service answers the same need as the shelter's."""
    service = house.service("housing")
    house.sql(f"update service set term = 'emergency.safety.shelter' where id = '{service.id}'")
    yield
    house.sql(f"update service set term = '{service.term}' where id = '{service.id}'")


@pytest.mark.usefixtures("shelters")
def test_what_went_to_a_confidential_provider_in_the_end_is_taken_back_where_it_had_counted(house: House) -> None:
    """Sent in the open, declined, sent on to the shelter, voided: the open figures are what they were."""
    before, open_before = numbers(house), total(house, "referrals_sent")
    referral, maria = refer(house, "cap", "housing"), house.person("maria.cap")
    assert total(house, "referrals_sent") == open_before + 1
    decline = {"reason_code": "full", "reason_class": "no_capacity"}
    house.person("gwen.housing").does(f"{task_of(referral)}/decline", decline)
    maria.does(f"/v1/referrals/{referral.id}/reroute", {"service_id": str(house.service("shelter").id)})
    maria.does(f"/v1/referrals/{referral.id}/void", REASON)
    assert total(house, "referrals_sent") == open_before
    assert numbers(house) == before
    proven(house)


def test_voiding_a_task_takes_back_what_the_task_counted_and_not_that_it_was_sent(house: House) -> None:
    before = numbers(house)
    referral = served(house)
    house.person("maria.cap").does(f"{task_of(referral)}/void", REASON)
    after = numbers(house)
    assert {code for code in after if after[code] != before[code]} == {"referrals_sent"}
    proven(house)
    shown = house.person("maria.cap").read(f"/v1/referrals/{referral.id}")
    assert (shown["state"], shown["outcome"], shown["confirmed_by"]) == ("awaiting_source", None, None)
    assert (shown["clock"], shown["allowed_actions"]) == (
        "awaiting_source", ["withdraw", "reroute", "close-unmet", "consent", "void", "assign"],
    )  # fmt: skip
    house.person("maria.cap").does(f"/v1/referrals/{referral.id}/void", REASON)
    assert numbers(house) == before
    proven(house)


@pytest.mark.parametrize("end", ["client", "source", "time", "unmet"])
def test_a_loop_is_closed_no_longer_than_its_task_stands_and_can_be_closed_again(house: House, end: str) -> None:
    before = numbers(house)
    referral, gwen, maria = refer(house, "cap", "housing"), house.person("gwen.housing"), house.person("maria.cap")
    if end == "unmet":
        gwen.does(f"{task_of(referral)}/decline", {"reason_code": "full", "reason_class": "no_capacity"})
        maria.does(f"/v1/referrals/{referral.id}/close-unmet", {"reason": "full"})
    else:
        gwen.does(f"{task_of(referral)}/accept")
        gwen.does(f"{task_of(referral)}/complete", OUTCOME)
    if end == "time":
        house.sql("update referral set due_at = now() - interval '1 hour' where id = %s", str(referral.id))
        advance_referral(house.engine, referral.id)
    elif end != "unmet":
        maria.does(f"/v1/referrals/{referral.id}/confirm", OUTCOME | {"by": end})
    assert maria.read(f"/v1/referrals/{referral.id}")["state"] == "completed"
    maria.does(f"{task_of(referral)}/void", REASON)
    after = numbers(house)
    assert {code for code in after if after[code] != before[code]} == {"referrals_sent"}
    assert events(house, referral.id, "referral_reopened") == ["referral_reopened"]
    proven(house)
    again = maria.does(f"/v1/referrals/{referral.id}/reroute", {"service_id": str(house.service("housing").id)})
    gwen.does(f"{task_of(again)}/accept")
    gwen.does(f"{task_of(again)}/complete", OUTCOME)
    maria.does(f"/v1/referrals/{referral.id}/confirm", OUTCOME)
    assert sum(ledger(house, "loops_closed").values()) - sum(before["loops_closed"].values()) == 1
    proven(house)
    maria.does(f"/v1/referrals/{referral.id}/void", REASON)
    assert numbers(house) == before
    proven(house)


def test_voiding_the_task_after_its_referral_takes_nothing_back_twice(house: House) -> None:
    before = numbers(house)
    referral, maria = served(house), house.person("maria.cap")
    maria.does(f"/v1/referrals/{referral.id}/void", REASON)
    again = maria.post(f"{task_of(referral)}/void", REASON)
    assert again.status_code in (200, 409)
    assert numbers(house) == before
    proven(house)


def test_a_void_counts_backwards_in_the_month_in_which_the_work_had_counted(house: House) -> None:
    month, now = LONG_AGO.strftime("%Y-%m"), datetime.now(UTC).strftime("%Y-%m")
    before = {code: series(house, code) for code in ("needs_met", "clients_served")}
    finished = Finished(Outcome.NEED_MET, LONG_AGO)
    referral = refer(house, "housing", "housing", finished=finished)
    for code in before:
        assert (month, None) in series(house, code), code
    assert series(house, "clients_served")[month, None]["value"] == 1
    assert series(house, "clients_served", period="calendar_year")[month[:4], None]["value"] >= 1
    house.caseworker("housing").does(f"/v1/referrals/{referral.id}/void", REASON)
    for code, points in before.items():
        after = series(house, code)
        was = points.get((month, None), {}).get("value") or 0
        assert (after[month, None]["value"] or 0) == was, code
        assert after.get((now, None)) == points.get((now, None)), code
    proven(house)


def test_a_client_of_two_partners_counts_once_for_the_region_and_once_for_each(house: House) -> None:
    maria = house.person("maria.cap")
    client = maria.does(
        "/v1/clients", {"given_name": "Ana", "family_name": "Brook", "residence": {"kind": "fixed", "county": "31157"}}
    )
    ids = {slug: str(house.region.organization(slug).id) for slug in ("early", "aging")}
    whole = series(house, "clients_served")
    first, second = (refer(house, "cap", slug, client_id=client["id"]) for slug in ids)
    for slug, referral in zip(ids, (first, second), strict=True):
        worker = house.caseworker(slug)
        worker.does(f"{task_of(referral)}/accept")
        worker.does(f"{task_of(referral)}/start")

    def people() -> tuple[int, dict[str | None, float]]:
        now = datetime.now(UTC).strftime("%Y-%m")
        by = series(house, "clients_served", by="organization")
        region = series(house, "clients_served")[now, None]["value"] - whole.get((now, None), {"value": 0})["value"]
        return region, {label: point["value"] for (_, label), point in by.items() if label in ids.values()}

    assert people() == (1, {ids["early"]: 1, ids["aging"]: 1})
    maria.does(f"{task_of(first)}/void", REASON)
    region, each = people()
    assert (region, each[ids["aging"]], each.get(ids["early"], 0)) == (1, 1, 0)
    proven(house)
    maria.does(f"/v1/referrals/{second.id}/void", REASON)
    region, each = people()
    assert (region, each.get(ids["aging"], 0)) == (0, 0)
    proven(house)


def test_a_move_made_in_time_and_recorded_late_takes_back_that_it_was_missed(house: House) -> None:
    before = ledger(house, "acknowledged_in_time")
    referral, gwen = refer(house, "cap", "housing"), house.person("gwen.housing")
    age(house, referral, hours=4)
    advance_referral(house.engine, referral.id)
    assert events(house, referral.id, "task_overdue") == ["task_overdue"]
    missed = ledger(house, "acknowledged_in_time")
    assert judged(missed) - judged(before) == 1, "in the denominator only"
    then = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    gwen.does(f"{task_of(referral)}/acknowledge", {"occurred_at": then})
    met = ledger(house, "acknowledged_in_time")
    assert judged(met) - judged(before) == 2, "met: numerator and denominator, and the missed one gone"
    proven(house)
    house.person("maria.cap").does(f"/v1/referrals/{referral.id}/void", REASON)
    assert ledger(house, "acknowledged_in_time") == before
    proven(house)


def test_a_move_made_late_stays_missed(house: House) -> None:
    before = ledger(house, "acknowledged_in_time")
    referral = refer(house, "cap", "housing")
    age(house, referral, hours=4)
    house.person("gwen.housing").does(f"{task_of(referral)}/acknowledge")
    assert events(house, referral.id, "task_overdue") == ["task_overdue"]
    assert judged(ledger(house, "acknowledged_in_time")) - judged(before) == 1
    advance_referral(house.engine, referral.id)
    assert events(house, referral.id, "task_overdue") == ["task_overdue"]
    proven(house)


@pytest.mark.parametrize(
    ("task_says", "source_says", "by", "met"),
    [
        ("need_met", "need_met", "source", 1),
        ("need_met", "unmet", "source", 0),
        ("need_met", "partly_met", "client", 0),
        ("unmet", "need_met", "client", 1),
        ("partly_met", "need_met", "source", 1),
    ],
)
def test_the_word_that_counts_most_decides_whether_the_need_is_met(
    house: House, task_says: str, source_says: str, by: str, met: int
) -> None:
    before = sum(ledger(house, "needs_met").values())
    referral, gwen, maria = refer(house, "cap", "housing"), house.person("gwen.housing"), house.person("maria.cap")
    gwen.does(f"{task_of(referral)}/accept")
    gwen.does(f"{task_of(referral)}/complete", {"outcome": task_says})
    assert sum(ledger(house, "needs_met").values()) - before == (task_says == "need_met")
    maria.does(f"/v1/referrals/{referral.id}/confirm", {"outcome": source_says, "by": by})
    assert sum(ledger(house, "needs_met").values()) - before == met
    need = maria.read(f"/v1/needs/{referral.need_id}")
    assert (need["outcome"], need["outcome_by"]) == (source_says, by)
    proven(house)


def test_a_need_served_by_two_referrals_is_met_once_and_stays_met_when_one_was_an_error(house: House) -> None:
    maria = house.person("maria.cap")
    client = maria.does("/v1/clients", {"given_name": "Ben", "family_name": "Brook"})
    need = maria.does("/v1/needs", {"client_id": client["id"], "term": "housing"})
    before = sum(ledger(house, "needs_met").values())
    both = []
    for slug, service in (("housing", house.service("housing")), ("faith", house.other_door())):
        body = {"service_id": str(service.id), "client_id": client["id"], "need_id": need["id"]}
        both.append(maria.does("/v1/referrals", body))
        worker = house.caseworker(slug)
        worker.does(f"{task_of(both[-1])}/accept")
        worker.does(f"{task_of(both[-1])}/complete", OUTCOME)
        maria.does(f"/v1/referrals/{both[-1]['id']}/confirm", OUTCOME)

    def met() -> int:
        return sum(ledger(house, "needs_met").values()) - before

    assert met() == 1
    maria.does(f"{task_of(both[1])}/void", REASON)
    assert met() == 1, "the other referral had met it"
    assert maria.read(f"/v1/needs/{need['id']}")["outcome"] == "need_met"
    proven(house)
    maria.does(f"/v1/referrals/{both[0]['id']}/void", REASON)
    assert met() == 0
    assert maria.read(f"/v1/needs/{need['id']}")["outcome"] is None
    proven(house)


def test_a_task_that_was_only_declined_takes_no_outcome_with_it(house: House) -> None:
    referral, gwen, maria = refer(house, "cap", "housing"), house.person("gwen.housing"), house.person("maria.cap")
    declined = task_of(referral)
    gwen.does(f"{declined}/decline", {"reason_code": "full", "reason_class": "no_capacity"})
    rerouted = maria.does(f"/v1/referrals/{referral.id}/reroute", {"service_id": str(house.other_door().id)})
    naomi = house.caseworker("faith")
    naomi.does(f"{task_of(rerouted)}/accept")
    naomi.does(f"{task_of(rerouted)}/complete", OUTCOME)
    maria.does(f"{declined}/void", REASON)
    assert maria.read(f"/v1/needs/{referral.need_id}")["outcome"] == "need_met"
    assert maria.read(f"/v1/referrals/{referral.id}")["state"] == "active"
    proven(house)


def test_only_the_source_takes_back(house: House) -> None:
    referral = refer(house, "cap", "housing")
    assert house.person("gwen.housing").post(f"{task_of(referral)}/void", REASON).status_code == 403
    assert house.person("gwen.housing").post(f"/v1/referrals/{referral.id}/void", REASON).status_code == 403
    assert house.person("ruth.hub").post(f"{task_of(referral)}/void", REASON).status_code == 403
