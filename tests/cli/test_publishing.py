"""The backbone publishes a month from the terminal, after it has looked."""

from __future__ import annotations

import json

from tests.cli.conftest import Run
from tests.house import House
from tests.journeys.published import MONTH, asked, serve


def test_a_month_is_looked_at_first_and_published_then(house: House, tried: Run) -> None:
    for _ in range(12):
        serve(house, "31157")
    door = {
        "CONCERT_DATABASE_URL": house.settings.database_url,
        "CONCERT_ENGINE_DATABASE_URL": house.settings.engine_database_url,
        "CONCERT_ADMIN_DATABASE_URL": house.settings.admin_database_url,
    }
    status, said = tried("publish", MONTH, "--preview", **door)
    assert status == 0, said
    assert "Nothing was published." in said
    assert asked(house).json() == {"items": []}
    status, said = tried("publish", MONTH, "--json", **door)
    assert status == 0, said
    assert (json.loads(said)["period"], json.loads(said)["version"]) == (MONTH, 1)
    assert asked(house).json()["items"][0]["period"] == MONTH
    status, said = tried("publish", MONTH, "--as", "gwen.housing", **door)
    assert (status, "Publishing is the backbone's" in said) == (1, True)
    status, said = tried("publish", "tomorrow", **door)
    assert (status, "A period is a month" in said) == (2, True)
    status, said = tried("publish", "1999-01", **door)
    assert (status, "No indicator counted anything" in said, "concert indicators" in said) == (1, True, True)
