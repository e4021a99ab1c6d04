"""`concert stalled`: also a referral that its source has left lying."""

from __future__ import annotations

import json

from tests.cli.conftest import Run
from tests.house import House
from tests.services.scenes import refer, task_of


def test_a_referral_that_waits_for_its_source_is_listed(house: House, tried: Run) -> None:
    referral = refer(house, "cap", "housing")
    body = {"reason_code": "full", "reason_class": "no_capacity"}
    house.person("gwen.housing").does(f"{task_of(referral)}/decline", body)
    house.sql("update referral set due_at = now() - interval '1 hour' where id = %s", str(referral.id))
    urls = {
        "CONCERT_DATABASE_URL": house.settings.database_url,
        "CONCERT_ENGINE_DATABASE_URL": house.settings.engine_database_url,
    }
    status, said = tried("stalled", "--json", **urls)
    assert status == 0, said
    assert [item["id"] for item in json.loads(said)["items"]] == [str(referral.id)]
    status, said = tried("stalled", **urls)
    assert status == 0, said
    assert referral.reference in said
