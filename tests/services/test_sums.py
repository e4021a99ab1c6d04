"""What was paid is counted by its amount, to the cent, and is taken back by its amount."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from domain.protection import rounded, step_above
from services.folding import fold
from services.transaction import read
from tests.house import House
from tests.journeys.published import LONG_AGO, MONTH, publish, snapshot
from tests.services.plans import Live, load, step
from tests.services.scenes import proven

AMOUNT = {
    "key": "amount",
    "kind": "number",
    "label": "How much was paid?",
    "unit": "usd",
    "minimum": 0,
    "maximum": 5000,
}


def paid(house: House) -> tuple[float, ...]:
    """As the backbone reads it: the region's amount, and that of each county where anything was paid."""
    proven(house)
    path, period = "/v1/indicators/flexible_funds_paid", {"period": "state_year"}
    (whole,) = house.person("ruth.hub").read(path, **period)["series"]
    parts = house.person("ruth.hub").read(path, by="county", **period)["series"]
    return (whole["value"], *(one["value"] for one in parts if one["value"]))


def test_the_money_paid_is_the_sum_of_its_amounts_and_a_payment_in_error_is_taken_back(house: House) -> None:
    load(house, "funds", [step("pay", form=[AMOUNT], feeds=["flexible_funds_paid"])])
    first, second = Live.begin(house, "funds"), Live.begin(house, "funds")
    first.works("pay", "cap", {"amount": 123.45})
    assert paid(house) == (123.45, 123.45)
    second.works("pay", "cap", {"amount": 80})
    assert paid(house) == (203.45, 203.45)
    first.lead.does(f"{first.task('pay')}/void", {"reason": "Typed into the wrong plan."})
    assert paid(house) == (80, 80)


def test_of_a_group_with_few_payments_partners_read_no_amount_however_many_were_taken_back(house: House) -> None:
    load(house, "more_funds", [step("pay", form=[AMOUNT], feeds=["flexible_funds_paid"])])
    for number in range(8):
        plan = Live.begin(house, "more_funds")
        plan.works("pay", "cap", {"amount": 10 + number})
        if number:
            plan.lead.does(f"{plan.task('pay')}/void", {"reason": "Paid twice."})
    asked = {"by": "county"}
    points = house.caseworker("pantry").read("/v1/indicators/flexible_funds_paid", **asked)["series"]
    assert points
    assert [one["value"] for one in points if not one["held_back"] and one["value"]] == []


@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=40), st.data())
def test_no_payment_is_read_off_two_published_amounts(payments: list[int], data: st.DataObject) -> None:
    step = step_above(max(payments))
    gone = data.draw(st.integers(0, len(payments) - 1))
    then, now = sum(payments), sum(payments) - payments[gone]
    assert rounded(then, step) - rounded(now, step) in (0, step)
    assert abs(rounded(then, step) - then) <= step / 2
    assert max(payments) <= step < 5 * max(payments)


def test_published_amounts_are_as_coarse_as_their_largest_payment(house: House) -> None:
    load(house, "public_funds", [step("pay", form=[AMOUNT], feeds=["flexible_funds_paid"])])
    house.sql("set session_replication_role = replica; delete from indicator_entry; delete from indicator_total")
    plans = []
    for number in range(13):
        plans.append(Live.begin(house, "public_funds"))
        plans[-1].works("pay", "cap", {"amount": 100.11 + number})
    while fold(house.engine):
        pass
    long_ago(house)
    assert [published(house)] == [(1400, 13)], "1379.43, to the nearest 200"
    plans[3].lead.does(f"{plans[3].task('pay')}/void", {"reason": "Typed twice."})
    assert [published(house)] == [(1200, 12)], "1276.32: that one payment was up to 200 is all that anybody learns"
    right = {"outputs": {"amount": 1105.11}, "reason": "A zero was missing."}
    plans[5].lead.does(f"{plans[5].task('pay')}/correct", right)
    assert [published(house)] == [(2000, 12)], "2276.32, to the nearest 2,000: the corrected one is the largest now"
    explained = snapshot(house, period=MONTH)["explanation"]
    moved = {one["indicator"]: one["reasons"] for one in explained["changes"]}
    assert moved == {"flexible_funds_paid": ["work taken back or corrected"]}, "nothing was late, no other figure moved"
    told = {one["indicator"] for one in explained["corrections"]}
    assert told == {"flexible_funds_paid"}


def test_a_corrected_amount_is_no_case_less(house: House) -> None:
    load(house, "corrected_funds", [step("pay", form=[AMOUNT], feeds=["flexible_funds_paid"])])
    plans = [Live.begin(house, "corrected_funds") for _ in range(2)]
    for plan in plans:
        plan.works("pay", "cap", {"amount": 500})
    asked = {"after": house.sql("select max(seq) from event")[0][0]}
    right = {"outputs": {"amount": 50}, "reason": "One zero too many."}
    plans[0].lead.does(f"{plans[0].task('pay')}/correct", right)
    plans[1].lead.does(f"{plans[1].task('pay')}/void", {"reason": "Typed twice."})
    for name, column, table in (("ids", "id", "indicator"), ("periods", "period", "indicator_entry")):
        asked[name] = [str(value) for (value,) in house.sql(f"select distinct {column} from {table}")]
    rows = read(house.api, house.call("ruth.hub"), lambda tx: tx.rows(_AMOUNTS, **asked))
    assert sum(row.change for row in rows) == -95_000
    assert sum(row.cases for row in rows) == -1


_AMOUNTS = text(
    """
select c.change, c.cases
  from app.corrections(cast(:ids as uuid[]), cast(:periods as text[]), :after) c
  join indicator i on i.id = c.indicator_id
 where i.code = 'flexible_funds_paid' and c.part = 'value' and c.dimensions = '{}' and length(c.period) = 7
"""
)


def published(house: House) -> tuple[float, int]:
    """The region's amount and cases, in the newest version."""
    assert publish(house).status_code == 201
    (one,) = snapshot(house, indicator="flexible_funds_paid", period=MONTH)["indicators"]
    whole = next(figure for figure in one["figures"] if not figure["by"])
    return whole["value"], whole["denominator"]


def long_ago(house: House) -> None:
    """As if all of it had been done in the month that is published here."""
    house.sql(
        "set session_replication_role = replica;"
        f"update indicator_entry set period = '{MONTH}' where period ~ '^[0-9]{{4}}-[0-9]{{2}}$';"
        f"update indicator_total set period = '{MONTH}' where period ~ '^[0-9]{{4}}-[0-9]{{2}}$';"
        f"update event set day = '{LONG_AGO.date()}', occurred_at = '{LONG_AGO.isoformat()}'"
    )


@pytest.mark.parametrize(("amount", "says"), [(-50, "below 0"), (10.005, "whole cents"), (0.1 + 0.2, "")])
def test_an_amount_is_in_whole_cents_and_what_came_back_is_no_amount(house: House, amount: float, says: str) -> None:
    """A payment that came back was entered in error: who was paid is told from what was added alone."""
    load(house, f"came_{len(says)}", [step("pay", form=[{**AMOUNT, "minimum": -1000}])])
    plan = Live.begin(house, f"came_{len(says)}")
    worker = house.caseworker("cap")
    worker.does(f"{plan.task('pay')}/accept")
    answer = worker.post(f"{plan.task('pay')}/complete", {"outputs": {"amount": amount}})
    assert (answer.status_code == 422, says in answer.text) == (bool(says), True), answer.text
