"""The scorecard says what each indicator says by itself, to everybody what they may know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.task import Outcome
from services.folding import fold
from services.requests import Finished
from tests.house import OUTCOME, House
from tests.services.scenes import refer, task_of

LONG_AGO = datetime.now(UTC).replace(day=10, hour=18) - timedelta(days=45)


@pytest.fixture(scope="module", params=["not folded", "half folded", "folded"])
def busy(house: House, request: pytest.FixtureRequest) -> None:
    maria, gwen = house.person("maria.cap"), house.person("gwen.housing")
    for _ in range(3):
        referral = refer(house, "cap", "housing")
        for verb, body in (("accept", None), ("contact", {"result": "reached", "channel": "phone"}), ("start", None)):
            gwen.does(f"{task_of(referral)}/{verb}", body)
        gwen.does(f"{task_of(referral)}/complete", OUTCOME)
        maria.does(f"/v1/referrals/{referral.id}/confirm", OUTCOME)
    refer(house, "shelter", "shelter", finished=Finished(Outcome.NEED_MET, LONG_AGO))
    refer(house, "housing", "housing", finished=Finished(Outcome.NEED_MET, LONG_AGO))
    if request.param == "half folded":
        fold(house.engine, 20)
    while request.param == "folded" and fold(house.engine):
        pass


@pytest.mark.parametrize("login", ["ruth.hub", "maria.cap", "carmen.shelter"])
def test_the_scorecard_says_what_each_indicator_says(house: House, busy: None, login: str) -> None:
    who = house.person(login)
    shown: dict[str, Any] = {one["code"]: one for one in who.read("/v1/scorecard")["indicators"]}
    assert set(shown) == {one["code"] for one in who.read("/v1/indicators")}
    told = 0
    for code, one in shown.items():
        grain = one["series"][0]["period"] if one["series"] else "0000-00"
        period = {} if len(grain) == 7 else {"period": "calendar_year"}
        alone = who.read(f"/v1/indicators/{code}", **period)["series"]
        assert [p | {"version": None} for p in one["series"]] == [p | {"version": None} for p in alone], code
        told += len(one["series"])
    assert told > 5


def test_only_the_newest_months_are_told(house: House, busy: None) -> None:
    month = LONG_AGO.strftime("%Y-%m")
    for periods, there in ((1, False), (3, True)):
        (met,) = [
            one
            for one in house.person("ruth.hub").read("/v1/scorecard", periods=periods)["indicators"]
            if one["code"] == "needs_met"
        ]
        assert (month in {point["period"] for point in met["series"]}) == there
    assert house.person("ruth.hub").get("/v1/scorecard", periods=0).status_code == 422
