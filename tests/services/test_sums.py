"""What was paid is counted by its amount, to the cent, and is taken back by its amount."""

from __future__ import annotations

from tests.house import House
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
