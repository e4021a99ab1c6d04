"""Every kind of measure, from what people do to the figure: counted by hand here, by the agenda's own rules there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from seed.agreement import agenda, amendment_of
from services.amending import amend_agenda
from services.replaying import take_over
from tests.house import House
from tests.services.plans import Live, load, step
from tests.services.scenes import proven, refer, series

FORM = [
    {"key": "visits", "kind": "number", "label": "How many visits?", "minimum": 0, "maximum": 100},
    {"key": "stable", "kind": "yes_no", "label": "Does it hold?"},
]
DONE = {"event": "task_completed", "template": "kinds"}
STABLE = {"numerator": {**DONE, "where": {"answer.stable": "yes"}},
          "denominator": {**DONE, "where": {"answer.stable": ["yes", "no"]}},
          "cases": {"event": "step_opened", "template": "kinds"}}  # fmt: skip
RULES: dict[str, dict[str, Any]] = {
    "count": {"measure": "count", **DONE},
    "sum": {"measure": "sum", **DONE, "fact": "answer.visits"},
    "clients": {"measure": "distinct", "of": "clients", **DONE},
    "agencies": {"measure": "distinct", "of": "organizations", **DONE},
    "open": {"measure": "level", "entered": {"event": "task_accepted", "template": "kinds"},
               "left": DONE},
    "stable": {"measure": "rate", **STABLE},
}  # fmt: skip


def propose(house: House, prefix: str) -> None:
    shipped = agenda()
    ((newest,),) = house.sql("select max(version) from agenda")
    like = next(one for one in shipped.indicators if one.code == "flexible_funds_paid")
    new = [replace(like, code=prefix + code, rule=rule, unit="cases") for code, rule in RULES.items()]
    found = replace(shipped, version=newest + 1, indicators=(*shipped.indicators, *new))
    assert amend_agenda(house.admin_url, amendment_of(found)).objections == []


def taken_over(house: House, prefix: str) -> None:
    for code in RULES:
        take_over(house.engine, house.admin_url, prefix + code, 1)


def figures(house: House, prefix: str = "live_") -> dict[str, Any]:
    proven(house)
    ruth, found = house.person("ruth.hub"), {}
    for code in RULES:
        (point,) = ruth.read(f"/v1/indicators/{prefix}{code}")["series"]
        found[code] = point["value"]
    return found


def test_each_kind_of_measure_tells_what_was_done_and_takes_back_what_was_an_error(house: House) -> None:
    load(house, "kinds", [step("one", form=FORM), step("two", {"organization": "housing"}, form=FORM)])
    propose(house, "live_")
    taken_over(house, "live_")
    first, second = Live.begin(house, "kinds"), Live.begin(house, "kinds")
    first.works("one", "cap", {"visits": 3, "stable": "yes"})
    first.works("two", "housing", {"visits": 4, "stable": "no"})
    second.works("one", "cap", {"visits": 5, "stable": "yes"})
    house.caseworker("housing").does(f"{second.task('two')}/accept")
    assert figures(house) == {
        "count": 3, "sum": 12, "clients": 2, "agencies": 2, "open": 1, "stable": pytest.approx(2 / 3, abs=1e-3),
    }  # fmt: skip
    for key in ("one", "two"):
        first.lead.does(f"{first.task(key)}/void", {"reason": "Never happened."})
    left = {"count": 1, "sum": 5, "clients": 1, "agencies": 1, "open": 1, "stable": 1}
    assert figures(house) == left
    propose(house, "replayed_")
    taken_over(house, "replayed_")
    assert figures(house, "replayed_") == left, "told from history it is the same"


def test_an_indicator_is_told_until_the_period_in_which_it_ends(house: House) -> None:
    """What it would have counted since is kept: whoever ended it too early sets another day."""
    refer(house, "cap", "housing")
    whole = series(house, "referrals_sent")
    (newest, _) = max(whole)
    ends = "update indicator set ends_on = date '{}-01' + {} where code = 'referrals_sent'"
    for days, told in (("0", True), ("-1", False)):
        house.sql(ends.format(newest, days))
        assert ((newest, None) in series(house, "referrals_sent")) == told
    proven(house)
    house.sql("update indicator set ends_on = null where code = 'referrals_sent'")
    assert series(house, "referrals_sent") == whole
